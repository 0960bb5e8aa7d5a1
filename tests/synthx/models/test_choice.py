"""Which model suits a table, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.errors import DataError, ParameterError
from synthx.models.autoregressive import TabularAR
from synthx.models.choice import choose
from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Kind, Schema

from .conftest import patients
from .made_sequences import schema_of, series, visits


def test_the_reason_is_one_sentence_that_names_model_table_and_device() -> None:
    choice = choose(patients(4_000), device="cpu")
    assert choice.reason == (
        "Chose ar, the autoregressive model, for 4,000 rows × 6 columns on cpu: of all models here it gave the most"
        " faithful rows for the time on every table we measured."
    )
    assert isinstance(choice.model, TabularAR)
    assert choice.model.get_params() == TabularAR(device="cpu").get_params()


@pytest.mark.parametrize(("rows", "few"), [(200, True), (499, True), (500, False)])
def test_few_rows_are_said_to_be_few(rows: int, few: bool) -> None:
    reason = choose(patients(rows), device="cpu").reason
    assert f"for {rows:,} rows × 6 columns on cpu: " in reason
    assert reason.endswith("; the rows are few, so expect it to know each column and the strongest ties only.") == few
    assert reason.count(".") == 1


def test_many_levels_are_named_and_learned() -> None:
    table = pd.DataFrame({"shop": [f"S{number % 1_200:04d}x" for number in range(24_000)], "coin": [0, 1] * 12_000})
    schema = Schema.detect(table).replace("shop", kind=Kind.CATEGORICAL)
    choice = choose(table, schema, device="cpu")
    assert choice.reason.endswith("; the 1,200 levels of a column are written as two digits.")
    choice.model.set_params(steps=2, width=16, hidden=8).fit(table, schema)
    assert choice.model.sample(50, seed=0)["shop"].isin(table["shop"]).all()


def test_columns_that_are_not_learned_do_not_count() -> None:
    table = patients(2_000).assign(record=[f"REC-{number:05d}" for number in range(2_000)], country="CH")
    assert "for 2,000 rows × 6 columns on cpu" in choose(table, device="cpu").reason


def test_settings_are_handed_down() -> None:
    settings: dict[str, Any] = {"max_minutes": 2.5, "seed": 7, "device": "cpu", "refine": True, "batch_size": 128}
    parameters = choose(patients(2_000), **settings).model.get_params()
    assert {name: parameters[name] for name in settings} == settings


@pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame(index=range(5))])
def test_an_empty_table(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="the table is empty; give a table with rows and columns"):
        choose(table)


def test_a_schema_of_another_table() -> None:
    table = patients(100)
    with pytest.raises(DataError, match="the table lacks column 'ward' of the schema"):
        choose(table.drop(columns="ward"), Schema.detect(table))


def test_a_device_that_is_none() -> None:
    with pytest.raises(ParameterError, match="device 'abacus' is not known"):
        choose(patients(100), device="abacus")


def test_a_senseless_time_limit() -> None:
    with pytest.raises(ParameterError, match="max_minutes is 0"):
        choose(patients(100), max_minutes=0)


def test_columns_of_any_kind() -> None:
    table = pd.DataFrame({"x": np.arange(100) / 7, "day": pd.date_range("2024-01-01", periods=100), "all": 1})
    assert "100 rows × 2 columns" in choose(table, device="cpu").reason


class TestSequences:
    def test_rows_of_an_entity_are_learned_together(self) -> None:
        frame = visits(20)
        choice = choose(frame, schema_of(frame), max_minutes=2.5, seed=7, device="cpu", batch_size=256)
        assert isinstance(choice.model, SequenceVAE)
        assert choice.reason == "Chose sequence-vae: the rows of an entity (patient) belong together."
        expected = SequenceVAE(max_minutes=2.5, seed=7, device="cpu", batch_size=256)
        assert choice.model.get_params() == expected.get_params()

    def test_a_key_of_several_columns_is_named(self) -> None:
        frame = series([3] * 20).assign(ward="W1")
        assert "(k, ward)" in choose(frame, Schema.detect(frame, entity=["ward", "k"]), device="cpu").reason

    def test_entities_of_one_row_each_are_a_table(self) -> None:
        frame = series([1] * 600)
        assert choose(frame, Schema.detect(frame, entity="k"), device="cpu").reason.startswith("Chose ar, ")

    def test_sequences_are_not_refined(self) -> None:
        frame = visits(20)
        with pytest.raises(ParameterError, match="refine is asked for, but the table holds sequences; leave it out"):
            choose(frame, schema_of(frame), refine=True)
