"""What steps hold, as numbers and codes: private, every use has to be paid for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.models.private.sequences.layout import Layout
from synthx.models.private.sequences.runs import Runs, pick

__all__ = ["AGES", "Steps", "age_code", "gaps_before"]

Floats = NDArray[np.float64]
NEVER, NOT_YET, NOW = 0, 1, 2
"""How a number stands before a step: it is never observed, it was not yet, or so many codes above `NOW` steps ago."""
AGES = 8


def age_code(age: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the code of steps since an observation: 0, 1, 2 to 3, 4 to 7, 8 to 15, more."""
    return NOW + np.minimum(np.ceil(np.log2(age + 1)).astype(np.int64), AGES - 1 - NOW)


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

    def some_move(self, column: int, turn: int) -> tuple[Floats, Floats, Floats]:
        """Return one observed value of each entity, the mean of those up to it, and the next one; NaN if too few."""
        observed = self.observed[:, column]
        before, after = pick(self.runs, observed, self.runs.lots.draw(turn), follow=True).T
        sums, counts = np.cumsum(np.where(observed, self.values[:, column], 0.0)), np.cumsum(observed)
        start = self.runs.starts
        held = [np.append(0, each)[np.stack([before + 1, start])] for each in (sums, counts)]
        mean = (held[0][0] - held[0][1]) / np.maximum(held[1][0] - held[1][1], 1)
        level = self._at(column, before)
        return level, np.where(before < 0, np.nan, mean), self._at(column, after)

    def ages(self, column: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how a number stands at some steps, one of each entity."""
        observed = self.observed[:, column]
        last = np.maximum.accumulate(np.where(observed, np.arange(len(observed)), -1))
        ever = np.add.reduceat(observed, self.runs.starts) > 0 if len(self.runs) else np.zeros(0, bool)
        age = places - last[places]
        seen = last[places] >= self.runs.starts
        return np.where(~ever, NEVER, np.where(seen, age_code(np.where(seen, age, 0)), NOT_YET))

    def _at(self, column: int, places: NDArray[np.int64]) -> Floats:
        return np.where(places < 0, np.nan, self.values[places, column])


def gaps_before(runs: Runs) -> Floats:
    """Return the time since the step before, NaN at an entity's first step; shape (steps,)."""
    gaps = np.diff(runs.clock, prepend=np.nan)
    gaps[runs.starts] = np.nan
    return gaps
