"""The one gate between data and what is published."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy import noise
from synthx_privacy.events import Selection, slack_of
from synthx_privacy.tape import answered, note, playing

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["Kind", "level_threshold", "release"]

Kind = Literal["counts", "levels", "selection"]
Integers = npt.NDArray[np.int64]


def release(account: Account, phase: str, query: Any, *, sensitivity: float, kind: Kind) -> Any:
    """Charge a phase and answer its query: the one gate between data and what is published.

    Parameters
    ----------
    account : Account
        Whose plan holds the phase.
    phase : str
        Its event says how much noise there is.
    query : array, or mapping of level to count
        What the data says: whole numbers for ``"counts"``, whole numbers by level for ``"levels"``, scores for
        ``"selection"``.
    sensitivity : float
        The most that one unit, added or removed, can change the query: in L2 for counts and levels, in any one score
        for a selection.
    kind : {"counts", "levels", "selection"}
        Discrete Gaussian noise; the same with a threshold; the exponential mechanism.

    Returns
    -------
    int array of the query's shape, dict of level to int, or int
        Noisy counts; noisy counts of the levels that pass; the index of the choice.

    Raises
    ------
    PrivacyError
        If the phase was not planned, is charged already, or is planned for another mechanism.
    ParameterError
        If the query is not of the kind, or the sensitivity is no finite number above 0.
    """
    if not (math.isfinite(sensitivity) and sensitivity > 0):
        raise ParameterError(f"the sensitivity is {sensitivity}", remedy="give a finite number above 0")
    query = _checked(query, kind)
    planned = account.event(phase)
    if isinstance(planned, Selection) != (kind == "selection"):
        raise PrivacyError(f"{phase!r} is planned as {planned!r}", remedy=f"plan the event of {kind}")
    with account.charge(phase):
        if playing():
            output = answered(phase, kind)
        elif kind == "selection":
            output = _choose(query, planned.epsilon / (2 * sensitivity))
        elif kind == "levels":
            output = _levels_above(query, account.deviation(phase, sensitivity), slack_of(planned))
        else:
            drawn = noise.fine_gaussian(account.deviation(phase, sensitivity), query.size)
            output = query + drawn.reshape(query.shape)
        note(phase, kind, query, sensitivity, output)
    return output


def _checked(query: Any, kind: Kind) -> Any:
    """Return a query as the arrays that its mechanism needs."""
    if kind == "levels":
        if not isinstance(query, Mapping):
            raise ParameterError("levels are not counted in a mapping", remedy="pass counts by level")
        return dict(query)
    array = np.asarray(query)
    if kind == "selection":
        array = array.astype(np.float64)
        if array.ndim != 1 or not array.size or not np.isfinite(array).all():
            raise ParameterError("scores are not a row of finite numbers", remedy="pass a 1-D array without NaN")
        return array
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and bool((np.abs(array) < 2**62).all()))
    if not whole or bool((array != np.rint(array)).any()):
        raise ParameterError("counts are not whole numbers", remedy="round them to a grid by noisy_values")
    return array.astype(np.int64)


def _choose(scores: npt.NDArray[np.float64], per_score: float) -> int:
    """Draw with probabilities proportional to exp(per_score · score), exactly.

    Candidates are proposed at random and accepted with probability exp(per_score · (score - best score)): the first
    that is accepted has the right distribution, as the largest of scores with Gumbel noise has, but without the
    rounding of logarithms.
    """
    best = float(scores.max())
    random = noise.SecureRandom()
    factor = Fraction(per_score)
    while True:
        proposed = random.integers(len(scores), max(64, min(1 << 16, len(scores))))

        def exact(index: int, proposed: Integers = proposed) -> Fraction:
            return factor * (Fraction(best) - Fraction(float(scores[proposed[index]])))

        accepted = np.flatnonzero(noise.happens(per_score * (best - scores[proposed]), exact))
        if len(accepted):
            return int(proposed[accepted[0]])


def level_threshold(sigma: float, delta: float) -> float:
    """Return what the noisy count of a level must exceed to be published.

    It is 1 + sigma·Φ⁻¹(1 - delta), and a half more, since noisy counts are whole numbers: one that exceeds it was, by
    its noise before rounding, above the former.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise.
    delta : float
        Chance, at most, that a level is published which one unit alone has.
    """
    from scipy.special import ndtri

    return 1.5 - sigma * float(ndtri(delta * (1 - 1e-6)))  # the share covers the grid of the noise


def _levels_above(query: Mapping[Any, int], sigma: float, delta: float) -> dict[Any, int]:
    """Return noisy counts of the levels that pass the threshold; the docstring of `discover_levels` has the proof."""
    if delta <= 0:
        raise PrivacyError("the plan sets no delta aside for a threshold", remedy="plan a stable_histogram event")
    noisy = noise.fine_gaussian(sigma, len(query)) + np.fromiter(query.values(), np.int64, len(query))
    passing = np.flatnonzero(noisy > level_threshold(sigma, delta))
    levels = list(query)
    return {levels[index]: int(noisy[index]) for index in passing}
