"""Reports of real records: what the first page says of a copy, of few rows, and of a private model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from statsmodels.datasets import randhie

from .conftest import synthx

COLUMNS = ["mdvis", "lncoins", "lpi", "disea", "hlthp"]


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    frame: pd.DataFrame = randhie.load_pandas().data[COLUMNS]
    return frame.sample(800, random_state=0, ignore_index=True)


def reported(folder: Path, train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, Any]:
    """Return the record of a report on these tables."""
    named: list[object] = []
    for name, frame in (("train", train), ("holdout", holdout), ("synthetic", synthetic)):
        frame.to_csv(folder / f"{name}.csv", index=False)
        named += [f"--{name}", folder / f"{name}.csv"]
    answer = synthx("report", *named, "--no-pdf", "--profile", "shareable", "-o", folder / "report")
    assert answer.status == 0, answer.err
    assert synthx("report", "verify", folder / "report").status == 0
    record: dict[str, Any] = json.loads((folder / "report" / "report.json").read_bytes())["report"]
    return record


def test_a_copy_of_the_training_rows_is_not_met_on_the_first_page(records: pd.DataFrame, tmp_path: Path) -> None:
    train, holdout = records.iloc[:500], records.iloc[500:]
    summary = reported(tmp_path, train, holdout, train.sample(frac=1, random_state=1))["summary"]
    assert summary["verdict"] == "not met"
    carried = {
        code for statement in summary["may_not"] if "Not met:" in statement["text"] for code in statement["evidence"]
    }
    assert {"wp216.copies", "DISC-COPIES-EXCESS"} <= carried
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert page.index("not met") < page.index("Membership by distance")


def test_two_hundred_rows_show_nothing_and_say_how_many_would_do(records: pd.DataFrame, tmp_path: Path) -> None:
    train, holdout, other = records.iloc[:140], records.iloc[140:200], records.iloc[200:340]
    report = reported(tmp_path, train, holdout, other)
    membership = next(one for one in report["findings"] if one["measure"] == "MIA-MAX")
    assert membership["verdict"] == "not shown"
    assert "100 holdout rows" in membership["needed"]
    said = [one["text"] for one in report["summary"]["may_not"] if "MIA-MAX" in one["evidence"]]
    assert len(said) == 1 and "100 holdout rows" in said[0]


def test_planted_values_of_one_person_are_in_no_file(records: pd.DataFrame, tmp_path: Path) -> None:
    train = records.iloc[:150].assign(town=["Zzyzx"] + ["Ayr", "Bath", "Cork"] * 49 + ["Ayr", "Bath"])
    train.loc[0, "mdvis"] = 98_765
    holdout = records.iloc[150:250].assign(town=["Ayr", "Bath"] * 50)
    reported(tmp_path, train, holdout, train.sample(frac=1, random_state=1))
    for file in (tmp_path / "report").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not [planted for planted in ("Zzyzx", "98765", "98,765") if planted in text], file.name


def test_the_short_form(records: pd.DataFrame, tmp_path: Path) -> None:
    records.iloc[:300].to_csv(tmp_path / "train.csv", index=False)
    records.iloc[300:600].to_csv(tmp_path / "synthetic.csv", index=False)
    tables = ("--train", tmp_path / "train.csv", "--synthetic", tmp_path / "synthetic.csv", "--only", "fidelity")
    answer = synthx("evaluate", *tables, "-o", tmp_path / "page.html")
    assert answer.status == 0, answer.err
    assert synthx("report", "verify", tmp_path / "page.html").status == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Privacy cannot be assessed" in page  # there is no holdout
    assert synthx("evaluate", *tables, "-o", tmp_path / "page.pdf").status == 2


def test_a_private_model_states_its_guarantee(records: pd.DataFrame, tmp_path: Path) -> None:
    records.iloc[:600].to_csv(tmp_path / "train.csv", index=False)
    train, schema, model = tmp_path / "train.csv", tmp_path / "schema.json", tmp_path / "m.synthx"
    for words in (
        ("detect", train, "-o", schema, "--assume-public"),
        ("fit", train, "-o", model, "--schema", schema, "--model", "mst", "--epsilon", "2"),
        ("sample", model, "-n", "600", "-o", tmp_path / "s.csv", "--seed", "1"),
        ("evaluate", "--train", train, "--synthetic", tmp_path / "s.csv", "--only", "fidelity",
         "--json", tmp_path / "card.json"),
        ("report", "--scorecard", tmp_path / "card.json", "--model", model, "--no-pdf", "-o", tmp_path / "report"),
    ):  # fmt: skip
        answer = synthx(*words)
        assert answer.status == 0, answer.err
    record = json.loads((tmp_path / "report" / "report.json").read_bytes())["report"]
    ledger = record["ledger"]
    assert ledger["private"] and 0 < ledger["epsilon"] <= 2
    assert ledger["events"] and ledger["unit"] == "row"
    assert ledger["outside"][0].startswith("Evaluating on raw data lies outside the guarantee.")
    assert record["generator"]["name"] == "TabularMST"
    assert any("differentially private with epsilon" in one["text"] for one in record["summary"]["may"])
