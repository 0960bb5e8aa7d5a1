"""The private phase of the autoencoder: its decoder learns from real rows what the counts did not tell.

The encoder and the prior stay as they were learned from rows of the tree model, so the prior, from which alone rows are
drawn, never meets the place of a real row in any way. Of the decoder, the ends learn: what it makes of the latent
vector, and its output. Every parameter that learns gets noise, and these are worth it most: on Adult at epsilon 3, one
short run each, the hidden layers, embeddings and encoder brought nothing more, at up to twice the cost a step.

A row's loss depends on that row, the parameters and fresh noise, and on nothing else of the batch. In ordinary learning
the masks of a row depend on where in the batch it stands; here each row tosses for its own. The tosses come from the
operating system's entropy: by a seed that people may know, a row's toss would depend on how many rows stand before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from synthx.models.latents.autoencoder import BLIND, Autoencoder
from synthx.models.layout import Digits
from synthx.models.private.budget import GradientPlan
from synthx.models.private.descent import descend_on_real_rows
from synthx.models.reconstruction import prefixes
from synthx.training import Budget, Progress, Stopped
from synthx_privacy.dpsgd import renew

if TYPE_CHECKING:
    from synthx.models.private.fit import PrivateFit

__all__ = ["RowReconstruction", "Tosses", "decode_real_rows", "gradient_plan", "learns"]

STAGED = 0.5
"""The share of rows that hide, and are asked for, what is drawn in a stage, and not any digits."""
CLIP = 5.0
"""Gradients of most rows are shorter. A shorter clip cuts those of rare values first, and they become rarer."""
RATE = 0.25
"""Of the learning rate of ordinary learning."""


def gradient_plan(rows: float, steps: int | None) -> GradientPlan:
    """Return how a decoder is to learn from about so many real rows."""
    batch = int(min(1_024, max(64, rows / 16)))
    return GradientPlan(batch=batch, steps=steps or int(min(800, max(200, rows / 40))), clip=CLIP)


def learns(network: Autoencoder) -> None:
    """Let the ends of the decoder learn, and nothing else."""
    network.requires_grad_(False)
    decoder = network.decoder
    for part in (decoder.noise, decoder.norm, decoder.output):
        part.requires_grad_(True)


class Tosses(NamedTuple):
    """What chance decides for rows, each on its own.

    Parameters
    ----------
    visible, asked : bool Tensors, shape (B, D)
        The digits that the decoder sees, and those whose likelihood counts.
    noise : Tensor, shape (B, latent)
        Standard normal: where in the encoder's region the latent vector lies.
    sighted : bool Tensor, shape (B, 1)
        Whether the decoder gets the latent vector.
    """

    visible: Tensor
    asked: Tensor
    noise: Tensor
    sighted: Tensor


class RowReconstruction:
    """What the decoder makes of hidden digits of single rows, given a latent vector that the encoder draws.

    It is the evidence lower bound of `latents/autoencoder.py`, negated, but for what the latent vector costs: that
    depends on the encoder alone.

    Parameters
    ----------
    network : Autoencoder
    plan : sequence of sequences of int
        The digits of each stage.
    """

    def __init__(self, network: Autoencoder, plan: Sequence[Sequence[int]]) -> None:
        self.network = network
        heads = network.decoder.heads
        self.device, self.digits = heads.starts.device, len(heads.digits)
        self.visible, self.drawn = (part.to(self.device) for part in prefixes(plan, self.digits))
        self.chance = torch.Generator(self.device)
        renew(self.chance)

    def toss(self, rows: int) -> Tosses:
        """Draw masks and noise: of each row at random, either any digits are hidden and asked for, or a stage is."""
        stage = torch.randint(len(self.visible), (rows,), device=self.device, generator=self.chance)
        staged = self._uniform(rows, 1) < STAGED
        seen = self._uniform(rows, self.digits) < self._uniform(rows, 1)
        latent = self.network.decoder.noise.in_features
        return Tosses(
            visible=torch.where(staged, self.visible[stage], seen),
            asked=torch.where(staged, self.drawn[stage], ~seen),
            noise=torch.randn(rows, latent, device=self.device, generator=self.chance),
            sighted=self._uniform(rows, 1) >= BLIND,
        )

    def losses(self, digits: Tensor, tosses: Tosses) -> Tensor:
        """Return the loss of each row, in nats a digit that is asked for; digits (B, D) -> (B,)."""
        with torch.no_grad():
            mean, log_scale = self.network.encoder(digits)
            latent = (mean + log_scale.exp() * tosses.noise) * tosses.sighted
        decoder = self.network.decoder
        logits = decoder.logits(decoder.state(digits, tosses.visible, latent))
        asked = tosses.asked[:, decoder.heads.digits]
        likelihood = (decoder.heads.log_likelihood(logits, digits) * asked).sum(dim=1)
        return -likelihood / asked.sum(dim=1).clamp(min=1)

    def _uniform(self, rows: int, columns: int) -> Tensor:
        return torch.rand(rows, columns, device=self.device, generator=self.chance)


def decode_real_rows(
    fit: PrivateFit,
    network: Autoencoder,
    plan: Sequence[Sequence[int]],
    *,
    learning_rate: float,
    judge: Callable[[nn.Module], float],
    budget: Budget,
    progress: Progress | None,
) -> tuple[Stopped, int]:
    """Let the decoder learn from real rows, as far as a private fit has paid for it.

    Parameters
    ----------
    fit : PrivateFit
    network : Autoencoder
        Has learned from rows of the tree model; the state that is kept is left in it, frozen.
    plan : sequence of sequences of int
        The digits of each stage.
    learning_rate : float
        Of ordinary learning, at its peak.
    judge : callable
        How far rows that the network draws are from the noisy counts.
    budget, progress
        See `synthx.training.train`.

    Returns
    -------
    (Stopped, int)
        What ended the phase, and after how many steps.
    """
    learns(network)
    reconstruction = RowReconstruction(network, plan)
    rows = Digits(fit.table.codec.domain.sizes).split(torch.from_numpy(fit.table.codes)).to(reconstruction.device)

    def losses(indices: Tensor) -> Tensor:
        return reconstruction.losses(rows[indices], reconstruction.toss(len(indices)))

    done = descend_on_real_rows(
        fit,
        network,
        losses,
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=RATE * learning_rate),
        judge=judge,
        budget=budget,
        progress=progress,
    )
    network.eval().requires_grad_(False)
    return done
