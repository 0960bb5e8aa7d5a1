"""Record a fit, replay its answers on other data: all that it publishes must stay the same.

With every answer of every mechanism put back from a tape, what a fit publishes is a function of the tape and of what
is public. So it must not change if a unit is added, nor even if all units are exchanged for others. And the queries
themselves must move by no more than their stated sensitivity when one unit is added. Together these find what was read
beside the mechanisms (levels, bounds, dtypes, a checkpoint chosen on raw loss, an error that quotes a cell) and
sensitivities that are too small. The idea is that of dp-recorder (2026, arXiv:2602.17454).

A failure is certain to be one. A pass covers the neighbours that were tried.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from synthx.errors import PrivacyError
from synthx_privacy.audit.chance import repeatable
from synthx_privacy.audit.finding import Finding, failed, passed
from synthx_privacy.tape import Release, Tape, recording, replaying

__all__ = ["Course", "Fit", "audit_neighbours", "audit_strangers", "distance_of", "record", "replay"]

T = TypeVar("T")
Fit = Callable[[T], Mapping[str, Any]]
"""Learns data; returns all that it publishes, by name: bytes, text, numbers, arrays, or lists and mappings of them."""

NEIGHBOUR, STRANGER = "replay.neighbour", "replay.stranger"
ROUNDING = 1e-4
"""By how much a query of single-precision gradients may exceed its sensitivity, relatively."""


@dataclasses.dataclass(frozen=True)
class Course:
    """What a run asked, and all that could be seen of it from outside.

    Parameters
    ----------
    tape : Tape
        Its queries, which are private, and its answers.
    published : mapping
        What the fit returned; empty if it failed.
    error : str or None
        How it failed.
    warned : tuple of str
        The warnings that it gave.
    """

    tape: Tape
    published: Mapping[str, Any]
    error: str | None
    warned: tuple[str, ...]


def record(fit: Fit[T], data: T, *, key: int = 0) -> Course:
    """Run a fit once, with noise that repeats for the same key, and keep its tape."""
    with recording() as tape:
        return _run(fit, data, tape, key)


def replay(fit: Fit[T], data: T, tape: Tape, *, key: int = 0) -> Course:
    """Run a fit with the answers of a tape."""
    with replaying(tape) as asked:
        return _run(fit, data, asked, key)


def audit_neighbours(fit: Fit[T], data: T, neighbours: Mapping[str, T], *, key: int = 0) -> list[Finding]:
    """Compare a fit on data with fits on neighbours, answers being the same.

    Parameters
    ----------
    fit : callable
        Learns data and returns all that it publishes. It must keep no state from call to call.
    data : object
    neighbours : mapping of str to object
        Data with one unit more or less, by what they try. A unit that is added or removed is the last, so that the
        others get the same Poisson draws.
    key : int
        Of the noise.

    Returns
    -------
    list of Finding
        One for each neighbour.
    """
    recorded, usual = _usual(fit, data, key)
    tape = recorded.tape
    findings = []
    for name, neighbour in neighbours.items():
        other = replay(fit, neighbour, tape, key=key)
        fault = _other_course(usual, other) or _beyond_sensitivity(usual.tape, other.tape)
        fault = fault or _other_output(usual, other) or _other_warnings(recorded, usual, other)
        findings.append(
            passed(NEIGHBOUR, f"with {name}, {len(tape)} queries are within their sensitivities and all else is alike")
            if fault is None
            else failed(NEIGHBOUR, f"with {name}, {fault}")
        )
    return findings


def audit_strangers(fit: Fit[T], data: T, strangers: Mapping[str, T], *, key: int = 0) -> list[Finding]:
    """Compare a fit on data with fits on wholly other data, answers being the same: what is published must not change.

    Finds smaller influences than `audit_neighbours`, since all units change; says nothing of sensitivities.

    Parameters
    ----------
    fit, data, key
        See `audit_neighbours`.
    strangers : mapping of str to object
        Other data of the same public description.
    """
    recorded, usual = _usual(fit, data, key)
    findings = []
    for name, stranger in strangers.items():
        other = replay(fit, stranger, recorded.tape, key=key)
        fault = _other_course(usual, other) or _other_output(usual, other) or _other_warnings(recorded, usual, other)
        findings.append(
            passed(STRANGER, f"with {name}, the same is published")
            if fault is None
            else failed(STRANGER, f"with {name}, {fault}")
        )
    return findings


def distance_of(one: Release, other: Release) -> float:
    """Return how far two queries are apart, in the norm of their sensitivity; infinite if they are of other shapes."""
    if one.kind == "levels":
        left, right = ({(type(level), level): count for level, count in each.query.items()} for each in (one, other))
        return math.sqrt(sum((left.get(level, 0) - right.get(level, 0)) ** 2 for level in {**left, **right}))
    first, second = np.asarray(one.query), np.asarray(other.query)
    if first.shape != second.shape:
        return math.inf
    gap = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return float(gap.max(initial=0.0)) if one.kind == "selection" else float(np.sqrt(np.square(gap).sum()))


# -- running ----------------------------------------------------------------------------------------------------------


def _usual(fit: Fit[T], data: T, key: int) -> tuple[Course, Course]:
    """Return how a fit runs, and how it runs by its tape: with this replays compare, as their noise draws nothing."""
    recorded = record(fit, data, key=key)
    if recorded.error is not None:
        raise PrivacyError(
            f"the fit to be audited fails ({recorded.error})", remedy="audit one that works on its own data"
        )
    usual = replay(fit, data, recorded.tape, key=key)
    fault = _other_course(recorded, usual) or _other_output(recorded, usual)
    if fault is not None:
        raise PrivacyError(
            f"the fit does not repeat itself on the same data: {fault}",
            remedy="let it draw chance from its seed or from synthx_privacy.noise alone, and publish no times of day",
        )
    return recorded, usual


def _run(fit: Fit[T], data: T, tape: Tape, key: int) -> Course:
    published: Mapping[str, Any] = {}
    with repeatable(key), warnings.catch_warnings(record=True) as given, _Caught() as caught:
        warnings.simplefilter("always")
        published = fit(data)
    warned = tuple(f"{warning.category.__name__}: {warning.message}" for warning in given)
    return Course(tape, published, caught.error, warned)


class _Caught:
    """Keeps what the body raises, whatever it is: to whoever sees it, an error is an answer too."""

    def __init__(self) -> None:
        self.error: str | None = None

    def __enter__(self) -> _Caught:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.error = f"{type(error).__name__}: {error}"
        return True


# -- comparing --------------------------------------------------------------------------------------------------------


def _other_course(usual: Course, other: Course) -> str | None:
    """Return how the runs differ in what they ask or raise; None if they do not."""
    if usual.error != other.error:
        return f"the fit fails: {other.error}" if other.error else "the fit does not fail as it does without"
    if len(usual.tape) != len(other.tape):
        return f"{len(other.tape)} queries are asked instead of {len(usual.tape)}"
    for turn, (one, two) in enumerate(zip(usual.tape, other.tape, strict=True), 1):
        if (one.phase, one.kind) != (two.phase, two.kind):
            return f"query {turn} is for {two.phase!r} instead of {one.phase!r}"
        if one.sensitivity != two.sensitivity:
            return f"the sensitivity of {one.phase!r} is {two.sensitivity:g} instead of {one.sensitivity:g}"
    return None


def _other_warnings(recorded: Course, usual: Course, other: Course) -> str | None:
    """Compare the warnings of replays; those that a library gives once in a process came when it was recorded."""
    more = [text for text in other.warned if text not in {*usual.warned, *recorded.warned}]
    fewer = [text for text in usual.warned if text not in other.warned]
    return f"other warnings are given ({(more or fewer)[0]})" if more or fewer else None


def _beyond_sensitivity(usual: Tape, other: Tape) -> str | None:
    for turn, (one, two) in enumerate(zip(usual, other, strict=True), 1):
        moved = distance_of(one, two)
        most = one.sensitivity * (1 + (ROUNDING if one.kind == "gradient" else 1e-9))
        if not moved <= most:
            return f"query {turn}, {one.phase!r}, moves by {moved:.4g}, more than its sensitivity {one.sensitivity:.4g}"
    return None


def _other_output(usual: Course, other: Course) -> str | None:
    names = [*usual.published, *(name for name in other.published if name not in usual.published)]
    for name in names:
        if name not in usual.published or name not in other.published:
            return f"{name!r} is published once and once not"
        if not _same(usual.published[name], other.published[name]):
            return f"{name!r} is published differently"
    return None


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same, in type too: 1 and 1.0 tell data apart."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)
