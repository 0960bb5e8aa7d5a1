"""The two networks of the GAN, a generator that completes rows and a discriminator that tells completed from real, and
what other networks share with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.layout import Heads

__all__ = ["Completer", "Discriminator", "Residuals", "ordered_values", "residual_block", "value_places", "waves"]

NEVER = -1e9
"""The logit of a place that stands for no code."""
WAVES = 1.5
"""How many waves run along the order of a column, typically."""


def value_places(heads: Heads, digits: Tensor, visible: Tensor) -> Tensor:
    """Return the embedding row of each digit: its value's, or that of "hidden"; shape (rows, digits)."""
    columns = heads.digits
    hidden = heads.total + torch.arange(len(columns), device=digits.device)
    return torch.where(visible[:, columns], digits[:, columns] + heads.starts, hidden)  # (B, D)


def waves(rank: Tensor, width: int) -> Tensor:
    """Return smooth functions of `rank`, shape (ranks,), of mean square one; shape (ranks, width).

    They are random Fourier features (Rahimi & Recht 2007).
    """
    frequency = WAVES * torch.randn(width).abs()
    phase = 2 * math.pi * torch.rand(width)
    return math.sqrt(2) * torch.cos(2 * math.pi * rank[:, None] * frequency + phase)


def ordered_values(digits: Sequence[int], ranks: Sequence[np.ndarray | None]) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield, for each of some digits whose values have an order, the digit, the values in the order, and their ranks.

    Parameters
    ----------
    digits : sequence of int
    ranks : sequence of arrays
        For each digit, where its values stand, 0 to 1; NaN for values outside the order; None for no order.
    """
    for digit in digits:
        rank = ranks[digit]
        if rank is not None and np.isfinite(rank).any():
            values = np.flatnonzero(np.isfinite(rank))
            yield digit, torch.from_numpy(values), torch.from_numpy(rank[values]).float()


def residual_block(width: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return what is added to a hidden state; (B, width) -> (B, width)."""
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), activation(), nn.Linear(width, width))


class Residuals(nn.ModuleList):
    """Residual blocks: each adds to what it is given.

    Parameters
    ----------
    width : int
        Of the hidden state.
    blocks : int
        How many.
    activation : type of Module

    **Shape**: hidden (B, width) -> hidden (B, width).
    """

    def __init__(self, width: int, blocks: int, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__(residual_block(width, activation) for _ in range(blocks))

    def forward(self, hidden: Tensor) -> Tensor:
        for block in self:
            hidden = hidden + block(hidden)
        return hidden


class Completer(nn.Module):
    """Logits of every digit of a row, given those that are visible.

    One embedding per value and one for "hidden", summed over the row; residual blocks; one linear layer to all values.
    Its output starts at the log marginals, so that even an untrained one draws each column with its real frequencies.

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit.
    width : int
        Of the hidden layers.
    blocks : int
        Residual blocks.
    noise : int
        Length of the noise vector that makes digits drawn together depend on each other.

    **Shape**: digits (B, D) and visible (B, D) -> hidden state (B, width); hidden state -> logits (B, heads.total).
    """

    def __init__(self, sizes: tuple[int, ...], *, width: int, blocks: int, noise: int) -> None:
        super().__init__()
        self.heads = Heads(sizes)
        self.embedding = nn.EmbeddingBag(self.heads.total + len(sizes), width, mode="sum")
        self.noise = nn.Linear(noise, width, bias=False)
        self.blocks = Residuals(width, blocks)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, self.heads.total)
        nn.init.normal_(self.embedding.weight, std=0.3)
        nn.init.zeros_(self.noise.weight)
        with torch.no_grad():
            self.output.weight.mul_(0.3)

    def smooth(self, ranks: Sequence[np.ndarray | None]) -> None:
        """Let values that are neighbours in an order start alike, so that what is learned of one helps the next.

        Their rows of weights, in and out, start as waves along the order.

        Parameters
        ----------
        ranks : sequence of arrays
            For each digit, where its values stand, 0 to 1; NaN for values outside the order; None for no order.
        """
        start_of = dict(zip(self.heads.digits.tolist(), self.heads.starts.tolist(), strict=True))
        with torch.no_grad():
            for digit, values, rank in ordered_values(list(start_of), ranks):
                for weight in (self.embedding.weight, self.output.weight):
                    rows = (start_of[digit] + values).to(weight.device)
                    weight[rows] = weight[rows].std() * waves(rank, weight.shape[1]).to(weight.device)

    def start_at(self, log_marginals: Tensor) -> None:
        """Set the output's bias to log marginals, shape (heads.total,); padding is set to `NEVER`."""
        with torch.no_grad():
            self.output.bias.copy_(torch.where(self.heads.valid, log_marginals, NEVER))

    def state(self, digits: Tensor, visible: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the hidden state; shape (B, width)."""
        hidden: Tensor = self.embedding(value_places(self.heads, digits, visible))
        if noise is not None:
            hidden = hidden + self.noise(noise)
        normed: Tensor = self.norm(self.blocks(hidden))
        return normed

    def logits(self, state: Tensor, places: Tensor | None = None) -> Tensor:
        """Return the logits at all places, or at the given ones; shape (B, places)."""
        if places is None:
            return self.output(state)  # type: ignore[no-any-return]
        return F.linear(state, self.output.weight[places], self.output.bias[places])


class Discriminator(nn.Module):
    """A score of rows that are complete up to a stage: high for real ones.

    **Shape**: digits (B, D), visible (B, D), drawn (B, heads.total of the stage) -> scores (B,).

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit.
    width : int
        Of the hidden layers.
    """

    def __init__(self, sizes: tuple[int, ...], *, width: int) -> None:
        super().__init__()
        self.heads = Heads(sizes)
        self.embedding = nn.Parameter(torch.randn(self.heads.total + len(sizes), width) * 0.1)
        layers: list[nn.Module] = [nn.LeakyReLU(0.2)]
        for _ in range(3):
            layers += [nn.Linear(width, width), nn.LeakyReLU(0.2)]
        self.score = nn.Sequential(*layers, nn.Linear(width, 1))

    def context(self, digits: Tensor, visible: Tensor) -> Tensor:
        """Embed the visible part of rows; shape (B, width)."""
        return F.embedding_bag(value_places(self.heads, digits, visible), self.embedding, mode="sum")

    def forward(self, context: Tensor, drawn: Tensor, places: Tensor) -> Tensor:
        """Score rows whose digits at `places` are given as (near) one-hot vectors `drawn`."""
        scores: Tensor = self.score(context + drawn @ self.embedding[places])
        return scores.squeeze(1)
