"""Picking values by uniform numbers that run along cumulative weights (inverse transform sampling)."""

from __future__ import annotations

import torch
from torch import Tensor

from synthx.models.layout import Heads

__all__ = ["draw_heads", "pick", "pick_heads", "resample", "uniform_of_heads"]


def pick(below: Tensor, uniform: Tensor) -> Tensor:
    """Return the values that uniform numbers pick.

    A value of weight zero is never met: the first place whose sum exceeds the number is one that adds to the sum.

    Parameters
    ----------
    below : Tensor, shape (..., values)
        Cumulative weights, up to a factor.
    uniform : Tensor, shape (..., picks)
        In [0, 1).

    Returns
    -------
    int64 Tensor, shape (..., picks)
    """
    most = below[..., -1:]
    goal = torch.minimum(uniform * most, torch.nextafter(most, most.new_zeros(())))
    return torch.searchsorted(below.to(goal.dtype), goal, right=True)


def pick_heads(logits: Tensor, heads: Heads, uniform: Tensor) -> Tensor:
    """Return the value a head that uniform numbers pick from its softmax.

    **Shape**: logits (B, heads.total), uniform (B, heads) -> (B, heads).
    """
    numbers = uniform.split([count for count, _ in heads.blocks], dim=1)
    picked = [
        pick(_cumulative(block), number.unsqueeze(2)).squeeze(2)
        for block, number in zip(heads.split(logits), numbers, strict=True)
    ]
    return torch.cat(picked, dim=1)


def draw_heads(logits: Tensor, heads: Heads, generator: torch.Generator) -> Tensor:
    """Draw one value a head from its softmax; logits (B, heads.total) -> (B, heads)."""
    uniform = torch.rand(len(logits), len(heads.digits), generator=generator, device=logits.device)
    return pick_heads(logits, heads, uniform)


def uniform_of_heads(logits: Tensor, heads: Heads, picked: Tensor, inside: Tensor) -> Tensor:
    """Return uniform numbers by which `pick_heads` picks given values; `inside` (0 to 1) says which of many.

    A value that cannot be picked gets the end of an empty interval, and so its neighbour will be.

    Parameters
    ----------
    logits : Tensor, shape (rows, heads.total)
    picked : int64 Tensor, shape (rows, heads)
    inside : float64 Tensor, shape (rows, heads)
    """
    counts = [count for count, _ in heads.blocks]
    found = []
    for block, value, share in zip(
        heads.split(logits), picked.unsqueeze(2).split(counts, dim=1), inside.split(counts, dim=1), strict=True
    ):
        below = _cumulative(block).double()
        high = below.gather(2, value).squeeze(2)
        low = torch.where(value > 0, below.gather(2, (value - 1).clamp(min=0)), 0.0).squeeze(2)
        found.append((low + (high - low) * share) / below[..., -1])
    return torch.cat(found, dim=1).clamp(1e-12, 1 - 1e-12)


def _cumulative(block: Tensor) -> Tensor:
    """Return the cumulative weights of logits' softmax, up to a factor; (..., values) -> (..., values)."""
    return (block - block.amax(dim=-1, keepdim=True)).exp_().cumsum_(dim=-1)


def resample(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` indices in proportion to weights, evenly spread (systematic resampling), in random order."""
    device = weights.device
    below = weights.cumsum(dim=0)
    spread = torch.arange(count, device=device).double() + torch.rand((), generator=generator, device=device)
    chosen = torch.searchsorted(below, spread / count * below[-1]).clamp(max=len(weights) - 1)
    return chosen[torch.randperm(count, generator=generator, device=device)]
