"""The adversarial phase of a private fit, and TabularGAN with privacy from end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import synthx
from synthx.models.drawing import StagedSampler
from synthx.models.gan import TabularGAN
from synthx.models.layout import Digits
from synthx.models.networks import Completer
from synthx.models.private.adversary import (
    CONTEST,
    FIRST_WAIT,
    TOO_EASY,
    WAITS,
    PrivateAdversary,
    RowDiscriminator,
    gradient_plan,
)
from synthx_privacy import Privacy
from synthx_privacy.dpsgd import PrivateDescent

SIZES = (2, 3, 4, 5)
PLAN = ((0,), (1, 2), (3,))
CLIP, FAKES = 0.3, 12


class Duel:
    """A discriminator of 40 made rows with a private descent that adds no noise, and what goes on beside."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        self.rows = torch.from_numpy(np.stack([rng.integers(0, size, 40) for size in SIZES], axis=1))
        network = Completer(SIZES, width=8, blocks=1, noise=4)
        logs = (network.heads.count(self.rows) / len(self.rows)).log().clamp(min=-1e9)
        network.start_at(logs)
        sampler = StagedSampler(network, Digits(SIZES), PLAN, np.ones(sum(SIZES), bool), logs)
        self.network, self.discriminator = network, RowDiscriminator(SIZES, width=8)
        last = self.discriminator.score[-1]
        assert isinstance(last, nn.Linear)
        self.last = last
        self.adversary = PrivateAdversary(
            network, self.discriminator, sampler, self.rows[:20], 0, lambda: torch.zeros(()),
            fakes=FAKES, batch_size=16, learning_rate=1e-3,
        )  # fmt: skip
        self.descent = PrivateDescent(
            self.discriminator,
            optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.5),
            noise_multiplier=0.0,
            clip=CLIP,
            divisor=8,
            physical_batch=8,
            extra_units=FAKES,
        )

    def clipped_sum(self, batch: list[int]) -> Tensor:
        losses, extra = self.adversary.losses_of(self.rows), self.adversary.losses_of_drawn
        return self.descent.clipped_sum(losses, torch.tensor(batch, dtype=torch.int64), extra)

    def step(self, batch: list[int]) -> None:
        losses, extra = self.adversary.losses_of(self.rows), self.adversary.losses_of_drawn
        self.descent.step(losses, torch.tensor(batch, dtype=torch.int64), extra)


@pytest.fixture
def duel() -> Duel:
    return Duel()


class TestWhatOneRowCanChange:
    @pytest.mark.parametrize("batch", [[], [3], [0, 1, 2, 5, 8], list(range(30))], ids=len)
    @pytest.mark.parametrize("turns", [0, 1, 2])
    def test_at_most_the_clip(self, duel: Duel, batch: list[int], turns: int) -> None:
        for _ in range(turns):  # other stages, other drawn rows
            duel.step(batch)
            duel.adversary.after_step(0.5)
        before = duel.clipped_sum(batch)
        changes = [float((duel.clipped_sum([row, *batch]) - before).norm()) for row in (30, 35, 39)]
        assert max(changes) <= CLIP * (1 + 1e-4)
        assert min(changes) > CLIP / 10  # and the row does count

    def test_the_clip_binds(self, duel: Duel) -> None:
        with torch.no_grad():
            duel.last.weight *= 100
        assert float((duel.clipped_sum([7]) - duel.clipped_sum([])).norm()) == pytest.approx(CLIP, rel=1e-3)

    def test_an_empty_batch_is_a_step_on_drawn_rows(self, duel: Duel) -> None:
        before = duel.discriminator.embedding.weight.detach().clone()
        duel.step([])
        assert not torch.equal(before, duel.discriminator.embedding.weight)

    def test_gradients_clipped_together_are_those_clipped_one_by_one(self, duel: Duel) -> None:
        for _ in range(3):
            duel.descent.verify(duel.adversary.losses_of(duel.rows), torch.arange(9))
            duel.adversary.after_step(0.1)

    def test_what_is_hidden_from_the_discriminator_changes_no_loss(self, duel: Duel) -> None:
        losses = duel.adversary.losses_of(duel.rows)
        hidden = ~duel.adversary.shown[0]
        before = losses(torch.arange(40))
        duel.rows[:, hidden] = 0
        torch.testing.assert_close(losses(torch.arange(40)), before)


class TestDrawnRows:
    def test_as_many_come_into_a_step_whatever_the_batch(self, duel: Duel, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[int] = []
        losses_of_drawn = duel.adversary.losses_of_drawn

        def counted(indices: Tensor) -> Tensor:
            seen.append(len(indices))
            return losses_of_drawn(indices)

        monkeypatch.setattr(duel.adversary, "losses_of_drawn", counted)
        for batch in ([], [1], list(range(40))):
            seen.clear()
            duel.step(batch)
            assert sum(seen) == FAKES

    def test_soft_rows_score_as_the_rows_they_stand_for(self, duel: Duel) -> None:
        for before, shown, stage in duel.adversary.stages:
            drawn = stage.heads.one_hot(duel.rows)
            scores = duel.discriminator.of_drawn(duel.rows, before.expand(40, -1), stage, drawn)
            torch.testing.assert_close(scores, duel.discriminator(duel.rows, shown))

    def test_a_single_first_digit_is_left_to_its_frequencies(self, duel: Duel) -> None:
        assert [stage.heads.digits.tolist() for _, _, stage in duel.adversary.stages] == [[1, 2], [3]]


class TestGenerator:
    def test_its_steps_need_no_real_row(self, duel: Duel) -> None:
        """Nothing that the adversary holds is, or shares memory with, the real rows; overwriting them is not felt."""
        twin = Duel()
        twin.rows[20:] = -1_000  # outside of what an embedding can look up; the first 20 stand for imagined rows
        for one in (duel, twin):
            torch.manual_seed(1)
            one.adversary._draw()
            for turn in range(2 * FIRST_WAIT):
                one.adversary.after_step(0.5 + turn / 100)
        for name, weight in duel.network.state_dict().items():
            torch.testing.assert_close(weight, twin.network.state_dict()[name])

    def test_it_learns_and_leaves_the_discriminator_alone(self, duel: Duel) -> None:
        generator, judge = (
            [p.detach().clone() for p in net.parameters()] for net in (duel.network, duel.discriminator)
        )
        for _ in range(FIRST_WAIT):
            duel.adversary.after_step(0.5)
        assert any(not torch.equal(a, b) for a, b in zip(generator, duel.network.parameters(), strict=True))
        assert all(torch.equal(a, b) for a, b in zip(judge, duel.discriminator.parameters(), strict=True))
        assert all(p.requires_grad and p.grad is None for p in duel.discriminator.parameters())

    def test_it_waits_until_the_discriminator_knows_something(self, duel: Duel) -> None:
        before = duel.network.output.weight.detach().clone()
        for _ in range(3 * FIRST_WAIT):
            duel.adversary.after_step(0.1)
        assert torch.equal(before, duel.network.output.weight)

    def test_it_waits_longer_where_drawn_rows_pass_for_real(self, duel: Duel) -> None:
        """One step after five of the discriminator; from then on, one after ten."""
        duel.adversary.share_right = TOO_EASY
        for _ in range(FIRST_WAIT):
            duel.adversary.after_step(0.5)
        assert WAITS[duel.adversary.wait] == 10
        duel.adversary.share_right = TOO_EASY + 0.01
        for _ in range(10):
            duel.adversary.after_step(0.5)
        assert WAITS[duel.adversary.wait] == 10

    def test_it_keeps_to_the_frequencies_by_target(self, duel: Duel) -> None:
        """The last digit, of 5 values, with all discrimination off: its frequencies by target come nearer."""
        adversary = duel.adversary
        adversary.before, adversary.shown, adversary.stage = adversary.stages[-1]
        with torch.no_grad():
            duel.last.weight.zero_()
            duel.network.output.bias[adversary.stage.places] += torch.linspace(-1, 1, len(adversary.stage.places))
            digits = adversary.drawn[:16].repeat(8, 1)

        def mismatch() -> float:
            with torch.no_grad():
                return float(adversary._loss(digits) - CONTEST * F.softplus(-duel.last.bias).squeeze())

        start = mismatch()
        for _ in range(60):
            adversary._step(0.0)
        assert mismatch() < 0.7 * start


def test_the_plan_follows_the_number_of_rows_and_a_setting() -> None:
    plans = [gradient_plan(rows, None) for rows in (500, 8_000, 32_000, 10**6)]
    assert [(plan.batch, plan.steps) for plan in plans] == [(64, 200), (500, 200), (1_024, 800), (1_024, 800)]
    assert gradient_plan(8_000, 7).steps == 7


# -- a fit from end to end --------------------------------------------------------------------------------------------

SETTINGS: dict[str, Any] = {
    "reconstruction_steps": 150, "adversarial_steps": 12, "width": 32, "blocks": 1, "batch_size": 64, "device": "cpu",
}  # fmt: skip


def wards(rows: int = 3_000) -> tuple[pd.DataFrame, synthx.Schema]:
    """Return a table in which the ward tells the drug, and a schema that declares all of it."""
    rng = np.random.default_rng(0)
    ward = rng.integers(0, 3, rows)
    drug = np.where(rng.random(rows) < 0.9, ward, rng.integers(0, 3, rows))
    frame = pd.DataFrame(
        {
            "ward": np.array(["child", "heart", "surgery"], object)[ward],
            "drug": np.array(["a", "b", "c"], object)[drug],
            "age": np.clip(rng.normal(20 + 25 * ward, 6), 0, 99).astype(int),
            "died": rng.random(rows) < 0.1 + 0.2 * (ward == 2),
        }
    )
    return frame, synthx.Schema.detect(frame, target="died", assume_public=True)


@pytest.fixture(scope="module")
def private() -> TabularGAN:
    frame, schema = wards()
    return TabularGAN(**SETTINGS, privacy=Privacy(epsilon=5, delta=1e-5)).fit(frame, schema)


class TestFit:
    def test_it_draws_rows_of_the_declared_domain(self, private: TabularGAN) -> None:
        rows = private.sample(2_000, seed=0)
        assert set(rows["ward"]) == {"child", "heart", "surgery"}
        assert rows["age"].between(0, 99).all()
        assert (rows["ward"].map({"child": "a", "heart": "b", "surgery": "c"}) == rows["drug"]).mean() > 0.6

    def test_the_budget_is_spent_and_no_more(self, private: TabularGAN) -> None:
        assert 4 < private.ledger.epsilon() <= 5

    @pytest.mark.parametrize(
        "given",
        [
            {"ward": "heart"},
            {"drug": ["a", "c"], "age": synthx.between(30, 50)},
            {"died": True, "ward": "child", "drug": "c"},
        ],
        ids=["one", "several", "rare"],
    )
    def test_conditions_are_exact(self, private: TabularGAN, given: dict[str, Any]) -> None:
        rows = private.sample(400, given=given, seed=0)
        assert len(rows) == 400
        for name, asked in given.items():
            cells = rows[name]
            if name == "age":
                assert cells.between(30, 50).all()
            else:
                assert cells.isin(asked if isinstance(asked, list) else [asked]).all()

    def test_without_steps_on_real_rows_nothing_but_counts_is_bought(self) -> None:
        frame, schema = wards()
        model = TabularGAN(
            **SETTINGS | {"adversarial_steps": 0}, privacy=Privacy(epsilon=5, delta=1e-5, new_budget=True)
        )
        model.fit(frame, schema)
        assert "gradient descent" not in {entry.phase for entry in model.ledger.entries}
        assert len(model.sample(50, seed=0)) == 50

    def test_one_column_has_nothing_to_compete_for(self) -> None:
        frame, _ = wards()
        frame = frame[["drug"]]
        schema = synthx.Schema.detect(frame, assume_public=True)
        model = TabularGAN(**SETTINGS, privacy=Privacy(epsilon=5, delta=1e-5)).fit(frame, schema)
        assert set(model.sample(500, seed=0)["drug"]) == {"a", "b", "c"}
