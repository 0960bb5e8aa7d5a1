"""What a permutation test says: how likely chance is, and what it would have noticed."""

from __future__ import annotations

import numpy as np

from synthx_evaluation.encoding import Floats

__all__ = ["noticeable", "permutation_p"]

_POWER = 0.8416212335729143
"""The 80% quantile of the standard normal distribution."""


def permutation_p(value: float, null: Floats) -> float:
    """Return the one-sided p-value of a statistic that is large under the alternative.

    The observed arrangement is one of those that chance could have made, so that p is never 0 (B. Phipson, G. K. Smyth,
    "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9 (2010), article 39).

    Parameters
    ----------
    value : float
        As observed.
    null : array (permutations,)
        Under random permutations.
    """
    return float((1 + np.count_nonzero(null >= value)) / (1 + len(null)))


def noticeable(null: Floats) -> float:
    """Return the smallest true value that a test at 5% would notice four times in five.

    The 95% quantile of the null values, and 0.84 of their standard deviations above it: as if the error were normal and
    as large under the alternative.
    """
    return float(np.quantile(null, 0.95) + _POWER * null.std())
