"""Gradient descent as both likelihood models use it."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn

from synthx.training import Budget, Plan, Progress, Stopped, train

__all__ = ["Descent", "Phase", "descend"]

WEIGHT_DECAY = 1e-5
WARM_UP = 0.03
"""The share of training in which the rate rises."""


class Descent:
    """AdamW (Loshchilov & Hutter 2019) at a rate that rises at first, then falls along a cosine.

    Parameters
    ----------
    network : Module
    learning_rate : float
        At its peak.
    """

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        self.peak = learning_rate
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY, fused=True
        )

    def step(self, loss: Tensor, fraction: float) -> Tensor:
        """Go down from a loss, where `fraction` of the training is done; return the loss."""
        rate = self.peak * min(1.0, fraction / WARM_UP + 0.01) * (0.01 + 0.99 * (1 + math.cos(math.pi * fraction)) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def reset(self) -> None:
        """Forget past gradients."""
        self.optimizer.state.clear()


class Phase(Protocol):
    """What is learned by one descent, and judged on held-out rows."""

    descent: Descent

    def step(self, fraction: float) -> Tensor:
        """Take one step, where `fraction` of the training is done; return its loss."""

    def held_out_loss(self, network: nn.Module) -> float:
        """Judge a network; lower is better."""


def descend(
    phase: Phase, network: nn.Module, plan: Plan, budget: Budget, progress: Progress | None
) -> tuple[Stopped, int]:
    """Train a network by a phase; see `synthx.training.train`."""
    return train(
        phase.step,
        network=network,
        loss=phase.held_out_loss,
        budget=budget,
        plan=plan,
        reset=phase.descent.reset,
        progress=progress,
    )
