"""Numbers as codes and offsets.

A number becomes one of three sorts of code: missing; a *spike*, a value that many rows share (zero, a cap, a round
amount); or a *bin*. Bins hold about equally many rows, and inside a bin the offset runs from 0 to 1 along a few knots.
Bins and knots together are one increasing piecewise-linear function from values to *positions*: position 3.25 is a
quarter of the way, in rows, through the fourth bin. That function is all that is stored of the values that are not
spikes.

Privacy of what is stored: a spike is held by at least `rare_threshold` rows; each piece between two knots stands for at
least `rare_threshold` rows; and a knot lies midway between two neighbouring values, so it equals no value at all. The
first and the last knot lie beyond the `rare_threshold`-th smallest and largest value; what lies outside is clipped.
Where one entity holds many rows, entities are counted in place of rows.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from synthx.codec.holders import Sharing
from synthx.codec.knots import choose_knots, choose_spikes
from synthx.condition import MISSING, Condition, Missing, OneOf, Window

__all__ = ["Grid", "NumericCodec"]

MAX_BINS = 100
MAX_SPIKES = 128
GRID_SAMPLE = 10_000
FEWEST_ON_GRID = 10


@dataclasses.dataclass(frozen=True)
class Grid:
    """The values a column can take: ``base + k * step``; `step` 0 means any number.

    Integers have step 1, prices 0.01, a limit in multiples of 50 has step 50.
    """

    step: float = 0.0
    base: float = 0.0
    decimals: int = 0

    @classmethod
    def of(cls, values: np.ndarray, decimals: int | None) -> Grid:
        """Find the coarsest grid that holds every value, given how many decimals they need (None: any number)."""
        if decimals is None or len(values) == 0:
            return cls()
        units = np.rint(values * 10.0**decimals)
        if np.abs(units).max() >= 2**53:
            return cls()
        whole = units.astype(np.int64)
        step = int(np.gcd.reduce(whole - whole[0])) or 1
        # A common divisor that few values attest to, or that is no round number, is chance.
        if len(np.unique(whole[:: -(-len(whole) // GRID_SAMPLE)])) < FEWEST_ON_GRID or not _is_round(step):
            step = 1
        return cls(step / 10**decimals, int(whole[0] % step) / 10**decimals, decimals)

    def snap(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest values on the grid; halves go up."""
        if self.step == 0:
            return values
        snapped = self.base + np.floor((values - self.base) / self.step + 0.5) * self.step
        return np.round(snapped, self.decimals)

    def inside(self, low: float, high: float) -> tuple[float, float]:
        """Return the range of numbers that snap to a grid value in ``[low, high]``; empty (high < low) if none does."""
        if self.step == 0:
            return low, high
        steps = np.array([low - self.base, high - self.base]) / self.step
        # Dividing errs by a few units in the last place, which of many million steps is more than any fixed tolerance.
        tolerance = np.minimum(1e-9 + 4 * np.finfo(np.float64).eps * np.abs(steps), 0.25)
        first, last = np.ceil(steps[0] - tolerance[0]), np.floor(steps[1] + tolerance[1])
        if last < first:
            return 0.0, -1.0
        return self.base + (first - 0.5) * self.step, self.base + (last + 0.5) * self.step


def _is_round(step: int) -> bool:
    """Whether a step is one that people choose: 1, 2, 5 or 25 times a power of ten, or a multiple of 60 (times)."""
    if step % 60 == 0:
        return True
    while step % 10 == 0:
        step //= 10
    return step in (1, 2, 5, 25, 3, 6, 12)


@dataclasses.dataclass(frozen=True)
class NumericCodec:
    """The codes of one column of numbers.

    Codes stand in this order: missing (if `nullable`), spikes in ascending order, bins in ascending order.

    Parameters
    ----------
    nullable : bool
        Whether code 0 means missing.
    spikes : float array, shape (spikes,)
        Values with codes of their own, ascending.
    knots, positions : float arrays, shape (knots,)
        The piecewise-linear function from values to positions; positions run from 0 to the number of bins.
    grid : Grid
        The values that decoding may give.
    """

    nullable: bool
    spikes: np.ndarray
    knots: np.ndarray
    positions: np.ndarray
    grid: Grid

    has_offset = True

    # -- fitting ------------------------------------------------------------------------------------------------

    @classmethod
    def fit(
        cls,
        values: np.ndarray,
        *,
        rare_threshold: int,
        nullable: bool = False,
        decimals: int | None = None,
        max_bins: int = MAX_BINS,
        max_spikes: int = MAX_SPIKES,
        holders: np.ndarray | None = None,
    ) -> NumericCodec:
        """Choose spikes, bins and knots from `values`, shape (rows,), NaN where missing.

        `decimals` says how many digits after the point the values have; None means any number of them. `holders`, int
        of shape (rows,), is the entity of each row, from 0; `rare_threshold` then counts entities in place of rows.
        """
        present = ~np.isnan(values)
        filled = values[present]
        nullable = nullable or len(filled) < len(values)
        grid = Grid.of(filled, decimals)
        filled = grid.snap(filled)
        distinct, counts, in_order = _count(filled, None if holders is None else holders[present])
        sharing = Sharing(len(filled), rare_threshold, in_order)
        is_spike = choose_spikes(counts, sharing, max_spikes)
        if not is_spike.any() and not sharing.is_enough():
            nothing = np.empty(0)
            return cls(True, nothing, nothing, nothing, grid)
        # Where too few are left to describe, there are no knots, and they join the nearest spike.
        rest = sharing.pick(~np.repeat(is_spike, counts))
        knots = choose_knots(distinct[~is_spike], counts[~is_spike], rest, max_bins, len(filled))
        return cls(nullable, distinct[is_spike], *knots, grid)

    # -- shape --------------------------------------------------------------------------------------------------

    @property
    def bins(self) -> int:
        return int(self.positions[-1]) if len(self.positions) else 0

    @property
    def first_spike(self) -> int:
        return int(self.nullable)

    @property
    def first_bin(self) -> int:
        return self.first_spike + len(self.spikes)

    @property
    def size(self) -> int:
        return self.first_bin + self.bins

    @property
    def centres(self) -> np.ndarray:
        """The value in the middle of each code; NaN for missing; shape (size,)."""
        middles = np.interp(np.arange(self.bins) + 0.5, self.positions, self.knots) if self.bins else np.empty(0)
        return np.concatenate([np.full(self.first_spike, np.nan), self.spikes, middles])

    @property
    def ranks(self) -> np.ndarray:
        """Where each code stands among all by value, from 0 to 1; NaN for missing; shape (size,)."""
        centres = self.centres
        places = np.argsort(np.argsort(centres[self.first_spike :], kind="stable"), kind="stable")
        ranks = np.full(self.size, np.nan)
        ranks[self.first_spike :] = places / max(1, len(places) - 1)
        return ranks

    # -- coding -------------------------------------------------------------------------------------------------

    def encode(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return codes (int32) and offsets (float32, in [0, 1)), each of shape (rows,); NaN means missing."""
        codes = np.zeros(len(values), np.int32)
        offsets = np.full(len(values), 0.5, np.float32)
        filled = ~np.isnan(values)
        if self.size == self.first_spike:
            return codes, offsets
        x = self.grid.snap(values[filled])
        nearest = _nearest(self.spikes, x) if len(self.spikes) else np.zeros(len(x), np.int64)
        of_spike = self.spikes[nearest] == x if len(self.spikes) else np.zeros(len(x), bool)
        if not self.bins:
            of_spike[:] = True
        position = np.interp(x, self.knots, self.positions) if self.bins else np.zeros(len(x))
        bin_ = np.minimum(position.astype(np.int64), max(self.bins - 1, 0))
        codes[filled] = np.where(of_spike, self.first_spike + nearest, self.first_bin + bin_)
        inside = np.minimum(position - bin_, np.float32(1 - 2**-24)).astype(np.float32)
        offsets[filled] = np.where(of_spike, np.float32(0.5), inside)
        return codes, offsets

    def decode(self, codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return the numbers, NaN where missing; shape (rows,)."""
        table = self.centres
        if len(table) == 0:
            return np.full(len(codes), np.nan)
        values: np.ndarray = table[codes]
        in_bin = codes >= self.first_bin
        if in_bin.any():
            position = (codes[in_bin] - self.first_bin) + offsets[in_bin].astype(np.float64)
            values[in_bin] = self._on_grid(np.interp(position, self.positions, self.knots))
        return values

    def _on_grid(self, values: np.ndarray) -> np.ndarray:
        """Snap to the grid without leaving the outermost knots."""
        if self.grid.step == 0:
            return values
        low, high = self.knots[0], self.knots[-1]
        if high - low < self.grid.step:
            return self.grid.snap(values)
        inner = self.grid.snap(np.array([low, high]))
        first = inner[0] if inner[0] >= low else inner[0] + self.grid.step
        last = inner[1] if inner[1] <= high else inner[1] - self.grid.step
        ends = np.round([first, last], self.grid.decimals)
        clipped: np.ndarray = np.clip(self.grid.snap(values), ends[0], ends[1])
        return clipped

    # -- conditions ---------------------------------------------------------------------------------------------

    def window(self, condition: Condition) -> Window:
        """Return the codes and offsets that satisfy a condition whose bounds and values are floats."""
        if isinstance(condition, Missing):
            allowed = np.zeros(self.size, bool)
            allowed[: self.first_spike] = True
            return Window.of_codes(allowed)
        if isinstance(condition, OneOf):
            return _hull([self._value_window(value) for value in condition.values])
        return self._range_window(*condition.ends)

    def _value_window(self, value: float | None) -> Window:
        return self.window(MISSING) if value is None else self._range_window(value, value)

    def _range_window(self, low: float, high: float) -> Window:
        window = Window.of_codes(np.zeros(self.size, bool))
        spikes = slice(self.first_spike, self.first_bin)
        window.weights[spikes] = (self.spikes >= low) & (self.spikes <= high)
        if not self.bins or (low == high and low in self.spikes):
            return window
        from_value, to_value = self.grid.inside(low, high)
        from_value, to_value = max(from_value, self.knots[0]), min(to_value, self.knots[-1])
        if from_value > to_value:
            return window
        first, last = np.interp([from_value, to_value], self.knots, self.positions)
        index = np.arange(self.bins)
        bins = slice(self.first_bin, None)
        window.low[bins] = np.clip(first - index, 0.0, 1.0)
        window.high[bins] = np.clip(last - index, 0.0, 1.0)
        window.weights[bins] = window.high[bins] - window.low[bins]
        if self.knots[0] == self.knots[-1]:  # the one bin is a single value, all of whose rows satisfy the condition
            return Window.of_codes(np.append(window.weights[: self.first_bin], 1.0))
        if first == last:  # a single value: give its bin a little weight, so that it can be drawn at all
            window.weights[self.first_bin + min(int(first), self.bins - 1)] = 1e-9
        return window

    # -- files --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": "numeric",
            "nullable": self.nullable,
            "spikes": self.spikes.tolist(),
            "knots": self.knots.tolist(),
            "positions": self.positions.tolist(),
            "grid": dataclasses.asdict(self.grid),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NumericCodec:
        arrays = {name: np.asarray(values[name], np.float64) for name in ("spikes", "knots", "positions")}
        return cls(nullable=values["nullable"], grid=Grid(**values["grid"]), **arrays)


def _count(values: np.ndarray, holders: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the distinct values, ascending, how many rows have each, and the holders of the rows in that order."""
    if holders is None or len(values) == 0:
        return *np.unique(values, return_counts=True), holders
    order = np.argsort(values)
    ordered = values[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(ordered))
    return ordered[ends - 1], np.diff(ends, prepend=0), holders[order]


def _nearest(sorted_values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the index of the nearest of `sorted_values` (not empty) for each of `x`."""
    right = np.clip(np.searchsorted(sorted_values, x), 1, len(sorted_values) - 1) if len(sorted_values) > 1 else None
    if right is None:
        return np.zeros(len(x), np.int64)
    nearer_left = x - sorted_values[right - 1] <= sorted_values[right] - x
    return np.where(nearer_left, right - 1, right)


def _hull(windows: list[Window]) -> Window:
    """Join windows; where two share a bin the interval spans both, and enforcing picks among the listed values."""
    weights = np.minimum(1.0, np.sum([window.weights for window in windows], axis=0))
    reached = np.stack([window.weights > 0 for window in windows])
    low = np.where(reached, np.stack([window.low for window in windows]), 1.0).min(axis=0)
    high = np.where(reached, np.stack([window.high for window in windows]), 0.0).max(axis=0)
    nowhere = ~reached.any(axis=0)
    return Window(weights, np.where(nowhere, 0.0, low), np.where(nowhere, 1.0, high))
