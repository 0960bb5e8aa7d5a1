"""What rows that a classifier was not grown on say of its odds."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

__all__ = ["Calibration", "calibrate"]

SIGNIFICANT = 2.0
"""Standard errors that the gain on held-out rows must be above nothing."""
GROUPS = 10


class Calibration(NamedTuple):
    """What held-out rows say of classifiers.

    Parameters
    ----------
    slope : float
        What the mean of the classifiers' log-odds is to be multiplied by.
    told_apart : float
        The area under the ROC curve of a classifier on rows that it was not grown on; .5 is nothing.
    error : float
        The mean distance, over ten groups of equally many rows, of the predicted share of real rows from the share.
    is_gain : bool
        Whether the log-likelihood of held-out rows is significantly above that of a coin.
    """

    slope: float
    told_apart: float
    error: float
    is_gain: bool


def calibrate(scores: np.ndarray, is_real: np.ndarray, fresh: np.ndarray) -> Calibration:
    """Find how far log-odds can be trusted.

    Parameters
    ----------
    scores : float array, shape (rows,)
        The log-odds of each row by a classifier that was not grown on it.
    is_real : bool array, shape (rows,)
    fresh : float array, shape (classifiers, drawn rows)
        The log-odds that each classifier gives new rows.

    Notes
    -----
    The slope of one classifier is that of a logistic regression on its log-odds (Platt 1999). Averaging several leaves
    their covariance with the truth as it is and takes away variance, so the slope of the mean is larger by the ratio of
    the variances.
    """
    weights = np.where(is_real, 0.5 / is_real.sum(), 0.5 / (~is_real).sum())
    target = is_real.astype(np.float64)
    slope, intercept = _logistic_line(scores, target, weights)
    odds = slope * scores + intercept
    gains = math.log(2) - (np.logaddexp(0, odds) - target * odds)
    error_of_gain = math.sqrt(sum(float(np.var(gains[side])) / side.sum() / 4 for side in (is_real, ~is_real)))
    is_gain = slope > 0 and float(weights @ gains) > SIGNIFICANT * error_of_gain
    variance = float(fresh.mean(axis=0).var())
    sharper = float(fresh.var(axis=1).mean()) / variance if variance > 0 else 1.0
    return Calibration(
        slope * sharper, _told_apart(scores, is_real), _calibration_error(odds, target, weights), is_gain
    )


def _logistic_line(scores: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of a logistic regression, by Newton's method; a slope of 0 for scores all alike."""
    if np.ptp(scores) == 0:
        return 0.0, 0.0
    inputs = np.stack([scores, np.ones(len(scores))])
    line = np.zeros(2)
    for _ in range(12):
        chance = 0.5 + 0.5 * np.tanh(0.5 * (line @ inputs))
        curvature = (inputs * (weights * chance * (1 - chance))) @ inputs.T
        line += np.linalg.solve(curvature + 1e-9 * np.eye(2), inputs @ (weights * (target - chance)))
    return float(line[0]), float(line[1])


def _told_apart(scores: np.ndarray, is_real: np.ndarray) -> float:
    """Return the area under the ROC curve, by the ranks of the real rows; ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    real = int(is_real.sum())
    return float((ranks[is_real].mean() - (real + 1) / 2) / (len(scores) - real))


def _calibration_error(odds: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    chance = 0.5 + 0.5 * np.tanh(0.5 * odds)
    shuffled = np.random.default_rng(0).permutation(len(chance))  # equal chances are not to be parted by their class
    order = shuffled[np.argsort(chance[shuffled], kind="stable")]
    parts = np.array_split(order, GROUPS)
    return float(sum(abs((weights[part] * (chance[part] - target[part])).sum()) for part in parts) / weights.sum())
