"""Drawing codes from many small tables at once, without a loop over rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["one_hot", "patterns", "pick"]


def pick(weights: np.ndarray, index: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Draw a code in proportion to the row of weights that `index` names; None draws one from each row.

    **Shape**: (tables, size) and (rows,) to (rows,). The cumulative tables lie behind each other on one line, so that
    one binary search serves all rows.
    """
    cumulative = np.cumsum(weights, axis=1)
    total = cumulative[:, -1:]
    # A table that no row needs may hold nothing.
    cumulative = np.divide(cumulative, total, out=np.ones_like(cumulative), where=total > 0)
    index = np.arange(len(weights)) if index is None else index
    # Below 1 by more than the rounding of `index + uniform`, or a draw could fall into the next table.
    uniform = np.minimum(rng.random(len(index)), 1 - 1e-9)
    line = (cumulative + np.arange(len(weights))[:, None]).ravel()
    found = np.searchsorted(line, index + uniform, side="right") - index * weights.shape[1]
    picked: np.ndarray = found.astype(np.int32)
    return picked


def one_hot(codes: np.ndarray, size: int) -> np.ndarray:
    """Return rows that are 1 at the code and 0 elsewhere, shape (rows, size)."""
    rows: np.ndarray = np.eye(size)[codes]
    return rows


def patterns(known: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each pattern of known columns with the rows that have it."""
    packed = np.packbits(known, axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    order = np.argsort(inverse, kind="stable")
    bounds = np.cumsum(np.bincount(inverse))[:-1]
    for leader, members in zip(first, np.split(order, bounds), strict=True):
        yield known[leader], members
