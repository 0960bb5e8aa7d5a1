"""Rule packs: the shipped ones hold what they must, and a malformed one is told where."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from synthx.errors import DataError, ParameterError
from synthx_evaluation.report.criteria.facts import FACTS
from synthx_evaluation.report.criteria.pack import FactTest, MeasureTest, PersonTest, Quantity
from synthx_evaluation.report.criteria.rules import load_pack, read_pack, shipped_packs
from synthx_evaluation.report.record import Verdict

PACKS = ("ema", "eu_ai_act", "fca", "gdpr", "hipaa", "iso27559", "nist_226", "sr11_7", "uk_ico")

OWN = """\
id: own
title: Our own rules
date: 2026-01-31
scope: What our board asks for.
sources:
  board:
    title: Minutes of the board
    address: https://example.org/minutes
    date: 2025-12-01
criteria:
  - id: members
    source: board
    clause: item 4
    text: Members are not told from others.
    test:
      kind: measures
      measures: [MIA-MAX, [DISC-COPIES-EXCESS, SEQ-COPIES-EXCESS]]
      at_most: 0.52
      author: the board
      reason: We want no less.
  - id: budget
    source: board
    clause: item 5
    text: Epsilon is at most 3.
    test:
      kind: fact
      fact: ledger.epsilon
      at_most: 3
      author: the board
      reason: It was agreed.
  - id: purpose
    source: board
    clause: item 6
    text: The purpose is a good one.
    test:
      kind: person
      who: the board
"""


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def message(text: str) -> str:
    with pytest.raises(DataError) as caught:
        read_pack(text, name="own.yaml")
    return str(caught.value)


# -- the shipped packs ----------------------------------------------------------------------------------------------


def test_the_shipped_packs_are_those_that_are_documented() -> None:
    assert shipped_packs() == PACKS


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_is_dated_and_names_its_sources(name: str) -> None:
    pack = load_pack(name)
    assert pack.id == name
    assert pack.date > datetime.date(2026, 1, 1)
    for source in pack.sources.values():
        assert source.address.startswith("https://")
        assert datetime.date(1996, 1, 1) < source.date <= pack.date
    assert {line.source for line in pack.criteria} == set(pack.sources)


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_gives_author_and_reason_of_every_threshold_and_leaves_something_to_people(name: str) -> None:
    lines = load_pack(name).criteria
    tested = [line.test for line in lines if not isinstance(line.test, PersonTest)]
    assert all(test.author and len(test.reason.split()) >= 4 for test in tested)
    assert any(isinstance(line.test, PersonTest) for line in lines)


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_never_uses_the_words_of_a_conclusion(name: str) -> None:
    assert not re.search(
        r"\b(anonymous|anonymized|compliant|compliance|safe|safely)\b", load_pack(name).model_dump_json(), re.I
    )


@pytest.mark.parametrize("name", ["gdpr", "uk_ico", "hipaa", "ema", "iso27559"])
def test_packs_on_privacy_ask_for_singling_out_linking_inference_membership_outliers_and_copies(name: str) -> None:
    asked = {code for line in load_pack(name).criteria if isinstance(line.test, MeasureTest) for code in line.test.ids}
    assert asked >= {
        "DISC-SINGLE-1", "DISC-SINGLE-M", "DISC-LINK", "DISC-INFER-NEAREST", "DISC-INFER-MODEL", "MIA-MAX",
        "MIA-OUTLIERS", "DISC-COPIES-EXCESS",
    }  # fmt: skip


def test_the_rescinded_letter_says_so() -> None:
    assert "Rescinded on 17 April 2026" in load_pack("sr11_7").sources["sr11-7"].note


def test_an_unknown_pack_lists_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="no rule pack 'gpdr'; choose one of ema, eu_ai_act, .*uk_ico"):
        load_pack("gpdr")


# -- a team's own -----------------------------------------------------------------------------------------------------


def test_a_teams_own_pack_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text(OWN, encoding="utf-8")
    for name in (path, str(path)):
        pack = load_pack(name)
        assert pack.date == datetime.date(2026, 1, 31)
    members, budget, purpose = (line.test for line in pack.criteria)
    assert isinstance(members, MeasureTest)
    assert (members.limit, members.quantity, members.alarm) == (0.52, Quantity.VALUE, None)
    assert members.ids == ("MIA-MAX", "DISC-COPIES-EXCESS", "SEQ-COPIES-EXCESS")
    assert isinstance(budget, FactTest)
    assert budget.otherwise is Verdict.NOT_MET
    assert isinstance(purpose, PersonTest)
    assert purpose.consider == ()


def test_the_pack_in_the_documentation_is_one() -> None:
    guide = Path(__file__).parents[3] / "docs" / "rule_packs.md"
    if not guide.exists():
        pytest.skip("the documentation is not at hand")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    assert [line.test.kind for line in read_pack(example, name="board.yaml").criteria] == [
        "measures", "measures", "fact", "person",
    ]  # fmt: skip


def test_the_documentation_names_every_pack_and_every_fact() -> None:
    guide = Path(__file__).parents[3] / "docs" / "rule_packs.md"
    if not guide.exists():
        pytest.skip("the documentation is not at hand")
    text = guide.read_text(encoding="utf-8")
    assert [name for name in (*PACKS, *FACTS) if f"`{name}`" not in text] == []


def test_a_pack_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_pack(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"title: Datenschutzgrunds\xe4tze")
    with pytest.raises(DataError, match="UTF-8"):
        load_pack(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("at_most: 0.52", "at_most: low # here", "valid number"),
        ("at_most: 0.52", "at_most: .nan # here", "finite"),
        ("at_most: 0.52", "at_mots: 0.52 # here", "criteria.0.test.at_mots"),
        ("at_most: 0.52", "at_most: 0.52\n      alarm: 1.5 # here", "less than 1"),
        ("measures: [MIA-MAX,", "measures: [[MIA-MAX], # here\n       ", "criteria.0.test.measures.0"),
        ("test:\n      kind: measures", "test: # here\n      kind: meazures", "meazures"),
        (
            "test:\n      kind: measures",
            "test: # here\n      kind: measures\n      at_least: 1",
            "give one of at_most and",
        ),
        ("test:\n      kind: fact", "test: # here\n      kind: fact\n      stated: true", "give one of stated"),
        (
            "test:\n      kind: fact",
            "test: # here\n      kind: fact\n      otherwise: met",
            "otherwise cannot be 'met'",
        ),
        ("date: 2025-12-01", "date: 2025-12-99 # here", "sources.board.date"),
        ("https://example.org/minutes", "the drawer # here", "sources.board.address"),
        (
            "source: board\n    clause: item 5",
            "source: bored # here\n    clause: item 5",
            "the sources hold no 'bored'",
        ),
        ("id: purpose", "id: budget # here", "the criterion 'budget' stands here a second time"),
        ("fact: ledger.epsilon", "fact: ledger.epsylon # here", "no fact 'ledger.epsylon', only rows.train"),
        ("clause: item 5", "clause: item 5\n    clause: item 6 # here", "the key 'clause' stands here a second time"),
        ("text: Epsilon is at", "text: Epsilon: is at # here", "mapping values are not allowed here"),
        ("    clause: item 6", "\tclause: item 6 # here", "cannot start any token"),
        ("who: the board", "who: &a the board # here\n      consider: [*a]", "alias"),
        ("- id: budget\n    source: board\n", "- id: budget # here\n", "criteria.1.source: Field required"),
    ],
)
def test_a_malformed_pack_names_file_and_line(old: str, new: str, says: str) -> None:
    text = OWN.replace(old, new, 1)
    assert text != OWN
    said = message(text)
    assert said.startswith(f"the rule pack 'own.yaml' is malformed in line {line_of(text, '# here')}: ")
    assert says in said


def test_of_several_mistakes_the_first_is_named() -> None:
    text = OWN.replace("at_most: 3", "at_most: three").replace("at_most: 0.52", "at_most: half # here")
    assert f"in line {line_of(text, '# here')}" in message(text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words", "[1, 2]", "\x00"])
def test_what_is_no_pack_is_said_with_line_one(text: str) -> None:
    assert "in line 1" in message(text)


def test_yaml_cannot_make_objects() -> None:
    said = message(OWN.replace("title: Our own rules", "title: !!python/object/apply:os.getcwd []"))
    assert "in line 2" in said


def test_every_fact_says_what_it_is_and_how_it_gets_there() -> None:
    assert all(kind.meaning and kind.remedy for kind in FACTS.values())
