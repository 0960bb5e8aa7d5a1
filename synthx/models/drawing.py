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
from synthx.models.allowed import Allowed
from synthx.models.layout import Digits, Heads
from synthx.models.networks import Completer
from synthx.models.picking import draw_heads, resample

__all__ = ["CANDIDATES", "Stage", "StagedSampler"]

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
        self.network, self.digits, self.drawn, self.marginals = network, digits, drawn, marginals
        self.device = marginals.device
        self.stages = [Stage(digits.sizes, stage, network.heads) for stage in plan]

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
        allowed = Allowed(self.digits, self.drawn, windows, self.device)
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

    def _draw_restricted(
        self, values: Tensor, visible: Tensor, digit: int, allowed: Allowed, generator: torch.Generator
    ) -> Tensor:
        """Draw one digit among several allowed values, and keep rows whose earlier digits agree with that."""
        stage = Stage(self.digits.sizes, (digit,), self.network.heads)
        differ = bool((values != values[:1]).any())
        candidates = values.repeat(CANDIDATES if differ else 1, 1)
        logits = self._logits(candidates, visible, stage, generator)
        ruled = allowed.rule_out_heads(stage.heads, logits, candidates)
        if differ:
            # The log-probability that the digit is allowed:
            agreement = ruled.logsumexp(dim=1) - logits.logsumexp(dim=1)
            kept = resample((agreement - agreement.max()).double().exp(), len(values), generator)
            candidates, ruled = candidates[kept], ruled[kept]
        candidates[:, digit] = draw_heads(ruled, stage.heads, generator).squeeze(1)
        return candidates

    def _draw_stage(
        self, stage: Stage, values: Tensor, visible: Tensor, allowed: Allowed, generator: torch.Generator
    ) -> None:
        """Draw the stage's digits that are still hidden, in place."""
        logits = self._logits(values, visible, stage, generator)
        drawn = draw_heads(allowed.rule_out_heads(stage.heads, logits, values), stage.heads, generator)
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
