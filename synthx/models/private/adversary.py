"""The adversarial phase of a private fit: what the counts do not tell, a discriminator learns from real rows.

Only the discriminator sees real rows, and learns from them by clipped gradients with noise: each real row of a Poisson
sample is a unit, and so is each drawn row beside it, of which there are as many in every step whatever the sample. The
generator learns from the discriminator, from published counts and from rows of the tree model, so all its steps are
post-processing and free. Hence the discriminator takes many steps for each of the generator's, and the more, the less
it can tell (Bie, Kamath & Zhang 2023, arXiv:2302.02936), as far as drawn rows show it: how well it does on real rows
must not decide anything.

Rows are shown up to a stage, with what follows it hidden, as they are while they are drawn. The stage is the same for
all rows of a step: were it drawn for each place in the batch, one row more would change it for the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.adversary import draw_softly
from synthx.models.drawing import Stage, StagedSampler
from synthx.models.layout import Heads
from synthx.models.networks import Completer, value_places
from synthx.models.private.budget import GradientPlan
from synthx.models.private.descent import descend_on_real_rows
from synthx.models.reconstruction import prefixes
from synthx.training import Budget, Progress, Stopped

if TYPE_CHECKING:
    from synthx.models.private.fit import PrivateFit

__all__ = ["PrivateAdversary", "RowDiscriminator", "compete_privately", "gradient_plan"]

WIDTH = 64
"""Of the discriminator: noise grows with the number of parameters."""
WAITS = (1, 2, 5, 10, 20, 50, 100, 200)
"""Steps of the discriminator for one of the generator's …"""
FIRST_WAIT = 5
"""… at first, …"""
TOO_EASY = 0.6
"""… and more, when it takes a smaller share of the drawn rows for drawn."""
MEMORY = 0.98
"""Decay of that share's average, a step."""
DRAWN_FOR = 8
"""Steps for which drawn rows are kept."""
JUDGING_RATE = 2e-3
BETAS = (0.5, 0.99)
GRACE = 0.25
"""Of the steps, those before the generator's first: until then the discriminator knows little but noise."""
CONTEST = 0.3
"""Weight of the generator's adversarial loss; its likelihood on imagined rows has 1 …"""
MATCHING = 100.0
"""… and squared differences of frequencies have this."""
JUDGED_ROWS = 8_192


def gradient_plan(rows: float, steps: int | None) -> GradientPlan:
    """Return how a discriminator is to learn from about so many real rows."""
    batch = int(min(1_024, max(64, rows / 16)))
    return GradientPlan(batch=batch, steps=steps or int(min(800, max(200, rows / 40))))


class RowDiscriminator(nn.Module):
    """A score of rows that are complete up to a stage: high for real ones.

    It has only layers of which the lengths of single rows' gradients are known, and none that mixes rows.

    **Shape**: digits (B, D), visible (B, D) or (1, D) -> scores (B,).

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit.
    width : int
        Of the hidden layers.
    """

    def __init__(self, sizes: tuple[int, ...], *, width: int = WIDTH) -> None:
        super().__init__()
        self.heads = Heads(sizes)
        self.embedding = nn.EmbeddingBag(self.heads.total + len(sizes), width, mode="sum")
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(len(sizes)))
        self.score = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))

    def forward(self, digits: Tensor, visible: Tensor) -> Tensor:
        scores: Tensor = self.score(self.embedding(value_places(self.heads, digits, visible)))
        return scores.squeeze(1)

    def of_drawn(self, digits: Tensor, visible: Tensor, stage: Stage, drawn: Tensor) -> Tensor:
        """Score rows whose digits of a stage are given as (near) one-hot vectors, shape (B, stage.heads.total)."""
        kept = ~torch.isin(self.heads.digits, stage.heads.digits)
        places = value_places(self.heads, digits, visible)[:, kept]
        hidden = self.embedding(places) if places.shape[1] else 0.0
        scores: Tensor = self.score(hidden + drawn @ self.embedding.weight[stage.places])
        return scores.squeeze(1)


class PrivateAdversary:
    """What goes on beside the private steps of a discriminator; nothing in it has seen a real row.

    Parameters
    ----------
    network : Completer
        The generator.
    discriminator : RowDiscriminator
        Trained elsewhere.
    sampler : StagedSampler
        Draws from the generator.
    imagined : int64 Tensor, shape (rows, digits)
        Rows of the tree model, whose frequencies the generator keeps to.
    target : int, optional
        A digit of few values, by which frequencies are split.
    anchor : callable
        Returns the reconstruction loss of a batch of imagined rows.
    fakes : int
        Drawn rows a step of the discriminator.
    batch_size : int
        Rows a step of the generator.
    learning_rate : float
        Of the generator; it falls along a cosine.
    """

    def __init__(
        self,
        network: Completer,
        discriminator: RowDiscriminator,
        sampler: StagedSampler,
        imagined: Tensor,
        target: int | None,
        anchor: Callable[[], Tensor],
        *,
        fakes: int,
        batch_size: int,
        learning_rate: float,
    ) -> None:
        self.network, self.discriminator, self.sampler, self.anchor = network, discriminator, sampler, anchor
        self.target, self.fakes, self.batch_size, self.rate = target, fakes, batch_size, learning_rate
        plan = [stage.heads.digits.tolist() for stage in sampler.stages]
        visible, drawn = (part.to(imagined.device) for part in prefixes(plan, imagined.shape[1]))
        self.stages = [
            (visible[index : index + 1], (visible | drawn)[index : index + 1], stage)  # masks (1, D)
            for index, stage in enumerate(sampler.stages)
            if index or len(stage.heads.digits) > 1  # a single first digit is drawn by its frequencies
        ]
        self.wanted = torch.zeros(self._levels(imagined[:1]).shape[1], network.heads.total, device=imagined.device)
        for part in imagined.split(4_096):
            self.wanted += self._levels(part).T @ network.heads.one_hot(part) / len(imagined)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=BETAS)
        self.wait, self.waited, self.turn, self.share_right = WAITS.index(FIRST_WAIT), 0, 0, 1.0
        self._draw()
        self._pick()

    # -- what a step of the discriminator is given -------------------------------------------------------------------

    def losses_of(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return what gives the losses of rows that should be taken for real, by their indices."""
        return lambda indices: F.softplus(-self.discriminator(rows[indices], self.shown))

    def losses_of_drawn(self, indices: Tensor) -> Tensor:
        """Return the losses of rows that should be taken for drawn; of indices below `fakes`."""
        scores = self.discriminator(self.drawn[(self.turn * self.fakes + indices) % len(self.drawn)], self.shown)
        self._note(scores.detach())
        return F.softplus(scores)

    def _note(self, scores: Tensor) -> None:
        share = len(scores) / self.fakes
        right = float((scores < 0).float().mean())
        self.share_right += (1 - MEMORY**share) * (right - self.share_right)

    # -- between the discriminator's steps ---------------------------------------------------------------------------

    def after_step(self, fraction: float) -> None:
        """Take a step of the generator when it is due; `fraction` of the training is done."""
        self.turn += 1
        self.waited += 1
        if fraction >= GRACE and self.waited >= WAITS[self.wait]:
            self.waited = 0
            self._step(fraction)
            if self.share_right <= TOO_EASY and self.wait < len(WAITS) - 1:
                self.wait, self.share_right = self.wait + 1, 1.0  # it has time to learn before it is asked again
        if self.turn % DRAWN_FOR == 0:
            self._draw()
        self._pick()

    def _pick(self) -> None:
        self.before, self.shown, self.stage = self.stages[int(torch.randint(len(self.stages), ()))]

    def _draw(self) -> None:
        generator = torch.Generator(self.sampler.device).manual_seed(int(torch.randint(2**62, ())))
        self.drawn = self.sampler.draw_digits(self.fakes * DRAWN_FOR // 2, {}, generator)

    def _step(self, fraction: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * fraction)) / 2)
        digits = self.drawn[torch.randint(len(self.drawn), (self.batch_size,), device=self.drawn.device)]
        self.discriminator.requires_grad_(False)
        loss = self._loss(digits) + self.anchor()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.discriminator.requires_grad_(True)

    def _loss(self, digits: Tensor) -> Tensor:
        """Return the generator's loss on drawn rows whose stage it draws anew."""
        stage, visible = self.stage, self.before.expand(len(digits), -1)
        noise = None
        if len(stage.heads.digits) > 1:  # as in drawing
            noise = torch.randn(len(digits), self.network.noise.in_features, device=digits.device)
        logits = self.network.logits(self.network.state(digits, visible, noise), stage.places)
        scores = self.discriminator.of_drawn(digits, visible, stage, draw_softly(logits, stage.heads))
        chances = torch.cat([block.softmax(dim=2).flatten(1) for block in stage.heads.split(logits)], dim=1)
        found = self._levels(digits).T @ chances / len(digits)
        mismatch = (found - self.wanted[:, stage.places]).square().sum()
        return CONTEST * F.softplus(-scores).mean() + MATCHING * mismatch

    def _levels(self, digits: Tensor) -> Tensor:
        """Return a column of ones and, where there is a target, its levels as one-hot vectors; shape (B, levels)."""
        ones = torch.ones(len(digits), 1, device=digits.device)
        if self.target is None:
            return ones
        levels = F.one_hot(digits[:, self.target], self.sampler.digits.sizes[self.target])
        return torch.cat([ones, levels.float()], dim=1)


def compete_privately(
    fit: PrivateFit,
    network: Completer,
    sampler: StagedSampler,
    imagined: Tensor,
    anchor: Callable[[], Tensor],
    *,
    batch_size: int,
    learning_rate: float,
    seed: int,
    budget: Budget,
    progress: Progress | None,
) -> tuple[Stopped, int]:
    """Train a generator against a private discriminator, and keep its state that is nearest to the noisy counts.

    Parameters
    ----------
    fit : PrivateFit
        Has a `descent`.
    network, sampler, imagined, anchor, batch_size, learning_rate
        See `PrivateAdversary`.
    seed : int
        For drawing the rows that are judged.
    budget, progress
        See `synthx.training.train`.

    Returns
    -------
    (Stopped, int)
        What ended training, and the steps of the discriminator.
    """
    from synthx_privacy.measurements import distance

    assert fit.descent is not None
    digits, target = sampler.digits, fit.measurements.target
    discriminator = RowDiscriminator(digits.sizes).to(imagined.device)
    network.requires_grad_(True)
    duel = PrivateAdversary(
        network,
        discriminator,
        sampler,
        imagined,
        None if target is None else digits.first[target],
        anchor,
        fakes=fit.descent.plan.batch,
        batch_size=batch_size,
        learning_rate=learning_rate,
    )

    def judge(candidate: nn.Module) -> float:
        assert isinstance(candidate, Completer)
        generator = torch.Generator(imagined.device).manual_seed(seed)
        drawn = sampler.with_network(candidate).draw(JUDGED_ROWS, {}, generator)
        return distance(fit.measurements, drawn.cpu().numpy())

    done = descend_on_real_rows(
        fit,
        discriminator,
        duel.losses_of(digits.split(torch.from_numpy(fit.table.codes)).to(imagined.device)),
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=JUDGING_RATE, betas=BETAS),
        judge=judge,
        budget=budget,
        progress=progress,
        extra=duel.losses_of_drawn,
        extra_units=duel.fakes,
        after_step=duel.after_step,
        kept=network,
    )
    network.eval().requires_grad_(False)
    return done
