"""Which pairs of columns are further from real rows than real rows are from each other.

A distance of .05 is much for two columns of two levels and nothing for two of fifty. So each pair has a band of its
own: how far random divisions of the real rows are apart.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.contingency import MAX_LEVELS, Codes, Strip, bins_of, blocks_of, strip
from synthx_evaluation.encoding import Floats
from synthx_evaluation.fidelity import GROUPS
from synthx_evaluation.permutation import noticeable, permutation_p
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, normal_interval

__all__ = ["PAIRS_BAND", "band"]

PAIRS_BAND = Definition("FID-PAIRS-BAND", "1.0", "Pairs of columns outside the band of real rows", Better.LOWER)

ARRANGEMENTS = 199
_TOP = 10
"""Of 200 arrangements, those that lie outside the band of 95%."""

_BLOCKS = 40
_FEWEST = 100
_CELLS_AT_A_TIME = 2_000_000
_WORST = 10


def band(comparison: Comparison) -> list[Measure]:
    """Return the share of pairs whose distance from the holdout is outside the 95% band of real rows.

    The distance is the total variation distance of the contingency tables, as in FID-PAIRS. The band of a pair comes
    from 199 random divisions of training and holdout rows into two tables of their sizes. Fresh real rows leave 5% of
    the pairs outside. p_value compares the share with that of the 199 divisions, each treated like the synthetic rows;
    the worst ten pairs are named, by excess over the band weighted by real association.
    """
    tables, seed = comparison.equal, comparison.seed
    count = len(tables.columns)
    if count < 2:
        return [PAIRS_BAND.not_applicable(f"a pair needs two columns to learn, the schema has {count}", seed=seed)]
    if tables.holdout is None:
        return [PAIRS_BAND.not_applicable("needs a holdout to compare with", seed=seed)]
    rows = min(len(tables.synthetic), len(tables.holdout))
    if rows < _FEWEST:
        return [PAIRS_BAND.skipped(f"needs {_FEWEST} rows of each table, the smallest has {rows}", seed=seed)]
    found = _compare(comparison)
    value, null, limit = _outside(found.synthetic, found.null)
    variance = sum(float(jackknife_variance((part > limit).mean(axis=1))) for part in found.without)
    return [
        PAIRS_BAND.computed(
            value,
            interval=normal_interval(value, variance),
            anchor=_outside(found.train, found.null)[0],
            p_value=permutation_p(value, null),
            detectable=noticeable(null),
            n=len(tables.synthetic),
            seed=seed,
            details={
                "pairs": len(limit),
                "pairs_outside": int((found.synthetic > limit).sum()),
                "share_weighted_by_association": _weighted(found, limit),
                "worst": _worst(tables.names, found, limit),
            },
        )
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class _Distances:
    """Total variation distances of all pairs (i, j), i < j, from the holdout."""

    synthetic: Floats
    """(pairs,)"""
    train: Floats
    """(pairs,)"""
    null: Floats
    """Between the two tables of random divisions of the real rows, (arrangements, pairs)."""
    weight: Floats
    """Real association, (pairs,)."""
    without: tuple[Floats, Floats]
    """Of the synthetic rows with one group of them, or of holdout rows, left out in turn; each (groups, pairs)."""


def _compare(comparison: Comparison) -> _Distances:
    tables = comparison.equal.capped(MAX_LEVELS)
    assert tables.holdout is not None
    bins = bins_of(tables)
    codes = [bins.codes(rows) for rows in (tables.synthetic, tables.holdout, tables.train)]
    held = round(_BLOCKS * len(tables.holdout) / (len(tables.holdout) + len(tables.train)))
    held = min(max(held, _BLOCKS // 8), _BLOCKS - _BLOCKS // 8)
    generator = comparison.generator(PAIRS_BAND.id)
    chosen = np.zeros((ARRANGEMENTS, _BLOCKS))  # which blocks of real rows stand for the holdout
    for line in chosen:
        line[generator.permutation(_BLOCKS)[:held]] = 1.0
    parts = [_strip(codes, bins.sizes, column, held, chosen) for column in range(len(bins.sizes) - 1)]
    return _Distances(
        synthetic=np.concatenate([part.synthetic for part in parts]),
        train=np.concatenate([part.train for part in parts]),
        null=np.concatenate([part.null for part in parts], axis=1),
        weight=np.concatenate([part.weight for part in parts]),
        without=(
            np.concatenate([part.without[0] for part in parts], axis=1),
            np.concatenate([part.without[1] for part in parts], axis=1),
        ),
    )


def _strip(codes: list[Codes], sizes: NDArray[np.intp], column: int, held: int, chosen: Floats) -> _Distances:
    """Compare one column's pairs with all later columns."""
    blocks = (GROUPS, held, _BLOCKS - held)
    s, r, t = (
        strip(part, sizes, column, blocks_of(part.shape[1], count)) for part, count in zip(codes, blocks, strict=True)
    )
    real = Strip(np.concatenate([r.counts, t.counts]), r.starts)
    all_r = r.shares()
    return _Distances(
        synthetic=s.distance(s.shares(), all_r),
        train=s.distance(t.shares(), all_r),
        null=_arranged(real, chosen),
        weight=real.association(),
        without=(s.distance(s.shares_without(), all_r), s.distance(s.shares(), r.shares_without())),
    )


def _arranged(real: Strip, chosen: Floats) -> Floats:
    """Return the distance between the chosen blocks and the others, (arrangements, later columns)."""
    counts = real.counts.reshape(len(real.counts), -1)  # (blocks, cells)
    total, later = counts.sum(axis=0), len(real.starts)
    step, found = max(1, _CELLS_AT_A_TIME // counts.shape[1]), []
    for start in range(0, len(chosen), step):
        one = chosen[start : start + step] @ counts
        other = total - one
        p, q = (side * later / side.sum(axis=1, keepdims=True) for side in (one, other))
        gap = (p - q).reshape(len(one), *real.counts.shape[1:])
        found.append(real.distance(gap, np.zeros(1)))
    return np.concatenate(found)


def _outside(observed: Floats, null: Floats) -> tuple[float, Floats, Floats]:
    """Return the share of pairs outside, that of each arrangement, and the limit of each pair.

    A pair of one arrangement is outside if it is among the ten largest of the 200, the observed one included: all are
    treated alike, so that under the null each is as likely to have the largest share.
    """
    joined = np.concatenate([observed[None, :], null])
    limit = np.partition(joined, len(joined) - _TOP - 1, axis=0)[len(joined) - _TOP - 1]
    outside = (joined > limit + 1e-12).mean(axis=1)
    return float(outside[0]), outside[1:], limit + 1e-12


def _weighted(found: _Distances, limit: Floats) -> float | None:
    total = float(found.weight.sum())
    return float(found.weight @ (found.synthetic > limit)) / total if total > 0 else None


def _worst(names: tuple[str, ...], found: _Distances, limit: Floats) -> list[dict[str, Any]]:
    excess = found.synthetic - limit
    order = np.argsort(-(excess * found.weight), kind="stable")[:_WORST]
    first, second = np.triu_indices(len(names), k=1)
    return [
        {
            "columns": [names[first[i]], names[second[i]]],
            "distance": found.synthetic[i],
            "band": limit[i],
            "association": found.weight[i],
        }
        for i in order
        if excess[i] > 0
    ]
