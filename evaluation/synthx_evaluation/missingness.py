"""Whether cells are missing as often as in real rows, and together with the same others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.fidelity import GROUPS, enough_rows
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, normal_interval

__all__ = ["MISSING_PATTERN", "MISSING_SHARE", "missingness", "phi"]

MISSING_SHARE = Definition("FID-MISSING-SHARE", "1.0", "Missing cells: difference of shares", Better.LOWER)
MISSING_PATTERN = Definition("FID-MISSING-PATTERN", "1.0", "Missing together: difference of phi", Better.LOWER)

_WORST = 10


def missingness(comparison: Comparison) -> list[Measure]:
    """Compare how often each column is missing, and which columns are missing together.

    FID-MISSING-SHARE is the mean of |P_S(missing) - P_N(missing)| over the columns in which any table misses a cell, in
    [0, 1]. FID-MISSING-PATTERN is the mean of |phi_S - phi_N| over the pairs of columns of which real rows miss some,
    but not all cells; phi is the correlation of the two indicators of missing, 0 where one of them is constant; in
    [0, 2].
    """
    tables, seed = comparison.equal, comparison.seed
    if not tables.columns:
        reason = "the schema has no column to learn"
        return [item.not_applicable(reason, seed=seed) for item in (MISSING_SHARE, MISSING_PATTERN)]
    synthetic, real, train = (np.isnan(part) for part in (tables.synthetic, comparison.reference, tables.train))
    some = np.flatnonzero(synthetic.any(axis=0) | real.any(axis=0) | train.any(axis=0))
    if not len(some):
        reason = "no column misses a cell"
        return [item.not_applicable(reason, seed=seed) for item in (MISSING_SHARE, MISSING_PATTERN)]
    return [
        _shares(comparison, some, synthetic[:, some], real[:, some], train[:, some]),
        _patterns(comparison, synthetic, real, train),
    ]


def _shares(
    comparison: Comparison,
    columns: NDArray[np.intp],
    synthetic: NDArray[np.bool_],
    real: NDArray[np.bool_],
    train: NDArray[np.bool_],
) -> Measure:
    """Compare the shares; the last three arguments are (rows, len(columns))."""
    s, r, t = (part.mean(axis=0) for part in (synthetic, real, train))
    gap = np.abs(s - r)
    names = comparison.tables.names
    worst = [int(i) for i in np.argsort(-gap, kind="stable")[:_WORST]]
    variance = sum(
        float(jackknife_variance(np.abs(_without(part.astype(float)) - other).mean(axis=1)))
        for part, other in ((synthetic, r), (real, s))
    )
    return MISSING_SHARE.computed(
        float(gap.mean()),
        interval=normal_interval(float(gap.mean()), variance) if enough_rows(comparison) else None,
        anchor=None if comparison.tables.holdout is None else float(np.abs(t - r).mean()),
        n=len(synthetic),
        seed=comparison.seed,
        details={
            "columns": len(columns),
            "worst": [{"column": names[columns[i]], "synthetic": s[i], "real": r[i]} for i in worst],
        },
    )


def _patterns(
    comparison: Comparison, synthetic: NDArray[np.bool_], real: NDArray[np.bool_], train: NDArray[np.bool_]
) -> Measure:
    known = np.isnan(comparison.tables.real)
    columns = np.flatnonzero(known.any(axis=0) & ~known.all(axis=0))
    if len(columns) < 2:
        reason = f"real rows miss cells in {len(columns)} columns, and it takes two to be missing together"
        return MISSING_PATTERN.not_applicable(reason, seed=comparison.seed)
    first, second = np.triu_indices(len(columns), k=1)
    s, r, t = (part[:, columns].astype(float) for part in (synthetic, real, train))
    phi_s, phi_r, phi_t = (phi(part.mean(axis=0), part.T @ part / len(part)) for part in (s, r, t))
    gap = np.abs(phi_s - phi_r)[first, second]
    variance = sum(
        float(jackknife_variance(np.abs(_phi_without(part) - other)[:, first, second].mean(axis=1)))
        for part, other in ((s, phi_r), (r, phi_s))
    )
    names = comparison.tables.names
    return MISSING_PATTERN.computed(
        float(gap.mean()),
        interval=normal_interval(float(gap.mean()), variance, high=2.0) if enough_rows(comparison) else None,
        anchor=None if comparison.tables.holdout is None else float(np.abs(phi_t - phi_r)[first, second].mean()),
        n=len(s),
        seed=comparison.seed,
        details={
            "pairs": len(first),
            "worst": [
                {
                    "columns": [names[columns[first[i]]], names[columns[second[i]]]],
                    "synthetic": phi_s[first[i], second[i]],
                    "real": phi_r[first[i], second[i]],
                }
                for i in np.argsort(-gap, kind="stable")[:_WORST]
            ],
        },
    )


def phi(share: Floats, both: Floats) -> Floats:
    """Return the correlation of indicators from the share of each and of each pair; 0 where one is constant.

    Parameters
    ----------
    share : array (..., k)
        How often each indicator is set.
    both : array (..., k, k)
        How often each two are set together.
    """
    spread = np.sqrt(np.maximum(share * (1.0 - share), 0.0))
    scale = spread[..., :, None] * spread[..., None, :]
    covariance = both - share[..., :, None] * share[..., None, :]
    found = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 1e-12)
    return np.asarray(np.clip(found, -1.0, 1.0))


def _without(rows: Floats) -> Floats:
    """Return the column means with one group of rows left out in turn, (groups, k)."""
    sums, sizes = _group_sums(rows), _group_sizes(len(rows))
    return np.asarray((sums.sum(axis=0) - sums) / np.maximum(len(rows) - sizes, 1.0)[:, None])


def _phi_without(rows: Floats) -> Floats:
    """Return phi with one group of rows left out in turn, (groups, k, k)."""
    parts = np.array_split(rows, GROUPS)
    both = np.stack([part.T @ part for part in parts])
    rest = np.maximum(len(rows) - np.array([len(part) for part in parts]), 1.0)
    sums = np.stack([part.sum(axis=0) for part in parts])
    return phi((sums.sum(axis=0) - sums) / rest[:, None], (both.sum(axis=0) - both) / rest[:, None, None])


def _group_sums(rows: Floats) -> Floats:
    return np.stack([part.sum(axis=0) for part in np.array_split(rows, GROUPS)])


def _group_sizes(rows: int) -> Floats:
    return np.array([len(part) for part in np.array_split(np.empty(rows), GROUPS)], dtype=np.float64)
