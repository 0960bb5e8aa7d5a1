"""Making modelled columns obey `Order` and `SharedMissing` after a generator has drawn them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.cells import ceil_to, decimals_for, floor_to, read_strictly, write
from synthx.codec.structure.rules import Order, SharedMissing
from synthx.schema import Column, Kind, Schema

__all__ = ["align_missing", "repair_orders", "topological"]

Floats = NDArray[np.float64]


def align_missing(frame: pd.DataFrame, rule: SharedMissing, pinned: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Return a frame in which the rule's columns are missing in the same rows.

    In a row where they disagree, a pinned column decides, else the majority (the first column where they are even). A
    cell that has to be filled takes the value of the next row that has all of them. Rows in which two pinned columns
    disagree are left to the caller.
    """
    names = list(rule.columns)
    missing = frame[names].isna().to_numpy(dtype=bool)
    if (missing.all(axis=1) | ~missing.any(axis=1)).all():
        return frame
    free = np.array([name not in pinned for name in names])
    share = missing.mean(axis=1)
    absent = np.where(share == 0.5, missing[:, 0], share > 0.5) if free.all() else missing[:, ~free][:, 0]
    if free.all() and missing.all(axis=0).any():
        absent = np.ones(len(frame), dtype=bool)  # a column without any value has none to lend
    whole = ~missing.any(axis=1)
    changed: dict[str, pd.Series[Any]] = {}
    for position in np.flatnonzero(free):
        lacking = missing[:, position]
        donors = np.flatnonzero(whole if whole.any() else ~lacking)
        filled = _borrow(frame[names[position]], np.flatnonzero(lacking & ~absent), donors)
        changed[names[position]] = filled.mask(absent) if (absent & ~lacking).any() else filled
    return _with(frame, changed)


def _with(frame: pd.DataFrame, columns: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return a frame with changed columns; unlike `assign`, also where a column is named ``self``."""
    changed = frame.copy(deep=False)
    for name, series in columns.items():
        changed[name] = series
    return changed


def _borrow(series: pd.Series[Any], rows: NDArray[np.intp], donors: NDArray[np.intp]) -> pd.Series[Any]:
    """Return the series with `rows` taken from the next donor row, round the end of the table."""
    if not rows.size or not donors.size:
        return series
    take = np.arange(len(series))
    take[rows] = donors[np.searchsorted(donors, rows) % len(donors)]
    return series.take(take).set_axis(series.index)


def repair_orders(
    frame: pd.DataFrame, schema: Schema, orders: Sequence[Order], pinned: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Return a frame in which every order holds; pinned columns are not changed.

    First each column is lowered to the lowest pinned column above it; then, from low to high, each is raised to the
    highest column below it. Neither step undoes the other, so that all orders hold together in every row, except
    where the pinned cells themselves allow no solution.

    Parameters
    ----------
    orders : sequence of Order
        Without a cycle.
    """
    if not orders or all(rule.holds(frame, schema).all() for rule in orders):
        return frame
    names = topological(orders)
    values = {name: read_strictly(frame[name], schema[name]) for name in names}
    caps: dict[str, Floats] = {}
    for name in reversed(names):
        if name in pinned:
            cap = values[name]
        else:
            above = [caps[rule.high] for rule in orders if rule.low == name]
            cap = floor_to(_fold(np.minimum, above, np.inf, len(frame)), decimals_for(schema[name]))
        caps[name] = np.where(np.isnan(values[name]), np.inf, cap)
    repaired: dict[str, Floats] = {}
    for name in names:
        if name in pinned:
            repaired[name] = values[name]
            continue
        below = _fold(np.fmax, [repaired[rule.low] for rule in orders if rule.high == name], -np.inf, len(frame))
        lowered = np.minimum(values[name], caps[name])
        repaired[name] = np.where(lowered < below, ceil_to(below, decimals_for(schema[name])), lowered)
    return _with(frame, {name: _rewrite(frame[name], schema[name], values[name], repaired[name]) for name in names})


def _fold(pick: np.ufunc, arrays: Sequence[Floats], start: float, rows: int) -> Floats:
    folded = np.full(rows, start)
    for array in arrays:
        folded = pick(folded, array)
    return folded


def _rewrite(series: pd.Series[Any], column: Column, before: Floats, after: Floats) -> pd.Series[Any]:
    changed = (before != after) & ~np.isnan(before)
    if not changed.any():
        return series
    written = write(after, column, series.index)
    if written.dtype != object and (column.kind is not Kind.DATETIME or column.format is None):
        return written
    cells = series.to_numpy(dtype=object, copy=True)  # text keeps its spelling where its value did not change
    cells[changed] = written.to_numpy(dtype=object)[changed]
    return pd.Series(cells, index=series.index, dtype=object).astype(series.dtype)


def topological(orders: Iterable[Order]) -> list[str]:
    """Return the columns of the orders, each after all that lie below it.

    Raises
    ------
    ValueError
        If the orders form a cycle.
    """
    below: dict[str, set[str]] = {}
    for rule in orders:
        below.setdefault(rule.low, set())
        below.setdefault(rule.high, set()).add(rule.low)
    sequence: list[str] = []
    while below:
        ready = [name for name, lows in below.items() if lows <= set(sequence)]
        if not ready:
            raise ValueError(f"`orders` must have no cycle, however: {sorted(below)}")
        sequence += ready
        for name in ready:
            del below[name]
    return sequence
