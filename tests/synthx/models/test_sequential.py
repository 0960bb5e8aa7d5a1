"""What holds of drawn sequences: columns, keys, times, conditions, rules between columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.errors import ConditionError, NotFittedError, ParameterError
from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Kind, Schema

from .made_sequences import fitted, schema_of, series, visits


@pytest.fixture(scope="module")
def drawn(sequences: SequenceVAE) -> pd.DataFrame:
    return sequences.sample(400, seed=0)


def spans(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby("patient")["day"].agg(lambda day: day.max() - day.min())


class TestRows:
    def test_columns_order_and_dtypes_are_the_training_frames(self, drawn: pd.DataFrame, stays: pd.DataFrame) -> None:
        pd.testing.assert_series_equal(drawn.dtypes, stays.dtypes)
        assert drawn.index.equals(pd.RangeIndex(len(drawn)))

    def test_keys_are_fresh_and_entities_lie_together(self, drawn: pd.DataFrame) -> None:
        assert drawn["patient"].nunique() == 400
        assert (drawn["patient"] != drawn["patient"].shift()).sum() == 400

    def test_static_columns_are_constant_within_an_entity(self, drawn: pd.DataFrame) -> None:
        assert (drawn.groupby("patient")[["sex", "died"]].nunique() == 1).all().all()

    def test_times_never_go_backwards(self, drawn: pd.DataFrame) -> None:
        assert (drawn.groupby("patient")["day"].diff().dropna() >= 0).all()

    def test_the_time_puts_rows_in_order_and_entities_need_not_lie_together(self) -> None:
        frame = series([6] * 40).assign(t=list(range(6)) * 40)
        schema = Schema.detect(frame, entity="k", time="t", static=())
        mixed = frame.sort_values("t", ascending=False, kind="stable").sort_values(
            "t", key=lambda t: t != 3, kind="stable"
        )
        pd.testing.assert_frame_equal(
            fitted(mixed, schema).sample(20, seed=0), fitted(frame, schema).sample(20, seed=0)
        )

    def test_lengths_follow_those_of_the_training_table(self, drawn: pd.DataFrame, stays: pd.DataFrame) -> None:
        """By the two-sample Kolmogorov-Smirnov bound at .001: a right model would fail once in 1,000 seeds."""
        real, made = (np.sort(rows.groupby("patient").size()) for rows in (stays, drawn))
        at = np.arange(1, 14)
        distance = np.abs(
            np.searchsorted(real, at, side="right") / len(real) - np.searchsorted(made, at, side="right") / len(made)
        ).max()
        assert distance < 1.95 * np.sqrt(1 / len(real) + 1 / len(made))
        assert made.min() >= real.min() and made.max() <= real.max()

    def test_missing_cells_are_as_frequent_as_in_the_training_table(
        self, drawn: pd.DataFrame, stays: pd.DataFrame
    ) -> None:
        """Four standard errors of the difference: a false alarm for a right model in 16,000 seeds."""
        share = stays["ward"].isna().mean()
        error = np.sqrt(share * (1 - share) * (1 / len(stays) + 1 / len(drawn)))
        assert abs(drawn["ward"].isna().mean() - share) < 4 * error

    def test_missing_numbers_are_drawn(self, drawn: pd.DataFrame) -> None:
        """A fifth are missing; how often at which step takes longer to learn than this model was given."""
        assert 0.1 < drawn["weight"].isna().mean() < 0.4

    def test_a_column_that_is_always_missing_stays_so(self, drawn: pd.DataFrame) -> None:
        assert drawn["nothing"].isna().all()

    def test_rules_between_columns_hold_in_every_row(self, drawn: pd.DataFrame) -> None:
        assert (drawn["high"] >= drawn["low"]).all()
        pd.testing.assert_series_equal(drawn["kilos"], drawn["weight"], check_names=False)

    def test_repeated_values_repeat_exactly(self) -> None:
        rng = np.random.default_rng(0)
        frame = series([12] * 60)
        still = rng.random(len(frame)) < 0.5
        frame["x"] = np.where(still, 0.0, rng.normal(size=len(frame))).cumsum()
        rows = fitted(frame).sample(200, seed=0)
        moved = rows.groupby("k")["x"].diff().dropna()
        assert (moved == 0).mean() == pytest.approx(0.5, abs=0.1)


class TestSeeds:
    def test_one_seed_draws_one_table(self, sequences: SequenceVAE) -> None:
        pd.testing.assert_frame_equal(sequences.sample(20, seed=3), sequences.sample(20, seed=3))
        assert not sequences.sample(20, seed=3).equals(sequences.sample(20, seed=4))
        assert not sequences.sample(20).equals(sequences.sample(20))

    def test_keys_are_unique_over_batches(self, sequences: SequenceVAE) -> None:
        batches = list(sequences.sample_batches(150, seed=0, batch_rows=100))
        assert [batch["patient"].nunique() for batch in batches] == [64, 64, 22]
        assert pd.concat(batches)["patient"].nunique() == 150

    def test_static_keys_are_unique_over_batches(self) -> None:
        frame = series([2, 3, 4] * 20).assign(card=lambda rows: [f"C-{key:05d}" for key in rows["k"]])
        schema = Schema.detect(frame, entity="k").replace("card", kind=Kind.IDENTIFIER, format="C-#####")
        rows = pd.concat(fitted(frame, schema).sample_batches(130, seed=0, batch_rows=1))
        assert rows["card"].nunique() == rows["k"].nunique() == 130
        assert (rows.groupby("k")["card"].nunique() == 1).all()

    @pytest.mark.parametrize("n", [0, -5, 2.5, True])
    def test_a_senseless_number(self, sequences: SequenceVAE, n: Any) -> None:
        with pytest.raises(ParameterError, match="entities were asked for; ask for a whole number above zero"):
            sequences.sample(n)

    def test_nothing_fitted(self) -> None:
        with pytest.raises(NotFittedError, match="SequenceVAE has learned nothing yet; call fit first"):
            SequenceVAE().sample(5)


class TestConditions:
    def test_static_columns_are_as_asked(self, sequences: SequenceVAE) -> None:
        rows = sequences.sample(100, given={"sex": "F", "died": True}, seed=0)
        assert rows["patient"].nunique() == 100
        assert (rows["sex"] == "F").all() and rows["died"].all()

    def test_a_rare_outcome_on_request(self) -> None:
        """Ten of 200 patients die: one in twenty."""
        frame = visits(200, died=0.05)
        rows = fitted(frame, schema_of(frame)).sample(200, given={"died": True}, seed=0)
        assert rows["patient"].nunique() == 200
        assert rows["died"].all()

    @pytest.mark.parametrize(
        ("length", "allowed"), [(7, {7}), ([5, 12], {5, 12}), (synthx.between(9, None), {9, 10, 11, 12}), ("6", {6})]
    )
    def test_lengths_are_as_asked(self, sequences: SequenceVAE, length: Any, allowed: set[int]) -> None:
        sizes = sequences.sample(60, length=length, seed=0).groupby("patient").size()
        assert len(sizes) == 60 and set(sizes) <= allowed

    def test_spans_are_as_asked(self, sequences: SequenceVAE) -> None:
        rows = sequences.sample(50, span=synthx.between(20, 30), given={"sex": "M"}, seed=0)
        assert len(spans(rows)) == 50
        assert spans(rows).between(20, 30).all() and (rows["sex"] == "M").all()

    def test_one_span(self, sequences: SequenceVAE) -> None:
        assert (spans(sequences.sample(3, span=25, seed=0)) == 25).all()
        assert (spans(sequences.sample(3, span="25", seed=0)) == 25).all()

    def test_spans_of_dates_are_days(self) -> None:
        frame = series([5] * 60)
        hours = np.random.default_rng(0).integers(6, 48, len(frame)).cumsum()
        frame["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h")
        rows = fitted(frame, Schema.detect(frame, entity="k", time="at")).sample(20, span=synthx.between(3, 5), seed=0)
        lasted = rows.groupby("k")["at"].agg(lambda at: at.max() - at.min())
        assert lasted.between(pd.Timedelta(days=3), pd.Timedelta(days=5)).all()
        assert str(rows["at"].dtype) == "datetime64[ns]"

    @pytest.mark.parametrize("name", ["ward", "weight", "day", "kilos"])
    def test_a_changing_column_is_refused(self, sequences: SequenceVAE, name: str) -> None:
        message = (
            f"column '{name}' changes over time, so it cannot be conditioned for a whole sequence; condition on a"
            r" static column \('sex', 'died'\), on length or on span"
        )
        with pytest.raises(ConditionError, match=message):
            sequences.sample(5, given={name: "a"})

    @pytest.mark.parametrize("name", ["height", "patient"])
    def test_a_column_that_is_not_known(self, sequences: SequenceVAE, name: str) -> None:
        with pytest.raises(ConditionError, match=rf"'{name}', which is no static column .* \('sex', 'died'\)"):
            sequences.sample(5, given={name: 180})

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            ({"span": 10_000}, r"never is 10000 \(the model knows \d+ to \d+\)"),
            ({"span": synthx.between(10_000, None)}, "is at least 10000"),
            ({"length": 0}, r"column '\(length\)' never is 0"),
            ({"length": 4_000}, "never is 4000"),
            ({"length": "long"}, "is 'long', which is no integer"),
            ({"length": synthx.MISSING}, r"column '\(length\)' is never missing"),
            ({"given": {"sex": "X"}}, "column 'sex' has no level 'X' that the model knows; choose from 'F', 'M'"),
        ],
    )
    def test_what_no_sequence_can_be(self, sequences: SequenceVAE, limits: dict[str, Any], message: str) -> None:
        with pytest.raises(ConditionError, match=message):
            sequences.sample(5, **limits)

    def test_limits_that_mean_nothing(self) -> None:
        model = fitted(series([6] * 40))
        with pytest.raises(ConditionError, match="every sequence has a length of 6; leave the condition out"):
            model.sample(5, length=7)
        with pytest.raises(ParameterError, match="a span was asked for, but the sequences have no time; ask for a len"):
            model.sample(5, span=7)


class TestShapes:
    def test_keys_of_several_columns(self) -> None:
        frame = series([4] * 60).assign(ward=lambda rows: [f"W{key % 3}" for key in rows["k"]], x=1.5)
        frame["x"] = np.arange(len(frame)) % 7 / 2
        schema = Schema.detect(frame, entity=["ward", "k"])
        rows = fitted(frame, schema).sample(30, seed=0)
        assert len(rows.drop_duplicates(["ward", "k"])) == 30
        assert (rows.groupby(["ward", "k"]).size() == 4).all()

    def test_sequences_of_one_step(self) -> None:
        frame = series([1] * 40).assign(t=lambda rows: rows["k"] % 9)
        rows = fitted(frame, Schema.detect(frame, entity="k", time="t")).sample(30, seed=0)
        assert len(rows) == rows["k"].nunique() == 30

    def test_short_and_very_long_sequences(self) -> None:
        """400 steps are more than three chunks of 128."""
        frame = series([1] * 14 + [400] * 14)
        rows = fitted(frame, rare_threshold=5).sample(24, seed=1)
        assert set(rows.groupby("k").size()) == {1, 400}

    @pytest.mark.parametrize(
        "columns",
        [
            {"mood": lambda rows: np.where(rows["k"] % 2, "good", "bad")},
            {"t": lambda rows: np.arange(len(rows))},
            {"t": lambda rows: np.arange(len(rows)), "again": lambda rows: np.arange(len(rows))},
            {"note": lambda rows: [f"What patient {row} said of this and that" for row in range(len(rows))],
             "flag": lambda rows: np.arange(len(rows)) % 3 == 0},
            {"level": lambda rows: pd.Categorical(np.where(np.arange(len(rows)) % 3, "hi", "lo"))},
            {"count": lambda rows: pd.array(np.arange(len(rows)) % 5, dtype="Int64").astype("Int64")},
        ],
        ids=["static only beside x", "time", "time twice", "text and flag", "category", "Int64"],
    )  # fmt: skip
    def test_columns_of_any_kind(self, columns: dict[str, Any]) -> None:
        frame = series([3, 5] * 20).assign(**columns)
        schema = Schema.detect(frame, entity="k", time="t" if "t" in frame else None)
        rows = fitted(frame, schema).sample(20, seed=0)
        assert rows["k"].nunique() == 20
        assert rows.dtypes.astype(str).to_dict() == frame.dtypes.astype(str).to_dict()

    @pytest.mark.parametrize("kept", [["k", "t"], ["k", "mood"]], ids=["time alone", "a category alone"])
    def test_one_column_that_changes(self, kept: list[str]) -> None:
        frame = series([3, 5] * 20).assign(t=lambda rows: np.arange(len(rows)), mood=["good", "bad"] * 80)[kept]
        rows = fitted(frame, Schema.detect(frame, entity="k", time="t" if "t" in kept else None)).sample(20, seed=0)
        assert rows["k"].nunique() == 20 and list(rows.columns) == kept

    def test_times_as_text(self) -> None:
        frame = series([3, 5] * 20)
        days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(frame)), unit="D")
        frame["on"] = days.strftime("%d.%m.%Y")
        rows = fitted(frame, Schema.detect(frame, entity="k", time="on")).sample(20, seed=0)
        when = pd.to_datetime(rows["on"], format="%d.%m.%Y").astype("int64")
        assert (when.groupby(rows["k"]).diff().dropna() >= 0).all()
