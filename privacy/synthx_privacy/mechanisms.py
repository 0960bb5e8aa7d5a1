"""Queries that may touch the data. All of them pass one gate, `release`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy.bounds import find_bounds
from synthx_privacy.events import slack_of
from synthx_privacy.gate import level_threshold, release
from synthx_privacy.tape import Release, Tape, recording, replaying

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = [
    "Release",
    "Tape",
    "discover_levels",
    "find_bounds",
    "level_threshold",
    "noisy_counts",
    "noisy_values",
    "recording",
    "release",
    "replaying",
    "select",
]

Integers = npt.NDArray[np.int64]


def noisy_counts(account: Account, phase: str, counts: npt.ArrayLike, sensitivity: float = 1.0) -> Integers:
    """Return counts with Gaussian noise.

    Parameters
    ----------
    account, phase
        The planned Gaussian event's noise multiplier, times the sensitivity, is the standard deviation.
    counts : array of whole numbers, any shape
        Their cells must not depend on the data.
    sensitivity : float
        In L2: the root of the number of cells in which a unit counts one.

    Returns
    -------
    int array of the same shape
        May be negative.
    """
    noisy: Integers = release(account, phase, counts, sensitivity=sensitivity, kind="counts")
    return noisy


def noisy_values(
    account: Account, phase: str, values: npt.ArrayLike, sensitivity: float, grid: float
) -> npt.NDArray[np.float64]:
    """Return sums or other real numbers with Gaussian noise, on a grid.

    Parameters
    ----------
    account, phase
        As for `noisy_counts`.
    values : float array, any shape
        Finite; their number must not depend on the data.
    sensitivity : float
        Of the values, in L2.
    grid : float
        Values are rounded to multiples of it. Rounding moves each by at most half a step, on the data and on its
        neighbour, so the L2 sensitivity, and the noise with it, grows by ``grid · sqrt(number of values)``: choose a
        grid that is small beside ``sensitivity / sqrt(number of values)``.

    Returns
    -------
    float array of the same shape
        Multiples of the grid.
    """
    array = np.asarray(values, dtype=np.float64)
    fits = math.isfinite(grid) and grid > 0 and bool((np.abs(array) < grid * 2**52).all())  # false for NaN
    if not fits:
        raise ParameterError(
            f"values cannot be rounded to a grid of {grid}", remedy="give finite values and a grid above 0 that suits"
        )
    rounded = np.rint(array / grid).astype(np.int64)
    on_grid = sensitivity / grid + math.sqrt(max(1, array.size))
    noisy: Integers = release(account, phase, rounded, sensitivity=on_grid, kind="counts")
    on_the_grid: npt.NDArray[np.float64] = noisy.astype(np.float64) * float(grid)
    return on_the_grid


def select(account: Account, phase: str, scores: npt.ArrayLike, sensitivity: float = 1.0) -> int:
    """Choose one candidate by the exponential mechanism.

    Parameters
    ----------
    account, phase
        The planned event is a `Selection`.
    scores : float array, shape (candidates,)
        Probabilities are proportional to ``exp(epsilon · score / (2 · sensitivity))``.
    sensitivity : float
        The most that one unit changes any score.

    Returns
    -------
    int
        Index of the choice.
    """
    return int(release(account, phase, scores, sensitivity=sensitivity, kind="selection"))


def discover_levels(
    account: Account, phase: str, values: npt.NDArray[Any], most: int = 64, delta: float | None = None
) -> list[Any]:
    """Buy the levels of a column that nobody declared: those that enough units have.

    A stability-based histogram (Korolova et al. 2009, doi:10.1145/1526709.1526733; with Gaussian noise as in Wilson
    et al. 2020, doi:10.2478/popets-2020-0025). It is private with the epsilon of its Gaussian and ``delta`` more:
    take two columns of which one has one value more, of level v. If v occurs in both, both histograms have the same
    levels and differ by 1 in one count, so noise and threshold are a Gaussian mechanism and post-processing. If v
    occurs in the longer one only, its count there is 1, and all else is distributed alike; v is published if
    1 + noise exceeds the threshold, whose probability is at most delta.

    Parameters
    ----------
    account, phase
        The planned event is a `stable_histogram`; its slack is the delta, and its noise is for one level a unit.
    values : array, shape (units,)
        One level a unit, missing ones left out.
    most : int
        At most so many are kept, those of the largest noisy counts.
    delta : float, optional
        What the plan sets aside, to make sure of it.

    Returns
    -------
    list
        Levels by falling noisy count; possibly none.

    Raises
    ------
    PrivacyError
        If the plan sets aside less than `delta`.
    """
    planned = slack_of(account.event(phase))
    if planned <= 0 or (delta is not None and delta < planned):
        raise PrivacyError(
            f"the plan of {phase!r} sets delta {planned:g} aside for its threshold", remedy="plan a stable_histogram"
        )
    levels, counts = np.unique(np.asarray(values), return_counts=True)
    query = dict(zip(levels.tolist(), counts.tolist(), strict=True))
    kept: dict[Any, int] = release(account, phase, query, sensitivity=1.0, kind="levels")
    ranked = sorted(kept, key=lambda level: (-kept[level], str(level)))
    return ranked[:most]
