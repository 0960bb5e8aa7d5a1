"""Private choice of the pairs of columns that a tree model measures.

Every pair is scored at several resolutions by how much a noisy table of it would teach, beyond what is known from the
noisy one-way counts; the exponential mechanism takes one pair after the other, never closing a cycle (Kruskal), until
the tree spans all columns or nothing is worth its noise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from synthx_privacy.grouping import indicator

__all__ = ["Candidates", "choose_tree", "score_pairs"]


@dataclasses.dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs of columns at resolutions, with what the data says of them.

    Parameters
    ----------
    pairs : np.ndarray
        The two features of each candidate, shape (candidates, 2).
    resolution : np.ndarray
        Index of the resolution, shape (candidates,); 0 is the finest.
    cells : np.ndarray
        Cells of the table that would be measured, shape (candidates,).
    gaps : np.ndarray
        L1 distance of the true table to its estimate, in rows, shape (candidates,). NOT private: it may only go into
        a selection.
    """

    pairs: np.ndarray
    resolution: np.ndarray
    cells: np.ndarray
    gaps: np.ndarray


def score_pairs(
    codes: np.ndarray,
    estimates: Sequence[np.ndarray],
    maps: Sequence[Sequence[np.ndarray]],
    *,
    features: Sequence[int],
    strata: np.ndarray,
) -> Candidates:
    """Score all pairs of features at all resolutions.

    Parameters
    ----------
    codes : np.ndarray
        The table, shape (rows, columns). All of its rows are counted: a subsample would not have sensitivity 1.
    estimates : Sequence of np.ndarray
        For each feature its noisy counts by target level, non-negative, shape (strata, size of the column).
    maps : Sequence of sequences of np.ndarray
        For each feature its groups of levels from fine to coarse, see `grouping.resolutions`.
    features : Sequence of int
        The columns to pair.
    strata : np.ndarray
        Target code of each row, shape (rows,); zeros where there is no target.

    Notes
    -----
    The gap of a candidate is ``sum |n[t, a, b] - e[t, a, b]|``, with the estimate ``e = e[t, a] e[t, b] / e[t]`` made
    from noisy counts. A row that is added or removed changes ``n`` by one in one cell and ``e`` in none, since ``e`` is
    fixed before the data is looked at, so by the triangle inequality each gap changes by at most 1.

    It takes O(pairs * (rows + cells)) time: each pair is counted once at the finest resolution, coarser tables are sums
    of it. Memory is O(rows * columns) for the codes of the groups.
    """
    finest = [levels[0] for levels in maps]
    coded = [
        groups.astype(np.min_scalar_type(int(groups.max())))[np.clip(codes[:, column], 0, len(groups) - 1)]
        for column, groups in zip(features, finest, strict=True)
    ]
    held = [
        [estimate @ indicator(groups) for groups in levels] for estimate, levels in zip(estimates, maps, strict=True)
    ]
    coarser = [[indicator(_regroup(levels[0], groups)) for groups in levels] for levels in maps]
    totals = np.maximum(np.mean([estimate.sum(axis=1) for estimate in estimates], axis=0), 1e-9)
    pairs, depths, cells, gaps = [], [], [], []
    for a in range(len(features) - 1):
        left = strata.astype(np.int64) * held[a][0].shape[1] + coded[a]
        for b in range(a + 1, len(features)):
            table = _table(left, coded[b], (len(totals), held[a][0].shape[1], held[b][0].shape[1]))
            for depth in _distinct(held[a], held[b]):
                summed = table if depth == 0 else coarser[a][depth].T @ table @ coarser[b][depth]
                estimate = held[a][depth][:, :, None] * (held[b][depth] / totals[:, None])[:, None, :]
                pairs.append((a, b))
                depths.append(depth)
                cells.append(estimate.size)
                gaps.append(float(np.abs(summed - estimate).sum()))
    return Candidates(np.array(pairs).reshape(-1, 2), np.array(depths), np.array(cells), np.array(gaps))


def _table(left: np.ndarray, right: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Count rows by stratum, group of the one and group of the other feature."""
    cell = left * shape[2] + right
    return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)


def _regroup(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Return the coarse group of each fine group."""
    groups = np.empty(int(fine.max()) + 1, dtype=np.int64)
    groups[fine] = coarse
    return groups


def _distinct(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> list[int]:
    """Return the resolutions at which the table of two columns differs from the one before."""
    shapes = [(one.shape[1], other.shape[1]) for one, other in zip(left, right, strict=True)]
    return [depth for depth, shape in enumerate(shapes) if depth == 0 or shape != shapes[depth - 1]]


def choose_tree(
    candidates: Candidates,
    *,
    columns: int,
    penalty: Callable[[np.ndarray], np.ndarray],
    select: Callable[..., int],
    together: Sequence[int] = (),
) -> list[int]:
    """Choose candidates that form a forest.

    Parameters
    ----------
    candidates : Candidates
        What may be chosen.
    columns : int
        Number of features.
    penalty : callable
        From numbers of cells to the error that measuring them would bring, in rows.
    select : callable
        ``select(round, scores)`` returns the index of one score by the exponential mechanism with sensitivity 1. The
        last score is that of stopping, 0.
    together : Sequence of int
        Features that count as one: no two of them are joined by a chain of pairs.

    Returns
    -------
    list of int
        Indices of the candidates chosen, at most ``columns - 1``, or fewer by one for each feature but the first that
        is taken together.
    """
    scores = candidates.gaps - penalty(candidates.cells)
    component = np.arange(columns)
    component[list(together)] = min(together, default=0)
    chosen: list[int] = []
    for turn in range(len(np.unique(component)) - 1):
        ends = component[candidates.pairs]
        open_ones = np.flatnonzero(ends[:, 0] != ends[:, 1])
        index = select(turn, np.append(scores[open_ones], 0.0))
        if index == len(open_ones):
            break
        chosen.append(int(open_ones[index]))
        one, other = component[candidates.pairs[chosen[-1]]]
        component[component == other] = one
    return chosen
