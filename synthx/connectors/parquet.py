"""Parquet files by DuckDB: folders larger than memory, and queries of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["is_parquet", "query_parquet"]

CHUNK_ROWS = 65_536
MEMORY = "1GB"
"""What DuckDB may use; beyond it, it sorts and joins on the disk."""

EVERYTHING = "SELECT * FROM data"


def is_parquet(place: str | Path) -> bool:
    """Whether a place is a Parquet file, a folder, or a pattern of Parquet files."""
    return str(place).endswith(".parquet") or Path(place).is_dir()


def query_parquet(place: str | Path, query: str | None = None) -> Iterator[pa.Table]:
    """Yield the rows of Parquet files, or of a query of them, as Arrow tables.

    Parameters
    ----------
    place : str or Path
        A file, a folder (with all ``.parquet`` files in it and in its folders), or a pattern: ``claims/*.parquet``.
        Files are read in the order of their names, and may lack columns that others have.
    query : str, optional
        A SELECT in DuckDB's SQL; the table is called ``data``.

    Raises
    ------
    DataError
        If there are no such files, one is damaged, or the query is refused.
    ParameterError
        If DuckDB is not installed.
    """
    import pyarrow as pa

    if Path(place).is_dir() and next(Path(place).rglob("*.parquet"), None) is None:
        raise DataError(
            f"{str(place)!r} is a folder without Parquet files", remedy="give a file, or a folder of .parquet files"
        )
    try:
        import duckdb
    except ModuleNotFoundError:
        raise ParameterError(
            "DuckDB is not installed, and it reads folders and queries of Parquet",
            remedy="run `pip install 'synthx-data[duckdb]'`",
        ) from None
    pattern = str(Path(place) / "**" / "*.parquet") if Path(place).is_dir() else str(place)
    literal = "'" + pattern.replace("'", "''") + "'"
    try:
        with duckdb.connect(config={"memory_limit": MEMORY}) as connection:
            connection.execute(f"CREATE VIEW data AS SELECT * FROM read_parquet({literal}, union_by_name = true)")
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.sql(query or EVERYTHING)
            if found is None:
                raise DataError("the query returns no rows", remedy="write a SELECT from data")
            # DuckDB 2 renames it.
            read = getattr(found, "to_arrow_reader", None) or found.fetch_arrow_reader
            for batch in read(CHUNK_ROWS):
                yield pa.Table.from_batches([batch])
    except duckdb.Error as error:
        said = str(error).strip().splitlines()[0]
        raise DataError(
            f"{str(place)!r} cannot be read as Parquet ({said})", remedy="check the path, the files and the query"
        ) from None
