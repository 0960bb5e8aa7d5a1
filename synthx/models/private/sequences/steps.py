"""What steps hold, as numbers and codes: private, every use has to be paid for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.models.private.sequences.layout import Layout
from synthx.models.private.sequences.moves import Seen
from synthx.models.private.sequences.runs import Runs, pick

__all__ = ["STANDS", "Steps", "gaps_before", "seen_code"]

Floats = NDArray[np.float64]
NEVER, NOT_YET, SEEN = 0, 1, 2
"""How a number stands before a step: it is never observed, it was not yet, or a code from `SEEN` on."""
AGES = 6
RATES = (0.15, 0.45, 0.8)
"""Where shares of the steps so far in which a number was there are parted: some are measured hourly, some daily."""
STANDS = SEEN + AGES * (len(RATES) + 1)
"""How many codes there are."""


def seen_code(age: NDArray[np.int64], rate: Floats) -> NDArray[np.int64]:
    """Return the code of a number that was observed.

    Parameters
    ----------
    age : int array
        Steps since: 0, 1, 2 to 3, 4 to 7, 8 to 15 and more are told apart.
    rate : float array
        The share of the steps so far in which it was there.
    """
    ages = np.minimum(np.ceil(np.log2(age + 1)).astype(np.int64), AGES - 1)
    return SEEN + ages * (len(RATES) + 1) + np.searchsorted(RATES, rate, side="right")


@dataclasses.dataclass(frozen=True)
class Steps:
    """Numbers of steps.

    Parameters
    ----------
    runs : Runs
    raw : float array, shape (steps, numbers)
        NaN where missing; possibly beyond the declared bounds.
    values : float array, shape (steps, numbers)
        Within the bounds.
    """

    runs: Runs
    raw: Floats
    values: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame, runs: Runs, layout: Layout) -> Steps:
        """Read the steps of a long table."""
        rows = frame.iloc[runs.rows]
        raw = [number.read(rows[number.column.name]) for number in layout.numbers]
        clipped = [number.clip(each) for number, each in zip(layout.numbers, raw, strict=True)]
        nothing = np.empty((len(rows), 0))
        return cls(runs, *(np.stack(each, axis=1) if each else nothing for each in (raw, clipped)))

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Which numbers are there."""
        return ~np.isnan(self.values)

    def first(self, column: int) -> Floats:
        """Return the first observed value of each entity, NaN where there is none."""
        return self._at(column, pick(self.runs, self.observed[:, column], np.zeros(len(self.runs))))

    def some(self, column: int, turn: int) -> Floats:
        """Return one observed value of each entity, as it stands in the table."""
        places = pick(self.runs, self.observed[:, column], self.runs.lots.draw(turn))
        return np.where(places < 0, np.nan, self.raw[places, column])

    def moves(self, column: int) -> Seen:
        """Return all pairs of successive observations of a number."""
        places = np.flatnonzero(self.observed[:, column])
        owner = np.repeat(np.arange(len(self.runs)), self.runs.lengths)[places]
        values = self.values[places, column]
        begins = np.searchsorted(owner, owner)  # the first observation of the same entity
        sums = np.append(0.0, np.cumsum(values))
        index = np.arange(len(places))
        means = (sums[index + 1] - sums[begins]) / (index + 1 - begins)
        pairs = np.flatnonzero(owner[1:] == owner[:-1])
        return Seen(values[pairs], means[pairs], values[pairs + 1], owner[pairs], len(self.runs))

    def stands(self, column: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how a number stands after some steps, one of each entity."""
        observed, starts = self.observed[:, column], self.runs.starts
        last = np.maximum.accumulate(np.where(observed, np.arange(len(observed)), -1))[places]
        many = np.append(0, np.cumsum(observed))
        rate = (many[places + 1] - many[starts]) / (places + 1 - starts)
        ever = many[starts + self.runs.lengths] > many[starts]
        code = seen_code(np.maximum(places - last, 0), rate)
        return np.where(~ever, NEVER, np.where(last >= starts, code, NOT_YET))

    def _at(self, column: int, places: NDArray[np.int64]) -> Floats:
        return np.where(places < 0, np.nan, self.values[places, column])


def gaps_before(runs: Runs) -> Floats:
    """Return the time since the step before, NaN at an entity's first step; shape (steps,)."""
    gaps = np.diff(runs.clock, prepend=np.nan)
    gaps[runs.starts] = np.nan
    return gaps
