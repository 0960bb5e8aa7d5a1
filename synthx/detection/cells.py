"""The cells of one column, read once: missing cells set aside, the rest in one plain type, distinct values counted."""

from __future__ import annotations

import dataclasses
from enum import Enum, auto
from typing import Any

import numpy as np
import pandas as pd

from synthx.errors import DataError
from synthx.schema import Kind, Scalar

__all__ = ["Cells", "Finding", "Storage", "is_integral", "read_cells"]


class Storage(Enum):
    """How cells are stored, once Arrow, nullable and Python objects are looked through."""

    BOOLEAN = auto()
    INTEGER = auto()
    DECIMAL = auto()
    DATETIME = auto()
    DATE = auto()
    """Python `datetime.date` objects, or Arrow dates."""
    TIME = auto()
    """Python `datetime.time` objects, or Arrow times."""
    TEXT = auto()
    MIXED = auto()
    """Text and something else in one column, read as text."""
    CATEGORY = auto()
    EMPTY = auto()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """One column as detection sees it.

    Parameters
    ----------
    name, dtype : str
        As in the frame, except that `dtype` is one that pandas can rebuild the cells in from its name alone.
    storage : Storage
        What the present cells are.
    rows, present : int
        All cells, and those that are not missing.
    values : pandas.Series
        The present cells in their plain type, in row order.
    distinct : numpy.ndarray
        Their distinct values, in order of first occurrence.
    categories : tuple
        The levels of a pandas category, in its order, whether or not they occur.
    ordered : bool
        Whether that category is ordered.
    """

    name: str
    dtype: str
    storage: Storage
    rows: int
    present: int
    values: pd.Series[Any]
    distinct: np.ndarray[Any, Any]
    categories: tuple[Scalar, ...] = ()
    ordered: bool = False

    @property
    def unique(self) -> bool:
        """Whether no present value occurs twice."""
        return len(self.distinct) == self.present

    @property
    def is_number(self) -> bool:
        return self.storage in (Storage.INTEGER, Storage.DECIMAL)

    @property
    def is_text(self) -> bool:
        return self.storage in (Storage.TEXT, Storage.MIXED)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found out about a column."""

    kind: Kind
    reason: str
    format: str | None = None
    levels: tuple[Scalar, ...] | None = None
    decimals: int | None = None


_INFERRED = {
    "string": Storage.TEXT,
    "integer": Storage.INTEGER,
    "floating": Storage.DECIMAL,
    "mixed-integer-float": Storage.DECIMAL,
    "decimal": Storage.DECIMAL,
    "boolean": Storage.BOOLEAN,
    "datetime": Storage.DATETIME,
    "datetime64": Storage.DATETIME,
    "date": Storage.DATE,
    "time": Storage.TIME,
    "mixed": Storage.MIXED,
    "mixed-integer": Storage.MIXED,
    "empty": Storage.EMPTY,
}

_UNREADABLE = {
    "timedelta": "convert it to seconds with .dt.total_seconds()",
    "timedelta64": "convert it to seconds with .dt.total_seconds()",
    "period": "convert it with .dt.to_timestamp()",
    "interval": "convert it with .astype(str)",
    "complex": "split it into a real and an imaginary column",
    "bytes": "decode it with .str.decode('utf-8') or drop it",
}


def read_cells(series: pd.Series[Any]) -> Cells:
    """Read one column.

    Raises
    ------
    DataError
        If cells are infinite, or of a type that no column kind describes (durations, intervals, lists).
    """
    name, rows = str(series.name), len(series)
    values = series.dropna()
    categories: tuple[Scalar, ...] = ()
    ordered = False
    if isinstance(series.dtype, pd.CategoricalDtype):
        _check_readable(name, pd.Series(series.cat.categories))
        categories = tuple(series.cat.categories.tolist())
        ordered = bool(series.cat.ordered)
        storage = Storage.CATEGORY if len(values) else Storage.EMPTY
        distinct = np.asarray(values.unique().astype(object))
    else:
        storage, values = _plain(name, values)
        # zoned datetimes are told apart as UTC: as Timestamp objects a million of them would take a second
        plain = values.dt.tz_convert(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values
        distinct = np.asarray(plain.unique())
    if storage is Storage.DECIMAL:
        _check_finite(name, values)
    return Cells(
        name=name,
        dtype=_restorable(series, storage, values),
        storage=storage,
        rows=rows,
        present=len(values),
        values=values,
        distinct=distinct,
        categories=categories,
        ordered=ordered,
    )


def is_integral(numbers: np.ndarray[Any, Any]) -> bool:
    """Whether every number is whole, and small enough for a float to hold it exactly."""
    if numbers.dtype.kind in "iu":
        return True
    return bool(np.all((numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53)))


def _plain(name: str, values: pd.Series[Any]) -> tuple[Storage, pd.Series[Any]]:
    """Return how present cells are stored, and the same cells in a plain numpy type."""
    dtype: Any = values.dtype
    if len(values) == 0:
        return Storage.EMPTY, values.astype(object)
    if isinstance(dtype, pd.ArrowDtype):
        values = _from_arrow(values)
        dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return Storage.BOOLEAN, values.astype(bool)
    if pd.api.types.is_integer_dtype(dtype):
        return Storage.INTEGER, values.astype(np.uint64 if str(dtype).lower() == "uint64" else np.int64)
    if pd.api.types.is_float_dtype(dtype):
        return Storage.DECIMAL, values.astype(np.float64)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return Storage.DATETIME, values
    return _plain_objects(name, values.astype(object))


def _from_arrow(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return Arrow cells in the numpy dtype that stands for them; objects where there is none."""
    import pyarrow as pa

    dtype: Any = values.dtype
    kind = dtype.pyarrow_dtype
    if pa.types.is_decimal(kind):
        return values.astype("float64")
    if pa.types.is_timestamp(kind):
        return values.astype(pd.DatetimeTZDtype(tz=kind.tz) if kind.tz else "datetime64[ns]")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return values.astype(dtype.numpy_dtype)
    return pd.Series(values.to_numpy(dtype=object), index=values.index, name=values.name)


def _plain_objects(name: str, values: pd.Series[Any]) -> tuple[Storage, pd.Series[Any]]:
    """Look at what the cells of an object column are."""
    inferred = _check_readable(name, values)
    storage = _INFERRED[inferred]
    if storage is Storage.BOOLEAN:
        return storage, values.astype(bool)
    if storage is Storage.DECIMAL:
        return storage, values.astype(np.float64)
    if storage is Storage.DATETIME:
        return storage, _datetimes(name, values)
    if storage is Storage.INTEGER:
        try:
            return storage, values.astype(np.int64)
        except OverflowError:  # whole numbers of 20 digits and more are labels, not amounts
            return Storage.MIXED, values.astype(str)
    if storage is Storage.MIXED:
        return storage, values.astype(str)
    return storage, values


def _datetimes(name: str, values: pd.Series[Any]) -> pd.Series[Any]:
    """Return Python datetimes as one pandas column."""
    try:
        return pd.to_datetime(values)
    except (ValueError, TypeError, OverflowError):
        raise DataError(
            f"column {name!r} holds datetimes of several time zones, or before 1678 or after 2262",
            remedy=f"bring it to one zone and range with pd.to_datetime(frame[{name!r}], utc=True, errors='coerce')",
        ) from None


def _check_readable(name: str, values: pd.Series[Any]) -> str:
    """Return what `infer_dtype` calls the values, if a column kind can describe them."""
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in ("mixed", "mixed-integer"):
        strange = next((cell for cell in values.head(1000) if not isinstance(cell, str | bool | int | float)), None)
        if isinstance(strange, list | dict | tuple | set | np.ndarray):
            raise DataError(
                f"column {name!r} holds {type(strange).__name__} cells",
                remedy="spread them over columns of their own, or drop the column",
            )
    elif inferred not in _INFERRED and inferred != "categorical":
        remedy = _UNREADABLE.get(inferred, "convert it to text or numbers, or drop it")
        raise DataError(f"column {name!r} holds {inferred} cells, which no column kind describes", remedy=remedy)
    return inferred


def _check_finite(name: str, values: pd.Series[Any]) -> None:
    infinite = int(np.isinf(values.to_numpy()).sum())
    if infinite:
        raise DataError(
            f"column {name!r} holds {infinite} infinite {'value' if infinite == 1 else 'values'}",
            remedy=f"replace them, e.g. frame[{name!r}].replace([np.inf, -np.inf], np.nan)",
        )


def _restorable(series: pd.Series[Any], storage: Storage, values: pd.Series[Any]) -> str:
    """Return the name of the column's dtype; where its name cannot rebuild the cells, the nearest dtype that can.

    A Python object column of numbers or datetimes gets the dtype of what it holds: ``object`` would make them text.
    """
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa

        if pa.types.is_dictionary(dtype.pyarrow_dtype):
            return "category"
        if pa.types.is_decimal(dtype.pyarrow_dtype):
            return "double[pyarrow]"
    if str(dtype) == "object" and storage is Storage.INTEGER:
        return "int64" if len(values) == len(series) else "Int64"
    if str(dtype) == "object" and storage in (Storage.DECIMAL, Storage.DATETIME):
        return str(values.dtype)
    return str(dtype)
