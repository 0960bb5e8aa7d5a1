"""Columns as read from a file, given the dtype that a schema says they have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthx.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.schema import Column

__all__ = ["as_declared", "as_dtype", "is_text"]

NULLABLE = {"bool": "boolean"}
NULLABLE |= {f"int{bits}": f"Int{bits}" for bits in (8, 16, 32, 64)}
NULLABLE |= {f"uint{bits}": f"UInt{bits}" for bits in (8, 16, 32, 64)}
"""NumPy dtypes that cannot hold a missing cell, and the pandas dtype that can."""

TRUTH = {
    "True": True,
    "true": True,
    "TRUE": True,
    "1": True,
    "False": False,
    "false": False,
    "FALSE": False,
    "0": False,
}


def is_text(dtype: str) -> bool:
    """Whether a column of this dtype holds text, e.g. ``object`` or ``string[pyarrow]``."""
    return dtype in ("object", "str") or dtype.startswith(("string", "large_string"))


def as_dtype(name: str) -> Any:
    """Return the dtype that pandas writes as `name`.

    pandas reads ``string[pyarrow]`` as its own string dtype, which it writes as ``string``; what it writes as
    ``string[pyarrow]`` is Arrow's.
    """
    import pandas as pd

    if name == "string[pyarrow]":
        import pyarrow as pa

        return pd.ArrowDtype(pa.string())
    return pd.api.types.pandas_dtype(name)


def as_declared(series: pd.Series[Any], column: Column, *, strict: bool = True) -> pd.Series[Any]:
    """Return `series` with the dtype of `column`, or its nullable twin where cells are missing.

    Parameters
    ----------
    series : Series
    column : Column
    strict : bool
        Whether a cell that does not fit is refused; otherwise it counts as missing.

    Raises
    ------
    DataError
        Naming the column, the first cell that does not fit, and its row (the first row of data is row 1).
    """
    dtype = column.dtype
    if str(series.dtype) == dtype or dtype == "object":
        return series
    kind = dtype.lower()
    alone = not strict and series.dtype == object
    parse = next((parse for starts, parse in (ALONE if alone else PARSERS) if kind.startswith(starts)), None)
    if parse is not None:
        parsed = parse(series, column)
        if strict:
            _refuse_misread(series, parsed, column)
        series = parsed
    if series.isna().any():
        dtype = NULLABLE.get(dtype, dtype)
    try:
        typed: pd.Series[Any] = series.astype(as_dtype(dtype))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"column {column.name!r} cannot be read as {column.dtype} ({error})",
            remedy="correct the file, or detect the schema again with `synthx detect`",
        ) from error
    return typed


def _refuse_misread(series: pd.Series[Any], parsed: pd.Series[Any], column: Column) -> None:
    wrong = (parsed.isna() & series.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        cell = series.iloc[row]
        raise DataError(
            f"column {column.name!r} holds {getattr(cell, 'item', lambda: cell)()!r} in row {row + 1}, "
            f"which is not {column.dtype}",
            remedy="correct the cell, or detect the schema again with `synthx detect`",
        )


def _to_numbers(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return numbers, missing where a cell is none or is beyond the integers of the dtype, which would wrap around."""
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(series, errors="coerce")
    integer = re.match("u?int[0-9]+", column.dtype.lower())
    if integer is None:
        return numbers
    if str(numbers.dtype).lower().startswith("float"):
        whole = (numbers % 1 == 0) & (numbers.abs() < 2.0**63)
        numbers = numbers.where(whole).astype("Int64")
    limits = np.iinfo(integer[0])
    return numbers.where(numbers.between(limits.min, limits.max))


def _to_truth(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    cells = series.astype(object)  # not as numbers, which would be written 1.0 where another cell is missing
    return cells.map(lambda cell: TRUTH.get(str(cell)), na_action="ignore").astype("boolean")


def _to_times(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    import pandas as pd

    has_zone = "," in column.dtype  # datetime64[ns, UTC]
    return pd.to_datetime(series, format="ISO8601", errors="coerce", utc=has_zone)


PARSERS: tuple[tuple[tuple[str, ...], Callable[[pd.Series[Any], Column], pd.Series[Any]]], ...] = (
    (("int", "uint", "float", "double", "decimal"), _to_numbers),
    (("bool",), _to_truth),
    (("datetime", "timestamp", "date32", "date64"), _to_times),
)
"""How cells are read for dtypes whose names start so."""


# -- text, cell by cell: for differential privacy, what one cell holds must not change how another is read -----------


def _each_number(text: pd.Series[Any], column: Column) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    cells = pd.concat([text, pd.Series(["0.5"], dtype=object)])  # one of them is no whole number, so none is
    numbers: pd.Series[Any] = pd.to_numeric(cells, errors="coerce").iloc[:-1]
    integer = re.match("u?int[0-9]+", column.dtype.lower())
    if integer is None:
        return numbers
    is_short = text.str.fullmatch(r"\s*[-+]?[0-9]{1,18}\s*", na=False).to_numpy(dtype=bool)  # and fits into 64 bits
    is_whole = ((numbers % 1 == 0) & (numbers.abs() < 2.0**53)).to_numpy() & ~is_short
    values = np.zeros(len(text), np.int64)
    values[is_short] = text[is_short].astype(np.int64)
    values[is_whole] = numbers[is_whole].astype(np.int64)
    limits = np.iinfo(integer[0])
    fits = (is_short | is_whole) & (values >= limits.min) & (values <= min(limits.max, 2**62))
    return pd.Series(values, index=text.index).astype("Int64").where(fits)


def _each_time(text: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return times; one without an offset is in UTC, and is read apart, since pandas gives it that of the one before.

    The words that pandas has for the present are no times.
    """
    import pandas as pd

    text = text.where(~text.isin(["now", "today"]))
    has_offset = text.str.slice(8).str.contains("[-+zZ]", na=False)
    parts = [
        pd.to_datetime(text[part], format="ISO8601", errors="coerce", utc=True) for part in (has_offset, ~has_offset)
    ]
    times: pd.Series[Any] = pd.concat(parts).reindex(text.index)
    zoneless: pd.Series[Any] = times.dt.tz_localize(None)
    return times if "," in column.dtype else zoneless


ALONE: tuple[tuple[tuple[str, ...], Callable[[pd.Series[Any], Column], pd.Series[Any]]], ...] = (
    (PARSERS[0][0], _each_number),
    PARSERS[1],
    (PARSERS[2][0], _each_time),
)
"""The same for text, each cell on its own."""
