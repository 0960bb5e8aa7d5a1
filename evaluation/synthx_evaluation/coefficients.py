"""Whether a regression of synthetic rows has the coefficients of one of real rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, LevelCap, Tables
from synthx_evaluation.halves import Halves, halves
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.regression import Coefficients, interval_overlap, least_squares, logistic
from synthx_evaluation.statistics import jackknife_variance, normal_interval, wilson_interval

__all__ = ["COEFFICIENTS", "CONCLUSIONS", "coefficients"]

COEFFICIENTS = Definition("UTIL-COEF-OVERLAP", "1.0", "Regression coefficients: overlap of intervals", Better.HIGHER)
CONCLUSIONS = Definition("UTIL-COEF-SIGN", "1.0", "Regression coefficients: same conclusion", Better.HIGHER)

_GROUPS = 10
_LEVELS = 10
_FEWEST_OF_A_TERM = 20
_ROWS_A_TERM = 10
_CLIP = 5.0
_WORST = 10

_ENDLESS = 1e150
"""Error of a coefficient that the rows do not tell."""


def coefficients(comparison: Comparison) -> list[Measure]:
    """Regress the target on all other columns, in real and in synthetic rows, and compare the coefficients.

    A number by least squares, in standard deviations; a class by logistic regression: the rarer of two, or the
    commonest of more, against the rest. Terms are numbers in standard deviations, and levels against the commonest.
    UTIL-COEF-OVERLAP is the mean over terms of ½[(min u - max l)/(u_T - l_T) + (min u - max l)/(u_S - l_S)] of the 95%
    intervals (l, u), 0 where they have no common point or the synthetic rows lack the term; UTIL-COEF-SIGN is the share
    of terms of which both say the same: positive, negative, or neither for certain. Both sides have as many rows, at
    most half of the training table: the other half gives the anchor, which for the overlap is near 0.71.
    """
    definitions = (COEFFICIENTS, CONCLUSIONS)
    rows = halves(comparison, definitions)
    if isinstance(rows, list):
        return rows
    design = _Design.fit(comparison.equal, rows)
    if not design.terms:
        reason = "no column beside the target varies in the real rows"
        return [item.not_applicable(reason, seed=comparison.seed) for item in definitions]
    fit = _fitter(comparison, rows, design)
    first, synthetic, second = (fit(source) for source in rows.sources)
    overlap, anchor = _overlap(first, synthetic), _overlap(first, second)
    real_rows, made_rows = rows.sources[:2]
    variance = sum(
        float(jackknife_variance(np.array([_overlap(fit(part), other).mean() for part in _without(source)])))
        for source, other in ((made_rows, first), (real_rows, synthetic))
    )
    agree = first.sign == synthetic.sign
    common: dict[str, Any] = {"n": len(made_rows), "seed": comparison.seed}
    details = {
        "target": comparison.tables.names[rows.data.place],
        "model": "logistic" if comparison.tables.discrete[rows.data.place] else "least squares",
        "terms": len(design.terms),
        "worst": _worst(design, first, synthetic, overlap),
    }
    return [
        COEFFICIENTS.computed(
            float(overlap.mean()),
            interval=normal_interval(float(overlap.mean()), variance),
            anchor=float(anchor.mean()),
            details=details,
            **common,
        ),
        CONCLUSIONS.computed(
            float(agree.mean()),
            interval=wilson_interval(int(agree.sum()), len(agree)),
            anchor=float((first.sign == second.sign).mean()),
            details={"terms": len(agree), "opposite": int((first.sign * synthetic.sign < 0).sum())},
            **common,
        ),
    ]


def _without(rows: Floats) -> list[Floats]:
    """Return the rows with one group left out in turn."""
    group = np.arange(len(rows)) * _GROUPS // len(rows)
    return [rows[group != g] for g in range(_GROUPS)]


def _fitter(comparison: Comparison, rows: Halves, design: _Design) -> Callable[[Floats], Coefficients]:
    """Return a function from encoded rows to coefficients; a term that does not vary has 0 with an endless interval."""
    data = rows.data
    if comparison.tables.discrete[data.place]:
        levels, counts = np.unique(data.target(data.train), return_counts=True)
        chosen = levels[np.argmin(counts) if len(levels) == 2 else np.argmax(counts)]
    else:
        scale = float(data.target(data.train).std()) or 1.0
        chosen = None

    def fit(source: Floats) -> Coefficients:
        inputs = design(source)
        varies = inputs.std(axis=0) > 0
        value, error = np.zeros(len(varies)), np.full(len(varies), _ENDLESS)
        target = data.target(source) / scale if chosen is None else (data.target(source) == chosen).astype(float)
        if varies.any() and np.ptp(target) > 0:
            part = inputs[:, varies]
            found = least_squares(part, target) if chosen is None else logistic(part, target)[0]
            value[varies], error[varies] = found.value, found.error
        return Coefficients(value, error)

    return fit


def _overlap(real: Coefficients, other: Coefficients) -> Floats:
    lacking = (real.error >= _ENDLESS) | (other.error >= _ENDLESS)
    return np.where(lacking, 0.0, interval_overlap(real, other))


def _worst(design: _Design, first: Coefficients, synthetic: Coefficients, overlap: Floats) -> list[dict[str, Any]]:
    def shown(part: Coefficients, i: int) -> dict[str, Any] | None:
        if part.error[i] >= _ENDLESS:
            return None  # these rows lack the term
        return {"value": part.value[i], "low": part.low[i], "high": part.high[i]}

    return [
        {
            "term": design.terms[i].name,
            "overlap": overlap[i],
            "real": shown(first, int(i)),
            "synthetic": shown(synthetic, int(i)),
        }
        for i in np.argsort(overlap, kind="stable")[:_WORST]
    ]


# -- terms ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Term:
    """A number in standard deviations (`level` is None), or whether a cell has a level (NaN: is missing)."""

    name: str
    column: int
    level: float | None = None
    centre: float = 0.0
    scale: float = 1.0

    def __call__(self, cells: Floats) -> Floats:
        missing = np.isnan(cells)
        if self.level is None:
            filled = np.where(missing, self.centre, cells)
            return np.asarray(np.clip((filled - self.centre) / self.scale, -_CLIP, _CLIP))
        return np.asarray(missing if np.isnan(self.level) else cells == self.level, dtype=np.float64)


@dataclasses.dataclass(frozen=True, slots=True)
class _Design:
    """The terms of a regression, the same for all rows."""

    cap: LevelCap
    terms: tuple[_Term, ...]

    def __call__(self, rows: Floats) -> Floats:
        """Return (rows, terms)."""
        capped = self.cap(rows)
        return np.column_stack([term(capped[:, term.column]) for term in self.terms])

    @classmethod
    def fit(cls, tables: Tables, rows: Halves) -> _Design:
        """Choose the terms that vary in both halves of the training rows and do not follow from others."""
        capped, cap = tables.capped(_LEVELS), tables.cap(_LEVELS)
        first, second = cap(rows.data.train), cap(rows.second)
        found: list[_Term] = []
        for j in rows.features:
            terms = _levels(capped, int(j)) if tables.discrete[j] else _numbers(capped, int(j))
            found += [term for term in terms if _common(term, first) and _common(term, second)]
        most = len(first) // _ROWS_A_TERM
        if not found:
            return cls(cap, ())
        return cls(cap, tuple(_independent(found, np.concatenate([first, second]))[:most]))


def _levels(tables: Tables, j: int) -> list[_Term]:
    cells = tables.real[:, j]
    levels, counts = np.unique(cells, return_counts=True)  # NaN last
    order = np.argsort(-counts, kind="stable")[1:]
    labels = (*tables.levels[j], "missing")
    names = [labels[-1] if np.isnan(level) else labels[int(level)] for level in levels]
    return [_Term(f"{tables.names[j]} is {names[i]}", j, level=float(levels[i])) for i in order]


def _numbers(tables: Tables, j: int) -> list[_Term]:
    cells = tables.real[:, j]
    known = cells[~np.isnan(cells)]
    scale = float(known.std()) if len(known) else 0.0
    terms = [_Term(tables.names[j], j, centre=float(known.mean()), scale=scale)] if scale > 0 else []
    return [*terms, _Term(f"{tables.names[j]} is missing", j, level=np.nan)]


def _common(term: _Term, rows: Floats) -> bool:
    """Return whether enough rows have the term and enough have not, or, for a number, whether it varies."""
    values = term(rows[:, term.column])
    if term.level is None:
        return bool(values.std() > 0)
    count = values.sum()
    return bool(min(count, len(values) - count) >= _FEWEST_OF_A_TERM)


def _independent(terms: list[_Term], rows: Floats) -> list[_Term]:
    """Leave out terms that follow from those before them, as a level does that stands for another column's."""
    inputs = np.column_stack([np.ones(len(rows)), *(term(rows[:, term.column]) for term in terms)])
    inputs = inputs / np.sqrt((inputs**2).sum(axis=0))
    left: NDArray[np.float64] = np.abs(np.diag(np.linalg.qr(inputs, mode="r")))
    return [term for term, size in zip(terms, left[1:], strict=True) if size > 1e-4]
