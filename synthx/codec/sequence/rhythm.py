"""Numbers that turn at even intervals.

A series that was interpolated from hourly values bends on the hour, and one that was carried forward changes on the
hour. How long ago it last turned then tells when it may turn next. A recurrence hardly learns to count so far where the
training sequences overlap: it is easier to know by heart which values are followed by a bend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rhythm"]

LEAST_SHARE = 0.8
"""Of the intervals between two turns, how many have to be multiples of the period."""
LONGEST = 1_440
"""The longest period that is looked for, in steps: a day of minutes."""

Turns = NDArray[np.bool_]
Counts = NDArray[np.int64]


class Rhythm(NamedTuple):
    """Which numbers turn at even intervals, and at which.

    Parameters
    ----------
    columns : tuple of int
        The indices of the numbers.
    periods : tuple of int
        Of each, in steps; at least two.
    """

    columns: tuple[int, ...] = ()
    periods: tuple[int, ...] = ()

    @classmethod
    def of(cls, turned: Turns, starts: NDArray[np.int64], *, rare_threshold: int) -> Rhythm:
        """Find the rhythm of numbers.

        Parameters
        ----------
        turned : bool array, shape (steps, numbers)
            Where each turns.
        starts : int array, shape (sequences,)
            The first step of each sequence, ascending.
        rare_threshold : int
            In how many sequences a number has to turn twice at least.
        """
        periods = [_period(column, starts, rare_threshold) for column in turned.T]
        found = [index for index, period in enumerate(periods) if period]
        return cls(tuple(found), tuple(periods[index] for index in found))

    def since(self, turned: Turns, starts: NDArray[np.int64]) -> Counts:
        """Return how many steps before each step its numbers last turned; 0 where they have not yet.

        Shapes: (steps, numbers) -> (steps, columns).
        """
        steps = np.arange(len(turned))
        first = np.zeros(len(turned), np.int64)
        first[starts] = starts
        first = np.maximum.accumulate(first)[:, None]
        last = np.where(turned[:, list(self.columns)], steps[:, None], -1)
        last = np.maximum.accumulate(last, axis=0, out=last)
        last = np.concatenate([np.full((1, last.shape[1]), -1), last])[:-1]  # what was so before the step
        found: Counts = np.where(last >= first, steps[:, None] - last, 0)
        return found

    def after(self, since: Counts, turned: Turns) -> Counts:
        """Return how many steps ago numbers last turned once one more step is taken; (n, columns)."""
        found: Counts = np.where(turned[:, list(self.columns)], 1, since + (since > 0))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"columns": list(self.columns), "periods": list(self.periods)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[int]]) -> Rhythm:
        return cls(tuple(values["columns"]), tuple(values["periods"]))


def _period(turned: NDArray[np.bool_], starts: NDArray[np.int64], rare_threshold: int) -> int:
    """Return the longest period of which most intervals between turns are multiples; 0 if there is none."""
    at = np.flatnonzero(turned)
    sequence = np.searchsorted(starts, at, side="right")
    within = sequence[1:] == sequence[:-1]
    gaps = np.diff(at)[within]
    if len(np.unique(sequence[1:][within])) < rare_threshold:
        return 0
    counts = np.bincount(gaps)
    periods = range(min(LONGEST, len(counts) - 1), 1, -1)
    return next((period for period in periods if counts[::period].sum() >= LEAST_SHARE * len(gaps)), 0)
