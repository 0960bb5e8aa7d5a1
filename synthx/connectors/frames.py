"""Frames of other libraries (Polars, Arrow, DuckDB, Modin …) in and out, by narwhals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["check_names", "from_arrow", "from_frame", "to_frame"]

BACKENDS = ("pandas", "polars", "pyarrow")


def from_frame(data: Any, *, asked_by: str = "from_frame") -> pd.DataFrame:
    """Return a frame of another library as a pandas.DataFrame; one of pandas is returned as it is.

    Parameters
    ----------
    data : pandas.DataFrame, polars.DataFrame or LazyFrame, pyarrow.Table or RecordBatchReader, DuckDB relation …
        Whatever narwhals takes, or exports itself as an Arrow stream.
    asked_by : str
        What the error names.

    Returns
    -------
    DataFrame
        Whole numbers with missing cells are ``Int64``, truth values with missing cells ``boolean``; decimals and dates
        stay Python's ``Decimal`` and ``date``; times keep their zone.

    Raises
    ------
    DataError
        If `data` is no table, a column holds lists or bytes, or two columns share a name.
    """
    import narwhals as nw
    import pandas as pd
    import pyarrow as pa

    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, pa.RecordBatchReader):
        data = data.read_all()
    if isinstance(data, pa.Table):
        return from_arrow(data)
    try:
        frame = nw.from_native(data)
    except TypeError:
        if not hasattr(data, "__arrow_c_stream__"):
            raise DataError(
                f"{asked_by} was given a {type(data).__name__}",
                remedy="give a pandas.DataFrame, or a frame of Polars or Arrow",
            ) from None
        return from_arrow(pa.table(data))
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    return from_arrow(eager.to_arrow())


def to_frame(frame: pd.DataFrame, backend: str) -> Any:
    """Return a pandas.DataFrame, without its index, as a frame of another library.

    Parameters
    ----------
    frame : DataFrame
    backend : str
        ``"polars"``, ``"pyarrow"`` or ``"pandas"``.

    Raises
    ------
    ParameterError
        If the backend is none of these, or is not installed.
    DataError
        If a column mixes types.
    """
    import narwhals as nw
    import pyarrow as pa

    if backend not in BACKENDS:
        raise ParameterError(f"there is no backend {backend!r}", remedy=f"choose from {', '.join(BACKENDS)}")
    if backend == "pandas":
        return frame
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"the table cannot be turned to Arrow ({error})", remedy="give each column one type") from None
    if backend == "pyarrow":
        return table
    try:
        return nw.from_arrow(table, backend="polars").to_native()
    except ModuleNotFoundError:
        raise ParameterError(f"{backend} is not installed", remedy=f"run `pip install {backend}`") from None


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as pandas does best; see `from_frame`."""
    import pandas as pd
    import pyarrow as pa

    _check_columns(table)
    plain = [_plain(column) for column in table.columns]
    table = pa.table(plain, names=table.column_names)
    whole = {getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")() for name in _WHOLE}
    whole[pa.bool_()] = pd.BooleanDtype()
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        dtype = whole.get(column.type) if column.null_count else None
        columns[name] = column.to_pandas() if dtype is None else pd.Series(dtype.__from_arrow__(column))
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


_WHOLE = [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]


def check_names(names: Sequence[str]) -> None:
    """Raise if two columns share a name.

    Raises
    ------
    DataError
    """
    twice = next((name for position, name in enumerate(names) if name in names[:position]), None)
    if twice is not None:
        raise DataError(f"the table has two columns named {twice!r}", remedy="rename or drop one")


def _check_columns(table: pa.Table) -> None:
    import pyarrow as pa

    check_names(table.column_names)
    for field in table.schema:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            raise DataError(
                f"column {field.name!r} holds {field.type} in every cell",
                remedy="spread it over several columns, or leave it out",
            )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text where pandas has no cells for it: times of day, durations; categories stay."""
    import pyarrow as pa

    if pa.types.is_time(column.type) or pa.types.is_duration(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string()) if not pa.types.is_duration(column.type) else column.cast(pa.int64())
    return column
