"""The adversarial phase: columns that are drawn together learn to belong together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from synthx.models.drawing import Stage
from synthx.models.layout import Heads
from synthx.models.networks import Completer, Discriminator
from synthx.models.reconstruction import prefixes

__all__ = ["Adversary", "draw_softly"]

PENALTY = 0.02
PENALTY_EVERY = 8
BETAS = (0.0, 0.99)
FACTOR = 4
"""How much faster the discriminator learns than the generator."""


def draw_softly(logits: Tensor, heads: Heads) -> Tensor:
    """Draw one-hot vectors whose gradient is that of a softmax (straight-through Gumbel; Jang et al. 2017,
    arXiv:1611.01144); (B, heads.total) -> (B, heads.total).
    """
    races = torch.empty_like(logits).exponential_().clamp_(min=1e-20).log_()
    drawn = []
    for block in heads.split(logits - races):
        soft = block.softmax(dim=2)
        hard = F.one_hot(soft.argmax(dim=2), soft.shape[2]).to(soft.dtype)
        drawn.append((hard + soft - soft.detach()).flatten(1))
    return torch.cat(drawn, dim=1)


class Adversary:
    """A relativistic pairing GAN on stages (Huang et al. 2024, arXiv:2501.05441).

    Each step takes real rows, hides what follows a random stage, and lets the generator draw that stage anew. The
    discriminator sees the visible part and the stage, real or drawn, and is asked which of the two is more real. Its
    gradient at real stages is penalised every few steps (R1; Mescheder et al. 2018, arXiv:1801.04406).

    Left alone, the generator would forget the likelihoods that it has learned, and with them how to serve conditions.
    So the reconstruction loss stays on as an anchor. It is taken without noise, while drawing has noise; hence it does
    not pull columns of one stage towards independence.

    Parameters
    ----------
    network : Completer
        The generator.
    discriminator : Discriminator
    anchor : callable
        Returns the reconstruction loss of a batch.
    rows : int64 Tensor, shape (rows, digits)
        On the networks' device.
    plan : sequence of sequences of int
        The digits of each stage.
    stages : sequence of Stage
        The same, with their outputs.
    batch_size : int
    learning_rate : float
        Of the generator; the discriminator's is four times that. Both fall along a cosine.
    """

    def __init__(
        self,
        network: Completer,
        discriminator: Discriminator,
        anchor: Callable[[], Tensor],
        rows: Tensor,
        plan: Sequence[Sequence[int]],
        stages: Sequence[Stage],
        *,
        batch_size: int,
        learning_rate: float,
    ) -> None:
        self.network, self.discriminator, self.anchor, self.rows = network, discriminator, anchor, rows
        self.visible = prefixes(plan, rows.shape[1])[0].to(rows.device)
        # A digit that is drawn alone has nothing to belong to: likelihood has taught it all there is.
        self.stages = [(index, stage) for index, stage in enumerate(stages) if len(stage.heads.digits) > 1]
        self.batch_size, self.rate = batch_size, learning_rate
        self.generating = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=BETAS, fused=True)
        self.judging = torch.optim.Adam(discriminator.parameters(), lr=FACTOR * learning_rate, betas=BETAS, fused=True)
        self.turn = 0

    def step(self, fraction: float) -> Tensor:
        """Train the discriminator, then the generator, on one batch; return the sum of their losses."""
        decay = 0.01 + 0.99 * (1 + math.cos(math.pi * fraction)) / 2
        for optimizer, rate in ((self.generating, self.rate), (self.judging, FACTOR * self.rate)):
            for group in optimizer.param_groups:
                group["lr"] = rate * decay
        index, stage = self.stages[int(torch.randint(len(self.stages), ()))]
        picked = torch.randint(len(self.rows), (self.batch_size,), device=self.rows.device)
        digits = self.rows[picked]
        visible = self.visible[index].expand(len(digits), -1)
        noise = torch.randn(len(digits), self.network.noise.in_features, device=digits.device)
        logits = self.network.logits(self.network.state(digits, visible, noise), stage.places)
        drawn, real = draw_softly(logits, stage.heads), stage.heads.one_hot(digits)
        judging = self._judge(digits, visible, stage, real, drawn.detach())
        generating = self._generate(digits, visible, stage, real, drawn)
        self.turn += 1
        return judging.detach() + generating.detach()

    def reset(self) -> None:
        """Forget past gradients."""
        self.generating.state.clear()
        self.judging.state.clear()

    def _judge(self, digits: Tensor, visible: Tensor, stage: Stage, real: Tensor, drawn: Tensor) -> Tensor:
        penalised = self.turn % PENALTY_EVERY == 0
        real = real.requires_grad_(penalised)
        context = self.discriminator.context(digits, visible)
        scores = self.discriminator(context, real, stage.places)
        loss = F.softplus(self.discriminator(context, drawn, stage.places) - scores).mean()
        if penalised:
            (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
            loss = loss + PENALTY_EVERY * PENALTY / 2 * slope.square().sum(dim=1).mean()
        self.judging.zero_grad(set_to_none=True)
        loss.backward()
        self.judging.step()
        return loss

    def _generate(self, digits: Tensor, visible: Tensor, stage: Stage, real: Tensor, drawn: Tensor) -> Tensor:
        self.discriminator.requires_grad_(False)
        context = self.discriminator.context(digits, visible)
        scores = self.discriminator(context, drawn, stage.places)
        loss = F.softplus(self.discriminator(context, real.detach(), stage.places) - scores).mean() + self.anchor()
        self.generating.zero_grad(set_to_none=True)
        loss.backward()
        self.generating.step()
        self.discriminator.requires_grad_(True)
        return loss
