"""The findings of an audit, with what they can and cannot tell."""

from __future__ import annotations

import dataclasses
from typing import Any

from synthx_privacy.audit.finding import Finding

__all__ = ["AuditReport"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditReport:
    """What was proved, and what a test of it found.

    Parameters
    ----------
    findings : tuple of Finding
    proved : float, optional
        The epsilon that the ledger proves.
    delta : float, optional
    bound : float, optional
        The lower bound that canaries gave for the descent; None where there is none.
    ceiling : float, optional
        The largest bound that the test could have found.
    """

    findings: tuple[Finding, ...]
    proved: float | None = None
    delta: float | None = None
    bound: float | None = None
    ceiling: float | None = None

    @property
    def has_failed(self) -> bool:
        return any(finding.is_failure for finding in self.findings)

    def describe(self) -> list[str]:
        """Return sentences for people, one a line."""
        lines = [str(finding) for finding in self.findings]
        if self.proved is not None:
            at = "" if self.delta is None else f" at delta {self.delta:.1e}"
            lines.append(f"Proved: epsilon is at most {self.proved:.3f}{at}.")
        if self.bound is not None and self.ceiling is not None:
            lines.append(
                f"Found: epsilon is at least {self.bound:.2f}, with 95% confidence. The test can see epsilons from"
                f" about 0.5 to {self.ceiling:.1f}; that it finds little does not show that little was given away."
            )
        failures = sum(finding.is_failure for finding in self.findings)
        lines.append(
            f"{failures} of {len(self.findings)} checks failed: do not rely on the guarantee."
            if failures
            else f"No fault was found in {len(self.findings)} checks."
        )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            **{name: getattr(self, name) for name in ("proved", "delta", "bound", "ceiling")},
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }
