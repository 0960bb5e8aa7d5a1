"""Numbers of a sequence as levels or as distances from a reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx.codec.numeric import NumericCodec
from synthx.codec.sequence.history import History
from synthx.codec.sequence.references import Reference

__all__ = ["NumberCodec"]

Floats = NDArray[np.float64]
LEVEL_BINS, MOVE_BINS = 48, 64
ROUNDING = 1e-12
"""Distances that are rounding errors, as a share of the largest level: a series that was interpolated goes straight on
up to these, and where no grid tells, nothing else would make zero of them."""
NARROW = 1e-3
"""The width of a value that many rows share, as a share of its column's range, where no grid tells it."""


@dataclasses.dataclass(frozen=True)
class NumberCodec:
    """The codes of one column of numbers at the steps of a sequence.

    The codes of levels come first, then those of distances from the reference: a level where the reference is not
    known (at the first step, as a rule), a distance where it is.

    Parameters
    ----------
    level : NumericCodec
        Codes of values as they stand.
    reference : Reference, optional
        What the number is measured from; None if it is always coded as it stands.
    move : NumericCodec, optional
        Codes of the distances.
    bounded : bool
        Whether a value that a distance leads to is kept inside the range of the levels.
    """

    level: NumericCodec
    reference: Reference | None = None
    move: NumericCodec | None = None
    bounded: bool = True

    @property
    def size(self) -> int:
        return self.level.size + (0 if self.move is None else self.move.size)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest level."""
        known = np.concatenate([self.level.spikes, self.level.knots])
        return (float(known.min()), float(known.max())) if len(known) else (-np.inf, np.inf)

    @property
    def ranks(self) -> NDArray[np.float64]:
        """Where each code stands: levels from 0 to 1, distances from 2 to 3; NaN for missing; shape (size,)."""
        parts = [self.level.ranks] + ([] if self.move is None else [2 + self.move.ranks])
        return np.concatenate(parts)

    @property
    def widths(self) -> Floats:
        """How wide each code is, for densities: a bin from end to end, one step of the grid otherwise; (size,)."""
        parts = [self.level] if self.move is None else [self.level, self.move]
        widths = []
        for part in parts:
            narrowest = part.grid.step or NARROW * max(np.ptp(part.centres[part.first_spike :]), 1e-300)
            edges = np.interp(np.arange(part.bins + 1), part.positions, part.knots) if part.bins else np.zeros(1)
            widths += [np.full(part.first_bin, narrowest), np.maximum(np.diff(edges), narrowest)]
        return np.concatenate(widths)

    def source(self, values: Floats, history: History) -> Floats:
        """Return what the number is measured from at each step, NaN where it is not known; shape (steps,)."""
        return np.full(len(values), np.nan) if self.reference is None else self.reference.of(values, history)

    def distances(self, values: Floats, source: Floats) -> Floats:
        """Return how far values, shape (steps,), are from `source`; NaN where either is not known."""
        found = values - source
        if self.level.grid.step == 0:
            found[np.abs(found) <= ROUNDING * np.abs(self.ends).max()] = 0.0
        return found

    def encode(self, values: Floats, source: Floats) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return codes and offsets of values, shape (steps,), that are measured from `source`."""
        codes, offsets = self.level.encode(values)
        if self.move is not None:
            distances = self.distances(values, source)
            moved = ~np.isnan(distances)
            code, offsets[moved] = self.move.encode(distances[moved])
            codes[moved] = code + self.level.size
        return codes, offsets

    def decode(self, codes: NDArray[np.integer[Any]], offsets: NDArray[np.floating[Any]], source: Floats) -> Floats:
        """Return the values that codes and offsets stand for, NaN where missing; shape (steps,)."""
        moved = codes >= self.level.size
        values = self.level.decode(np.where(moved, 0, codes), offsets)
        if self.move is not None and moved.any():
            reached = source[moved] + self.move.decode(codes[moved] - self.level.size, offsets[moved])
            reached = np.clip(reached, *self.ends) if self.bounded else reached
            values[moved] = self.level.grid.snap(reached)
        return values

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "level": self.level.to_dict(),
            "reference": None if self.reference is None else list(self.reference),
            "move": None if self.move is None else self.move.to_dict(),
            "bounded": self.bounded,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NumberCodec:
        reference, move = values["reference"], values["move"]
        return cls(
            NumericCodec.from_dict(values["level"]),
            None if reference is None else Reference(*reference),
            None if move is None else NumericCodec.from_dict(move),
            values["bounded"],
        )
