from __future__ import annotations

import dataclasses
import json

import pytest

from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.criteria.rules import load_pack
from synthx_evaluation.report.model import ModelFacts
from synthx_evaluation.report.record import Finding, Profile, Report, Verdict
from synthx_evaluation.report.record_schema import SCHEMA_FILE, report_schema, report_schema_text
from synthx_evaluation.report.sealing.seal import Sealed, sealed_report
from synthx_evaluation.report.summary import summarize
from synthx_evaluation.scorecard import Scorecard
from synthx_privacy import Ledger, Privacy
from synthx_privacy.events import gaussian

PLANTED = "Quimby"


def texts(report: Report) -> str:
    return report.model_dump_json()


def row(report: Report, code: str) -> dict[str, object]:
    return next(one for one in report.evidence if one.id == code).model_dump()


def test_each_measure_stands_once_in_its_section(card: Scorecard) -> None:
    report = assemble(card)
    assert [one.id for one in report.privacy] == ["MIA-MAX", "DISC-COPIES-EXCESS", "DISC-LINK"]
    assert [one.id for one in report.fidelity] == ["FID-SHAPE", "FID-LEVELS-LOST"]
    assert [one.id for one in report.utility] == ["UTIL-AUC-LINEAR"]
    assert [one.id for one in report.bias] == ["BIAS-SHARE"]
    assert [one.id for one in report.methods] == [measure.id for measure in card]
    assert all(method.text for method in report.methods)


def test_figures_are_rounded_once(card: Scorecard) -> None:
    assert row(assemble(card), "MIA-MAX")["value"] == 0.5123
    shared = row(assemble(card, profile=Profile.SHAREABLE), "MIA-MAX")
    assert (shared["value"], shared["interval"], shared["p_value"]) == (0.512, (0.49, 0.53), 0.2)
    assert shared["reading"] == (
        "Shown a training row and a row never seen, the strongest attacker names the training row 51.2% of the time;"
        " a coin would half of the time. With real rows in the place of synthetic ones the figure is 0.505."
    )
    assert shared["power"] == "With these rows the test would have noticed a figure of 0.53 or further from 0.5."


@pytest.mark.parametrize("profile", list(Profile))
def test_no_value_of_one_person_is_in_a_report(card: Scorecard, brief: Brief, profile: Profile) -> None:
    said = texts(assemble(card, brief=brief, packs=[load_pack("gdpr")], profile=profile))
    assert PLANTED not in said
    assert "there are 7" not in said and "there are <10" in said


def test_a_shareable_report_names_no_level_unless_it_is_public(card: Scorecard) -> None:
    # The three rows are left out, and with them the smaller of the others, which the total would tell.
    def groups(report: Report) -> list[object]:
        found = next(one for one in report.exhibits if one.measure == "BIAS-SHARE")
        return [line[0] for line in found.rows]

    assert groups(assemble(card)) == ["south"]
    shared = assemble(card, profile=Profile.SHAREABLE)
    assert groups(shared) == ["group 3"]
    assert "south" not in texts(shared)
    schema = Schema((Column(name="town", kind=Kind.CATEGORICAL, levels=("north", "south")),))
    assert groups(assemble(card, schema=schema, profile=Profile.SHAREABLE)) == ["south"]


def test_the_inventory_shows_kinds_and_never_values(card: Scorecard, brief: Brief) -> None:
    schema = Schema(
        (
            Column(name="age", kind=Kind.INTEGER, lower=18, upper=97531, nullable=True),
            Column(name="town", kind=Kind.CATEGORICAL, levels=("Secretville",)),
            Column(name="ill", kind=Kind.BOOLEAN, role=Role.TARGET),
            Column(name="name", kind=Kind.PERSONAL, format="name"),
        )
    )
    report = assemble(card, brief=brief, schema=schema)
    shown = [(one.name, one.role, one.disclosure, one.treatment) for one in report.source.columns]
    assert shown == [
        ("age", "", "quasi-identifier", "learned"),
        ("town", "protected", "sensitive", "learned"),
        ("ill", "target", "not classified", "learned"),
        ("name", "", "direct identifier", "replaced by fakes"),
    ]
    assert [one.declared_domain for one in report.source.columns] == [True, True, False, False]
    assert "Secretville" not in texts(report) and "97531" not in texts(report)


def test_what_is_missing_is_a_limit(card: Scorecard, brief: Brief) -> None:
    bare = {one.id: one for one in assemble(card).limits}
    assert {"LIM-MODEL", "LIM-SELECTION", "LIM-UNSAID", "LIM-CLASSES", "LIM-SEEDS"} <= set(bare)
    assert bare["LIM-UNSAID"].text == (
        "Not given by the owner: purpose, recipients, owner, date, last day of validity, controls."
    )
    assert bare["LIM-ABSENT-1"].evidence == ("UTIL-AUC-LINEAR",)
    told = {one.id for one in assemble(card, brief=brief, model=ModelFacts(name="gan")).limits}
    assert not {"LIM-MODEL", "LIM-SELECTION", "LIM-CLASSES", "LIM-HOLDOUT"} & told
    context = {**card.context, "rows": {"synthetic": 5, "train": 90, "holdout": None}, "groups": ["fidelity"]}
    alone = assemble(Scorecard(card.measures, context))
    found = {one.id: one.text for one in alone.limits}
    assert "Privacy cannot be assessed" in found["LIM-HOLDOUT"]
    assert found["LIM-GROUPS"].endswith("evaluation: utility, bias, membership, disclosure.")
    assert alone.source.rows == {"synthetic": "<10", "train": 90, "holdout": None}


def test_the_selection_history(card: Scorecard, brief: Brief) -> None:
    assert assemble(card).selection.made is None
    told = assemble(card, brief=brief).selection
    assert told.reading == "It was chosen among 3 that were made. 2 of them were scored on real rows."


def test_a_guarantee_is_stated_with_what_lies_outside_it(card: Scorecard) -> None:
    ledger = Ledger()
    privacy = Privacy(epsilon=3, delta=1e-5)
    account = ledger.open(privacy, {"marginals": gaussian(2.0)}, fit="mst", delta=1e-5)
    account.close()
    facts = ModelFacts(name="mst", training={"rows": 4321}, ledger=ledger)
    shared = assemble(card, model=facts, profile=Profile.SHAREABLE)
    assert shared.ledger.private and shared.ledger.delta == 1e-5
    assert shared.ledger.epsilon is not None and shared.ledger.epsilon >= ledger.epsilon()
    assert any("outside the guarantee" in text for text in shared.ledger.outside)
    assert "4321" not in texts(shared)  # the exact number of rows is not covered
    assert shared.source.rows["train"] == 4300
    assert assemble(card, model=facts).source.rows["train"] == 4321
    assert assemble(card).ledger.private is None
    assert assemble(card, model=ModelFacts(name="gan")).ledger.private is False


# -- the first page ---------------------------------------------------------------------------------------------------


def finding(verdict: Verdict, *, criterion: str, measure: str = "MIA-MAX") -> Finding:
    return Finding(
        pack="p", criterion=criterion, text="Nobody is found.", evidence=(measure,), measure=measure, verdict=verdict,
        reading="why", needed="1,000 holdout rows would do" if verdict is Verdict.NOT_SHOWN else "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), Verdict.FOR_A_PERSON),
        ((Verdict.MET, Verdict.FOR_A_PERSON), Verdict.MET),
        ((Verdict.MET, Verdict.NOT_SHOWN), Verdict.NOT_SHOWN),
        ((Verdict.NOT_SHOWN, Verdict.NOT_MET, Verdict.MET), Verdict.NOT_MET),
    ],
)
def test_the_first_page_says_the_worst(card: Scorecard, verdicts: tuple[Verdict, ...], expected: Verdict) -> None:
    findings = tuple(finding(one, criterion=f"c{place}") for place, one in enumerate(verdicts))
    summary = summarize(assemble(card).model_copy(update={"findings": findings}))
    assert summary.verdict is expected
    assert sum(summary.counts.values()) == len(verdicts)


def test_criteria_of_one_reason_are_one_sentence(card: Scorecard) -> None:
    findings = (finding(Verdict.NOT_SHOWN, criterion="a"), finding(Verdict.NOT_SHOWN, criterion="b"))
    summary = summarize(assemble(card).model_copy(update={"findings": findings}))
    assert summary.headline == "Of 2 criteria: 0 not met, 2 not shown, 0 met, 0 for a person to judge."
    first = summary.may_not[0]
    assert first.evidence == ("a", "b", "MIA-MAX")
    assert first.text.startswith("Nobody is found. Not shown: Shown a training row")
    assert first.text.endswith("1,000 holdout rows would do.")


def test_the_end_is_on_the_first_page(card: Scorecard, brief: Brief) -> None:
    assert assemble(card, brief=brief).summary.until.startswith("These conclusions stand until 2027-01-31;")
    assert assemble(card).summary.until.startswith("No end was given:")


@pytest.mark.parametrize("word", ["anonymous", "compliant", "safe "])
def test_words_that_conclude_too_much_are_never_said(card: Scorecard, brief: Brief, word: str) -> None:
    report = assemble(card, brief=brief, packs=[load_pack("gdpr")], model=ModelFacts(name="gan"))
    assert word not in report.summary.model_dump_json().lower()


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_bytes(card: Scorecard, brief: Brief) -> None:
    again = Scorecard(tuple(dataclasses.replace(measure) for measure in card), dict(card.context))
    assert sealed_report(assemble(card, brief=brief)) == sealed_report(assemble(again, brief=brief))


def test_the_published_schema_is_that_of_the_file(card: Scorecard) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == report_schema_text()
    document = json.loads(sealed_report(assemble(card, packs=[load_pack("gdpr")])))
    assert Sealed.model_validate(document).report.sha256 == document["sha256"]
    assert set(document["report"]) == set(report_schema()["$defs"]["Report"]["properties"])
