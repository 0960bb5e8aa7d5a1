"""``synthx detect``: what each column is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthx.cli.sequences import EntityOption, StaticOption, TimeOption
from synthx.cli.tables import DataArgument, MostRowsOption, QueryOption, TableOption
from synthx.errors import ParameterError

__all__ = ["detect"]


def detect(
    data: DataArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="SCHEMA", help="Write the schema to this JSON file.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    protected: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="A protected attribute, e.g. sex; may be repeated.")
    ] = None,
    entity: EntityOption = None,
    time: TimeOption = None,
    static: StaticOption = None,
    table: TableOption = None,
    query: QueryOption = None,
    most_rows: MostRowsOption = None,
    assume_public: Annotated[
        bool,
        typer.Option("--assume-public", help="Declare the bounds and levels seen here: you vouch they are public."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace SCHEMA if it exists.")] = False,
) -> None:
    """Say what each column of a table is, and why. Correct the file where it is wrong.

    \b
    Examples:
      synthx detect people.csv -o schema.json --target fraud --protected sex
      synthx detect postgresql://ann@db/clinic --table patients -o schema.json
    """
    from synthx._files import JSON, check_output, replacing
    from synthx.cli.tables import not_learned, perhaps_keys
    from synthx.connectors import Source
    from synthx.io import read_table
    from synthx.long_tables import join_static
    from synthx.schema import Schema

    if output is not None:
        check_output(output, force=force, endings=JSON)
    if static is not None and not entity:
        raise ParameterError("--static is given, but no --entity", remedy="name the key that both tables have")
    frame = read_table(Source(data, table, query, most_rows))
    frame = frame if static is None else join_static(frame, read_table(static), entity or ())
    schema = Schema.detect(
        frame,
        target=target,
        protected=protected or (),
        entity=entity,
        time=time,
        assume_public=assume_public,
    )
    typer.echo(repr(schema))
    for sentence in (*not_learned(schema), *perhaps_keys(schema)):
        typer.echo(sentence)
    if output is not None:
        with replacing(output, force=force) as draft:
            schema.to_json(draft)
        typer.echo(f"Written to {output}.")
