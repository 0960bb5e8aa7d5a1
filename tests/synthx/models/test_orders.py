"""Orders of columns, and the likelihood of rows under them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from synthx.models.causal import Autoregressor
from synthx.models.layout import Digits
from synthx.models.orders import OrderedLikelihood, digit_positions, natural_order, random_orders


class TestNaturalOrder:
    CODES = np.array([[0, 0, 0, 3], [1, 0, 0, 2], [2, 0, 0, 1], [3, 0, 1, 0]])
    """Entropies: ln 4, 0, 0.562 (a quarter of ones) and ln 4."""

    def test_from_the_least_to_the_most_uncertain(self) -> None:
        assert natural_order(self.CODES, (4, 1, 2, 4), None) == (1, 2, 0, 3)

    @pytest.mark.parametrize(("first", "order"), [(3, (3, 1, 2, 0)), (0, (0, 1, 2, 3)), (1, (1, 2, 0, 3))])
    def test_the_target_comes_first(self, first: int, order: tuple[int, ...]) -> None:
        assert natural_order(self.CODES, (4, 1, 2, 4), first) == order

    def test_one_column(self) -> None:
        assert natural_order(self.CODES[:, :1], (4,), 0) == (0,)


class TestRandomOrders:
    ORDER = (2, 0, 3, 1)
    NATURAL = torch.tensor([1, 3, 0, 2])
    """When columns 0 to 3 come."""

    def orders(self, count: int, share: float = 0.5) -> Tensor:
        torch.manual_seed(0)
        return random_orders(self.ORDER, count, share, torch.device("cpu"))

    def test_every_order_is_a_permutation(self) -> None:
        orders = self.orders(1_000)
        assert torch.equal(orders.sort(dim=1).values, torch.arange(4).expand(1_000, 4))

    def test_half_are_natural(self) -> None:
        orders = self.orders(16)
        assert torch.equal(orders[8:], self.NATURAL.expand(8, 4))
        assert not torch.equal(orders[:8], self.NATURAL.expand(8, 4))

    def test_no_share_is_natural_throughout(self) -> None:
        assert torch.equal(self.orders(16, share=0.0), self.NATURAL.expand(16, 4))

    def test_any_column_may_be_the_last_that_is_given(self) -> None:
        """Every column comes first in some of 1,000 orders, most often the one that is first by nature."""
        first = torch.bincount((self.orders(1_000, share=1.0) == 0).float().argmax(dim=1), minlength=4)
        assert (first > 100).all()
        assert first.argmax() == 2

    def test_what_is_not_given_follows_in_the_natural_order(self) -> None:
        """All 24 orders can come; those that differ from the natural one by their first column alone must."""
        seen = {tuple(order.argsort().tolist()) for order in self.orders(2_000, share=1.0)}
        assert {(2, 0, 3, 1), (0, 2, 3, 1), (3, 2, 0, 1), (1, 2, 0, 3)} <= seen
        assert len(seen) == 24


class TestDigits:
    def test_the_second_digit_follows_the_first_at_once(self) -> None:
        digits = Digits((3, 1_000))  # digits 1 and 2 are of column 1
        assert digit_positions(digits, torch.tensor([[0, 1], [1, 0]])).tolist() == [[0, 2, 3], [2, 0, 1]]

    def test_digits_of_a_column_are_adjacent_in_random_orders(self) -> None:
        digits = Digits((600, 4, 1_000, 2))
        torch.manual_seed(0)
        when = digit_positions(digits, random_orders((1, 3, 0, 2), 200, 1.0, torch.device("cpu")))
        ranks = when.argsort(dim=1).argsort(dim=1)
        assert (ranks[:, 1] == ranks[:, 0] + 1).all()
        assert (ranks[:, 4] == ranks[:, 3] + 1).all()


class Recording(Autoregressor):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__((2, 4), width=4, hidden=4)
        self.dropouts: list[float] = []

    def log_likelihood(self, digits: Tensor, positions: Tensor, dropout: float = 0.0) -> Tensor:
        self.dropouts.append(dropout)
        return super().log_likelihood(digits, positions, dropout)


def likelihood(network: Autoregressor, held_out: Tensor, rows: Tensor | None = None) -> OrderedLikelihood:
    return OrderedLikelihood(
        network,
        held_out if rows is None else rows,
        held_out,
        digits=Digits((2, 4)),
        order=(0, 1),
        batch_size=32,
        learning_rate=0.02,
        dropout=0.25,
    )


def table(rows: int) -> Tensor:
    """Column 1 is column 0, or column 0 plus 2."""
    first = torch.arange(rows) % 2
    return torch.stack([first, first + 2 * (torch.arange(rows) // 2 % 2)], dim=1).int()


class TestLikelihood:
    @pytest.mark.parametrize("rows", [3, 16, 17, 500, 5_000])
    def test_an_ignorant_network_loses_the_entropy_of_the_domain(self, rows: int) -> None:
        """Two values times four, all alike likely: ln 8 a row, however many rows there are."""
        network = Recording().requires_grad_(False)
        network.start_at(torch.zeros(network.heads.total))
        for leave in network.leave:
            leave.zero_()
        assert likelihood(network, table(rows)).held_out_loss(network) == pytest.approx(math.log(8), abs=1e-5)

    def test_it_judges_alike_every_time(self) -> None:
        torch.manual_seed(0)
        network = Recording()
        phase = likelihood(network, table(300))
        assert phase.held_out_loss(network) == phase.held_out_loss(network)

    def test_steps_learn_what_there_is_to_know(self) -> None:
        """The second column halves after the first: ln 2 + ln 2 = 1.386 nats a row is the best there is."""
        torch.manual_seed(0)
        network = Recording()
        phase = likelihood(network, table(320))
        before = phase.held_out_loss(network)
        for step in range(150):
            phase.step(step / 150)
        after = phase.held_out_loss(network)
        assert before > 1.8
        assert 1.38 < after < 1.45

    def test_dropout_ends_before_training_does(self) -> None:
        network = Recording()
        phase = likelihood(network, table(64))
        for fraction in (0.0, 0.79, 0.8, 0.99):
            phase.step(fraction)
        assert network.dropouts == [0.25, 0.25, 0.0, 0.0]
