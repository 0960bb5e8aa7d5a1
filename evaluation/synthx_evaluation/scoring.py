"""Scores of models on holdout rows that are resampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats
from synthx_evaluation.statistics import r_squared, score_counts

__all__ = ["RESAMPLES", "Counter", "absolute_error", "explained", "mean_over_classes", "middle", "resample"]

RESAMPLES = 200


class Counter:
    """One class against the rest: sorts the scores once, so that a resample costs a count."""

    def __init__(self, truth: NDArray[np.bool_], score: Floats) -> None:
        distinct, self._levels = np.unique(score, return_inverse=True)
        self._truth, self._size = truth, len(distinct)

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the weight of positives and of negatives at every distinct score."""
        return score_counts(self._truth, self._levels, self._size, weights)


def mean_over_classes(
    counters: Sequence[Counter], area: Callable[[Floats, Floats], float]
) -> Callable[[Floats], float]:
    """Return a function from weights of the holdout rows to the mean area over classes (NaN where there is none)."""

    def score(weights: Floats) -> float:
        found = [counter.counts(weights) for counter in counters]
        # A resample may lack a class; the mean is then over the others.
        areas = [area(positive, negative) for positive, negative in found if positive.any() and negative.any()]
        return float(np.mean(areas)) if areas else float("nan")

    return score


def explained(truth: Floats, predicted: Floats) -> Callable[[Floats], float]:
    """Return a function from weights of the holdout rows to R² (NaN where they hold one value)."""

    def score(weights: Floats) -> float:
        if np.ptp(truth[weights > 0]) == 0:
            return float("nan")  # a resample of one value explains nothing
        return r_squared(truth, predicted, weights)

    return score


def absolute_error(truth: Floats, predicted: Floats) -> Callable[[Floats], float]:
    """Return a function from weights of the holdout rows to the mean absolute error."""
    error = np.abs(truth - predicted)
    return lambda weights: float(weights @ error / weights.sum())


def resample(rows: int, generator: np.random.Generator) -> Floats:
    """Return how often each row is drawn when as many are drawn with replacement."""
    return np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64)


def middle(values: Floats) -> tuple[float, float] | None:
    """Return the middle 95% of resampled values."""
    if len(values) < RESAMPLES // 2:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
