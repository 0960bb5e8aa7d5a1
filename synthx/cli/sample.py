"""``synthx sample``: write new rows."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED
from synthx.errors import ParameterError

__all__ = ["sample"]


def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that `synthx fit` wrote.")],
    rows: Annotated[int, typer.Option("-n", "--rows", metavar="N", help="How many rows.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Write them to this .csv, .csv.gz or .parquet file.")
    ],
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL=VALUE",
            help="Only such rows: col=value, col=a|b, col=low..high, or col= for missing; may be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same file; by default each is new."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Write new rows from a model.

    \b
    Example, 500 fraudulent payments of 1,000 to 5,000:
      synthx sample people.synthx -n 500 -o frauds.csv --given fraud=1 --given amount=1000..5000
    """
    from synthx.io import TableWriter, check_table_output

    if rows <= 0:
        raise ParameterError(f"-n is {rows}", remedy="ask for 1 row or more")
    check_table_output(output, force=force)

    from synthx.condition import parse_given
    from synthx.models.registry import load

    synthesizer = load(model)
    conditions = parse_given(given or (), synthesizer.schema_)
    with reporting() as report, TableWriter(output, force=force) as writer, ThreadPoolExecutor(1) as pool:
        written: Future[None] | None = None  # one batch is written while the next is drawn
        drawn = 0
        for frame in synthesizer.sample_batches(rows, given=conditions or None, seed=seed):
            if written is not None:
                written.result()
            written = pool.submit(writer.append, frame)
            drawn += len(frame)
            report("sampling", drawn / rows, f"{drawn:,} rows")
        if written is not None:
            written.result()
    typer.echo(f"Written {writer.rows:,} rows to {output}.")
