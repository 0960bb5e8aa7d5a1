"""The evidence of single rows, by which an autoencoder learns from real rows.

It is the bound of `latents/autoencoder.py` with nothing shared in a batch: there the masks of a row depend on where in
the batch it stands, here each row tosses for its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from synthx.models.latents.autoencoder import BLIND, Autoencoder
from synthx.models.reconstruction import prefixes

__all__ = ["RowEvidence", "Tosses"]


class Tosses(NamedTuple):
    """What chance decides for rows, each on its own.

    Parameters
    ----------
    visible, asked : bool Tensors, shape (B, D)
        The digits that the decoder sees, and those whose likelihood counts.
    noise : Tensor, shape (B, latent)
        Standard normal; where in the encoder's region the latent vector lies.
    sighted : bool Tensor, shape (B, 1)
        Whether the decoder gets the latent vector.
    """

    visible: Tensor
    asked: Tensor
    noise: Tensor
    sighted: Tensor


class RowEvidence:
    """The negated evidence lower bound of rows, one by one, in nats a cell.

    A row's loss depends on that row, the parameters and fresh noise, and on nothing else of the batch.

    Parameters
    ----------
    network : Autoencoder
        Built of layers whose gradients are known row by row; each is used once.
    plan : sequence of sequences of int
        The digits of each stage.
    beta : float
        What a nat in the latent vector costs. Of no effect on a decoder that learns alone.
    """

    def __init__(self, network: Autoencoder, plan: Sequence[Sequence[int]], *, beta: float) -> None:
        self.network, self.beta = network, beta
        self.device = network.decoder.heads.starts.device
        self.digits, self.latent = len(network.decoder.heads.digits), network.decoder.noise.in_features
        self.visible, self.drawn = (part.to(self.device) for part in prefixes(plan, self.digits))

    def toss(self, rows: int) -> Tosses:
        """Draw masks and noise: of each row at random, either any digits are hidden and asked for, or a stage is."""
        stage = torch.randint(len(self.visible), (rows,), device=self.device)
        staged = torch.rand(rows, 1, device=self.device) < 0.5
        seen = torch.rand(rows, self.digits, device=self.device) < torch.rand(rows, 1, device=self.device)
        return Tosses(
            visible=torch.where(staged, self.visible[stage], seen),
            asked=torch.where(staged, self.drawn[stage], ~seen),
            noise=torch.randn(rows, self.latent, device=self.device),
            sighted=torch.rand(rows, 1, device=self.device) >= BLIND,
        )

    def of(self, digits: Tensor, tosses: Tosses) -> Tensor:
        """Return the loss of each row; digits (B, D) -> (B,)."""
        mean, log_scale = self.network.encoder(digits)
        latent = (mean + log_scale.exp() * tosses.noise) * tosses.sighted
        decoder = self.network.decoder
        logits = decoder.logits(decoder.state(digits, tosses.visible, latent))
        asked = tosses.asked[:, decoder.heads.digits]
        likelihood = (decoder.heads.log_likelihood(logits, digits) * asked).sum(dim=1) / asked.sum(dim=1).clamp(min=1)
        told = (mean.square() + (2 * log_scale).exp() - 1) / 2 - log_scale  # nats a dimension
        return self.beta * told.sum(dim=1) / self.digits - likelihood
