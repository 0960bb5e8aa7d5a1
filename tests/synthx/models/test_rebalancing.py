"""Shares of groups, kept to the row. The models are small and trained shortly: what is tested holds by construction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

import synthx
from synthx.cli import main
from synthx.condition import between
from synthx.errors import ConditionError, ParameterError
from synthx.models.autoregressive import TabularAR
from synthx.models.rebalancing import parse_rebalance, rows_of
from synthx.schema import Kind, Schema

from .conftest import patients

INSTANT: dict[str, Any] = {
    "steps": 10, "batch_size": 256, "width": 16, "hidden": 8, "learning_rate": 0.01, "dropout": 0.0, "device": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    table = patients(1_000)
    return table.assign(
        key=[f"K-{i:05d}" for i in range(len(table))],
        drug=table["drug"].where(table.index % 20 > 0),
        letter=table["ward"].str[0],  # a function of the ward
    )


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> TabularAR:
    schema = Schema.detect(frame, target="died")
    assert schema["key"].kind is Kind.IDENTIFIER
    return TabularAR(**INSTANT).fit(frame, schema)


class TestCounts:
    def test_by_hand(self) -> None:
        assert rows_of([0.5, 0.5], 10) == [5, 5]
        assert rows_of([0.5, 0.5], 3) == [2, 1]  # a tie goes to the first
        assert rows_of([0.25] * 4, 10) == [3, 3, 2, 2]
        assert rows_of([0.1, 0.2, 0.7], 10) == [1, 2, 7]
        assert rows_of([0.16, 0.34, 0.5], 10) == [2, 3, 5]  # 1.6, 3.4, 5: the row left over goes to 1.6
        assert rows_of([0.0, 1.0], 7) == [0, 7]
        assert rows_of([1 / 3] * 3, 2) == [1, 1, 0]

    @hypothesis_given(
        weights=st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any), n=st.integers(1, 10_000)
    )
    def test_they_add_up_and_are_within_one_row(self, weights: list[int], n: int) -> None:
        shares = [weight / sum(weights) for weight in weights]
        rows = rows_of(shares, n)
        assert sum(rows) == n
        assert all(abs(count - share * n) < 1 + 1e-6 for count, share in zip(rows, shares, strict=True))


class TestSampling:
    def test_equal_shares(self, model: TabularAR) -> None:
        rows = model.sample(402, rebalance={"ward": "equal"}, seed=0)
        assert rows["ward"].value_counts().to_dict() == {"child": 101, "emergency": 101, "heart": 100, "surgery": 100}

    def test_named_shares_leave_out_the_levels_that_are_not_named(self, model: TabularAR) -> None:
        rows = model.sample(100, rebalance={"ward": {"heart": 0.3, "child": 0.7, "surgery": 0}}, seed=0)
        assert rows["ward"].value_counts().to_dict() == {"child": 70, "heart": 30}

    def test_missing_is_a_level_where_it_is_named(self, model: TabularAR) -> None:
        rows = model.sample(50, rebalance={"drug": {"a": 0.8, None: 0.2}}, seed=0)
        assert rows["drug"].value_counts(dropna=False).to_dict() == {"a": 40, None: 10}
        assert model.sample(40, rebalance={"drug": "equal"}, seed=0)["drug"].value_counts().to_dict() == dict.fromkeys(
            "abcd", 10
        )

    def test_columns_are_crossed(self, model: TabularAR) -> None:
        asked = {"died": "equal", "ward": {"heart": 0.25, "child": 0.75}}
        rows = model.sample(80, rebalance=asked, seed=0)
        assert rows.groupby(["died", "ward"]).size().to_dict() == {
            (False, "child"): 30, (False, "heart"): 10, (True, "child"): 30, (True, "heart"): 10,
        }  # fmt: skip

    def test_beside_conditions(self, model: TabularAR) -> None:
        given = {"age": between(40, 60), "ward": ["heart", "child"]}
        rows = model.sample(60, given=given, rebalance={"ward": "equal"}, seed=0)
        assert rows["ward"].value_counts().to_dict() == {"child": 30, "heart": 30}
        assert rows["age"].between(40, 60).all()

    def test_a_column_that_is_computed_from_another(self, model: TabularAR) -> None:
        assert "letter" in model.codec_.structure.derived or "ward" in model.codec_.structure.derived
        for name in ("letter", "ward"):
            assert set(model.sample(40, rebalance={name: "equal"}, seed=0)[name].value_counts()) == {10}

    def test_groups_are_mixed_and_keys_are_unique(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = model.sample(600, rebalance={"ward": "equal"}, seed=0)
        assert rows["key"].is_unique
        assert rows["ward"].head(60).nunique() == 4
        assert (rows["ward"] != rows["ward"].shift()).mean() > 0.5  # .75 of neighbours differ in random order
        pd.testing.assert_series_equal(rows.dtypes, frame.dtypes)
        assert list(rows.index) == list(range(600))

    def test_in_batches(self, model: TabularAR) -> None:
        batches = list(model.sample_batches(250, rebalance={"ward": "equal"}, seed=0, batch_rows=100))
        assert [len(batch) for batch in batches] == [100, 100, 50]
        whole = pd.concat(batches)
        assert whole["key"].is_unique
        assert sorted(whole["ward"].value_counts()) == [62, 62, 63, 63]

    def test_the_same_seed_draws_the_same_rows(self, model: TabularAR) -> None:
        first, again = (model.sample(50, rebalance={"ward": "equal"}, seed=3) for _ in range(2))
        pd.testing.assert_frame_equal(first, again)
        assert not model.sample(50, rebalance={"ward": "equal"}).equals(first)

    def test_fewer_rows_than_levels(self, model: TabularAR) -> None:
        assert len(model.sample(1, rebalance={"ward": "equal", "drug": "equal"}, seed=0)) == 1

    def test_with_temperature(self, model: TabularAR) -> None:
        rows = model.sample(20, rebalance={"ward": "equal"}, seed=0, temperature=0.5)
        assert set(rows["ward"].value_counts()) == {5}


@pytest.mark.parametrize(
    ("rebalance", "given", "error", "message"),
    [
        ({"wrad": "equal"}, {}, ConditionError, "column 'wrad', which the model does not know; choose from"),
        ({"key": "equal"}, {}, ConditionError, "column 'key' is identifier and is not learned"),
        ({"age": "equal"}, {}, ConditionError, "column 'age' is integer and has no levels to rebalance"),
        ({"weight": {70: 1.0}}, {}, ConditionError, "column 'weight' is decimal and has no levels to rebalance"),
        ({"drug": {"a": 0.5, "z": 0.5}}, {}, ConditionError, "column 'drug' has no level 'z' that the model knows"),
        ({"ward": {"heart": 1.0, None: 0.0}}, {}, ConditionError, "is never missing"),
        ({"ward": {"heart": 0.5, "child": 0.4}}, {}, ParameterError, "the shares of column 'ward' add up to 0.9; make"),
        ({"ward": {"heart": -0.5, "child": 1.5}}, {}, ParameterError, "the share of 'heart' in column 'ward' is -0.5"),
        ({"ward": {"heart": "all"}}, {}, ParameterError, "the share of 'heart' in column 'ward' is 'all'"),
        ({"ward": {"heart": True}}, {}, ParameterError, "the share of 'heart' in column 'ward' is True"),
        ({"ward": {"heart": float("nan")}}, {}, ParameterError, "the share of 'heart' in column 'ward' is nan"),
        ({"died": {True: 0.5, "True": 0.5}}, {}, ParameterError, "names one level of column 'died' twice, as True and"),
        ({"ward": "even"}, {}, ParameterError, "rebalance of column 'ward' is 'even'; give 'equal', or a share for"),
        ({"ward": {}}, {}, ParameterError, "rebalance of column 'ward' is {}"),
        ({}, {}, ParameterError, "rebalance is {}; give shares by column"),
        ("ward", {}, ParameterError, "rebalance is 'ward'; give shares by column"),
        ({"drug": {"a": 1.0}}, {"drug": "b"}, ConditionError, "rebalance names 'a' of column 'drug', and the"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(
    model: TabularAR, rebalance: Any, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        model.sample(10, given=given, rebalance=rebalance)
    assert message in str(raised.value)


def test_too_many_combinations(model: TabularAR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthx.models.rebalancing.MOST_GROUPS", 15)
    with pytest.raises(ParameterError, match=r"crosses 2 column\(s\) into 16 combinations of levels, more than 15"):
        model.sample(10, rebalance={"ward": "equal", "drug": "equal"})


class TestCommandLine:
    def test_parsing(self) -> None:
        assert parse_rebalance(["sex=equal", "town=Ayr:0.25|Bath: 0.75"]) == {
            "sex": "equal", "town": {"Ayr": 0.25, "Bath": 0.75},
        }  # fmt: skip
        assert parse_rebalance(["time=9:30:0.5|:0.5"]) == {"time": {"9:30": 0.5, None: 0.5}}
        assert parse_rebalance([]) == {}

    @pytest.mark.parametrize(
        ("texts", "message"),
        [
            (["sex"], "--rebalance 'sex' gives no shares"),
            (["sex="], "--rebalance 'sex=' gives no shares"),
            (["sex=F"], "--rebalance gives 'F' for column 'sex'; write a share behind a colon"),
            (["sex=F:.5|F:.5"], "--rebalance names 'F' of column 'sex' twice"),
            (["sex=equal", "sex=F:1"], "column 'sex' is rebalanced twice"),
        ],
    )
    def test_what_cannot_be_parsed(self, texts: list[str], message: str) -> None:
        with pytest.raises(ParameterError) as raised:
            parse_rebalance(texts)
        assert message in str(raised.value)

    def test_sample(self, model: TabularAR, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path, out = tmp_path / "m.synthx", tmp_path / "rows.csv"
        model.save(path)
        words = ["sample", str(path), "-n", "40", "-o", str(out), "--seed", "1"]
        assert main([*words, "--rebalance", "ward=equal", "--given", "died=False"]) == 0
        rows = pd.read_csv(out)
        assert set(rows["ward"].value_counts()) == {10}
        assert not rows["died"].any()
        assert main([*words, "--force", "--rebalance", "age=equal"]) == 2
        assert "column 'age' is integer and has no levels to rebalance" in capsys.readouterr().err


def test_a_loaded_model(model: TabularAR, tmp_path: Path) -> None:
    model.save(tmp_path / "m.synthx")
    again = synthx.load(tmp_path / "m.synthx")
    assert isinstance(again, TabularAR)
    asked = {"ward": "equal"}
    pd.testing.assert_frame_equal(again.sample(20, rebalance=asked, seed=1), model.sample(20, rebalance=asked, seed=1))
