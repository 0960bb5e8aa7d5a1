"""Attack by exactness: cells of a row that stand, to the last digit, together in one synthetic row.

A generator that keeps some cells of a training row and makes up the others is far from that row by every distance;
but three amounts to the cent, side by side, are no coincidence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats, Tables

__all__ = ["Cells", "agreement", "number_cells"]

Cells = NDArray[np.int32]

_DIGITS = 10
_PAIRS = 200_000


def number_cells(tables: Tables, *parts: Floats) -> tuple[list[Cells], Floats]:
    """Number the distinct cells of every column.

    Returns
    -------
    cells, weights
        Per part (d, n) numbers, equal where cells agree to ten digits; and per column (d,) its entropy among training
        and holdout rows in nats: how unlikely two rows agree by chance.
    """
    real, bounds = tables.real, np.cumsum([len(part) for part in parts])
    found = np.empty((real.shape[1], bounds[-1]), dtype=np.int32)
    weights = np.empty(real.shape[1])
    for j in range(real.shape[1]):
        column = _rounded(np.concatenate([real[:, j], *(part[:, j] for part in parts)]))
        inverse = np.unique(column, return_inverse=True)[1]
        shares = np.bincount(inverse[: len(real)]) / len(real)
        weights[j] = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
        found[j] = inverse[len(real) :]
    return [np.ascontiguousarray(part) for part in np.split(found, bounds[:-1], axis=1)], weights


def agreement(rows: Cells, others: Cells, weights: Floats) -> Floats:
    """Return the largest weight of cells that a row of `rows` (d, n) shares with one row of `others` (d, m), (n,)."""
    best = np.empty(rows.shape[1])
    size = max(1, _PAIRS // others.shape[1])
    light = weights.astype(np.float32)
    for start in range(0, rows.shape[1], size):
        chunk = rows[:, start : start + size]
        shared = np.zeros((chunk.shape[1], others.shape[1]), dtype=np.float32)
        for mine, theirs, weight in zip(chunk, others, light, strict=True):
            if weight > 0:
                shared += weight * (mine[:, None] == theirs)
        best[start : start + size] = shared.max(axis=1)
    return np.round(best, 3)  # equal sums are ties, in whatever order they were added


def _rounded(values: Floats) -> Floats:
    size = np.abs(np.where((values == 0) | np.isnan(values), 1.0, values))
    scale = 10.0 ** np.minimum(_DIGITS - 1 - np.floor(np.log10(size)), 300)
    return np.asarray(np.rint(values * scale) / scale + 0.0)
