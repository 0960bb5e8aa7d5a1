"""Distances between rows of mixed columns: exact, in chunks, on a scale that training and holdout rows share.

A row becomes numbers of which every column adds at most 1 to a distance, ``sum_j min(|a_j - b_j|, 1)``: level numbers
add 1 where they differ, ranks or scores what lies between them, and a missing cell 1 beside any value and 0 beside
another missing one. One formula serves all geometries, and no cell, however far out, can stretch the scale of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats, Tables

__all__ = ["GEOMETRIES", "Cells", "Geometry", "binned", "blocks", "ranked", "scored"]

Cells = NDArray[np.float32]
Geometry = Callable[[Tables], Callable[[Floats], Cells]]

_MISSING = -1_000.0
_BINS = 20
_CELLS = 250_000
"""Distances of a block: it and its work space stay in the processor's cache."""


def ranked(tables: Tables) -> Callable[[Floats], Cells]:
    """Return the geometry of ranks: a number is its place among real rows, from 0 to 1, ties at their middle."""
    return _geometry(tables, _ranks)


def scored(tables: Tables) -> Callable[[Floats], Cells]:
    """Return the geometry of scores: a number is counted in twice the distance between its quartiles."""
    return _geometry(tables, _scores)


def binned(tables: Tables) -> Callable[[Floats], Cells]:
    """Return the geometry of bins: a number is one of twenty bins that hold as many real rows, and they differ or not."""
    return _geometry(tables, _bin_numbers)


GEOMETRIES: dict[str, Geometry] = {"ranks": ranked, "scores": scored, "bins": binned}


def _geometry(tables: Tables, scale: Callable[[Floats], Callable[[Floats], Floats]]) -> Callable[[Floats], Cells]:
    """Fit `scale` to every number of the real rows; the result turns rows (rows, d) into cells (d, rows)."""
    real = tables.real
    scales = [None if column.kind.is_discrete else scale(_known(real[:, j])) for j, column in enumerate(tables.columns)]

    def cells(rows: Floats) -> Cells:
        found = np.empty((len(scales), len(rows)), dtype=np.float32)
        for j, of_column in enumerate(scales):
            values = rows[:, j]
            seen = ~np.isnan(values)
            found[j] = _MISSING
            found[j, seen] = values[seen] if of_column is None else of_column(values[seen])
        return found

    return cells


def _known(values: Floats) -> Floats:
    known = np.sort(values[~np.isnan(values)])
    return known if len(known) else np.zeros(1)


def _ranks(known: Floats) -> Callable[[Floats], Floats]:
    return lambda x: (np.searchsorted(known, x) + np.searchsorted(known, x, side="right")) / (2 * len(known))


def _scores(known: Floats) -> Callable[[Floats], Floats]:
    low, median, high = np.quantile(known, [0.25, 0.5, 0.75])
    width = high - low
    if not width > 0:  # more than half of the cells are alike
        low, high = np.quantile(known, [0.01, 0.99])
        width = high - low if high > low else known[-1] - known[0]
    scale = 2 * width if width > 0 else 1.0
    return lambda x: np.clip((x - median) / scale, -100.0, 100.0)


def _bin_numbers(known: Floats) -> Callable[[Floats], Floats]:
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return lambda x: np.searchsorted(edges, x, side="right").astype(np.float64)


def blocks(rows: Cells, others: Cells) -> Iterator[tuple[slice, Cells]]:
    """Yield the distances of some rows to all others, until all rows had their turn.

    Parameters
    ----------
    rows, others : array (d, n), (d, m)
        Cells of one geometry.

    Yields
    ------
    places, distances : slice, array (places, m)
        The array is used again for the next block.
    """
    size = max(1, min(rows.shape[1], _CELLS // max(others.shape[1], 1)))
    total, gap = (np.empty((size, others.shape[1]), dtype=np.float32) for _ in range(2))
    for start in range(0, rows.shape[1], size):
        places = slice(start, min(start + size, rows.shape[1]))
        here = total[: places.stop - start]
        here.fill(0.0)
        for one, other in zip(rows, others, strict=True):
            here += column_gap(one[places], other, gap)
        yield places, here


def column_gap(one: Cells, other: Cells, space: Cells) -> Cells:
    """Return what one column adds to the distances, (rows, m), written into `space`."""
    gap = space[: len(one)]
    np.subtract(one[:, None], other[None, :], out=gap)
    np.abs(gap, out=gap)
    return np.minimum(gap, 1.0, out=gap)
