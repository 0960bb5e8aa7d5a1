"""The autoregressive network in one order: the same likelihood, and gradients of single rows."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from synthx.models.causal import Autoregressor
from synthx.models.networks import NEVER
from synthx.models.private import autoregression
from synthx.models.private.autoregression import Autoregression, gradient_plan, learn_real_rows
from synthx.models.private.budget import DESCENT, Descent, GradientPlan
from synthx.training import Budget
from synthx_privacy import Privacy
from synthx_privacy.dpsgd import PrivateDescent
from synthx_privacy.events import sampled_gaussian, steps_of
from synthx_privacy.ledger import Ledger
from synthx_privacy.measurements import Marginal, Measurements

SIZES = (2, 3, 5, 2)
ROWS = torch.tensor(list(itertools.product(*map(range, SIZES))))
POSITIONS = torch.tensor([2, 0, 3, 1])


def usual(sizes: tuple[int, ...] = SIZES, seed: int = 0) -> Autoregressor:
    """Return a network with weights so large that its digits depend on each other."""
    torch.manual_seed(seed)
    network = Autoregressor(sizes, width=6, hidden=4)
    network.start_at(torch.randn(network.heads.total))
    with torch.no_grad():
        for parameter in (*network.leave, network.enter_bias, network.mix_bias):
            parameter.normal_()
    return network


def descent(network: Autoregression, clip: float, noise: float = 0.0, **settings: int) -> PrivateDescent:
    network.train()
    return PrivateDescent(
        network,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
        noise_multiplier=noise,
        clip=clip,
        divisor=1.0,
        **settings,
    )


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6).map(tuple), seed=st.integers(0, 99), data=st.data())
def test_the_likelihood_is_that_of_the_usual_form(sizes: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    positions = torch.tensor(data.draw(st.permutations(range(len(sizes)))))
    network = usual(sizes, seed)
    rows = torch.stack([torch.randint(size, (7,)) for size in sizes], dim=1)
    expected = -network.log_likelihood(rows, positions[None]).sum(dim=0)
    torch.testing.assert_close(Autoregression(network, positions)(rows), expected, rtol=1e-5, atol=1e-5)


def test_probabilities_of_all_rows_sum_to_one() -> None:
    assert float((-Autoregression(usual(), POSITIONS)(ROWS)).exp().sum().detach()) == pytest.approx(1, abs=1e-5)


def test_a_loss_depends_on_its_row_alone() -> None:
    network = Autoregression(usual(), POSITIONS)
    together = network(ROWS)
    alone = torch.stack([network(row[None])[0] for row in ROWS])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_the_weights_are_given_back() -> None:
    before = usual()
    network = Autoregression(before, POSITIONS)
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in before.parameters())
    after = network.plain()
    assert after.state_dict().keys() == before.state_dict().keys()
    for name, tensor in before.state_dict().items():
        assert torch.equal(after.state_dict()[name], tensor), name
    assert not any(parameter.requires_grad for parameter in after.parameters())


def test_what_was_learned_is_given_back_and_the_network_it_came_from_is_left_alone() -> None:
    before = usual()
    kept = {name: tensor.clone() for name, tensor in before.state_dict().items()}
    network = Autoregression(before, POSITIONS)
    descent(network, clip=1.0, noise=0.1).step(lambda indices: network(ROWS[indices]), torch.arange(9))
    after = network.plain()
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, kept[name])
        assert not torch.equal(after.state_dict()[name], tensor), name
    expected = -after.log_likelihood(ROWS, POSITIONS[None]).sum(dim=0)
    torch.testing.assert_close(network(ROWS), expected, rtol=1e-5, atol=1e-5)


def one_by_one(network: Autoregressor, rows: Tensor, clip: float) -> dict[str, Tensor]:
    """Return the sum of clipped gradients of the usual form, by autograd on one row at a time."""
    parameters = dict(network.named_parameters())
    total = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for row in rows:
        loss = -network.log_likelihood(row[None], POSITIONS[None]).sum()
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        norm = float(torch.cat([gradient.flatten() for gradient in gradients]).norm())
        for name, gradient in zip(parameters, gradients, strict=True):
            total[name] += gradient * min(1.0, clip / norm)
    return total


@pytest.mark.parametrize("clip", [0.5, 5.0, 1e4])
def test_clipped_gradients_are_those_of_the_usual_form_one_row_at_a_time(clip: float) -> None:
    before = usual()
    network = Autoregression(before, POSITIONS)
    private = descent(network, clip, physical_batch=16)
    private.verify(lambda indices: network(ROWS[indices]), torch.arange(len(ROWS)))
    expected = one_by_one(before, ROWS, clip)
    private.step(lambda indices: network(ROWS[indices]), torch.arange(len(ROWS)))  # without noise, at a rate of one
    after = dict(network.plain().named_parameters())
    for name, parameter in before.named_parameters():
        real = parameter.detach() > NEVER / 2  # padding
        moved = (parameter - after[name]).detach()
        torch.testing.assert_close(moved[real], expected[name][real], rtol=1e-3, atol=1e-3 * clip**0.5)


def test_padding_stays_out_of_reach_of_the_noise() -> None:
    before = usual()
    network = Autoregression(before, POSITIONS)
    private = descent(network, clip=1.0, noise=10.0)
    for _ in range(5):
        private.step(lambda indices: network(ROWS[indices]), torch.arange(0))
    bias = network.plain().bias
    assert bool((bias[~before.heads.valid] < NEVER / 2).all())
    assert float((-network(ROWS)).exp().sum().detach()) == pytest.approx(1, abs=1e-4)


def test_a_wide_table_goes_through_in_parts() -> None:
    sizes = (4,) * 300
    network = Autoregression(Autoregressor(sizes, width=4, hidden=2), torch.arange(300))
    rows = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (20, 300)))
    sizes_seen: list[int] = []

    def losses(indices: Tensor) -> Tensor:
        sizes_seen.append(len(indices))
        return network(rows[indices])

    descent(network, clip=1.0, physical_batch=8).step(losses, torch.arange(20))
    assert sizes_seen == [8, 8, 4]


# -- learning real rows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "asked", "batch", "steps"),
    [(32_000, None, 1_000, 600), (900, None, 64, 600), (1e6, 10, 2_048, 10), (32_000, 5_000, 1_000, 600)],
)
def test_batches_grow_with_the_table_between_two_ends(rows: float, asked: int | None, batch: int, steps: int) -> None:
    assert gradient_plan(rows, asked) == GradientPlan(batch=batch, steps=steps)


def fit_of(codes: np.ndarray, ledger: Ledger, steps: int, noise: float) -> Any:
    """Return what stands for a private fit in which each column was counted alone."""
    rate = 0.2
    account = ledger.open(
        Privacy(epsilon=50, delta=1e-4), {DESCENT: sampled_gaussian(rate, noise, steps)}, fit="ar", delta=1e-4
    )
    alone = [
        Marginal((column,), (np.arange(2),), np.bincount(codes[:, column], minlength=2).astype(float), 3.0)
        for column in range(2)
    ]
    codec = SimpleNamespace(domain=SimpleNamespace(sizes=(2, 2)), drawn=np.ones(4, bool))
    return SimpleNamespace(
        account=account,
        table=SimpleNamespace(codes=codes, codec=codec),
        measurements=Measurements((2, 2), ("a", "b"), None, tuple(alone)),
        descent=Descent(plan=GradientPlan(batch=round(rate * len(codes)), steps=steps), rate=rate, noise=noise),
    )


def test_what_no_count_tells_is_learned_from_real_rows_and_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoregression, "JUDGED_ROWS", 2_000)
    codes = np.repeat([[0, 0], [1, 1]], 500, axis=0).astype(np.int32)  # each column tells the other
    torch.manual_seed(0)
    network = Autoregressor((2, 2), width=16, hidden=16)
    network.start_at(torch.zeros(4))
    ledger = Ledger()
    fit = fit_of(codes, ledger, steps=250, noise=0.7)  # of fresh noise each time: little, so that it never fails
    learned, stopped, steps = learn_real_rows(fit, network, (0, 1), Budget(None), None, seed=0)
    assert (stopped, steps) == ("finished", 250)
    (entry,) = ledger.entries
    assert entry.spent and steps_of(entry.event) == 250
    pairs = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    for model, least, most in ((network, 0.2, 0.8), (learned, 0.85, 1.0)):
        chances = model.log_likelihood(pairs, torch.tensor([[0, 1]])).sum(dim=0).exp().detach()
        assert least < float(chances[0] + chances[3]) <= most + 1e-6


def test_a_time_limit_ends_it_and_the_whole_plan_is_charged() -> None:
    ledger = Ledger()
    fit = fit_of(np.zeros((100, 2), np.int32), ledger, steps=50, noise=2.0)
    _, stopped, steps = learn_real_rows(fit, usual((2, 2)), (1, 0), Budget(1e-9), None, seed=0)
    assert (stopped, steps) == ("time", 1)
    assert steps_of(ledger.entries[0].event) == 50  # when time is up depends on the rows, so nothing is given back
