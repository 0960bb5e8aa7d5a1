"""How many people share what is stored: each row counts, or each entity counts once however many rows it has."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sharing", "count_holders"]

Ints = NDArray[np.int64]


def count_holders(groups: Ints, size: int, holders: Ints | None) -> Ints:
    """Return by how many holders each group is held: by its rows, or by the entities that these belong to.

    Parameters
    ----------
    groups : int array, shape (rows,)
        The group of each row, from 0 to `size` - 1.
    size : int
        How many groups there are.
    holders : int array, shape (rows,), optional
        The entity of each row, from 0; without it each row is a holder.
    """
    if holders is None:
        return np.bincount(groups, minlength=size)
    most = int(holders.max(initial=0)) + 1
    pairs = np.unique(groups.astype(np.int64) * most + holders)
    return np.bincount(pairs // most, minlength=size)


@dataclasses.dataclass(frozen=True)
class Sharing:
    """Which runs of rows enough holders share.

    Parameters
    ----------
    rows : int
        How many rows there are, in an order of their own.
    least : int
        How many holders are enough.
    holders : int array, shape (rows,), optional
        The entity of each row, in that order; without it each row is a holder.
    """

    rows: int
    least: int
    holders: Ints | None = None

    def pick(self, kept: NDArray[np.bool_]) -> Sharing:
        """Return the same of some of the rows."""
        return Sharing(int(kept.sum()), self.least, None if self.holders is None else self.holders[kept])

    def is_enough(self, start: int = 0, end: int | None = None) -> bool:
        """Whether enough holders share the rows from `start` to before `end`; all rows by default."""
        end = self.rows if end is None else end
        if self.holders is None:
            return end - start >= self.least
        return _run(self.holders[start:end], self.least) <= end - start

    def end_from(self, start: int) -> int:
        """Return where the shortest run of rows from `start` on ends that enough share; past the last row if none."""
        return start + (self.least if self.holders is None else _run(self.holders[start:], self.least))

    def start_to(self, end: int) -> int:
        """Return where the shortest run of rows to before `end` starts that enough share; below 0 if none does."""
        return end - (self.least if self.holders is None else _run(self.holders[:end][::-1], self.least))


def _run(holders: Ints, least: int) -> int:
    """Return how many rows, from the first on, it takes until `least` holders are met; one more than all if never."""
    width = 4 * least  # most runs are short: only a prefix is looked at, a longer one where it does not suffice
    while True:
        firsts = np.unique(holders[:width], return_index=True)[1]
        if len(firsts) >= least:
            return int(np.partition(firsts, least - 1)[least - 1]) + 1
        if width >= len(holders):
            return len(holders) + 1
        width *= 4
