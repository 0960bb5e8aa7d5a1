"""Private bounds of numbers that nobody declared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthx_privacy.gate import release

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["find_bounds"]

Floats = npt.NDArray[np.float64]

LEAST_POWER, MOST_POWER = -32, 64
"""Magnitudes below 2^-32 count as zero, those above 2^64 as 2^64."""
PARTS = 64
"""Into how many parts the range is cut to refine it."""
STRAY = 1e-3
"""Chance that any of the empty bins is taken for a filled one."""


def find_bounds(account: Account, phase: str, values: npt.NDArray[Any]) -> tuple[float, float] | None:
    """Buy a range that holds nearly all of the numbers.

    A noisy histogram over signs and powers of two, whose bins are the same for all data, gives the range from the
    lowest to the highest bin that stands out from the noise; a second one, of equal parts of that range, trims its
    ends. Each takes half of the phase's cost.

    Parameters
    ----------
    account, phase
        The planned event is a Gaussian, its noise for one number a unit.
    values : number array, shape (units,)
        NaN is left out; infinities count as the largest magnitude.

    Returns
    -------
    (float, float) or None
        None if no bin stands out: there are too few numbers for the budget, and the bounds must be declared.
    """
    coarse, fine = account.split(phase, 2)
    numbers = np.asarray(values, dtype=np.float64)
    numbers = np.clip(numbers[~np.isnan(numbers)], -(2.0**MOST_POWER), 2.0**MOST_POWER)
    edges = _octaves()
    filled = _stand_out(account, coarse, numbers, edges)
    if filled is None:
        release(
            account, fine, np.zeros(PARTS, np.int64), sensitivity=1.0, kind="counts"
        )  # charged alike, whatever came out
        return None
    low, high = float(edges[filled[0]]), float(edges[filled[1] + 1])
    parts = np.linspace(low, high, PARTS + 1)
    inside = numbers[(numbers >= low) & (numbers <= high)]
    trimmed = _stand_out(account, fine, inside, parts)
    if trimmed is None:
        return low, high
    return float(parts[trimmed[0]]), float(parts[trimmed[1] + 1])


def _octaves() -> Floats:
    """Return edges of the bins: negative powers of two, a bin around zero, positive ones."""
    powers = 2.0 ** np.arange(LEAST_POWER, MOST_POWER + 1)
    return np.concatenate([-powers[::-1], powers])


def _stand_out(account: Account, phase: str, numbers: Floats, edges: Floats) -> tuple[int, int] | None:
    """Return the first and the last bin whose noisy count stands out, or None."""
    from scipy.special import ndtri

    counts = np.histogram(numbers, edges)[0]
    noisy = release(account, phase, counts, sensitivity=1.0, kind="counts")
    threshold = -account.deviation(phase) * float(ndtri(STRAY / len(counts)))
    passing = np.flatnonzero(noisy > math.ceil(threshold))
    return (int(passing[0]), int(passing[-1])) if len(passing) else None
