"""One step of a sequence, digit by digit: what is learned from is what is drawn by."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from synthx.models.networks import NEVER
from synthx.models.sequences.steps import StepNetwork

SIZES = (2, 5, 3, 3)


def network(*, timely: int = 2, timed: int = 1, recalled: int = 0, told: int = 0) -> StepNetwork:
    torch.manual_seed(0)
    made = StepNetwork(SIZES, width=4, hidden=6, context=7, timely=timely, timed=timed, recalled=recalled, told=told)
    made.start_at(torch.randn(made.heads.total))
    return made


def combinations() -> Tensor:
    return torch.tensor(list(itertools.product(*map(range, SIZES))))


def by_column(
    steps: StepNetwork, digits: Tensor, context: Tensor, timely: Tensor | None, recalled: Tensor | None = None
) -> Tensor:
    """Return log-probabilities in the order of digits; shape (steps, digits)."""
    found = steps.log_likelihood(
        digits, steps.embed(digits), context, timely, recalled, torch.zeros(digits.shape, dtype=torch.bool)
    )
    ordered = torch.empty_like(found)
    ordered[steps.heads.digits] = found
    return ordered.T.detach()


@pytest.mark.parametrize("timely", [0, 2])
def test_probabilities_of_all_steps_sum_to_one(timely: int) -> None:
    steps, digits = network(timely=timely), combinations()
    context = torch.randn(1, 7).expand(len(digits), -1)
    time = torch.randn(2, timely)[digits[:, 0]] if timely else None  # what the first digit says decides the time
    assert float(by_column(steps, digits, context, time).sum(dim=1).exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("timely", [0, 2])
def test_drawing_goes_by_what_is_learned(timely: int) -> None:
    steps, digits = network(timely=timely), combinations()
    context, time = torch.randn(len(digits), 7), torch.randn(len(digits), timely)
    learned = by_column(steps, digits, context, time if timely else None)
    sums = steps.begin(context)
    for digit in range(len(SIZES)):
        logits = steps.logits(digit, sums)
        assert logits.shape == (len(digits), SIZES[digit])
        drawn = logits.log_softmax(dim=1).gather(1, digits[:, digit : digit + 1]).squeeze(1)
        assert torch.allclose(drawn, learned[:, digit], atol=1e-5)
        steps.see(sums, digit, digits[:, digit])
        if digit == 0:
            steps.see_time(sums, time)


@pytest.mark.parametrize("changed", range(len(SIZES)))
def test_a_digit_sees_those_before_it_only(changed: int) -> None:
    steps, digits = network(), combinations()[:1]
    context, time = torch.randn(1, 7), torch.randn(1, 2)
    other = digits.clone()
    other[0, changed] += 1
    before, after = (by_column(steps, found, context, time)[0] for found in (digits, other))
    differs = (before - after).abs() > 1e-6
    assert not differs[:changed].any()
    assert differs[changed:].all()


def test_the_time_is_seen_by_the_digits_after_it() -> None:
    steps, digits = network(), combinations()[:1]
    context = torch.randn(1, 7)
    before, after = (by_column(steps, digits, context, torch.randn(1, 2))[0] for _ in range(2))
    assert ((before - after).abs() > 1e-6).tolist() == [False, True, True, True]


def test_the_last_step_of_the_kind_is_seen_by_the_digits_after_the_kind_in_learning_and_in_drawing() -> None:
    steps, digits = network(recalled=4 * 4 + 2, told=2), combinations()
    context, time, ages = torch.randn(len(digits), 7), torch.randn(len(digits), 2), torch.rand(len(digits), 2)
    last, known = digits.flip(0), torch.arange(len(digits)) % 3 > 0
    recalled = steps.remember(last, known, ages)
    learned = by_column(steps, digits, context, time, recalled)
    nothing = by_column(steps, digits, context, time, steps.remember(last, torch.zeros_like(known), ages))
    differs = (learned - nothing).abs() > 1e-6
    assert not differs[:, :2].any()
    assert not differs[~known].any()
    assert differs[known][:, 2:].float().mean() > 0.95
    sums = steps.begin(context)
    for digit in range(len(SIZES)):
        drawn = steps.logits(digit, sums).log_softmax(dim=1).gather(1, digits[:, digit : digit + 1]).squeeze(1)
        assert torch.allclose(drawn, learned[:, digit], atol=1e-5)
        steps.see(sums, digit, digits[:, digit])
        if digit == 0:
            steps.see_time(sums, time)
        if digit == 1:
            steps.see_recalled(sums, recalled)


def test_a_step_that_is_nothing_but_its_time_needs_no_other_digits() -> None:
    steps = StepNetwork((3,), width=4, hidden=6, context=7, timely=2, timed=1)
    assert steps.timely is None


def test_it_starts_at_the_frequencies_that_it_is_told() -> None:
    steps = network()
    for leave in steps.leave:
        torch.nn.init.zeros_(leave)
    logits = [steps.logits(digit, steps.begin(torch.randn(1, 7))) for digit in range(len(SIZES))]
    counts = steps.heads.count(combinations())
    steps.start_at((counts / len(combinations())).log())
    for digit, size in enumerate(SIZES):
        shares = steps.logits(digit, steps.begin(torch.randn(1, 7))).softmax(dim=1)
        assert torch.allclose(shares, torch.full((1, size), 1 / size))
        assert not torch.allclose(logits[digit], torch.zeros(1))
    assert float(steps.bias.detach()[~steps.heads.valid].max() if (~steps.heads.valid).any() else NEVER) == NEVER


def test_neighbours_in_an_order_start_alike() -> None:
    steps = network()
    steps.smooth([None, np.linspace(0, 1, 5), None, None])
    vectors = steps.vectors.detach()[steps.starts[1] : steps.starts[1] + 5]
    near, far = (vectors[0] - vectors[1]).norm(), (vectors[0] - vectors[4]).norm()
    assert near < far
