"""Numbers that turn at even intervals.

A series that was interpolated from hourly values bends on the hour, and one that was carried forward changes on the
hour. How long ago it last turned then tells when it may turn next. A recurrence hardly learns to count so far where the
training sequences overlap: it is easier to know by heart which values are followed by a bend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    first : int
        The first place in a sequence where a turn can be told.
    """

    columns: tuple[int, ...]
    period: int
    first: int

    def turned(self, turned: Turns) -> Turns:
        """Return at which steps any of the numbers turns; (steps, numbers) -> (steps,)."""
        found: Turns = np.logical_or.reduce(turned[:, list(self.columns)], axis=1)
        return found


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
        place = np.arange(len(turned)) - _first(len(turned), starts)
        beats: list[Beat] = []
        for column in range(turned.shape[1]):
            own = turned[:, column]
            period = _period(own, starts, rare_threshold)
            if not period:
                continue
            first = int(place[own].min())
            for index, beat in enumerate(beats):
                since = _since(beat.turned(turned), starts)[own]
                if beat.period == period and np.mean(since[since > 0] % period == 0) >= LEAST_SHARE:
                    beats[index] = Beat((*beat.columns, column), period, min(first, beat.first))
                    break
            else:
                beats.append(Beat((column,), period, first))
        return cls(tuple(beats))

    @property
    def columns(self) -> tuple[int, ...]:
        """The indices of all numbers that follow a beat."""
        return tuple(column for beat in self.beats for column in beat.columns)

    def since(self, turned: Turns, starts: NDArray[np.int64]) -> Counts:
        """Return how many steps before each step the numbers of each beat last turned; 0 where they have not yet.

        Shapes: (steps, numbers) -> (steps, beats).
        """
        found = [_since(beat.turned(turned), starts) for beat in self.beats]
        return np.stack(found, axis=1) if found else np.zeros((len(turned), 0), np.int64)

    def after(self, since: Counts, turned: Turns) -> Counts:
        """Return how many steps ago they last turned once one more step is taken; (n, beats)."""
        after = since + (since > 0)
        for index, beat in enumerate(self.beats):
            after[beat.turned(turned), index] = 1
        return after

    def to_list(self) -> list[Any]:
        """Return plain JSON values."""
        return [{"columns": list(beat.columns), "period": beat.period, "first": beat.first} for beat in self.beats]

    @classmethod
    def from_list(cls, values: Iterable[Mapping[str, Any]]) -> Rhythm:
        return cls(tuple(Beat(tuple(beat["columns"]), beat["period"], beat["first"]) for beat in values))


def _first(steps: int, starts: NDArray[np.int64]) -> Counts:
    """Return the first step of the sequence of each step."""
    first = np.zeros(steps, np.int64)
    first[starts] = starts
    return np.maximum.accumulate(first)


def _since(turned: Turns, starts: NDArray[np.int64]) -> Counts:
    """Return how many steps before each step its sequence last turned; 0 where it has not yet; (steps,)."""
    steps = np.arange(len(turned))
    last = np.maximum.accumulate(np.where(turned, steps, -1))
    last = np.concatenate([[-1], last])[:-1]  # what was so before the step
    found: Counts = np.where(last >= _first(len(turned), starts), steps - last, 0)
    return found


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
