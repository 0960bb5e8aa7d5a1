"""Gradient descent as both likelihood models use it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["Descent"]

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
