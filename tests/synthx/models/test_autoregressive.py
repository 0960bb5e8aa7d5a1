"""TabularAR on small tables. Networks are small and training is short: what is tested holds by construction."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.base import clone

import synthx
from synthx.errors import ConditionError, DataError, NotFittedError, ParameterError, ResourceError
from synthx.models.autoregressive import TabularAR
from synthx.models.orders import OrderedLikelihood
from synthx.schema import Schema
from synthx.training import ProgressEvent, hold_out

from .conftest import number_columns, patients

QUICK: dict[str, Any] = {
    "steps": 300,
    "batch_size": 256,
    "width": 64,
    "hidden": 16,
    "learning_rate": 0.01,
    "dropout": 0.0,
    "device": "cpu",
}
INSTANT = QUICK | {"steps": 10, "width": 16, "hidden": 8}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return patients()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> TabularAR:
    return TabularAR(**QUICK).fit(frame, Schema.detect(frame, target="died"))


class TestConditions:
    @pytest.mark.parametrize(
        ("given", "holds"),
        [
            ({"ward": "heart"}, lambda s: s["ward"] == "heart"),
            ({"died": True}, lambda s: s["died"]),
            ({"age": synthx.between(60, 65)}, lambda s: s["age"].between(60, 65)),
            ({"weight": synthx.between(70.05, 71)}, lambda s: s["weight"].between(70.05, 71)),
            ({"weight": synthx.MISSING}, lambda s: s["weight"].isna()),
            ({"weight": [70.5, None]}, lambda s: s["weight"].isna() | (s["weight"] == 70.5)),
            ({"ward": ["heart", "child"], "age": synthx.between(None, 30), "visits": 0},
             lambda s: s["ward"].isin(["heart", "child"]) & (s["age"] <= 30) & (s["visits"] == 0)),
            ({"ward": "emergency", "drug": "a", "weight": synthx.MISSING, "died": False, "age": 70, "visits": 30},
             lambda s: (s["ward"] == "emergency") & (s["drug"] == "a") & s["weight"].isna() & ~s["died"]
             & (s["age"] == 70) & (s["visits"] == 30)),
        ],
    )  # fmt: skip
    def test_every_row_satisfies_them(
        self, model: TabularAR, given: dict[str, Any], holds: Callable[[pd.DataFrame], pd.Series]
    ) -> None:
        rows = model.sample(1_000, given=given, seed=0)
        assert len(rows) == 1_000
        assert holds(rows).all()

    def test_the_rest_follows_the_condition(self, model: TabularAR, frame: pd.DataFrame) -> None:
        drugs = model.sample(4_000, given={"drug": "c"}, seed=0)["ward"].value_counts(normalize=True)
        real = frame.loc[frame["drug"] == "c", "ward"].value_counts(normalize=True)
        assert drugs["child"] == pytest.approx(real["child"], abs=0.1)
        assert real["child"] > 0.7

    def test_several_restricted_columns_keep_their_joint_distribution(
        self, model: TabularAR, frame: pd.DataFrame
    ) -> None:
        given = {"ward": ["surgery", "emergency"], "drug": ["c", "d"]}
        rows = model.sample(4_000, given=given, seed=0)
        real = frame[frame["ward"].isin(given["ward"]) & frame["drug"].isin(given["drug"])]
        share = (rows["ward"] == "emergency").mean()
        # Ward alone would give .09 (its share of the two wards); drug tells that it is most of them.
        assert share == pytest.approx((real["ward"] == "emergency").mean(), abs=0.1)

    def test_what_no_row_can_satisfy(self, model: TabularAR) -> None:
        with pytest.raises(ConditionError, match="'ward' has no level 'cellar' that the model knows"):
            model.sample(5, given={"ward": "cellar"})


class TestSampling:
    def test_columns_order_and_dtypes_are_the_training_frames(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows = model.sample(100, seed=0)
        pd.testing.assert_series_equal(rows.dtypes, frame.dtypes)

    def test_class_shares_are_the_training_shares(self, model: TabularAR, frame: pd.DataFrame) -> None:
        """The target is drawn first: at .03 of 100,000 rows, .003 is five and a half standard errors."""
        assert model.order_[0] == list(frame.columns).index("died")
        assert abs(model.sample(100_000, seed=1)["died"].mean() - frame["died"].mean()) < 0.003

    def test_columns_depend_on_each_other(self, model: TabularAR, frame: pd.DataFrame) -> None:
        rows, cells = model.sample(20_000, seed=0), ["ward", "drug"]
        real, drawn = (table[cells].value_counts(normalize=True).sort_index() for table in (frame, rows))
        assert (real - drawn.reindex(real.index, fill_value=0)).abs().sum() < 0.1
        missing = rows.groupby("ward")["weight"].apply(lambda weights: weights.isna().mean())
        assert missing["emergency"] > 3 * missing["surgery"]
        ages = rows.groupby("ward")["age"].mean()
        assert ages["emergency"] - ages["surgery"] == pytest.approx(30, abs=8)

    def test_the_same_seed_draws_the_same_rows_and_no_seed_draws_others(self, model: TabularAR) -> None:
        pd.testing.assert_frame_equal(model.sample(50, seed=3), model.sample(50, seed=3))
        assert not model.sample(50).equals(model.sample(50))

    def test_sampling_leaves_the_generators_of_others_alone(self, model: TabularAR) -> None:
        torch.manual_seed(5)
        before = torch.rand(3)
        torch.manual_seed(5)
        model.sample(10, seed=0)
        assert torch.equal(torch.rand(3), before)

    def test_batches_add_up(self, model: TabularAR) -> None:
        assert [len(batch) for batch in model.sample_batches(250, seed=0, batch_rows=100)] == [100, 100, 50]

    def test_a_low_temperature_draws_what_is_typical(self, model: TabularAR, frame: pd.DataFrame) -> None:
        typical, plain, wild = (model.sample(4_000, seed=0, temperature=t) for t in (0.3, 1.0, 3.0))
        shares = [(rows["ward"] == "surgery").mean() for rows in (typical, plain, wild)]
        assert shares[0] > shares[1] + 0.1 > shares[2] + 0.2
        assert typical["died"].mean() < plain["died"].mean() < wild["died"].mean()
        assert model.temperature == 1.0
        pd.testing.assert_frame_equal(model.sample(4_000, seed=0), plain)
        given = model.sample(100, given={"ward": ["heart", "child"]}, seed=0, temperature=0.3)
        assert given["ward"].isin(["heart", "child"]).all()

    @pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf"), True])
    def test_a_senseless_temperature(self, model: TabularAR, temperature: Any) -> None:
        with pytest.raises(ParameterError, match="temperature is .*; give a number above 0; 1 changes nothing"):
            model.sample(5, temperature=temperature)

    @pytest.mark.parametrize("n", [0, -5, 2.5, True])
    def test_a_senseless_number_of_rows(self, model: TabularAR, n: Any) -> None:
        with pytest.raises(ParameterError, match="rows were asked for; ask for a whole number of rows above zero"):
            model.sample(n)

    def test_nothing_fitted(self, frame: pd.DataFrame) -> None:
        asked: list[Callable[[TabularAR], object]] = [
            lambda m: m.sample(5),
            lambda m: m.log_prob(frame),
            lambda m: m.impute(frame),
        ]
        for ask in asked:
            with pytest.raises(NotFittedError, match="TabularAR has learned nothing yet; call fit first"):
                ask(TabularAR())

    def test_frequencies_of_rows_are_what_log_prob_says(self) -> None:
        """Chi-square over all 24 rows of a tiny domain: a false alarm for one seed in a million; the seed is fixed."""
        rng = np.random.default_rng(0)
        a = rng.integers(0, 4, 1_500)
        b = np.where(rng.random(1_500) < 0.7, a % 3, rng.integers(0, 3, 1_500))
        c = rng.random(1_500) < 0.2 + 0.2 * b
        table = pd.DataFrame({"a": np.array(list("pqrs"))[a], "b": np.array(list("xyz"))[b], "c": c})
        tiny = TabularAR(**QUICK | {"steps": 60}).fit(table)
        every = pd.DataFrame(list(itertools.product("pqrs", "xyz", [False, True])), columns=["a", "b", "c"])
        expected = np.exp(tiny.log_prob(every).to_numpy())
        assert expected.sum() == pytest.approx(1, abs=1e-5)
        drawn = tiny.sample(60_000, seed=0).value_counts()
        seen = np.array([drawn.get(tuple(row), 0) for row in every.itertuples(index=False)])
        assert seen.sum() == 60_000
        assert stats.chisquare(seen, 60_000 * expected / expected.sum()).pvalue > 1e-6
        assert (
            np.corrcoef(expected, table.value_counts().reindex(pd.MultiIndex.from_frame(every)).fillna(0))[0, 1] > 0.95
        )


class TestFiles:
    def test_a_loaded_model_draws_the_same_rows(self, model: TabularAR, frame: pd.DataFrame, tmp_path: Path) -> None:
        model.save(tmp_path / "m.synthx")
        loaded = synthx.load(tmp_path / "m.synthx")
        assert isinstance(loaded, TabularAR)
        given = {"ward": ["heart", "child"]}
        pd.testing.assert_frame_equal(loaded.sample(200, seed=1), model.sample(200, seed=1))
        pd.testing.assert_frame_equal(loaded.sample(50, given=given, seed=1), model.sample(50, given=given, seed=1))
        assert loaded.log_prob(frame.head(50)).equals(model.log_prob(frame.head(50)))
        assert loaded.get_params() == model.get_params()
        assert loaded.training_.describe().startswith("Learned 4,000 rows of 6 columns on cpu (")

    def test_the_same_seed_gives_the_same_file(self, frame: pd.DataFrame, tmp_path: Path) -> None:
        for name, seed in (("a", 7), ("b", 7), ("other", 8)):
            TabularAR(**INSTANT, seed=seed).fit(frame).save(tmp_path / name)
        a, b, other = ((tmp_path / name).read_bytes() for name in ("a", "b", "other"))
        assert a == b
        assert a != other

    def test_fitting_leaves_the_generators_of_others_alone(self, frame: pd.DataFrame) -> None:
        torch.manual_seed(5)
        before = torch.rand(3)
        torch.manual_seed(5)
        TabularAR(**INSTANT).fit(frame)
        assert torch.equal(torch.rand(3), before)


def odd_tables() -> dict[str, pd.DataFrame]:
    letters = pd.DataFrame({"a": list("xyz") * 60})
    return {
        "numbers": number_columns(300, 4),
        "one number": number_columns(300, 1),
        "50 rows": number_columns(50, 3),
        "150 columns": number_columns(60, 150),
        "levels": pd.DataFrame({"a": list("xyz") * 60, "b": list("pq") * 90}),
        "one level column": letters,
        "constant, empty": letters.assign(constant=1, empty=np.nan),
        "10 rows": pd.DataFrame({"a": [True, False] * 5, "b": [1.5, 2.5] * 5}),
        "few": pd.DataFrame({"few": [None] * 95 + [1.5, 2.5, 3.5, 4.5, 5.5], "a": list("xy") * 50}),
        "all missing but one": letters.assign(number=[1.0] + [np.nan] * 179),
        "duplicates": number_columns(200, 2).assign(again=lambda table: table["x0"], double=lambda t: 2 * t["x1"]),
        "one row, many times": pd.DataFrame({"a": ["x"] * 99 + ["y"], "b": [1.5] * 99 + [2.5]}),
        "dates and categories": pd.DataFrame(
            {
                "day": pd.date_range("2024-01-01", periods=200, freq="7h"),
                "level": pd.Categorical(list("lmh") * 66 + list("lm"), categories=list("lmh"), ordered=True),
                "count": pd.array([1, 2, None, 4] * 50, dtype="Int64"),
            }
        ),
    }


@pytest.mark.parametrize("name", odd_tables())
def test_odd_tables_train_sample_and_are_filled(name: str) -> None:
    table = odd_tables()[name]
    odd = TabularAR(**INSTANT).fit(table)
    rows = odd.sample(40, seed=0)
    assert rows.shape == (40, table.shape[1])
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)
    assert not np.isnan(odd.log_prob(table)).any()
    assert (odd.log_prob(rows) > -np.inf).all()
    pd.testing.assert_frame_equal(odd.impute(table.dropna(), seed=0), table.dropna())


def test_many_levels_cost_memory_in_proportion_to_what_is_used() -> None:
    """20,000 levels are two digits of about 142 values: under 500 outputs, not 20,000."""
    levels = np.repeat(np.arange(20_000), 2)
    frame = pd.DataFrame({"shop": [f"S{level:05d}x" for level in levels], "chain": levels % 7})
    schema = Schema.detect(frame).replace("shop", kind=synthx.Kind.CATEGORICAL)
    model = TabularAR(**INSTANT, rare_threshold=2).fit(frame, schema)
    assert model.network_.heads.total < 600
    given = {"shop": ["S00007x", "S19999x", "S10000x"]}
    rows = model.sample(300, given=given, seed=0)
    assert set(rows["shop"]) == set(given["shop"])
    assert model.sample(300, seed=0)["shop"].isin(frame["shop"]).all()


def test_the_class_share_of_a_small_table_is_kept() -> None:
    """Four positives of 200, learned from 160 rows or so: between none and twice as many."""
    frame = number_columns(200, 2).assign(fraud=[1] * 4 + [0] * 196)
    model = TabularAR(**INSTANT).fit(frame, Schema.detect(frame, target="fraud"))
    assert 0.01 < model.sample(20_000, seed=0)["fraud"].mean() < 0.04


def test_cells_that_few_rows_hold_are_not_drawn() -> None:
    frame = number_columns(400, 2).assign(level=["a", "b"] * 200)
    frame.loc[0, "x0"] = np.nan
    frame.loc[1, "level"] = None
    frame.loc[2:4, "level"] = "CANARY"
    rows = TabularAR(**INSTANT).fit(frame).sample(5_000, seed=0)
    assert not rows.isna().any().any()
    assert set(rows["level"]) == {"a", "b"}


@pytest.mark.parametrize("dependent", [True, False], ids=["dependent columns", "independent columns"])
def test_a_small_table_is_learned_no_worse_than_its_columns_alone(dependent: bool) -> None:
    """Mean log-likelihood of 2,000 other rows, against that of independent columns on the same codes."""

    def made(rows: int, seed: int) -> pd.DataFrame:
        table = patients(rows, seed=seed)
        if not dependent:
            rng = np.random.default_rng(seed)
            for name in table:
                table[name] = rng.permutation(table[name].to_numpy())
        return table

    few, others = made(200, 0), made(2_000, 1)
    model = TabularAR(device="cpu").fit(few)
    codes = model.codec_.encode(few).codes
    known = others[model.log_prob(others) > -np.inf]
    assert len(known) > 800
    asked = model.codec_.encode(known).codes
    alone = np.zeros(len(known))
    for column, size in enumerate(model.codec_.domain.sizes):
        share = np.bincount(codes[:, column], minlength=size) + 0.5
        alone += np.log(share / share.sum())[asked[:, column]]
    gain = float(np.mean(model.log_prob(known) - alone))
    assert gain > (0.4 if dependent else -0.1)


class TestEstimator:
    def test_parameters_round_trip_through_clone(self) -> None:
        model = TabularAR(width=32, seed=5, dropout=0.3)
        assert clone(model).get_params() == model.get_params()
        assert repr(model.set_params(hidden=7)) == "TabularAR(seed=5, width=32, hidden=7, dropout=0.3)"

    @pytest.mark.parametrize(
        "setting",
        [
            {"batch_size": 0},
            {"width": -1},
            {"hidden": 2.5},
            {"steps": 0},
            {"dropout": 1.0},
            {"dropout": -0.1},
            {"rare_threshold": 0},
            {"device": "tpu"},
            {"learning_rate": -1.0},
            {"seed": -1},
            {"refine": "yes"},
            {"max_minutes": 0},
        ],
    )
    def test_a_senseless_setting(self, frame: pd.DataFrame, setting: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=next(iter(setting))):
            TabularAR(**setting).fit(frame)

    def test_numbers_of_numpy_are_plain_ones(self, tmp_path: Path) -> None:
        model = TabularAR(**INSTANT | {"width": np.int64(16), "dropout": np.float64(0.1), "seed": np.int64(3)})
        model.fit(number_columns(100, 2)).save(tmp_path / "m.synthx")
        assert synthx.load(tmp_path / "m.synthx").get_params()["seed"] == 3

    @pytest.mark.parametrize(("rows", "message"), [(0, "0 rows"), (9, "9 rows, and nothing that fewer than 10 rows")])
    def test_too_few_rows(self, frame: pd.DataFrame, rows: int, message: str) -> None:
        with pytest.raises(DataError, match=message):
            TabularAR().fit(frame.iloc[:rows])

    def test_a_table_with_nothing_to_learn(self) -> None:
        with pytest.raises(DataError, match="no column to learn"):
            TabularAR().fit(pd.DataFrame({"constant": [1] * 50}))

    def test_a_failed_fit_leaves_the_model_as_it_was(self, frame: pd.DataFrame) -> None:
        model = TabularAR(**INSTANT).fit(frame)
        before = model.sample(20, seed=0)
        with pytest.raises(DataError):
            model.fit(frame.assign(age=np.inf))
        pd.testing.assert_frame_equal(model.sample(20, seed=0), before)

    def test_an_interrupt_keeps_the_model(self, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
        turns, step = itertools.count(), OrderedLikelihood.step

        def interrupted(phase: OrderedLikelihood, fraction: float) -> torch.Tensor:
            if next(turns) == 25:
                raise KeyboardInterrupt
            return step(phase, fraction)

        monkeypatch.setattr(OrderedLikelihood, "step", interrupted)
        model = TabularAR(**QUICK).fit(frame)
        assert (model.training_.stopped, model.training_.steps) == ("interrupted", 25)
        assert "it was interrupted; the best weights so far are kept" in model.training_.describe()
        assert len(model.sample(10)) == 10

    def test_running_out_of_memory_names_a_smaller_setting(
        self, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(phase: OrderedLikelihood, fraction: float) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

        monkeypatch.setattr(OrderedLikelihood, "step", fail)
        with pytest.raises(ResourceError, match=r"memory ran out while fitting; try batch_size=64 \(it is 256\)"):
            TabularAR(**INSTANT).fit(frame)

    def test_the_time_limit_bounds_the_whole_fit(self, frame: pd.DataFrame) -> None:
        model = TabularAR(**QUICK | {"steps": 10**6}, max_minutes=0.01).fit(frame)
        assert model.training_.stopped == "time"
        assert model.training_.seconds is not None and model.training_.seconds < 3 * 0.6
        assert len(model.sample(10)) == 10

    def test_progress_goes_from_coding_to_the_end(self, frame: pd.DataFrame) -> None:
        events: list[ProgressEvent] = []
        TabularAR(**INSTANT).fit(frame, progress=events.append)
        assert [event.stage for event in events] == ["coding the table", "training"]
        assert events[-1].fraction == 1.0
        assert events[-1].message.startswith("held-out loss ")


class TestHoldOut:
    """A twentieth, at least 100 rows or a fifth, at most 5,000; of fewer than 100 rows, all are both."""

    @pytest.mark.parametrize(
        ("rows", "judged"), [(100, 20), (200, 40), (1_000, 100), (4_000, 200), (50_000, 2_500), (200_000, 5_000)]
    )
    def test_rows_are_parted(self, rows: int, judged: int) -> None:
        torch.manual_seed(0)
        learning, held_out = hold_out(torch.arange(rows)[:, None])
        assert (len(learning), len(held_out)) == (rows - judged, judged)
        assert torch.equal(torch.cat([learning, held_out]).sort(dim=0).values, torch.arange(rows)[:, None])
        assert not torch.equal(held_out, torch.arange(rows)[rows - judged :, None])

    @pytest.mark.parametrize("rows", [2, 99])
    def test_very_few_rows_are_both(self, rows: int) -> None:
        table = torch.arange(rows)[:, None]
        learning, held_out = hold_out(table)
        assert torch.equal(learning, table) and torch.equal(held_out, table)


@pytest.mark.gpu
def test_a_model_trained_on_a_gpu_opens_on_a_cpu(frame: pd.DataFrame, tmp_path: Path) -> None:
    model = TabularAR(**QUICK | {"device": "cuda"}).fit(frame)
    assert model.training_.device == "cuda"
    rows = model.sample(500, given={"ward": ["heart", "child"], "age": synthx.between(20, 50)}, seed=0)
    assert rows["ward"].isin(["heart", "child"]).all() and rows["age"].between(20, 50).all()
    assert np.isfinite(model.log_prob(frame.head(100))).any()
    assert model.impute(frame.head(100), draws=2, seed=0).notna().all().all()
    model.save(tmp_path / "m.synthx")
    assert len(synthx.load(tmp_path / "m.synthx").sample(10)) == 10
