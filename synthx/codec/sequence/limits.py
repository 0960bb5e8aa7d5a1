"""What drawn numbers have to keep to: the order of columns, and the corners of lines.

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
        self.limited = [
            codec.corners is not None or bool(self.above[number] or self.below[number])
            for number, codec in enumerate(self.numbers)
        ]

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
        if not self.limited[number]:
            return drawn
        codec, steps, last = self.numbers[number], self._straight(number, turns), history.values[:, number]
        sets_out = (steps > 0) & (~self.rhythm.off(number, turns) | np.isnan(history.swings[:, number]))
        if codec.corners is not None:
            drawn = np.where(
                np.isnan(last),
                self._on_the_way(number, codec.corners.grid, drawn, steps),
                self._to_a_corner(number, drawn, last, steps, sets_out),
            )
        for others, keep in ((self.above[number], np.fmax), (self.below[number], np.fmin)):
            for other in others:
                now, before = values[:, other], history.values[:, other]
                alike = sets_out & (self._straight(other, turns) == steps)
                end = np.where(alike, before + steps * (now - before), np.nan)
                limit = keep(now, last + (end - last) / np.maximum(steps, 1))
                drawn = np.where(np.isnan(drawn), drawn, keep(drawn, limit))
        return codec.level.grid.snap(drawn)

    def _to_a_corner(
        self, number: int, drawn: Floats, last: Floats, steps: Counts, sets_out: NDArray[np.bool_]
    ) -> Floats:
        """Return the nearest values from which lines that set out end at a corner.

        Lines under way are kept to theirs: each step is rounded, which would add up.
        """
        codec = self.numbers[number]
        assert codec.corners is not None
        end = last + steps * (drawn - last)
        corner = codec.corners.nearest(end)
        on_course = (np.abs(corner - end) <= steps * codec.crooked) & (codec.corners.grid.step > 0)
        aims = (steps > 0) & (sets_out | on_course)
        return np.where(aims, last + (corner - last) / np.maximum(steps, 1), drawn)

    def _on_the_way(self, number: int, corners: Grid, drawn: Floats, steps: Counts) -> Floats:
        """Return the nearest first values that are corners, where lines end with them, or lie between two of them."""
        found = self.rhythm.strict(number)
        if corners.step == 0 or found is None:
            return drawn
        part = corners.step / np.where(steps == 1, 1, found[1].period)
        return np.where(steps > 0, corners.base + np.rint((drawn - corners.base) / part) * part, drawn)

    def _straight(self, number: int, turns: Counts) -> Counts:
        """Return for how many steps, this one included, a number goes straight on; 0 where it may turn any time."""
        found = self.rhythm.strict(number)
        if found is None or not self.numbers[number].straight:
            return np.zeros(len(turns), np.int64)
        index, beat = found
        return np.where(turns[:, index] > 0, beat.period - turns[:, index] % beat.period, 0)
