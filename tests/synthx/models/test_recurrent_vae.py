"""SequenceVAE: fits that go well and fits that do not, files, settings."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import synthx
from synthx.errors import DataError, DataWarning, ParameterError, ResourceError, SchemaError
from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.likelihood import SequenceLikelihood
from synthx.models.sequences.steadying import Steadying
from synthx.schema import Schema
from synthx.training import Budget, ProgressEvent

from .made_sequences import INSTANT, SMALL, few_static_steps, fitted, schema_of, series, visits


class TestFiles:
    def test_a_loaded_model_draws_the_same_rows(self, sequences: SequenceVAE, tmp_path: Path) -> None:
        sequences.save(tmp_path / "m.synthx")
        loaded = synthx.load(tmp_path / "m.synthx")
        assert isinstance(loaded, SequenceVAE)
        assert loaded.get_params() == sequences.get_params()
        pd.testing.assert_frame_equal(loaded.sample(30, seed=1), sequences.sample(30, seed=1))
        assert loaded.training_.describe().startswith("Learned the sequences of 200 entities, 1,7")

    @pytest.mark.parametrize("lengths", [[6] * 40, [3, 4, 5, 6] * 10])
    def test_models_without_time_and_static_columns_too(self, lengths: list[int], tmp_path: Path) -> None:
        model = fitted(series(lengths))
        model.save(tmp_path / "m.synthx")
        pd.testing.assert_frame_equal(synthx.load(tmp_path / "m.synthx").sample(9, seed=1), model.sample(9, seed=1))

    def test_the_same_seed_gives_the_same_file(self, tmp_path: Path) -> None:
        for name, seed in (("a", 7), ("b", 7), ("other", 8)):
            fitted(series([3, 4] * 20), seed=seed).save(tmp_path / name)
        a, b, other = ((tmp_path / name).read_bytes() for name in ("a", "b", "other"))
        assert a == b != other

    def test_nothing_of_one_entity_is_in_the_file(self, tmp_path: Path) -> None:
        """Keys, a name, text, a level and numbers that one patient has; and a patient with 37 visits."""
        frame = visits(60)
        frame["nurse"] = [f"Canarynurse{row} Whistleblower" for row in range(len(frame))]
        frame["fee"] = np.random.default_rng(0).normal(500, 100, len(frame)).round(2)
        own = frame["patient"] == "P-90007"
        frame.loc[own, "ward"] = "CANARYWARD77"
        frame.loc[own, "fee"] = 7_654_321.25
        frame.loc[own, "sex"] = "CANARYSEX"
        with pytest.warns(DataWarning, match="nurse"):
            model = fitted(frame, schema_of(frame))
        model.save(tmp_path / "m.synthx")
        with zipfile.ZipFile(tmp_path / "m.synthx") as archive:
            content = b"".join(archive.read(name) for name in archive.namelist()).lower()
        for canary in (b"canary", b"whistle", b"7654321", b"p-90"):
            assert canary not in content
        rows = model.sample(200, seed=0)
        assert "canary" not in rows.to_csv().lower()
        assert rows["fee"].max() < 1_000
        assert not set(rows["patient"]) & set(frame["patient"])


class TestRefusals:
    """Nothing here reaches training."""

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda frame: frame.iloc[:0], DataError, "0 entities"),
            (lambda frame: frame[frame["patient"] < "P-90009"], DataError,
             "9 entities, and nothing that fewer than 10 share is kept; give more entities, or cut a single long series"
             r" into windows with --window \(in Python, synthx\.cut_windows\)"),
            (lambda frame: frame.assign(sex=["F", "M"] * (len(frame) // 2)), DataError,
             "the static column 'sex' varies within the entity patient=P-90000: 'F', 'M'"),
            (lambda frame: frame.assign(day=frame["day"].where(frame.index != 3)), DataError,
             "the time column 'day' is missing in row 4"),
            (lambda frame: frame.assign(patient=frame["patient"].where(frame.index != 3)), DataError,
             "the entity's key 'patient' is missing in row 4"),
            (lambda frame: frame.drop(columns="low"), DataError, "the table lacks column 'low' of the schema"),
            (lambda frame: frame.to_numpy(), DataError, "fit was given a ndarray"),
        ],
    )  # fmt: skip
    def test_tables(self, stays: pd.DataFrame, change: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            SequenceVAE(**INSTANT).fit(change(stays), schema_of(stays))

    def test_a_single_long_series(self) -> None:
        frame = series([50]).drop(columns="k")
        for schema in (None, Schema.detect(frame)):
            with pytest.raises(SchemaError, match=r"names no entity, .* can be cut by synthx\.cut_windows"):
                SequenceVAE(**INSTANT).fit(frame, schema)
        one = frame.assign(k=0)
        with pytest.raises(DataError, match=r"1 entity, .* cut a single long series .*, synthx\.cut_windows"):
            SequenceVAE(**INSTANT).fit(one, Schema.detect(one, entity="k", static=()))

    def test_nothing_that_changes(self) -> None:
        frame = series([3] * 30).assign(x=lambda rows: rows["k"] % 2)
        with pytest.raises(DataError, match="no column to learn that changes from step to step; learn it as a"):
            SequenceVAE(**INSTANT).fit(frame, Schema.detect(frame, entity="k"))

    @pytest.mark.parametrize(
        "setting",
        [
            {"batch_size": 0},
            {"latent": 0},
            {"hidden": 1},
            {"width": 1.5},
            {"units": -1},
            {"steps": 0},
            {"prior_steps": -1},
            {"rare_threshold": 0},
            {"device": "tpu"},
            {"learning_rate": 1.0},
            {"beta": -0.5},
            {"seed": -1},
            {"max_minutes": 0},
        ],
    )
    def test_settings(self, stays: pd.DataFrame, setting: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=next(iter(setting))):
            SequenceVAE(**setting).fit(stays, schema_of(stays))


class TestTraining:
    def test_windows_of_a_series_are_learned(self) -> None:
        frame, schema = synthx.cut_windows(series([60]).drop(columns="k"), 12)
        rows = fitted(frame, schema).sample(15, seed=0)
        assert (rows.groupby("window").size() == 12).all() and rows["window"].nunique() == 15

    def test_what_was_interpolated_bends_on_the_beat(self) -> None:
        rng = np.random.default_rng(0)
        knots = rng.normal(0, 1, (2, 300)).cumsum(axis=1)
        at = np.arange(6 * 299) / 6
        table = pd.DataFrame(
            {name: np.interp(at, np.arange(300), knot) for name, knot in zip("ab", knots, strict=True)}
        )
        frame, schema = synthx.cut_windows(table, 24)
        model = SequenceVAE(**SMALL | {"steps": 120, "prior_steps": 0}, dropout=0.0, seed=0).fit(frame, schema)
        drawn = synthx.to_windows(model.sample(200, seed=0), schema)
        bends = np.abs(np.diff(drawn, 2, axis=1)) > 1e-6
        assert bends.mean() == pytest.approx(1 / 6, abs=0.03)
        window, place = np.nonzero(bends.any(axis=2))
        gaps = np.diff(place)[np.diff(window) == 0]
        assert (gaps % 6 == 0).all()  # .19 of them after 100 steps where the beat is not told

    def test_it_says_what_it_does(self) -> None:
        events: list[ProgressEvent] = []
        frame = series([3, 4] * 20)
        with few_static_steps():
            model = SequenceVAE(**INSTANT).fit(frame, Schema.detect(frame, entity="k"), progress=events.append)
        assert events[0].stage == "coding the sequences" and events[0].message == "140 rows"
        assert [event.stage for event in events][-7:] == ["training", "latent space", *(["steadying"] * 5)]
        assert model.training_.steps == INSTANT["steps"] + INSTANT["prior_steps"]
        assert (model.training_.rows, model.training_.columns, model.training_.entities) == (140, 2, 40)

    def test_random_numbers_of_others_go_on_as_before(self) -> None:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        fitted(series([3] * 20))
        assert torch.equal(torch.rand(3), expected)

    def test_the_time_limit_bounds_the_whole_fit(self) -> None:
        """Two seconds; a slow machine may overshoot by a look at held-out sequences."""
        model = fitted(series([3, 4] * 20), steps=10**6, prior_steps=10**6, max_minutes=2 / 60)
        assert model.training_.stopped in ("time", "converged")
        assert model.training_.seconds is not None and model.training_.seconds < 6

    def test_an_interrupt_keeps_the_best_so_far(self, monkeypatch: pytest.MonkeyPatch) -> None:
        turns, step = itertools.count(), SequenceLikelihood.step

        def interrupted(phase: SequenceLikelihood, fraction: float) -> torch.Tensor:
            if next(turns) == 6:
                raise KeyboardInterrupt
            return step(phase, fraction)

        monkeypatch.setattr(SequenceLikelihood, "step", interrupted)
        model = fitted(series([3, 4] * 20), steps=50)
        assert model.training_.stopped == "interrupted" and model.training_.steps == 6
        assert model.sample(10, seed=0)["k"].nunique() == 10

    @pytest.mark.parametrize("part", ["__init__", "round"])
    def test_an_interrupt_of_steadying_keeps_what_is_learned(self, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Steadying, part, interrupted)
        model = fitted(series([3, 4] * 20))
        assert model.training_.stopped == "interrupted"
        assert model.training_.steps == INSTANT["steps"] + INSTANT["prior_steps"]
        assert not model.network_.steps.shift.any()
        assert model.sample(10, seed=0)["k"].nunique() == 10

    def test_steadying_stops_where_another_round_would_be_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn: list[int] = []

        def slowly(_: Steadying, steps: int) -> float:
            drawn.append(steps)
            return 0.0

        monkeypatch.setattr(Steadying, "round", slowly)
        monkeypatch.setattr(Budget, "left", property(lambda _: 1.0 if len(drawn) < 2 else 0.0))
        fitted(series([3, 4] * 20))
        assert drawn == [5_000, 10_000]

    def test_an_interrupt_before_steps_are_learned_stops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("synthx.models.autoregressive.OrderedLikelihood.step", interrupted)
        model = SequenceVAE(**INSTANT)
        frame = series([3, 4] * 20)
        with pytest.raises(KeyboardInterrupt):
            model.fit(frame, Schema.detect(frame, entity="k"))
        assert not hasattr(model, "training_")

    def test_a_failed_fit_leaves_the_model_as_it_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        frame = series([3, 4] * 20)
        model = fitted(frame)
        before = model.sample(20, seed=0)

        def fail(phase: SequenceLikelihood, fraction: float) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

        monkeypatch.setattr(SequenceLikelihood, "step", fail)
        with (
            few_static_steps(),
            pytest.raises(ResourceError, match="memory ran out while fitting; try batch_size=384"),
        ):
            model.fit(frame.assign(y=1.5 + frame["x"] % 7), Schema.detect(frame.assign(y=frame["x"]), entity="k"))
        with pytest.raises(DataError):
            model.fit(frame.assign(x=np.inf), Schema.detect(frame, entity="k"))
        pd.testing.assert_frame_equal(model.sample(20, seed=0), before)


class TestEstimator:
    def test_parameters_round_trip_through_clone(self) -> None:
        model = SequenceVAE(latent=5, seed=3)
        assert clone(model).get_params() == model.get_params()
        assert repr(model) == "SequenceVAE(seed=3, latent=5)"

    def test_an_unknown_parameter_is_an_error(self) -> None:
        with pytest.raises(TypeError, match="epochs"):
            SequenceVAE(epochs=300)  # type: ignore[call-arg]

    def test_numpy_settings_are_plain_in_files(self, tmp_path: Path) -> None:
        model = fitted(series([3] * 20), latent=np.int64(2), beta=np.float64(0.5))
        model.save(tmp_path / "m.synthx")
        assert synthx.load(tmp_path / "m.synthx").get_params()["latent"] == 2


@pytest.mark.gpu
def test_a_model_trained_on_a_gpu_opens_on_a_cpu(stays: pd.DataFrame, tmp_path: Path) -> None:
    model = fitted(stays, schema_of(stays), device="cuda")
    assert model.training_.device == "cuda"
    rows = model.sample(50, given={"sex": "F"}, length=7, seed=0)
    assert (rows["sex"] == "F").all() and (rows.groupby("patient").size() == 7).all()
    assert model.encode(stays).shape == (200, model.latent)
    assert model.impute(stays, ["ward"], seed=0)["ward"].notna().all()
    assert len(model.continue_from(stays, 2, seed=0)) == 400
    model.save(tmp_path / "m.synthx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        opened = synthx.load(tmp_path / "m.synthx")
    assert isinstance(opened, SequenceVAE) and opened.network_.steps.vectors.device.type == "cpu"
    assert opened.sample(10, seed=0)["patient"].nunique() == 10
