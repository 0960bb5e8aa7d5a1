"""What drawn numbers have to keep to: their range, and the order of columns.

A number that always follows a beat goes straight on until the next one. Whether it may go that way is decided when it
turns: it would otherwise be stopped half way, where no series ever turns. There it is also where a corner may be: wind
that was interpolated from hourly whole numbers is a whole number on the hour.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx.codec.numeric import Grid
from synthx.codec.sequence.history import History
from synthx.codec.sequence.steps import StepCodec
from synthx.codec.structure.rules import Order

__all__ = ["Limits"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Limits:
    """Keeps drawn numbers within their limits, at their step and as long as they can only go straight on.

    Parameters
    ----------
    codec : StepCodec
    """

    def __init__(self, codec: StepCodec) -> None:
        self.numbers, self.rhythm = tuple(codec.numbers.values()), codec.rhythm
        place = {name: index for index, name in enumerate(codec.numbers)}
        orders = [rule for rule in codec.table.structure.rules if isinstance(rule, Order)]
        pairs = [(place[rule.low], place[rule.high]) for rule in orders if {rule.low, rule.high} <= place.keys()]
        self.above = [[low for low, high in pairs if high == number and low < number] for number in place.values()]
        self.below = [[high for low, high in pairs if low == number and high < number] for number in place.values()]

    def keep(self, number: int, drawn: Floats, values: Floats, history: History, turns: Counts) -> Floats:
        """Return drawn values of a number, moved to the nearest that keeps to its limits; shape (n,).

        Parameters
        ----------
        number : int
        drawn : float array, shape (n,)
            NaN where missing.
        values : float array, shape (n, numbers)
            Of the step, as far as it is drawn.
        history : History
            What is known before the step.
        turns : int array, shape (n, beats)
            How many steps before it the numbers of each beat last turned.
        """
        codec, steps, last = self.numbers[number], self._straight(number, turns), history.values[:, number]
        follows, going, corners = steps > 0, ~np.isnan(last), codec.corners
        free = ~self.rhythm.off(number, turns) | np.isnan(history.swings[:, number])  # on the beat, or not yet moved
        if corners is not None:
            ends = last + steps * (drawn - last)
            wanted = corners.nearest(ends)
            rounded = (np.abs(wanted - ends) <= steps * codec.crooked) & (corners.grid.step > 0)  # shall not add up
            aims = follows & going & (free | rounded)
            drawn = np.where(aims, last + (wanted - last) / np.maximum(steps, 1), drawn)
            drawn = np.where(follows & ~going, self._on_the_way(number, corners.grid, drawn, steps), drawn)
        for others, keep in ((self.above[number], np.fmax), (self.below[number], np.fmin)):
            for other in others:
                now, before = values[:, other], history.values[:, other]
                alike = follows & free & (self._straight(other, turns) == steps)
                end = np.where(alike, before + steps * (now - before), np.nan)
                limit = keep(now, last + (end - last) / np.maximum(steps, 1))
                drawn = np.where(np.isnan(drawn), drawn, keep(drawn, limit))
        return codec.level.grid.snap(drawn)

    def _on_the_way(self, number: int, corners: Grid, drawn: Floats, steps: Counts) -> Floats:
        """Return the nearest first values that are corners, where a line ends with them, or between two of them."""
        if corners.step == 0:
            return drawn
        period = next(beat.period for beat in self.rhythm.beats if number in beat.columns)
        part = corners.step / np.where(steps == 1, 1, period)
        found: Floats = corners.base + np.rint((drawn - corners.base) / part) * part
        return found

    def _straight(self, number: int, turns: Counts) -> Counts:
        """Return for how many steps, this one included, a number goes straight on; 0 where it may turn any time."""
        for index, beat in enumerate(self.rhythm.beats):
            if beat.strict and number in beat.columns and self.numbers[number].straight:
                since = turns[:, index]
                return np.where(since > 0, beat.period - since % beat.period, 0)
        return np.zeros(len(turns), np.int64)
