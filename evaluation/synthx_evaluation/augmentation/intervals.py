"""Intervals of differences over folds, and choices that do not look at the fold that is scored."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats

__all__ = ["Difference", "chosen_elsewhere", "corrected_difference"]


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over folds with its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def corrected_difference(differences: Floats, test_share: float) -> Difference:
    """Return the mean of paired differences with an interval that knows that training parts overlap.

    C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003), 239-281: the variance
    of the mean of J differences is (1/J + n_test/n_train) times their variance, with Student's t of J - 1 degrees.

    Parameters
    ----------
    differences : array (J,)
        One a fold, at least two.
    test_share : float
        Rows of a test part over rows of a training part.
    """
    from scipy.stats import t

    count, mean = len(differences), float(np.mean(differences))
    error = math.sqrt((1 / count + test_share) * float(np.var(differences, ddof=1)))
    radius = float(t.ppf(0.975, count - 1)) * error
    return Difference(mean, mean - radius, mean + radius)


def chosen_elsewhere(values: Floats, repeat: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each fold the candidate that is best on the other folds of its repeat, (folds,).

    The best of many candidates on the very rows that it is then scored on looks better than it is, the more so the
    more candidates there are. Chosen on other test parts, a candidate has no luck to take along; and both sides of a
    comparison choose in this way, so neither has the advantage of more candidates.

    Parameters
    ----------
    values : array (candidates, folds)
        The higher, the better.
    repeat : array (folds,)
        To which repeat each fold belongs; at least two folds each.
    """
    chosen = np.empty(values.shape[1], dtype=np.intp)
    for fold in range(values.shape[1]):
        others = (repeat == repeat[fold]) & (np.arange(values.shape[1]) != fold)
        chosen[fold] = values[:, others].mean(axis=1).argmax()
    return chosen
