"""What a report states besides measures, by name: what the facts of a rule pack are checked against."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

from synthx_evaluation.report.record import ColumnEntry, Report

__all__ = ["FACTS", "Fact", "FactKind", "facts_of"]

Fact: TypeAlias = bool | int | float | str | None
"""None, and empty text, mean that the report does not state it."""


@dataclasses.dataclass(frozen=True, slots=True)
class FactKind:
    """One thing that a report may state.

    Parameters
    ----------
    meaning : str
        In a few words, for findings and for who writes a pack.
    read : callable
        Takes it from a report.
    remedy : str
        How it gets into the report.
    """

    meaning: str
    read: Callable[[Report], Fact]
    remedy: str


def facts_of(report: Report) -> dict[str, Fact]:
    """Return every fact of `FACTS`, read from a report whose findings may still be missing."""
    return {name: kind.read(report) for name, kind in FACTS.items()}


def _rows(table: str) -> Callable[[Report], Fact]:
    def read(report: Report) -> Fact:
        rows = report.source.rows.get(table)
        return rows if isinstance(rows, int) else None

    return read


def _columns(wanted: Callable[[ColumnEntry], bool]) -> Callable[[Report], Fact]:
    """Return a reader of how many columns of the inventory are `wanted`; None where there is no inventory."""

    def read(report: Report) -> Fact:
        return sum(map(wanted, report.source.columns)) if report.source.columns else None

    return read


def _delta_rows(report: Report) -> Fact:
    rows, delta = _rows("train")(report), report.ledger.delta
    return None if rows is None or delta is None else float(rows) * delta


def _signed(report: Report) -> Fact:
    return sum(bool(block.name and block.date) for block in report.sign_off) or None


_DATA, _MODEL, _SCOPE = "evaluate with that table", "give the model file", "say it in the brief (--brief)"
_SCHEMA = "give the schema of the training table"

FACTS: Mapping[str, FactKind] = {
    "rows.train": FactKind("how many training rows there are", _rows("train"), _DATA),
    "rows.holdout": FactKind("how many rows the generator never saw", _rows("holdout"), _DATA),
    "rows.synthetic": FactKind("how many synthetic rows there are", _rows("synthetic"), _DATA),
    "columns.identifiers": FactKind(
        "how many columns identify a person directly (keys, names, free text)",
        _columns(
            lambda column: column.kind in ("identifier", "personal", "text") or column.disclosure == "direct identifier"
        ),
        _SCHEMA,
    ),
    "columns.dates": FactKind(
        "how many columns hold dates or times", _columns(lambda column: column.kind == "datetime"), _SCHEMA
    ),
    "columns.unclassified": FactKind(
        "how many columns nobody has called identifier, quasi-identifier, sensitive or other",
        _columns(lambda column: column.disclosure == "not classified"),
        "classify the columns in the brief (--brief)",
    ),
    "columns.protected": FactKind(
        "how many columns are protected", lambda report: len(report.source.protected), "name them with --protected"
    ),
    "target": FactKind("which column models predict", lambda report: report.source.target, "name it with --target"),
    "ledger.private": FactKind(
        "whether the generator was trained with differential privacy", lambda report: report.ledger.private, _MODEL
    ),
    "ledger.epsilon": FactKind("epsilon of all entries together", lambda report: report.ledger.epsilon, _MODEL),
    "ledger.delta": FactKind("delta of all entries together", lambda report: report.ledger.delta, _MODEL),
    "ledger.delta-times-rows": FactKind("delta times the training rows", _delta_rows, _MODEL),
    "ledger.unit": FactKind("whose presence is hidden", lambda report: report.ledger.unit, _MODEL),
    "ledger.neighbours": FactKind("the neighbouring relation", lambda report: report.ledger.neighbours, _MODEL),
    "ledger.accountant": FactKind("how the entries were composed", lambda report: report.ledger.accountant, _MODEL),
    "ledger.events": FactKind(
        "how many entries the ledger has", lambda report: len(report.ledger.events) or None, _MODEL
    ),
    "generator": FactKind(
        "which generator made the data, and its settings", lambda report: report.generator.name, _MODEL
    ),
    "selection.made": FactKind(
        "how many synthetic tables were made before this one was chosen", lambda r: r.selection.made, _SCOPE
    ),
    "scope.purpose": FactKind("what the synthetic data are for", lambda report: report.scope.purpose, _SCOPE),
    "scope.recipients": FactKind("who is to have the synthetic data", lambda report: report.scope.recipients, _SCOPE),
    "attackers": FactKind("how many attackers are described", lambda report: len(report.attackers) or None, _SCOPE),
    "controls": FactKind(
        "how many controls there are on the risk that remains", lambda report: len(report.controls) or None, _SCOPE
    ),
    "owner": FactKind("who answers for the data", lambda report: report.header.owner, _SCOPE),
    "valid-until": FactKind("until when the conclusions stand", lambda report: report.header.valid_until, _SCOPE),
    "signed": FactKind("how many have signed, with a name and a date", _signed, "have the report signed off"),
    "command": FactKind("the command that gives the same figures", lambda report: report.reproduction.command, _SCOPE),
    "fingerprints": FactKind(
        "how many tables have a keyed fingerprint",
        lambda report: len(report.fingerprints) or None,
        "give a key (--fingerprint-key)",
    ),
}
"""Every fact, by name."""
