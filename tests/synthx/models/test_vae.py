"""TabularVAE on small tables. Networks are small and training is short; what is random is held to loose bounds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import synthx
from synthx.errors import ConditionError, DataError, NotFittedError, ParameterError, ResourceError
from synthx.models.latents.autoencoder import Autoencoder, Encoder, Evidence, _divergence
from synthx.models.latents.paths import arc
from synthx.models.latents.prior import FlowMatching, Prior
from synthx.models.networks import Completer
from synthx.models.vae import TabularVAE
from synthx.schema import Schema

from .conftest import DISTINCT, number_columns, patients

QUICK: dict[str, Any] = {
    "autoencoder_steps": 400,
    "prior_steps": 250,
    "beta": 0.25,
    "width": 64,
    "latent": 6,
    "batch_size": 256,
    "device": "cpu",
}
INSTANT = QUICK | {"autoencoder_steps": 20, "prior_steps": 10, "width": 32}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return patients(3_000, wards=DISTINCT)


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> TabularVAE:
    return TabularVAE(**QUICK).fit(frame, Schema.detect(frame, target="died"))


@pytest.fixture(scope="module")
def fresh() -> pd.DataFrame:
    """Rows that the model has not seen."""
    return patients(1_000, seed=1, wards=DISTINCT)


class TestConditions:
    @pytest.mark.parametrize(
        ("given", "holds"),
        [
            ({"ward": "heart"}, lambda s: s["ward"] == "heart"),
            ({"died": True}, lambda s: s["died"]),
            ({"weight": synthx.between(70.05, 71)}, lambda s: s["weight"].between(70.05, 71)),
            ({"weight": synthx.MISSING}, lambda s: s["weight"].isna()),
            ({"ward": ["heart", "child"], "age": synthx.between(None, 45), "visits": 0},
             lambda s: s["ward"].isin(["heart", "child"]) & (s["age"] <= 45) & (s["visits"] == 0)),
            ({"ward": "emergency", "drug": "a", "weight": synthx.MISSING, "died": False},
             lambda s: (s["ward"] == "emergency") & (s["drug"] == "a") & s["weight"].isna() & ~s["died"]),
        ],
    )  # fmt: skip
    def test_every_row_satisfies_them(
        self, model: TabularVAE, frame: pd.DataFrame, given: dict[str, Any], holds: Callable[[pd.DataFrame], pd.Series]
    ) -> None:
        rows = model.sample(500, given=given, seed=0)
        assert len(rows) == 500
        assert holds(rows).all()
        near = model.around(frame.iloc[:20], 300, given=given, seed=0)
        assert len(near) == 300
        assert holds(near).all()

    def test_the_rest_follows_the_condition(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        real = frame.groupby("ward")["age"].mean()
        for ward in ("surgery", "heart", "child"):
            drawn = model.sample(1_000, given={"ward": ward}, seed=0)["age"].mean()
            assert drawn == pytest.approx(real[ward], abs=10)

    def test_an_unknown_level(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        with pytest.raises(ConditionError, match="'ward' has no level 'garden'"):
            model.around(frame, 5, given={"ward": "garden"})


class TestSampling:
    def test_columns_order_and_dtypes_are_the_training_frames(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        rows = model.sample(100, seed=0)
        pd.testing.assert_series_equal(rows.dtypes, frame.dtypes)
        pd.testing.assert_series_equal(model.decode(np.zeros((3, 6))).dtypes, frame.dtypes)

    def test_the_class_share_is_the_training_share(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        """Three standard errors: a false alarm for one seed in 370; the seed is fixed."""
        share, rows = frame["died"].mean(), 15_000
        drawn = model.sample(rows, seed=1)["died"].mean()
        assert abs(drawn - share) < 3 * np.sqrt(share * (1 - share) / rows)

    def test_columns_belong_together(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        rows = model.sample(5_000, seed=0)
        assert rows["age"].corr(rows["weight"]) > 0.75 * frame["age"].corr(frame["weight"])

    def test_the_same_seed_draws_the_same_rows_and_no_seed_draws_others(self, model: TabularVAE) -> None:
        first, again = model.sample(50, seed=3), model.sample(50, seed=3)
        pd.testing.assert_frame_equal(first, again)
        assert not model.sample(50).equals(model.sample(50))

    def test_nothing_fitted(self, frame: pd.DataFrame) -> None:
        for use in (lambda m: m.sample(5), lambda m: m.encode(frame), lambda m: m.decode(np.zeros((1, 16)))):
            with pytest.raises(NotFittedError, match="TabularVAE has learned nothing yet; call fit first"):
                use(TabularVAE())


class TestPlaces:
    def test_the_latent_space_is_used(self, model: TabularVAE) -> None:
        """Ward alone has 1.1 nats."""
        assert model.information_.shape == (6,)
        assert model.information_.sum() > 0.8
        assert (np.diff(model.information_) <= 0).all()

    def test_rows_come_back_far_more_often_than_by_guessing(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        decoded = model.decode(model.encode(fresh), seed=0)
        guessed = (fresh["ward"].value_counts(normalize=True) ** 2).sum()  # .37
        assert (decoded["ward"] == fresh["ward"]).mean() > guessed + 0.35
        assert decoded["age"].corr(fresh["age"]) > 0.7

    def test_normal_places_are_rows_of_the_table(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        rows = model.decode(np.random.default_rng(0).standard_normal((5_000, 6)), seed=0)
        shares = rows["ward"].value_counts(normalize=True)
        assert shares["surgery"] == pytest.approx(0.5, abs=0.12)
        assert shares["heart"] == pytest.approx(0.3, abs=0.12)

    def test_places_of_rows_are_nearly_normal(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        places = model.encode(fresh)
        assert places.shape == (1_000, 6)
        assert places.dtype == np.float32
        assert np.abs(places.mean(axis=0)).max() < 0.25
        assert places.std(axis=0).max() < 1.2

    def test_the_same_seed_decodes_the_same_rows(self, model: TabularVAE) -> None:
        places = np.zeros((40, 6))
        pd.testing.assert_frame_equal(model.decode(places, seed=3), model.decode(places, seed=3))
        assert not model.decode(places, seed=3).equals(model.decode(places, seed=4))

    @pytest.mark.parametrize(
        ("latent", "message"),
        [
            (
                np.zeros((5, 3)),
                "latent has shape (5, 3), and the latent space has 6 dimensions; give an array of shape",
            ),
            (np.zeros(6), "latent has shape (6,)"),
            (np.zeros((0, 6)), "latent has shape (0, 6)"),
            (np.full((2, 6), np.nan), "latent holds a value in row 1 that is no finite number"),
            ("place", "latent is 'place'; give an array of numbers"),
        ],
    )
    def test_senseless_places(self, model: TabularVAE, latent: Any, message: str) -> None:
        with pytest.raises(ParameterError, match=re.escape(message)):
            model.decode(latent)

    def test_rows_that_the_model_cannot_know(self, frame: pd.DataFrame, model: TabularVAE) -> None:
        with pytest.raises(DataError, match="'ward' holds 'garden' in row 3, which the model has never seen"):
            model.encode(frame.assign(ward=["heart", "child", "garden", *frame["ward"][3:]]))
        with pytest.raises(DataError, match="lacks column 'drug'"):
            model.encode(frame.drop(columns="drug"))
        with pytest.raises(DataError, match="has column 'mood', which the schema does not know"):
            model.encode(frame.assign(mood=1))
        with pytest.raises(DataError, match="'age' has 3000 missing cells"):
            model.encode(frame.assign(age=np.nan))
        with pytest.raises(DataError, match="rows were expected and an empty table was given"):
            model.encode(frame.iloc[:0])
        with pytest.raises(DataError, match="rows were expected and a list was given"):
            model.encode([1, 2])  # type: ignore[arg-type]


class TestPaths:
    def test_the_ends_of_a_path_are_the_rows(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        for first, last in ((0, 1), (2, 9), (30, 40)):
            path = model.interpolate(fresh.iloc[first], fresh.iloc[[last]], 5, seed=0)
            assert len(path) == 5
            ends = fresh.iloc[[first, last]].reset_index(drop=True)
            pd.testing.assert_frame_equal(path.iloc[[0, 4]].reset_index(drop=True), ends)

    def test_ages_rise_on_the_way_from_young_to_old(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        young, old = fresh[fresh["age"] < 25].index[:20], fresh[fresh["age"] > 75].index[:20]
        paths = [
            model.interpolate(fresh.loc[a], fresh.loc[b], 4, seed=0)["age"] for a, b in zip(young, old, strict=True)
        ]
        assert (np.diff(np.mean(paths, axis=0)) > 2).all()

    def test_the_way_from_a_row_to_itself_is_short(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        path = model.interpolate(fresh.iloc[4], fresh.iloc[4].to_dict(), 4, seed=0)
        assert path["ward"].nunique() == 1

    def test_a_row_moves_along_a_dimension(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        row = fresh.iloc[7]
        own = model.encode(fresh.iloc[[7]])[0, 0]
        moved = model.traverse(row, 0, [-3, own, 3], seed=0)
        pd.testing.assert_frame_equal(moved.iloc[[1]].reset_index(drop=True), fresh.iloc[[7]].reset_index(drop=True))
        assert abs(moved["age"].iloc[2] - moved["age"].iloc[0]) > 5
        assert len(model.traverse(row, 5)) == 7

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"dimension": 6}, "dimension is 6, and the latent space has 6; give a whole number from 0 to 5"),
            ({"dimension": -1}, "dimension is -1"),
            ({"dimension": True}, "dimension is True"),
            ({"dimension": 0, "values": []}, "values is []; give a list of finite numbers"),
            ({"dimension": 0, "values": [np.inf]}, "values is [inf]"),
            ({"dimension": 0, "seed": -1}, "seed is -1"),
        ],
    )
    def test_senseless_traversals(
        self, model: TabularVAE, frame: pd.DataFrame, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ParameterError, match=re.escape(message)):
            model.traverse(frame.iloc[0], **arguments)

    def test_senseless_ends(self, model: TabularVAE, frame: pd.DataFrame) -> None:
        with pytest.raises(ParameterError, match="steps is 1; give a whole number from 2 on"):
            model.interpolate(frame.iloc[0], frame.iloc[1], 1)
        with pytest.raises(DataError, match="one row was expected and 3 were given"):
            model.interpolate(frame.iloc[:3], frame.iloc[1], 4)
        with pytest.raises(DataError, match="a row was expected and 7 was given"):
            model.interpolate(7, frame.iloc[1], 4)  # type: ignore[arg-type]
        with pytest.raises(DataError, match="'ward' holds 'garden'"):
            model.interpolate(frame.iloc[0].to_dict() | {"ward": "garden"}, frame.iloc[1], 4)

    def test_a_great_arc(self) -> None:
        """A third of a right angle is 30 degrees; from a vector to itself there is no way to go."""
        way = arc(np.array([2.0, 0.0]), np.array([0.0, 2.0]), np.array([0.0, 1 / 3, 1.0]))
        assert way == pytest.approx(np.array([[2.0, 0.0], [np.sqrt(3), 1.0], [0.0, 2.0]]))
        still = arc(np.array([1.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, 0.3, 1.0]))
        assert still == pytest.approx(np.ones((3, 2)))


class TestNeighbours:
    def test_the_narrower_the_spread_the_more_they_are_of_the_sort(
        self, model: TabularVAE, fresh: pd.DataFrame
    ) -> None:
        chosen = fresh[fresh["ward"] == "child"]
        shares = [
            (model.around(chosen, 1_000, spread=spread, seed=0)["ward"] == "child").mean() for spread in (0.05, 0.5, 1)
        ]
        assert shares[0] > 0.95
        assert shares[0] > shares[1] > shares[2] + 0.2

    def test_neighbours_of_a_fair_sample_are_a_fair_sample(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        near = model.around(fresh, 5_000, spread=0.6, seed=0)
        assert (near["ward"] == "heart").mean() == pytest.approx(0.3, abs=0.1)
        assert near["age"].mean() == pytest.approx(fresh["age"].mean(), abs=4)

    def test_the_same_seed_draws_the_same_rows(self, model: TabularVAE, fresh: pd.DataFrame) -> None:
        first, again = (model.around(fresh, np.int64(30), seed=5) for _ in range(2))
        pd.testing.assert_frame_equal(first, again)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"n": 0}, "n is 0; give a whole number from 1 on"),
            ({"n": 5, "spread": 0}, "spread is 0; give a number above 0, up to 1"),
            ({"n": 5, "spread": 1.5}, "spread is 1.5"),
            ({"n": 5, "spread": "wide"}, "spread is 'wide'"),
        ],
    )
    def test_senseless_arguments(
        self, model: TabularVAE, frame: pd.DataFrame, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ParameterError, match=re.escape(message)):
            model.around(frame, **arguments)


class TestFiles:
    def test_a_loaded_model_draws_the_same_rows(self, model: TabularVAE, fresh: pd.DataFrame, tmp_path: Path) -> None:
        model.save(tmp_path / "m.synthx")
        loaded = synthx.load(tmp_path / "m.synthx")
        assert isinstance(loaded, TabularVAE)
        pd.testing.assert_frame_equal(loaded.sample(200, seed=1), model.sample(200, seed=1))
        np.testing.assert_array_equal(loaded.encode(fresh), model.encode(fresh))
        np.testing.assert_array_equal(loaded.information_, model.information_)

    def test_the_same_seed_gives_the_same_file(self, frame: pd.DataFrame, tmp_path: Path) -> None:
        for name in ("a", "b"):
            TabularVAE(**INSTANT, seed=7).fit(frame).save(tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "table",
    [
        number_columns(300, 4),
        number_columns(300, 1),
        number_columns(50, 3),
        number_columns(60, 80),
        pd.DataFrame({"a": list("xyz") * 60, "b": list("pq") * 90}),
        pd.DataFrame({"a": list("xyz") * 60}),
        pd.DataFrame({"a": list("xyz") * 60, "constant": 1, "empty": np.nan}),
        pd.DataFrame({"a": [True, False] * 5, "b": [1.5, 2.5] * 5}),
        pd.DataFrame({"few": [None] * 95 + [1.5, 2.5, 3.5, 4.5, 5.5], "a": list("xy") * 50}),
        pd.DataFrame({"a": list("xyz") * 60, "when": pd.date_range("2024-01-01", periods=180), "id": range(180)}),
    ],
    ids=[
        "numbers",
        "one number",
        "50 rows",
        "80 columns",
        "levels",
        "one level column",
        "constant, empty",
        "10 rows",
        "few",
        "times, identifier",
    ],
)
def test_odd_tables_train_sample_and_are_explored(table: pd.DataFrame) -> None:
    model = TabularVAE(**INSTANT).fit(table)
    for rows in (
        model.sample(20, seed=0),
        model.decode(model.encode(pd.concat([table, table]).iloc[:20]), seed=0),
        model.interpolate(table.iloc[0], table.iloc[[7]], 20, seed=0),
        model.traverse(table.iloc[0], 1, np.linspace(-2, 2, 20), seed=0),
        model.around(table.iloc[:3], 20, seed=0),
    ):
        assert rows.shape == (20, table.shape[1])
        assert list(rows.columns) == list(table.columns)


def test_many_levels_are_two_digits() -> None:
    """20,000 levels are two digits of about 142 values: under 500 outputs, not 20,000."""
    levels = np.repeat(np.arange(20_000), 2)
    frame = pd.DataFrame({"shop": [f"S{level:05d}x" for level in levels], "chain": levels % 7})
    schema = Schema.detect(frame).replace("shop", kind=synthx.Kind.CATEGORICAL)
    model = TabularVAE(**INSTANT, rare_threshold=2).fit(frame, schema)
    assert model.network_.decoder.heads.total < 600
    given = {"shop": ["S00007x", "S19999x", "S10000x"]}
    assert set(model.sample(300, given=given, seed=0)["shop"]) <= set(given["shop"])
    assert set(model.around(frame[:50], 300, given=given, seed=0)["shop"]) <= set(given["shop"])
    assert model.interpolate(frame.iloc[0], frame.iloc[-1], 30, seed=0)["shop"].isin(frame["shop"]).all()


class TestEstimator:
    def test_parameters_round_trip_through_clone(self) -> None:
        model = TabularVAE(width=32, seed=5)
        assert clone(model).get_params() == model.get_params()

    @pytest.mark.parametrize(
        "setting",
        [{"latent": 0}, {"beta": 0}, {"beta": np.inf}, {"width": 1.5}, {"autoencoder_steps": 0}, {"prior_steps": -1}],
    )
    def test_a_senseless_setting(self, frame: pd.DataFrame, setting: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=f"{next(iter(setting))} is"):
            TabularVAE(**setting).fit(frame)

    def test_without_a_learned_prior_places_are_taken_to_be_normal(self, frame: pd.DataFrame) -> None:
        model = TabularVAE(**(INSTANT | {"prior_steps": 0})).fit(frame)
        assert model.training_.steps == 20
        assert len(model.sample(10)) == 10

    @pytest.mark.parametrize("phase", [Evidence, FlowMatching])
    def test_an_interrupt_keeps_the_model(
        self, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, phase: Any
    ) -> None:
        turns, step = itertools.count(), phase.step

        def interrupted(self: Any, fraction: float) -> torch.Tensor:
            if next(turns) == 5:
                raise KeyboardInterrupt
            return step(self, fraction)

        monkeypatch.setattr(phase, "step", interrupted)
        model = TabularVAE(**INSTANT).fit(frame)
        assert model.training_.stopped == "interrupted"
        assert len(model.sample(10)) == 10
        assert model.encode(frame).shape == (len(frame), 6)

    def test_running_out_of_memory_names_a_smaller_setting(
        self, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(phase: FlowMatching, fraction: float) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

        monkeypatch.setattr(FlowMatching, "step", fail)
        with pytest.raises(ResourceError, match=r"memory ran out while fitting; try batch_size=64 \(it is 256\)"):
            TabularVAE(**INSTANT).fit(frame)

    def test_the_time_limit_bounds_the_whole_fit(self, frame: pd.DataFrame) -> None:
        settings = QUICK | {"autoencoder_steps": 10**6, "prior_steps": 10**6}
        model = TabularVAE(**settings, max_minutes=0.05).fit(frame)
        assert model.training_.stopped in ("time", "converged")
        assert model.training_.seconds < 2 * 3  # a slow machine may overshoot by one look at held-out rows


class TestParts:
    def test_divergence_from_the_standard_normal(self) -> None:
        """By hand: (1 + 1 - 1) / 2 - 0 for mean 1; (0 + 4 - 1) / 2 - log 2 for a standard deviation of 2."""
        found = _divergence(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, np.log(2)]))
        assert found.tolist() == pytest.approx([0.0, 0.5, 1.5 - np.log(2)])

    def test_tidying_changes_no_decoded_row(self) -> None:
        torch.manual_seed(0)
        sizes = (3, 5)
        network = Autoencoder(
            Encoder(sizes, latent=4, width=16, blocks=1), Completer(sizes, width=16, blocks=1, noise=4)
        )
        digits = torch.stack([torch.randint(size, (200,)) for size in sizes], dim=1)
        hidden = torch.zeros_like(digits, dtype=torch.bool)
        decoder = network.decoder
        before = decoder.logits(decoder.state(digits, hidden, network.encoder(digits)[0]))
        network.tidy(digits)
        mean, log_scale = network.encoder(digits)
        after = decoder.logits(decoder.state(digits, hidden, mean))
        assert torch.allclose(before, after, atol=1e-4)
        assert torch.allclose((mean.square() + (2 * log_scale).exp()).mean(dim=0), torch.ones(4), atol=1e-4)
        assert (network.information(digits).diff() <= 1e-6).all()

    def test_an_untrained_flow_leaves_normal_noise_normal_and_comes_back(self) -> None:
        torch.manual_seed(0)
        prior = Prior((2,), latent=3, width=16, blocks=1)
        noise, context = torch.randn(20_000, 3), torch.randn(1, 16)
        latent = prior.flow(noise, context)
        assert latent.std(dim=0).tolist() == pytest.approx([1, 1, 1], abs=0.03)
        assert torch.allclose(prior.flow(latent, context, backwards=True), noise, atol=0.15)

    def test_the_flow_learns_where_rows_lie(self) -> None:
        """Two points, at 1 and -1: noise ends near each half of the time, and near the right one if a cell tells it."""
        torch.manual_seed(0)
        prior = Prior((2,), latent=1, width=32, blocks=2)

        def examples() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            side = torch.randint(2, (256, 1))
            return side * 2.0 - 1, side, torch.rand(256, 1) < 0.5

        matching = FlowMatching(prior, examples, examples(), learning_rate=3e-3)
        for turn in range(200):
            matching.step(turn / 200)
        cell = torch.tensor([[1]])
        with torch.no_grad():
            ends = prior.flow(torch.randn(1_000, 1), prior.context(cell, cell == 0)).squeeze(1)
            right = prior.flow(torch.randn(1_000, 1), prior.context(cell, cell == 1)).squeeze(1)
        assert (ends.abs() - 1).abs().mean() < 0.3
        assert (ends > 0).float().mean() == pytest.approx(0.5, abs=0.1)
        assert (right > 0).float().mean() > 0.95


@pytest.mark.gpu
def test_a_model_trained_on_a_gpu_opens_on_a_cpu(frame: pd.DataFrame, tmp_path: Path) -> None:
    model = TabularVAE(**(QUICK | {"device": "cuda"})).fit(frame)
    assert model.training_.device == "cuda"
    rows = model.around(frame[:20], 500, given={"age": synthx.between(20, 50)}, seed=0)
    assert rows["age"].between(20, 50).all()
    model.save(tmp_path / "m.synthx")
    assert len(synthx.load(tmp_path / "m.synthx").sample(10)) == 10
