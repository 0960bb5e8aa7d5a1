"""Whether the rare small and large numbers are where real rows have them.

The Kolmogorov-Smirnov distance hardly sees tails: a hundredth of the rows moves it by at most a hundredth, however far
they lie off.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.fidelity import GROUPS
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, normal_interval

__all__ = ["TAILS", "tails"]

TAILS = Definition("FID-TAILS", "1.0", "Tails: error of the 1% and 99% quantiles, in IQR", Better.LOWER)

FEWEST = 100
"""Known cells of a column: of fewer, the first percentile is only the smallest."""

MOST = 10.0
"""Interquartile ranges at which an error is cut: one absurd column must not hide all others."""

_POINTS = (0.01, 0.99)


def tails(comparison: Comparison) -> list[Measure]:
    """Compare the 1% and 99% quantiles of numbers and times.

    The mean over columns and both quantiles of |q_S - q_N|, in interquartile ranges of the real rows (where these are
    0, in standard deviations), each error cut at 10.
    """
    tables, seed = comparison.equal, comparison.seed
    places = np.flatnonzero(~tables.discrete) if tables.columns else np.empty(0, dtype=np.intp)
    if not len(places):
        return [TAILS.not_applicable("the schema has no number or time to learn", seed=seed)]
    anchored = tables.holdout is not None
    found: dict[str, _Tails] = {}
    for j in places:
        parts = [rows[~np.isnan(rows[:, j]), j] for rows in (tables.synthetic, comparison.reference, tables.train)]
        scale = _scale(comparison.tables.real[:, j])
        if min(map(len, parts)) >= FEWEST and scale > 0:
            found[tables.names[j]] = _compare(parts[0], parts[1], parts[2] if anchored else None, scale)
    if not found:
        reason = f"no number that varies is known in {FEWEST} rows of each table"
        return [TAILS.skipped(reason, seed=seed)]
    value = float(np.mean([column.errors for column in found.values()]))
    variance = sum(
        float(jackknife_variance(np.mean([column.without[side] for column in found.values()], axis=0)))
        for side in (0, 1)
    )
    return [
        TAILS.computed(
            value,
            interval=normal_interval(value, variance, high=MOST),
            anchor=float(np.mean([column.anchor for column in found.values()])) if anchored else None,
            n=len(tables.synthetic),
            seed=seed,
            details={
                "columns": {
                    name: {"low": column.errors[0], "high": column.errors[1], "anchor": column.anchor}
                    for name, column in found.items()
                },
                "left_out": [tables.names[j] for j in places if tables.names[j] not in found],
            },
        )
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class _Tails:
    errors: Floats
    """At the two quantiles, (2,)."""
    anchor: float | None
    without: tuple[Floats, Floats]
    """The mean error with one group of synthetic, and of reference rows, left out in turn; each (groups,)."""


def _compare(synthetic: Floats, real: Floats, train: Floats | None, scale: float) -> _Tails:
    s, r = (np.quantile(part, _POINTS) for part in (synthetic, real))
    return _Tails(
        errors=_errors(s, r, scale),
        anchor=None if train is None else float(_errors(np.quantile(train, _POINTS), r, scale).mean()),
        without=(
            _errors(_without(synthetic), r, scale).mean(axis=1),
            _errors(_without(real), s, scale).mean(axis=1),
        ),
    )


def _errors(quantiles: Floats, real: Floats, scale: float) -> Floats:
    return np.asarray(np.minimum(np.abs(quantiles - real) / scale, MOST))


def _without(values: Floats) -> Floats:
    """Return the quantiles with one group of rows left out in turn, (groups, 2)."""
    group = np.arange(len(values)) * GROUPS // len(values)
    return np.stack([np.quantile(values[group != g], _POINTS) for g in range(GROUPS)])


def _scale(values: Floats) -> float:
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) or float(values.std())
