"""A table and its schema, as the commands are given them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.schema import Schema

__all__ = [
    "LAST_SEED",
    "DataArgument",
    "MostRowsOption",
    "QueryOption",
    "TableOption",
    "check_classes",
    "check_minutes",
    "not_learned",
    "perhaps_keys",
]

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="The table: .csv, .csv.gz or .parquet, a folder or pattern of Parquet files, or a database's URL "
        "(env:NAME takes it from the environment).",
    ),
]
TableOption = Annotated[
    str | None, typer.Option("--table", metavar="NAME", help="Of a database: the table, NAME or SCHEMA.NAME.")
]
QueryOption = Annotated[
    str | None,
    typer.Option(
        "--query", metavar="SELECT", help="Of a database: these rows. Of Parquet: these rows of the table `data`."
    ),
]
MostRowsOption = Annotated[
    int | None,
    typer.Option(
        "--most-rows", min=1, metavar="N", help="Of a database or Parquet: N rows at random, if there are more."
    ),
]

LAST_SEED = 2**32 - 1
"""The largest seed that every library takes."""


def check_classes(frame: pd.DataFrame, schema: Schema) -> None:
    """Refuse a target that has one class only."""
    target = schema.target
    if target is not None and frame[target.name].nunique() < 2:
        values = frame[target.name].dropna().unique().tolist()
        raise DataError(
            f"the target column {target.name!r} has {f'one class only, {values[0]!r}' if values else 'no class'}",
            remedy="give rows of at least two classes, or leave the target out",
        )


def check_minutes(option: str, minutes: float | None) -> None:
    """Refuse a time limit that is none, by the name of its option."""
    if minutes is not None and not 0 < minutes < float("inf"):
        raise ParameterError(f"{option} is {minutes:g}", remedy="give a positive number of minutes, or leave it out")


def not_learned(schema: Schema) -> list[str]:
    """Return a sentence for each fate of the columns that no model looks at."""
    from synthx.schema import Kind

    fates = {
        Kind.IDENTIFIER: "replaced by fresh keys of the same pattern",
        Kind.PERSONAL: "replaced by fakes",
        Kind.TEXT: "left missing",
        Kind.CONSTANT: "the same in every row",
    }
    sentences = []
    for kind, fate in fates.items():
        names = [column.name for column in schema if column.kind is kind]
        if names:
            sentences.append(f"Not learned, {fate}: {', '.join(names)}.")
    return sentences


def perhaps_keys(schema: Schema) -> list[str]:
    """Return a sentence on the columns of numbers that detection learns, and that may be keys."""
    from synthx.detection.numbers import ONCE

    names = [column.name for column in schema if ONCE in column.reason]
    if not names:
        return []
    return [
        f"Learned as numbers, though every value occurs once: {', '.join(names)}. If they name rows, set the kind to"
        ' "identifier" in the schema.'
    ]
