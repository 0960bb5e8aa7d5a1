"""Where a table lies, as people name it: a file, a folder or pattern of Parquet files, or a database."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from synthx._secrets import masked
from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Destination", "Source", "Writer", "is_database"]

VARIABLE = "env:"
"""How an address begins that stands in a variable of the environment, where no list of processes shows it."""


def is_database(place: str | Path) -> bool:
    """Whether a place is named by an address of a database, or by a variable that holds one."""
    return isinstance(place, str) and ("://" in place or place.startswith(VARIABLE))


def address_of(place: str) -> str:
    """Return the address of a database, taken from the environment where the place says so.

    Raises
    ------
    ParameterError
        If there is no such variable.
    """
    if not place.startswith(VARIABLE):
        return place
    name = place.removeprefix(VARIABLE)
    if not os.environ.get(name):
        raise ParameterError(f"the variable {name!r} is not set in the environment", remedy="set it to an address")
    return os.environ[name]


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A table to read.

    Parameters
    ----------
    place : str or Path
        A file, a folder of Parquet files or a pattern such as ``claims/*.parquet``, or the address of a database.
    table, query : str, optional
        Of a database: which table, or which rows. Of Parquet files: a query of the table ``data``, by DuckDB.
    most_rows : int, optional
        Read so many rows at most, drawn at random with `seed`: for tables larger than memory.
    seed : int

    Raises
    ------
    ParameterError
        If the options contradict each other.
    """

    place: str | Path = dataclasses.field(repr=False)
    table: str | None = None
    query: str | None = None
    most_rows: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.most_rows is not None and self.most_rows < 1:
            raise ParameterError(f"{self.most_rows} rows at most were asked for", remedy="ask for 1 row or more")
        if not is_database(self.place) and self.table is not None:
            raise ParameterError("--table is given, but DATA is no database", remedy="leave it out")
        if not self.is_streamed and (self.query is not None or self.most_rows is not None):
            option = "--query" if self.query is not None else "--most-rows"
            raise ParameterError(
                f"{option} is given, but DATA is a single file of CSV", remedy="leave it out, or give Parquet"
            )

    @property
    def is_streamed(self) -> bool:
        """Whether the rows come in chunks: from a database, or from Parquet by DuckDB."""
        from synthx.connectors.parquet import is_parquet

        return is_database(self.place) or is_parquet(self.place)

    @property
    def is_plain_file(self) -> bool:
        return not is_database(self.place) and self.query is None and self.most_rows is None and _is_file(self.place)

    def chunks(self) -> Iterator[pa.Table]:
        """Yield the rows as Arrow tables of some ten thousand rows each."""
        from synthx.connectors.parquet import query_parquet
        from synthx.connectors.reading import read_chunks

        if is_database(self.place):
            return read_chunks(address_of(str(self.place)), table=self.table, query=self.query)
        return query_parquet(self.place, self.query)

    def read(self) -> pd.DataFrame:
        """Return the rows; see `synthx.connectors.from_frame` for the dtypes.

        Raises
        ------
        DataError, ParameterError
            If the place cannot be read, or holds no rows.
        """
        from synthx.connectors.frames import from_arrow
        from synthx.connectors.reading import stacked

        chunks = list(self.chunks() if self.most_rows is None else _thinned(self.chunks(), self.most_rows, self.seed))
        if not sum(chunk.num_rows for chunk in chunks):
            raise DataError(f"{self} holds no rows", remedy="give a table with rows")
        return from_arrow(stacked(chunks))

    def __str__(self) -> str:
        what = "the query" if self.query is not None else f"the table {self.table!r}" if self.table else "the table"
        return f"{what} of {masked(str(self.place))!r}"


def _is_file(place: str | Path) -> bool:
    return not Path(place).is_dir() and not any(sign in str(place) for sign in "*?[")


def _thinned(chunks: Iterable[pa.Table], rows: int, seed: int) -> Iterator[pa.Table]:
    """Yield `rows` rows at most, every set of them equally likely, in the order they came in.

    Each row gets a random key, and the rows of the smallest keys are kept (reservoir sampling with keys; Efraimidis &
    Spirakis 2006), so a chunk and the rows kept so far are all that is in memory.
    """
    import numpy as np

    from synthx.connectors.reading import stacked

    rng = np.random.default_rng(seed)
    kept: pa.Table | None = None
    keys = np.empty(0)
    for chunk in chunks:
        keys = np.concatenate([keys, rng.random(chunk.num_rows)])
        kept = chunk if kept is None else stacked([kept, chunk])
        if len(keys) > 2 * rows:
            kept, keys = _smallest(kept, keys, rows)
    if kept is not None:
        yield _smallest(kept, keys, rows)[0]


def _smallest(table: pa.Table, keys: Any, rows: int) -> tuple[pa.Table, Any]:
    import numpy as np

    if len(keys) <= rows:
        return table, keys
    chosen = np.sort(np.argpartition(keys, rows)[:rows])
    return table.take(chosen).combine_chunks(), keys[chosen]


class Writer(Protocol):
    """Writes a table piece by piece; it is there, whole, when the ``with`` block ends without an error."""

    rows: int

    def __enter__(self) -> Self: ...
    def append(self, frame: pd.DataFrame) -> None: ...
    def __exit__(self, *error: Any) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """A table to write.

    Parameters
    ----------
    place : str or Path
        A ``.csv``, ``.csv.gz`` or ``.parquet`` file, or the address of a database.
    table : str, optional
        Of a database: the table's name.

    Raises
    ------
    ParameterError
        If the table is named and the place is a file, or the other way round.
    """

    place: str | Path = dataclasses.field(repr=False)
    table: str | None = None

    def __post_init__(self) -> None:
        if is_database(self.place) and self.table is None:
            raise ParameterError("OUT is a database, but no --table is given", remedy="name the table to write")
        if not is_database(self.place) and self.table is not None:
            raise ParameterError("--table is given, but OUT is no database", remedy="leave it out")

    @property
    def path(self) -> Path | None:
        """The file; None for a database."""
        return None if is_database(self.place) else Path(self.place)

    def check(self, *, force: bool = False) -> None:
        """Raise unless it can be written to; call this before long work."""
        from synthx.connectors.writing import check_sql_output
        from synthx.io import check_table_output

        if self.path is not None:
            check_table_output(self.path, force=force)
        else:
            check_sql_output(address_of(str(self.place)), str(self.table), force=force)

    def writer(self, *, force: bool = False, key: Sequence[str] = ()) -> Writer:
        """Return what writes it; `key` is the primary key of a table that is made in a database."""
        from synthx.connectors.writing import SqlWriter
        from synthx.io import TableWriter

        if self.path is not None:
            return TableWriter(self.path, force=force)
        return SqlWriter(address_of(str(self.place)), str(self.table), force=force, key=key)

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else f"the table {self.table!r} of {masked(str(self.place))}"
