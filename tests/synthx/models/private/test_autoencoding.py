"""The private phase of the autoencoder, and TabularVAE with privacy from end to end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import synthx
from synthx.codec.private.measuring import PrivateTable
from synthx.codec.table import Coded
from synthx.models.latents.autoencoder import Autoencoder, Encoder
from synthx.models.latents.prior import FlowMatching
from synthx.models.networks import Completer
from synthx.models.private import autoencoding
from synthx.models.private import fit as private_fit
from synthx.models.private.autoencoding import RowReconstruction, Tosses, gradient_plan, learns
from synthx.models.vae import TabularVAE
from synthx.training import Stopped
from synthx_privacy import Privacy
from synthx_privacy.dpsgd import PrivateDescent, clipped_sum

SIZES = (2, 3, 4, 5)
PLAN = ((0,), (1, 2), (3,))
CLIP = 0.3
LEARNED = {"noise.weight", "norm.weight", "norm.bias", "output.weight", "output.bias"}
"""The parameters of the decoder that learn from real rows."""


class Made:
    """A small autoencoder of 40 made rows, whose tosses are fixed row by row."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        self.rows = torch.from_numpy(np.stack([rng.integers(0, size, 40) for size in SIZES], axis=1))
        encoder = Encoder(SIZES, latent=3, width=8, blocks=1)
        self.network = Autoencoder(encoder, Completer(SIZES, width=8, blocks=1, noise=3))
        self.network.decoder.start_at(torch.zeros(self.network.decoder.heads.total))
        learns(self.network)
        self.reconstruction = RowReconstruction(self.network, PLAN)
        self.tosses = self.reconstruction.toss(40)

    def losses(self, indices: Tensor) -> Tensor:
        return self.reconstruction.losses(self.rows[indices], Tosses(*(part[indices] for part in self.tosses)))

    def descent(self, clip: float = CLIP) -> PrivateDescent:
        return PrivateDescent(
            self.network,
            optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.5),
            noise_multiplier=0.0,
            clip=clip,
            divisor=8,
            physical_batch=8,
        )


@pytest.fixture
def made() -> Made:
    return Made()


# -- the loss of a row -------------------------------------------------------------------------------------------------


class TestLoss:
    def test_it_is_the_mean_negated_likelihood_of_what_is_asked_for(self, made: Made) -> None:
        """Worked out from what the networks say of one row, digit by digit."""
        digits, decoder = made.rows[:1], made.network.decoder
        visible = torch.tensor([[True, False, False, True]])
        asked = torch.tensor([[False, True, True, False]])
        noise = torch.tensor([[0.5, -1.0, 2.0]])
        with torch.no_grad():
            mean, log_scale = made.network.encoder(digits)
            logits = decoder.logits(decoder.state(digits, visible, mean + log_scale.exp() * noise))[0]
            loss = made.reconstruction.losses(digits, Tosses(visible, asked, noise, torch.tensor([[True]])))
        shares = [float(logits[decoder.heads.places([d])].softmax(dim=0)[digits[0, d]]) for d in (1, 2)]
        assert float(loss) == pytest.approx(-(math.log(shares[0]) + math.log(shares[1])) / 2, rel=1e-5)

    def test_a_blind_decoder_gets_no_latent_vector(self, made: Made) -> None:
        digits, tosses = made.rows[:8], Tosses(*(part[:8] for part in made.tosses))
        blind = tosses._replace(sighted=torch.zeros(8, 1, dtype=torch.bool))
        with torch.no_grad():
            usual = made.reconstruction.losses(digits, blind)
            made.network.decoder.noise.weight.add_(1.0)
            assert torch.equal(made.reconstruction.losses(digits, blind), usual)

    def test_what_is_asked_for_is_hidden(self, made: Made) -> None:
        tosses = made.reconstruction.toss(2_000)
        assert not (tosses.visible & tosses.asked).any()
        assert 0.7 < float(tosses.sighted.float().mean()) < 0.9

    def test_seeds_do_not_reach_the_tosses(self, made: Made) -> None:
        def noise() -> Tensor:
            torch.manual_seed(7)
            return RowReconstruction(made.network, PLAN).toss(4).noise

        assert not torch.equal(noise(), noise())


class TestClipping:
    @pytest.mark.parametrize("clip", [0.05, CLIP, 1e3])
    def test_gradients_are_those_of_rows_alone(self, made: Made, clip: float) -> None:
        indices = torch.arange(20)
        descent = made.descent(clip)
        descent.verify(made.losses, indices)
        fast = descent.clipped_sum(made.losses, indices)
        assert torch.allclose(fast, clipped_sum(made.network, made.losses, indices, clip), rtol=1e-4, atol=1e-5)
        alone = torch.stack([descent.clipped_sum(made.losses, index[None]) for index in indices]).sum(dim=0)
        assert torch.allclose(fast, alone, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("removed", [0, 5, 19])
    def test_removing_a_row_moves_the_sum_by_at_most_the_clip(self, made: Made, removed: int) -> None:
        descent, everyone = made.descent(), torch.arange(20)
        others = everyone[everyone != removed]
        change = descent.clipped_sum(made.losses, everyone) - descent.clipped_sum(made.losses, others)
        assert 0 < float(change.norm()) <= CLIP * (1 + 1e-4)

    def test_only_the_ends_of_the_decoder_learn(self, made: Made) -> None:
        learned = {name for name, each in made.network.named_parameters() if each.requires_grad}
        assert learned == {f"decoder.{part}" for part in LEARNED}
        before = {name: each.clone() for name, each in made.network.state_dict().items()}
        made.descent().step(made.losses, torch.arange(20))
        changed = {name for name, each in made.network.state_dict().items() if not torch.equal(each, before[name])}
        assert changed == learned


def test_the_plan_follows_the_number_of_rows_and_a_setting() -> None:
    plans = [gradient_plan(rows, None) for rows in (500, 8_000, 32_000, 10**6)]
    assert [(plan.batch, plan.steps) for plan in plans] == [(64, 200), (500, 200), (1_024, 800), (1_024, 800)]
    assert gradient_plan(8_000, 7).steps == 7


# -- a fit from end to end ---------------------------------------------------------------------------------------------

SETTINGS: dict[str, Any] = {
    "autoencoder_steps": 60, "prior_steps": 40, "width": 16, "latent": 3, "blocks": 1, "batch_size": 64,
    "device": "cpu",
}  # fmt: skip
PRIVACY = Privacy(epsilon=5, delta=1e-5, new_budget=True)


def wards(rows: int = 3_000) -> tuple[pd.DataFrame, synthx.Schema]:
    """Return a table in which the ward tells the age, and a schema that declares all of it."""
    rng = np.random.default_rng(0)
    ward = rng.integers(0, 3, rows)
    frame = pd.DataFrame(
        {
            "ward": np.array(["child", "heart", "surgery"], object)[ward],
            "age": np.clip(rng.normal(20 + 25 * ward, 6), 0, 99).astype(int),
            "died": rng.random(rows) < 0.1 + 0.2 * (ward == 2),
        }
    )
    return frame, synthx.Schema.detect(frame, target="died", assume_public=True)


@pytest.fixture(scope="module")
def private() -> TabularVAE:
    """Return a model that learned for long enough to tell the wards apart."""
    frame, schema = wards()
    longer = SETTINGS | {"autoencoder_steps": 300, "prior_steps": 150}
    return TabularVAE(**longer, privacy=PRIVACY).fit(frame, schema)


class Guarded:
    """A private table whose codes can be read while it is open."""

    def __init__(self, table: PrivateTable) -> None:
        self.table, self.open = table, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    @property
    def codes(self) -> np.ndarray:
        assert self.open, "real rows are read outside of the descent"
        return self.table.codes


class TestWhatLearnsFromRealRows:
    def test_only_the_decoder_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ordinary learning sees imagined rows; the descent leaves encoder, prior and `information_` as they were."""
        before: dict[str, Tensor] = {}
        imagined: list[np.ndarray] = []
        learned: list[np.ndarray] = []
        model = TabularVAE(**SETTINGS, privacy=PRIVACY)
        begin, descend = private_fit.begin, autoencoding.decode_real_rows
        draw, learn = private_fit.PrivateFit.imagined, TabularVAE._learn

        def draw_noted(fit: private_fit.PrivateFit, rng: np.random.Generator) -> np.ndarray:
            imagined.append(draw(fit, rng))
            return imagined[-1]

        def learn_noted(model: TabularVAE, coded: Coded, *args: Any) -> tuple[Stopped, int]:
            learned.append(coded.codes)
            return learn(model, coded, *args)

        def begin_guarded(*args: Any, **settings: Any) -> private_fit.PrivateFit:
            fit = begin(*args, **settings)
            return dataclasses.replace(fit, table=Guarded(fit.table))  # type: ignore[arg-type]

        def refuse(*_: object) -> None:
            raise AssertionError("something else learns during the descent")

        def descend_watched(fit: private_fit.PrivateFit, *args: Any, **settings: Any) -> tuple[Stopped, int]:
            before.update(_state(model))
            with monkeypatch.context() as patch:
                patch.setattr(FlowMatching, "step", refuse)
                patch.setattr(Autoencoder, "information", refuse)
                patch.setattr(Autoencoder, "tidy", refuse)
                patch.setattr(fit.table, "open", True)
                return descend(fit, *args, **settings)

        monkeypatch.setattr(private_fit, "begin", begin_guarded)
        monkeypatch.setattr(autoencoding, "decode_real_rows", descend_watched)
        monkeypatch.setattr(private_fit.PrivateFit, "imagined", draw_noted)
        monkeypatch.setattr(TabularVAE, "_learn", learn_noted)
        model.fit(*wards())
        after = _state(model)
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert changed <= {f"decoder.{part}" for part in LEARNED}
        assert len(imagined) == len(learned) == 1
        assert learned[0] is imagined[0]


def _state(model: TabularVAE) -> dict[str, Tensor]:
    prior = {f"prior.{name}": each.clone() for name, each in model.prior_.state_dict().items()}
    network = {name: each.clone() for name, each in model.network_.state_dict().items()}
    own = {"own.information": torch.from_numpy(model.information_.copy()), "own.marginals": model.marginals_.clone()}
    return prior | network | own


class TestFit:
    def test_it_draws_rows_of_the_declared_domain(self, private: TabularVAE) -> None:
        """Mean ages are 20, 45 and 69.

        The noise has no seed. Over 30 fits the means were 22.5, 43.8 and 66.5 with deviations of 1.0, 0.5 and 1.6, the
        least gaps 18.9 and 17.3: the 10 years asked for are 6 deviations away, fewer than one false alarm in 10⁸ fits.
        """
        rows = private.sample(2_000, seed=0)
        assert set(rows["ward"]) == {"child", "heart", "surgery"}
        assert rows["age"].between(0, 99).all()
        means = rows.groupby("ward")["age"].mean()
        assert means["child"] + 10 < means["heart"] < means["surgery"] - 10

    def test_the_budget_is_spent_and_no_more(self, private: TabularVAE) -> None:
        assert 4 < private.ledger.epsilon() <= 5
        assert "gradient descent" in {entry.phase for entry in private.ledger.entries}

    @pytest.mark.parametrize(
        ("given", "holds"),
        [
            ({"ward": "heart"}, lambda s: s["ward"] == "heart"),
            (
                {"ward": ["child", "heart"], "age": synthx.between(30, 50)},
                lambda s: s["ward"].isin(["child", "heart"]) & s["age"].between(30, 50),
            ),
            ({"died": True, "ward": "child"}, lambda s: s["died"] & (s["ward"] == "child")),
        ],
        ids=["one", "several", "rare"],
    )
    def test_conditions_are_exact(
        self, private: TabularVAE, given: dict[str, Any], holds: Callable[[pd.DataFrame], pd.Series]
    ) -> None:
        rows = private.sample(300, given=given, seed=0)
        assert len(rows) == 300
        assert holds(rows).all()

    def test_rows_of_ones_own_can_be_explored(self, private: TabularVAE) -> None:
        frame, _ = wards()
        places = private.encode(frame.iloc[:5])
        assert places.shape == (5, 3)
        assert np.isfinite(places).all()
        assert len(private.around(frame.iloc[:5], 20, seed=0)) == 20

    def test_a_file_gives_the_same_rows(self, private: TabularVAE, tmp_path: Path) -> None:
        private.save(tmp_path / "model.synthx")
        loaded = synthx.load(tmp_path / "model.synthx")
        pd.testing.assert_frame_equal(loaded.sample(100, seed=3), private.sample(100, seed=3))
        assert isinstance(loaded, TabularVAE)
        assert loaded.get_params()["privacy"].epsilon == 5
        assert loaded.ledger.epsilon() == pytest.approx(private.ledger.epsilon())
        assert np.array_equal(loaded.information_, private.information_)
