"""Does the ledger tell of all that was asked, and was the noise what it says?

All of it is read off the tape of one real fit, beside the ledger that the fit leaves.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from synthx_privacy.audit.finding import Finding, failed, passed, skipped, verdict
from synthx_privacy.tape import Release

__all__ = ["Booked", "audit_booking", "audit_freshness", "audit_noise"]

BOOKING, NOISE, FRESH = "ledger.booked", "noise.size", "noise.fresh"
FALSE_ALARM = 1e-6
"""Chance that a sound fit fails a test of noise."""
REPEATS = 8.0
"""A score that two independent runs exceed with a probability below exp(-32)."""
FEWEST, FEWEST_OF_A_PHASE = 20, 60
"""Numbers from which noise is compared, and from which that of one phase is told apart."""


class Booked(Protocol):
    """An entry of a ledger."""

    @property
    def phase(self) -> str: ...
    @property
    def event(self) -> Any: ...


def audit_booking(tape: Iterable[Release], entries: Iterable[Booked]) -> Finding:
    """Check that each release of a tape stands in a ledger.

    Parameters
    ----------
    tape : iterable of Release
        Of one fit or several.
    entries : iterable of Booked
        Of the ledger or ledgers that paid for them.
    """
    from synthx_privacy.events import steps_of

    queries = Counter(release.phase for release in tape if release.kind != "gradient")
    steps = sum(release.kind == "gradient" for release in tape)
    paid: Counter[str] = Counter()
    paid_steps = 0
    for entry in entries:
        planned = steps_of(entry.event)
        paid_steps += planned or 0
        paid[entry.phase] += planned is None
    for phase, asked in queries.items():
        if asked > paid[phase]:
            return failed(BOOKING, f"{phase!r} was asked {asked} times and booked {paid[phase]} times")
    if steps > paid_steps:
        return failed(BOOKING, f"{steps} steps of descent were taken and {paid_steps} booked")
    return passed(BOOKING, f"all {sum(queries.values())} queries and {steps} steps of descent are booked")


def audit_noise(tape: Iterable[Release], entries: Iterable[Booked]) -> list[Finding]:
    """Compare the size of the noise on a tape with what the ledger says of it, by a chi-square test of each phase.

    Returns
    -------
    list of Finding
        One for each phase with enough numbers, and one for all together. A sound fit fails any of them with
        probability `FALSE_ALARM`. A factor of two is found nearly always from 100 numbers on.
    """
    from scipy.stats import chi2

    entries = list(entries)
    multipliers = {entry.phase: _multiplier(entry.event) for entry in entries}
    descents = [noise for noise in map(_descent_noise, entries) if noise]
    squares: dict[str, tuple[float, int]] = {}
    for release in tape:
        if release.kind == "gradient":
            multiplier = descents[0] if len(set(descents)) == 1 else None
        else:
            multiplier = multipliers.get(release.phase) if release.kind == "counts" else None
        if multiplier:
            _pool(squares, release, multiplier)
    squares = _with_sum(squares)
    findings = []
    for phase, (total, count) in squares.items():
        low, high = chi2.ppf([FALSE_ALARM / 2 / len(squares), 1 - FALSE_ALARM / 2 / len(squares)], count)
        ratio = math.sqrt(total / count)
        message = f"noise of {phase}: {ratio:.3f} of what is booked, by {count:,} numbers"
        findings.append(verdict(NOISE, bool(low <= total <= high), message))
    return findings or [skipped(NOISE, "no query with Gaussian noise was made")]


def _pool(squares: dict[str, tuple[float, int]], release: Release, multiplier: float) -> None:
    """Add the squares of a release's noise, in units of what is booked."""
    noise = np.asarray(release.output, np.float64) - np.asarray(release.query, np.float64)
    deviation = multiplier * release.sensitivity
    rounding = 1 / 12 if release.kind == "counts" else 0.0
    total, count = squares.get(release.phase, (0.0, 0))
    squares[release.phase] = (total + float(np.square(noise).sum()) / (deviation**2 + rounding), count + noise.size)


def _with_sum(squares: dict[str, tuple[float, int]]) -> dict[str, tuple[float, int]]:
    """Keep phases with enough numbers for a test of their own, and put all together."""
    large = {repr(phase): pooled for phase, pooled in squares.items() if pooled[1] >= FEWEST_OF_A_PHASE}
    total, count = (sum(pooled[part] for pooled in squares.values()) for part in (0, 1))
    return {**large, "all phases": (total, int(count))} if squares else {}


def _multiplier(event: Any) -> float | None:
    """Return the noise multiplier of a query's event, None if it has no Gaussian of its own."""
    from synthx.errors import PrivacyError
    from synthx_privacy.events import noise_of

    try:
        return noise_of(event)
    except PrivacyError:
        return None


def _descent_noise(entry: Booked) -> float | None:
    from synthx_privacy.events import steps_of

    if steps_of(entry.event) is None:
        return None
    return float(entry.event.event.event.noise_multiplier)


def audit_freshness(first: Sequence[Release], second: Sequence[Release]) -> list[Finding]:
    """Check that two runs with the same user seeds had other noise, by the correlation of their noise.

    Parameters
    ----------
    first, second : sequences of Release
        Tapes of two fits of the same data with the same seeds.

    Returns
    -------
    list of Finding
        One for counts, one for gradients. A sound fit fails with a probability below 1e-12.
    """
    findings = []
    for kind in ("counts", "gradient"):
        pairs = [(_scaled(one), _scaled(two)) for one, two in zip(_of(first, kind), _of(second, kind), strict=False)]
        alike = [(one, two) for one, two in pairs if one.shape == two.shape]
        if sum(one.size for one, _ in alike) < FEWEST:
            findings.append(skipped(FRESH, f"too few numbers of kind {kind!r} to tell whether their noise repeats"))
            continue
        one, two = (np.concatenate([pair[side].ravel() for pair in alike]) for side in (0, 1))
        z = float(one @ two) / max(math.sqrt(float(np.square(one * two).sum())), 1e-300)
        repeats = bool(np.array_equal(one, two)) or z > REPEATS
        message = f"noise of kind {kind!r} in two runs with the same seeds: "
        findings.append(
            failed(FRESH, message + "it repeats") if repeats else passed(FRESH, message + f"independent (z {z:.1f})")
        )
    return findings


def _of(tape: Sequence[Release], kind: str) -> list[Release]:
    return [release for release in tape if release.kind == kind]


def _scaled(release: Release) -> np.ndarray:
    """Return the noise of a release over its root mean square, so that none outweighs the others."""
    noise = np.asarray(release.output, np.float64) - np.asarray(release.query, np.float64)
    scaled: np.ndarray = noise / max(float(np.sqrt(np.square(noise).mean())), 1e-300) if noise.size else noise
    return scaled
