"""What is known of the generator: its name and settings, how the fit went, and what its ledger says."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from synthx_evaluation.report.parts import Cell, Generator, LedgerEvent, LedgerSummary
from synthx_evaluation.report.suppression import Disclosure
from synthx_evaluation.report.texts import ledger_texts
from synthx_privacy.entry import Entry
from synthx_privacy.ledger import Ledger

__all__ = ["ModelFacts", "generator", "ledger_summary"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model file tells, taken out of it by whoever can read one.

    Parameters
    ----------
    name : str
        Of the model, e.g. ``gan``.
    settings, training : mapping
        JSON values by name; nested ones are shown as text.
    versions : mapping of str to str
        Of what wrote the file.
    sha256 : str
        Of the file.
    ledger : Ledger, optional
        Of a differentially private fit.
    declared : frozenset of str
        Columns whose bounds or levels are declared public in the schema that the model learned by.
    columns : frozenset of str
        All columns of that schema; empty where they are not known.
    """

    name: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sha256: str = ""
    ledger: Ledger | None = None
    declared: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()


def generator(facts: ModelFacts | None, disclosure: Disclosure) -> Generator:
    """Return the generator's section; a shareable report of a private one shows round numbers of rows."""
    if facts is None:
        return Generator(known=False)
    training = {
        name: disclosure.count(value) if name in ("rows", "entities") else value
        for name, value in facts.training.items()
    }
    return Generator(
        known=True,
        name=facts.name,
        settings=_cells(facts.settings, disclosure),
        training=_cells(training, disclosure),
        versions=dict(facts.versions),
        sha256=facts.sha256,
    )


def _cells(values: Mapping[str, Any], disclosure: Disclosure) -> dict[str, Cell | list[Cell]]:
    """Return settings as cells, a nested one as one cell a leaf (``privacy.epsilon``); what is not set is left out."""
    cells: dict[str, Cell | list[Cell]] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            cells.update({f"{name}.{inner}": cell for inner, cell in _cells(value, disclosure).items()})
        elif isinstance(value, (list, tuple)):
            cells[name] = [item if isinstance(item, (str, bool, int)) else str(item) for item in value]
        elif isinstance(value, float):
            cells[name] = disclosure.figure(value) if math.isfinite(value) else str(value)
        elif value is not None:
            cells[name] = value if isinstance(value, (str, bool, int)) else str(value)
    return cells


def ledger_summary(facts: ModelFacts | None, disclosure: Disclosure) -> LedgerSummary:
    """Return the differential privacy statement."""
    texts = ledger_texts()
    if facts is None:
        return LedgerSummary(private=None, outside=(texts["unknown"],))
    if facts.ledger is None:
        return LedgerSummary(private=False, outside=(texts["not_private"],))
    ledger = facts.ledger
    units = {entry.unit if isinstance(entry.unit, str) else ", ".join(entry.unit) for entry in ledger.entries}
    delta = ledger.delta_limit if ledger.delta_limit is not None else min(ledger.deltas.values(), default=0.0)
    return LedgerSummary(
        private=True,
        epsilon=_up(ledger.epsilon(delta or None), disclosure.digits),
        delta=_up(delta, disclosure.digits),
        unit=", ".join(sorted(units)),
        neighbours=texts["neighbours"],
        accountant=texts["accountant"],
        events=tuple(_event(entry) for entry in ledger.entries),
        assumptions=tuple(texts["assumptions"]),
        outside=tuple(texts["outside"]),
    )


def _event(entry: Entry) -> LedgerEvent:
    event = "; ".join(f"{name}: {value}" for name, value in _leaves(entry.to_dict()["event"]))
    return LedgerEvent(fit=entry.fit, phase=entry.phase, event=event, spent=entry.spent)


def _leaves(event: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the names and numbers of an event and of those within it."""
    leaves: list[tuple[str, Any]] = []
    for name, value in event.items():
        if isinstance(value, Mapping):
            leaves += _leaves(value)
        elif isinstance(value, list):
            leaves += [leaf for item in value for leaf in _leaves(item)]
        else:
            leaves.append((name.replace("_", " "), f"{value:.6g}" if isinstance(value, float) else value))
    return leaves


def _up(value: float, digits: int) -> float:
    """Return a bound rounded up: a guarantee must not look better than it is."""
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    up = math.ceil(value / unit - 1e-9) * unit
    return float(f"{up:.{digits}g}")
