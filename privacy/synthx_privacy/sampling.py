"""Poisson draws of units, the sampling that the accountant of private descent assumes.

Every unit is in every step's batch with the same probability, whatever else is in it; so batches vary in size, and may
be empty. Shuffled batches of equal size, cheaper to make, have no such accountant (Chua et al. 2024, arXiv 2403.17673).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from synthx.errors import ParameterError
from synthx_privacy.noise import SecureRandom

__all__ = ["PoissonSampler"]


class PoissonSampler:
    """Batches of units, each unit in each batch independently with probability `rate`; a fixed number of batches.

    The gaps between units that are drawn are geometric, so that a step costs its batch and not the number of units.
    A gap is found by inversion from a uniform number of 53 bits, floor(log(u) / log(1 - rate)): its distribution is
    wrong by rounding alone, some 1e-16 in probability, and it ends at 36.7 / rate, which is passed with probability
    1e-16.

    It can be iterated once: a second pass would be steps that nobody accounted for. The draws come from the operating
    system's entropy, and no seed can be given.

    Parameters
    ----------
    units : int
        Rows, or entities.
    rate : float
        Above 0 and at most 1.
    steps : int
        How many batches there are.
    random : SecureRandom, optional
        Where uniform numbers are drawn.

    Attributes
    ----------
    taken : int
        Batches handed out so far; what an interrupted run has to account for.

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> [batch.tolist() for batch in PoissonSampler(3, 1.0, 2)]
    [[0, 1, 2], [0, 1, 2]]
    """

    def __init__(self, units: int, rate: float, steps: int, random: SecureRandom | None = None) -> None:
        if units < 0 or steps < 0:
            raise ParameterError(
                f"{units} units and {steps} steps cannot be sampled", remedy="both must be zero or more"
            )
        if not 0 < rate <= 1:
            raise ParameterError(f"rate={rate} is no sampling rate", remedy="it must be above 0 and at most 1")
        self.units = units
        self.rate = rate
        self.steps = steps
        self.taken = 0
        self._random = SecureRandom() if random is None else random

    def __len__(self) -> int:
        """Return the number of batches in all."""
        return self.steps

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        return self

    def __next__(self) -> npt.NDArray[np.int64]:
        """Return the next batch: indices of units, strictly rising; shape (drawn,)."""
        if self.taken == self.steps:
            raise StopIteration
        self.taken += 1
        return self._draw()

    def _draw(self) -> npt.NDArray[np.int64]:
        if self.rate == 1:
            return np.arange(self.units)
        expected = self.units * self.rate
        block = math.ceil(expected + 6 * math.sqrt(expected)) + 8  # once is nearly always enough
        drawn: list[npt.NDArray[np.int64]] = []
        last = -1
        while last < self.units:
            places = last + np.cumsum(1 + self._gaps(block))
            drawn.append(places)
            last = int(places[-1])
        places = np.concatenate(drawn) if drawn else np.empty(0, dtype=np.int64)
        return places[places < self.units]

    def _gaps(self, count: int) -> npt.NDArray[np.int64]:
        """Return how many units are passed over before each that is drawn."""
        uniform = 1 - self._random.floats(count)  # in (0, 1], so that its logarithm is finite
        gaps = np.log(uniform) / math.log1p(-self.rate)
        return np.minimum(gaps, self.units).astype(np.int64)  # nothing beyond the last unit matters; no overflow
