"""Scores are shifted until values are as frequent in drawn sequences as in the training ones.

A network that is trained with the steps before given knows how frequent each value is. Drawn freely, each step follows
what was drawn before it, which no training sequence quite holds, and there the network expects what is usual: lights
that are off stay off, and what happens now and then happens too seldom (exposure bias; Ranzato et al. 2016,
arXiv:1511.06732). So sequences are drawn, with the static columns and lengths of training ones, and the score of each
value is moved by the logarithm of how much too seldom it came; a few times over, since what is drawn next depends on
what was drawn. The first step of a sequence follows nothing, and its scores stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthx.codec.sequence.extent import Extent
from synthx.codec.sequence.steps import CodedSteps, StepCodec
from synthx.models.layout import Digits
from synthx.models.sequences.drawing import SequenceSampler
from synthx.models.sequences.under_way import Chance

if TYPE_CHECKING:
    from synthx.models.sequential import CodedEntities

__all__ = ["Steadying", "frequencies"]

STEPS = 40_000
"""Steps that are drawn in a round, about."""
MOST = 256
"""Steps of a sequence that are looked at."""
RATE, FARTHEST = 0.7, 1.0
"""Of the logarithm that a value is too seldom or too frequent by, what a round takes away, and the most it looks at."""
LIKE_NONE = 10.0
"""So many steps are added to both counts: a few more or less say nothing."""

Counts = NDArray[np.int64]


class Steadying:
    """Shifts the scores of a network.

    Parameters
    ----------
    sampler : SequenceSampler
        Whose network is trained; its `shift` changes.
    coded : CodedEntities
        The training sequences.
    latent : callable
        From static digits (n, static digits) to drawn latent vectors (n, latent).
    chance : Chance
    """

    def __init__(
        self,
        sampler: SequenceSampler,
        coded: CodedEntities,
        latent: Callable[[Tensor], Tensor],
        chance: Chance,
    ) -> None:
        self.sampler, self.coded, self.latent, self.chance = sampler, coded, latent, chance
        self.wanted = frequencies(sampler.codec, coded.steps, coded.starts)

    def round(self) -> float:
        """Draw, and shift; return how far the drawn frequencies were off (their total variation, mean of columns)."""
        shift, network = self.sampler.network.steps.shift, self.sampler.network.steps
        apart = []
        for column, (wanted, drawn) in enumerate(zip(self.wanted, self._drawn(), strict=True)):
            if not wanted.sum() or not drawn.sum():
                continue
            wanted = wanted * (drawn.sum() / wanted.sum())
            apart.append(np.abs(wanted - drawn).sum() / drawn.sum() / 2)
            lacking = np.log((wanted + LIKE_NONE) / (drawn + LIKE_NONE)).clip(-FARTHEST, FARTHEST)
            start = network.starts[self.sampler.digits.first[column]]
            shift[start : start + len(lacking)] += RATE * torch.from_numpy(lacking).to(shift)
        return float(np.mean(apart)) if apart else 0.0

    def _drawn(self) -> list[Counts]:
        """Return the frequencies in sequences that have the static columns, lengths and spans of training ones."""
        coded, sampler = self.coded, self.sampler
        order = self.chance.rng.permutation(len(coded.lengths))
        chosen = order[: 1 + int((np.cumsum(np.minimum(coded.lengths[order], MOST)) < STEPS).sum())]
        extent = Extent(coded.lengths, coded.steps.clock[coded.starts], coded.spans).pick(chosen)
        static = coded.static[torch.from_numpy(chosen)].to(sampler.device)
        codes, values = sampler.draw(static, self.latent(static), extent, self.chance, most=MOST)
        lengths = np.minimum(extent.lengths, MOST)
        starts = np.cumsum(lengths) - lengths
        return frequencies(sampler.codec, sampler.codec.describe(codes.astype(np.int32), values, starts), starts)


def frequencies(codec: StepCodec, steps: CodedSteps, starts: Counts) -> list[Counts]:
    """Return how often the first digit of each column has each value.

    In the steps of sequences in which it might have another: not in the first ones, and not where a number is not to
    turn. Steps from `MOST` on are not looked at.

    Parameters
    ----------
    codec : StepCodec
    steps : CodedSteps
    starts : int array, shape (sequences,)
        The first of each sequence, ascending.

    Returns
    -------
    list of int arrays
    """
    digits, numbers = Digits(codec.sizes), list(codec.numbers)
    place = np.arange(len(steps.codes)) - np.repeat(starts, np.diff(starts, append=len(steps.codes)))
    looked_at = (place > 0) & (place < MOST)
    counts = []
    for column, name in enumerate(codec.names):
        free = looked_at
        if name in codec.numbers:
            number = numbers.index(name)
            source = codec.numbers[name].source(steps.values, steps.history)
            unturned = codec.unturned(number, source, steps.history, steps.turns)
            free = looked_at if unturned is None else looked_at & ~unturned[1]
        values = steps.codes[free, column] // digits.base(column)
        counts.append(np.bincount(values, minlength=digits.sizes[digits.first[column]]))
    return counts
