"""The report as one typed record: the source of the JSON, the pages and the cards."""

from __future__ import annotations

from pydantic import Field, field_validator

from synthx_evaluation.report.parts import (
    Attacker,
    Cell,
    ColumnEntry,
    Control,
    Criterion,
    Evidence,
    Exhibit,
    Finding,
    Fingerprint,
    Generator,
    Header,
    LedgerEvent,
    LedgerSummary,
    Limit,
    Method,
    Part,
    Plot,
    Profile,
    Reproduction,
    Scope,
    Selection,
    SignOff,
    Source,
    Statement,
    Summary,
    Term,
    Verdict,
)
from synthx_evaluation.report.sealing.canonical import digest

__all__ = [
    "SCHEMA_VERSION",
    "Attacker",
    "Cell",
    "ColumnEntry",
    "Control",
    "Criterion",
    "Evidence",
    "Exhibit",
    "Finding",
    "Fingerprint",
    "Generator",
    "Header",
    "LedgerEvent",
    "LedgerSummary",
    "Limit",
    "Method",
    "Part",
    "Plot",
    "Profile",
    "Report",
    "Reproduction",
    "Scope",
    "Selection",
    "SignOff",
    "Source",
    "Statement",
    "Summary",
    "Term",
    "Verdict",
]

SCHEMA_VERSION = "1.0.0"
"""Semantic version of the record: the first number rises when an older reader would misread a newer report."""


class Report(Part):
    """Everything that the report says, in the order of its sections.

    Parameters
    ----------
    schema_version : str
        Of the record, e.g. ``1.0.0``.
    profile : Profile
        Who may read it.
    smallest_cell : int
        Counts below it are suppressed (k).
    short : bool
        Whether it is the short form of `synthx evaluate`: a scorecard without packs, model or scope.
    """

    schema_version: str = SCHEMA_VERSION
    profile: Profile
    smallest_cell: int = Field(ge=1)
    short: bool = False
    header: Header
    summary: Summary
    scope: Scope
    attackers: tuple[Attacker, ...]
    source: Source
    generator: Generator
    ledger: LedgerSummary
    selection: Selection
    findings: tuple[Finding, ...]
    privacy: tuple[Evidence, ...]
    fidelity: tuple[Evidence, ...]
    utility: tuple[Evidence, ...]
    augmentation: tuple[Evidence, ...]
    bias: tuple[Evidence, ...]
    exhibits: tuple[Exhibit, ...]
    limits: tuple[Limit, ...]
    controls: tuple[Control, ...]
    sign_off: tuple[SignOff, ...]
    methods: tuple[Method, ...]
    reproduction: Reproduction
    fingerprints: tuple[Fingerprint, ...]
    glossary: tuple[Term, ...]
    index: tuple[Criterion, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every measure, section after section."""
        return (*self.privacy, *self.fidelity, *self.utility, *self.augmentation, *self.bias)

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON of the report, in hexadecimal digits; what signatures are of."""
        return digest(self.model_dump(mode="json"))

    @field_validator("schema_version")
    @classmethod
    def _readable(cls, version: str) -> str:
        if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
            raise ValueError(f"the report has schema version {version}, this version reads {SCHEMA_VERSION}")
        return version
