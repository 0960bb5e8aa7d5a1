"""Rows into a database: all of them, or the table stays as it was."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from synthx.connectors.database import connected, located, quoted_table
from synthx.errors import DataError, OutputError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from sqlalchemy import Connection, Table
    from sqlalchemy.types import TypeEngine

__all__ = ["SqlWriter", "check_sql_output"]

CHUNK_ROWS = 16_384


def check_sql_output(address: str, table: str, *, force: bool = False) -> None:
    """Raise unless a table can be written; call this before long work.

    Raises
    ------
    OutputError
        If the database cannot be reached, or has the table already and `force` is not set.
    """
    with connected(address, writes=True) as connection:
        _check_free(connection, table, force=force)


class SqlWriter:
    """Write a table to a database piece by piece; it is seen when the ``with`` block ends without an error.

    All is one transaction. A table that is there already keeps its definition (types, keys, indexes, rights), and its
    rows are replaced; otherwise one is made, with the types of the first frame.

    Parameters
    ----------
    address : str
        An SQLAlchemy URL.
    table : str
        Its name, or ``schema.name``; quoted, so any name will do.
    force : bool
        Whether the rows of a table that is already there may be replaced.
    key : sequence of str
        The primary key of a table that is made.

    Raises
    ------
    OutputError
        If the database cannot be reached, says no, or has the table already and `force` is not set.

    Examples
    --------
    >>> with SqlWriter("postgresql://ann@db/people", "synthetic") as writer:  # doctest: +SKIP
    ...     for frame in model.sample_batches(1_000_000):
    ...         writer.append(frame)
    """

    def __init__(self, address: str, table: str, *, force: bool = False, key: Sequence[str] = ()) -> None:
        self.address, self.table, self.force, self.key = address, table, force, tuple(key)
        self.rows = 0
        """Rows written so far."""
        self._closing = contextlib.ExitStack()
        self._connection: Connection | None = None
        self._into: Table | None = None
        self._columns: list[str] = []

    def __enter__(self) -> Self:
        self._connection = self._closing.enter_context(connected(self.address, writes=True))
        return self

    def append(self, frame: pd.DataFrame) -> None:
        """Write the rows of `frame`, whose columns are those of the first frame.

        Raises
        ------
        DataError
            If the frame has other columns than the first, or than the table.
        OutputError
            If the database says no.
        """
        if self._connection is None:
            raise RuntimeError("use `with SqlWriter(address, table) as writer:`")
        if self._into is None:
            self._columns = [str(name) for name in frame.columns]
            self._into = self._emptied(self._connection, frame)
        if list(frame.columns) != self._columns:
            raise DataError(
                f"a frame has the columns {list(frame.columns)!r}, the first one had {self._columns!r}",
                remedy="append frames with the same columns",
            )
        for start in range(0, len(frame), CHUNK_ROWS):
            _insert(self._connection, self._into, frame.iloc[start : start + CHUNK_ROWS])
        self.rows += len(frame)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._into is None:
            with self._closing:
                raise DataError(f"no rows were given for the table {self.table!r}", remedy="append a frame")
        self._closing.__exit__(kind, error, trace)

    def _emptied(self, connection: Connection, frame: pd.DataFrame) -> Table:
        """Return the table without rows: the one that is there, or a new one."""
        import sqlalchemy

        if _check_free(connection, self.table, force=self.force):
            table = quoted_table(connection, self.table)
            _check_fits(self._columns, table)
            connection.execute(sqlalchemy.delete(table))
            return table
        schema, name = located(connection, self.table)
        columns = [
            sqlalchemy.Column(
                sqlalchemy.quoted_name(str(column), quote=True),
                _sql_type(cells),
                primary_key=column in self.key,
                autoincrement=False,
            )
            for column, cells in frame.items()
        ]
        quoted = sqlalchemy.quoted_name(name, quote=True)
        table = sqlalchemy.Table(quoted, sqlalchemy.MetaData(), *columns, schema=schema)
        table.create(connection)
        return table


def _check_free(connection: Connection, name: str, *, force: bool) -> bool:
    """Return whether the table is there; refuse one that may not be replaced."""
    import sqlalchemy

    schema, table = located(connection, name)
    inspector = sqlalchemy.inspect(connection)
    if table in inspector.get_view_names(schema):
        raise OutputError(f"{name!r} is a view", remedy="write to a table")
    there = table in inspector.get_table_names(schema)
    if there and not force:
        raise OutputError(
            f"the table {name!r} exists already",
            remedy="choose another name, or add --force (in Python, force=True) to replace its rows",
        )
    return there


def _check_fits(columns: list[str], table: Table) -> None:
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise DataError(
            f"the table {table.name!r} has no column {lacking[0]!r}",
            remedy="write to a new table, or to one with the columns of the training table",
        )


# -- types ------------------------------------------------------------------------------------------------------------


def _sql_type(cells: pd.Series[Any]) -> TypeEngine[Any]:
    """Return the type that holds the cells of a column."""
    import pyarrow as pa
    import sqlalchemy as sa

    kind = _cells(cells).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return sa.Boolean()
    if pa.types.is_integer(kind):
        return sa.Numeric(20, 0) if kind == pa.uint64() else sa.BigInteger()
    if pa.types.is_floating(kind):
        return sa.Double()
    if pa.types.is_decimal(kind):
        return sa.Numeric(38, kind.scale)
    if pa.types.is_date(kind):
        return sa.Date()
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    return sa.Text()


# -- rows -------------------------------------------------------------------------------------------------------------


def _insert(connection: Connection, table: Table, frame: pd.DataFrame) -> None:
    rows, names = _rows(frame), [str(name) for name in frame.columns]
    if connection.dialect.driver == "psycopg":
        _copy(connection, table, names, rows)
    elif connection.dialect.name == "sqlite":
        _insert_plain(connection, table, names, rows)
    else:
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _insert_plain(connection: Connection, table: Table, names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Write rows to SQLite as it keeps them: dates and times, zones with them, as ISO 8601, decimals as doubles."""
    prepare = connection.dialect.identifier_preparer
    columns = ", ".join(map(prepare.quote_identifier, names))
    places = ", ".join("?" * len(names))
    cells = [tuple(map(_for_sqlite, row)) for row in rows]
    connection.exec_driver_sql(f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES ({places})", cells)


def _for_sqlite(cell: Any) -> Any:
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return float(cell) if isinstance(cell, decimal.Decimal) else cell


def _copy(connection: Connection, table: Table, names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Write rows by PostgreSQL's COPY, several times as fast as INSERT."""
    prepare = connection.dialect.identifier_preparer
    columns = ", ".join(map(prepare.quote_identifier, names))
    command = f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN"
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row(row)


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield rows as Python values; None where missing."""
    return zip(*(_cells(frame.iloc[:, place]).to_pylist() for place in range(frame.shape[1])), strict=True)


def _cells(cells: pd.Series[Any]) -> pa.Array:
    """Return a column with the types that databases have: times to the microsecond.

    Raises
    ------
    DataError
        If the column mixes types.
    """
    import pyarrow as pa

    try:
        column = pa.Array.from_pandas(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"column {cells.name!r} mixes types ({error})", remedy="give it one type") from None
    if isinstance(column, pa.ChunkedArray):  # of a dtype of Arrow's
        column = column.combine_chunks()
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column
