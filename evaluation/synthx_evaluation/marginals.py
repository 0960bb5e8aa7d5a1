"""Three columns at a time: the k-marginal score, and which threes are wrong.

What two columns at a time cannot show, such as an effect that only one group has, shows in three.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.contingency import MAX_LEVELS, Codes, bins_of
from synthx_evaluation.encoding import Floats
from synthx_evaluation.fidelity import GROUPS, enough_rows
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, normal_interval, tv_distance

__all__ = ["K_MARGINAL", "TRIPLES", "marginals", "threes"]

TRIPLES = Definition("FID-TRIPLES", "1.0", "Three-way marginals, weighted by association", Better.HIGHER)
K_MARGINAL = Definition("FID-KMARGINAL", "1.0", "k-marginal score of threes, 0 to 1000", Better.HIGHER)

SETS = 300
"""Sets of three columns that are looked at; all of them where there are no more."""

_MOST = 20_000
"""Rows of a table: more make the marginals hardly sharper."""

_COARSE = 5
_WORST = 10

Threes = NDArray[np.intp]


def marginals(comparison: Comparison) -> list[Measure]:
    """Compare the joint distribution of sets of three columns, up to 300 random ones.

    FID-KMARGINAL is 1000 (1 - mean total variation distance), every number cut into up to 20 quantile bins of the real
    rows (National Institute of Standards and Technology, "SDNist v2", 2023, doi:10.18434/mds2-2943): with so many
    cells even real rows are far from 1000, so look at the anchor. FID-TRIPLES cuts every column into at most five
    bins, or its four commonest levels and the others, and weighs each set by how far the three columns are from
    independent in the real rows; in [0, 1]; the worst ten are named.
    """
    tables = comparison.equal.capped(MAX_LEVELS)
    count = len(tables.columns)
    if count < 3:
        reason = f"a set of three needs three columns to learn, the schema has {count}"
        return [item.not_applicable(reason, seed=comparison.seed) for item in (TRIPLES, K_MARGINAL)]
    reference = tables.train if tables.holdout is None else tables.holdout
    bins = bins_of(tables)
    sides = [tables.synthetic, reference] if tables.holdout is None else [tables.synthetic, reference, tables.train]
    codes = [bins.codes(rows[:_MOST]) for rows in sides]
    sets = threes(count, comparison.generator("threes"))
    fine = _compare(codes, bins.sizes, sets)
    coarse, sizes = _coarsened(codes, bins.codes(tables.real), bins.sizes, tables.discrete)
    score = _record(comparison, K_MARGINAL, fine, np.ones(len(sets)), 1000.0, {"sets": len(sets)})
    found = _compare(coarse, sizes, sets)
    if found.weight.sum() <= 0:
        reason = "no three columns of the real rows are associated"
        return [TRIPLES.not_applicable(reason, seed=comparison.seed), score]
    details = {"sets": len(sets), "worst": _worst(comparison.tables.names, sets, found)}
    return [_record(comparison, TRIPLES, found, found.weight, 1.0, details), score]


def threes(columns: int, generator: np.random.Generator) -> Threes:
    """Return all sets of three columns, or `SETS` distinct random ones, (sets, 3), each in rising order."""
    if comb(columns, 3) <= SETS:
        return np.array(list(combinations(range(columns), 3)), dtype=np.intp)
    found: dict[tuple[int, ...], None] = {}
    while len(found) < SETS:
        found[tuple(sorted(generator.choice(columns, size=3, replace=False).tolist()))] = None
    return np.array(list(found), dtype=np.intp)


@dataclasses.dataclass(frozen=True, slots=True)
class _Sets:
    """One entry a set of columns; each value is 1 minus a total variation distance."""

    value: Floats
    anchor: Floats | None
    weight: Floats
    """Total variation distance of the real joint distribution from independence, (sets,)."""
    without: tuple[Floats, Floats]
    """The value with one group of synthetic, and of reference rows, left out in turn; each (groups, sets)."""


def _compare(codes: Sequence[Codes], sizes: NDArray[np.intp], sets: Threes) -> _Sets:
    """Compare synthetic with reference rows and, where they are given, training rows with them."""
    found = [_compare_set([code[list(places)] for code in codes], sizes[places]) for places in sets]
    return _Sets(
        value=np.array([part.value for part in found]),
        anchor=np.array([part.anchor for part in found]) if len(codes) > 2 else None,
        weight=np.array([part.weight for part in found]),
        without=(
            np.column_stack([part.without[0] for part in found]),
            np.column_stack([part.without[1] for part in found]),
        ),
    )


def _compare_set(codes: Sequence[Codes], sizes: NDArray[np.intp]) -> _Sets:
    cells = [np.ravel_multi_index(tuple(part), tuple(int(size) for size in sizes)) for part in codes]
    # Most cells of three fine columns are empty everywhere: only the others are numbered.
    held = np.zeros(int(np.prod(sizes)), dtype=bool)
    for part in cells:
        held[part] = True
    place, width = np.cumsum(held) - 1, int(held.sum())
    s, r = (_group_counts(place[part], width) for part in cells[:2])
    all_s, all_r = _shares(s.sum(axis=0)), _shares(r.sum(axis=0))
    train = np.bincount(place[cells[2]], minlength=width) / len(cells[2]) if len(cells) > 2 else None
    return _Sets(
        value=1.0 - tv_distance(all_s, all_r),
        anchor=None if train is None else 1.0 - tv_distance(train, all_r),
        weight=_dependence(codes[1], sizes, all_r, held),
        without=(
            1.0 - tv_distance(_shares(s.sum(axis=0) - s), all_r),
            1.0 - tv_distance(all_s, _shares(r.sum(axis=0) - r)),
        ),
    )


def _dependence(codes: Codes, sizes: NDArray[np.intp], joint: Floats, held: NDArray[np.bool_]) -> Floats:
    """Return the distance of a joint distribution from the product of its margins; cells not held have no mass."""
    a, b, c = (np.bincount(code, minlength=int(size)) / len(code) for code, size in zip(codes, sizes, strict=True))
    product = (a[:, None, None] * b[:, None] * c).ravel()
    return np.asarray(tv_distance(joint, product[held]) + 0.5 * product[~held].sum())


def _group_counts(cells: NDArray[np.intp], width: int) -> Floats:
    group = np.arange(len(cells)) * GROUPS // len(cells)
    return np.bincount(group * width + cells, minlength=GROUPS * width).reshape(GROUPS, width).astype(np.float64)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0))


# -- coarse columns ---------------------------------------------------------------------------------------------


def _coarsened(
    codes: Sequence[Codes], real: Codes, sizes: NDArray[np.intp], discrete: NDArray[np.bool_]
) -> tuple[list[Codes], NDArray[np.intp]]:
    """Join bins until a column has `_COARSE`, with missing in one of its own."""
    places = [
        _joined(np.bincount(real[j], minlength=int(size)), discrete=bool(discrete[j])) for j, size in enumerate(sizes)
    ]
    found = [np.stack([place[code] for place, code in zip(places, part, strict=True)]) for part in codes]
    return found, np.full(len(sizes), _COARSE + 1, dtype=np.intp)


def _joined(counts: NDArray[np.intp], *, discrete: bool) -> Codes:
    """Return the coarse code of every code: neighbours of as many rows for numbers, the commonest levels apart."""
    known = counts[:-1]
    if discrete:
        place = np.empty(len(known), dtype=np.int32)
        place[np.argsort(-known, kind="stable")] = np.minimum(np.arange(len(known)), _COARSE - 1)
    else:
        middle = (np.cumsum(known) - 0.5 * known) / max(int(known.sum()), 1)
        place = np.minimum((middle * _COARSE).astype(np.int32), _COARSE - 1)
    return np.append(place, np.int32(_COARSE)).astype(np.int32)


# -- records ----------------------------------------------------------------------------------------------------


def _record(
    comparison: Comparison, definition: Definition, found: _Sets, weight: Floats, scale: float, details: dict[str, Any]
) -> Measure:
    share = scale * weight / weight.sum()
    value = float(share @ found.value)
    variance = sum(float(jackknife_variance(without @ share)) for without in found.without)
    return definition.computed(
        value,
        interval=normal_interval(value, variance, high=scale) if enough_rows(comparison) else None,
        anchor=None if found.anchor is None else float(share @ found.anchor),
        n=min(len(comparison.equal.synthetic), _MOST),
        seed=comparison.seed,
        details=details,
    )


def _worst(names: tuple[str, ...], sets: Threes, found: _Sets) -> list[dict[str, Any]]:
    shortfall = found.weight * ((1.0 if found.anchor is None else found.anchor) - found.value)
    return [
        {
            "columns": [names[j] for j in sets[i]],
            "value": found.value[i],
            "anchor": None if found.anchor is None else found.anchor[i],
            "weight": found.weight[i],
        }
        for i in np.argsort(-shortfall, kind="stable")[:_WORST]
    ]
