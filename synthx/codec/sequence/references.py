"""What the numbers of a sequence are measured from.

A number is coded as it stands (its *level*), or as its distance from a *reference*: its own last value, that value
moved on as it last moved, the last value of another column, what another column holds at the same step, what it was
when a step of this kind last happened, or its last value plus or minus what another column holds, depending on the
kind. The nearer the reference, the fewer bits a value costs, and the finer the bins that describe it: an opening price
is near the last close, a day's high near its low, a series that was interpolated goes on as it went, a standing order
is of the same amount again, and a balance is the last balance less what was paid. Which one is chosen for a
column: `reference_choice.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthx.codec.sequence.history import History

__all__ = ["Reference", "Source", "crookedness"]

Floats = NDArray[np.float64]

FINE_GRID = 1e-2
"""The largest step of a grid, as a share of the usual move, that only rounds what it holds."""
ROUNDING = 1e-9
"""Errors of computing, as a share of the largest move."""


class Source(NamedTuple):
    """What numbers are measured from.

    Parameters
    ----------
    base : float array, shape (steps,)
        NaN where it is not known.
    onward : float array, shape (steps,)
        What a number that just goes on would be; NaN where that is not told apart.
    """

    base: Floats
    onward: Floats

    @classmethod
    def unknown(cls, steps: int) -> Source:
        return cls(np.full(steps, np.nan), np.full(steps, np.nan))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is something to measure from; shape (steps,)."""
        return ~np.isnan(self.base)

    def pick(self, steps: NDArray[np.bool_]) -> Source:
        """Return what some of the steps are measured from."""
        return Source(self.base[steps], self.onward[steps])


class Reference(NamedTuple):
    """What a column is measured from.

    Parameters
    ----------
    column : int
        The index of a column of numbers; its own for its own last value.
    now : bool
        Whether it is what that column holds at the same step, and not the last value before it.
    onward : bool
        Whether the last value is moved on as it last moved.
    ratio : bool
        Whether the distance is the logarithm of a ratio, of columns whose values are all positive: what moves by
        percentages.
    straight : bool
        Whether the last value moved on is told apart: a value that just goes on has a code of its own, and any other is
        measured from the last value. A series that was interpolated bends now and then, and how it goes on from there
        has little to do with how it went before.
    recurring : tuple of bool
        In steps of which kinds it is what the column held when a step of that kind last happened; in the others
        nothing is referred to. Empty if it is not.
    plus : int, optional
        The index of a column whose present value is added to the last value.
    signs : tuple of int
        With which sign that is, in steps of each kind: 1, -1, or 0.
    """

    column: int
    now: bool = False
    onward: bool = False
    ratio: bool = False
    straight: bool = False
    recurring: tuple[bool, ...] = ()
    plus: int | None = None
    signs: tuple[int, ...] = ()

    @property
    def needed(self) -> tuple[int, ...]:
        """The columns that have to be known at the same step."""
        return (*([self.column] if self.now else []), *([] if self.plus is None else [self.plus]))

    def source(self, values: Floats, history: History) -> Source:
        """Return what is referred to at each step."""
        base = self.of(values, history)
        return Source(base, base + history.slopes[:, self.column] if self.straight else np.full(len(base), np.nan))

    def of(self, values: Floats, history: History) -> Floats:
        """Return what is measured from at each step, NaN where it is not known; shape (steps,)."""
        if self.now:
            return values[:, self.column]
        if self.recurring:
            return np.where(np.array(self.recurring)[history.kind], history.recalled[:, self.column], np.nan)
        last = history.values[:, self.column]
        if self.plus is not None:
            last = last + np.array(self.signs)[history.kind] * np.nan_to_num(values[:, self.plus])
        return last + history.slopes[:, self.column] if self.onward else last

    def moved(self, places: Mapping[int, int]) -> Reference:
        """Return the reference where the columns stand in other places."""
        plus = None if self.plus is None else places[self.plus]
        return self._replace(column=places[self.column], plus=plus)

    def to_list(self) -> list[Any]:
        """Return plain JSON values."""
        return [list(field) if isinstance(field, tuple) else field for field in self]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> Reference:
        fields: list[Any] = [tuple(field) if isinstance(field, list) else field for field in values]
        return cls(*fields)

    def distance(self, values: Floats, source: Floats) -> Floats:
        """Return how far values are from what is referred to, NaN where there is no telling; shape (steps,)."""
        if not self.ratio:
            return values - source
        sensible = (values > 0) & (source > 0)
        return np.log(np.where(sensible, values, np.nan)) - np.log(np.where(sensible, source, np.nan))

    def reached(self, distances: Floats, source: Floats) -> Floats:
        """Return where distances lead to; shape (steps,)."""
        return source * np.exp(distances) if self.ratio else source + distances


def crookedness(moves: Floats, step: float) -> float:
    """Return how far off a straight line rounding leaves a value, by its moves, shape (steps,), and its grid's step.

    Two steps of a grid that is fine beside the moves: three values are rounded. Nothing on a coarse grid, where a small
    bend is a bend.
    """
    sizes = np.abs(moves[~np.isnan(moves) & (moves != 0)])
    fine = len(sizes) > 0 and step <= FINE_GRID * float(np.median(sizes))
    return max(2.0 * step if fine else 0.0, ROUNDING * float(sizes.max() if len(sizes) else 0.0)) * (1 + 1e-6)
