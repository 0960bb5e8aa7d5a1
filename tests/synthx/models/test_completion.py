"""How likely rows are, and what stands in their empty cells; after a short training."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.errors import DataError, ParameterError
from synthx.models.autoregressive import TabularAR
from synthx.schema import Schema

from .conftest import number_columns, patients

INSTANT: dict[str, Any] = {"steps": 10, "width": 16, "hidden": 8, "device": "cpu"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return patients()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> TabularAR:
    """Fitted long enough to know that a drug tells the ward."""
    return TabularAR(steps=300, batch_size=256, width=64, hidden=16, learning_rate=0.01, dropout=0.0, device="cpu").fit(
        frame
    )


def fit(table: pd.DataFrame, schema: Schema | None = None) -> TabularAR:
    return TabularAR(**INSTANT).fit(table, schema)


def told(model: TabularAR, rows: pd.DataFrame) -> pd.DataFrame:
    """Return log-probabilities with their reasons."""
    answer = model.log_prob(rows, reasons=True)
    assert isinstance(answer, pd.DataFrame)
    return answer


def school(rows: int = 600) -> pd.DataFrame:
    """Return a table in which `education_num` numbers `education`, and `key` and `note` are not learned."""
    rng = np.random.default_rng(0)
    education = rng.integers(0, 5, rows)
    return pd.DataFrame(
        {
            "key": [f"AC-{number:06d}" for number in range(rows)],
            "education": np.array(["school", "trade", "college", "master", "doctor"], object)[education],
            "education_num": education + 8,
            "hours": rng.integers(10, 60, rows),
            "email": [f"person{number}@example.org" for number in range(rows)],
        }
    )


class TestLogProb:
    def test_rows_keep_their_index_and_the_order_of_columns_is_free(
        self, model: TabularAR, frame: pd.DataFrame
    ) -> None:
        rows = frame.iloc[[7, 3, 3]].set_axis(["x", "y", "z"])
        found = model.log_prob(rows)
        assert found.name == "log_prob" and list(found.index) == ["x", "y", "z"]
        assert np.isfinite(found).all() and (found < 0).all()
        assert found["y"] == pytest.approx(found["z"], abs=1e-4)
        shuffled = model.log_prob(rows[["died", "visits", "weight", "age", "drug", "ward"]])
        assert shuffled.to_list() == found.to_list()

    def test_likely_rows_are_likelier(self, model: TabularAR, frame: pd.DataFrame) -> None:
        swapped = frame.assign(drug=frame["drug"].map(dict(zip("abcd", "dcba", strict=True))))
        assert np.median(model.log_prob(frame) - 1) > np.median(model.log_prob(swapped))

    def test_many_rows_are_reckoned_as_few(self, model: TabularAR, frame: pd.DataFrame) -> None:
        many = model.log_prob(pd.concat([frame] * 5, ignore_index=True))
        np.testing.assert_allclose(many.to_numpy()[:4_000], many.to_numpy()[16_000:], atol=1e-4)

    def test_every_row_that_is_never_drawn_says_why(self, frame: pd.DataFrame) -> None:
        table = frame.drop(columns="visits").assign(low=frame["age"], high=lambda t: t["age"] + (t.index % 7 * 3))
        table.loc[0, "ward"] = None
        asker = fit(table)
        row = table.iloc[[10]]
        changes: list[tuple[dict[str, Any], str]] = [
            ({"ward": "cellar"}, "column 'ward' holds 'cellar', which the model never draws: unseen, or too rare"),
            ({"weight": 1e6}, "column 'weight' holds 1000000.0, which the model never draws"),
            ({"ward": None}, "column 'ward' is missing, and the model never leaves it empty"),
            ({"drug": None}, "column 'drug' is missing, and the model never leaves it empty"),
            ({"high": -1.0}, "high"),
        ]
        rows = pd.concat([row, *(row.assign(**change) for change, _ in changes)], ignore_index=True)
        answer = told(asker, rows)
        assert list(answer.columns) == ["log_prob", "reason"]
        assert np.isfinite(answer["log_prob"].iloc[0]) and answer["reason"].iloc[0] is None
        assert (answer["log_prob"].iloc[1:] == -np.inf).all()
        for reason, (_, expected) in zip(answer["reason"].iloc[1:], changes, strict=True):
            assert expected in reason
        assert asker.log_prob(rows).equals(answer["log_prob"])

    def test_a_broken_rule_is_named(self) -> None:
        table = school()
        answer = told(fit(table), table.head(2).assign(education_num=[table["education_num"].iloc[0], 99]))
        assert answer["reason"].iloc[0] is None
        assert answer["log_prob"].iloc[1] == -np.inf
        assert answer["reason"].iloc[1] == (
            "the row breaks a rule of all training rows: education_num is a function of education (5 levels)"
        )

    def test_numbers_between_and_beyond_those_that_are_drawn(self) -> None:
        """The column holds 0, 1 and 3 only, and 2 is none of them though the next."""
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"n": rng.choice([0, 1, 3], 500), "b": rng.choice(["x", "y"], 500)})
        asker = fit(table, Schema.detect(table).replace("n", kind=synthx.Kind.INTEGER))
        rows = pd.DataFrame({"n": [-1, 0, 1, 2, 3, 4], "b": "x"})
        assert np.isfinite(asker.log_prob(rows)).tolist() == [False, True, True, False, True, False]

    def test_all_rows_of_a_tiny_domain_sum_to_one(self) -> None:
        """The rare level of `a` and the two missing cells of `c` are never drawn, so what is drawn sums to one."""
        rng = np.random.default_rng(0)
        table = pd.DataFrame(
            {
                "a": rng.choice(["p", "q", "r"], 400),
                "b": rng.choice([0.5, 1.5, np.nan], 400),
                "c": rng.choice(["x", "y"], 400),
            }
        )
        table.loc[:2, "a"], table.loc[5:6, "c"] = "rare", None
        schema = Schema.detect(table).replace("b", kind=synthx.Kind.DECIMAL)
        domain = itertools.product(["p", "q", "r", "rare"], [0.5, 1.5, None], ["x", "y", None])
        rows = pd.DataFrame(list(domain), columns=["a", "b", "c"])
        probability = np.exp(fit(table, schema).log_prob(rows))
        assert probability.sum() == pytest.approx(1, abs=1e-5)
        assert (probability > 0).sum() == 3 * 3 * 2

    def test_no_rows(self, model: TabularAR, frame: pd.DataFrame) -> None:
        assert model.log_prob(frame.head(0)).shape == (0,)
        assert model.log_prob(frame.head(0), reasons=True).shape == (0, 2)

    def test_bad_input(self, model: TabularAR, frame: pd.DataFrame) -> None:
        with pytest.raises(DataError, match="the table lacks column 'ward'"):
            model.log_prob(frame.drop(columns="ward"))
        with pytest.raises(DataError, match="the table has column 'shoe', which the schema does not know"):
            model.log_prob(frame.assign(shoe=1))
        with pytest.raises(DataError, match="column 'age' holds 'old' in row 2, which is no number"):
            model.log_prob(frame.head(2).assign(age=pd.Series([30, "old"], dtype=object)))


def with_gaps(frame: pd.DataFrame, share: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return frame.astype(object).mask(rng.random(frame.shape) < share)


class TestImpute:
    def test_filled_cells_stay_and_no_gaps_are_left(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = with_gaps(frame.head(600)).set_axis(range(1_000, 1_600))
        filled = model.impute(rows, seed=0)
        pd.testing.assert_series_equal(filled.dtypes, frame.dtypes)
        assert filled.index.equals(rows.index)
        assert filled.notna().all().all()
        was = rows.notna().to_numpy()
        assert (filled.astype(object).to_numpy()[was] == rows.to_numpy()[was]).all()
        assert filled["ward"].isin(frame["ward"]).all() and filled["age"].between(0, 99).all()

    def test_rows_are_not_changed_in_place(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = with_gaps(frame.head(50))
        before = rows.copy(deep=True)
        model.impute(rows, seed=0)
        pd.testing.assert_frame_equal(rows, before)

    def test_several_draws_differ_where_cells_were_empty(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = frame.head(40).set_axis([f"r{number}" for number in range(40)])
        rows["weight"] = np.nan
        filled = model.impute(rows, draws=3, seed=0)
        assert filled.index.names[0] == "draw" and filled.shape == (120, 6)
        draws = [filled.loc[number] for number in range(3)]
        for draw in draws:
            assert list(draw.index) == list(rows.index)
            assert draw.drop(columns="weight").equals(rows.drop(columns="weight"))
        assert not draws[0]["weight"].equals(draws[1]["weight"])

    def test_a_seed_fills_alike(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = with_gaps(frame.head(100))
        first, again, other = (model.impute(rows, draws=2, seed=seed) for seed in (3, 3, 4))
        pd.testing.assert_frame_equal(first, again)
        assert not first.equals(other)
        assert not model.impute(rows).equals(model.impute(rows))

    def test_what_the_other_cells_tell_is_used(self, model: TabularAR, frame: pd.DataFrame) -> None:
        """A drug tells its ward in about .88 of rows; the ward that is most frequent would be right in .5."""
        others = patients(2_000, seed=1)
        guessed = model.impute(others.assign(ward=None), seed=0)["ward"]
        chance = (frame["ward"].value_counts(normalize=True) ** 2).sum()  # drawing from the marginal: .37
        assert (guessed == others["ward"]).mean() > chance + 0.3
        given = model.impute(pd.DataFrame({"drug": ["c"] * 2_000}), seed=0)["ward"]
        real = frame.loc[frame["drug"] == "c", "ward"]
        assert (given == "child").mean() == pytest.approx((real == "child").mean(), abs=0.12)

    def test_lacking_columns_are_filled_in_their_own_dtype(self) -> None:
        table = pd.DataFrame(
            {
                "day": pd.date_range("2024-01-01", periods=300, freq="7h"),
                "at": pd.date_range("2024-01-01", periods=300, freq="11h", tz="Europe/Rome"),
                "level": pd.Categorical(list("lmh") * 100, categories=list("lmh"), ordered=True),
                "count": pd.array([1, 2, None, 4] * 75, dtype="Int64"),
                "ok": [True, False] * 150,
                "z": np.random.default_rng(0).normal(size=300).astype("float32"),
                "text": pd.array(list("abc") * 100, dtype="string"),
            }
        )
        filler = fit(table)
        for name in table:
            filled = filler.impute(table.head(30).drop(columns=name), seed=0)
            pd.testing.assert_series_equal(filled.dtypes, table.dtypes)
            assert filled[name].notna().all()
            others = [other for other in table if other not in (name, "count")]
            pd.testing.assert_frame_equal(filled[others], table.head(30)[others])
        alone = filler.impute(table[["ok"]].head(5), seed=0)
        assert list(alone.columns) == list(table.columns) and alone.notna().all().all()

    def test_a_derived_column_fills_its_source_and_the_other_way_round(self) -> None:
        table = school()
        filler = fit(table)
        assert filler.codec_.structure.derived == {"education_num"}
        for lacking in ("education", "education_num"):
            filled = filler.impute(table.drop(columns=lacking), seed=0)
            pd.testing.assert_frame_equal(filled, table)
        half = table.astype(object)
        half.loc[::2, "education"], half.loc[1::2, "education_num"] = None, None
        pd.testing.assert_frame_equal(filler.impute(half, seed=0), table)
        free = filler.impute(table[["hours"]], seed=0)
        pairs = set(table[["education", "education_num"]].itertuples(index=False, name=None))
        assert set(free[["education", "education_num"]].itertuples(index=False, name=None)) <= pairs

    def test_a_number_is_filled_from_the_number_that_is_derived_from_it(self) -> None:
        """What `fahrenheit` tells of `celsius` is exact, not a bin."""
        celsius = np.round(np.random.default_rng(0).normal(15, 8, 500), 1)
        table = pd.DataFrame({"celsius": celsius, "fahrenheit": np.round(1.8 * celsius + 32, 2), "b": ["x", "y"] * 250})
        filler = fit(table)
        assert len(filler.codec_.structure.derived) == 1
        rows = table[table["celsius"].between(0, 30)].head(20)
        for lacking in ("celsius", "fahrenheit"):
            pd.testing.assert_frame_equal(filler.impute(rows.drop(columns=lacking), seed=0), rows)

    def test_cells_that_are_drawn_keep_the_order_with_those_that_are_given(self) -> None:
        rng = np.random.default_rng(0)
        low = rng.integers(0, 100, 1_000)
        table = pd.DataFrame({"low": low, "high": low + rng.integers(0, 50, 1_000), "b": rng.choice(["x", "y"], 1_000)})
        filler = fit(table)
        for name in ("low", "high"):
            filled = filler.impute(table.drop(columns=name), seed=0)
            assert (filled["low"] <= filled["high"]).all()
            pd.testing.assert_frame_equal(filled.drop(columns=name), table.drop(columns=name))
            pd.testing.assert_series_equal(filled.dtypes, table.dtypes)

    def test_a_level_that_goes_with_a_missing_cell_too_does_not_leave_it_empty(self) -> None:
        """`ok` is derived from `count`: "t" tells of 1 or a missing cell, of which 1 fills."""
        table = pd.DataFrame({"count": [1, 2, None, 4, None] * 60, "ok": ["t", "f", "t", "f", "t"] * 60})
        table["count"] = table["count"].astype("Int64")
        filler = fit(table)
        assert filler.codec_.structure.derived == {"ok"}
        filled = filler.impute(table[["ok"]].head(50), seed=0)
        assert (filled["count"] == 1).eq(filled["ok"] == "t").all()

    def test_a_column_that_was_always_missing_stays_so(self) -> None:
        table = pd.DataFrame({"a": list("xyz") * 60, "empty": np.nan, "n": np.arange(180) % 11})
        filled = fit(table).impute(table.assign(n=None), seed=0)
        assert filled["empty"].isna().all() and filled["n"].notna().all()

    def test_keys_and_fakes_stay_as_they_are(self) -> None:
        table = school()
        rows = table.head(20).assign(hours=None)
        rows.loc[3, "key"] = None
        filled = fit(table).impute(rows, seed=0)
        pd.testing.assert_series_equal(filled["key"], rows["key"])
        pd.testing.assert_series_equal(filled["email"], rows["email"])
        assert filled["hours"].between(10, 59).all()

    def test_an_unseen_level_and_a_number_between_stay(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = frame.head(3).assign(ward=pd.Series(["cellar", None, "heart"], dtype=object), age=[34.5, np.nan, 200.0])
        filled = model.impute(rows, seed=0)
        assert filled["ward"].iloc[0] == "cellar" and filled["ward"].iloc[2] == "heart"
        assert filled["age"].iloc[[0, 2]].tolist() == [34.5, 200.0]
        assert filled["age"].notna().all() and filled["ward"].notna().all()

    def test_nothing_to_fill_and_no_rows(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = frame.dropna().head(100)
        pd.testing.assert_frame_equal(model.impute(rows), rows)
        none = model.impute(frame.head(0))
        assert none.shape == (0, 6)
        pd.testing.assert_series_equal(none.dtypes, frame.dtypes)

    def test_a_wide_table(self) -> None:
        table = number_columns(60, 40)
        assert fit(table).impute(table[["x3"]], seed=0).notna().all().all()

    def test_bad_input(self, model: TabularAR, frame: pd.DataFrame) -> None:
        with pytest.raises(DataError, match="the model knows no column 'shoe'; drop it; it knows ward, drug, age"):
            model.impute(frame.assign(shoe=1))
        with pytest.raises(DataError, match="column 'age' holds 'old' in row 2, which is no number"):
            model.impute(frame.head(2).assign(age=pd.Series([30, "old"], dtype=object)))
        with pytest.raises(ParameterError, match="seed is -1"):
            model.impute(frame, seed=-1)

    @pytest.mark.parametrize("draws", [0, -1, 1.5, True])
    def test_a_senseless_number_of_draws(self, model: TabularAR, frame: pd.DataFrame, draws: Any) -> None:
        with pytest.raises(ParameterError, match="draws is .*; give a whole number from 1 on"):
            model.impute(frame, draws=draws)
