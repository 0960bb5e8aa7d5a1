"""The network of the autoregressive model: one small network a digit, on the sum of what comes before it.

Every value of every digit has a vector. A digit sees the sum of the vectors of the digits that precede it, and nothing
else; so any order of digits is one multiplication by a triangular matrix of zeros and ones, every digit of a row is
learned from at every step, and to draw a row costs each digit's small network once (after neural autoregressive
distribution estimators: Larochelle & Murray 2011; Uria, Murray & Larochelle 2014 for any order).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.layout import Heads
from synthx.models.networks import NEVER, ordered_values, waves
from synthx.models.softmax import log_likelihood

__all__ = ["Autoregressor"]

MASKS = 16
"""Parts of a batch that have hidden units of their own dropped: a mask a row costs more than all products."""


class Autoregressor(nn.Module):
    """Log-probabilities of every digit of a row, given those that precede it in an order.

    Its outputs start at the log marginals, so that even an untrained one draws each column with nearly its real
    frequencies.

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit.
    width : int
        Of the vectors of values, which are summed.
    hidden : int
        Of the hidden layers of each digit's network.

    **Shape**: tensors that hold something for every digit have the heads' order (`heads.digits`) and begin with it.
    """

    def __init__(self, sizes: tuple[int, ...], *, width: int, hidden: int) -> None:
        super().__init__()
        self.heads = Heads(sizes)
        count = len(sizes)
        self.vectors = nn.Parameter(0.3 * torch.randn(self.heads.total, width))
        self.enter = nn.Parameter(torch.randn(count, width, hidden) / math.sqrt(width))
        self.enter_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.mix = nn.Parameter(math.sqrt(2 / hidden) * torch.randn(count, hidden, hidden))
        self.mix_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.leave = nn.ParameterList(
            0.3 / math.sqrt(hidden) * torch.randn(heads, hidden, width) for heads, width in self.heads.blocks
        )
        self.bias = nn.Parameter(torch.zeros(self.heads.total))
        self._starts: list[int] = self.heads.starts.tolist()
        self._sizes = [sizes[digit] for digit in self.heads.digits.tolist()]
        self._block = [(block, index) for block, (heads, _) in enumerate(self.heads.blocks) for index in range(heads)]
        self._head = {digit: head for head, digit in enumerate(self.heads.digits.tolist())}

    def smooth(self, ranks: Sequence[np.ndarray | None]) -> None:
        """Let values that are neighbours in an order start alike; see `Completer.smooth`."""
        with torch.no_grad():
            for digit, values, rank in ordered_values(self.heads.digits.tolist(), ranks):
                block, index = self._block[self._head[digit]]
                rows = self._starts[self._head[digit]] + values
                self.vectors[rows] = self.vectors[rows].std() * waves(rank, self.vectors.shape[1])
                leave = self.leave[block][index]
                leave[:, values] = leave.std() * waves(rank, len(leave)).T

    def start_at(self, log_marginals: Tensor) -> None:
        """Set the outputs' bias to log marginals, shape (heads.total,); padding is set to `NEVER`."""
        with torch.no_grad():
            self.bias.copy_(torch.where(self.heads.valid, log_marginals, NEVER))

    # -- learning: all digits at once ---------------------------------------------------------------------------

    def log_likelihood(self, digits: Tensor, positions: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the log-probability of each digit given those before it, in nats.

        Parameters
        ----------
        digits : int64 Tensor, shape (rows, digits)
        positions : Tensor, shape (orders, digits)
            When each digit comes, in each of some orders; the rows are parted evenly among the orders.
        dropout : float
            The share of hidden units that is left out, others for each of 16 parts of the rows.

        Returns
        -------
        Tensor, shape (digits, rows)
            In the heads' order.
        """
        hidden = torch.baddbmm(self.enter_bias, self._sums_before(digits, positions), self.enter)  # (D, B, H)
        hidden = hidden + torch.baddbmm(self.mix_bias, _dropped(F.relu(hidden), dropout), self.mix)
        hidden = _dropped(F.relu(hidden), dropout)
        return log_likelihood(hidden, self.leave, self.bias, self.heads, digits)

    def _sums_before(self, digits: Tensor, positions: Tensor) -> Tensor:
        """Return for each digit the scaled sum of the vectors before it; shape (digits, rows, width)."""
        orders, count = positions.shape
        when = positions[:, self.heads.digits]
        before = (when[:, None, :] < when[:, :, None]).to(self.vectors.dtype)  # (G, D, D)
        before = before / (before.sum(dim=2, keepdim=True) + 1).sqrt()
        places = (digits[:, self.heads.digits] + self.heads.starts).view(orders, -1, count).transpose(1, 2)
        vectors = F.embedding(places.flatten(), self.vectors).view(orders, count, -1)
        sums = torch.bmm(before, vectors).view(orders, count, -1, self.vectors.shape[1])
        return sums.transpose(0, 1).reshape(count, len(digits), -1)

    # -- drawing: one digit at a time ---------------------------------------------------------------------------

    def size(self, digit: int) -> int:
        """Return the number of values of a digit."""
        return int(self._sizes[self._head[digit]])

    def vector(self, digit: int, values: Tensor) -> Tensor:
        """Return the vectors of values of a digit, shape (rows,) -> (rows, width)."""
        return F.embedding(values + self._starts[self._head[digit]], self.vectors)

    def logits(self, digit: int, sums: Tensor, known: Tensor | int) -> Tensor:
        """Return the logits of one digit's values.

        Parameters
        ----------
        digit : int
        sums : Tensor, shape (rows, width)
            Of the vectors of the digits that are known.
        known : Tensor, shape (rows, 1), or int
            How many digits are known.

        Returns
        -------
        Tensor, shape (rows, values)
        """
        head = self._head[digit]
        block, index = self._block[head]
        if isinstance(known, int):
            hidden = torch.addmm(self.enter_bias[head], sums, self.enter[head], alpha=(known + 1) ** -0.5)
        else:
            hidden = torch.addmm(self.enter_bias[head], sums * (known + 1) ** -0.5, self.enter[head])
        hidden = hidden.addmm_(F.relu(hidden), self.mix[head]).add_(self.mix_bias[head]).relu_()
        start, size = self._starts[head], self._sizes[head]
        return torch.addmm(self.bias[start : start + size], hidden, self.leave[block][index][:, :size])


def _dropped(hidden: Tensor, share: float) -> Tensor:
    """Leave out a share of hidden units, others in each part of the rows; shape (digits, rows, hidden)."""
    if share == 0:
        return hidden
    digits, rows, width = hidden.shape
    parts = math.gcd(rows, MASKS)
    kept = (torch.rand(digits, parts, 1, width, device=hidden.device) >= share).to(hidden.dtype) / (1 - share)
    return (hidden.view(digits, parts, rows // parts, width) * kept).view(digits, rows, width)
