"""``synthx split``: hold rows back before anything is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthx.cli.sequences import EntityOption
from synthx.cli.tables import LAST_SEED

__all__ = ["split"]


def split(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The table: .csv, .csv.gz or .parquet.")],
    train: Annotated[Path, typer.Option(metavar="T", help="Write the rows to learn from to this file.")],
    holdout: Annotated[Path, typer.Option(metavar="H", help="Write the rows that no model may see to this file.")],
    share: Annotated[float, typer.Option(metavar="S", help="Share of rows to hold back.")] = 0.2,
    entity: EntityOption = None,
    stratify: Annotated[
        str | None, typer.Option(metavar="COL", help="Keep this column's shares on both sides, e.g. the target.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COL", help="Hold back the latest rows by this column, not random ones.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write how it was split, for `synthx fit --split`, to this JSON file."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="Seed of the draw.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace T, H and FILE if they exist.")] = False,
) -> None:
    """Split a table into rows to learn from and rows to judge with. All rows of an entity fall on one side.

    \b
    Example:
      synthx split visits.csv --train train.csv --holdout holdout.csv --entity patient --record split.json
    """
    from synthx._files import JSON, check_distinct, check_output, replacing
    from synthx.io import check_table_output, read_table, write_table
    from synthx.provenance import SplitRecord
    from synthx_evaluation import split as shared_out

    check_distinct(train, holdout, record)
    for place in (train, holdout):
        check_table_output(place, force=force)
    if record is not None:
        check_output(record, force=force, endings=JSON)
    frame = read_table(data)
    kept, held = shared_out(frame, holdout=share, entity=entity, stratify=stratify, time=time, seed=seed)
    write_table(kept, train, force=force)
    write_table(held, holdout, force=force)
    if record is not None:
        how = SplitRecord(
            share=share, entity=tuple(entity or ()), stratify=stratify, time=time, seed=seed,
            train_rows=len(kept), holdout_rows=len(held),
        )  # fmt: skip
        with replacing(record, force=force) as draft:
            how.to_json(draft)
    typer.echo(f"Kept {len(kept):,} rows to learn from in {train}, held back {len(held):,} in {holdout}.")
