"""Tests of private descent.

Some draw from the operating system's entropy, since no seed can be given. They compare a statistic with its
distribution, and a sound build fails one of them in about a million runs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from opacus.layers import DPGRU
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy import dpsgd, noise
from synthx_privacy.dpsgd import PoissonSampler, PrivateDescent, clipped_sum
from synthx_privacy.stacked import StackedVectors
from synthx_privacy.tape import recording, replaying

FALSE_ALARM = 1e-7
"""Of one two-sided test of chance, of which there are about ten."""

Loss = Callable[[Tensor], Tensor]


def within_chance(statistic: float, freedom: int) -> bool:
    """Whether a chi-square statistic is neither too small nor too large."""
    low, high = stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], freedom)
    return bool(low < statistic < high)


def sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=1.0)


def descent(module: nn.Module, noise: float = 0.0, clip: float = 1.0, **settings: object) -> PrivateDescent:
    settings = {"divisor": 1.0, "physical_batch": 4, "optimizer": sgd} | settings
    return PrivateDescent(module, noise_multiplier=noise, clip=clip, **settings)  # type: ignore[arg-type]


class Bags(nn.Module):
    """The layers of table networks: bags of values, residual blocks with layer norms."""

    def __init__(self, values: int = 7, width: int = 6) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(values, width, mode="sum")
        self.block = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width, bias=False)
        self.output = nn.Linear(width, 1, bias=False)

    def forward(self, places: Tensor) -> Tensor:
        hidden = self.bag(places)
        return self.output(self.norm(hidden + self.block(hidden))).squeeze(1)


class Words(nn.Module):
    """Layers of sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.convolution = nn.Conv1d(4, 4, 2)
        self.linear = nn.Linear(4, 3)
        self.norm = nn.LayerNorm(3)

    def forward(self, words: Tensor) -> Tensor:
        hidden = self.convolution(self.embedding(words).transpose(1, 2)).transpose(1, 2)
        return self.norm(self.linear(hidden).tanh()).square().mul(torch.tensor([1.0, 2.0, 4.0])).sum((1, 2))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = DPGRU(2, 3, batch_first=True)
        self.output = nn.Linear(3, 1)

    def forward(self, steps: Tensor) -> Tensor:
        states, _ = self.cell(steps)
        return self.output(states).square().sum((1, 2))


def places(rows: int, values: int = 7, each: int = 4) -> Tensor:
    return torch.randint(values, (rows, each), generator=torch.Generator().manual_seed(rows))


def bags(rows: int) -> tuple[Bags, Loss]:
    torch.manual_seed(rows)
    module, inputs = Bags(), places(rows)
    return module, lambda units: F.softplus(module(inputs[units]))


def assert_like_autograd(module: nn.Module, loss: Loss, units: int, clip: float, **settings: object) -> None:
    indices = torch.arange(units)
    fast = descent(module, clip=clip, **settings).clipped_sum(loss, indices)
    assert torch.allclose(fast, clipped_sum(module, loss, indices, clip), rtol=1e-4, atol=1e-5)


# -- sums of clipped gradients -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ghost", [True, False])
@pytest.mark.parametrize("clip", [0.05, 1.0, 1e3])
def test_table_networks_are_clipped_row_by_row(ghost: bool, clip: float) -> None:
    module, loss = bags(11)
    assert_like_autograd(module, loss, 11, clip, ghost=ghost)


@pytest.mark.parametrize("ghost", [True, False])
@pytest.mark.parametrize("length", [2, 9])
def test_sequence_networks_are_clipped_sequence_by_sequence(ghost: bool, length: int) -> None:
    torch.manual_seed(0)
    module, words = Words(), places(6, values=5, each=length)
    assert_like_autograd(module, lambda units: module(words[units]), 6, 0.5, ghost=ghost)


def test_recurrent_networks_of_opacus_are_clipped_sequence_by_sequence() -> None:
    torch.manual_seed(0)
    module, steps = Recurrent(), torch.randn(6, 5, 2)
    assert_like_autograd(module, lambda units: module(steps[units]), 6, 0.1)


def test_steps_that_cancel_each_other_are_not_seen_as_shorter_than_they_are() -> None:
    layer = nn.Linear(8, 8, bias=False)
    steps = torch.tensor([[30.0], [-30.0]]) * torch.ones(1, 2, 8)
    steps[0, 1, 0] += 0.01

    def loss(units: Tensor) -> Tensor:
        return 1e3 * layer(steps[units]).sum((1, 2))

    total = descent(layer).clipped_sum(loss, torch.tensor([0]))
    assert 0.9 < float(total.norm()) <= 1.01  # in single precision it would be above 20


def test_a_layer_used_twice_needs_the_gradients_of_rows() -> None:
    torch.manual_seed(0)
    layer, inputs = nn.Linear(3, 3), torch.randn(5, 3)

    def loss(units: Tensor) -> Tensor:
        return layer(layer(inputs[units]).tanh()).square().sum(1)

    assert_like_autograd(layer, loss, 5, 0.1, ghost=False)
    with pytest.raises(PrivacyError, match="used more than once.*ghost=False"):
        descent(layer).step(loss, torch.arange(5))


@pytest.mark.parametrize("physical_batch", [1, 3, 100])
def test_physical_batches_change_nothing(physical_batch: int) -> None:
    module, loss = bags(10)
    assert_like_autograd(module, loss, 10, 0.2, physical_batch=physical_batch)


def test_a_row_more_or_less_moves_the_sum_by_at_most_the_clip() -> None:
    module, plain = bags(8)
    scale = torch.tensor([1.0, 1e-6, 1e8, 1e30, math.nan, math.inf, 1.0, 1e4])
    fakes = places(5)

    def loss(units: Tensor) -> Tensor:
        return plain(units) * scale[units]

    private = descent(module, clip=0.7, extra_units=5)
    everyone = torch.arange(8)
    total = private.clipped_sum(loss, everyone, lambda units: 1e5 * module(fakes[units]))
    moves = []
    for row in everyone:
        rest = private.clipped_sum(loss, everyone[everyone != row], lambda units: 1e5 * module(fakes[units]))
        assert torch.isfinite(rest).all()
        moves.append(float((total - rest).norm()))
    assert max(moves) <= 0.7 * (1 + 1e-5)
    assert moves[2] == pytest.approx(0.7, rel=1e-3)  # the bound is reached
    assert moves[4] == moves[5] == 0


def test_a_single_row_is_the_whole_difference_to_no_row() -> None:
    module, plain = bags(3)
    private = descent(module, clip=0.7)
    assert float(private.clipped_sum(lambda units: 1e6 * plain(units), torch.tensor([1])).norm()) <= 0.7
    assert float(private.clipped_sum(plain, torch.arange(0)).norm()) == 0


def test_rows_without_finite_gradients_count_for_nothing() -> None:
    module, plain = bags(6)
    bad = torch.tensor([False, True, False, False, True, False])

    def infinite(units: Tensor) -> Tensor:  # the loss of a bad row is finite, its gradient is infinity times zero
        each = plain(units)
        return torch.where(bad[units], 0 * each, each).sqrt()

    def not_a_number(units: Tensor) -> Tensor:
        return torch.where(bad[units], math.nan, 1.0) * plain(units).sqrt()

    private, good = descent(module), torch.tensor([0, 2, 3, 5])
    expected = clipped_sum(module, lambda units: plain(units).sqrt(), good, 1.0)
    for loss in (infinite, not_a_number):
        assert torch.allclose(private.clipped_sum(loss, torch.arange(6)), expected, atol=1e-5)
        assert torch.allclose(clipped_sum(module, loss, torch.arange(6), 1.0), expected, atol=1e-5)


def test_a_loss_without_gradients_counts_for_nothing() -> None:
    module, _ = bags(3)
    assert float(descent(module).clipped_sum(lambda units: torch.ones(len(units)), torch.arange(3)).norm()) == 0


def test_parameters_that_take_no_part_get_nothing() -> None:
    module, inputs = Bags(), places(5)
    module.extra = nn.Linear(2, 2)
    assert_like_autograd(module, lambda units: module(inputs[units]), 5, 0.1)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (nn.BatchNorm1d(3), "'0', BatchNorm1d, mixes the rows"),
        (nn.BatchNorm1d(3, affine=False, track_running_stats=False), "mixes the rows"),
        (nn.InstanceNorm1d(3, track_running_stats=True), "running statistics"),
        (nn.Embedding(3, 3, scale_grad_by_freq=True), "mixes the rows"),
        (nn.EmbeddingBag(3, 3, max_norm=1.0), "changes its weights"),
        (spectral_norm(nn.Linear(3, 3)), "no rule"),
        (nn.GRU(3, 3), "'0', GRU, .*DPGRU"),
        (nn.PReLU(), "no rule"),
    ],
)
def test_layers_that_mix_rows_or_have_no_rule_are_refused(layer: nn.Module, match: str) -> None:
    with pytest.raises(PrivacyError, match=match):
        descent(nn.Sequential(layer, nn.Linear(3, 1)))


def test_a_buffer_that_sees_data_is_refused() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(1))
            self.linear = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.seen += x.sum()
            return self.linear(x).squeeze(1)

    module = Counting()
    with pytest.raises(PrivacyError, match="buffer 'seen' changed"):
        descent(module).step(lambda units: module(torch.ones(len(units), 3)), torch.arange(2))


def test_a_parameter_used_beside_its_layer_is_refused() -> None:
    layer, other = nn.Linear(3, 1), nn.Linear(3, 1)
    module = nn.ModuleList([layer, other])
    private, x = descent(module), torch.ones(4, 3)
    with pytest.raises(PrivacyError, match=r"'0\.weight' gets gradients that are not clipped"):
        private.step(lambda units: F.linear(x[units], layer.weight).squeeze(1), torch.arange(4))
    with pytest.raises(PrivacyError, match="differ"):  # its layer is called as well, so that only comparing finds it
        private.verify(lambda units: (layer(x[units]) + F.linear(x[units], layer.weight)).squeeze(1), torch.arange(4))


def test_units_that_do_not_come_first_are_refused() -> None:
    layer = nn.Linear(3, 1)
    with pytest.raises(PrivacyError, match="got 7 rows for 4 units"):
        descent(layer).step(lambda units: layer(torch.ones(7, len(units), 3)).sum((0, 2)), torch.arange(4))


def test_losses_that_mix_units_are_found() -> None:
    module, loss = bags(4)
    private = descent(module)
    private.verify(loss, torch.arange(4))
    with pytest.raises(PrivacyError, match="differ"):
        private.verify(lambda units: torch.log_softmax(loss(units), dim=0), torch.arange(4))


def test_bad_arguments_are_refused() -> None:
    module, loss = bags(4)
    bad = {"noise": -1.0, "clip": 0.0, "divisor": math.inf, "physical_batch": 0, "extra_units": -1}
    for name, value in bad.items():
        with pytest.raises(ParameterError):
            descent(module, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="other parameters"):
        descent(module, optimizer=lambda parameters: sgd(list(parameters)[:1]))
    with pytest.raises(ParameterError, match="no parameter"):
        descent(nn.ReLU())
    private = descent(module)
    with pytest.raises(ParameterError, match="one loss a unit"):
        private.step(lambda units: loss(units).mean(), torch.arange(4))
    with pytest.raises(ParameterError, match="comes twice"):
        private.step(loss, torch.tensor([1, 1]))
    with pytest.raises(ParameterError, match="extra units"):
        private.step(loss, torch.arange(4), loss)
    with pytest.raises(ParameterError, match="extra units"):
        descent(module, extra_units=2).step(loss, torch.arange(4))
    module.eval()
    with pytest.raises(ParameterError, match="evaluation mode"):
        private.step(loss, torch.arange(4))


# -- the noise ---------------------------------------------------------------------------------------------------------


def moved(private: PrivateDescent, module: nn.Module, loss: Loss, units: int) -> Tensor:
    """Return by how much a step of SGD moves the parameters."""
    before = torch.cat([parameter.detach().flatten().clone() for parameter in module.parameters()])
    private.step(loss, torch.arange(units))
    return before - torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


@pytest.mark.parametrize("units", [0, 1, 4, 23])  # no, one, one full, and six physical batches
def test_the_noise_is_added_once_with_its_standard_deviation(units: int) -> None:
    module = StackedVectors(2_000, 5)
    table = torch.arange(30)[:, None]
    loss: Loss = lambda rows: 0 * module(table[rows]).sum((1, 2))  # noqa: E731
    private = descent(module, noise=1.5, clip=2.0, divisor=4.0)
    drawn = torch.stack([moved(private, module, loss, units) for _ in range(5)]).double() / (1.5 * 2.0 / 4.0)
    assert within_chance(float(drawn.square().sum()), drawn.numel())
    assert abs(float(drawn.mean())) * math.sqrt(drawn.numel()) < stats.norm.isf(FALSE_ALARM / 2)
    assert float(drawn.abs().max()) < 8
    assert stats.kstest(drawn.flatten().numpy(), "norm").pvalue > FALSE_ALARM


def test_the_noise_of_two_steps_is_independent() -> None:
    module = StackedVectors(2_000, 5)
    private = descent(module, noise=1.0)
    first, second = (moved(private, module, lambda rows: rows.float(), 0).double() for _ in range(2))
    correlation = float(torch.corrcoef(torch.stack([first, second]))[0, 1])
    assert abs(correlation) * math.sqrt(len(first)) < stats.norm.isf(FALSE_ALARM / 2)


def test_a_step_is_the_noisy_sum_by_the_fixed_divisor() -> None:
    module, loss = bags(9)
    private = descent(module, clip=0.5, divisor=20.0)
    expected = clipped_sum(module, loss, torch.arange(9), 0.5) / 20
    assert torch.allclose(moved(private, module, loss, 9), expected, atol=1e-6)
    assert private.steps == 1


def test_the_users_seed_does_not_reach_the_noise() -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        module = StackedVectors(10, 2)
        drawn.append(moved(descent(module, noise=1.0), module, lambda rows: rows.float(), 0))
    assert not torch.equal(drawn[0], drawn[1])


def test_the_noise_comes_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def entropy(count: int) -> bytes:
        asked.append(count)
        return bytes(index % 251 for index in range(count))

    monkeypatch.setattr(noise, "_entropy", entropy)
    module = StackedVectors(10, 2)
    private = descent(module, noise=1.0)
    loss: Loss = lambda rows: rows.float()  # noqa: E731
    first, second = moved(private, module, loss, 0), moved(private, module, loss, 0)
    assert torch.allclose(first, second, atol=1e-6)
    assert asked == [8, 2496, 8, 2496]  # all 624 words of 32 bits, anew at every step


def test_an_audit_sees_the_sum_and_can_put_back_the_answer() -> None:
    (module, loss), (other, other_loss) = bags(9), bags(9)
    with recording() as taped:
        step = moved(descent(module, noise=1.0, clip=0.5, divisor=3.0, phase="discriminator"), module, loss, 9)
    (release,) = taped
    assert (release.phase, release.kind, release.sensitivity) == ("discriminator", "gradient", 0.5)
    expected = clipped_sum(other, other_loss, torch.arange(9), 0.5)
    assert np.allclose(release.query, expected.numpy(), atol=1e-5)
    assert np.allclose(release.output / 3, step.numpy(), atol=1e-5)
    with replaying(taped) as asked:
        again = moved(
            descent(other, noise=1.0, clip=0.5, divisor=3.0, phase="discriminator"), other, other_loss, 8
        )  # a row less
    assert torch.equal(again, step)
    assert 0 < np.linalg.norm(asked[0].query - release.query) <= 0.5 * (1 + 1e-5)
    with pytest.raises(PrivacyError, match="another|has 'discriminator'"), replaying(taped):
        descent(other, phase="else").step(other_loss, torch.arange(9))


# -- what is left behind -----------------------------------------------------------------------------------------------


def traces(module: nn.Module) -> list[str]:
    found = [name for layer in module.modules() for name in ("activations", "max_batch_len") if name in vars(layer)]
    found += [name for layer in module.modules() if layer._forward_hooks or layer._backward_hooks for name in ("hook",)]
    found += [name for name in vars(module) if name.startswith("autograd_grad_sample")]
    for parameter in module.parameters():
        found += [name for name in dpsgd.LINGERING if getattr(parameter, name, None) is not None]
        found += ["grad"] * (parameter.grad is not None)
    return found


@pytest.mark.filterwarnings("error")
def test_nothing_stays_on_the_module_after_a_step() -> None:
    module, loss = bags(9)
    private = descent(module, noise=1.0)
    assert traces(module) == []
    private.step(loss, torch.arange(9))
    assert traces(module) == []
    copy.deepcopy(module)

    def interrupted(units: Tensor) -> Tensor:
        loss(units)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        private.step(interrupted, torch.arange(9))
    assert traces(module) == []
    assert private.steps == 1  # nothing was released by the second
    assert_like_autograd(module, loss, 9, 0.2)


@pytest.mark.filterwarnings("error")
def test_a_generator_learns_through_the_discriminator_between_steps() -> None:
    module, loss = bags(6)
    generator = nn.Linear(2, 6)
    private = descent(module, clip=0.3)
    private.step(loss, torch.arange(6))
    with private.without_hooks():
        module.output(module.norm(module.block(generator(torch.ones(4, 2))))).sum().backward()
    assert generator.weight.grad is not None
    assert any(parameter.grad is not None for parameter in module.parameters())
    expected = clipped_sum(module, loss, torch.arange(6), 0.3)
    assert torch.allclose(moved(private, module, loss, 6), expected, atol=1e-5)  # and no generator's


def test_a_loss_may_use_the_module_on_the_side() -> None:
    module, loss = bags(6)
    private = descent(module)

    def with_a_look(units: Tensor) -> Tensor:
        with private.without_hooks():
            loss(units)
        with torch.no_grad():
            loss(units)
        return loss(units)

    expected = clipped_sum(module, loss, torch.arange(6), 1.0)
    assert torch.allclose(private.clipped_sum(with_a_look, torch.arange(6)), expected, atol=1e-5)


def test_frozen_parameters_are_left_alone() -> None:
    module, loss = bags(6)
    module.block.requires_grad_(False)
    before = copy.deepcopy(module.state_dict())
    private = descent(module, noise=1.0)
    private.step(loss, torch.arange(6))
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("block")


# -- the sampler -------------------------------------------------------------------------------------------------------


def test_the_sampler_draws_each_unit_with_its_rate() -> None:
    units, rate, steps = 400, 0.07, 3_000
    drawn = np.zeros((steps, units), dtype=np.int8)
    for step, batch in enumerate(PoissonSampler(units, rate, steps)):
        assert (np.diff(batch) > 0).all()
        drawn[step, batch] = 1
    counts, sizes = drawn.sum(axis=0), drawn.sum(axis=1)
    assert within_chance(float(((counts - steps * rate) ** 2).sum() / (steps * rate * (1 - rate))), units)
    variance = units * rate * (1 - rate)
    assert within_chance(float(((sizes - units * rate) ** 2).sum() / variance), steps)
    neighbours = (sizes[1:] - units * rate) * (sizes[:-1] - units * rate) / variance  # of mean 0 and variance 1 each
    assert abs(neighbours.sum()) / math.sqrt(steps - 1) < stats.norm.isf(FALSE_ALARM / 2)
    pairs = (drawn[:, 1:] & drawn[:, :-1]).sum()  # neighbouring units in one batch
    expected = steps * (units - 1) * rate**2
    assert abs(pairs - expected) / math.sqrt(expected * (1 + 3 * rate)) < stats.norm.isf(FALSE_ALARM / 2)
    again = (drawn[1:] & drawn[:-1]).sum()  # the same unit in two steps running
    expected = (steps - 1) * units * rate**2
    assert abs(again - expected) / math.sqrt(expected * (1 + 3 * rate)) < stats.norm.isf(FALSE_ALARM / 2)


def test_first_and_last_unit_are_drawn_like_the_others() -> None:
    steps, rate = 8_000, 0.3
    counts = np.zeros(3)
    for batch in PoissonSampler(3, rate, steps):
        counts[batch] += 1
    deviations = (counts - steps * rate) / math.sqrt(steps * rate * (1 - rate))
    assert np.abs(deviations).max() < stats.norm.isf(FALSE_ALARM / 2)


def test_the_sampler_gives_empty_batches_and_exactly_its_steps() -> None:
    batches = list(PoissonSampler(5, 0.01, 200))
    assert len(batches) == 200
    assert any(len(batch) == 0 for batch in batches)  # all are full with probability .05 ** 200
    assert all(batch.dtype == np.int64 for batch in batches)
    assert [len(batch) for batch in PoissonSampler(0, 0.5, 3)] == [0, 0, 0]
    assert list(PoissonSampler(5, 0.5, 0)) == []
    assert [batch.tolist() for batch in PoissonSampler(3, 1.0, 2)] == [[0, 1, 2], [0, 1, 2]]


def test_the_sampler_can_be_passed_through_once() -> None:
    sampler = PoissonSampler(5, 0.5, 4)
    next(sampler)
    assert (sampler.taken, len(sampler)) == (1, 4)
    assert len(list(sampler)) == 3
    assert list(sampler) == []


def test_a_tiny_rate_is_no_trouble() -> None:
    assert all(len(batch) == 0 for batch in PoissonSampler(10, 1e-300, 5))
    assert sum(len(batch) for batch in PoissonSampler(10**6, 1e-6, 50)) < 200


@pytest.mark.parametrize(
    ("units", "rate", "steps"), [(-1, 0.5, 1), (1, 0.0, 1), (1, 1.1, 1), (1, math.nan, 1), (1, 0.5, -1)]
)
def test_the_sampler_refuses_what_is_no_sampling(units: int, rate: float, steps: int) -> None:
    with pytest.raises(ParameterError):
        PoissonSampler(units, rate, steps)
