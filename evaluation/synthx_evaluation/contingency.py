"""Contingency tables of all pairs of columns, counted column by column in blocks of rows.

For one column, the tables with all later columns are counted in one pass over the rows; memory is one such strip of
tables a block, never all pairs at once. Counting costs a step a row and pair, whatever the number of bins; a product
of one-hot matrices would cost bins squared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.statistics import cramers_v

__all__ = ["Bins", "Codes", "Strip", "bins_of", "blocks_of", "strip"]

Codes = NDArray[np.int32]

MAX_BINS = 20
MAX_LEVELS = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Bins:
    """Where the cells of each column fall.

    Parameters
    ----------
    edges : tuple
        Per column the upper edges of its bins but the last, or None for a discrete column.
    sizes : array (d,)
        Number of codes per column; the last code is missing.
    """

    edges: tuple[Floats | None, ...]
    sizes: NDArray[np.intp]

    def codes(self, matrix: Floats) -> Codes:
        """Return the code of every cell of `matrix` (rows, d), as (d, rows)."""
        codes = np.empty(matrix.shape[::-1], dtype=np.int32)
        for j, edges in enumerate(self.edges):
            values = matrix[:, j]
            missing = np.isnan(values)
            found = np.where(missing, 0, values) if edges is None else np.searchsorted(edges, values)
            codes[j] = np.where(missing, self.sizes[j] - 1, found)
        return codes


def bins_of(tables: Tables) -> Bins:
    """Cut numbers and times at quantiles of the real rows; give every level of a discrete column a bin.

    A number with at most `MAX_BINS` distinct real values has a bin for each. `tables` should be capped at
    `MAX_LEVELS`.
    """
    edges: list[Floats | None] = []
    sizes: list[int] = []
    real = tables.real
    for j, labels in enumerate(tables.levels):
        if tables.columns[j].kind.is_discrete:
            edges.append(None)
            sizes.append(len(labels) + 1)
            continue
        cuts = _cuts(real[:, j])
        edges.append(cuts)
        sizes.append(len(cuts) + 2)
    return Bins(tuple(edges), np.array(sizes, dtype=np.intp))


def _cuts(values: Floats) -> Floats:
    values = np.sort(values[~np.isnan(values)])
    distinct = np.unique(values)
    if len(distinct) <= MAX_BINS:
        return distinct[:-1]
    last = np.arange(1, MAX_BINS) * len(values) // MAX_BINS - 1  # the last row of every bin but the last
    return np.unique(values[last])


def blocks_of(rows: int, blocks: int) -> list[slice]:
    """Cut `rows` into blocks whose sizes differ by at most one."""
    ends = np.linspace(0, rows, blocks + 1).astype(int).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]


@dataclasses.dataclass(frozen=True, slots=True)
class Strip:
    """The tables of one column with all later ones, side by side.

    Parameters
    ----------
    counts : array (blocks, bins of the column, bins of all later columns)
        Counts in each block of rows.
    starts : array (later columns,)
        Where each later column's bins begin.
    """

    counts: Floats
    starts: NDArray[np.intp]

    def shares(self) -> Floats:
        """Return the share of rows in every cell, (bins, later bins)."""
        total = self.counts.sum(axis=0)
        return np.asarray(total / self._rows(total))

    def shares_without(self) -> Floats:
        """Return the shares with one block left out in turn, (blocks, bins, later bins)."""
        rest = self.counts.sum(axis=0) - self.counts
        return np.asarray(rest / np.maximum(self._rows(rest), 1.0)[..., None, None])

    def independent(self) -> Floats:
        """Return the shares that the same margins would give if the columns were independent, (bins, later bins)."""
        shares = self.shares()
        return np.asarray(self._margin(shares) * shares.sum(axis=0, keepdims=True))

    def association(self) -> Floats:
        """Return the bias-corrected Cramér's V with each later column, (later columns,)."""
        shares = self.shares()
        expected = self._margin(shares) * shares.sum(axis=0, keepdims=True)
        ratio = np.divide(shares**2, expected, out=np.zeros_like(shares), where=expected > 0)
        phi2 = np.add.reduceat(ratio.sum(axis=0), self.starts) - 1.0
        columns = np.add.reduceat((shares.sum(axis=0) > 0).astype(float), self.starts)
        rows = np.full(len(columns), float((self._margin(shares) > 0).sum()))
        return cramers_v(phi2, rows, columns, round(float(self._rows(self.counts.sum(axis=0)))))

    def distance(self, p: Floats, q: Floats) -> Floats:
        """Return the total variation distance of each pair, (..., later columns)."""
        return np.asarray(0.5 * np.add.reduceat(np.abs(p - q).sum(axis=-2), self.starts, axis=-1))

    def _rows(self, counts: Floats) -> Floats:
        """Return how many rows were counted: every row falls into each later column once."""
        return np.asarray(counts.sum(axis=(-2, -1)) / len(self.starts))

    def _margin(self, shares: Floats) -> Floats:
        return np.asarray(shares.sum(axis=1, keepdims=True) / len(self.starts))


def strip(codes: Codes, sizes: NDArray[np.intp], column: int, blocks: Sequence[slice]) -> Strip:
    """Count the tables of `column` with every later column.

    Parameters
    ----------
    codes : array (d, rows)
        As `Bins.codes` returns them.
    sizes : array (d,)
        Number of codes per column.
    column : int
        From 0 to d - 2.
    blocks : sequence of slice
        Blocks of rows that are counted apart.
    """
    later = sizes[column + 1 :]
    width = int(later.sum())
    starts = np.cumsum(later) - later
    cells = int(sizes[column]) * width
    counts = np.empty((len(blocks), cells))
    for number, block in enumerate(blocks):
        row = codes[column, block].astype(np.intp) * width  # (rows of the block,)
        cell = row + (codes[column + 1 :, block] + starts[:, None])  # (later, rows of the block)
        counts[number] = np.bincount(cell.ravel(), minlength=cells)
    return Strip(counts.reshape(len(blocks), int(sizes[column]), width), starts)
