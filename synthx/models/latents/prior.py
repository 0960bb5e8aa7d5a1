"""The prior of the latent space: a flow from the standard normal distribution to where rows lie, learned by matching.

Straight lines lead from normal noise to latent vectors of rows; a network learns the mean velocity at each point and
time, given visible cells; following it carries noise to latent vectors (flow matching; Lipman et al. 2023,
arXiv:2210.02747), and, backwards, latent vectors to noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from synthx.models.descent import Descent
from synthx.models.layout import Heads
from synthx.models.networks import Residuals, residual_block, value_places

__all__ = ["FlowMatching", "Prior"]

WAVES = 8
STEPS = 4
"""Steps of the flow, by Heun's method: two looks at the velocity each."""


class Prior(nn.Module):
    """The velocity of latent vectors on their way from noise, given the visible cells of a row.

    Its output starts at the velocity that leaves the standard normal distribution as it is.

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit.
    latent : int
        Dimensions of the latent space.
    width : int
        Of the hidden layers.
    blocks : int
        Residual blocks.

    **Shape**: digits (B, D) and visible (B, D) -> context (B, width); point (B, latent), time (B, 1), context ->
    velocity (B, latent). A context of one row serves all.
    """

    frequencies: Tensor

    def __init__(self, sizes: tuple[int, ...], *, latent: int, width: int, blocks: int) -> None:
        super().__init__()
        self.latent, self.heads = latent, Heads(sizes)
        self.embedding = nn.EmbeddingBag(self.heads.total + len(sizes), width, mode="sum")
        self.seen = residual_block(width, nn.SiLU)
        self.point = nn.Linear(latent, width)
        self.time = nn.Linear(2 * WAVES, width)
        self.blocks = Residuals(width, blocks, nn.SiLU)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, latent)
        nn.init.normal_(self.embedding.weight, std=0.3)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        self.register_buffer("frequencies", math.pi * torch.arange(1, WAVES + 1).float(), persistent=False)

    def context(self, digits: Tensor, visible: Tensor) -> Tensor:
        """Embed the visible part of rows; shape (B, width)."""
        cells = self.embedding(value_places(self.heads, digits, visible))
        seen: Tensor = cells + self.seen(cells)
        return seen

    def forward(self, point: Tensor, time: Tensor, context: Tensor) -> Tensor:
        angle = time * self.frequencies
        hidden = self.point(point) + self.time(torch.cat([angle.cos(), angle.sin()], dim=1)) + context
        steady = (2 * time - 1) / (time.square() + (1 - time).square())
        velocity: Tensor = steady * point + self.output(self.norm(self.blocks(hidden)))
        return velocity

    @torch.no_grad()
    def flow(self, point: Tensor, context: Tensor, *, backwards: bool = False, steps: int = STEPS) -> Tensor:
        """Carry noise to latent vectors, or, backwards, latent vectors to noise; (B, latent) -> (B, latent)."""
        times = torch.linspace(1, 0, steps + 1) if backwards else torch.linspace(0, 1, steps + 1)
        at = [point.new_full((1, 1), float(time)) for time in times]
        for now, then in itertools.pairwise(at):
            step = then - now
            first = self(point, now, context)
            second = self(point + step * first, then, context)
            point = point + step * (first + second) / 2
        return point


class FlowMatching:
    """Training of a prior.

    Parameters
    ----------
    prior : Prior
    examples : callable
        Returns latent vectors of a random batch, its digits, and which of them are seen; (B, latent), (B, D), (B, D).
    held_out : tuple of Tensors
        The same of rows to judge by.
    learning_rate : float
        At its peak.
    """

    def __init__(
        self,
        prior: Prior,
        examples: Callable[[], tuple[Tensor, Tensor, Tensor]],
        held_out: tuple[Tensor, Tensor, Tensor],
        *,
        learning_rate: float,
    ) -> None:
        self.prior, self.examples, self.held_out = prior, examples, held_out
        self.descent = Descent(prior, learning_rate)
        self.held_out_noise = torch.randn_like(held_out[0])

    def step(self, fraction: float) -> Tensor:
        """Take one step; return the mean squared error of a velocity."""
        latent, digits, visible = self.examples()
        return self.descent.step(_mismatch(self.prior, latent, digits, visible, torch.randn_like(latent)), fraction)

    @torch.no_grad()
    def held_out_loss(self, network: nn.Module) -> float:
        """Return the loss on the held-out rows, with the same noise and times at every call."""
        assert isinstance(network, Prior)
        return float(_mismatch(network, *self.held_out, self.held_out_noise))


def _mismatch(prior: Prior, latent: Tensor, digits: Tensor, visible: Tensor, noise: Tensor) -> Tensor:
    """Return the squared error of the velocity at evenly spread times."""
    time = (torch.arange(len(latent), device=latent.device)[:, None] + 0.5) / len(latent)
    point = (1 - time) * noise + time * latent
    error: Tensor = prior(point, time, prior.context(digits, visible)) - (latent - noise)
    return error.square().mean()
