"""TabularGAN on small tables. Networks are small and training is short: what is tested holds by construction."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import synthx
from synthx.errors import (
    ArtifactError,
    DataError,
    DataWarning,
    NotFittedError,
    OutputError,
    ParameterError,
    ResourceError,
)
from synthx.models.gan import TabularGAN
from synthx.models.reconstruction import Reconstruction
from synthx.schema import Schema

from .conftest import number_columns, patients

QUICK: dict[str, Any] = {
    "reconstruction_steps": 500,
    "adversarial_steps": 40,
    "width": 128,
    "blocks": 2,
    "batch_size": 256,
}
INSTANT = QUICK | {"reconstruction_steps": 20, "adversarial_steps": 4, "width": 32}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return patients()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> TabularGAN:
    return TabularGAN(**QUICK, device="cpu").fit(frame, Schema.detect(frame, target="died"))


class TestConditions:
    @pytest.mark.parametrize(
        ("given", "holds"),
        [
            ({"ward": "heart"}, lambda s: s["ward"] == "heart"),
            ({"drug": "d"}, lambda s: s["drug"] == "d"),
            ({"died": True}, lambda s: s["died"]),
            ({"age": synthx.between(60, 65)}, lambda s: s["age"].between(60, 65)),
            ({"weight": synthx.between(70.05, 71)}, lambda s: s["weight"].between(70.05, 71)),
            ({"weight": synthx.MISSING}, lambda s: s["weight"].isna()),
            ({"ward": ["heart", "child"], "age": synthx.between(None, 30), "visits": 0},
             lambda s: s["ward"].isin(["heart", "child"]) & (s["age"] <= 30) & (s["visits"] == 0)),
            ({"ward": "emergency", "drug": "a", "weight": synthx.MISSING, "died": False},
             lambda s: (s["ward"] == "emergency") & (s["drug"] == "a") & s["weight"].isna() & ~s["died"]),
        ],
    )  # fmt: skip
    def test_every_row_satisfies_them(
        self, model: TabularGAN, given: dict[str, Any], holds: Callable[[pd.DataFrame], pd.Series]
    ) -> None:
        rows = model.sample(1_000, given=given, seed=0)
        assert len(rows) == 1_000
        assert holds(rows).all()

    def test_the_rest_follows_the_condition(self, model: TabularGAN, frame: pd.DataFrame) -> None:
        ages = {
            ward: model.sample(2_000, given={"ward": ward}, seed=0)["age"].mean() for ward in ("surgery", "emergency")
        }
        real = frame.groupby("ward")["age"].mean()
        assert ages["surgery"] == pytest.approx(real["surgery"], abs=4)
        assert ages["emergency"] == pytest.approx(real["emergency"], abs=6)

    def test_several_restricted_columns_keep_their_joint_distribution(
        self, model: TabularGAN, frame: pd.DataFrame
    ) -> None:
        given = {"ward": ["surgery", "emergency"], "drug": ["c", "d"]}
        rows = model.sample(4_000, given=given, seed=0)
        real = frame[frame["ward"].isin(given["ward"]) & frame["drug"].isin(given["drug"])]
        share = (rows["ward"] == "emergency").mean()
        # Ward alone would give .09 (its share of the two wards); drug tells that it is most of them.
        assert share == pytest.approx((real["ward"] == "emergency").mean(), abs=0.15)
        assert share > 0.25


class TestSampling:
    def test_columns_order_and_dtypes_are_the_training_frames(self, model: TabularGAN, frame: pd.DataFrame) -> None:
        rows = model.sample(100, seed=0)
        pd.testing.assert_series_equal(rows.dtypes, frame.dtypes)

    def test_the_class_share_is_the_training_share(self, model: TabularGAN, frame: pd.DataFrame) -> None:
        """Three standard errors: a false alarm for one seed in 370; the seed is fixed."""
        share, rows = frame["died"].mean(), 100_000
        drawn = model.sample(rows, seed=1)["died"].mean()
        assert abs(drawn - share) < 3 * np.sqrt(share * (1 - share) / rows)

    def test_missing_cells_depend_on_other_columns(self, model: TabularGAN) -> None:
        missing = model.sample(20_000, seed=0).groupby("ward")["weight"].apply(lambda cells: cells.isna().mean())
        assert missing["emergency"] > 3 * missing["surgery"]

    def test_the_same_seed_draws_the_same_rows_and_no_seed_draws_others(self, model: TabularGAN) -> None:
        first, again = model.sample(50, seed=3), model.sample(50, seed=3)
        pd.testing.assert_frame_equal(first, again)
        assert not model.sample(50).equals(model.sample(50))

    def test_batches_add_up(self, model: TabularGAN) -> None:
        sizes = [len(batch) for batch in model.sample_batches(250, seed=0, batch_rows=100)]
        assert sizes == [100, 100, 50]

    @pytest.mark.parametrize("n", [0, -5, 2.5, True])
    def test_a_senseless_number_of_rows(self, model: TabularGAN, n: Any) -> None:
        with pytest.raises(ParameterError, match="rows were asked for; ask for a whole number of rows above zero"):
            model.sample(n)

    def test_nothing_fitted(self) -> None:
        with pytest.raises(NotFittedError, match="TabularGAN has learned nothing yet; call fit first"):
            TabularGAN().sample(5)


class TestFiles:
    def test_a_loaded_model_draws_the_same_rows(self, model: TabularGAN, tmp_path: Path) -> None:
        model.save(tmp_path / "m.synthx")
        loaded = synthx.load(tmp_path / "m.synthx")
        pd.testing.assert_frame_equal(loaded.sample(200, seed=1), model.sample(200, seed=1))
        assert loaded.training_.describe().startswith("Learned 4,000 rows of 6 columns on cpu (")

    def test_the_same_seed_gives_the_same_file(self, frame: pd.DataFrame, tmp_path: Path) -> None:
        for name in ("a", "b"):
            TabularGAN(**INSTANT, seed=7, device="cpu").fit(frame).save(tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_no_training_row_is_in_the_file(self, tmp_path: Path) -> None:
        frame = patients(500)
        frame.loc[:4, "ward"] = "CANARYWARD77"
        frame["name"] = [f"Canaryname{number} Whistleblower" for number in range(len(frame))]
        frame["record"] = [f"REC-{number:05d}" for number in range(70_000, 70_000 + len(frame))]
        frame["fee"] = np.random.default_rng(0).normal(500, 100, len(frame))
        frame.loc[3, "fee"] = 7_654_321.123
        with pytest.warns(DataWarning, match="'name': 100% of its cells"):
            model = TabularGAN(**INSTANT, device="cpu").fit(frame)
        model.save(tmp_path / "m.synthx")
        import zipfile

        with zipfile.ZipFile(tmp_path / "m.synthx") as archive:
            content = b"".join(archive.read(name) for name in archive.namelist()).lower()
        for canary in (b"canary", b"whistle", b"7654321", b"rec-70", b"70003"):
            assert canary not in content
        cells = model.sample(300, seed=0).astype(str).to_csv().lower()
        assert "canaryward" not in cells and "canaryname" not in cells
        assert model.sample(300, seed=0)["fee"].max() < 1_000

    def test_saving_does_not_overwrite(self, model: TabularGAN, tmp_path: Path) -> None:
        model.save(tmp_path / "m.synthx")
        with pytest.raises(OutputError, match="exists"):
            model.save(tmp_path / "m.synthx")

    def test_a_file_of_another_kind(self, tmp_path: Path) -> None:
        (tmp_path / "m.synthx").write_bytes(b"not a model")
        with pytest.raises(ArtifactError):
            synthx.load(tmp_path / "m.synthx")


@pytest.mark.parametrize(
    "table",
    [
        number_columns(300, 4),
        number_columns(300, 1),
        number_columns(50, 3),
        number_columns(60, 300),
        pd.DataFrame({"a": list("xyz") * 60, "b": list("pq") * 90}),
        pd.DataFrame({"a": list("xyz") * 60}),
        pd.DataFrame({"a": list("xyz") * 60, "constant": 1, "empty": np.nan}),
        pd.DataFrame({"a": [True, False] * 5, "b": [1.5, 2.5] * 5}),
        pd.DataFrame({"few": [None] * 95 + [1.5, 2.5, 3.5, 4.5, 5.5], "a": list("xy") * 50}),
    ],
    ids=[
        "numbers",
        "one number",
        "50 rows",
        "300 columns",
        "levels",
        "one level column",
        "constant, empty",
        "10 rows",
        "few",
    ],
)
def test_odd_tables_train_and_sample(table: pd.DataFrame) -> None:
    rows = TabularGAN(**INSTANT, device="cpu").fit(table).sample(40, seed=0)
    assert rows.shape == (40, table.shape[1])
    assert list(rows.columns) == list(table.columns)


def test_many_levels_cost_memory_in_proportion_to_what_is_used() -> None:
    """20,000 levels are two digits of about 142 values: under 500 outputs, not 20,000."""
    levels = np.repeat(np.arange(20_000), 2)
    frame = pd.DataFrame({"shop": [f"S{level:05d}x" for level in levels], "chain": levels % 7})
    schema = Schema.detect(frame).replace("shop", kind=synthx.Kind.CATEGORICAL)
    model = TabularGAN(**INSTANT, rare_threshold=2, device="cpu").fit(frame, schema)
    assert model.network_.heads.total < 600
    given = {"shop": ["S00007x", "S19999x", "S10000x"]}
    rows = model.sample(300, given=given, seed=0)
    assert set(rows["shop"]) <= set(given["shop"])
    assert model.sample(300, seed=0)["shop"].isin(frame["shop"]).all()


def test_a_column_of_two_digits_can_come_first() -> None:
    """Nothing but the digits of one column tell about each other here, so one of them opens the plan."""
    levels = np.repeat(np.arange(601), 10)
    frame = pd.DataFrame({"shop": [f"S{level}" for level in levels], "coin": np.arange(len(levels)) % 2})
    schema = Schema.detect(frame).replace("shop", kind=synthx.Kind.CATEGORICAL)
    model = TabularGAN(**INSTANT, device="cpu").fit(frame, schema)
    assert model.sample(2_000, seed=0)["shop"].isin(frame["shop"]).all()


def test_the_class_share_of_a_small_table_is_not_smoothed() -> None:
    """Two positives of 200; three standard errors of a share of .01 in 100,000 rows are .001."""
    frame = number_columns(200, 2).assign(fraud=[1, 1] + [0] * 198)
    model = TabularGAN(**INSTANT, device="cpu").fit(frame, Schema.detect(frame, target="fraud"))
    assert abs(model.sample(100_000, seed=0)["fraud"].mean() - 0.01) < 0.001


def test_missing_cells_that_few_rows_have_are_not_drawn() -> None:
    frame = number_columns(400, 2).assign(level=["a", "b"] * 200)
    frame.loc[0, "x0"] = np.nan
    frame.loc[1, "level"] = None
    model = TabularGAN(**INSTANT, device="cpu").fit(frame)
    assert not model.sample(5_000, seed=0).isna().any().any()


class TestEstimator:
    def test_parameters_round_trip_through_clone(self) -> None:
        model = TabularGAN(width=32, seed=5)
        assert clone(model).get_params() == model.get_params()

    def test_a_setting_is_changed_by_name_and_shown(self) -> None:
        model = TabularGAN(seed=5).set_params(width=32)
        assert repr(model) == "TabularGAN(seed=5, width=32)"
        with pytest.raises(ParameterError, match="TabularGAN has no setting 'epochs'; choose from adversarial_steps"):
            model.set_params(epochs=3)

    def test_an_unknown_parameter_is_an_error(self) -> None:
        with pytest.raises(TypeError, match="epochs"):
            TabularGAN(epochs=300)  # type: ignore[call-arg]

    @pytest.mark.parametrize(
        "setting",
        [
            {"batch_size": 0},
            {"width": -1},
            {"rare_threshold": 0},
            {"device": "tpu"},
            {"reconstruction_steps": 0},
            {"learning_rate": -1.0},
            {"seed": -1},
        ],
    )
    def test_a_senseless_setting(self, frame: pd.DataFrame, setting: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=next(iter(setting))):
            TabularGAN(**setting).fit(frame)

    def test_an_empty_table(self, frame: pd.DataFrame) -> None:
        with pytest.raises(DataError, match="0 rows"):
            TabularGAN().fit(frame.iloc[:0])

    def test_fewer_rows_than_may_be_told_apart(self, frame: pd.DataFrame) -> None:
        with pytest.raises(
            DataError, match="9 rows, and nothing that fewer than 10 rows share is kept; give more rows"
        ):
            TabularGAN().fit(frame.iloc[:9])

    def test_something_else_than_a_frame(self) -> None:
        with pytest.raises(DataError, match=r"fit was given a ndarray; give a pandas\.DataFrame"):
            TabularGAN().fit(np.zeros((20, 2)))  # type: ignore[arg-type]

    def test_a_failed_fit_leaves_the_model_as_it_was(self, frame: pd.DataFrame) -> None:
        model = TabularGAN(**INSTANT, device="cpu").fit(frame)
        before = model.sample(20, seed=0)
        with pytest.raises(DataError):
            model.fit(frame.assign(age=np.inf))
        pd.testing.assert_frame_equal(model.sample(20, seed=0), before)

    def test_an_interrupt_keeps_the_model(self, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
        turns, step = itertools.count(), Reconstruction.step

        def interrupted(phase: Reconstruction, fraction: float) -> torch.Tensor:
            if next(turns) == 15:
                raise KeyboardInterrupt
            return step(phase, fraction)

        monkeypatch.setattr(Reconstruction, "step", interrupted)
        model = TabularGAN(**INSTANT, device="cpu").fit(frame)
        assert model.training_.stopped == "interrupted"
        assert "it was interrupted; the best weights so far are kept" in model.training_.describe()
        assert len(model.sample(10)) == 10

    def test_running_out_of_memory_names_a_smaller_setting(
        self, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(phase: Reconstruction, fraction: float) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

        monkeypatch.setattr(Reconstruction, "step", fail)
        with pytest.raises(ResourceError, match=r"memory ran out while fitting; try batch_size=64 \(it is 256\)"):
            TabularGAN(**INSTANT, device="cpu").fit(frame)

    def test_the_time_limit_bounds_the_whole_fit(self, frame: pd.DataFrame) -> None:
        model = TabularGAN(
            **(QUICK | {"reconstruction_steps": 10**6, "adversarial_steps": 10**6}), max_minutes=0.05, device="cpu"
        )
        model.fit(frame)
        assert model.training_.stopped in ("time", "converged")
        assert model.training_.seconds < 2 * 3  # a slow machine may overshoot by one look at held-out rows


@pytest.mark.gpu
def test_a_model_trained_on_a_gpu_opens_on_a_cpu(frame: pd.DataFrame, tmp_path: Path) -> None:
    model = TabularGAN(**QUICK, device="cuda").fit(frame)
    assert model.training_.device == "cuda"
    rows = model.sample(500, given={"ward": ["heart", "child"], "age": synthx.between(20, 50)}, seed=0)
    assert rows["ward"].isin(["heart", "child"]).all() and rows["age"].between(20, 50).all()
    model.save(tmp_path / "m.synthx")
    assert len(synthx.load(tmp_path / "m.synthx").sample(10)) == 10
