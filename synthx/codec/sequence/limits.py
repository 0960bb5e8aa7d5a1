"""What drawn numbers have to keep to: their range, and the order of columns.

A number that follows a beat goes straight on until the next one. Whether it may go that way is decided when it turns:
it would otherwise be stopped half way, where no series ever turns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
        self.numbers, self.beats = tuple(codec.numbers.values()), codec.rhythm.beats
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
        bounds, steps = self.numbers[number].bounds, self._straight(number, turns)
        last = np.where(steps > 1, history.values[:, number], np.nan)
        if bounds is not None and (steps > 1).any():
            low, high = (last + (bound - last) / steps for bound in bounds)
            drawn = np.where(np.isnan(last), drawn, np.clip(drawn, low, high))
        for others, keep in ((self.above[number], np.fmax), (self.below[number], np.fmin)):
            for other in others:
                now, before = values[:, other], history.values[:, other]
                end = before + self._straight(other, turns) * (now - before)
                alike = self._straight(other, turns) == steps
                limit = keep(now, np.where(alike, last + (end - last) / steps, np.nan))
                drawn = np.where(np.isnan(drawn), drawn, keep(drawn, limit))
        grid = self.numbers[number].level.grid
        return grid.snap(drawn)

    def _straight(self, number: int, turns: Counts) -> Counts:
        """Return for how many steps, this one included, a number goes straight on; 1 where it may turn any time."""
        for index, beat in enumerate(self.beats):
            if beat.strict and number in beat.columns and self.numbers[number].straight:
                since = turns[:, index]
                return np.where(since > 0, beat.period - since % beat.period, 1)
        return np.ones(len(turns), np.int64)
