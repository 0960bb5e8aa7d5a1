"""Columns as exact float64 numbers, and back to cells of the schema's dtype.

Rules between columns compare values, not spellings: ``"7"`` in a text column of integers is 7, ``"2024-03-20"`` in a
text column with a `format` is a point in time. Datetimes are counted in microseconds since 1970 (UTC), because that is
exact in float64 until the year 2255; a column that cannot be represented exactly has no numbers and takes part in no
arithmetic rule.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype, is_bool_dtype, is_float_dtype, is_integer_dtype, is_numeric_dtype

from synthx._dtypes import as_dtype
from synthx.errors import DataError
from synthx.schema import Column, Kind

__all__ = [
    "ceil_to",
    "decimals_for",
    "decimals_of",
    "floor_to",
    "last_point",
    "point",
    "precision_of",
    "read",
    "read_strictly",
    "to_dtype",
    "write",
]

Floats = NDArray[np.float64]

_EXACT = 2.0**53
"""float64 holds every integer up to here."""

_MOST_DECIMALS = 10

_PYTHON_DATES = "%Y-%m-%d"
"""How `datetime.date` objects read as text; CSV has only the text."""

_NUMBER_OBJECTS = ("integer", "floating", "mixed-integer-float", "decimal", "empty")
"""Object columns of Python numbers, as `infer_dtype` names them."""


def read(series: pd.Series[Any], column: Column) -> Floats | None:
    """Return the cells as numbers, NaN where missing; None where that would not be exact.

    Parameters
    ----------
    series : pandas.Series
        Cells of the column, in the column's dtype.
    column : Column
        A number, a datetime, or a discrete column that is stored as numbers; others give None.
    """
    if column.kind is Kind.DATETIME:
        return _read_times(series, column)
    if not (column.kind.is_number or column.kind.is_discrete) or isinstance(series.dtype, pd.CategoricalDtype):
        return None
    if is_bool_dtype(series.dtype) or is_numeric_dtype(series.dtype):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    elif column.kind.is_number and infer_dtype(series, skipna=True) == "string":
        values = pd.to_numeric(series.astype(object), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.array_equal(np.isnan(values), series.isna().to_numpy(dtype=bool)):
            return None
    elif column.kind.is_number and infer_dtype(series, skipna=True) in _NUMBER_OBJECTS:
        values = series.astype(np.float64).to_numpy()
    else:
        return None
    return values if _is_exact(values, whole=not is_float_dtype(series.dtype)) else None


def read_strictly(series: pd.Series[Any], column: Column) -> Floats:
    """Return `read`, where the rules rely on it.

    Raises
    ------
    DataError
        If a cell is not a number (or datetime) that the schema's description of the column can read.
    """
    values = read(series, column)
    if values is None:
        place, cell, fault = _first_fault(series, column)
        raise DataError(
            f"column {column.name!r} holds {cell!r} in row {place + 1}, which {fault}",
            remedy="correct or remove it, or change what the schema says of the column",
        )
    return values


def _first_fault(series: pd.Series[Any], column: Column) -> tuple[int, Any, str]:
    """Return the row of the first cell that `read` cannot take, the cell, and what is wrong with it."""
    for place in np.flatnonzero(~series.isna().to_numpy(dtype=bool)):
        cell = series.iloc[place : place + 1]
        if read(cell, column) is None:
            if column.kind is Kind.DATETIME:
                return int(place), cell.iloc[0], f"is no {column.format or 'datetime'}"
            number = pd.to_numeric(cell.astype(object), errors="coerce").iloc[0]
            if pd.isna(number):
                return int(place), cell.iloc[0], "is no number"
            fault = (
                "is infinite" if np.isinf(float(number)) else "is beyond the whole numbers that float64 keeps exactly"
            )
            return int(place), cell.iloc[0], fault
    return 0, series.iloc[0], f"does not fit dtype {column.dtype}"


def _is_exact(values: Floats, *, whole: bool) -> bool:
    present = values[~np.isnan(values)]
    if present.size == 0:
        return True
    largest = float(np.abs(present).max())
    return np.isfinite(largest) and not (whole and largest > _EXACT)


def _holds_python_dates(column: Column) -> bool:
    return column.kind is Kind.DATETIME and column.format is None and column.dtype == "object"


def _read_times(series: pd.Series[Any], column: Column) -> Floats | None:
    """Return microseconds since 1970 (UTC)."""
    missing = series.isna().to_numpy(dtype=bool)
    form = _PYTHON_DATES if _holds_python_dates(column) else column.format
    if form is not None:
        if is_float_dtype(series.dtype):
            if not np.array_equal(series[~missing] % 1, np.zeros(int((~missing).sum()))):
                return None
            series = series.astype("Int64")
        codes, uniques = pd.factorize(series)
        text = pd.Series(uniques).astype(str)
        parsed = pd.to_datetime(text, format=form, errors="coerce", utc=True)
        ticks = parsed.dt.tz_localize(None).to_numpy()
        ticks = np.append(ticks, np.datetime64("NaT"))[codes]
    elif isinstance(series.dtype, pd.DatetimeTZDtype) or series.dtype.kind == "M":
        stamps = pd.DatetimeIndex(series)
        ticks = (stamps.tz_convert("UTC").tz_localize(None) if stamps.tz is not None else stamps).to_numpy()
    else:
        return None
    micros = ticks.astype("datetime64[us]")
    if not np.array_equal(np.isnat(micros), missing) or not (micros.astype(ticks.dtype) == ticks)[~missing].all():
        return None
    values = np.where(missing, np.nan, micros.astype(np.int64).astype(np.float64))
    return values if _is_exact(values, whole=True) else None


def point(value: Any, column: Column) -> float:
    """Return a value that a person wrote for a cell (a bound, a condition) as the number that `read` would make of it.

    A datetime may be any that pandas reads; text is first tried in the column's `format`. A naive one is taken to be in
    the column's time zone.

    Raises
    ------
    ValueError, TypeError
        If it is no such value.
    """
    if column.kind is not Kind.DATETIME:
        if np.isnan(number := float(value)):
            raise ValueError("NaN is no number; a missing cell is asked for as MISSING")
        return number
    if column.format is not None and isinstance(value, str | int | np.integer):
        numbers = read(pd.Series([value], dtype=object), column)
        if numbers is not None:
            return float(numbers[0])
    if not isinstance(value, str | datetime.date | np.datetime64):
        raise TypeError(f"{value!r} is no time")  # pandas would count it from 1970
    stamp = pd.Timestamp(value)
    dtype = as_dtype(column.dtype)
    if stamp.tz is None and isinstance(dtype, pd.DatetimeTZDtype):
        stamp = stamp.tz_localize(dtype.tz)
    naive = stamp.tz_convert("UTC").tz_localize(None) if stamp.tz is not None else stamp
    return float(naive.as_unit("us").asm8.astype(np.int64))


def last_point(value: Any, column: Column) -> float:
    """Return `point` for the upper end of a range: of a datetime given as a day, the day's last microsecond.

    Raises
    ------
    ValueError, TypeError
        If it is no such value.
    """
    is_day = (
        re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()) is not None
        if isinstance(value, str)
        else isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    )
    if not is_day or column.kind is not Kind.DATETIME:
        return point(value, column)
    return point(pd.Timestamp(value) + pd.Timedelta(days=1), column) - 1  # by the calendar: a day may have 23 hours


def write(values: Floats, column: Column, index: pd.Index[Any] | None = None) -> pd.Series[Any]:
    """Return numbers as cells in the column's dtype; the inverse of `read`.

    Whole-number dtypes that cannot hold a missing cell become float64 where one is missing, as in pandas.
    """
    if column.kind is Kind.DATETIME:
        return _write_times(values, column, index)
    dtype = as_dtype(column.dtype)
    if not (is_numeric_dtype(dtype) or is_bool_dtype(dtype)):
        return _spell(values, lambda value: _digits(value, column), index).astype(dtype)
    if is_float_dtype(dtype):
        return pd.Series(values, index=index).astype(dtype)
    missing = np.isnan(values)
    if missing.any() and isinstance(dtype, np.dtype):
        return pd.Series(values, index=index)
    whole: pd.Series[Any] = pd.Series(np.where(missing, 0, np.rint(values)).astype(np.int64), index=index)
    if missing.any():
        return whole.astype("Int64").mask(missing).astype(dtype)
    return whole.astype(dtype)


def _digits(value: float, column: Column) -> str:
    if column.kind is Kind.INTEGER or column.decimals == 0:
        return str(round(value))
    return repr(value) if column.decimals is None else f"{value:.{column.decimals}f}"


def _write_times(values: Floats, column: Column, index: pd.Index[Any] | None) -> pd.Series[Any]:
    missing = np.isnan(values)
    micros = np.where(missing, 0, np.rint(values)).astype(np.int64).astype("datetime64[us]")
    stamps: pd.Series[Any] = pd.Series(np.where(missing, np.datetime64("NaT"), micros), index=index)
    dtype = as_dtype(column.dtype)
    if _holds_python_dates(column):
        dates: pd.Series[Any] = stamps.dt.date.astype(object).where(~missing, None)
        return dates
    if column.format is None:
        if isinstance(dtype, pd.DatetimeTZDtype):
            stamps = stamps.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
        return stamps.astype(dtype)
    codes, uniques = pd.factorize(stamps)
    times = pd.DatetimeIndex(uniques).tz_localize("UTC") if "%z" in column.format else pd.DatetimeIndex(uniques)
    spelled = np.array([*times.strftime(column.format), None], dtype=object)
    text = pd.Series(spelled[codes], index=index, dtype=object)
    if not (is_integer_dtype(dtype) or is_float_dtype(dtype)):
        return text.astype(dtype)
    numbers = pd.to_numeric(text).to_numpy(dtype=np.float64, na_value=np.nan)
    return write(numbers, Column(name=column.name, kind=Kind.INTEGER, dtype=column.dtype), index)


def _spell(values: Floats, spell: Any, index: pd.Index[Any] | None) -> pd.Series[Any]:
    """Write text once per distinct value: formatting is the slow part."""
    codes, uniques = pd.factorize(values)
    text = np.array([*(spell(float(value)) for value in uniques), None], dtype=object)
    return pd.Series(text[codes], index=index, dtype=object)


def to_dtype(cells: pd.Series[Any], column: Column, levels: Sequence[Any] | None = None) -> pd.Series[Any]:
    """Return cells (any dtype, None or NaN where missing) in the column's dtype.

    A pandas category gets the declared levels; else the given ones and what else the cells hold; else what they hold.
    """
    if str(cells.dtype) == column.dtype and column.dtype != "category":
        return cells
    dtype = as_dtype(column.dtype)
    cells = cells.astype(object)
    missing = cells.isna()
    if isinstance(dtype, pd.CategoricalDtype):
        known = None if levels is None else list(dict.fromkeys([*levels, *cells.dropna().unique()]))
        known = known if column.levels is None else list(column.levels)
        return cells.astype(pd.CategoricalDtype(known, ordered=column.kind is Kind.ORDINAL and known is not None))
    if missing.any() and isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return cells if dtype.kind == "b" else cells.where(~missing, np.nan).astype(np.float64)
    return cells.where(~missing, np.nan if dtype.kind == "O" else None).astype(dtype)


def precision_of(series: pd.Series[Any]) -> float:
    """Return the relative spacing of the column's stored numbers (that of float32 for a float32 column)."""
    narrow = "float32" in str(series.dtype).lower() or str(series.dtype).lower() == "float[pyarrow]"
    return float(np.finfo(np.float32).eps) if narrow else float(np.finfo(np.float64).eps)


def decimals_for(column: Column) -> int | None:
    """Return the decimals that numbers of the column are written with; None for as many as float64 holds."""
    return 0 if column.kind in (Kind.INTEGER, Kind.DATETIME) else column.decimals


def decimals_of(values: Floats, precision: float, *, exceptions: int = 0) -> int | None:
    """Return the digits after the point that the values show, up to rounding noise; None where more than ten.

    Up to `exceptions` values may show more, unless that is more than a hundredth of them.

    >>> decimals_of(np.array([0.1 + 0.2, 1.25]), 2.2e-16)
    2
    """
    present = values[~np.isnan(values)]
    noise = 8 * precision * np.abs(present)
    for decimals in range(_MOST_DECIMALS + 1):
        finer = np.count_nonzero(np.abs(present - np.round(present, decimals)) > noise)
        if finer <= min(exceptions, len(present) // 100):
            return decimals
    return None


def ceil_to(values: Floats, decimals: int | None) -> Floats:
    """Round up to a number of decimals, leaving values that are there already."""
    if decimals is None:
        return values
    near = np.round(values, decimals)
    return np.where(near < values, np.round(near + 10.0**-decimals, decimals), near)


def floor_to(values: Floats, decimals: int | None) -> Floats:
    """Round down to a number of decimals, leaving values that are there already."""
    return -ceil_to(-values, decimals) + 0.0
