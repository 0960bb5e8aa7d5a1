"""Learning from real rows by gradient descent with noise, and which state of the network to keep.

The network has learned from rows of the tree model already. Its state is kept as a moving average over the steps, which
costs nothing. Which of several states is best must not be asked of the real rows: it is asked of the noisy counts,
which have been paid for.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from synthx.models.private.budget import DESCENT
from synthx.training import Budget, Progress, ProgressEvent, Stopped

if TYPE_CHECKING:
    from synthx.models.private.fit import PrivateFit

__all__ = ["descend_on_real_rows"]

CHECKS = 8
"""How often the network is judged."""
AVERAGE = 0.98
"""Decay of the moving average of weights, a step."""
TOLERANCE = 1.25
"""The latest state is kept whose distance from the noisy counts is at most so many times the least: later states know
more of what was not counted."""

Losses = Callable[[Tensor], Tensor]
"""From indices of rows, int64 of shape (rows,), to one loss a row."""


def descend_on_real_rows(
    fit: PrivateFit,
    network: nn.Module,
    losses: Losses,
    *,
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
    judge: Callable[[nn.Module], float],
    budget: Budget,
    progress: Progress | None,
    extra: Losses | None = None,
    extra_units: int = 0,
    after_step: Callable[[float], None] = lambda _: None,
    kept: nn.Module | None = None,
    up_to: float = 1.0,
    ghost: bool = True,
) -> tuple[Stopped, int]:
    """Take the planned steps, or as many as the time allows, and leave the state that is kept in the network.

    Parameters
    ----------
    fit : PrivateFit
        Has a `descent`; its account pays for the steps that are taken.
    network : Module
        What learns from real rows; each loss must depend on one row alone.
    losses : callable
    optimizer : callable
        Makes the optimizer; its learning rate falls along a cosine.
    judge : callable
        How far the network is from the noisy counts; must not read real rows.
    budget, progress
        See `synthx.training.train`.
    extra, extra_units
        Losses of rows that are not data (a generator's), and how many of them come into every step.
    after_step : callable
        Called after every step with the share of steps taken; may train other networks, not on real rows.
    kept : Module, optional
        The network that is averaged, judged and kept, where it is not the one that learns from real rows.
    up_to : float
        The descent ends when this share of the time budget is used.
    ghost : bool
        See `PrivateDescent`.

    Returns
    -------
    (Stopped, int)
        What ended the descent, and after how many steps.
    """
    from synthx_privacy.dpsgd import PoissonSampler, PrivateDescent

    assert fit.descent is not None
    plan = fit.descent.plan
    descent = PrivateDescent(
        network,
        optimizer=optimizer,
        noise_multiplier=fit.descent.noise,
        clip=plan.clip,
        divisor=plan.batch,
        extra_units=extra_units,
        ghost=ghost,
        phase=DESCENT,
    )
    rates = [group["lr"] for group in descent.optimizer.param_groups]
    states = _States(network if kept is None else kept, judge)
    sampler = PoissonSampler(len(fit.table.codes), fit.descent.rate, plan.steps)
    stopped: Stopped = "finished"
    every = max(1, plan.steps // CHECKS)
    # Charged in full, however it ends: when it stops by the clock depends on how fast it was, and so on the rows.
    with fit.account.charge(DESCENT):
        try:
            network.train()
            for indices in sampler:
                share = sampler.taken / plan.steps
                for group, rate in zip(descent.optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
                descent.step(losses, indices, extra)
                after_step(share)
                states.note()
                if sampler.taken % every == 0 or sampler.taken == plan.steps:
                    message = states.check()
                    if progress is not None:
                        progress(ProgressEvent("private training", share, message, budget.seconds))
                if budget.share_used(up_to) >= 1:
                    stopped = "time"
                    break
        except KeyboardInterrupt:
            stopped = "interrupted"
    states.keep()
    return stopped, sampler.taken


class _States:
    """The moving average of a network's weights, and its states at the checks."""

    def __init__(self, network: nn.Module, judge: Callable[[nn.Module], float]) -> None:
        self.network, self.judge = network, judge
        self.averaged = copy.deepcopy(network)
        self.seen: list[tuple[float, dict[str, Any]]] = []
        self.check()

    def note(self) -> None:
        with torch.no_grad():
            torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1 - AVERAGE)

    def check(self) -> str:
        """Judge the averaged weights and remember them; return a figure worth showing."""
        distance = self.judge(self.averaged)
        self.seen.append((distance if math.isfinite(distance) else math.inf, copy.deepcopy(self.averaged.state_dict())))
        return f"distance from noisy counts {distance:.2f}"

    def keep(self) -> None:
        """Put the latest of the good states into the network."""
        least = min(distance for distance, _ in self.seen)
        good = [state for distance, state in self.seen if distance <= TOLERANCE * least]
        self.network.load_state_dict(good[-1] if good else self.seen[0][1])
