"""The network of the autoregressive model, untrained, with weights so large that its digits depend on each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from synthx.models.causal import Autoregressor
from synthx.models.layout import Digits
from synthx.models.networks import NEVER

SIZES = (2, 3, 5, 2)


def network(sizes: tuple[int, ...] = SIZES, seed: int = 0) -> Autoregressor:
    torch.manual_seed(seed)
    made = Autoregressor(sizes, width=8, hidden=6).requires_grad_(False)
    made.start_at(torch.randn(made.heads.total))
    for leave in made.leave:
        leave.mul_(10)
    return made


def every_row(sizes: tuple[int, ...] = SIZES) -> Tensor:
    return torch.tensor(list(itertools.product(*map(range, sizes))))


def in_turn(network: Autoregressor, rows: Tensor, positions: Tensor) -> Tensor:
    """Return the log-probabilities of digits as drawing reckons them, one digit after the other; (digits, rows)."""
    found = torch.empty(len(positions), len(rows))
    sums = torch.zeros(len(rows), network.vectors.shape[1])
    for known, digit in enumerate(positions.argsort().tolist()):
        values = rows[:, digit]
        logits = network.logits(digit, sums, known)
        assert logits.shape == (len(rows), network.size(digit))
        found[digit] = logits.log_softmax(dim=1).gather(1, values[:, None]).squeeze(1)
        torch.testing.assert_close(network.logits(digit, sums, torch.full((len(rows), 1), known)), logits)
        sums += network.vector(digit, values)
    return found[network.heads.digits]


ORDERS = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]]


@pytest.mark.parametrize("order", ORDERS)
def test_a_digit_depends_on_those_before_it_only(order: list[int]) -> None:
    net, rows = network(), every_row()
    positions = torch.tensor(order).argsort()
    whole = net.log_likelihood(rows, positions[None])
    head = {digit: head for head, digit in enumerate(net.heads.digits.tolist())}
    for place, digit in enumerate(order):
        changed = rows.clone()
        changed[:, digit] = (changed[:, digit] + 1) % SIZES[digit]
        other = net.log_likelihood(changed, positions[None])
        for earlier in order[:place]:
            torch.testing.assert_close(other[head[earlier]], whole[head[earlier]], rtol=0, atol=1e-6)
        for later in order[place + 1 :]:
            assert (other[head[later]] - whole[head[later]]).abs().max() > 1e-2


@pytest.mark.parametrize("order", ORDERS)
def test_drawing_and_learning_reckon_alike(order: list[int]) -> None:
    net, rows = network(), every_row()
    positions = torch.tensor(order).argsort()
    torch.testing.assert_close(
        net.log_likelihood(rows, positions[None]), in_turn(net, rows, positions), rtol=0, atol=1e-5
    )


def test_rows_are_parted_evenly_among_orders() -> None:
    """Rows 0 to 59 are reckoned in the first order, 60 to 119 in the second."""
    net, rows = network(), every_row()
    positions = torch.tensor(ORDERS[:2]).argsort(dim=1)
    both = net.log_likelihood(rows.repeat(2, 1), positions)
    for part in range(2):
        alone = net.log_likelihood(rows, positions[part : part + 1])
        torch.testing.assert_close(both[:, 60 * part : 60 * (part + 1)], alone, rtol=0, atol=1e-5)


def test_all_rows_together_have_probability_one_in_any_order() -> None:
    sizes = (2, 3, 4)
    net, rows = network(sizes), every_row(sizes)
    orders = torch.tensor(list(itertools.permutations(range(3))))
    likelihood = net.log_likelihood(rows.repeat(len(orders), 1), orders).sum(dim=0).view(len(orders), -1)
    torch.testing.assert_close(likelihood.exp().sum(dim=1), torch.ones(6))
    assert (likelihood - likelihood[0]).abs().max() > 0.1  # yet an untrained network's orders do not agree


def test_a_column_of_two_digits_sums_to_one() -> None:
    """1,000 codes are two digits of 32 values, 1,024 rows; a column of 3 codes beside it."""
    digits = Digits((3, 1_000))
    assert digits.sizes == (3, 32, 32)
    net, rows = network(digits.sizes), every_row(digits.sizes)
    positions = torch.tensor([2, 0, 1])  # the column of two digits first
    likelihood = net.log_likelihood(rows, positions[None]).sum(dim=0)
    assert float(likelihood.double().exp().sum()) == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(likelihood, in_turn(net, rows, positions).sum(dim=0), rtol=0, atol=1e-5)


def test_without_weights_it_knows_the_marginals() -> None:
    net = network((2, 3))
    assert net.heads.digits.tolist() == [0, 1] and net.heads.total == 5
    net.start_at(torch.tensor([0.25, 0.75, 0.5, 0.3, 0.2]).log())
    for leave in net.leave:
        leave.zero_()
    likelihood = net.log_likelihood(torch.tensor([[0, 0], [0, 2], [1, 1]]), torch.tensor([[1, 0]])).exp()
    torch.testing.assert_close(likelihood, torch.tensor([[0.25, 0.25, 0.75], [0.5, 0.2, 0.3]]))


def test_padding_is_never_drawn() -> None:
    net = network((5,))
    assert net.heads.total == 6  # five values and a pad
    assert net.bias[5] == NEVER
    assert net.logits(0, torch.zeros(1, 8), 0).shape == (1, 5)


def test_values_that_are_neighbours_start_alike_and_names_stay_as_they_were() -> None:
    torch.manual_seed(0)
    net = Autoregressor((6, 101), width=64, hidden=32).requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    rank = np.concatenate([[np.nan], np.linspace(0, 1, 100)])  # code 0 stands for missing
    net.smooth([None, rank])
    assert torch.equal(net.vector(0, torch.arange(6)), before["vectors"][:6])
    assert torch.equal(net.leave[0], before["leave.0"])
    ordered = net.vector(1, torch.arange(101))
    assert torch.equal(ordered[0], before["vectors"][6])
    near = (ordered[1:-1] - ordered[2:]).norm(dim=1).mean()
    far = (ordered[1:51] - ordered[51:]).norm(dim=1).mean()
    assert near < 0.2 * far
    assert float(ordered[1:].std()) == pytest.approx(0.3, abs=0.05)
    leave = net.leave[1][0]
    assert torch.equal(leave[:, 0], before["leave.1"][0][:, 0])
    assert (leave[:, 1:100] - leave[:, 2:101]).norm() < 0.3 * (leave[:, 1:51] - leave[:, 51:101]).norm()


def test_dropout_changes_likelihoods_and_none_does_not() -> None:
    net, rows = network(), every_row()
    positions = torch.arange(4)[None]
    assert torch.equal(net.log_likelihood(rows, positions), net.log_likelihood(rows, positions))
    assert not torch.equal(net.log_likelihood(rows, positions, 0.5), net.log_likelihood(rows, positions, 0.5))
