"""The autoregressive network learns real rows under differential privacy.

`Autoregression` is `Autoregressor` in another form: the same parameters, the same likelihood. What differs is that rows
come first in every tensor, that each parameter belongs to a layer which ghost clipping knows, and that no row shares
anything with the others of its batch, neither an order that is handed out by position nor a mask of hidden units.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.causal import Autoregressor
from synthx.models.layout import Digits
from synthx.models.ordered_drawing import OrderedSampler
from synthx.models.orders import digit_positions
from synthx.models.private.budget import GradientPlan
from synthx.models.private.descent import descend_on_real_rows
from synthx.models.private.raking import raked
from synthx.training import Budget, Progress, Stopped
from synthx_privacy.measurements import distance
from synthx_privacy.stacked import StackedLinear, StackedVectors

if TYPE_CHECKING:
    from synthx.models.private.fit import PrivateFit

__all__ = ["Autoregression", "gradient_plan", "learn_real_rows"]

STEPS, RATE = 600, 1e-2
DESCENT_SHARE = 0.85
"""Of the time budget; matching the counts has the rest."""
BATCHES, BATCH = 32, (64, 2_048)
"""A step sees one row in 32, from 64 to 2,048: once the noise is large, larger batches only take longer."""
ROW_NORM = 4.0
"""A row's gradient is about so long, times the root of the digits. Losses are scaled so that such a one is just
clipped: if all were, rare values, whose gradients are the longest, would have less than their share."""
JUDGED_ROWS = 20_000


def gradient_plan(rows: float, steps: int | None) -> GradientPlan:
    """Return how to learn about so many real rows, in at most so many steps."""
    batch = round(min(max(rows / BATCHES, BATCH[0]), BATCH[1]))
    return GradientPlan(batch=batch, steps=min(STEPS, steps or STEPS))


def learn_real_rows(
    fit: PrivateFit,
    network: Autoregressor,
    order: Sequence[int],
    budget: Budget,
    progress: Progress | None,
    seed: int,
) -> tuple[Autoregressor, Stopped, int]:
    """Take a network that has learned imagined rows through the real ones, in one order of the columns.

    States are judged by rows drawn from them, after raking, since that is how they will be used.

    Parameters
    ----------
    fit : PrivateFit
        Pays for it.
    network : Autoregressor
        Is left as it is.
    order : sequence of int
        Of the columns.
    budget, progress
        See `synthx.training.train`.
    seed : int
        For the rows that states are judged by; it reaches neither noise nor batches.

    Returns
    -------
    (Autoregressor, Stopped, int)
        The network, what ended the descent, and after how many steps.
    """
    digits = Digits(fit.table.codec.domain.sizes)
    learner = Autoregression(network, digit_positions(digits, torch.tensor([list(order)]).argsort())[0])
    device = network.vectors.device
    rows = digits.split(torch.from_numpy(fit.table.codes)).to(device, torch.int32)
    scale = 1 / (ROW_NORM * len(digits.sizes) ** 0.5)

    def judge(averaged: nn.Module) -> float:
        assert isinstance(averaged, Autoregression)
        sampler = OrderedSampler(averaged.plain(), digits, order, fit.table.codec.drawn)
        drawn = sampler.draw(JUDGED_ROWS, {}, torch.Generator(device).manual_seed(seed)).cpu().numpy()
        own = raked(fit.measurements, drawn, np.random.default_rng(seed))
        return max(1.0, distance(fit.measurements, own))  # below one, noise is all that tells states apart

    stopped, steps = descend_on_real_rows(
        fit,
        learner,
        lambda indices: scale * learner(rows[indices].long()),
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=RATE, betas=(0.9, 0.99)),
        judge=judge,
        budget=budget,
        progress=progress,
        up_to=DESCENT_SHARE,
    )
    return learner.plain(), stopped, steps


class Autoregression(nn.Module):
    """The log-likelihood of rows in one order of their digits.

    Parameters
    ----------
    network : Autoregressor
        Its weights are where learning starts; it is not changed.
    positions : Tensor, shape (digits,)
        When each digit comes.

    **Shape**: int64 digits (B, digits) -> negative log-likelihoods (B,), in nats.
    """

    before: Tensor

    def __init__(self, network: Autoregressor, positions: Tensor) -> None:
        super().__init__()
        self.heads = copy.deepcopy(network.heads)
        count, width, hidden = network.enter.shape
        self.vectors = StackedVectors(self.heads.total, width)
        self.enter = StackedLinear(count, width, hidden)
        self.mix = StackedLinear(count, hidden, hidden)
        self.leave = nn.ModuleList(StackedLinear(heads, hidden, values) for heads, values in self.heads.blocks)
        self.register_buffer("before", _before(positions[self.heads.digits.to(positions.device)]), persistent=False)
        self._shape = (tuple(network.size(digit) for digit in range(count)), width, hidden)
        self.to(network.vectors.device)
        with torch.no_grad():
            for ours, theirs in self._pairs(network):
                ours.copy_(theirs)

    def forward(self, digits: Tensor) -> Tensor:
        places = digits[:, self.heads.digits] + self.heads.starts  # (B, D), rising
        hidden = self.enter(self.before @ self.vectors(places))  # (B, D, H)
        hidden = F.relu(hidden + self.mix(F.relu(hidden)))
        counts = [count for count, _ in self.heads.blocks]
        values = digits[:, self.heads.digits].unsqueeze(2).split(counts, dim=1)
        losses = []
        for layer, part, value in zip(self.leave, hidden.split(counts, dim=1), values, strict=True):
            logits = layer(part)  # (B, heads, values)
            losses.append((logits.logsumexp(dim=2) - logits.gather(2, value).squeeze(2)).sum(dim=1))
        return torch.stack(losses).sum(dim=0)  # (B,)

    def plain(self) -> Autoregressor:
        """Return the network in its usual form, with copies of the weights as they are now."""
        sizes, width, hidden = self._shape
        network = Autoregressor(sizes, width=width, hidden=hidden).to(self.vectors.weight.device)
        with torch.no_grad():
            for ours, theirs in self._pairs(network):
                theirs.copy_(ours)
        return network.eval().requires_grad_(False)

    def _pairs(self, network: Autoregressor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every parameter of ours with that of the network in its usual form; of ours a view at most."""
        yield self.vectors.weight, network.vectors
        for layer, weight, bias in (
            (self.enter, network.enter, network.enter_bias),
            (self.mix, network.mix, network.mix_bias),
        ):
            yield layer.weight, weight
            assert layer.bias is not None
            yield layer.bias, bias
        outputs = network.bias.split([count * values for count, values in self.heads.blocks])
        for head, weight, bias in zip(self.leave, network.leave, outputs, strict=True):
            assert isinstance(head, StackedLinear) and head.bias is not None
            yield head.weight, weight
            yield head.bias, bias.view_as(head.bias)


def _before(positions: Tensor) -> Tensor:
    """Return the matrix that sums what comes before each digit, scaled as in `Autoregressor`; (D,) -> (D, D)."""
    before = (positions[None, :] < positions[:, None]).float()
    return before / (before.sum(dim=1, keepdim=True) + 1).sqrt()
