"""Tables in and out: CSV, gzipped CSV and Parquet; by `synthx.connectors` also databases and folders of Parquet."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from synthx._batches import Pieces
from synthx._csv_lines import csv_lines
from synthx._files import check_output, replacing, writing
from synthx._secrets import masked
from synthx.connectors.places import Destination, Source
from synthx.errors import DataError, OutputError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from synthx.schema import Schema

__all__ = ["TableWriter", "check_table_output", "read_table", "write_table"]

SUFFIXES = (".csv", ".csv.gz", ".parquet")

GROUP_ROWS, GROUP_CELLS = 131_072, 4_194_304
"""Rows that are written together, a row group of Parquet: the fewer of the two, however the rows come."""


def read_table(
    place: str | Path | Source,
    *,
    table: str | None = None,
    query: str | None = None,
    schema: Schema | None = None,
    strict: bool = True,
) -> pd.DataFrame:
    """Read a table from a ``.csv``, ``.csv.gz`` or ``.parquet`` file, a folder of Parquet files, or a database.

    CSV has no types, so these rules apply, which keep what a cell says:

    - A column is read as numbers only if every cell is written as a number is. ZIP codes with a leading zero,
      telephone numbers with a plus sign and account numbers of more than 18 digits stay text.
    - Whole numbers are ``int64``, or pandas' nullable ``Int64`` where cells are missing; numbers with a point are
      ``float64``; a column of ``True`` and ``False`` is ``bool``, or ``boolean`` where cells are missing.
    - A cell is missing if it is empty or reads NaN, nan, <NA> or #N/A. In a column of numbers, NA, N/A, n/a, None,
      NULL, null, NaT, ``.`` and ``-`` are missing too; in a column of text they are text (``NA`` is Namibia).
    - Dates and times stay text; the schema's format says how they are written.

    Parameters
    ----------
    place : str, Path or Source
        The file, folder, pattern (``claims/*.parquet``) or SQLAlchemy URL; see `synthx.connectors.Source`.
    table, query : str, optional
        Of a database, one of the two; of Parquet, a query of the table ``data``.
    schema : Schema, optional
        Its dtypes are given to the columns; a column of integers or truth values that has missing cells in this file
        gets the nullable twin of its dtype.
    strict : bool
        Whether a cell that does not fit the schema is refused; otherwise it counts as missing, so that no error tells
        of it (differential privacy asks for that).

    Returns
    -------
    DataFrame
        Rows and columns in the file's order, with a fresh index.

    Raises
    ------
    DataError
        If the file is missing, of another format, empty, damaged, names a column twice, or does not fit the schema.
    ParameterError
        If `table` or `query` does not suit the place.
    """
    source = place if isinstance(place, Source) else Source(place, table=table, query=query)
    if not source.is_plain_file:
        frame = source.read()
        return frame if schema is None else _fitted_to(frame, schema, strict=strict)
    path = Path(source.place)
    _check_readable(path)
    if path.suffix == ".parquet":
        frame = _read_parquet(path)
    else:
        from synthx._csv import read_csv
        from synthx._dtypes import is_text

        # Privately every cell is read as text first: one odd cell must not change how the others are read.
        text = () if schema is None else (column.name for column in schema if not strict or is_text(column.dtype))
        frame = read_csv(path, text=frozenset(text))
    return frame if schema is None else _fitted_to(frame, schema, strict=strict, table=f"the table {str(path)!r}")


def write_table(
    frame: pd.DataFrame, place: str | Path, *, table: str | None = None, key: Sequence[str] = (), force: bool = False
) -> None:
    """Write a frame, without its index, to a ``.csv``, ``.csv.gz`` or ``.parquet`` file, or to a table of a database.

    Equal frames give equal bytes.

    Parameters
    ----------
    frame : DataFrame
    place : str or Path
        The file, or an SQLAlchemy URL.
    table : str, optional
        Of a database: the table's name, ``name`` or ``schema.name``.
    key : sequence of str
        Of a table that is made in a database: its primary key.
    force : bool
        Whether a file may be replaced, or the rows of a table.

    Raises
    ------
    OutputError
        If the place is taken and `force` is not set, or cannot be written; nothing is left half-written.
    ParameterError
        If a table is named for a file, or none for a database.
    """
    with Destination(place, table).writer(force=force, key=key) as writer:
        writer.append(frame)


def check_table_output(path: str | Path, *, force: bool = False) -> Path:
    """Return `path` if a table can be written there; call this before long work.

    Raises
    ------
    OutputError
        If the suffix is unknown, the folder is missing, or the file exists and `force` is not set.
    """
    return check_output(path, force=force, endings=SUFFIXES)


class TableWriter:
    """Write a table piece by piece; the file appears, whole, when the ``with`` block ends without an error.

    Parameters
    ----------
    path : str or Path
        A ``.csv``, ``.csv.gz`` or ``.parquet`` file.
    force : bool
        Whether a file that is already there may be replaced.

    Raises
    ------
    OutputError
        As `check_table_output`, or if the disk is full.

    Examples
    --------
    >>> with TableWriter("rows.parquet") as writer:  # doctest: +SKIP
    ...     for frame in model.sample_batches(1_000_000):
    ...         writer.append(frame)
    """

    def __init__(self, path: str | Path, *, force: bool = False) -> None:
        self.path = check_table_output(path, force=force)
        self.rows = 0
        """Rows written so far."""
        self._force = force
        self._closing = contextlib.ExitStack()
        self._draft: Path | None = None
        self._sink: _Sink | None = None
        self._columns: list[str] | None = None
        self._waiting = Pieces()

    def __enter__(self) -> Self:
        self._draft = self._closing.enter_context(replacing(self.path, force=self._force))
        return self

    def append(self, frame: pd.DataFrame) -> None:
        """Write the rows of `frame`, whose columns are those of the first frame.

        Raises
        ------
        DataError
            If the frame has other columns than the first.
        OutputError
            If the disk is full.
        """
        if self._draft is None:
            raise RuntimeError("use `with TableWriter(path) as writer:`")
        if self._columns is None:
            self._columns = list(frame.columns)
        _check_columns(self._columns, frame)
        self._waiting.put(frame)
        self.rows += len(frame)
        together = max(1, min(GROUP_ROWS, GROUP_CELLS // max(1, len(self._columns))))
        while self._waiting.rows >= together:
            self._write(self._waiting.take(together))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._closing.__exit__(kind, error, trace)
            return
        with self._closing:
            if self._columns is None:
                raise DataError(f"no rows were given for {str(self.path)!r}", remedy="append a frame")
            if self._waiting.rows or self._sink is None:
                self._write(self._waiting.take(self._waiting.rows))

    def _write(self, frame: pd.DataFrame) -> None:
        assert self._draft is not None
        with writing(self.path):
            if self._sink is None:
                self._sink = _sink(self.path, self._draft, frame)
                self._closing.callback(self._close, self._sink)
            self._sink.write(frame)

    def _close(self, sink: _Sink) -> None:
        with writing(self.path):
            sink.close()


# -- writing --------------------------------------------------------------------------------------------------------


class _Sink(Protocol):
    def write(self, frame: pd.DataFrame) -> None: ...
    def close(self) -> None: ...


def _sink(path: Path, draft: Path, first: pd.DataFrame) -> _Sink:
    """Return what writes `draft` in the format that `path` is named for, with the columns of `first`."""
    if path.suffix == ".parquet":
        return _ParquetSink(draft, first)
    return _CsvSink(draft, is_zipped=path.suffix == ".gz")


class _CsvSink:
    def __init__(self, path: Path, *, is_zipped: bool) -> None:
        self.is_first = True
        self.timed: set[object] = set()
        self.file = path.open("xb")
        # No name and no time in the gzip header, so that the bytes depend on the rows alone.
        zipped = gzip.GzipFile("", "wb", compresslevel=6, fileobj=self.file, mtime=0) if is_zipped else None
        self.text = io.TextIOWrapper(zipped or self.file, encoding="utf-8", newline="", write_through=True)

    def write(self, frame: pd.DataFrame) -> None:
        frame = self._timed_as_before(frame)
        if not self.is_first and (lines := csv_lines(frame)) is not None:
            self.text.write(lines)
        else:
            frame.to_csv(self.text, index=False, header=self.is_first, lineterminator="\n")
        self.is_first = False

    def _timed_as_before(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Write midnight out where an earlier piece had times; pandas leaves it out of a piece without any."""
        for name, column in frame.select_dtypes("datetime").items():
            if not (column.dropna() == column.dropna().dt.normalize()).all():
                self.timed.add(name)
            elif name in self.timed:
                frame = frame.copy(deep=False)  # unlike `assign`, this takes a column named ``self``
                frame[name] = column.dt.strftime("%Y-%m-%d 00:00:00")
        return frame

    def close(self) -> None:
        self.text.close()
        self.file.close()


class _ParquetSink:
    def __init__(self, path: Path, first: pd.DataFrame) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.schema = _arrow_schema(first)
        try:
            self.writer = parquet.ParquetWriter(path, self.schema)
        except pa.ArrowException as error:
            raise OutputError(f"the file {path.name!r} cannot be written ({error})", remedy="write CSV") from error

    def write(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa

        self.writer.write_table(pa.Table.from_pandas(frame, schema=self.schema, preserve_index=False))

    def close(self) -> None:
        self.writer.close()


def _check_columns(columns: list[str], frame: pd.DataFrame) -> None:
    if list(frame.columns) != columns:
        raise DataError(
            f"a frame has the columns {list(frame.columns)!r}, the first one had {columns!r}",
            remedy="append frames with the same columns",
        )


def _arrow_schema(frame: pd.DataFrame) -> pa.Schema:
    """Return the types of the first frame; a column with nothing in it may hold text later."""
    import pyarrow as pa

    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    for position, field in enumerate(schema):
        if pa.types.is_null(field.type):
            schema = schema.set(position, field.with_type(pa.string()))
    return schema


# -- reading --------------------------------------------------------------------------------------------------------


def _check_readable(path: Path) -> None:
    if not path.name.endswith(SUFFIXES):
        raise DataError(
            f"the file {masked(str(path))!r} is of an unknown format",
            remedy=f"give a file that ends in {' or '.join(SUFFIXES)}",
        )
    if not path.is_file():
        raise DataError(f"there is no file {str(path)!r}", remedy="check the path")
    if not os.access(path, os.R_OK):
        raise DataError(f"there is no permission to read {str(path)!r}", remedy="change its permissions")
    if path.stat().st_size == 0:
        raise DataError(f"the file {str(path)!r} is empty", remedy="give a table with a header and rows")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        table = pa.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"the file {str(path)!r} is not a whole Parquet file ({error})", remedy="copy or write it again"
        ) from error
    _check_flat(path, table)
    frame: pd.DataFrame = table.to_pandas()
    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(drop=not named)
    if not frame.columns.map(lambda name: isinstance(name, str)).all():
        frame.columns = frame.columns.map(str)
    return frame


def _check_flat(path: Path, table: pa.Table) -> None:
    import pyarrow as pa

    if table.num_rows == 0:
        raise DataError(f"the file {str(path)!r} holds no rows", remedy="give a table with rows")
    names = table.column_names
    twice = next((name for position, name in enumerate(names) if name in names[:position]), None)
    if twice is not None:
        raise DataError(f"the file {str(path)!r} has two columns named {twice!r}", remedy="rename or drop one")
    for field in table.schema:
        if pa.types.is_nested(field.type):
            raise DataError(
                f"column {field.name!r} of {str(path)!r} holds {field.type} in every cell",
                remedy="spread it over several columns, or drop it",
            )


def _fitted_to(frame: pd.DataFrame, schema: Schema, *, strict: bool, table: str = "the table") -> pd.DataFrame:
    import pandas as pd

    from synthx._dtypes import as_declared

    schema.check_names(frame.columns, table=table)
    return pd.DataFrame(
        {str(name): as_declared(column, schema[str(name)], strict=strict) for name, column in frame.items()}, copy=False
    )
