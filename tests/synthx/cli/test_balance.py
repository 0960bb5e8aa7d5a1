"""``synthx balance``: whole commands, with a model so small that it learns in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.cli import main
from synthx.cli.balance import balance
from synthx.io import read_table
from synthx.models.autoregressive import TabularAR
from synthx.schema import Kind, Schema


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = TabularAR.fit

    def fit(self: TabularAR, frame: pd.DataFrame, *more: Any, **named: Any) -> TabularAR:
        self.set_params(steps=12, width=16, hidden=8)
        return usual(self, frame, *more, **named)

    monkeypatch.setattr(TabularAR, "fit", fit)


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    kind = np.repeat(["legal", "fraud", "theft"], [200, 12, 8])
    frame = pd.DataFrame({"amount": rng.lognormal(3, 1, 220).round(2), "shop": rng.choice(["a", "b"], 220)})
    frame["age"] = pd.array(np.where(rng.random(220) < 0.2, None, rng.integers(18, 90, 220)), dtype="Int64")
    frame["kind"] = kind
    frame.to_csv(tmp_path / "payments.csv", index=False)
    return tmp_path / "payments.csv"


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_each_rare_class_is_raised_and_new_rows_are_marked(payments: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = payments.with_name("balanced.csv")
    assert run("balance", payments, "--target", "kind", "--ratio", "0.2", "-o", output) == 0
    rows, real = read_table(output), read_table(payments)
    assert rows["kind"].value_counts().to_dict() == {"legal": 200, "fraud": 40, "theft": 40}
    assert rows.columns.tolist() == [*real.columns, "synthetic"]
    pd.testing.assert_frame_equal(rows.iloc[:220][real.columns.tolist()], real)
    assert rows["synthetic"].tolist() == [False] * 220 + [True] * 60
    said = capsys.readouterr().out
    assert "kind = 'fraud': 12 real rows, 28 new ones of" in said
    assert "kind = 'theft': 8 real rows, 32 new ones of" in said


def test_the_mark_has_another_name_or_is_left_out(payments: Path) -> None:
    named, plain = payments.with_name("a.parquet"), payments.with_name("b.csv")
    assert run("balance", payments, "--target", "kind", "-o", named, "--mark", "new") == 0
    assert read_table(named).columns[-1] == "new"
    assert run("balance", payments, "--target", "kind", "-o", plain, "--no-mark") == 0
    assert read_table(plain).columns.tolist() == read_table(payments).columns.tolist()


def test_the_same_seed_gives_the_same_file(payments: Path) -> None:
    files = [payments.with_name(f"{name}.csv") for name in "ab"]
    for file in files:
        assert run("balance", payments, "--target", "kind", "-o", file, "--seed", "4") == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_schema_is_heeded(payments: Path) -> None:
    schema, output = payments.with_name("schema.json"), payments.with_name("out.csv")
    known = Schema.detect(read_table(payments), target="kind").replace("amount", lower=0.0, upper=1e6, decimals=0)
    known.to_json(schema)
    assert run("balance", payments, "--target", "kind", "--schema", schema, "-o", output) == 0
    assert (read_table(output)["amount"].iloc[220:] % 1 == 0).all()


def test_the_evidence_is_written_on_request(
    payments: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    class Evidence:
        def to_text(self) -> str:
            return "No arm beats class weights here."

        def to_json(self, path: Path) -> None:
            path.write_text("{}")

    def augment(frame: pd.DataFrame, **settings: Any) -> Evidence:
        asked.update(settings, rows=len(frame))
        return Evidence()

    monkeypatch.setattr("synthx_evaluation.augmentation.augment", augment)
    report = payments.with_name("evidence.json")
    words = ("--target", "kind", "-o", payments.with_name("out.csv"), "--report", report)
    assert run("balance", payments, *words) == 0
    assert report.read_text() == "{}"
    assert (asked["rows"], asked["target"], list(asked["generators"])) == (220, "kind", ["synthx-ar"])
    assert "No arm beats class weights here." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "knid"), "there is no column 'knid' to balance; choose --target from 'kind'"),
        (("--target", "kind", "--entity", "shp"), "whom a row belongs to; choose --entity from 'shop'"),
        (("--target", "sort"), "there is no column 'sort' to balance; choose --target from 'amount'"),
        (
            ("--target", "kind", "--ratio", "0.04"),
            "the rarest class, 'theft', has 8 rows to 200 of the largest already",
        ),
        (("--target", "kind", "--ratio", "2"), "--ratio is 2; give a ratio above 0"),
        (("--target", "kind", "--mark", "shop"), "the table has a column 'shop' already"),
        (("--target", "kind", "--model", "smote"), "there is no model 'smote'"),
        (("--target", "kind", "--model", "sequence-vae"), "SequenceVAE is no model of single tables"),
        (("--target", "kind", "--minutes", "0"), "--minutes is 0; give a positive number of minutes"),
        (("--target", "amount"), "has 214 different values, which are no classes"),
        (("--target", "age"), "the class of row"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    payments: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("balance", payments, *words, "-o", payments.with_name("out.csv")) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in payments.parent.iterdir()] == ["payments.csv"]


def test_a_class_of_one_row_and_rows_of_entities_are_refused(
    payments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = read_table(payments)
    frame.iloc[:213].to_csv(payments, index=False)
    assert run("balance", payments, "--target", "kind", "-o", payments.with_name("out.csv")) == 2
    assert "the class 'theft' has one row" in capsys.readouterr().err
    frame["account"] = np.arange(220) // 4
    frame.to_csv(payments, index=False)
    schema = payments.with_name("schema.json")
    Schema.detect(frame, entity="account").to_json(schema)
    assert run("balance", payments, "--target", "kind", "--schema", schema, "-o", payments.with_name("out.csv")) == 2
    assert "the rows of an entity (account) belong together" in capsys.readouterr().err


def test_new_rows_of_things_that_codes_name_have_codes_of_their_own(payments: Path) -> None:
    frame = read_table(payments)
    frame["card"] = ["C0001"] * 10 + [f"C{place // 2:04d}" for place in range(20, 230)]
    frame.to_csv(payments, index=False)
    for words in ((), ("--entity", "card")):
        output = payments.with_name(f"out{len(words)}.csv")
        options = ("--target", "kind", "--ratio", "0.2", "--minutes", "0.05", *words)
        assert run("balance", payments, *options, "-o", output) == 0
        new = read_table(output).query("synthetic")["card"]
        assert len(new) == new.nunique() == 60
        assert not new.isin(frame["card"]).any()
        assert new.str.fullmatch(r"C\d{4}").all()


def test_a_learned_column_of_rare_values_is_warned_of(payments: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = read_table(payments)
    frame["card"] = [f"C{place:04d}" for place in range(220)]
    frame.to_csv(payments, index=False)
    schema = payments.with_name("schema.json")
    Schema.detect(frame).replace("card", kind=Kind.CATEGORICAL, format=None).to_json(schema)
    options = ("--target", "kind", "--schema", schema, "--minutes", "0.05")
    assert run("balance", payments, *options, "-o", payments.with_name("out.csv")) == 0
    said = capsys.readouterr().err
    assert said.count("Warning: Column 'card': 100% of its cells hold one of 220 values") == 1


def test_it_says_what_it_does() -> None:
    assert balance.__doc__ is not None
    assert "the real rows first and unchanged" in balance.__doc__
