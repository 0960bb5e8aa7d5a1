"""Numbers that turn at even intervals.

A series that was interpolated from hourly values bends on the hour, and one that was carried forward changes on the
hour. How long ago it last turned then tells when it may turn next; before its first turn, how long ago it would have
been. A new sequence draws that beforehand. A recurrence hardly learns to count so far where the training sequences
overlap: it is easier to know by heart which values are followed by a bend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthx.codec.sequence.history import sequence_of

__all__ = ["Beat", "Rhythm"]

LEAST_SHARE = 0.8
"""Of the intervals between two turns, how many have to be multiples of the period."""
LONGEST = 1_440
"""The longest period that is looked for, in steps: a day of minutes."""

Turns = NDArray[np.bool_]
Counts = NDArray[np.int64]


class Beat(NamedTuple):
    """Numbers that turn at even intervals, and together.

    Parameters
    ----------
    columns : tuple of int
        The indices of the numbers.
    period : int
        The interval, in steps; at least two.
    begins : tuple of float, length period + 1
        How many training sequences, as a share, began so many steps after a turn; the first are those that never turn.
    strict : bool
        Whether no number of them ever turned off the beat.
    """

    columns: tuple[int, ...]
    period: int
    begins: tuple[float, ...]
    strict: bool

    def turned(self, turned: Turns) -> Turns:
        """Return at which steps any of the numbers turns; (steps, numbers) -> (steps,)."""
        return _any(turned, self.columns)


class Rhythm(NamedTuple):
    """The beats that numbers follow.

    Parameters
    ----------
    beats : tuple of Beat
    """

    beats: tuple[Beat, ...] = ()

    @classmethod
    def of(cls, turned: Turns, starts: NDArray[np.int64], *, rare_threshold: int) -> Rhythm:
        """Find the rhythm of numbers.

        Parameters
        ----------
        turned : bool array, shape (steps, numbers)
            Where each turns.
        starts : int array, shape (sequences,)
            The first step of each sequence, ascending.
        rare_threshold : int
            In how many sequences a number has to turn twice at least.
        """
        beats: list[tuple[int, list[int]]] = []
        for column in range(turned.shape[1]):
            own = turned[:, column]
            period = _period(own, starts, rare_threshold)
            if not period:
                continue
            for other, columns in beats:
                since = _since(_any(turned, columns), starts, period)[own]
                if other == period and np.mean(since[since > 0] % period == 0) >= LEAST_SHARE:
                    columns.append(column)
                    break
            else:
                beats.append((period, [column]))
        return cls(tuple(_beat(period, columns, turned, starts, rare_threshold) for period, columns in beats))

    @property
    def columns(self) -> tuple[int, ...]:
        """The indices of all numbers that follow a beat."""
        return tuple(column for beat in self.beats for column in beat.columns)

    def since(self, turned: Turns, starts: NDArray[np.int64]) -> Counts:
        """Return how many steps before each step the numbers of each beat last turned.

        As if they had turned before the sequence began, too; 0 in one where they never turn. Shapes: (steps, numbers)
        -> (steps, beats).
        """
        found = [_since(beat.turned(turned), starts, beat.period) for beat in self.beats]
        return np.stack(found, axis=1) if found else np.zeros((len(turned), 0), np.int64)

    def begin(self, chances: NDArray[np.float64]) -> Counts:
        """Return how many steps before their first the numbers of sequences turned; uniform numbers (n, beats)."""
        found = [
            np.searchsorted(np.cumsum(beat.begins)[:-1], chances[:, index], side="right")
            for index, beat in enumerate(self.beats)
        ]
        return np.stack(found, axis=1) if found else np.zeros((len(chances), 0), np.int64)

    def after(self, since: Counts, turned: Turns) -> Counts:
        """Return how many steps ago they last turned once one more step is taken; (n, beats)."""
        after = since + (since > 0)
        for index, beat in enumerate(self.beats):
            after[beat.turned(turned), index] = 1
        return after

    def strict(self, column: int) -> tuple[int, Beat] | None:
        """Return the beat that a number never leaves, and its index; None if there is none."""
        return next(((i, beat) for i, beat in enumerate(self.beats) if beat.strict and column in beat.columns), None)

    def off(self, column: int, since: Counts) -> Turns:
        """Return in which sequences a number is not to turn now; since (n, beats) -> (n,)."""
        found = self.strict(column)
        if found is None:
            return np.zeros(len(since), bool)
        index, beat = found
        never: Turns = (since[:, index] == 0) | (since[:, index] % beat.period != 0)
        return never

    def to_list(self) -> list[Any]:
        """Return plain JSON values."""
        return [beat._asdict() for beat in self.beats]

    @classmethod
    def from_list(cls, values: Iterable[Mapping[str, Any]]) -> Rhythm:
        return cls(
            tuple(
                Beat(tuple(beat["columns"]), beat["period"], tuple(beat["begins"]), beat["strict"]) for beat in values
            )
        )


def _beat(period: int, columns: list[int], turned: Turns, starts: NDArray[np.int64], rare_threshold: int) -> Beat:
    """Return a beat with what is known of it; nothing is told of beginnings that few sequences share."""
    together = _any(turned, columns)
    since = _since(together, starts, period)
    counts = np.bincount(since[starts], minlength=period + 1).astype(np.float64)
    few = counts < rare_threshold
    shares = (np.where(few, 0.0, counts) + counts[few].sum() * np.append(0.0, np.ones(period)) / period) / len(starts)
    return Beat(tuple(columns), period, tuple(shares.tolist()), bool((since[together] % period == 0).all()))


def _any(turned: Turns, columns: Sequence[int]) -> Turns:
    """Return at which steps any of some numbers turns; (steps, numbers) -> (steps,)."""
    found: Turns = np.logical_or.reduce(turned[:, list(columns)], axis=1)
    return found


def _since(turned: Turns, starts: NDArray[np.int64], period: int) -> Counts:
    """Return how many steps before each step its sequence last turned; (steps,).

    Before the first turn, as if there had been one whole periods earlier; 0 in sequences that never turn.
    """
    steps = np.arange(len(turned))
    sequence = sequence_of(starts, len(turned))
    at = np.flatnonzero(turned)[::-1]
    first = np.full(len(starts), -1)
    first[sequence[at]] = at  # of each sequence the first is written last
    before = starts + (first - starts) % period - period
    last = np.maximum.accumulate(np.where(turned, steps, -1))
    last = np.concatenate([[-1], last])[:-1]  # what was so before the step
    found: Counts = steps - np.where(last >= starts[sequence], last, before[sequence])
    return np.where(first[sequence] >= 0, found, 0)


def _period(turned: Turns, starts: NDArray[np.int64], rare_threshold: int) -> int:
    """Return the longest period of which most intervals between turns are multiples; 0 if there is none."""
    at = np.flatnonzero(turned)
    sequence = np.searchsorted(starts, at, side="right")
    within = sequence[1:] == sequence[:-1]
    gaps = np.diff(at)[within]
    if len(np.unique(sequence[1:][within])) < rare_threshold:
        return 0
    counts = np.bincount(gaps)
    periods = range(min(LONGEST, len(counts) - 1), 1, -1)
    return next((period for period in periods if counts[::period].sum() >= LEAST_SHARE * len(gaps)), 0)
