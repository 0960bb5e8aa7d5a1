from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthx.errors import DataError, OutputError, ParameterError
from synthx_evaluation.record import Better, Definition
from synthx_evaluation.scorecard import Scorecard

SHAPE = Definition("T-SHAPE", "1.0", "Shapes", Better.HIGHER)
COPIES = Definition("T-COPIES", "1.0", "Copies", Better.LOWER)
ATTACK = Definition("T-ATTACK", "1.0", "Attack", Better.HALF)


@pytest.fixture
def card() -> Scorecard:
    measures = (
        SHAPE.computed(0.98765, n=100, seed=0, interval=(0.97, 1.0), anchor=0.99),
        COPIES.computed(-0.00001, n=100, seed=0),
        ATTACK.not_applicable("needs a holdout"),
    )
    context = {"rows": {"synthetic": 1000, "train": 2000, "holdout": None}, "reference": "train", "target": "café"}
    return Scorecard(measures, context)


def test_reading(card: Scorecard) -> None:
    assert card["T-SHAPE"].value == 0.98765
    assert [measure.id for measure in card] == ["T-SHAPE", "T-COPIES", "T-ATTACK"]
    assert (len(card), "T-COPIES" in card, "T-NONE" in card) == (3, True, False)
    with pytest.raises(ParameterError, match="no measure 'T-NONE'; choose one of T-SHAPE, T-COPIES, T-ATTACK"):
        card["T-NONE"]


def test_text_is_an_aligned_table(card: Scorecard) -> None:
    assert card.to_text().splitlines() == [
        "rows: synthetic 1,000, train 2,000; compared with: train rows; target: café",
        "",
        "        synthetic      95% interval  real rows",
        "----------------------------------------------------------------",
        "Shapes     0.9877  0.9700 to 1.0000     0.9900  higher is better",
        "Copies     0.0000                               lower is better",
        "",
        "not applicable: T-ATTACK (needs a holdout)",
    ]
    assert repr(card) == card.to_text()


def test_tests_show_in_the_text_where_they_were_made() -> None:
    measures = (SHAPE.computed(0.5, n=1, seed=0), COPIES.computed(0.1, n=1, seed=0, p_value=0.005, detectable=0.02))
    assert Scorecard(measures, {}).to_text().splitlines()[2:] == [
        "        synthetic  95% interval  real rows       p  detectable",
        "-" * 80,
        "Shapes     0.5000                                               higher is better",
        "Copies     0.1000                           0.0050      0.0200  lower is better",
    ]


def test_frame_has_a_row_a_measure(card: Scorecard) -> None:
    frame = card.to_frame().set_index("id")
    assert frame.loc["T-SHAPE", ["value", "low", "high", "anchor"]].tolist() == [0.98765, 0.97, 1.0, 0.99]
    assert frame.loc["T-ATTACK", "reason"] == "needs a holdout"
    assert frame["value"].isna().tolist() == [False, False, True]


def test_json_round_trip_is_strict(card: Scorecard, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    text = card.to_json(path)
    assert path.read_text(encoding="utf-8") == text
    assert "café" in text
    json.loads(text, parse_constant=pytest.fail)  # called for NaN and Infinity only
    assert Scorecard.from_json(path) == card


def test_writing_into_no_folder(card: Scorecard, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        card.to_json(tmp_path / "none" / "card.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "is not a scorecard"),
        ('{"format": 99}', "has format 99, this version reads 1; upgrade synthx"),
        ('{"format": 1, "measures": []}', "damaged"),
        ('{"format": 1, "context": {}, "measures": [{"id": "x"}]}', "damaged"),
        ('{"format": 1, "context": {}, "measures": [3]}', "damaged"),
    ],
)
def test_reading_what_is_no_scorecard(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        Scorecard.from_json(path)
    with pytest.raises(DataError, match="there is no scorecard"):
        Scorecard.from_json(tmp_path / "absent.json")


def test_a_scorecard_without_a_value_says_so_in_the_place_of_a_table() -> None:
    absent = Definition("FID-SHAPE", "1.0", "Column shapes", Better.HIGHER).skipped("too few rows")
    assert Scorecard((absent,), {}).to_text().splitlines()[2:] == [
        "No measure has a value.",
        "",
        "skipped: FID-SHAPE (too few rows)",
    ]
