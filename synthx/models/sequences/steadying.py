"""Scores are shifted until values are as frequent in drawn sequences as in the training ones.

A network that is trained with the steps before given knows how frequent each value is. Drawn freely, each step follows
what was drawn before it, which no training sequence quite holds, and there the network expects what is usual: lights
that are off stay off, and what happens now and then happens too seldom (exposure bias; Ranzato et al. 2016,
arXiv:1511.06732). So sequences are drawn, with the static columns and lengths of training ones, and the score of each
value is moved by the logarithm of how much too seldom it came, less what is chance; a few times over, since what is
drawn next depends on what was drawn. The first step of a sequence follows nothing, and its scores stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthx.codec.sequence.extent import Extent
from synthx.codec.sequence.history import sequence_of
from synthx.codec.sequence.steps import CodedSteps, StepCodec
from synthx.models.layout import Digits
from synthx.models.sequences.drawing import SequenceSampler
from synthx.models.sequences.under_way import Chance

if TYPE_CHECKING:
    from synthx.models.sequential import CodedEntities

__all__ = ["ROUNDS", "Frequencies", "Steadying", "frequencies"]

ROUNDS = (5_000, 10_000, 20_000, 40_000, 40_000)
"""Steps that are drawn in each round, about: what is far off shows in few."""
MOST = 256
"""Steps of a sequence that are looked at."""
RATE, FARTHEST = 0.7, 1.0
"""Of the logarithm that a value is too seldom or too frequent by, what a round takes away, and the most it looks at."""
LIKE_NONE = 10.0
"""So many steps are added to both counts: a few more or less say nothing."""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class Frequencies(NamedTuple):
    """How often the first digit of a column has each value in some sequences.

    Parameters
    ----------
    counts : int array, shape (values,)
    errors : float array, shape (values,)
        The standard errors of the counts, where sequences are independent and their steps are not.
    """

    counts: Counts
    errors: Floats

    @classmethod
    def of(cls, values: Counts, sequence: Counts, size: int) -> Frequencies:
        """Count values, shape (steps,), below `size`, of which each belongs to a sequence."""
        together = np.bincount(sequence * size + values, minlength=(int(sequence.max(initial=-1)) + 1) * size)
        each = together.reshape(-1, size)
        counts = each.sum(axis=0)
        expected = each.sum(axis=1, keepdims=True) * (counts / max(1, counts.sum()))
        return cls(counts, np.sqrt(((each - expected) ** 2).sum(axis=0)))

    def lacking(self, wanted: Counts) -> Floats:
        """Return the logarithms of how much too small counts are beside wanted ones, of any total, less their chance.

        What is taken off is the share of the square that the error makes up (the positive part of James and Stein's
        estimator; 1961).
        """
        wanted = wanted * (self.counts.sum() / wanted.sum())
        lacking = np.log((wanted + LIKE_NONE) / (self.counts + LIKE_NONE))
        error = self.errors / (self.counts + LIKE_NONE)
        share = error**2 / np.maximum(lacking**2, 1e-12)
        found: Floats = (lacking * np.maximum(0.0, 1 - share)).clip(-FARTHEST, FARTHEST)
        return found


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
        self.wanted = [each.counts for each in frequencies(sampler.codec, coded.steps, coded.starts)]

    def round(self, steps: int) -> float:
        """Draw about so many steps, and shift; return how far their frequencies were off (mean total variation)."""
        shift, network = self.sampler.network.steps.shift, self.sampler.network.steps
        apart = []
        for column, (wanted, drawn) in enumerate(zip(self.wanted, self._drawn(steps), strict=True)):
            if not wanted.sum() or not drawn.counts.sum():
                continue
            apart.append(np.abs(wanted / wanted.sum() - drawn.counts / drawn.counts.sum()).sum() / 2)
            start = network.starts[self.sampler.digits.first[column]]
            shift[start : start + len(wanted)] += RATE * torch.from_numpy(drawn.lacking(wanted)).to(shift)
        return float(np.mean(apart)) if apart else 0.0

    def _drawn(self, steps: int) -> list[Frequencies]:
        """Return the frequencies in sequences that have the static columns, lengths and spans of training ones."""
        coded, sampler = self.coded, self.sampler
        order = self.chance.rng.permutation(len(coded.lengths))
        chosen = order[: 1 + int((np.cumsum(np.minimum(coded.lengths[order], MOST)) < steps).sum())]
        extent = Extent(coded.lengths, coded.steps.clock[coded.starts], coded.spans).pick(chosen)
        static = coded.static[torch.from_numpy(chosen)].to(sampler.device)
        codes, values = sampler.draw(static, self.latent(static), extent, self.chance, most=MOST)
        lengths = np.minimum(extent.lengths, MOST)
        starts = np.cumsum(lengths) - lengths
        return frequencies(sampler.codec, sampler.codec.describe(codes.astype(np.int32), values, starts), starts)


def frequencies(codec: StepCodec, steps: CodedSteps, starts: Counts) -> list[Frequencies]:
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
    list of Frequencies
        One for each column.
    """
    digits, numbers = Digits(codec.sizes), list(codec.numbers)
    sequence = sequence_of(starts, len(steps.codes))
    place = np.arange(len(sequence)) - starts[sequence]
    looked_at = (place > 0) & (place < MOST)
    found = []
    for column, name in enumerate(codec.names):
        free = looked_at
        if name in codec.numbers:
            number = numbers.index(name)
            source = codec.numbers[name].source(steps.values, steps.history)
            unturned = codec.unturned(number, source, steps.history, steps.turns)
            free = looked_at if unturned is None else looked_at & ~unturned[1]
        values = steps.codes[free, column].astype(np.int64) // digits.base(column)
        found.append(Frequencies.of(values, sequence[free], digits.sizes[digits.first[column]]))
    return found
