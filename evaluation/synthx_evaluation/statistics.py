"""Statistics that know nothing of tables: distances, association, areas under curves, and their intervals.

Everything here is a pure function of arrays; each can be checked with a pencil (see the tests).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "average_precision",
    "clopper_pearson_interval",
    "cramers_v",
    "delong_variance",
    "epsilon_bound",
    "excess_p_value",
    "jackknife_variance",
    "ks_distance",
    "newcombe_interval",
    "normal_interval",
    "r_squared",
    "roc_auc",
    "score_counts",
    "tv_distance",
    "wilson_interval",
]

Z95 = 1.959963984540054
"""The 97.5% quantile of the standard normal distribution."""

Floats = NDArray[np.float64]


# -- distances between two distributions ------------------------------------------------------------------------


def tv_distance(p: Floats, q: Floats) -> Floats:
    """Total variation distance, half the sum of absolute differences.

    Parameters
    ----------
    p, q : array (..., bins)
        Probabilities; leading axes broadcast.

    Returns
    -------
    array (...)
        In [0, 1].
    """
    return np.asarray(0.5 * np.abs(p - q).sum(axis=-1))


def ks_distance(p: Floats, q: Floats) -> Floats:
    """Kolmogorov-Smirnov distance of two ordered distributions with missing values.

    The largest difference of the distribution functions, where missing is put before every value or after every
    value, whichever shows more; so a difference in missingness counts in full. Without missing values this is the
    two-sample statistic sup |F - G|.

    Parameters
    ----------
    p, q : array (..., bins + 1)
        Probabilities of the ordered bins, and of missing in the last place; leading axes broadcast.

    Returns
    -------
    array (...)
        In [0, 1].
    """
    gap = p - q  # (..., bins + 1)
    missing = gap[..., -1:]  # (..., 1)
    last = np.cumsum(gap[..., :-1], axis=-1)  # missing after every value
    first = last + missing  # missing before every value
    return np.asarray(np.abs(np.concatenate([missing, last, first], axis=-1)).max(axis=-1))


# -- association ------------------------------------------------------------------------------------------------


def cramers_v(phi2: Floats, rows: Floats, columns: Floats, n: int) -> Floats:
    """Bias-corrected Cramér's V.

    W. Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", J. Korean Stat. Soc. 42 (2013), 323-328. Under
    independence the uncorrected V of a wide table is far from 0; the corrected one is near it.

    Parameters
    ----------
    phi2 : array
        Mean square contingency, chi-squared / n.
    rows, columns : array
        Non-empty rows and columns of each table.
    n : int
        Observations.

    Returns
    -------
    array
        In [0, 1]; 0 where a table has a single row or column.
    """
    spread = max(n - 1, 1)
    corrected = np.maximum(0.0, phi2 - (rows - 1) * (columns - 1) / spread)
    smaller = np.minimum(rows - (rows - 1) ** 2 / spread, columns - (columns - 1) ** 2 / spread) - 1
    v2 = np.divide(corrected, smaller, out=np.zeros_like(corrected), where=smaller > 0)
    return np.asarray(np.sqrt(np.minimum(v2, 1.0)))


# -- areas under curves -----------------------------------------------------------------------------------------


def score_counts(
    truth: NDArray[np.bool_], levels: NDArray[np.intp], size: int, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the weight of positives and of negatives at every distinct score, lowest score first.

    Parameters
    ----------
    truth : array (n,)
        Whether each row is positive.
    levels : array (n,)
        Rank of each row's score among the distinct scores (``np.unique(..., return_inverse=True)``).
    size : int
        Number of distinct scores.
    weights : array (n,), optional
        Weight of each row; 1 by default.
    """
    ones = np.ones(len(truth)) if weights is None else weights
    positive = np.bincount(levels, weights=ones * truth, minlength=size)
    negative = np.bincount(levels, weights=ones * ~truth, minlength=size)
    return positive.astype(np.float64), negative.astype(np.float64)


def roc_auc(positive: Floats, negative: Floats) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties counting half.

    Parameters
    ----------
    positive, negative : array (scores,)
        Weights at every distinct score, lowest score first, as `score_counts` returns them; neither all zero.
    """
    below = np.cumsum(negative) - 0.5 * negative
    return float(positive @ below / (positive.sum() * negative.sum()))


def average_precision(positive: Floats, negative: Floats) -> float:
    """Average precision: precision at every distinct threshold, weighted by the recall it adds.

    Parameters
    ----------
    positive, negative : array (scores,)
        Weights at every distinct score, lowest score first, as `score_counts` returns them; `positive` not all zero.
    """
    hits, alarms = positive[::-1], (positive + negative)[::-1]
    reached = np.cumsum(alarms)
    precision = np.divide(np.cumsum(hits), reached, out=np.zeros_like(reached), where=reached > 0)
    return float(hits @ precision / hits.sum())


def delong_variance(truth: NDArray[np.bool_], score: Floats) -> float:
    """Variance of the area under the ROC curve.

    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
    operating characteristic curves", Biometrics 44 (1988), 837-845; by midranks as in X. Sun, W. Xu, IEEE Signal
    Processing Letters 21 (2014), 1389-1393.

    Parameters
    ----------
    truth : array (n,)
        Whether each row is positive; at least two of either.
    score : array (n,)
        The higher, the more likely positive.
    """
    x, y = score[truth], score[~truth]
    ranks = _midranks(np.concatenate([x, y]))
    above = (ranks[: len(x)] - _midranks(x)) / len(y)  # share of negatives below each positive
    below = 1.0 - (ranks[len(x) :] - _midranks(y)) / len(x)  # share of positives above each negative
    return float(np.var(above, ddof=1) / len(x) + np.var(below, ddof=1) / len(y))


def _midranks(values: Floats) -> Floats:
    """Return ranks from 1; tied values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - 0.5 * (counts - 1))[inverse])


def r_squared(truth: Floats, predicted: Floats, weights: Floats) -> float:
    """Coefficient of determination: the share of the weighted variance of `truth` that is explained; below 0 if none.

    Parameters
    ----------
    truth, predicted, weights : array (n,)
        `truth` not constant.
    """
    mean = weights @ truth / weights.sum()
    return float(1.0 - (weights @ (truth - predicted) ** 2) / (weights @ (truth - mean) ** 2))


# -- intervals --------------------------------------------------------------------------------------------------


def wilson_interval(hits: float, n: int) -> tuple[float, float]:
    """95% interval of a proportion.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22
    (1927), 209-212. Unlike the textbook interval it keeps its coverage at 0 and at `n` hits. Hits need not be whole:
    a mean of shares takes its own sum.
    """
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    radius = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return max(0.0, centre - radius), min(1.0, centre + radius)


def clopper_pearson_interval(hits: int, n: int) -> tuple[float, float]:
    """95% interval of a proportion that never falls short of its coverage.

    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934), 404-413. Wider than Wilson's: for claims that must hold, such as a bound of epsilon.
    """
    from scipy.stats import beta

    tail = (1 - 0.95) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high


def newcombe_interval(hits_a: int, n_a: int, hits_b: int, n_b: int) -> tuple[float, float]:
    """95% interval of the difference of two independent proportions, hits_a / n_a - hits_b / n_b.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    17 (1998), 873-890, method 10 (two Wilson intervals joined).
    """
    a, b = hits_a / n_a, hits_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson_interval(hits_a, n_a), wilson_interval(hits_b, n_b)
    return a - b - math.hypot(a - low_a, high_b - b), a - b + math.hypot(high_a - a, b - low_b)


def excess_p_value(hits_a: int, n_a: int, hits_b: int, n_b: int) -> float:
    """One-sided p-value that the first of two proportions is the larger, given the hits of both together.

    Fisher's exact test with half the probability of the table that was seen (H. O. Lancaster, "Significance tests in
    discrete distributions", J. Am. Stat. Assoc. 56 (1961), 223-234): on average 0.5 where nothing differs, which
    Fisher's own, being as large as a table is coarse, is not.
    """
    from scipy.stats import hypergeom

    law = n_a + n_b, hits_a + hits_b, n_a
    return min(1.0, float(hypergeom.sf(hits_a, *law) + 0.5 * hypergeom.pmf(hits_a, *law)))


def jackknife_variance(without: Floats) -> Floats:
    """Delete-a-group jackknife variance.

    J. Shao, D. Tu, "The Jackknife and Bootstrap", Springer 1995, section 2.3. With groups this large it also holds
    for statistics that are not smooth, such as the largest difference of two distribution functions, where the
    bootstrap would be biased upwards.

    Parameters
    ----------
    without : array (groups, ...)
        The statistic with one group of rows left out in turn; groups of equal size.
    """
    groups = len(without)
    return np.asarray((groups - 1) / groups * ((without - without.mean(axis=0)) ** 2).sum(axis=0))


def normal_interval(value: float, variance: float, *, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    """95% interval of an estimate with a normal error, cut at the statistic's own range."""
    radius = Z95 * math.sqrt(variance)
    return max(low, value - radius), min(high, value + radius)


# -- lower bounds of epsilon ------------------------------------------------------------------------------------


def epsilon_bound(true_positives: int, members: int, false_positives: int, others: int, delta: float = 0.0) -> float:
    """Lower bound of epsilon from an attack's two error rates, each at its end of a 95% interval.

    An (epsilon, delta)-private generator lets no attack have TPR > e^epsilon FPR + delta (P. Kairouz, S. Oh,
    P. Viswanath, "The composition theorem for differential privacy", ICML 2015, arXiv:1311.0776). The rates' limits
    are those of `clopper_pearson_interval`; the threshold must have been fixed before looking.

    Returns
    -------
    float
        At least 0. That it is 0 is no evidence of privacy.
    """
    low = clopper_pearson_interval(true_positives, members)[0]
    high = clopper_pearson_interval(false_positives, others)[1]
    return max(0.0, math.log((low - delta) / high)) if low > delta else 0.0
