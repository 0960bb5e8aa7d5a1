"""The grid on which a column of numbers is measured, as the schema declares it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.numeric import Grid
from synthx.codec.private.reading import read_each
from synthx.schema import Column, Kind

__all__ = ["Places", "tells_hours"]

FINEST = 2**16
"""Numbers without declared decimals are told apart by so many parts of their range."""
MOST_PLACES = 2.0**52
"""Numbers on a finer grid count as if no decimals were declared: their places could not be told apart exactly."""
FARTHEST = 1e300
"""Bounds beyond it are taken to it: their distance would be infinite."""
MICROSECONDS = 1_000_000.0


@dataclasses.dataclass(frozen=True)
class Places:
    """The grid of places on which a column of numbers is measured: place i stands for ``low + i * step``.

    Parameters
    ----------
    low, step : float
    size : int
    grid : Grid
        What decoded numbers snap to.
    """

    low: float
    step: float
    size: int
    grid: Grid

    @classmethod
    def of(cls, column: Column) -> Places:
        """Return the grid that follows from what the schema declares."""
        low, high = np.clip([cells.point(end, column) for end in (column.lower, column.upper)], -FARTHEST, FARTHEST)
        low, high = float(low), float(high)
        if column.kind is Kind.DATETIME:
            unit = MICROSECONDS if tells_hours(column) else 86_400 * MICROSECONDS
            return cls(low, unit, int((high - low) // unit) + 1, Grid(unit, low % unit, 0))
        decimals = 0 if column.kind is Kind.INTEGER else column.decimals
        if decimals is None or (high - low) * 10.0**decimals > MOST_PLACES:
            return cls(low, max((high - low) / FINEST, 1e-300), FINEST, Grid())
        step = 10.0**-decimals
        low = float(cells.ceil_to(np.array([low]), decimals)[0])
        size = round((float(cells.floor_to(np.array([high]), decimals)[0]) - low) / step) + 1
        return cls(low, step, max(1, size), Grid(step, 0.0, decimals))

    @property
    def origin(self) -> int:
        """The number of the first place, in steps."""
        return round(self.low / self.step) if self.grid.step else 0

    def read(self, series: pd.Series[Any], column: Column) -> np.ndarray:
        """Return the place of each cell, the nearest one for numbers beyond the bounds; -1 where missing."""
        values = read_each(series, column)
        missing = np.isnan(values)
        inside = np.clip(np.where(missing, self.low, values), self.low, self.low + self.size * self.step)
        scaled = (inside - self.low) / self.step
        places = np.rint(scaled) if self.grid.step else np.floor(scaled)
        return np.where(missing, -1, np.minimum(places, self.size - 1)).astype(np.int64)

    def edges(self, places: np.ndarray) -> np.ndarray:
        """Return the values where places begin: midway between two of a grid."""
        shift = 0.5 if self.grid.step else 0.0
        ends: np.ndarray = self.low + (places - shift) * self.step
        return ends


def tells_hours(column: Column) -> bool:
    """Whether times of the column are finer than days, as far as the schema says."""
    if column.format is not None:
        return any(mark in column.format for mark in ("%H", "%I", "%M:", "%S", "%X", "%c", "%f"))
    if column.dtype == "object":
        return False  # Python dates
    written = f"{column.lower} {column.upper}"
    return ":" in written and not (str(column.lower).endswith("00:00:00") and str(column.upper).endswith("00:00:00"))
