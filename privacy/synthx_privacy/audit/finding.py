"""What an audit found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import StrEnum

__all__ = ["Finding", "Outcome", "failed", "failures", "passed", "skipped", "verdict"]


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One check and how it ended.

    Parameters
    ----------
    code : str
        Which check it is; stable.
    outcome : Outcome
    message : str
        A sentence for people. After a failure it may quote the data that was audited: as private as they are.
    """

    code: str
    outcome: Outcome
    message: str

    @property
    def is_failure(self) -> bool:
        return self.outcome is Outcome.FAILED

    def __str__(self) -> str:
        return f"{self.outcome.value:<7} {self.code}: {self.message}"


def passed(code: str, message: str) -> Finding:
    """Return the finding of a check that found nothing."""
    return Finding(code, Outcome.PASSED, message)


def failed(code: str, message: str) -> Finding:
    """Return the finding of a check that found a fault."""
    return Finding(code, Outcome.FAILED, message)


def skipped(code: str, message: str) -> Finding:
    """Return the finding of a check that could not be made; the message says why."""
    return Finding(code, Outcome.SKIPPED, message)


def verdict(code: str, is_good: bool, message: str) -> Finding:
    """Return the finding of a check that says the same whichever way it ends."""
    return passed(code, message) if is_good else failed(code, message)


def failures(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that failed."""
    return [finding for finding in findings if finding.is_failure]
