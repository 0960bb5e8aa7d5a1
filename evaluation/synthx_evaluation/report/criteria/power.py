"""How many rows would do: the sample size at which a generator that leaks nothing would be shown to be within a limit.

The half-width of an interval, the smallest effect that a test notices and the luck of the best of many attacks all
shrink as one over the square root of the rows. Let a be what a generator blind to single rows scores in the end
(0.5 for an area under a curve, 0 for an excess), l the limit, w the half-width seen with n rows, b the score of fresh
real rows and d the smallest value that the test would have noticed. The upper end of the interval then falls within the
limit four times in five with::

    n' = n * max((|b - a| + w * (1 + z80 / z97.5)) / (l - a), (d - a) / (l - a)) ** 2

where z80 = 0.842 and z97.5 = 1.960 are quantiles of the standard normal distribution: the usual calculation of sample
size for an equivalence test (S.-C. Chow, J. Shao, H. Wang, "Sample Size Calculations in Clinical Research", 2008,
section 3.2), without a true difference.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from synthx_evaluation.statistics import Z95

__all__ = ["POWER", "growth", "rows_for_area", "rows_for_excess"]

POWER = 0.8
"""How often a generator that leaks nothing is to be shown to be within the limit."""

_Z_POWER = NormalDist().inv_cdf(POWER)


def growth(
    *, half_width: float, limit: float, ideal: float, fresh: float | None = None, detectable: float | None = None
) -> float:
    """Return how many times as many rows would do.

    Parameters
    ----------
    half_width : float
        From the value to the end of the interval that faces the limit; w above.
    limit, ideal : float
        l and a, which differ: rows help only towards a limit beyond the ideal.
    fresh, detectable : float, optional
        b and d, where known; in the direction of the limit.
    """
    room = abs(limit - ideal)
    reach = abs((ideal if fresh is None else fresh) - ideal) + half_width * (1 + _Z_POWER / Z95)
    noticed = 0.0 if detectable is None else abs(detectable - ideal)
    ratio = max(reach, noticed) / room
    return ratio * ratio  # infinite, where the power would overflow


def rows_for_area(limit: float) -> int:
    """Return the members, and as many non-members, that one attack needs where nothing was measured yet.

    The standard error of an area under the curve is sqrt((m + n + 1) / (12 m n)) without a leak (H. B. Mann,
    D. R. Whitney, 1947), about 1 / sqrt(6 n) for n of either.
    """
    return math.ceil(((Z95 + _Z_POWER) / (limit - 0.5)) ** 2 / 6)


def rows_for_excess(limit: float) -> int:
    """Return the rows of either kind of which none may be found for Wilson's interval to end within the limit."""
    return math.ceil(Z95**2 * (1 - limit) / limit)
