"""Refinement, on a model that draws columns independently: what it must learn is how columns belong together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import synthx
from synthx.codec.conditions import resolve
from synthx.codec.table import Coded, TableCodec
from synthx.condition import Window, as_conditions
from synthx.errors import ParameterError
from synthx.models.base import Refined, Training
from synthx.models.gan import TabularGAN
from synthx.models.refining import refinement as module
from synthx.models.refining.refinement import EVERYTHING, Refinement, choose_clip, learn_refinement
from synthx.models.refining.trees import Growth
from synthx.models.tabular import TableSynthesizer
from synthx.schema import Kind, Schema
from synthx.training import Budget, Progress, ProgressEvent, Stopped

QUICK = Growth(trees=50, depth=6)


class Shares:
    """Draws each column by its shares."""

    device = torch.device("cpu")

    def __init__(self, shares: list[np.ndarray]) -> None:
        self.shares = shares

    def draw(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        rng = np.random.default_rng(generator.initial_seed())
        columns = []
        for index, share in enumerate(self.shares):
            weights = share * windows[index].weights if index in windows else share * 1.0
            columns.append(rng.choice(len(share), rows, p=weights / weights.sum()))
        return torch.from_numpy(np.stack(columns, axis=1))


class Independent(TableSynthesizer):
    """Draws each column by its frequencies."""

    name: ClassVar[str] = "independent"

    def __init__(self, *, refine: bool = False, seed: int = 0, max_minutes: float | None = None) -> None:
        self.refine, self.seed, self.max_minutes = refine, seed, max_minutes
        self.device, self.rare_threshold, self.batch_size, self.learning_rate = "cpu", 10, 1, 0.1

    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        self.shares_ = [
            np.bincount(column, minlength=size)
            for column, size in zip(coded.codes.T, self.codec_.domain.sizes, strict=True)
        ]
        return "finished", 1

    def _sampler(self) -> Shares:
        return Shares(self.shares_)

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {}, {str(index): torch.from_numpy(share) for index, share in enumerate(self.shares_)}

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        self.shares_ = [tensors[str(index)].numpy() for index in range(len(tensors))]


def pets(rows: int, seed: int) -> pd.DataFrame:
    """What an animal is mostly says how many legs it has; few fish walk."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, rows, p=[0.5, 0.4, 0.1])
    legs = np.where(rng.random(rows) < 0.8, np.array([4, 2, 0])[kind], rng.choice([0, 2, 4], rows))
    return pd.DataFrame(
        {
            "kind": np.array(["dog", "bird", "fish"], object)[kind],
            "legs": legs,
            "weight": np.round(rng.gamma(3, np.array([4.0, 3.0, 2.0])[kind]), 2),
        }
    )


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Any:
    """Few trees on few rows."""
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "FEWEST_DRAWN", 6_000)
    patch.setattr(module, "JUDGED_ROWS", 6_000)
    patch.setattr(module, "Growth", lambda: QUICK)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pets(3_000, 0)


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> Independent:
    return Independent(refine=True).fit(frame)


def disagreement(rows: pd.DataFrame) -> float:
    return float((rows["legs"] != rows["kind"].map({"dog": 4, "bird": 2, "fish": 0})).mean())


class TestClip:
    def test_a_hundredth_is_unserved(self) -> None:
        clip = choose_clip(np.array([1.0, 1.0, 2.0, 4.0]))
        # 1% of 8 is .08: the clip is 4 - .08. Accepted: (1 + 1 + 2) / 3.92 and the last for sure.
        assert clip.ratio == pytest.approx(3.92)
        assert clip.acceptance == pytest.approx((4 / 3.92 + 1) / 4)
        assert clip.unserved == pytest.approx(0.01)

    def test_equal_ratios_accept_all(self) -> None:
        clip = choose_clip(np.full(50, 7.0))
        assert clip.acceptance == 1
        assert clip.unserved == pytest.approx(0.01)  # of every row as much, which no row misses

    def test_acceptance_has_a_floor(self) -> None:
        clip = choose_clip(np.r_[np.full(999, 1.0), 1e6], least_accepted=0.3)
        assert 0.3 <= clip.acceptance < 0.33
        assert clip.unserved > 0.9


class TestSampling:
    def test_columns_belong_together(self, frame: pd.DataFrame, model: Independent) -> None:
        plain = Independent().fit(frame).sample(4_000, seed=1)
        refined = model.sample(4_000, seed=1)
        assert disagreement(frame) < 0.16
        assert disagreement(plain) > 0.5
        assert disagreement(refined) < 0.2
        for name in ("kind", "legs"):
            shares = frame[name].value_counts(normalize=True)
            assert (shares - refined[name].value_counts(normalize=True)).abs().max() < 0.04

    def test_it_says_how_it_went(self, model: Independent) -> None:
        refined = model.training_.refined
        assert refined is not None
        assert refined.told_apart > 0.7
        assert refined.calibration_error < 0.03
        assert refined.acceptance < 0.6
        assert refined.effective < 0.9
        assert f"accepts {refined.acceptance:.0%}" in model.training_.describe()
        drawn = model._draw_many(20_000, np.random.default_rng(5))
        assert model.refinement_ is not None
        accepted = model.refinement_.accept(drawn, model.refinement_.clip, np.random.default_rng(6))
        assert len(accepted.codes) / 20_000 == pytest.approx(refined.acceptance, abs=0.02)

    @pytest.mark.parametrize(
        "given",
        [
            {"kind": "fish"},
            {"legs": [0, 2]},
            {"kind": "fish", "legs": 4},
            {"weight": synthx.between(1, 1.5), "kind": ["dog", "bird"]},
        ],
    )
    def test_conditions_stay_exact(self, model: Independent, given: dict[str, Any]) -> None:
        rows = model.sample(300, given=given, seed=2)
        assert len(rows) == 300
        for name, wanted in given.items():
            if isinstance(wanted, (str, int)):
                assert (rows[name] == wanted).all()
            elif isinstance(wanted, list):
                assert rows[name].isin(wanted).all()
            else:
                assert rows[name].between(1, 1.5).all()

    def test_the_clip_suits_a_rare_condition(self, model: Independent) -> None:
        """Walking fish hardly exist, so their ratios are tiny; among themselves they are not."""
        assert model.refinement_ is not None
        resolved = resolve(as_conditions({"kind": "fish", "legs": 4}, model.schema_), model.codec_)
        clip = model._clip(resolved.windows, np.random.SeedSequence(0))
        assert clip.acceptance > model.refinement_.clip.acceptance
        assert clip.ratio < model.refinement_.clip.ratio / 3

    def test_few_rows_cost_few_draws(self, model: Independent, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn: list[int] = []
        draw = Independent._draw

        def counted(self: Independent, rows: int, windows: Mapping[int, Window], seed: int) -> np.ndarray:
            drawn.append(rows)
            return draw(self, rows, windows, seed)

        monkeypatch.setattr(Independent, "_draw", counted)
        assert len(model.sample(10, seed=3)) == 10
        assert sum(drawn) < 200
        drawn.clear()
        assert len(model.sample(20_000, seed=3)) == 20_000
        refined = model.training_.refined
        assert refined is not None
        assert sum(drawn) < 1.2 * 20_000 / refined.acceptance

    def test_batches_hold_what_was_asked_for(self, model: Independent) -> None:
        frames = list(model.sample_batches(1_000, seed=4, batch_rows=300))
        assert sum(map(len, frames)) == 1_000
        assert max(map(len, frames)) <= 300

    def test_the_same_seed_draws_and_fits_the_same(self, frame: pd.DataFrame, model: Independent) -> None:
        again = Independent(refine=True).fit(frame)
        pd.testing.assert_frame_equal(again.sample(500, seed=7), model.sample(500, seed=7))
        assert not again.sample(500, seed=8).equals(model.sample(500, seed=7))

    def test_keys_stay_unique(self) -> None:
        frame = pets(1_500, 2).assign(id=np.arange(1_500))
        schema = Schema.detect(frame)
        assert schema["id"].kind is Kind.IDENTIFIER
        rows = Independent(refine=True).fit(frame, schema).sample(2_000, seed=0)
        assert rows["id"].is_unique


class TestGain:
    def test_a_perfect_model_is_left_alone(self) -> None:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"a": rng.integers(0, 5, 2_000), "b": rng.normal(size=2_000).round(2)})
        model = Independent(refine=True).fit(frame)
        assert model.refinement_ is None
        assert model.training_.refined is not None
        assert model.training_.refined.acceptance == 1
        assert "would gain nothing" in model.training_.describe()
        pd.testing.assert_frame_equal(model.sample(50, seed=0), Independent().fit(frame).sample(50, seed=0))

    def test_a_small_table_works(self) -> None:
        model = Independent(refine=True).fit(pets(60, 3))
        assert len(model.sample(100, seed=0)) == 100

    def test_rare_levels_do_not_tell(self) -> None:
        """A level that is never drawn would tell every row that holds it; it must not count."""
        rng = np.random.default_rng(4)
        a = rng.choice(["x", "y"], 3_000).astype(object)
        for index in range(90):
            a[index] = f"rare {index}"
        frame = pd.DataFrame({"a": a, "b": rng.integers(0, 3, 3_000)})
        model = Independent(refine=True).fit(frame)
        assert model.training_.refined is not None
        assert model.training_.refined.told_apart < 0.53

    def test_a_second_pass_puts_columns_right(self) -> None:
        """Rows of which one in fifty belongs together: no acceptance serves them, so columns by themselves suffer."""
        rng = np.random.default_rng(5)
        first = rng.integers(0, 40, 6_000)
        frame = pd.DataFrame(dict.fromkeys("abc", first))
        frame["b"] = np.where(rng.random(6_000) < 0.05, rng.integers(0, 40, 6_000), first).astype(int)
        frame["c"] = np.where(rng.random(6_000) < 0.05, rng.integers(0, 40, 6_000), frame["b"]).astype(int)
        codec = TableCodec.fit(frame, Schema.detect(frame))
        plain = Independent().fit(frame)
        growth = Growth(trees=60, depth=6, rate=0.4, shrinkage=2.0, least_rows=5)
        found, _ = learn_refinement(
            codec, codec.encode(frame), lambda rows: plain._draw_many(rows, np.random.default_rng(rows)), seed=0,
            growth=growth,
        )  # fmt: skip
        assert found is not None
        assert len(found.passes) == 2
        assert found.clip.acceptance >= 0.12


class TestSettings:
    def test_refine_must_be_true_or_false(self, frame: pd.DataFrame) -> None:
        with pytest.raises(ParameterError, match="refine is 'yes'"):
            TabularGAN(refine="yes").fit(frame)  # type: ignore[arg-type]

    def test_progress_tells_of_it(self, frame: pd.DataFrame) -> None:
        events: list[ProgressEvent] = []
        Independent(refine=True).fit(frame, progress=events.append)
        fractions = [event.fraction for event in events if event.stage == "refinement"]
        assert fractions[0] == 0
        assert fractions[-1] > 0.9

    def test_an_interrupt_leaves_the_model_unrefined(self, frame: pd.DataFrame) -> None:
        def interrupt(event: ProgressEvent) -> None:
            if event.stage == "refinement":
                raise KeyboardInterrupt

        model = Independent(refine=True).fit(frame, progress=interrupt)
        assert model.refinement_ is None
        assert model.training_.stopped == "interrupted"
        assert model.training_.refined is None
        assert len(model.sample(5)) == 5

    def test_time_that_is_up_ends_it(self, frame: pd.DataFrame) -> None:
        model = Independent(refine=True, max_minutes=1e-9).fit(frame)
        assert model.refinement_ is None
        assert model.training_.refined is not None


class TestFiles:
    def test_a_refined_model_comes_back(
        self, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = TabularGAN(
            refine=True, reconstruction_steps=5, adversarial_steps=0, width=16, blocks=1, device="cpu"
        ).fit(frame)
        assert model.refinement_ is not None
        model.save(tmp_path / "m.synthx")
        model.save(tmp_path / "again.synthx")
        loaded = synthx.load(tmp_path / "m.synthx")
        assert isinstance(loaded, TabularGAN)
        assert loaded.training_.refined == model.training_.refined
        pd.testing.assert_frame_equal(loaded.sample(200, seed=1), model.sample(200, seed=1))
        given = {"kind": "bird"}
        pd.testing.assert_frame_equal(loaded.sample(50, given=given, seed=1), model.sample(50, given=given, seed=1))
        assert (tmp_path / "m.synthx").read_bytes() == (tmp_path / "again.synthx").read_bytes()

    def test_parts_written_before_refinement_open(self, frame: pd.DataFrame) -> None:
        model = Independent().fit(frame)
        parts, tensors = model._to_parts()
        del parts["training"]["refined"], parts["settings"]["refine"]
        assert "refinement" not in parts
        opened = Independent._from_parts(parts, tensors)
        assert opened.refinement_ is None
        pd.testing.assert_frame_equal(opened.sample(20, seed=0), model.sample(20, seed=0))

    def test_training_goes_through_json_values(self) -> None:
        refined = Refined(acceptance=0.5, effective=0.75, told_apart=0.625, calibration_error=0.25)
        training = Training(rows=3, columns=2, steps=1, stopped="finished", device="cpu", refined=refined)
        assert Training.from_dict(training.to_dict()) == training


def test_training_rows_are_not_sought_out() -> None:
    """Neither exact copies nor the nearness of training rows, compared with rows that no one has seen, may grow."""
    everyone = pets(4_000, 9)
    everyone["owner"] = np.random.default_rng(10).normal(size=4_000).round(3)
    train, holdout = everyone[:2_000].reset_index(drop=True), everyone[2_000:].reset_index(drop=True)
    model = Independent(refine=True).fit(train)
    refinement = model.refinement_
    assert isinstance(refinement, Refinement)
    copies, nearness = [], []
    for found in (None, refinement):
        model.refinement_ = found
        rows = model.sample(4_000, seed=3)
        copies.append(len(rows.merge(train.drop_duplicates())))
        nearness.append(_membership(model.codec_, train, holdout, rows))
    assert copies[1] <= copies[0] + 5
    assert nearness[1] <= nearness[0] + 0.03
    assert nearness[1] < 0.53
    ratios = [np.log(refinement.ratios(model.codec_.encode(rows))) for rows in (train, holdout)]
    assert abs(ratios[0].mean() - ratios[1].mean()) < 0.1 * ratios[0].std()


def _membership(codec: TableCodec, train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """AUC of an attacker who takes the rows nearest to a synthetic row for training rows."""

    def embed(rows: pd.DataFrame) -> Tensor:
        numbers = [rows["weight"].rank(pct=True), rows["owner"].rank(pct=True), rows["legs"] / 4]
        return torch.tensor(np.column_stack([*numbers, pd.get_dummies(rows["kind"]).to_numpy(float)]))

    target = embed(synthetic)
    near, far = (torch.cdist(embed(rows), target).min(dim=1).values.numpy() for rows in (train, holdout))
    return float((near[:, None] < far[None, :]).mean() + (near[:, None] == far[None, :]).mean() / 2)


def test_everything_is_accepted_by_a_clip_of_zero(model: Independent) -> None:
    assert model.refinement_ is not None
    drawn = model._draw_many(100, np.random.default_rng(0))
    assert len(model.refinement_.accept(drawn, EVERYTHING, np.random.default_rng(1)).codes) == 100
