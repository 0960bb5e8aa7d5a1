"""Facts are read from a report as it stands; what it does not say is None or empty."""

from __future__ import annotations

import pytest

from synthx_evaluation.report.criteria.facts import FACTS, Fact, facts_of
from synthx_evaluation.report.record import (
    ColumnEntry,
    Control,
    Fingerprint,
    Generator,
    Header,
    LedgerSummary,
    Profile,
    Report,
    Reproduction,
    Scope,
    Selection,
    SignOff,
    Source,
    Summary,
    Verdict,
)


def report() -> Report:
    """A report that states next to nothing."""
    return Report(
        profile=Profile.INTERNAL,
        smallest_cell=10,
        header=Header(title="T", software="synthx"),
        summary=Summary(headline="", verdict=Verdict.FOR_A_PERSON, counts={}, may=(), may_not=(), until=""),
        scope=Scope(),
        attackers=(),
        source=Source(rows={"train": 400, "synthetic": "<10"}, reference="train", columns=()),
        generator=Generator(known=False),
        ledger=LedgerSummary(private=None),
        selection=Selection(),
        findings=(),
        privacy=(),
        fidelity=(),
        utility=(),
        augmentation=(),
        bias=(),
        exhibits=(),
        limits=(),
        controls=(),
        sign_off=(SignOff(role="Expert"),),
        methods=(),
        reproduction=Reproduction(command="", seeds={}, versions={}),
        fingerprints=(),
        glossary=(),
        index=(),
    )


def column(name: str, kind: str, disclosure: str = "not classified") -> ColumnEntry:
    return ColumnEntry(name=name, kind=kind, disclosure=disclosure)


def test_a_report_that_states_nothing_gives_no_facts() -> None:
    facts = facts_of(report())
    assert set(facts) == set(FACTS)
    stated = {name: fact for name, fact in facts.items() if fact not in (None, "")}
    assert stated == {"rows.train": 400, "columns.protected": 0}


COLUMNS = (
    column("key", "identifier", "direct identifier"),
    column("name", "personal"),
    column("passport", "integer", "direct identifier"),
    column("birth", "datetime", "quasi-identifier"),
    column("ill", "boolean"),
)

CHANGES = {
    "source": Source(
        rows={"train": 400, "holdout": 100, "synthetic": 50}, reference="holdout", target="ill", protected=("sex",),
        columns=COLUMNS,
    ),
    "ledger": LedgerSummary(private=True, epsilon=2.5, delta=1e-3, unit="row", neighbours="add or remove"),
    "sign_off": (SignOff(role="Expert", name="A. B.", date="2026-01-01"), SignOff(role="Officer", name="C. D.")),
    "controls": (Control(text="Access is logged."),),
    "selection": Selection(made=3),
    "fingerprints": (Fingerprint(table="train", digest="00"),),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("rows.holdout", 100),
        ("columns.identifiers", 3),
        ("columns.dates", 1),
        ("columns.unclassified", 2),
        ("columns.protected", 1),
        ("target", "ill"),
        ("ledger.private", True),
        ("ledger.epsilon", 2.5),
        ("ledger.delta-times-rows", 0.4),
        ("ledger.unit", "row"),
        ("signed", 1),
        ("controls", 1),
        ("selection.made", 3),
        ("fingerprints", 1),
    ],
)
def test_a_fact_is_what_the_report_says(name: str, fact: Fact) -> None:
    assert facts_of(report().model_copy(update=CHANGES))[name] == fact
