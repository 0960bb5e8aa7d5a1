"""Rows out of a database, chunk by chunk, with their types."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from synthx.connectors.database import connected, quoted_table
from synthx.connectors.frames import check_names
from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, CursorResult

__all__ = ["CHUNK_ROWS", "read_chunks", "stacked"]

CHUNK_ROWS = 65_536

NO_CELLS: set[type] = {bytes, bytearray, memoryview, list, dict, tuple}
"""What a cell of a table of people cannot be."""


def read_chunks(
    address: str, *, table: str | None = None, query: str | None = None, chunk_rows: int = CHUNK_ROWS
) -> Iterator[pa.Table]:
    """Yield the rows of a table or of a query as Arrow tables of at most `chunk_rows` rows.

    A table with a primary key is read in the order of that key, so that the same table gives the same rows again. The
    database is told that nothing will be written.

    Parameters
    ----------
    address : str
        An SQLAlchemy URL.
    table, query : str, optional
        One of the two: a table or view, ``name`` or ``schema.name``; or a SELECT statement.
    chunk_rows : int

    Raises
    ------
    DataError
        If the database cannot be reached, has no such table, or refuses the query.
    ParameterError
        If not exactly one of `table` and `query` is given.
    """
    if (table is None) == (query is None):
        raise ParameterError(
            "neither --table nor --query is given" if table is None else "both --table and --query are given",
            remedy="name one table or view with --table, or write one SELECT with --query",
        )
    with connected(address, writes=False) as connection:
        connection = connection.execution_options(stream_results=True, max_row_buffer=chunk_rows)
        selected = _selected(connection, table) if table is not None else _queried(connection, str(query))
        with closing(selected) as result:
            if not result.returns_rows:
                raise DataError("the query returns no rows", remedy="write a SELECT")
            names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result is no mapping; it gives rows
            check_names(names)
            while rows := result.fetchmany(chunk_rows):
                yield _as_arrow(names, rows)


def _selected(connection: Connection, name: str) -> CursorResult[Any]:
    import sqlalchemy

    table = quoted_table(connection, name)
    return connection.execute(sqlalchemy.select(table).order_by(*table.primary_key.columns))


def _queried(connection: Connection, query: str) -> CursorResult[Any]:
    """Run a query as it is written: no colon and no per cent sign in it stands for a parameter."""
    if connection.dialect.paramstyle in ("format", "pyformat"):
        query = query.replace("%", "%%")
    return connection.exec_driver_sql(query)


def stacked(chunks: Sequence[pa.Table]) -> pa.Table:
    """Return tables below each other; a column that has other types in other chunks gets one that holds all."""
    import pyarrow as pa

    try:
        return pa.concat_tables(chunks, promote_options="permissive")
    except pa.ArrowTypeError:
        pass  # SQLite lets every cell have a type of its own
    return pa.concat_tables([_as_text_where_mixed(chunk, chunks) for chunk in chunks], promote_options="permissive")


def _as_text_where_mixed(chunk: pa.Table, chunks: Sequence[pa.Table]) -> pa.Table:
    import pyarrow as pa

    columns = []
    for place, column in enumerate(chunk.columns):
        types = [pa.schema([pa.field("x", other.schema.types[place])]) for other in chunks]
        try:
            pa.unify_schemas(types, promote_options="permissive")
        except pa.ArrowTypeError:
            column = column.cast(pa.string())
        columns.append(column)
    return pa.table(columns, names=chunk.column_names)


def _as_arrow(names: list[str], rows: Sequence[Any]) -> pa.Table:
    import pyarrow as pa

    columns = [_column(name, cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)]
    return pa.Table.from_arrays(columns, names=names)


def _column(name: str, cells: tuple[Any, ...]) -> pa.Array:
    """Return one column of a chunk; the types of its cells decide."""
    import pyarrow as pa

    kinds = {type(cell) for cell in cells} - {type(None)}
    if not kinds:
        return pa.nulls(len(cells))
    if nested := kinds & NO_CELLS:
        raise DataError(
            f"column {name!r} holds {next(iter(nested)).__name__} in its cells",
            remedy="leave it out, with --query and a SELECT",
        )
    if kinds <= {datetime.datetime}:
        return _times(cells)
    if decimal.Decimal in kinds:
        return _decimals(cells, kinds)
    if len(kinds) <= 1 and kinds <= {int, float, bool, str, datetime.date}:
        try:
            return pa.array(cells)
        except (OverflowError, pa.ArrowInvalid):  # a number of more than 64 bits
            return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    if kinds == {int, float}:
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())


def _text(cell: Any) -> str:
    return cell.isoformat() if isinstance(cell, datetime.date | datetime.time) else str(cell)


def _times(cells: tuple[Any, ...]) -> pa.Array:
    """Return times to the microsecond; those with a zone as instants in UTC, whatever zone the session has."""
    import pyarrow as pa

    zoned = {cell.tzinfo is not None for cell in cells if cell is not None}
    if zoned == {True}:
        return pa.array(cells, pa.timestamp("us", "UTC"))
    if zoned == {False}:
        return pa.array(cells, pa.timestamp("us"))
    return pa.array([None if cell is None else cell.isoformat() for cell in cells], pa.string())


def _decimals(cells: tuple[Any, ...], kinds: set[type]) -> pa.Array:
    """Return exact decimals; not-a-number counts as missing, and numbers too long for Arrow become floats."""
    import pyarrow as pa

    if not kinds <= {decimal.Decimal, int}:
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64(), from_pandas=True)
    exact = [None if cell is None or cell != cell else decimal.Decimal(cell) for cell in cells]
    try:
        return pa.array(exact)
    except pa.ArrowInvalid:
        return pa.array([None if cell is None else float(cell) for cell in exact], pa.float64())
