"""Sequences under way: where each stands, what is given of its next step, and by what chance that is drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthx.codec.sequence.history import History

__all__ = ["Chance", "Given", "UnderWay"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclasses.dataclass
class UnderWay:
    """Sequences under way.

    Parameters
    ----------
    condition : Tensor, shape (n, condition)
        The static columns and the latent vector.
    lengths, spans : arrays, shape (n,)
        How many steps each is to have, and how long it is to last.
    state : Tensor, shape (1, n, hidden), optional
        Of the recurrence; None before the first step.
    last : Tensor, shape (n, digits * width)
        The vectors of the last step.
    history : History
        What is known of numbers.
    clock, began : float arrays, shape (n,)
        The time of the last step and of the first.
    place : int array, shape (n,)
        How many steps each has.
    digits : integer Tensor, shape (n, kinds, digits)
        Of the last step of each kind; no kind where none are told apart.
    numbers : float array, shape (n, kinds, numbers)
        What the numbers were then, NaN where missing or never.
    turns : int array, shape (n, beats)
        How many steps ago the numbers of each beat last turned; 0 where they never do.
    """

    condition: Tensor
    lengths: Codes
    spans: Floats
    state: Tensor | None
    last: Tensor
    history: History
    clock: Floats
    began: Floats
    place: Codes
    digits: Tensor
    numbers: Floats
    turns: Codes

    @property
    def end(self) -> Floats:
        """The time of the last step of each; shape (n,)."""
        return self.began + self.spans

    def pick(self, chosen: Codes) -> UnderWay:
        """Return sequences by index, some of them several times."""
        at = torch.from_numpy(chosen).to(self.last.device)
        return UnderWay(
            self.condition[at],
            self.lengths[chosen],
            self.spans[chosen],
            None if self.state is None else self.state[:, at],
            self.last[at],
            self.history.pick(chosen),
            self.clock[chosen],
            self.began[chosen],
            self.place[chosen],
            self.digits[at],
            self.numbers[chosen],
            self.turns[chosen],
        )


@dataclasses.dataclass(frozen=True)
class Given:
    """What is known of a step of each sequence.

    Parameters
    ----------
    codes : int array, shape (n, columns)
        Looked at for columns that are no numbers.
    values : float array, shape (n, numbers)
        NaN where missing.
    known : bool array, shape (n, columns)
        Which cells are as given; the others are drawn, and not missing if they can be otherwise.
    """

    codes: Codes
    values: Floats
    known: NDArray[np.bool_]


class Chance:
    """Random numbers: of codes, on a device, and of offsets.

    Parameters
    ----------
    generator : torch.Generator
    rng : numpy Generator
    alike : bool
        Whether all sequences share their numbers, so that they differ by their latent vectors only.
    """

    def __init__(self, generator: torch.Generator, rng: np.random.Generator, *, alike: bool = False) -> None:
        self.generator, self.rng, self.alike = generator, rng, alike

    def of_codes(self, count: int) -> Tensor:
        """Return a uniform number a sequence; shape (count, 1)."""
        device = self.generator.device
        return torch.rand(1 if self.alike else count, 1, generator=self.generator, device=device).expand(count, 1)

    def of_offsets(self, count: int) -> Floats:
        """Return a uniform number a sequence; shape (count,)."""
        return np.broadcast_to(self.rng.random(1 if self.alike else count), (count,))
