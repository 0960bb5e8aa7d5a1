"""``synthx balance --report``: what a fraud team says about its table reaches the evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.cli import main
from synthx.io import read_table
from synthx.models.autoregressive import TabularAR
from synthx.schema import Schema
from synthx_evaluation.augmentation import Budget, Evidence
from synthx_evaluation.augmentation.learners import linear

ABOUT = ("--time", "booked", "--entity", "card", "--weights", "weight", "--amount", "amount", "--positive", "1")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = TabularAR.fit

    def fit(self: TabularAR, frame: pd.DataFrame, *more: Any, **named: Any) -> TabularAR:
        return usual(self.set_params(steps=8, width=16, hidden=8), frame, *more, **named)

    monkeypatch.setattr(TabularAR, "fit", fit)
    monkeypatch.setattr("synthx_evaluation.augmentation.run.LEARNERS", {"linear": linear})


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    """160 payments of 80 cards, one in ten a fraud; two categories, of which one has gaps."""
    rng = np.random.default_rng(0)
    fraud = np.arange(160) % 10 == 0
    frame = pd.DataFrame(
        {
            "amount": np.round(np.exp(rng.normal(3 + 2 * fraud, 1)), 2),
            "shop": pd.Series(rng.choice(["grocer", "fuel", "hotel"], 160)).where(rng.random(160) < 0.9),
            "entry": rng.choice(["chip", "web"], 160),
            "card": [f"C-{place:03d}" for place in rng.permutation(160) // 2],
            "booked": pd.date_range("2026-01-01", periods=160, freq="h"),
            "weight": np.where(fraud, 1.0, 20.0),
            "fraud": fraud.astype(int),
        }
    )
    frame.to_csv(tmp_path / "payments.csv", index=False)
    return tmp_path / "payments.csv"


def run(payments: Path, *words: object) -> int:
    options = ("--target", "fraud", "--ratio", "0.2", "-o", payments.with_name("out.csv"), *words)
    return main([str(word) for word in ("balance", payments, *options)])


def test_all_that_is_said_reaches_the_evidence(payments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class SaidError(Exception):
        pass

    def augment(frame: pd.DataFrame, **settings: Any) -> None:
        asked.update(settings)
        raise SaidError

    monkeypatch.setattr("synthx_evaluation.augmentation.augment", augment)
    schema = payments.with_name("schema.json")
    Schema.detect(read_table(payments)).to_json(schema)
    words = ("--report", payments.with_name("e.json"), "--folds", 3, "--alert-cost", 7, "--schema", schema, "--seed", 2)
    with pytest.raises(SaidError):
        run(payments, *words, *ABOUT)
    columns = {"target": "fraud", "time": "booked", "entity": "card", "weights": "weight", "amount": "amount"}
    assert {name: asked[name] for name in columns} == columns
    assert (asked["positive"], asked["folds"], asked["seed"], asked["budget"]) == (1, 3, 2, Budget(alert_cost=7.0))
    assert asked["schema"].names == ("amount", "shop", "entry")


def test_a_whole_run_says_how_far_it_is_and_what_came_out(payments: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = payments.with_name("evidence.json")
    assert run(payments, "--report", report, "--folds", 2, *ABOUT) == 0
    said = capsys.readouterr()
    assert "evidence: the model is fitted 2 times, up to 0.52 minutes each" in said.err
    assert "100%  evidence" in said.err
    assert "drawing: 12 rows" in said.err  # 144 others: a fifth is 28
    assert "160 rows, 16 of class 1 of 'fraud' (0.55% of the population)" in said.out  # 16 / (16 + 144 * 20)
    assert "2 folds by time" in said.out
    assert "No attack on rare rows" in said.out
    assert f"Figures written to {report}." in said.out
    evidence = Evidence.from_json(report)
    assert set(evidence.scores["family"]) >= {"nothing", "class weights", "SMOTE", "synthx-ar"}
    assert json.loads(report.read_text())["verdict"] in said.out
    assert not {"card", "booked", "weight"} & set(report.read_text().split('"'))


def test_new_rows_get_keys_that_no_real_row_has(payments: Path) -> None:
    assert run(payments, "--entity", "card") == 0
    rows = read_table(payments.with_name("out.csv"))
    new = rows.loc[rows["synthetic"], "card"]
    assert new.is_unique
    assert new.str.fullmatch(r"C-\d{3}").all()
    assert not set(new) & set(rows.loc[~rows["synthetic"], "card"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--time", "booked"), "--time says how to try whether it helps; add --report FILE"),
        (("--amount", "amount", "--alert-cost", "2"), "--amount says how to try whether it helps"),
        (("--report", "e.json", "--alert-cost", "2"), "--alert-cost is 2, and no --amount is named"),
        (
            ("--report", "e.json", "--amount", "amount", "--alert-cost", "-2"),
            "--alert-cost is -2; give a number from 0",
        ),
        (("--report", "e.json", "--positive", "yes"), "no row of 'fraud' is of this class; choose from 1, 0"),
        (("--report", "e.json", "--weights", "mass"), "there is no column 'mass' (weights)"),
        (("--report", "e.json", "--folds", "90"), "choose at most 16 folds"),
        (("--entity", "who"), "there is no column 'who' that says whom a row belongs to"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_learned(
    payments: Path,
    words: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fit(self: TabularAR, *more: Any, **named: Any) -> None:
        raise AssertionError("a model was fitted")

    monkeypatch.setattr(TabularAR, "fit", fit)
    monkeypatch.chdir(payments.parent)
    assert run(payments, *words) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in payments.parent.iterdir()] == ["payments.csv"]
