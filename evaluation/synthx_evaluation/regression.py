"""Linear and logistic regression with standard errors, for those who look at coefficients."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.statistics import Z95

__all__ = ["Coefficients", "interval_overlap", "least_squares", "logistic"]

_STEPS = 30
_RIDGE = 1e-6
"""Penalty a row: small enough to change no digit that counts, and a singular table still has an answer."""

_FAR = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Coefficients:
    """Estimates, without the intercept's.

    Parameters
    ----------
    value, error : array (terms,)
        The coefficients and their standard errors.
    """

    value: Floats
    error: Floats

    @property
    def low(self) -> Floats:
        return np.asarray(self.value - Z95 * self.error)

    @property
    def high(self) -> Floats:
        return np.asarray(self.value + Z95 * self.error)

    @property
    def sign(self) -> Floats:
        """1 where the 95% interval is above 0, -1 where it is below, else 0; (terms,)."""
        return np.asarray((self.low > 0).astype(float) - (self.high < 0))


def least_squares(inputs: Floats, target: Floats) -> Coefficients:
    """Fit ordinary least squares with an intercept.

    Parameters
    ----------
    inputs : array (rows, terms)
        More rows than terms.
    target : array (rows,)
        What is explained.
    """
    x = np.column_stack([np.ones(len(inputs)), inputs])
    gram = x.T @ x + _RIDGE * np.eye(x.shape[1])
    inverse = np.linalg.inv(gram)
    beta = inverse @ (x.T @ target)
    free = max(len(x) - x.shape[1], 1)
    spread = float(((target - x @ beta) ** 2).sum()) / free
    return Coefficients(beta[1:], np.sqrt(spread * np.diag(inverse))[1:])


def logistic(inputs: Floats, target: Floats, start: Floats | None = None) -> tuple[Coefficients, Floats]:
    """Fit logistic regression with an intercept by Newton's method.

    Parameters
    ----------
    inputs : array (rows, terms)
        Where a term separates the classes, its coefficient is large and its error larger.
    target : array (rows,)
        0 or 1.
    start : array (terms + 1,), optional
        Where to begin.

    Returns
    -------
    coefficients, solution
        The solution (terms + 1,) is where another fit may begin.
    """
    x = np.column_stack([np.ones(len(inputs)), inputs])
    beta = np.zeros(x.shape[1]) if start is None else start
    penalty = _RIDGE * len(x)
    for _ in range(_STEPS):
        share = 1.0 / (1.0 + np.exp(-np.clip(x @ beta, -_FAR, _FAR)))
        gram = (x * (share * (1.0 - share))[:, None]).T @ x + penalty * np.eye(x.shape[1])
        step = np.linalg.solve(gram, x.T @ (target - share) - penalty * beta)
        beta = beta + step / max(1.0, float(np.abs(step).max()) / 5.0)
        if np.abs(step).max() < 1e-8:
            break
    return Coefficients(beta[1:], np.sqrt(np.diag(np.linalg.inv(gram)))[1:]), beta


def interval_overlap(real: Coefficients, other: Coefficients) -> Floats:
    """Return how much of each 95% interval the two have in common, the mean over both, (terms,).

    A. F. Karr et al., "A framework for evaluating the utility of data altered to protect confidentiality", The American
    Statistician 60 (2006), 224-232. At most 1; intervals without a common point count 0, however far they lie apart.
    Two independent samples of a size have 0.71 on average.
    """
    common = np.maximum(np.minimum(real.high, other.high) - np.maximum(real.low, other.low), 0.0)
    widths = [np.maximum(part.high - part.low, 1e-300) for part in (real, other)]
    return np.asarray(0.5 * (common / widths[0] + common / widths[1]))
