"""How far drawn rows are from real ones, over all pairs of columns: what training stops by."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["PairDistance"]

GROUPS = 16
MOST_DIGITS = 64


class PairDistance:
    """The mean total variation distance between two sets of rows over the tables of all pairs of digits.

    Values are put into at most 16 groups of like frequency, in order. All pair tables at once are one matrix product of
    one-hot rows.

    Parameters
    ----------
    rows : int64 Tensor, shape (rows, digits)
        The rows to compare with.
    sizes : tuple of int
        The number of values of each digit.
    """

    def __init__(self, rows: Tensor, sizes: tuple[int, ...]) -> None:
        step = -(-len(sizes) // MOST_DIGITS)
        self.chosen = list(range(0, len(sizes), step))
        self.groups = [_grouping(rows[:, digit], sizes[digit]) for digit in self.chosen]
        counts = torch.tensor([int(group.max()) + 1 for group in self.groups])
        self.starts = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)[:-1]]).to(rows.device)
        self.total = int(counts.sum())
        owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
        self.owner = F.one_hot(owner, len(counts)).float().to(rows.device)  # (G, D)
        self.real = self._tables(rows)

    def __call__(self, rows: Tensor) -> float:
        """Return the distance, 0 (alike) to 1."""
        difference = (self._tables(rows) - self.real).abs()
        distances = self.owner.T @ difference @ self.owner / 2  # (D, D)
        pairs = len(distances) * (len(distances) - 1)
        if pairs == 0:
            return float(distances.sum())
        return float((distances.sum() - distances.diagonal().sum()) / pairs)

    def _tables(self, rows: Tensor) -> Tensor:
        grouped = torch.stack([group[rows[:, digit]] for digit, group in zip(self.chosen, self.groups, strict=True)], 1)
        encoded = torch.zeros(len(rows), self.total, device=rows.device)
        encoded.scatter_(1, grouped + self.starts, 1.0)
        return encoded.T @ encoded / len(rows)  # (G, G)


def _grouping(values: Tensor, size: int) -> Tensor:
    """Return the group of each value of a digit, at most `GROUPS` of them; shape (size,)."""
    if size <= GROUPS:
        return torch.arange(size, device=values.device)
    counts = torch.bincount(values, minlength=size).double()
    middle = (counts.cumsum(0) - counts / 2) / counts.sum()
    groups = (middle * GROUPS).long().clamp(0, GROUPS - 1)
    renumbered: Tensor = groups.unique(return_inverse=True)[1]
    return renumbered
