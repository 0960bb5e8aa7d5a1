"""Is every unit in every batch with the probability that is booked, independently of all others?

Poisson sampling is what the accountant of private descent assumes. What is common instead (shuffled batches, samplers
that prefer rare rows, batches that are used twice) has no such guarantee, and looks the same in a training log.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from synthx_privacy.audit.finding import Finding, verdict

__all__ = ["audit_inclusion"]

RATE, GROUP, EACH, SIZE, STEPS = "sampler.rate", "sampler.group", "sampler.unit", "sampler.size", "sampler.steps"
FALSE_ALARM = 1e-6
"""Chance that a sound sampler fails one of the tests."""

Indices = npt.NDArray[np.int64]


def audit_inclusion(
    batches: Iterable[Indices], units: int, rate: float, *, groups: Mapping[str, Indices] | None = None
) -> list[Finding]:
    """Compare the batches of a sampler with Poisson draws.

    Parameters
    ----------
    batches : iterable of int arrays
        Some hundred; each holds the units drawn.
    units : int
        How many there are.
    rate : float
        The chance that is booked, above 0 and below 1.
    groups : mapping of str to int array, optional
        Units whose chance is tested by themselves: rows with a rare level, say.

    Returns
    -------
    list of Finding
        On the rate of all and of each group, on each unit's count, on the variance of batch sizes, and on repetitions
        in the next step. Each fails for a sound sampler with probability `FALSE_ALARM`.
    """
    drawn = _table(batches, units)
    counts = drawn.sum(axis=0, dtype=np.int64)
    findings = [_of_group(RATE, "all units", counts, len(drawn), rate)]
    for name, members in (groups or {}).items():
        findings.append(_of_group(GROUP, name, counts[members], len(drawn), rate))
    findings.append(_of_each(counts, len(drawn), rate))
    findings.append(_of_sizes(drawn.sum(axis=1, dtype=np.int64), units, rate))
    findings.append(_of_steps(drawn, rate))
    return findings


def _table(batches: Iterable[Indices], units: int) -> npt.NDArray[np.int64]:
    """Return how often each unit is in each batch, shape (steps, units)."""
    return np.stack([np.bincount(np.asarray(batch, np.int64), minlength=units) for batch in batches])


def _of_group(code: str, name: str, counts: Indices, steps: int, rate: float) -> Finding:
    trials = steps * len(counts)
    z = (int(counts.sum()) - trials * rate) / math.sqrt(trials * rate * (1 - rate))
    seen = int(counts.sum()) / max(trials, 1)
    return verdict(code, abs(z) <= _limit(), f"{name}: drawn with frequency {seen:.5f}, booked {rate:.5f} (z {z:.1f})")


def _of_each(counts: Indices, steps: int, rate: float) -> Finding:
    """The counts are binomial and independent, so the sum of their squared scores has a known mean and variance."""
    variance = steps * rate * (1 - rate)
    total = float(np.square(counts - steps * rate).sum()) / variance
    z = _chi_score(total, len(counts), excess=(1 - 6 * rate * (1 - rate)) / variance)
    return verdict(EACH, abs(z) <= _limit(), f"counts of single units spread as binomial ones do (z {z:.1f})")


def _of_sizes(sizes: Indices, units: int, rate: float) -> Finding:
    variance = units * rate * (1 - rate)
    total = float(np.square(sizes - units * rate).sum()) / variance
    z = _chi_score(total, len(sizes), excess=(1 - 6 * rate * (1 - rate)) / variance)
    ratio = total / len(sizes)
    return verdict(SIZE, abs(z) <= _limit(), f"batch sizes vary {ratio:.3f} times as Poisson batches do (z {z:.1f})")


def _of_steps(drawn: npt.NDArray[np.int64], rate: float) -> Finding:
    """Count units that are in a batch and in the next: pairs of steps that share a step are correlated."""
    pairs = len(drawn) - 1
    again = int((drawn[:-1] * drawn[1:]).sum())
    each = pairs * (rate**2 - rate**4) + 2 * max(pairs - 1, 0) * (rate**3 - rate**4)
    z = (again - pairs * drawn.shape[1] * rate**2) / math.sqrt(drawn.shape[1] * each)
    return verdict(STEPS, abs(z) <= _limit(), f"batches do not depend on the ones before (z {z:.1f})")


def _chi_score(total: float, freedom: int, excess: float) -> float:
    """Return a sum of squared scores as a normal score (cube root: Wilson and Hilferty 1931)."""
    variance = (2 + excess) / freedom  # of the mean; a normal score has no excess kurtosis
    ninth = variance / 9
    return float((np.cbrt(total / freedom) - (1 - ninth)) / math.sqrt(ninth))


def _limit() -> float:
    from scipy.stats import norm

    return float(norm.isf(FALSE_ALARM / 2))
