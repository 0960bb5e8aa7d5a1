"""What is known of each number before a step: its last observed value, how it moved, and how long ago that was."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["History"]

Floats = NDArray[np.float64]


class History(NamedTuple):
    """What is known before each of some steps.

    Parameters
    ----------
    values : float array, shape (steps, columns)
        The last observed value of each column, NaN where there is none.
    slopes : float array, shape (steps, columns)
        By how much that exceeded the value observed before it; 0 where fewer than two are known.
    times : float array, shape (steps, columns)
        When it was observed.
    """

    values: Floats
    slopes: Floats
    times: Floats

    @classmethod
    def empty(cls, steps: int, columns: int) -> History:
        return cls(np.full((steps, columns), np.nan), np.zeros((steps, columns)), np.zeros((steps, columns)))

    @classmethod
    def before_steps(cls, values: Floats, clock: Floats, starts: NDArray[np.int64]) -> History:
        """Return what is known before each step of some sequences that stand one after the other.

        Parameters
        ----------
        values : float array, shape (steps, columns)
            NaN where missing.
        clock : float array, shape (steps,)
            The time of each step.
        starts : int array, shape (sequences,)
            The first step of each sequence, ascending.
        """
        steps, columns = values.shape
        first = np.zeros(steps, np.int64)
        first[starts] = starts
        first = np.maximum.accumulate(first)[:, None]
        column = np.arange(columns)[None, :]
        last = np.where(np.isnan(values), -1, np.arange(steps)[:, None])
        last = np.maximum.accumulate(last, axis=0, out=last)
        last = np.concatenate([np.full((1, columns), -1), last[:-1]])  # what was observed before the step
        last[last < first] = -1
        before = last[last, column]  # and what before that; of no row, the last row's answer stands here
        known, twice = last >= 0, (last >= 0) & (before >= first)
        found = values[last, column]
        slopes = np.where(twice, found - values[before, column], 0.0)
        return cls(np.where(known, found, np.nan), slopes, np.where(known, clock[last], 0.0))

    def pick(self, steps: NDArray[np.int64] | slice) -> History:
        """Return what is known before some of the steps."""
        return History(self.values[steps], self.slopes[steps], self.times[steps])

    def after(self, values: Floats, clock: Floats) -> History:
        """Return what is known after a step of values, shape (steps, columns), at the times `clock`, (steps,)."""
        observed = ~np.isnan(values)
        slopes = np.where(observed, np.nan_to_num(values - self.values), self.slopes)
        return History(np.where(observed, values, self.values), slopes, np.where(observed, clock[:, None], self.times))
