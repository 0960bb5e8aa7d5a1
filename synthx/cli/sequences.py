"""Long tables and tables of entities, as the commands are given them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthx.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.connectors import Source
    from synthx.schema import Schema

__all__ = ["EntityOption", "StaticOption", "TimeOption", "read_as", "read_long"]

EntityOption = Annotated[
    list[str] | None, typer.Option(metavar="COL", help="Whom a row belongs to; repeat it for a key of several.")
]
TimeOption = Annotated[str | None, typer.Option(metavar="COL", help="When the row happened.")]
StaticOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A table with a row for each entity, to be joined by the key.")
]


def read_long(
    data: Path | Source,
    schema: Path | None,
    target: str | None,
    *,
    entity: list[str] | None,
    time: str | None,
    static: Path | None,
    window: int | None = None,
    strict: bool = True,
) -> tuple[pd.DataFrame, Schema]:
    """Return the long table that `data` and `static` hold, and its schema.

    Parameters
    ----------
    data : Path or Source
        The steps; the static columns may be among them.
    schema : Path, optional
        A file that `synthx detect` wrote for both tables together.
    target : str, optional
        The column that is to have the role of target.
    entity, time : list of str and str, optional
        The columns of the key, and the time.
    static : Path, optional
        A table with a row for each entity.
    window : int, optional
        Cut `data`, one long series, into windows of so many steps.
    strict : bool
        See `read_table`.

    Raises
    ------
    DataError, SchemaError, ParameterError
        If a file cannot be read, they do not fit each other, or options contradict each other.
    """
    from synthx.io import read_table
    from synthx.long_tables import cut_windows, join_static
    from synthx.schema import Schema

    if schema is not None and (entity or time):
        raise ParameterError(
            "--entity or --time is given beside --schema",
            remedy="leave them out: `synthx detect` writes them into the schema",
        )
    if window is not None:
        if schema is not None or entity or static is not None:
            raise ParameterError("--window cuts a single series", remedy="leave out --schema, --entity and --static")
        return cut_windows(read_table(data), window, time=time)
    known = None if schema is None else Schema.from_json(schema)
    key = list(entity or ()) if known is None else list(known.entity)
    if static is not None and not key:
        what = "no --entity" if known is None else "the schema names no entity"
        raise ParameterError(
            f"--static is given, but {what}",
            remedy="name the key that both tables have with --entity, without --schema",
        )
    if known is None:
        frame = read_table(data)
        frame = frame if static is None else join_static(frame, read_table(static), key)
        return frame, Schema.detect(frame, target=target, entity=key, time=time)
    known = known if target is None else known.with_target(target)
    return read_as(data, static, known, strict=strict), known


def read_as(data: Path | Source, static: Path | None, schema: Schema, *, strict: bool = True) -> pd.DataFrame:
    """Return the long table that `data` and `static` hold, with the columns of a known schema in its order.

    Raises
    ------
    DataError
        If a file cannot be read, or they do not fit each other or the schema.
    """
    from synthx.io import read_table
    from synthx.long_tables import join_static

    if static is None:
        return read_table(data, schema=schema, strict=strict)
    key = schema.entity
    # A static column may lie in either file, and one that never varies is not called static: the file itself tells.
    inside = read_table(static).columns
    steps = schema.select(name for name in schema.names if name in key or name not in inside)
    entities = schema.select(name for name in schema.names if name in key or name in inside)
    frame = join_static(
        read_table(data, schema=steps, strict=strict), read_table(static, schema=entities, strict=strict), key
    )
    return frame[list(schema.names)]
