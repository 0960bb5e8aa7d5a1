"""Sequences on a device, and batches of them: of like length, cut into chunks that follow each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["CHUNK", "Batch", "Sequences", "batches"]

CHUNK = 128
"""Steps that are learned from at once; a longer sequence is cut into so many, and the state is carried."""
POOL = 8
"""Batches that are sorted by length together."""


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Coded sequences on a device, one step after the other.

    Parameters
    ----------
    digits : integer Tensor, shape (steps, digits)
    features : float Tensor, shape (steps, features)
    timely : float Tensor, shape (steps, timely)
    measured : bool Tensor, shape (steps, digits)
        Where a number is coded as a distance, if it is not missing.
    recalled : int64 Tensor, shape (steps,)
        The last step of the same sequence and kind, -1 if there is none.
    ages : float Tensor, shape (steps, RECALLED) or (steps, 0)
        When that was; no number if steps are of one kind only.
    moments : float64 Tensor, shape (steps, 2 + kinds) or (steps, 0)
        See `StepFeatures.moments`.
    starts, lengths : int64 Tensors, shape (sequences,)
        The first step of each sequence, and how many it has.
    static : int64 Tensor, shape (sequences, static digits)
    """

    digits: Tensor
    features: Tensor
    timely: Tensor
    measured: Tensor
    recalled: Tensor
    ages: Tensor
    moments: Tensor
    starts: Tensor
    lengths: Tensor
    static: Tensor

    def __len__(self) -> int:
        return len(self.starts)

    def pick(self, chosen: Tensor) -> Sequences:
        """Return some of the sequences; the steps are shared."""
        return dataclasses.replace(
            self, starts=self.starts[chosen], lengths=self.lengths[chosen], static=self.static[chosen]
        )

    def rows(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """Return the rows of `count` steps from step `first` on, (sequences, count), and which of them are steps."""
        place = torch.arange(first, first + count, device=self.starts.device)
        real = place < self.lengths[:, None]
        return torch.where(real, self.starts[:, None] + place, self.starts[:, None]), real


@dataclasses.dataclass(frozen=True)
class Batch:
    """Sequences, and the chunk of their steps to learn from.

    Parameters
    ----------
    sequences : Sequences
    first, count : int
        The first step of the chunk and its length.
    longest : int, optional
        Steps of the longest sequence.
    full : bool
        Whether all sequences are known to reach the end of the chunk. Known beforehand, neither has to be asked of a
        device, which would have to be waited for.
    """

    sequences: Sequences
    first: int
    count: int
    longest: int | None = None
    full: bool = False

    @classmethod
    def chunks(cls, sequences: Sequences, lengths: Tensor) -> Iterator[Batch]:
        """Yield the chunks of sequences, one after the other; `lengths` are theirs, on the CPU."""
        longest, shortest = int(lengths.max()), int(lengths.min())
        for first in range(0, longest, CHUNK):
            count = min(CHUNK, longest - first)
            yield cls(sequences, first, count, longest, shortest >= first + count)


def batches(sequences: Sequences, steps: int) -> Iterator[Batch]:
    """Yield batches without end: all sequences once in random order, then again.

    Sequences of a batch are of like length; as many of them as make about `steps` steps a chunk.
    """
    lengths = sequences.lengths.cpu()
    middle = int(lengths.float().median())
    many = max(1, min(len(sequences), steps // max(1, min(middle, CHUNK))))
    while True:
        order = torch.randperm(len(sequences))
        for pool in order.split(many * POOL):
            by_length = pool[lengths[pool].argsort()]
            parts = by_length.split(many)
            for index in torch.randperm(len(parts)).tolist():
                chosen = sequences.pick(parts[index].to(sequences.starts.device))
                yield from Batch.chunks(chosen, lengths[parts[index]])
