"""What is known of each number before a step: its last observed value, and how long ago that was."""

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
    times : float array, shape (steps, columns)
        When it was observed.
    """

    values: Floats
    times: Floats

    @classmethod
    def empty(cls, steps: int, columns: int) -> History:
        return cls(np.full((steps, columns), np.nan), np.zeros((steps, columns)))

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
        row = np.arange(steps)[:, None]
        last = np.maximum.accumulate(np.where(np.isnan(values), -1, row), axis=0)
        last = np.concatenate([np.full((1, columns), -1), last[:-1]])  # what was observed before the step
        known = last >= first
        column = np.arange(columns)[None, :]
        return cls(np.where(known, values[last, column], np.nan), np.where(known, clock[last], 0.0))

    def after(self, values: Floats, clock: Floats) -> History:
        """Return what is known after a step of values, shape (steps, columns), at the times `clock`, (steps,)."""
        observed = ~np.isnan(values)
        return History(np.where(observed, values, self.values), np.where(observed, clock[:, None], self.times))
