"""What the network is told of each number before a step: its last value, how it moved, how old that is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx.codec.numeric import NumericCodec
from synthx.codec.sequence.history import History
from synthx.codec.sequence.moves import known_range
from synthx.codec.sequence.steps import StepCodec
from synthx.codec.table import ColumnCodec

__all__ = ["NumberFeatures"]

Floats = NDArray[np.float64]
FARTHEST = 5.0
"""Standard deviations beyond which numbers are cut off."""
LEAST_SHARE = 1e-6
"""The least variance of a combination of columns, as a share of a column's, that is brought to one."""
LEAST_SWING = 0.03
"""Of the usual size of moves, what counts as none."""


@dataclasses.dataclass(frozen=True)
class NumberFeatures:
    """Describes what is known of numbers before a step.

    Parameters
    ----------
    mean, spread : float arrays, shape (numbers,)
        Of the columns of numbers.
    whitening : float array, shape (numbers, numbers)
        Turns standardised numbers into uncorrelated ones of variance one: columns that nearly agree differ by little,
        and that little decides what comes next.
    quantiles : tuple of float arrays
        Values of each column at equally many codes from each other.
    sparse : int array
        The columns that may be missing.
    onward : int array
        The columns that are measured from their last value moved on, or told apart from it.
    pace : float array, shape (onward,)
        How far these move in a step, on average.
    swing : float array, shape (numbers,)
        How far each moves in a step, on average: as a share of its value where that is always positive.
    positive : bool array, shape (numbers,)
        The columns whose values are.
    periods : int array, shape (beats,)
        At which intervals, in steps, numbers turn.
    """

    mean: Floats
    spread: Floats
    whitening: Floats
    quantiles: tuple[Floats, ...]
    sparse: NDArray[np.int64]
    onward: NDArray[np.int64]
    pace: Floats
    swing: Floats
    positive: NDArray[np.bool_]
    periods: NDArray[np.int64]

    @classmethod
    def fit(cls, codec: StepCodec, values: Floats, starts: NDArray[np.int64]) -> NumberFeatures:
        """Learn how numbers are scaled from the steps of the training sequences; values (steps, numbers)."""
        ends = np.array([known_range(codec.table.columns[name]) for name in codec.numbers]).reshape(-1, 2)
        values = np.clip(values, *ends.T)  # what hardly anybody has shall not stretch the scale
        filled = ~np.isnan(values)
        count = np.maximum(filled.sum(axis=0), 1)
        mean = np.where(filled, values, 0).sum(axis=0) / count
        spread = np.sqrt((np.where(filled, values - mean, 0) ** 2).sum(axis=0) / count)
        spread = np.where(spread > 0, spread, 1.0)
        scaled = np.where(filled, (values - mean) / spread, 0.0)
        variances, axes = np.linalg.eigh(scaled.T @ scaled / max(1, len(scaled)))
        whitening = axes / np.sqrt(np.maximum(variances, LEAST_SHARE))
        references = [number.reference for number in codec.numbers.values()]
        onward = np.array(
            [i for i, found in enumerate(references) if found is not None and (found.onward or found.straight)],
            np.int64,
        )
        within = ~np.isin(np.arange(1, len(values)), starts)
        moves = np.abs(np.diff(values, axis=0))[within]
        pace = _mean(moves[:, onward])
        positive = np.array([low > 0 and index != codec.time for index, (low, _) in enumerate(ends)], bool)
        swing = _mean(_relative(moves, values[:-1][within], positive))
        return cls(
            mean,
            spread,
            whitening,
            tuple(_quantiles(codec.table.columns[name]) for name in codec.numbers),
            np.flatnonzero(~filled.all(axis=0)),
            onward,
            np.where(pace > 0, pace, 1.0),
            np.where(swing > 0, swing, 1.0),
            positive,
            np.array([beat.period for beat in codec.rhythm.beats], np.int64),
        )

    @property
    def size(self) -> int:
        """How many features there are."""
        return 4 * len(self.mean) + 2 * len(self.sparse) + 2 * len(self.onward) + 3 * len(self.periods)

    def describe(self, history: History, ages: Floats, turns: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Return the features of steps, in parts of shape (steps, n).

        Parameters
        ----------
        history : History
            Of (steps, numbers).
        ages : float array, shape (steps, numbers)
            How old the last values are, in logarithms.
        turns : int array, shape (steps, beats)
            How many steps ago the numbers of each beat last turned; 0 where they never do.
        """
        known = ~np.isnan(history.values)
        scaled = np.where(known, (history.values - self.mean) / self.spread, 0.0)
        ranks = np.zeros_like(scaled)
        for column, quantiles in enumerate(self.quantiles):
            if len(quantiles) > 1:
                positions = np.interp(history.values[:, column], quantiles, np.linspace(-1, 1, len(quantiles)))
                ranks[:, column] = np.where(known[:, column], np.sqrt(3) * positions, 0.0)
        slopes = history.slopes[:, self.onward] / self.pace
        return [
            np.clip(scaled, -FARTHEST, FARTHEST),
            ranks,
            np.clip(scaled @ self.whitening, -FARTHEST, FARTHEST),
            known[:, self.sparse],
            np.where(known, ages, 0.0)[:, self.sparse],
            self._swings(history),
            np.clip(slopes, -FARTHEST, FARTHEST),
            slopes == 0,
            turns > 0,
            (turns > 0) & (turns % self.periods == 0),  # when the next turn is due
            turns % self.periods / self.periods,
        ]

    def _swings(self, history: History) -> Floats:
        """Return how far each number moves at a time lately, beside what is usual, in logarithms; 0 if not known."""
        sizes = _relative(history.swings, history.values, self.positive) / self.swing
        found: Floats = np.nan_to_num(np.log(np.clip(sizes, LEAST_SWING, 1 / LEAST_SWING)))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        arrays = {
            field.name: getattr(self, field.name).tolist()
            for field in dataclasses.fields(self)
            if field.name != "quantiles"
        }
        return {**arrays, "quantiles": [quantiles.tolist() for quantiles in self.quantiles]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NumberFeatures:
        count = len(values["mean"])
        return cls(
            np.asarray(values["mean"], np.float64),
            np.asarray(values["spread"], np.float64),
            np.asarray(values["whitening"], np.float64).reshape(count, count),
            tuple(np.asarray(quantiles, np.float64) for quantiles in values["quantiles"]),
            np.asarray(values["sparse"], np.int64),
            np.asarray(values["onward"], np.int64),
            np.asarray(values["pace"], np.float64),
            np.asarray(values["swing"], np.float64),
            np.asarray(values["positive"], np.bool_),
            np.asarray(values["periods"], np.int64),
        )


def _relative(sizes: Floats, values: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Return the sizes of moves as shares of the values that moved, where the column is positive."""
    shares: Floats = sizes / np.where(positive & (values > 0), values, 1.0)
    return shares


def _mean(sizes: Floats) -> Floats:
    """Return the mean of each column's filled cells; 0 where there is none."""
    means: Floats = np.nansum(sizes, axis=0) / np.maximum((~np.isnan(sizes)).sum(axis=0), 1)
    return means


def _quantiles(codec: ColumnCodec) -> Floats:
    assert isinstance(codec, NumericCodec)
    return np.sort(codec.centres[codec.first_spike :])
