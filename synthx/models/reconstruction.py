"""The likelihood phase: a completer learns to say what hidden cells are, given visible ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from synthx.models.descent import Descent
from synthx.models.networks import Completer

__all__ = ["Reconstruction", "prefixes"]

HELD_OUT_BATCH = 4_096


def prefixes(plan: Sequence[Sequence[int]], digits: int) -> tuple[Tensor, Tensor]:
    """Return which digits are visible when each stage is drawn, and which belong to it; two bool (stages, digits)."""
    visible = torch.zeros(len(plan), digits, dtype=torch.bool)
    drawn = torch.zeros(len(plan), digits, dtype=torch.bool)
    for index, stage in enumerate(plan):
        drawn[index, list(stage)] = True
        visible[index] = drawn[:index].any(dim=0)
    return visible, drawn


class Reconstruction:
    """Maximum likelihood with random cells hidden.

    Half of the rows of a batch hide a random set of cells, of a size that is uniform from all to none, and are asked
    for all of them: that serves any condition. The other half show what precedes a random stage and are asked for that
    stage: that is what drawing meets.

    Parameters
    ----------
    network : Completer
    rows, held_out : int64 Tensors, shape (rows, digits)
        On the network's device.
    plan : sequence of sequences of int
        The digits of each stage.
    batch_size : int
    learning_rate : float
        At its peak; it rises at first, then falls along a cosine.
    """

    def __init__(
        self,
        network: Completer,
        rows: Tensor,
        held_out: Tensor,
        plan: Sequence[Sequence[int]],
        *,
        batch_size: int,
        learning_rate: float,
    ) -> None:
        self.network, self.rows = network, rows
        self.visible, self.drawn = (part.to(rows.device) for part in prefixes(plan, rows.shape[1]))
        self.batch_size = batch_size
        self.descent = Descent(network, learning_rate)
        self.held_out = held_out[:HELD_OUT_BATCH]
        self.held_out_masks = self._masks(len(self.held_out))

    def step(self, fraction: float) -> Tensor:
        """Take one step; return the mean negative log-likelihood of a hidden cell, in nats."""
        return self.descent.step(self.loss(), fraction)

    def loss(self) -> Tensor:
        """Return the loss of a random batch, ready to be differentiated."""
        picked = torch.randint(len(self.rows), (self.batch_size,), device=self.rows.device)
        return _loss(self.network, self.rows[picked], *self._masks(self.batch_size))

    @torch.no_grad()
    def held_out_loss(self, network: nn.Module) -> float:
        """Return the loss on the held-out rows, under the same masks at every call."""
        assert isinstance(network, Completer)
        return float(_loss(network, self.held_out, *self.held_out_masks))

    def _masks(self, count: int) -> tuple[Tensor, Tensor]:
        """Return what is visible and what is asked for; two bool tensors (count, digits)."""
        device = self.rows.device
        visible = torch.rand(count, self.rows.shape[1], device=device) < torch.rand(count, 1, device=device)
        stage = torch.randint(len(self.visible), (count // 2,), device=device)
        visible[: count // 2] = self.visible[stage]
        asked = ~visible
        asked[: count // 2] = self.drawn[stage]
        return visible, asked


def _loss(network: Completer, digits: Tensor, visible: Tensor, asked: Tensor) -> Tensor:
    logits = network.logits(network.state(digits, visible))
    likelihood = network.heads.log_likelihood(logits, digits)  # (B, D), in the heads' order
    asked = asked[:, network.heads.digits]
    return -((likelihood * asked).sum(dim=1) / asked.sum(dim=1).clamp(min=1)).mean()
