"""Numbers of a sequence as levels or as distances from a reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx.codec.cells import decimals_of
from synthx.codec.numeric import Grid, NumericCodec
from synthx.codec.sequence.history import History
from synthx.codec.sequence.references import Reference, Source, crookedness
from synthx.codec.table import ColumnCodec

__all__ = ["Corners", "NumberCodec", "known_range"]

Floats = NDArray[np.float64]
LEVEL_BINS, MOVE_BINS, MOVE_SPIKES = 48, 64, 128
ROUNDING = 1e-12
"""Distances that are rounding errors, as a share of the largest level: a series that was interpolated goes straight on
up to these, and where no grid tells, nothing else would make zero of them."""
EXACT = 1e-9
"""What corners may be off their decimals by rounding, as a share; see `decimals_of`."""
NARROW = 1e-3
"""The width of a value that many rows share, as a share of its column's range, where no grid tells it."""


@dataclasses.dataclass(frozen=True)
class Corners:
    """The values at which a number that always follows a beat turns: those that it was interpolated from.

    Parameters
    ----------
    grid : Grid
    low, high : float
        Their range; what few sequences reach is left out.
    """

    grid: Grid
    low: float
    high: float

    @classmethod
    def of(cls, values: Floats, holders: NDArray[np.int64], *, rare_threshold: int) -> Corners:
        """Learn where corners are from those of the training sequences.

        Parameters
        ----------
        values : float array, shape (corners,)
        holders : int array, shape (corners,)
            The sequence of each.
        rare_threshold : int
            How many sequences at least reach the ends of the range.
        """
        places = np.unique(holders, return_inverse=True)[1]
        low, high = np.full(places.max() + 1, np.inf), np.full(places.max() + 1, -np.inf)
        np.minimum.at(low, places, values)
        np.maximum.at(high, places, values)
        last = min(rare_threshold, len(low)) - 1
        return cls(Grid.of(values, decimals_of(values, EXACT)), float(np.sort(low)[last]), float(-np.sort(-high)[last]))

    def nearest(self, values: Floats) -> Floats:
        """Return the nearest values that corners may have."""
        return self.grid.snap(np.clip(values, self.low, self.high))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Corners:
        return cls(Grid(**values["grid"]), values["low"], values["high"])


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
    bounds : tuple of float, optional
        The range in which values that distances lead to are kept; None for any.
    crooked : float
        How far a value that just goes on may be off the line, where that has a code of its own: the last.
    corners : Corners, optional
        Where a number that always follows a beat turns.
    """

    level: NumericCodec
    reference: Reference | None = None
    move: NumericCodec | None = None
    bounds: tuple[float, float] | None = None
    crooked: float = 0.0
    corners: Corners | None = None

    @classmethod
    def fit(
        cls,
        values: Floats,
        source: Source,
        whole: NumericCodec,
        reference: Reference,
        *,
        measured_from: Grid,
        bounded: bool,
        rare_threshold: int,
        holders: NDArray[np.int64],
    ) -> NumberCodec:
        """Learn the codes of a column that is measured from a reference.

        Parameters
        ----------
        values : float array, shape (steps,)
            The column.
        source : Source
            What it is measured from.
        whole : NumericCodec
            Of the column, as if it were coded as it stands: tells its range and its grid.
        reference : Reference
        measured_from : Grid
            Of the column that it is measured from.
        bounded : bool
            Whether values are kept inside the column's range.
        rare_threshold : int
        holders : int array, shape (steps,)
            The sequence of each step; nothing that fewer than `rare_threshold` share is stored.

        Returns
        -------
        NumberCodec
            Without a reference where too few distances are known to tell anything of them.
        """
        crooked = crookedness(values - source.base, whole.grid.step) if reference.straight else 0.0
        plain = cls(whole, reference, crooked=crooked)
        distances = plain.distances(values, source)
        moved = ~np.isnan(distances)
        known = moved & ~plain.goes_on(values, source)
        finest = not reference.ratio and whole.grid.step and measured_from.step
        move = NumericCodec.fit(
            distances[known],
            rare_threshold=rare_threshold,
            decimals=max(whole.grid.decimals, measured_from.decimals) if finest else None,
            max_bins=MOVE_BINS,
            max_spikes=MOVE_SPIKES,
            holders=holders[known],
        )
        if move.size == move.first_spike:
            return cls(whole)
        level = NumericCodec.fit(  # what is coded as a level: as a rule the first value of each sequence
            values[~moved],
            rare_threshold=rare_threshold,
            nullable=whole.nullable,
            decimals=whole.grid.decimals if whole.grid.step else None,
            max_bins=LEVEL_BINS,
            max_spikes=LEVEL_BINS,
            holders=holders[~moved],
        )
        level = dataclasses.replace(level, grid=whole.grid) if level.size > level.first_spike else whole
        return cls(level, reference, move, known_range(whole) if bounded else None, crooked)

    @property
    def size(self) -> int:
        return self.level.size + (0 if self.move is None else self.move.size) + self.straight

    @property
    def straight(self) -> bool:
        """Whether a value that just goes on has a code of its own, the last."""
        return self.move is not None and self.reference is not None and self.reference.straight

    @property
    def ranks(self) -> NDArray[np.float64]:
        """Where each code stands: levels from 0 to 1, distances from 2 to 3; NaN for others; shape (size,)."""
        parts = [self.level.ranks] + ([] if self.move is None else [2 + self.move.ranks])
        return np.concatenate([*parts, np.full(int(self.straight), np.nan)])

    @property
    def widths(self) -> Floats:
        """How wide each code is, for densities: a bin from end to end, one step of the grid otherwise; (size,)."""
        parts = [self.level] if self.move is None else [self.level, self.move]
        widths = []
        for part in parts:
            narrowest = part.grid.step or NARROW * max(np.ptp(part.centres[part.first_spike :]), 1e-300)
            edges = np.interp(np.arange(part.bins + 1), part.positions, part.knots) if part.bins else np.zeros(1)
            widths += [np.full(part.first_bin, narrowest), np.maximum(np.diff(edges), narrowest)]
        return np.concatenate([*widths, np.full(int(self.straight), narrowest)])

    def beyond(self, values: Floats, source: Source) -> Floats:
        """Return how far values lie beyond what codes reach, as a share of the reach; 0 inside, shape (steps,)."""
        far = np.zeros(len(values))
        parts = [(self.level, values, ~source.known)]
        if self.move is not None:
            parts.append((self.move, self.distances(values, source), source.known & ~self.goes_on(values, source)))
        for codec, found, here in parts:
            low, high = known_range(codec)
            if high > low:
                excess = np.abs(found - np.clip(found, low, high)) / (high - low)
                far = np.where(here & ~np.isnan(found), excess, far)
        return far

    def source(self, values: Floats, history: History) -> Source:
        """Return what the number is measured from at each step."""
        return Source.unknown(len(values)) if self.reference is None else self.reference.source(values, history)

    def goes_on(self, values: Floats, source: Source) -> NDArray[np.bool_]:
        """Return where values, shape (steps,), just go on, and that is told apart."""
        return np.abs(values - source.onward) <= self.crooked

    def turns(self, values: Floats, source: Source, history: History, place: int) -> NDArray[np.bool_]:
        """Return where values, shape (steps,), turn; they are the number at `place` in `history`.

        Where they do not just go on, if that is told apart; else where they differ from the last ones.
        """
        if self.straight:
            went = ~np.isnan(history.swings[:, place])  # else it is not known how
            return went & ~np.isnan(values) & ~self.goes_on(values, source)
        changed: NDArray[np.bool_] = np.abs(values - history.values[:, place]) > 0
        return changed

    def unturned(self, source: Source, history: History, place: int) -> tuple[int, NDArray[np.bool_]] | None:
        """Return the code of a number that does not turn, and at which steps it means that; (steps,).

        The number is the one at `place` in `history`. None where no code means that.
        """
        if self.straight:
            return self.size - 1, ~np.isnan(source.onward) & ~np.isnan(history.swings[:, place])
        if self.move is None or not (self.move.spikes == 0).any():
            return None
        still = self.level.size + self.move.first_spike + int(np.flatnonzero(self.move.spikes == 0)[0])
        return still, source.base == history.values[:, place]

    def distances(self, values: Floats, source: Source) -> Floats:
        """Return how far values, shape (steps,), are from `source`; NaN where either is not known."""
        if self.reference is not None and self.reference.ratio:
            return self.reference.distance(values, source.base)
        found = values - source.base
        if self.level.grid.step == 0:
            found[np.abs(found) <= ROUNDING * np.maximum(np.abs(values), np.abs(known_range(self.level)).max())] = 0.0
        return found

    def encode(self, values: Floats, source: Source) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return codes and offsets of values, shape (steps,), that are measured from `source`."""
        codes, offsets = self.level.encode(values)
        if self.move is not None:
            distances = self.distances(values, source)
            moved = ~np.isnan(distances)
            code, offsets[moved] = self.move.encode(distances[moved])
            codes[moved] = code + self.level.size
            codes[self.goes_on(values, source)] = self.size - 1
        return codes, offsets

    def decode(self, codes: NDArray[np.integer[Any]], offsets: NDArray[np.floating[Any]], source: Source) -> Floats:
        """Return the values that codes and offsets stand for, NaN where missing; shape (steps,)."""
        moved = codes >= self.level.size
        values = self.level.decode(np.where(moved, 0, codes), offsets)
        if self.move is not None and moved.any():
            assert self.reference is not None
            straight = (codes[moved] == self.size - 1) & self.straight
            chosen, start = np.where(straight, 0, codes[moved] - self.level.size), source.pick(moved)
            reached = self.reference.reached(self.move.decode(chosen, offsets[moved]), start.base)
            reached = np.where(straight, start.onward, reached)
            reached = reached if self.bounds is None else np.clip(reached, *self.bounds)
            values[moved] = self.level.grid.snap(reached)
        return values

    def with_corners(self, corners: Corners) -> NumberCodec:
        """Return the codec of a number that turns there, and nowhere else; its bounds hold them all."""
        low, high = self.bounds or (corners.low, corners.high)
        return dataclasses.replace(self, corners=corners, bounds=(min(low, corners.low), max(high, corners.high)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "level": self.level.to_dict(),
            "reference": None if self.reference is None else self.reference.to_list(),
            "move": None if self.move is None else self.move.to_dict(),
            "bounds": None if self.bounds is None else list(self.bounds),
            "crooked": self.crooked,
            "corners": None if self.corners is None else dataclasses.asdict(self.corners),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NumberCodec:
        reference, move = values["reference"], values["move"]
        return cls(
            NumericCodec.from_dict(values["level"]),
            None if reference is None else Reference.from_list(reference),
            None if move is None else NumericCodec.from_dict(move),
            None if values["bounds"] is None else (values["bounds"][0], values["bounds"][1]),
            values["crooked"],
            None if values["corners"] is None else Corners.from_dict(values["corners"]),
        )


def known_range(codec: ColumnCodec) -> tuple[float, float]:
    """Return the least and the largest number that a codec knows."""
    assert isinstance(codec, NumericCodec)
    known = np.concatenate([codec.spikes, codec.knots])
    return (float(known.min()), float(known.max())) if len(known) else (-np.inf, np.inf)
