"""A table and its schema, as the commands are given them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthx.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.schema import Schema

__all__ = ["LAST_SEED", "check_classes", "not_learned", "read_with_schema"]

LAST_SEED = 2**32 - 1
"""The largest seed that every library takes."""


def read_with_schema(data: Path, schema: Path | None, target: str | None) -> tuple[pd.DataFrame, Schema]:
    """Return the table in `data` and its schema: the one in the file `schema`, or else the one detected.

    Parameters
    ----------
    data : Path
        The table.
    schema : Path, optional
        A file that `synthx detect` wrote.
    target : str, optional
        The column that is to have the role of target.

    Raises
    ------
    DataError, SchemaError
        If either file cannot be read, they do not fit each other, or the target has one class.
    """
    from synthx.io import read_table
    from synthx.schema import Schema

    if schema is None:
        frame = read_table(data)
        known = Schema.detect(frame, target=target)
    else:
        known = Schema.from_json(schema)
        known = known if target is None else known.with_target(target)
        frame = read_table(data, schema=known)
    check_classes(frame, known)
    return frame, known


def check_classes(frame: pd.DataFrame, schema: Schema) -> None:
    """Refuse a target that has one class only."""
    target = schema.target
    if target is not None and frame[target.name].nunique() < 2:
        values = frame[target.name].dropna().unique().tolist()
        raise DataError(
            f"the target column {target.name!r} has {f'one class only, {values[0]!r}' if values else 'no class'}",
            remedy="give rows of at least two classes, or leave the target out",
        )


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
