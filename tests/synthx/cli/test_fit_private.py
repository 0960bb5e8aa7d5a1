"""``synthx fit --epsilon``: a budget, a declared schema, and a ledger beside the data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from synthx.cli.app import app
from synthx.errors import ParameterError, PrivacyError
from synthx.schema import Column, Kind, Schema
from synthx_privacy import Ledger

SCHEMA = Schema(
    (
        Column(name="age", kind=Kind.INTEGER, dtype="int64", lower=18, upper=90),
        Column(name="job", kind=Kind.CATEGORICAL, levels=("clerk", "cook")),
    )
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(int.from_bytes(tmp_path.name.encode()[-4:]))
    frame = pd.DataFrame({"age": rng.integers(18, 91, 2_000), "job": rng.choice(["clerk", "cook"], 2_000)})
    frame.to_csv(tmp_path / "people.csv", index=False)
    SCHEMA.to_json(tmp_path / "schema.json")
    return tmp_path / "people.csv"


def fit(data: Path, *options: str):  # noqa: ANN201
    model, schema = str(data.with_name("m.synthx")), str(data.with_name("schema.json"))
    return CliRunner().invoke(app, ["fit", str(data), "-o", model, "--schema", schema, "--force", *options])


def test_a_fit_is_booked_beside_the_data_and_a_second_one_adds_up(data: Path) -> None:
    first = fit(data, "--epsilon", "1")
    assert first.exit_code == 0, first.output
    assert "Spent epsilon 1.000 at delta 1.0e-06; the unit is a row, added or removed." in first.output
    second = fit(data, "--epsilon", "1")
    assert "All 2 fits in the ledger together: epsilon 1.4" in second.output
    ledger = Ledger.load(data.with_name("people.csv.ledger.json"))
    assert [*ledger.deltas] == ["mst", "mst 2"]
    assert json.loads(data.with_name("people.csv.ledger.json").read_text())["of_data"]


def test_a_ledger_of_other_data_is_refused(data: Path) -> None:
    assert fit(data, "--epsilon", "1").exit_code == 0
    other = data.with_name("others.csv")
    pd.read_csv(data).iloc[::-1].assign(age=30).to_csv(other, index=False)
    refused = fit(other, "--epsilon", "1", "--ledger", str(data.with_name("people.csv.ledger.json")))
    assert isinstance(refused.exception, PrivacyError)
    assert "belongs to other data" in str(refused.exception)


@pytest.mark.parametrize("option", [("--delta", "1e-7"), ("--unit", "age"), ("--domain-share", ".1")])
def test_options_without_a_budget_are_refused(data: Path, option: tuple[str, str]) -> None:
    refused = fit(data, *option)
    assert isinstance(refused.exception, ParameterError)
    assert f"{option[0]} is given without --epsilon" in str(refused.exception)


@pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "inf"])
def test_a_senseless_epsilon_is_refused_and_nothing_is_written(data: Path, epsilon: str) -> None:
    refused = fit(data, "--epsilon", epsilon)
    assert isinstance(refused.exception, ParameterError)
    assert "give a finite number above 0" in str(refused.exception)
    assert not data.with_name("m.synthx").exists()
    assert not data.with_name("people.csv.ledger.json").exists()


def test_without_a_schema_it_is_refused(data: Path) -> None:
    model = str(data.with_name("m.synthx"))
    refused = CliRunner().invoke(app, ["fit", str(data), "-o", model, "--epsilon", "1"])
    assert isinstance(refused.exception, PrivacyError)
    assert "--epsilon is given without --schema" in str(refused.exception)
    assert not data.with_name("people.csv.ledger.json").exists()


def test_cells_that_contradict_the_schema_are_not_told(data: Path) -> None:
    frame = pd.read_csv(data).astype(object)
    frame.loc[0, "age"] = "a secret"
    frame.loc[1, "job"] = "another secret"
    frame.to_csv(data, index=False)
    done = fit(data, "--epsilon", "1")
    assert done.exit_code == 0, done.exception
    assert "secret" not in done.output
