"""The orders in which the autoregressive model learns and draws columns, and the likelihood under them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from synthx.models.causal import Autoregressor
from synthx.models.descent import Descent
from synthx.models.layout import Digits

__all__ = ["OrderedLikelihood", "digit_positions", "natural_order", "random_orders"]

ORDERS = 16
"""Orders a batch."""
ANY_SHARE = 0.5
"""The share of them that are random."""
DROPOUT_UNTIL = 0.8
"""Dropout ends at this share of training, so that what is learned last is what is drawn from."""
HELD_OUT_ROWS = 4_096


def natural_order(codes: np.ndarray, sizes: Sequence[int], first: int | None) -> tuple[int, ...]:
    """Return the columns from the least to the most uncertain (entropy), a given one before all.

    Rows that are drawn in this order look alike for long, and rows that look alike pass the network once.

    Parameters
    ----------
    codes : int array, shape (rows, columns)
    sizes : sequence of int
        The number of codes of each column.
    first : int, optional
        A column to begin with: the target, whose classes then have their real shares.
    """
    entropy = []
    for column, size in enumerate(sizes):
        share = np.bincount(codes[:, column], minlength=size) / len(codes)
        share = share[share > 0]
        entropy.append(-float((share * np.log(share)).sum()))
    return tuple(sorted(range(len(sizes)), key=lambda column: (column != first, entropy[column], column)))


def random_orders(order: Sequence[int], count: int, share: float, device: torch.device) -> Tensor:
    """Return when each column comes in some orders; shape (count, columns).

    A share of the orders begins with a random set of columns in random order, of a size that is uniform from none to
    all, as if they were given; the rest of the columns follow as in `order`. The other orders are `order` itself.
    """
    columns = len(order)
    natural = torch.empty(columns)
    natural[torch.tensor(order, dtype=torch.long)] = torch.arange(columns, dtype=torch.float)
    when = natural.to(device).repeat(count, 1)
    some = round(count * share)
    given = torch.rand(some, columns, device=device) < torch.rand(some, 1, device=device)
    when[:some] = torch.where(given, torch.rand(some, columns, device=device) - 1, when[:some])
    return when.argsort(dim=1).argsort(dim=1)


class OrderedLikelihood:
    """Maximum likelihood of rows, column by column, in the natural order and in random ones.

    Parameters
    ----------
    network : Autoregressor
    rows, held_out : integer Tensors, shape (rows, digits)
        On the network's device.
    digits : Digits
        How columns are written as digits.
    order : sequence of int
        The natural order of the columns.
    batch_size : int
        A multiple of 16.
    learning_rate : float
        At its peak; it rises at first, then falls along a cosine.
    dropout : float
        The share of hidden units that is left out, until the last fifth of training.
    """

    def __init__(
        self,
        network: Autoregressor,
        rows: Tensor,
        held_out: Tensor,
        *,
        digits: Digits,
        order: Sequence[int],
        batch_size: int,
        learning_rate: float,
        dropout: float,
    ) -> None:
        self.network, self.rows, self.digits, self.order = network, rows, digits, order
        self.batch_size, self.dropout = batch_size, dropout
        self.descent = Descent(network, learning_rate)
        whole = min(len(held_out), HELD_OUT_ROWS) // ORDERS * ORDERS
        self.held_out = held_out[:whole] if whole else held_out.repeat(ORDERS, 1)
        self.held_out_positions = self._positions()

    def step(self, fraction: float) -> Tensor:
        """Take one step; return the mean negative log-likelihood of a row, in nats."""
        picked = torch.randint(len(self.rows), (self.batch_size,), device=self.rows.device)
        dropout = self.dropout if fraction < DROPOUT_UNTIL else 0.0
        likelihood = self.network.log_likelihood(self.rows[picked].long(), self._positions(), dropout)
        return self.descent.step(-likelihood.sum(dim=0).mean(), fraction)

    @torch.no_grad()
    def held_out_loss(self, network: nn.Module) -> float:
        """Return the loss on the held-out rows, in the same orders at every call."""
        assert isinstance(network, Autoregressor)
        parts = self.held_out.view(ORDERS, -1, self.held_out.shape[1]).split(self.batch_size // ORDERS, dim=1)
        total = torch.stack(
            [network.log_likelihood(part.flatten(0, 1).long(), self.held_out_positions).sum() for part in parts]
        )
        return -float(total.sum()) / len(self.held_out)

    def _positions(self) -> Tensor:
        """Return when each digit comes in some new orders; shape (orders, digits)."""
        return digit_positions(self.digits, random_orders(self.order, ORDERS, ANY_SHARE, self.rows.device))


def digit_positions(digits: Digits, when: Tensor) -> Tensor:
    """Return when each digit comes, given when each column does; (orders, columns) -> (orders, digits)."""
    is_second = torch.tensor([digit in digits.second for digit in range(len(digits.sizes))], device=when.device)
    return 2 * when[:, list(digits.column)] + is_second
