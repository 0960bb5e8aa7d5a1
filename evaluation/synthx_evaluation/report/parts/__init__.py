"""The parts of a report: frozen records that hold exactly what is shown, already rounded and already suppressed."""

from __future__ import annotations

from synthx_evaluation.report.parts.base import Cell, Figure, Part, Plot, Profile, Text, Verdict
from synthx_evaluation.report.parts.closing import Control, Fingerprint, Limit, Method, Reproduction, SignOff, Term
from synthx_evaluation.report.parts.evidence import Criterion, Evidence, Exhibit, Finding
from synthx_evaluation.report.parts.front import Attacker, Header, Scope, Statement, Summary
from synthx_evaluation.report.parts.origin import ColumnEntry, Generator, LedgerEvent, LedgerSummary, Selection, Source

__all__ = [
    "Attacker",
    "Cell",
    "ColumnEntry",
    "Control",
    "Criterion",
    "Evidence",
    "Exhibit",
    "Figure",
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
    "Reproduction",
    "Scope",
    "Selection",
    "SignOff",
    "Source",
    "Statement",
    "Summary",
    "Term",
    "Text",
    "Verdict",
]
