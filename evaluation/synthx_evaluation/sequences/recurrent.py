"""The recurrent network of the judges and how it is trained; the only file here that needs torch when it is imported.

The network reads from left to right, so what follows a sequence's last step cannot change its state there: sequences
of different lengths are padded, and the state is taken at each one's own last step, which gives what packing gives.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from synthx_evaluation.encoding import Floats
from synthx_evaluation.sequences.tensor import Places, Sequences

__all__ = ["TRAINED", "Batch", "Scale", "errors", "told_apart"]

TRAINED = 0.8
"""Share of the sequences that a network which tells apart is trained on; the rest is the test."""

_BATCH = 128
_RATE = 1e-3
_PASSES = 100
"""Passes over its sequences after which a network is done; the paper's own data sets got 12 to 90 (told apart)."""

_FEWEST_STEPS = 800
_NARROWEST = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """What the judges see of a step.

    Parameters
    ----------
    numbers : array (c,)
        Places of the numbers among the columns.
    low, span : array (c,)
        Least real value, and how far the greatest lies above it (1 for a constant).
    flagged : array
        Which of the numbers get a flag for missing cells, as places in `numbers`.
    """

    numbers: Places
    low: Floats
    span: Floats
    flagged: Places

    @classmethod
    def of(cls, numbers: Places, real: Floats) -> Scale:
        """Take the scale from the numbers of all real rows, (rows, c)."""
        known = np.where(np.isnan(real).all(axis=0), 0.0, real)
        low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
        flagged = np.flatnonzero(np.isnan(real).any(axis=0))
        return cls(numbers, low, np.where(high > low, high - low, 1.0), flagged)


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Padded sequences.

    Parameters
    ----------
    inputs : tensor (N, T, D)
        Numbers scaled to [0, 1], then flags; 0 beyond the last step.
    lengths : tensor (N,)
        Steps of each.
    target, known : tensor (N, T)
        The last number (one step ahead where it is to be predicted), and 1 where it is there, else 0.
    """

    inputs: torch.Tensor
    lengths: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def at(self, rows: torch.Tensor) -> Batch:
        return Batch(self.inputs[rows], self.lengths[rows], self.target[rows], self.known[rows])

    def beside(self, other: Batch) -> Batch:
        """Return both in one; they have as many steps T."""
        parts = ((getattr(self, name), getattr(other, name)) for name in ("inputs", "lengths", "target", "known"))
        return Batch(*(torch.cat(pair) for pair in parts))

    @classmethod
    def of(cls, sequences: Sequences, scale: Scale, *, steps: int, predict: bool) -> Batch:
        """Scale, flag and pad to `steps`; where the last number is to be predicted, hide it and the last step."""
        values, present = sequences.padded(scale.numbers, steps)
        scaled = (values - scale.low) / scale.span
        seen = ~np.isnan(scaled)
        shown = scaled.shape[2] - (1 if predict and scaled.shape[2] > 1 else 0)  # an only number is its own input
        flags = ~seen[..., scale.flagged[scale.flagged < shown]]
        inputs = np.concatenate([np.nan_to_num(scaled[..., :shown]), flags], axis=-1)
        inputs = np.where(present[..., None], np.clip(inputs, -1.0, 2.0), 0.0)
        target, known = np.nan_to_num(scaled[..., -1]), seen[..., -1]
        if predict:
            inputs, target, known = inputs[:, :-1], target[:, 1:], known[:, 1:]
        floats = [torch.from_numpy(part.astype(np.float32)) for part in (inputs, target, known)]
        return cls(floats[0], torch.from_numpy(sequences.lengths.astype(np.int64)), floats[1], floats[2])


class _Network(nn.Module):
    """One layer of gated recurrent units and a linear read-out.

    **Shape**: inputs (N, T, D) to `each` (N, T), or to `last` (N,).
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(inputs, width, batch_first=True)
        self.readout = nn.Linear(width, 1)

    def each(self, inputs: torch.Tensor) -> torch.Tensor:
        states, _ = self.recurrent(inputs)  # (N, T, width)
        found: torch.Tensor = self.readout(states).squeeze(-1)  # (N, T)
        return found

    def last(self, batch: Batch) -> torch.Tensor:
        states, _ = self.recurrent(batch.inputs)  # (N, T, width)
        ends = states[torch.arange(len(batch)), batch.lengths - 1]  # (N, width)
        found: torch.Tensor = self.readout(ends).squeeze(-1)  # (N,)
        return found


def told_apart(candidate: Batch, reference: Batch, steps: int, seed: int) -> float:
    """Return |accuracy - 0.5| on the fifth of both that the network did not see."""
    count = min(len(candidate), len(reference))
    trained = int(TRAINED * count)
    with _seeded(seed):
        parts = [part.at(torch.randperm(len(part))[:count]) for part in (reference, candidate)]
        network = _Network(parts[0].inputs.shape[2], max(_NARROWEST, parts[0].inputs.shape[2] // 2))
        optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
        labels = torch.cat([torch.ones(_BATCH), torch.zeros(_BATCH)])
        for _ in range(_enough(steps, trained)):
            real, fake = (part.at(torch.randint(trained, (_BATCH,))) for part in parts)
            loss = cross_entropy(network.last(real.beside(fake)), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            right = [(network.last(part.at(torch.arange(trained, count))) > 0) for part in parts]
    return abs(float(torch.cat([right[0], ~right[1]]).float().mean()) - 0.5)


def _enough(steps: int, sequences: int) -> int:
    """Return fewer steps where a network would see few sequences over and over."""
    return min(steps, max(_FEWEST_STEPS, _PASSES * sequences // _BATCH))


def errors(candidate: Batch, reference: Batch, steps: int, seed: int) -> Floats:
    """Train on the candidates; return the mean absolute error of each reference sequence with a known target."""
    with _seeded(seed):
        usable = torch.nonzero(candidate.known.any(dim=1))[:, 0]
        inputs = candidate.inputs.shape[2]
        network = _Network(inputs, max(_NARROWEST, (inputs + 1) // 2))  # as wide as if it saw the target
        optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
        for _ in range(_enough(steps, len(usable))):
            batch = candidate.at(usable[torch.randint(len(usable), (_BATCH,))])
            loss = _gaps(network, batch).sum() / batch.known.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        tested = reference.at(torch.nonzero(reference.known.any(dim=1))[:, 0])
        with torch.no_grad():
            gaps = _gaps(network, tested)
    return np.asarray((gaps.sum(dim=1) / tested.known.sum(dim=1)).numpy(), dtype=np.float64)


def _gaps(network: _Network, batch: Batch) -> torch.Tensor:
    return (torch.sigmoid(network.each(batch.inputs)) - batch.target).abs() * batch.known


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch inside, and leave the caller's stream of random numbers as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
