"""What is known of each number before a step: its last observed value, how it moved, and how long ago that was.

Where steps are of different kinds (`kinds.py`), it is also known when each kind last happened and, as soon as the kind
of the step itself is, what the numbers were then.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthx.codec.sequence.kinds import last_of_kind

__all__ = ["History", "sequence_of"]

Floats = NDArray[np.float64]
RECENT = 0.25
"""What the last move counts in a running mean of their sizes."""


class History(NamedTuple):
    """What is known before each of some steps.

    Parameters
    ----------
    values : float array, shape (steps, columns)
        The last observed value of each column, NaN where there is none.
    slopes : float array, shape (steps, columns)
        By how much that exceeded the value observed before it; 0 where fewer than two are known.
    times : float array, shape (steps, columns)
        When it was observed.
    swings : float array, shape (steps, columns)
        How far it moves at a time, lately: a running mean of the sizes of its moves; NaN before the first one.
    happened : float array, shape (steps, kinds)
        When a step of each kind last happened, NaN where none has; no column where all steps are of one kind.
    kind : int array, shape (steps,)
        Of the step itself, once that is known.
    recalled : float array, shape (steps, columns)
        What the numbers were at the last step of that kind; NaN where there is none, or the kind is not known.
    """

    values: Floats
    slopes: Floats
    times: Floats
    swings: Floats
    happened: Floats
    kind: NDArray[np.int64]
    recalled: Floats

    @classmethod
    def empty(cls, steps: int, columns: int, kinds: int = 0) -> History:
        unknown = np.full((steps, columns), np.nan)
        moves = np.zeros((steps, columns))
        return cls(unknown, moves, moves, unknown, np.full((steps, kinds), np.nan), np.zeros(steps, np.int64), unknown)

    @classmethod
    def before_steps(
        cls,
        values: Floats,
        clock: Floats,
        starts: NDArray[np.int64],
        kind: NDArray[np.int64] | None = None,
        kinds: int = 0,
    ) -> History:
        """Return what is known before each step of some sequences that stand one after the other.

        Parameters
        ----------
        values : float array, shape (steps, columns)
            NaN where missing.
        clock : float array, shape (steps,)
            The time of each step.
        starts : int array, shape (sequences,)
            The first step of each sequence, ascending.
        kind : int array, shape (steps,), optional
            The kind of each step, if there are different `kinds`.
        """
        steps, columns = values.shape
        first = starts[sequence_of(starts, steps)][:, None]
        column = np.arange(columns)[None, :]
        last = np.where(np.isnan(values), -1, np.arange(steps)[:, None])
        last = np.maximum.accumulate(last, axis=0, out=last)
        last = np.concatenate([np.full((1, columns), -1), last[:-1]])  # what was observed before the step
        last[last < first] = -1
        before = last[last, column]  # and what before that; of no row, the last row's answer stands here
        known, twice = last >= 0, (last >= 0) & (before >= first)
        found = values[last, column]
        slopes = np.where(twice, found - values[before, column], 0.0)
        happened, recalled = np.full((steps, kinds), np.nan), np.full((steps, columns), np.nan)
        kind = np.zeros(steps, np.int64) if kind is None else kind
        for each in range(kinds):
            latest = np.maximum.accumulate(np.where(kind == each, np.arange(steps), -1))
            latest = np.concatenate([[-1], latest[:-1]])
            happened[:, each] = np.where(latest >= first[:, 0], clock[latest], np.nan)
        if kinds:
            same = last_of_kind(kind, first[:, 0])
            recalled = np.where(same[:, None] >= 0, values[same], np.nan)
        latest, times = np.where(known, found, np.nan), np.where(known, clock[last], 0.0)
        return cls(latest, slopes, times, _swings(values - latest, starts), happened, kind, recalled)

    def pick(self, steps: NDArray[np.int64] | slice) -> History:
        """Return what is known before some of the steps."""
        return History(
            self.values[steps],
            self.slopes[steps],
            self.times[steps],
            self.swings[steps],
            self.happened[steps],
            self.kind[steps],
            self.recalled[steps],
        )

    def at(self, kind: NDArray[np.int64], recalled: Floats) -> History:
        """Return what is known once the kind of each step is."""
        return self._replace(kind=kind, recalled=recalled)

    def after(self, values: Floats, clock: Floats) -> History:
        """Return what is known after a step of values, shape (steps, columns), at the times `clock`, (steps,)."""
        observed, moves = ~np.isnan(values), values - self.values
        slopes = np.where(observed, np.nan_to_num(moves), self.slopes)
        happened = self.happened
        if happened.shape[1]:
            happened = happened.copy()
            happened[np.arange(len(clock)), self.kind] = clock
        return self._replace(
            values=np.where(observed, values, self.values),
            slopes=slopes,
            times=np.where(observed, clock[:, None], self.times),
            swings=_swing(self.swings, moves),
            happened=happened,
        )


def sequence_of(starts: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """Return the number of each step's sequence, shape (steps,); `starts` are the first steps, ascending."""
    return np.repeat(np.arange(len(starts)), np.diff(starts, append=steps))


def _swing(swings: Floats, moves: Floats) -> Floats:
    """Return running means of the sizes of moves after some more, NaN where there was none."""
    sizes = np.abs(moves)
    after = np.where(np.isnan(swings), sizes, swings + RECENT * (sizes - swings))
    found: Floats = np.where(np.isnan(sizes), swings, after)
    return found


def _swings(moves: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return running means of the sizes of moves, shape (steps, columns), before each step of some sequences."""
    swings = np.full(moves.shape, np.nan)
    lengths = np.diff(starts, append=len(moves))
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    for place in range(1, int(lengths.max(initial=0))):
        rows = starts[: np.searchsorted(-lengths, -place)] + place
        swings[rows] = _swing(swings[rows - 1], moves[rows - 1])
    return swings
