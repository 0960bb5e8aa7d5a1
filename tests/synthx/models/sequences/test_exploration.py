"""What is done with given sequences: places, ways between them, going on, filling gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.errors import ConditionError, DataError, NotFittedError, ParameterError
from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Kind, Schema

from ..made_sequences import fitted, series


@pytest.fixture(scope="module")
def three(stays: pd.DataFrame) -> pd.DataFrame:
    return stays[stays["patient"].isin(["P-90003", "P-90004", "P-90007"])]


class TestPlaces:
    def test_each_entity_has_one(self, sequences: SequenceVAE, stays: pd.DataFrame) -> None:
        places = sequences.encode(stays)
        assert places.shape == (200, sequences.latent)
        assert places.dtype == np.float32 and np.isfinite(places).all()

    def test_entities_are_in_the_order_in_which_they_occur(self, sequences: SequenceVAE, three: pd.DataFrame) -> None:
        turned = three.sort_values(["patient", "day"], ascending=[False, True])
        assert np.allclose(sequences.encode(turned), sequences.encode(three)[::-1], atol=1e-5)

    def test_a_place_gives_an_entity_with_what_is_asked(self, sequences: SequenceVAE) -> None:
        places = np.zeros((6, sequences.latent))
        rows = sequences.decode(places, given={"sex": "F"}, seed=0)
        assert rows["patient"].nunique() == 6
        assert (rows["sex"] == "F").all()
        pd.testing.assert_frame_equal(rows, sequences.decode(places, given={"sex": "F"}, seed=0))

    @pytest.mark.parametrize("latent", [np.zeros(3), np.zeros((2, 5)), np.full((2, 3), np.nan), np.zeros((0, 3))])
    def test_what_is_no_place(self, sequences: SequenceVAE, latent: np.ndarray) -> None:
        with pytest.raises(ParameterError, match=r"latent has shape .*; give finite numbers of shape \(entities, 3\)"):
            sequences.decode(latent)

    def test_a_condition_on_what_changes(self, sequences: SequenceVAE) -> None:
        with pytest.raises(ConditionError, match="column 'ward' changes over time"):
            sequences.decode(np.zeros((2, 3)), given={"ward": "a"})


class TestWays:
    def test_entities_between_two(self, sequences: SequenceVAE, stays: pd.DataFrame) -> None:
        ends = stays[stays["patient"].isin(["P-90003", "P-90004"])]
        rows = sequences.interpolate(ends, 5, seed=0)
        static = rows.groupby("patient", sort=False)[["sex", "died"]].first()
        real = ends.groupby("patient", sort=False)[["sex", "died"]].first()
        assert static.to_numpy().tolist() == real.to_numpy()[[0, 0, 0, 1, 1]].tolist()
        assert not set(rows["patient"]) & set(stays["patient"])
        sizes = ends.groupby("patient", sort=False).size().to_numpy()
        assert rows.groupby("patient", sort=False).size().tolist() == sizes[[0, 0, 0, 1, 1]].tolist()

    def test_no_key_of_the_ends_is_shown(self) -> None:
        frame = series([3, 4] * 20).assign(card=lambda rows: [f"C-{9_000 + key}" for key in rows["k"]])
        schema = Schema.detect(frame, entity="k").replace("card", kind=Kind.IDENTIFIER, format="C-####")
        rows = fitted(frame, schema).interpolate(frame[frame["k"] < 2], 3, seed=0)
        assert rows["card"].unique().tolist() == ["C-0001", "C-0002", "C-0003"]

    def test_it_needs_two_entities_and_two_steps(self, sequences: SequenceVAE, three: pd.DataFrame) -> None:
        with pytest.raises(DataError, match="the table has 3 entities; give the rows of two"):
            sequences.interpolate(three)
        with pytest.raises(ParameterError, match="steps is 1; give a whole number from 2 on"):
            sequences.interpolate(three, 1)


class TestGoingOn:
    def test_keys_static_columns_and_times_go_on(self, sequences: SequenceVAE, three: pd.DataFrame) -> None:
        rows = sequences.continue_from(three, 4, seed=0)
        assert list(rows.columns) == list(three.columns)
        assert rows["patient"].tolist() == [key for key in three["patient"].unique() for _ in range(4)]
        for key, added in rows.groupby("patient"):
            before = three[three["patient"] == key]
            assert (added[["sex", "died"]] == before[["sex", "died"]].iloc[0]).all().all()
            assert (np.diff([before["day"].max(), *added["day"]]) >= 0).all()
        assert (rows["high"] >= rows["low"]).all()
        pd.testing.assert_frame_equal(rows, sequences.continue_from(three, 4, seed=0))

    @pytest.mark.parametrize("timed", [False, True])
    def test_sequences_that_all_have_one_length(self, timed: bool) -> None:
        """Then length, and maybe span, is not drawn; windows of a series are like that."""
        frame = series([6] * 40).assign(sex=lambda rows: np.where(rows["k"] % 2, "F", "M"))
        if timed:
            frame["t"] = np.tile(np.arange(6), 40)
        model = fitted(frame, Schema.detect(frame, entity="k", time="t" if timed else None))
        rows = model.continue_from(frame[frame["k"] < 3].groupby("k").head(4), 5, seed=0)
        assert rows.groupby("k").size().tolist() == [5, 5, 5]
        assert not timed or (rows.groupby("k")["t"].min() >= 3).all()

    def test_far_beyond_what_was_learned(self, sequences: SequenceVAE, three: pd.DataFrame) -> None:
        rows = sequences.continue_from(three, 60, seed=0)
        assert (rows.groupby("patient").size() == 60).all()
        assert (rows.groupby("patient")["day"].diff().dropna() >= 0).all()

    @pytest.mark.parametrize("steps", [0, 1.5, True])
    def test_a_senseless_number_of_steps(self, sequences: SequenceVAE, three: pd.DataFrame, steps: Any) -> None:
        with pytest.raises(ParameterError, match="steps is .*; give a whole number from 1 on"):
            sequences.continue_from(three, steps)


@pytest.fixture(scope="module")
def gaps(stays: pd.DataFrame) -> pd.DataFrame:
    """Return the stays of sixty patients, a fifth of the weights and wards removed, in mixed order."""
    frame = stays[stays["patient"] < "P-90060"].copy()
    rng = np.random.default_rng(1)
    frame.loc[rng.random(len(frame)) < 0.2, ["weight", "kilos"]] = np.nan
    frame.loc[rng.random(len(frame)) < 0.2, "ward"] = None
    return frame.sample(frac=1, random_state=0)


@pytest.fixture(scope="module")
def filled(sequences: SequenceVAE, gaps: pd.DataFrame) -> pd.DataFrame:
    return sequences.impute(gaps, seed=0)


class TestFilling:
    def test_missing_cells_alone_change(self, gaps: pd.DataFrame, filled: pd.DataFrame) -> None:
        assert filled.index.equals(gaps.index) and list(filled.columns) == list(gaps.columns)
        for name in gaps.columns:
            there = gaps[name].notna()
            assert filled.loc[there, name].equals(gaps.loc[there, name])
        assert not filled.drop(columns="nothing").isna().any().any()
        assert filled["nothing"].isna().all()
        pd.testing.assert_series_equal(filled["kilos"], filled["weight"], check_names=False)

    def test_it_is_nearer_than_the_mean_of_the_column(
        self, stays: pd.DataFrame, gaps: pd.DataFrame, filled: pd.DataFrame
    ) -> None:
        """A patient's weights lie within 1 of each other, those of patients within 10."""
        real = stays["weight"].reindex(gaps.index)
        hidden = gaps["weight"].isna() & real.notna()
        by_day = gaps.sort_values("day")
        opened = by_day.groupby("patient")["weight"].ffill().notna().reindex(gaps.index)
        assert (hidden & opened).sum() > 50

        def error(guess: pd.Series, cells: pd.Series) -> float:
            return float(np.sqrt(((guess - real)[cells] ** 2).mean()))

        mean = pd.Series(gaps["weight"].mean(), gaps.index)
        assert error(filled["weight"], hidden & opened) < 0.5 * error(mean, hidden & opened)
        assert error(filled["weight"], hidden) < 0.8 * error(mean, hidden)  # before the first known one, too

    def test_named_columns_alone_are_filled(self, sequences: SequenceVAE, gaps: pd.DataFrame) -> None:
        some = gaps[gaps["patient"] < "P-90010"]
        filled = sequences.impute(some, ["ward"], seed=0)
        assert filled["ward"].notna().all()
        pd.testing.assert_frame_equal(filled.drop(columns="ward"), some.drop(columns="ward"))

    def test_columns_that_never_were_missing(self) -> None:
        frame = series([3, 5] * 20).assign(mood=["good", "bad"] * 80, flag=[True, False, False, True] * 40)
        model = fitted(frame)
        gaps = frame.astype({"flag": object})
        gaps.loc[5:9, ["x", "mood", "flag"]] = None
        filled = model.impute(gaps, seed=0)
        assert not filled.isna().any().any()
        assert set(filled["mood"]) == {"good", "bad"} and set(filled["flag"]) == {True, False}
        assert model.impute(gaps, ["mood"], seed=0).isna().sum().to_dict() == {"k": 0, "x": 5, "mood": 0, "flag": 5}

    @pytest.mark.parametrize("name", ["sex", "patient", "nothing", "height"])
    def test_a_column_that_cannot_be_filled(self, sequences: SequenceVAE, three: pd.DataFrame, name: str) -> None:
        with pytest.raises(DataError, match=f"column '{name}' is none that is learned from step to step; choose from"):
            sequences.impute(three, [name])


@pytest.mark.parametrize("call", ["encode", "continue_from", "impute", "interpolate"])
class TestBadInput:
    def ask(self, model: SequenceVAE, call: str, frame: pd.DataFrame) -> None:
        getattr(model, call)(frame, *([2] if call == "continue_from" else []))

    def test_before_fit(self, three: pd.DataFrame, call: str) -> None:
        with pytest.raises(NotFittedError, match="SequenceVAE has learned nothing yet"):
            self.ask(SequenceVAE(), call, three)

    def test_another_table(self, sequences: SequenceVAE, three: pd.DataFrame, call: str) -> None:
        with pytest.raises(DataError, match="the table lacks column 'ward' of the schema"):
            self.ask(sequences, call, three.drop(columns="ward"))

    def test_no_rows(self, sequences: SequenceVAE, three: pd.DataFrame, call: str) -> None:
        with pytest.raises(DataError, match="the table has no rows; give the rows of one entity or more"):
            self.ask(sequences, call, three.iloc[:0])

    def test_an_unknown_level(self, sequences: SequenceVAE, three: pd.DataFrame, call: str) -> None:
        frame = three[three["patient"] < "P-90005"].assign(ward="z")
        with pytest.raises(DataError, match="column 'ward' holds 'z'"):
            self.ask(sequences, call, frame)
