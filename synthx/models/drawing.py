"""Drawing rows from a network that gives the probabilities of hidden digits given visible ones.

Rows are drawn stage by stage. Conditions are kept by construction: a code that is not allowed has probability zero.
What a condition fixes to a single code is visible from the start; digits that a condition restricts to several codes
are drawn next, one after the other, and weighted so that together they follow the model's joint distribution given all
conditions (sequential importance resampling; Doucet, de Freitas & Gordon 2001, chapter 1); the rest follows in its
stages.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from synthx.condition import Window
from synthx.models.layout import Digits, Heads
from synthx.models.networks import NEVER, Completer

__all__ = ["CANDIDATES", "Stage", "StagedSampler", "draw_heads", "pick_heads", "resample"]

CANDIDATES = 4
"""Candidates a row where several conditions have to agree."""


class Stage:
    """The digits that are drawn together.

    Parameters
    ----------
    sizes : tuple of int
        The number of values of every digit.
    digits : tuple of int
        Those of this stage.
    full : Heads
        The outputs of the network.
    """

    def __init__(self, sizes: tuple[int, ...], digits: tuple[int, ...], full: Heads) -> None:
        device = full.starts.device
        self.heads = Heads(sizes, digits).to(device)
        self.places = full.places(self.heads.digits.tolist()).to(device)
        """Where the stage's outputs lie among all outputs."""


def draw_heads(logits: Tensor, heads: Heads, generator: torch.Generator) -> Tensor:
    """Draw one value a head from its softmax; logits (B, heads.total) -> (B, heads)."""
    uniform = torch.rand(len(logits), len(heads.digits), generator=generator, device=logits.device)
    return pick_heads(logits, heads, uniform)


def pick_heads(logits: Tensor, heads: Heads, uniform: Tensor) -> Tensor:
    """Return the value a head that uniform numbers pick from its softmax; (B, heads.total), (B, heads) -> (B, heads).

    One number a head runs along the cumulative weights. A value of weight zero is never met: the first place whose sum
    exceeds the number is one that adds to the sum.
    """
    uniform = uniform.unsqueeze(2)
    drawn, start = [], 0
    for block in heads.split(logits):
        below = (block - block.amax(dim=2, keepdim=True)).exp_().cumsum_(dim=2)  # (B, H, W)
        most = below[..., -1:]
        goal = torch.minimum(
            uniform[:, start : start + block.shape[1]] * most, torch.nextafter(most, most.new_zeros(()))
        )
        drawn.append((below <= goal).sum(dim=2))
        start += block.shape[1]
    return torch.cat(drawn, dim=1)


def resample(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` indices in proportion to weights, evenly spread (systematic resampling), in random order."""
    device = weights.device
    below = weights.cumsum(dim=0)
    spread = torch.arange(count, device=device).double() + torch.rand((), generator=generator, device=device)
    chosen = torch.searchsorted(below, spread / count * below[-1]).clamp(max=len(weights) - 1)
    return chosen[torch.randperm(count, generator=generator, device=device)]


class StagedSampler:
    """Draws coded rows.

    Parameters
    ----------
    network : Completer
        In evaluation mode, on any device.
    digits : Digits
        How codes are written as digits.
    plan : tuple of tuples of int
        The digits of each stage.
    drawn : bool array, shape (sum of column sizes,)
        Codes that may be drawn when nothing is asked of their column.
    marginals : Tensor, shape (heads.total,)
        Log-frequencies of the training rows, which the first stage follows exactly when nothing is given.
    """

    def __init__(
        self,
        network: Completer,
        digits: Digits,
        plan: tuple[tuple[int, ...], ...],
        drawn: np.ndarray,
        marginals: Tensor,
    ) -> None:
        self.network, self.digits, self.marginals = network, digits, marginals
        self.device = marginals.device
        self.stages = [Stage(digits.sizes, stage, network.heads) for stage in plan]
        ends = np.cumsum(digits.column_sizes)
        self.drawn = [drawn[end - size : end] for size, end in zip(digits.column_sizes, ends, strict=True)]

    def with_network(self, network: Completer) -> StagedSampler:
        """Return a sampler of the same kind that draws from another network."""
        twin = copy.copy(self)
        twin.network = network
        return twin

    def draw(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Draw codes, shape (rows, columns); see `draw_digits`."""
        return self.digits.join(self.draw_digits(rows, windows, generator))

    @torch.no_grad()
    def draw_digits(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Draw rows.

        Parameters
        ----------
        rows : int
        windows : mapping of int to Window
            What is allowed of each conditioned column, by its index.
        generator : torch.Generator
            On the network's device.

        Returns
        -------
        Tensor, shape (rows, digits), int64
        """
        count = len(self.digits.sizes)
        values = torch.zeros(rows, count, dtype=torch.long, device=self.device)
        visible = torch.zeros(1, count, dtype=torch.bool, device=self.device)
        allowed = [
            torch.as_tensor(self._allowed(column, windows), device=self.device) for column in range(len(self.drawn))
        ]
        for column in sorted(windows, key=lambda column: windows[column].only_code is None):
            code = windows[column].only_code
            for place, digit in enumerate(self.digits.of_column(column)):
                if code is None:
                    values = self._draw_restricted(values, visible, digit, allowed, generator)
                else:
                    values[:, digit] = self.digits.split_code(column, code)[place]
                visible[:, digit] = True
        for stage in self.stages:
            self._draw_stage(stage, values, visible, allowed, generator)
        return values

    def _allowed(self, column: int, windows: Mapping[int, Window]) -> np.ndarray:
        """Return the weight of each code of a column, as float32, shape (firsts, seconds) if it has two digits."""
        window = windows.get(column)
        weights = self.drawn[column].astype(np.float32) if window is None else window.weights.astype(np.float32)
        base = self.digits.base(column)
        if base == 1:
            return weights
        padded = np.zeros(-(-len(weights) // base) * base, np.float32)
        padded[: len(weights)] = weights
        return padded.reshape(-1, base)

    def _weights(self, digit: int, values: Tensor, allowed: list[Tensor]) -> Tensor:
        """Return the weight of each value of a digit: shape (1, values), or (rows, values) for a second digit."""
        weights = allowed[self.digits.column[digit]]
        if digit in self.digits.second:
            return weights[values[:, digit - 1]]
        return weights[None] if weights.ndim == 1 else weights.amax(dim=1)[None]

    def _draw_restricted(
        self, values: Tensor, visible: Tensor, digit: int, allowed: list[Tensor], generator: torch.Generator
    ) -> Tensor:
        """Draw one digit among several allowed values, and keep rows whose earlier digits agree with that."""
        rows, size = len(values), self.digits.sizes[digit]
        stage = Stage(self.digits.sizes, (digit,), self.network.heads)
        differ = bool((values != values[:1]).any())
        candidates = values.repeat(CANDIDATES if differ else 1, 1)
        logits = self._logits(candidates, visible, stage, generator)
        of_all = logits.logsumexp(dim=1)
        logits[:, :size] += self._weights(digit, candidates, allowed).log().clamp(min=NEVER)
        if differ:
            agreement = logits.logsumexp(dim=1) - of_all  # the log-probability that the digit is allowed
            kept = resample((agreement - agreement.max()).double().exp(), rows, generator)
            candidates, logits = candidates[kept], logits[kept]
        candidates[:, digit] = draw_heads(logits, stage.heads, generator).squeeze(1)
        return candidates

    def _draw_stage(
        self, stage: Stage, values: Tensor, visible: Tensor, allowed: list[Tensor], generator: torch.Generator
    ) -> None:
        """Draw the stage's digits that are still hidden, in place."""
        logits = self._logits(values, visible, stage, generator)
        start = 0
        for digit, width in zip(stage.heads.digits.tolist(), stage.heads.widths, strict=True):
            weights = self._weights(digit, values, allowed)
            if bool((weights != 1).any()):
                part = logits[:, start : start + weights.shape[1]]
                part += weights.log().clamp(min=NEVER)
            start += width
        drawn = draw_heads(logits, stage.heads, generator)
        hidden = ~visible[0, stage.heads.digits]
        values[:, stage.heads.digits[hidden]] = drawn[:, hidden]
        visible[:, stage.heads.digits] = True

    def _logits(self, values: Tensor, visible: Tensor, stage: Stage, generator: torch.Generator) -> Tensor:
        """Return the stage's logits; shape (rows, places).

        A stage of one digit has nothing to belong to, hence no noise; rows that look the same then have the same logits
        and pass the network once.
        """
        rows = len(values)
        if len(stage.heads.digits) > 1:
            noise = torch.randn(rows, self.network.noise.in_features, device=self.device, generator=generator)
            return self.network.logits(self.network.state(values, visible.expand(rows, -1), noise), stage.places)
        shown = visible[0].nonzero().flatten().tolist()
        if not shown and stage is self.stages[0]:
            return self.marginals[stage.places].expand(rows, -1).clone()
        distinct, of_row = self._distinct(values, shown)
        state = self.network.state(distinct, visible.expand(len(distinct), -1))
        return self.network.logits(state, stage.places)[of_row]

    def _distinct(self, values: Tensor, shown: list[int]) -> tuple[Tensor, Tensor]:
        """Return rows that together look like all rows in the digits shown, and which of them each row looks like."""
        sizes = [self.digits.sizes[digit] for digit in shown]
        if math.prod(sizes) > len(values):
            return values, torch.arange(len(values), device=self.device)
        key = torch.zeros(len(values), dtype=torch.long, device=self.device)
        for digit, size in zip(shown, sizes, strict=True):
            key = key * size + values[:, digit]
        keys, of_row = torch.unique(key, return_inverse=True)
        example = torch.empty(len(keys), dtype=torch.long, device=self.device)
        example[of_row] = torch.arange(len(values), device=self.device)
        return values[example], of_row
