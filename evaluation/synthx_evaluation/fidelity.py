"""How like the real rows the synthetic ones are: each column, and each pair of columns.

FID-SHAPE and FID-PAIRS mean the same as the column shapes and pair trends of other tools, 1 minus a distance, averaged,
apart from three points: missing is a value; numbers enter the pairs through quantile bins; and the rows compared with
are the holdout. FID-PAIRS averages over many pairs that have nothing to do with each other and that any generator gets
right; FID-PAIRS-ASSOC weights every pair by its real association and is the one to look at.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.contingency import MAX_LEVELS, Codes, Strip, bins_of, blocks_of, strip
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, ks_distance, normal_interval, tv_distance

__all__ = ["GROUPS", "PAIRS", "PAIRS_ASSOCIATED", "SHAPE", "enough_rows", "pairs", "shapes"]

SHAPE = Definition("FID-SHAPE", "1.0", "Column shapes", Better.HIGHER)
PAIRS = Definition("FID-PAIRS", "1.0", "Pair trends", Better.HIGHER)
PAIRS_ASSOCIATED = Definition("FID-PAIRS-ASSOC", "1.0", "Pair trends, weighted by association", Better.HIGHER)

GROUPS = 20
"""Groups of rows that the jackknife leaves out in turn."""

_GRID = 1000
"""Points of the distribution function that the jackknife looks at; the value itself looks at all."""

_WORST = 10


# -- columns ----------------------------------------------------------------------------------------------------


def shapes(comparison: Comparison) -> list[Measure]:
    """Compare the distribution of every column.

    1 minus the Kolmogorov-Smirnov distance for numbers and times, 1 minus the total variation distance for discrete
    columns, missing values counted as a value of their own; in [0, 1]. The value is the mean over columns.
    """
    tables = comparison.equal
    if not tables.columns:
        return [SHAPE.not_applicable("the schema has no column to learn", seed=comparison.seed)]
    anchored = tables.holdout is not None
    columns: list[_Shape] = []
    for j, column in enumerate(tables.columns):
        parts = [tables.synthetic[:, j], comparison.reference[:, j], tables.train[:, j]]
        columns.append(_shape(parts if anchored else parts[:2], ordered=not column.kind.is_discrete))
    value = float(np.mean([column.value for column in columns]))
    variance = sum(
        float(jackknife_variance(np.mean([column.without[side] for column in columns], axis=0))) for side in (0, 1)
    )
    details = {
        "reference": comparison.reference_name,
        "columns": {
            name: {
                "value": shape.value,
                "anchor": shape.anchor,
                "distance": "total variation" if column.kind.is_discrete else "Kolmogorov-Smirnov",
                "missing": shape.missing[0],
                "missing_real": shape.missing[1],
            }
            for name, shape, column in zip(tables.names, columns, tables.columns, strict=True)
        },
    }
    return [
        SHAPE.computed(
            value,
            interval=normal_interval(value, variance) if enough_rows(comparison) else None,
            anchor=float(np.mean([shape.anchor for shape in columns])) if anchored else None,
            n=len(tables.synthetic),
            seed=comparison.seed,
            details=details,
        )
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    value: float
    anchor: float | None
    missing: tuple[float, float]
    without: tuple[Floats, Floats]
    """The value with one group of synthetic, and of reference rows, left out in turn; each (groups,)."""


def _shape(parts: list[Floats], *, ordered: bool) -> _Shape:
    """Compare one column of the synthetic rows, the reference rows and, for the anchor, training rows."""
    distance = ks_distance if ordered else tv_distance
    distinct, inverse = np.unique(np.concatenate(parts), return_inverse=True)
    observed = len(distinct) - int(np.isnan(distinct[-1:]).sum())
    codes = np.split(inverse, np.cumsum([len(part) for part in parts])[:-1])  # missing has code `observed`
    synthetic, reference, *train = [np.bincount(code, minlength=observed + 1) / len(code) for code in codes]
    cells = min(observed, _GRID) if ordered else observed
    coarse = [np.where(code == observed, cells, code * cells // max(observed, 1)) for code in codes[:2]]
    groups_s, groups_r = (_group_counts(code, cells + 1) for code in coarse)
    all_s, all_r = (_shares(groups.sum(axis=0)) for groups in (groups_s, groups_r))
    return _Shape(
        value=1.0 - float(distance(synthetic, reference)),
        anchor=1.0 - float(distance(train[0], reference)) if train else None,
        missing=(float(synthetic[-1]), float(reference[-1])),
        without=(
            1.0 - distance(_shares(groups_s.sum(axis=0) - groups_s), all_r),
            1.0 - distance(all_s, _shares(groups_r.sum(axis=0) - groups_r)),
        ),
    )


def _group_counts(codes: NDArray[np.intp], cells: int) -> Floats:
    """Count codes in each group of rows, (groups, cells)."""
    group = np.arange(len(codes)) * GROUPS // len(codes)
    return np.bincount(group * cells + codes, minlength=GROUPS * cells).reshape(GROUPS, cells).astype(float)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0))


def enough_rows(comparison: Comparison) -> bool:
    """Whether every group of the jackknife holds a row."""
    return min(len(comparison.equal.synthetic), len(comparison.reference)) >= GROUPS


# -- pairs ------------------------------------------------------------------------------------------------------


def pairs(comparison: Comparison, *, leading: int | None = None) -> list[Measure]:
    """Compare the joint distribution of every pair of columns, or of every pair with one of the `leading` first ones.

    1 minus the total variation distance of the contingency tables, numbers and times cut into at most 20 quantile
    bins of the real rows, missing values in a bin of their own; in [0, 1]. Once as the plain mean over pairs, once
    weighted by the bias-corrected Cramér's V of the real rows.
    """
    count = len(comparison.tables.columns)
    if count < 2:
        reason = f"a pair needs two columns to learn, the schema has {count}"
        return [item.not_applicable(reason, seed=comparison.seed) for item in (PAIRS, PAIRS_ASSOCIATED)]
    found = _compare_pairs(comparison, min(count - 1, count if leading is None else leading))
    plain = _mean(comparison, PAIRS, found, np.ones_like(found.weight), "pair")
    if not found.weight.any():
        reason = "no two columns of the real rows are associated"
        return [plain, PAIRS_ASSOCIATED.not_applicable(reason, seed=comparison.seed)]
    return [plain, _mean(comparison, PAIRS_ASSOCIATED, found, found.weight, "association")]


@dataclasses.dataclass(frozen=True, slots=True)
class _Pairs:
    """All pairs (i, j), i < j, in the order of i, then j; of the leading columns i only where few were asked for."""

    value: Floats
    """(pairs,)"""
    anchor: Floats | None
    """(pairs,)"""
    independent: Floats
    """What independent columns with the reference's own margins would score, (pairs,)."""
    weight: Floats
    """Association in the real rows, (pairs,)."""
    without: tuple[Floats, Floats]
    """The value with one group of synthetic, and of reference rows, left out in turn; each (groups, pairs)."""


def _compare_pairs(comparison: Comparison, leading: int) -> _Pairs:
    tables = comparison.equal.capped(MAX_LEVELS)
    reference = tables.train if tables.holdout is None else tables.holdout
    bins = bins_of(tables)
    synthetic, real = bins.codes(tables.synthetic), bins.codes(reference)
    train = None if tables.holdout is None else bins.codes(tables.train)
    strips = [_compare_strip(synthetic, real, train, bins.sizes, column) for column in range(leading)]
    return _Pairs(
        value=np.concatenate([part.value for part in strips]),
        anchor=None if train is None else np.concatenate([part.anchor for part in strips if part.anchor is not None]),
        independent=np.concatenate([part.independent for part in strips]),
        weight=np.concatenate([part.weight for part in strips]),
        without=(
            np.concatenate([part.without[0] for part in strips], axis=1),
            np.concatenate([part.without[1] for part in strips], axis=1),
        ),
    )


def _compare_strip(
    synthetic: Codes, reference: Codes, train: Codes | None, sizes: NDArray[np.intp], column: int
) -> _Pairs:
    """Compare one column's pairs with all later columns."""
    s, r = (strip(codes, sizes, column, blocks_of(codes.shape[1], GROUPS)) for codes in (synthetic, reference))
    all_s, all_r = s.shares(), r.shares()
    t = None if train is None else strip(train, sizes, column, blocks_of(train.shape[1], 1))
    known = r if t is None else Strip(np.concatenate([r.counts, t.counts]), r.starts)
    return _Pairs(
        value=1.0 - s.distance(all_s, all_r),
        anchor=None if t is None else 1.0 - s.distance(t.shares(), all_r),
        independent=1.0 - r.distance(r.independent(), all_r),
        weight=known.association(),
        without=(1.0 - s.distance(s.shares_without(), all_r), 1.0 - s.distance(all_s, r.shares_without())),
    )


def _mean(comparison: Comparison, definition: Definition, found: _Pairs, weight: Floats, weighted_by: str) -> Measure:
    """Return the weighted mean over pairs as a record."""
    share = weight / weight.sum()
    value = float(share @ found.value)
    variance = sum(float(jackknife_variance(without @ share)) for without in found.without)
    return definition.computed(
        value,
        interval=normal_interval(value, variance) if enough_rows(comparison) else None,
        anchor=None if found.anchor is None else float(share @ found.anchor),
        n=len(comparison.equal.synthetic),
        seed=comparison.seed,
        details={
            "reference": comparison.reference_name,
            "pairs": len(weight),
            "weighted_by": weighted_by,
            "independent_columns": float(share @ found.independent),
            "worst": _worst(comparison.tables.names, found, share),
        },
    )


def _worst(names: tuple[str, ...], found: _Pairs, share: Floats) -> list[dict[str, Any]]:
    """Return the pairs that cost most: the weighted shortfall behind real rows, or behind 1 where none were given."""
    shortfall = share * ((1.0 if found.anchor is None else found.anchor) - found.value)
    first, second = np.triu_indices(len(names), k=1)
    return [
        {
            "columns": [names[first[i]], names[second[i]]],
            "value": found.value[i],
            "anchor": None if found.anchor is None else found.anchor[i],
            "association": found.weight[i],
        }
        for i in np.argsort(-shortfall, kind="stable")[:_WORST]
    ]
