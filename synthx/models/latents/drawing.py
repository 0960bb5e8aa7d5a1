"""Drawing rows by way of a latent space, and telling which noise a row would come from.

A row is made from standard normal noise of two sorts: the flow of the prior carries one vector to the latent space, and
one number for each digit picks a value from what the decoder leaves open. Both can be told for a given row; so rows can
be moved a little, or on a path from one to another, by moving their noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from synthx.condition import Window
from synthx.models.allowed import Allowed
from synthx.models.drawing import Stage
from synthx.models.latents.autoencoder import Autoencoder
from synthx.models.latents.prior import Prior
from synthx.models.layout import Digits
from synthx.models.picking import pick_heads, resample, uniform_of_heads

__all__ = ["LatentSampler"]

PILOT = 1_024
"""Candidates that are drawn to see how many are needed."""
EFFECTIVE = 0.5
"""Effective candidates a row that are aimed at."""
MOST_CANDIDATES, FEWEST_CANDIDATES = 8, 16_384
"""As many a row may be drawn, or as many in all, whichever is more; beyond, the prior is shown more of a condition."""


class _Draft(NamedTuple):
    """Rows of which some digits are drawn: values (rows, digits), which are visible (1, digits), latent vectors."""

    values: Tensor
    visible: Tensor
    latent: Tensor


class LatentSampler:
    """Draws coded rows by a latent vector each.

    Without conditions, the first stage, if it is a single digit, follows the frequencies of the training table exactly;
    then the prior draws the latent vector given that digit; the other stages follow given both.

    Conditions are kept by construction: a code that is not allowed has probability zero. That the rest follows them
    is the work of the latent vectors: several candidates a row are drawn, and weighted by how probable they make what
    is asked (importance resampling). That is exact in the limit of many candidates. Where too few of them fit, the
    prior draws them given all that is fixed to a single code, as it has learned to for any set of columns; how
    faithful such rows are depends on how well it has.

    Parameters
    ----------
    network : Autoencoder
        In evaluation mode, on any device.
    prior : Prior
    digits : Digits
        How codes are written as digits.
    plan : tuple of tuples of int
        The digits of each stage.
    drawn : bool array, shape (sum of column sizes,)
        Codes that may be drawn when nothing is asked of their column.
    marginals : Tensor, shape (heads.total,)
        Log-frequencies of the training rows.
    """

    def __init__(
        self,
        network: Autoencoder,
        prior: Prior,
        digits: Digits,
        plan: tuple[tuple[int, ...], ...],
        drawn: np.ndarray,
        marginals: Tensor,
    ) -> None:
        self.encoder, self.decoder, self.prior = network.encoder, network.decoder, prior
        self.digits, self.drawn, self.marginals = digits, drawn, marginals
        self.device = marginals.device
        self.stages = [self._stage(stage) for stage in plan]
        self.lead = plan[0] if len(plan[0]) == 1 else ()

    def draw(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Draw codes, shape (rows, columns), that lie in the windows."""
        return self.digits.join(self.draw_digits(rows, windows, generator))

    @torch.no_grad()
    def draw_digits(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Draw rows; see `StagedSampler.draw_digits`."""
        allowed = self._allowed(windows)
        if windows:
            values, visible, latent = self._draw_asked(rows, windows, allowed, generator)
        else:
            values, visible = self._nothing(rows)
            if self.lead:
                stage = self.stages[0]
                marginals = self.marginals[stage.places].expand(rows, -1)
                logits = allowed.rule_out_heads(stage.heads, marginals, values)
                values[:, stage.heads.digits] = pick_heads(logits, stage.heads, self._uniform((rows, 1), generator))
                visible[:, stage.heads.digits] = True
            latent = self._draw_latent(values, visible, generator)
        self._pick(self.stages, values, visible, latent, allowed, self._uniform(values.shape, generator))
        return values

    # -- noise to rows and back ---------------------------------------------------------------------------------

    @torch.no_grad()
    def locate(self, digits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the noise that the prior would carry to where the encoder puts rows; (B, D) -> (B, latent).

        The encoder gives a region; the answer is its centre, or, with a generator, a random point in it.
        """
        point, log_scale = self.encoder(digits)
        if generator is not None:
            point = point + log_scale.exp() * torch.randn(point.shape, device=self.device, generator=generator)
        return self.prior.flow(point, self._context(*self._nothing(1)), backwards=True)

    @torch.no_grad()
    def compose(self, noise: Tensor, scores: Tensor, windows: Mapping[int, Window]) -> Tensor:
        """Return the rows that noise stands for.

        Parameters
        ----------
        noise : Tensor, shape (rows, latent)
        scores : float64 Tensor, shape (rows, digits)
            Standard normal numbers that pick each digit's value from its distribution.
        windows : mapping of int to Window
            What is allowed of each conditioned column; these are drawn first.

        Returns
        -------
        Tensor, shape (rows, digits), int64
        """
        values, visible = self._nothing(len(noise))
        latent = self.prior.flow(noise, self._context(*self._nothing(1)))
        first = [self._stage((digit,)) for column in windows for digit in self.digits.of_column(column)]
        self._pick(first + self.stages, values, visible, latent, self._allowed(windows), torch.special.ndtr(scores))
        return values

    @torch.no_grad()
    def scores(self, digits: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        """Return standard normal numbers from which, with `noise`, `compose` makes the given rows again.

        Many numbers pick the same value; one of them is chosen at random.

        Returns
        -------
        float64 Tensor, shape (rows, digits)
        """
        _, visible = self._nothing(len(digits))
        allowed = self._allowed({})
        latent = self.prior.flow(noise, self._context(*self._nothing(1)))
        uniform = self._uniform(digits.shape, generator).double()
        for stage in self.stages:
            logits = self._logits(stage, digits, visible, latent, allowed)
            owners = stage.heads.digits
            uniform[:, owners] = uniform_of_heads(logits, stage.heads, digits[:, owners], uniform[:, owners])
            visible[:, owners] = True
        scores: Tensor = torch.special.ndtri(uniform)
        return scores

    # -- conditions ---------------------------------------------------------------------------------------------

    def _draw_asked(
        self, rows: int, windows: Mapping[int, Window], allowed: Allowed, generator: torch.Generator
    ) -> _Draft:
        """Draw what conditions name, and latent vectors that suit it."""
        fixed = self._fixed(windows)
        several = (digit for column in windows for digit in self.digits.of_column(column) if digit not in fixed)
        asked = [*fixed, *several]
        most = max(MOST_CANDIDATES * rows, FEWEST_CANDIDATES)
        for shown in ({digit: value for digit, value in fixed.items() if digit in self.lead}, fixed):
            _, weights = self._draw_candidates(PILOT, shown, asked, allowed, generator)
            candidates = math.ceil(EFFECTIVE * rows / _effective_share(weights))
            if candidates <= most:
                break
        draft, weights = self._draw_candidates(min(most, max(rows, candidates)), shown, asked, allowed, generator)
        kept = resample(weights, rows, generator)
        return _Draft(draft.values[kept], draft.visible, draft.latent[kept])

    def _fixed(self, windows: Mapping[int, Window]) -> dict[int, int]:
        """Return the digits that conditions fix, and their values."""
        fixed: dict[int, int] = {}
        for column, window in windows.items():
            if window.only_code is not None:
                values = self.digits.split_code(column, window.only_code)
                fixed |= dict(zip(self.digits.of_column(column), values, strict=True))
        return fixed

    def _draw_candidates(
        self, count: int, shown: Mapping[int, int], asked: Sequence[int], allowed: Allowed, generator: torch.Generator
    ) -> tuple[_Draft, Tensor]:
        """Draw latent vectors given the digits shown, and the digits asked for given both.

        Returns
        -------
        (_Draft, float64 Tensor)
            The candidates, and how probable each makes that all digits have allowed values, up to a factor.
        """
        values, visible = self._nothing(count)
        for digit, value in shown.items():
            values[:, digit], visible[:, digit] = value, True
        latent = self._draw_latent(values, visible, generator)
        agreement = latent.new_zeros(count)
        for digit in asked:
            if digit in shown:
                continue
            stage = self._stage((digit,))
            logits = self.decoder.logits(self._state(values, visible, latent), stage.places)
            inside = allowed.rule_out_heads(stage.heads, logits, values)
            agreement += inside.logsumexp(dim=1) - logits.logsumexp(dim=1)
            values[:, digit] = pick_heads(inside, stage.heads, self._uniform((count, 1), generator)).squeeze(1)
            visible[:, digit] = True
        return _Draft(values, visible, latent), (agreement - agreement.max()).double().exp()

    # -- parts --------------------------------------------------------------------------------------------------

    def _pick(
        self,
        stages: Sequence[Stage],
        values: Tensor,
        visible: Tensor,
        latent: Tensor,
        allowed: Allowed,
        uniform: Tensor,
    ) -> None:
        """Pick the digits that are still hidden, stage by stage, by uniform numbers (rows, digits), in place."""
        seen = visible[0].tolist()
        for stage in stages:
            owners = stage.heads.digits
            if all(seen[digit] for digit in owners.tolist()):
                continue
            logits = self._logits(stage, values, visible, latent, allowed)
            picked = pick_heads(logits, stage.heads, uniform[:, owners])
            values[:, owners] = torch.where(visible[:, owners], values[:, owners], picked)
            for digit in owners.tolist():
                visible[:, digit] = seen[digit] = True

    def _logits(self, stage: Stage, values: Tensor, visible: Tensor, latent: Tensor, allowed: Allowed) -> Tensor:
        """Return the stage's logits, with what is not allowed ruled out; shape (rows, places)."""
        logits = self.decoder.logits(self._state(values, visible, latent), stage.places)
        return allowed.rule_out_heads(stage.heads, logits, values)

    def _draw_latent(self, values: Tensor, visible: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a latent vector for each row from the prior, given what is visible; (B, D), (1, D) -> (B, latent)."""
        noise = torch.randn(len(values), self.prior.latent, device=self.device, generator=generator)
        return self.prior.flow(noise, self._context(values, visible))

    def _context(self, values: Tensor, visible: Tensor) -> Tensor:
        """Return what the prior is told of rows; (1, width) if they all look the same."""
        shown = values[:, visible[0]]
        distinct = values[:1] if bool((shown == shown[:1]).all()) else values
        return self.prior.context(distinct, visible.expand(len(distinct), -1))

    def _state(self, values: Tensor, visible: Tensor, latent: Tensor) -> Tensor:
        return self.decoder.state(values, visible.expand(len(values), -1), latent)

    def _nothing(self, rows: int) -> tuple[Tensor, Tensor]:
        """Return values (rows, digits) and visible (1, digits) of rows of which nothing is drawn yet."""
        values = torch.zeros(rows, len(self.digits.sizes), dtype=torch.long, device=self.device)
        return values, torch.zeros_like(values[:1], dtype=torch.bool)

    def _stage(self, digits: tuple[int, ...]) -> Stage:
        return Stage(self.digits.sizes, digits, self.decoder.heads)

    def _allowed(self, windows: Mapping[int, Window]) -> Allowed:
        return Allowed(self.digits, self.drawn, windows, self.device)

    def _uniform(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.rand(shape, device=self.device, generator=generator)


def _effective_share(weights: Tensor) -> float:
    """Return how large a share of candidates their weights leave (Kong 1992): 1 if all are alike."""
    return float(weights.sum().square() / weights.square().sum()) / len(weights)
