"""Merging of levels that are too rare to be counted in pairs.

A contingency table of two columns of 64 levels has 4,096 cells, most of them below the noise. What is merged here is
counted as one level when pairs are measured, and spread again by the model in proportion to the noisy one-way counts.
Everything here reads noisy counts only, so it is free post-processing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["indicator", "merge_levels", "resolutions", "sum_groups"]


def merge_levels(counts: np.ndarray, *, most: int, fewest: float, ordered: bool) -> np.ndarray:
    """Map each level to a group, so that groups are few and none is needlessly small.

    Parameters
    ----------
    counts : np.ndarray
        Noisy counts of the levels, shape (levels,); negative ones count as zero.
    most : int
        About how many groups there may be, at least 1.
    fewest : float
        A group should hold at least this many rows.
    ordered : bool
        Whether neighbouring levels may be merged. Otherwise the rarest levels share one group.

    Returns
    -------
    np.ndarray
        Group of each level, shape (levels,), numbered from 0 without gaps.

    Examples
    --------
    >>> merge_levels(np.array([50, 3, 40, 2]), most=8, fewest=10, ordered=False)
    array([0, 2, 1, 2])
    >>> merge_levels(np.array([5, 5, 6, 4]), most=2, fewest=0, ordered=True)
    array([0, 0, 1, 1])
    """
    positive = np.maximum(np.asarray(counts, dtype=np.float64), 0.0)
    if ordered:
        return _merge_neighbours(positive, max(fewest, positive.sum() / most))
    return _merge_rare(positive, most, fewest)


def _merge_rare(counts: np.ndarray, most: int, fewest: float) -> np.ndarray:
    """Keep the most frequent levels apart; the rest share the last group."""
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    kept = counts >= fewest
    if not kept.all() or len(counts) > most:
        kept &= rank < most - 1
    groups = np.full(len(counts), kept.sum(), dtype=np.int64)
    groups[kept] = np.arange(kept.sum())
    return groups


def _merge_neighbours(counts: np.ndarray, mass: float) -> np.ndarray:
    """Close a group as soon as it holds `mass`; a level that does so alone stays apart from its neighbours."""
    groups = np.zeros(len(counts), dtype=np.int64)
    group, held = 0, 0.0
    for level, count in enumerate(counts):
        if level and (held >= mass or (count >= mass and held >= mass / 3)):
            group, held = group + 1, 0.0
        groups[level] = group
        held += count
    if held < mass / 2 and group:
        groups[groups == group] = group - 1
    return groups


def resolutions(counts: np.ndarray, *, most: Sequence[int], fewest: float, ordered: bool) -> list[np.ndarray]:
    """Return maps from levels to groups, from fine to coarse; each is a merging of the one before.

    Parameters
    ----------
    counts : np.ndarray
        Noisy counts of the levels, shape (levels,).
    most : Sequence of int
        About how many groups each map may have, in falling order.
    fewest, ordered
        See `merge_levels`.
    """
    groups = np.arange(len(counts))
    maps: list[np.ndarray] = []
    for limit in most:
        held = sum_groups(counts[None, :], groups)[0]
        groups = merge_levels(held, most=limit, fewest=fewest, ordered=ordered)[groups]
        maps.append(groups)
    return maps


def sum_groups(table: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sum the last axis of a table within groups.

    **Shape**: (..., levels) and (levels,) to (..., groups).
    """
    summed: np.ndarray = table @ indicator(groups)
    return summed


def indicator(groups: np.ndarray) -> np.ndarray:
    """Return the matrix that sums levels within groups, shape (levels, groups)."""
    matrix = np.zeros((len(groups), int(groups.max()) + 1))
    matrix[np.arange(len(groups)), groups] = 1.0
    return matrix
