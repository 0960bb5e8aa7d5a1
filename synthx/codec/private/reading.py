"""Reading the cells of a private table: each by itself, and none raises an error that would tell of it.

What one cell holds never changes how another is read: a single row could change the readings of all, otherwise.
"""

from __future__ import annotations

import decimal
import math
from typing import Any

import numpy as np
import pandas as pd

from synthx.codec.categorical import CategoricalCodec, spell
from synthx.schema import Column, Kind

__all__ = ["level_codes", "read_each", "spelled"]


def read_each(series: pd.Series[Any], column: Column) -> np.ndarray:
    """Return cells as numbers; one that is none counts as missing, and none raises an error that would tell of it.

    What one cell holds never changes how another is read: a single row could change the readings of all, otherwise.
    """
    if column.kind is Kind.DATETIME:
        return _read_times(series) if series.dtype.kind == "M" else _read_written_times(series, column)
    if pd.api.types.is_numeric_dtype(series.dtype):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = series.astype(object)
        if pd.api.types.infer_dtype(plain, skipna=True) != "string":
            plain = plain.map(_number_or_text, na_action="ignore")
        plain = pd.Series([*plain.where(plain.notna(), None), "0.5"], dtype=object)  # one of them is no whole number …
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)[:-1]  # … so none is
    bounds = np.finfo(np.float64)
    finite: np.ndarray = np.clip(numbers, bounds.min, bounds.max)
    return finite


def _number_or_text(cell: object) -> float | str | None:
    """Return what can be read as a number without an error; None for anything else."""
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, int | float | np.integer | np.floating | np.bool_ | decimal.Decimal):
        return None
    try:
        return float(cell)
    except OverflowError:
        return math.copysign(math.inf, cell > 0 or -1)
    except ValueError:  # a signalling NaN
        return None


def _read_times(series: pd.Series[Any]) -> np.ndarray:
    """Return microseconds since 1970 (UTC) of a column of times."""
    stamps = pd.DatetimeIndex(series)
    return _ticks(stamps if stamps.tz is None else stamps.tz_convert("UTC").tz_localize(None))


def _read_written_times(series: pd.Series[Any], column: Column) -> np.ndarray:
    """Return microseconds since 1970 (UTC) of times that are text, Python's or numbers; each distinct one is read once.

    pandas reads a time without an offset as if it had that of the time before it, so the two sorts are read apart; and
    it has words for the present.
    """
    which, distinct = pd.factorize(spelled(series))
    text = pd.Series(distinct, dtype=object)
    text = text.where(~text.isin(["now", "today"]), None)
    found = np.full(len(text) + 1, np.nan)  # the last one stands for missing cells
    has_offset = text.str.slice(8).str.contains("[-+zZ]", na=False).to_numpy(dtype=bool)
    for part in (has_offset, ~has_offset):
        if part.any():
            stamps = pd.to_datetime(text[part], format=column.format or "ISO8601", errors="coerce", utc=True)
            found[:-1][part] = _ticks(pd.DatetimeIndex(stamps).tz_localize(None))
    return found[which]


def _ticks(stamps: pd.DatetimeIndex) -> np.ndarray:
    ticks = stamps.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(ticks), np.nan, ticks.astype(np.int64).astype(np.float64))


def level_codes(series: pd.Series[Any], codec: CategoricalCodec) -> np.ndarray:
    """Return the code of each cell, found by how the level is written; the rare code where there is no such level."""
    known = {spell(level): codec.first_level + index for index, level in enumerate(codec.levels)}
    rare = codec.size - 1
    which, distinct = pd.factorize(spelled(series), use_na_sentinel=True)
    table = np.array([known.get(cell, rare) for cell in distinct] + [0 if codec.nullable else rare], np.int32)
    found: np.ndarray = table[which]
    return found


def spelled(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return how each cell is written, None where missing: cell by cell, whatever other cells hold.

    Python takes True, 1 and 1.0 for the same, so distinct cells are looked up only where all are of one type.
    """
    cells_ = series.astype(object)
    alike = pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.infer_dtype(cells_, skipna=True) == "string"
    if not alike:
        return cells_.map(_written, na_action="ignore")
    which, distinct = pd.factorize(series)
    table = np.array([*(spell(cell) for cell in distinct), None], object)
    return pd.Series(table[which], index=series.index)


def _written(cell: object) -> str:
    """Return `spell`, where Python writes the cell at all: whole numbers of thousands of digits it does not."""
    try:
        return spell(cell)
    except ValueError:
        return "(too long)"
