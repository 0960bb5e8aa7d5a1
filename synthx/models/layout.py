"""How codes lie in a network: columns as digits, digits as padded heads.

Codes of a column with many levels are written as two digits (``code = base * first + second``), so that a column of
50,000 levels costs a network about 450 outputs and not 50,000. Digits of like width share one padded block of outputs,
so that one softmax serves many columns and nothing loops over columns.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Digits", "Heads"]

SPLIT_ABOVE = 512
"""Columns with more codes than this are written as two digits."""


@dataclasses.dataclass(frozen=True)
class Digits:
    """The digits of coded columns.

    Parameters
    ----------
    column_sizes : tuple of int
        The number of codes of each column.

    Examples
    --------
    >>> digits = Digits((3, 1_000))
    >>> digits.sizes, digits.column
    ((3, 32, 32), (0, 1, 1))
    >>> digits.split(torch.tensor([[2, 999]]))
    tensor([[ 2, 31,  7]])
    """

    column_sizes: tuple[int, ...]

    def base(self, column: int) -> int:
        """Return by what the code of a column is divided; 1 if the column has one digit."""
        size = self.column_sizes[column]
        return math.isqrt(size - 1) + 1 if size > SPLIT_ABOVE else 1

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each digit."""
        sizes: list[int] = []
        for column, size in enumerate(self.column_sizes):
            base = self.base(column)
            sizes.extend([size] if base == 1 else [-(-size // base), base])
        return tuple(sizes)

    @cached_property
    def column(self) -> tuple[int, ...]:
        """The column that each digit belongs to."""
        return tuple(
            column for column in range(len(self.column_sizes)) for _ in range(1 if self.base(column) == 1 else 2)
        )

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The index of each column's first digit."""
        owners = self.column
        return tuple(owners.index(column) for column in range(len(self.column_sizes)))

    @cached_property
    def second(self) -> dict[int, int]:
        """The first digit of each second digit."""
        owners = self.column
        return {index: index - 1 for index in range(1, len(owners)) if owners[index] == owners[index - 1]}

    def ranks(self, column_ranks: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
        """Return where each digit's values stand in the order of its column, NaN for values outside the order.

        The first digit of two stands where its codes stand on average, the second where it stands inside the first.
        """
        ranks: list[np.ndarray | None] = []
        for column, known in enumerate(column_ranks):
            base = self.base(column)
            if known is None or base == 1:
                ranks.extend([known] * len(self.of_column(column)))
                continue
            padded = np.concatenate([known, np.full(-len(known) % base, np.nan)]).reshape(-1, base)
            filled = np.isfinite(padded)
            mean = np.where(filled, padded, 0).sum(axis=1) / np.maximum(filled.sum(axis=1), 1)
            ranks.extend([np.where(filled.any(axis=1), mean, np.nan), np.linspace(0, 1, base)])
        return ranks

    def split(self, codes: Tensor) -> Tensor:
        """Return digits (int64) of shape (rows, digits) for codes of shape (rows, columns)."""
        parts = []
        for column in range(len(self.column_sizes)):
            base, code = self.base(column), codes[:, column].long()
            parts.extend([code] if base == 1 else [code // base, code % base])
        return torch.stack(parts, dim=1)  # (B, D)

    def split_code(self, column: int, code: int) -> tuple[int, ...]:
        """Return the digits of one code of a column."""
        base = self.base(column)
        return (code,) if base == 1 else divmod(code, base)

    def of_column(self, column: int) -> range:
        """Return the indices of a column's digits."""
        first = self.first[column]
        return range(first, first + (1 if self.base(column) == 1 else 2))

    def join(self, digits: Tensor) -> Tensor:
        """Return codes of shape (rows, columns) for digits of shape (rows, digits)."""
        parts = []
        for column, first in enumerate(self.first):
            base = self.base(column)
            parts.append(digits[:, first] if base == 1 else digits[:, first] * base + digits[:, first + 1])
        return torch.stack(parts, dim=1)  # (B, K)


def _padded(size: int) -> int:
    """Return the next power of two, or one and a half of one, from 2 on: 2, 3, 4, 6, 8, 12, 16 …"""
    power = 1 << max(1, (size - 1).bit_length())
    return power * 3 // 4 if power >= 4 and size <= power * 3 // 4 else power


class Heads(nn.Module):
    """Outputs for some digits, in padded blocks.

    The outputs stand in one row of `total` places. A block is a run of them: digits of like width, each padded to a
    round width. `valid` is False on the padding.

    Parameters
    ----------
    sizes : sequence of int
        The number of values of every digit.
    digits : sequence of int, optional
        The digits to have outputs for; all, if None.
    """

    digits: Tensor
    """The digit of each head, block after block; shape (heads,)."""
    starts: Tensor
    """The first place of each head; shape (heads,)."""
    valid: Tensor
    """Whether a place stands for a value; shape (total,)."""

    def __init__(self, sizes: Sequence[int], digits: Sequence[int] | None = None) -> None:
        super().__init__()
        chosen = range(len(sizes)) if digits is None else digits
        widths = {digit: _padded(sizes[digit]) for digit in chosen}
        order = sorted(chosen, key=lambda digit: (widths[digit], digit))
        self.widths = [widths[digit] for digit in order]
        starts = [0]
        for width in self.widths:
            starts.append(starts[-1] + width)
        self.total = starts[-1]
        valid = [torch.arange(widths[digit]) < sizes[digit] for digit in order]
        self.register_buffer("digits", torch.tensor(order, dtype=torch.long), persistent=False)
        self.register_buffer("starts", torch.tensor(starts[:-1], dtype=torch.long), persistent=False)
        self.register_buffer("valid", torch.cat(valid) if valid else torch.empty(0, dtype=torch.bool), persistent=False)
        self.blocks = [(self.widths.count(width), width) for width in sorted(set(self.widths))]
        """(heads, width) of each block."""

    def places(self, digits: Sequence[int]) -> Tensor:
        """Return the places of the given digits, one after the other, padding included."""
        runs_of = dict(zip(self.digits.tolist(), zip(self.starts.tolist(), self.widths, strict=True), strict=True))
        runs = [torch.arange(start, start + width) for start, width in (runs_of[digit] for digit in digits)]
        return (torch.cat(runs) if runs else torch.empty(0, dtype=torch.long)).to(self.starts.device)

    def split(self, outputs: Tensor) -> list[Tensor]:
        """Return one view of shape (rows, heads, width) for each block of outputs of shape (rows, total)."""
        views, start = [], 0
        for heads, width in self.blocks:
            views.append(outputs[:, start : start + heads * width].unflatten(1, (heads, width)))
            start += heads * width
        return views

    def log_likelihood(self, logits: Tensor, digits: Tensor) -> Tensor:
        """Return the log-probability of each head's digit.

        Parameters
        ----------
        logits : Tensor, shape (rows, total)
            Padding holds minus infinity, or nearly so.
        digits : Tensor, shape (rows, all digits)

        Returns
        -------
        Tensor, shape (rows, heads)
        """
        chosen = digits[:, self.digits] + self.starts  # (B, H)
        normaliser = torch.cat([block.logsumexp(dim=2) for block in self.split(logits)], dim=1)  # (B, H)
        return logits.gather(1, chosen) - normaliser

    def count(self, digits: Tensor) -> Tensor:
        """Return how many rows hold each value, by its place; digits (rows, all digits) -> (total,)."""
        return torch.bincount((digits[:, self.digits] + self.starts).flatten(), minlength=self.total)

    def one_hot(self, digits: Tensor) -> Tensor:
        """Return ones at the digits' places; shape (rows, total)."""
        encoded = torch.zeros(len(digits), self.total, device=digits.device)
        return encoded.scatter_(1, digits[:, self.digits] + self.starts, 1.0)
