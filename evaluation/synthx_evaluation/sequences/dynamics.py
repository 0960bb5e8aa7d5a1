"""How sequences move: autocorrelation, cross-correlation, transitions between levels, spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats, LevelCap, Tables
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.contrast import GROUPS, contrast, group_sums
from synthx_evaluation.sequences.tensor import Places, Sequences

__all__ = [
    "AUTOCORRELATION", "CROSS_CORRELATION", "TRANSITIONS", "autocorrelation", "autocorrelation_curves",
    "cross_correlation", "transitions",
]  # fmt: skip

AUTOCORRELATION = Definition("SEQ-AUTOCORRELATION", "1.0", "Autocorrelation, difference", Better.LOWER)
CROSS_CORRELATION = Definition("SEQ-CROSS-CORRELATION", "1.0", "Cross-correlation, difference", Better.LOWER)
TRANSITIONS = Definition("SEQ-TRANSITIONS", "1.0", "Transitions between levels, difference", Better.LOWER)

LAGS = 10
_FEWEST_PAIRS = 100
_MOST_LEVELS = 30
_TINY = 1e-12


# -- autocorrelation --------------------------------------------------------------------------------------------


def autocorrelation(comparison: SequenceComparison) -> list[Measure]:
    """Compare the autocorrelation of every number at lags of 1 to 10 steps.

    Cells are taken about their own sequence's mean, so that differences between sequences do not count as memory; a
    pair of cells counts where both are there. The value is the mean absolute difference over lags, then columns.
    Lags with fewer than 100 such pairs in a table are left out.
    """
    first = comparison.synthetic
    if not len(first.numbers):
        return [AUTOCORRELATION.not_applicable("no step column holds numbers", seed=comparison.seed)]

    def distance(a: Floats, b: Floats) -> Floats:
        return _mean_where_told(np.abs(_correlations(a) - _correlations(b)))

    reason = f"no number has {_FEWEST_PAIRS} pairs of neighbouring cells in each table"
    names = dict(enumerate(first.names(first.numbers)))
    details = {"lags": LAGS}
    return [contrast(comparison, AUTOCORRELATION, _lagged, distance, names, reason=reason, details=details)]


def autocorrelation_curves(sequences: Sequences) -> Floats:
    """Return the autocorrelation at lags 1 to 10 of every number, (numbers, lags); NaN where pairs are too few.

    Unlike the measure, a lag's products are divided by the squares of the very cells that are paired: few sequences
    reach a long lag, and by the spread of all others theirs would leave [-1, 1].
    """
    centred, seen = _centred(sequences)
    curves = np.full((centred.shape[1], LAGS), np.nan)
    for lag in range(1, 1 + LAGS):
        rows = sequences.pairs(lag)
        paired = seen[rows] & seen[rows + lag]
        now, later = (np.where(paired, centred[place], 0.0) for place in (rows, rows + lag))
        product, spread = (now * later).sum(axis=0), np.sqrt((now**2).sum(axis=0) * (later**2).sum(axis=0))
        found = np.divide(product, spread, out=np.zeros_like(product), where=spread > _TINY)
        curves[:, lag - 1] = np.where(paired.sum(axis=0) >= _FEWEST_PAIRS, found, np.nan)
    return curves


def _lagged(sequences: Sequences) -> Floats:
    """Add up products of cells `lag` apart, squares, and their counts; (groups, numbers, 2, 1 + lags)."""
    centred, seen = _centred(sequences)
    groups = sequences.groups(GROUPS)
    sums = np.zeros((GROUPS, centred.shape[1], 2, 1 + LAGS))
    for lag in range(1 + LAGS):
        rows = sequences.pairs(lag)
        sums[:, :, 0, lag] = group_sums(centred[rows] * centred[rows + lag], groups[rows])
        sums[:, :, 1, lag] = group_sums((seen[rows] & seen[rows + lag]).astype(np.float64), groups[rows])
    return sums


def _centred(sequences: Sequences) -> tuple[Floats, NDArray[np.bool_]]:
    """Return numbers about their own sequence's mean, 0 where missing, and which are there; both (rows, numbers)."""
    x = sequences.cells[:, sequences.numbers]
    seen = ~np.isnan(x)
    count = np.add.reduceat(seen.astype(np.float64), sequences.starts, axis=0)
    mean = np.add.reduceat(np.where(seen, x, 0.0), sequences.starts, axis=0) / np.maximum(count, 1.0)
    return np.where(seen, x - mean[sequences.owners], 0.0), seen


def _correlations(sums: Floats) -> Floats:
    """Return mean product over mean square, (..., numbers, lags); 0 for numbers that never vary within a sequence."""
    products, pairs = sums[..., 0, :], sums[..., 1, :]
    means = products / np.maximum(pairs, 1.0)
    square = means[..., :1]
    found = np.divide(means[..., 1:], square, out=np.zeros_like(means[..., 1:]), where=square > _TINY)
    return np.where(pairs[..., 1:] >= _FEWEST_PAIRS, found, np.nan)


def _mean_where_told(values: Floats) -> Floats:
    """Return the mean over the last axis without NaN; NaN where all is NaN."""
    told = ~np.isnan(values)
    total, count = np.where(told, values, 0.0).sum(axis=-1), told.sum(axis=-1)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


# -- cross-correlation ------------------------------------------------------------------------------------------


def cross_correlation(comparison: SequenceComparison) -> list[Measure]:
    """Compare the correlation of every pair of numbers at the same step, over all steps where both are there.

    The value is the mean absolute difference of Pearson's coefficients over pairs with at least 100 such steps.
    """
    first = comparison.synthetic
    if len(first.numbers) < 2:
        return [CROSS_CORRELATION.not_applicable("needs two step columns of numbers", seed=comparison.seed)]
    real = comparison.real[:, first.numbers]
    real = np.where(np.isnan(real).all(axis=0), 0.0, real)
    centre, scale = np.nanmean(real, axis=0), np.nanstd(real, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    upper = np.triu_indices(len(first.numbers), k=1)

    def sums(sequences: Sequences) -> Floats:
        x = (sequences.cells[:, sequences.numbers] - centre) / scale
        return _moments(x, sequences.groups(GROUPS))[..., upper[0], upper[1]]

    def distance(a: Floats, b: Floats) -> Floats:
        return np.abs(_pearson(a) - _pearson(b))

    labels = first.names(first.numbers)
    names = {i: f"{labels[upper[0][i]]}, {labels[upper[1][i]]}" for i in range(len(upper[0]))}
    reason = f"no two numbers stand together in {_FEWEST_PAIRS} steps of each table"
    return [contrast(comparison, CROSS_CORRELATION, sums, distance, names, reason=reason)]


def _moments(x: Floats, groups: Places) -> Floats:
    """Return counts, sums, squares and products of pairs of columns, (groups, 6, columns, columns)."""
    seen = (~np.isnan(x)).astype(np.float64)
    filled = np.nan_to_num(x)
    sums = np.zeros((GROUPS, 6, x.shape[1], x.shape[1]))
    for group in range(GROUPS):
        low, high = np.searchsorted(groups, [group, group + 1])
        m, v = seen[low:high], filled[low:high]
        one, two = v.T @ m, (v**2).T @ m
        sums[group] = m.T @ m, one, one.T, two, two.T, v.T @ v
    return sums


def _pearson(sums: Floats) -> Floats:
    """Return the correlation of each pair, (..., pairs), from moments (..., 6, pairs)."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -2, 0)
    n_or_1 = np.maximum(n, 1.0)
    covariance = xy - x * y / n_or_1
    spread = np.maximum(xx - x**2 / n_or_1, 0.0) * np.maximum(yy - y**2 / n_or_1, 0.0)
    varies = spread > (_TINY * n_or_1) ** 2
    found = np.divide(covariance, np.sqrt(spread), out=np.zeros_like(covariance), where=varies)
    return np.where(n >= _FEWEST_PAIRS, found, np.nan)


# -- transitions ------------------------------------------------------------------------------------------------


def transitions(comparison: SequenceComparison) -> list[Measure]:
    """Compare to which level every level of a discrete column leads at the next step.

    Total variation distance of each row of the transition matrix, averaged with the frequency of the row in the
    reference; missing is a level, and levels beyond the 29 most frequent are one. A level from which the synthetic
    sequences never go counts in full.
    """
    first = comparison.synthetic
    if not len(first.discrete):
        return [TRANSITIONS.not_applicable("no step column is discrete", seed=comparison.seed)]
    cap, size = _cap(comparison), _MOST_LEVELS + 1

    def sums(sequences: Sequences) -> Floats:
        return _transition_counts(sequences, cap(sequences.cells[:, sequences.discrete]), size)

    reason = "one of the tables has no entity of two steps"
    names = dict(enumerate(first.names(first.discrete)))
    return [contrast(comparison, TRANSITIONS, sums, _row_distance, names, reason=reason)]


def _cap(comparison: SequenceComparison) -> LevelCap:
    first, places = comparison.synthetic, comparison.synthetic.discrete
    columns, levels = tuple(first.columns[j] for j in places), tuple(first.levels[j] for j in places)
    real = comparison.real[:, places]
    return Tables(columns, levels, real[:0], real, None).cap(_MOST_LEVELS)


def _transition_counts(sequences: Sequences, cells: Floats, size: int) -> Floats:
    """Count steps from level to level, (groups, columns, size, size); the last level is missing."""
    rows = sequences.pairs(1)
    groups = sequences.groups(GROUPS)[rows]
    counts = np.empty((GROUPS, cells.shape[1], size, size))
    for j in range(cells.shape[1]):
        levels = np.nan_to_num(cells[:, j], nan=size - 1).astype(np.intp)
        codes = (groups * size + levels[rows]) * size + levels[rows + 1]
        counts[:, j] = np.bincount(codes, minlength=GROUPS * size * size).reshape(GROUPS, size, size)
    return counts


def _row_distance(a: Floats, b: Floats) -> Floats:
    """Return the distance of transition matrices, rows weighted as in `b`, (..., columns)."""
    from_a, from_b = a.sum(axis=-1), b.sum(axis=-1)  # (..., columns, levels)
    p, q = a / np.maximum(from_a, 1.0)[..., None], b / np.maximum(from_b, 1.0)[..., None]
    rows: NDArray[np.float64] = np.where((from_a == 0) & (from_b > 0), 1.0, 0.5 * np.abs(p - q).sum(axis=-1))
    total = from_b.sum(axis=-1)
    weighted = (rows * from_b).sum(axis=-1)
    told = (total > 0) & (from_a.sum(axis=-1) > 0)
    return np.asarray(np.divide(weighted, total, out=np.full(told.shape, np.nan), where=told))
