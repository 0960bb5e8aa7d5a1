"""``synthx sample``: write new rows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED
from synthx.errors import ParameterError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.base import Synthesizer
    from synthx.models.sequential import SequenceSynthesizer

__all__ = ["sample"]


def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that `synthx fit` wrote.")],
    rows: Annotated[int, typer.Option("-n", "--rows", metavar="N", help="How many rows; of sequences: entities.")],
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
    rebalance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL=SHARES",
            help="So many of each level: col=equal or col=a:0.5|b:0.5; may be repeated, columns are then crossed.",
        ),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the static columns, a row for each entity, to a file of their own."),
    ] = None,
    length: Annotated[
        str | None, typer.Option(metavar="STEPS", help="Only sequences of so many steps: 24, 12|24 or 20..40.")
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only sequences that last so long: low..high, in days for dates."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same file; by default each is new."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Write new rows, or new entities with their sequences, from a model.

    \b
    Examples, 500 fraudulent payments of 1,000 to 5,000, and 200 stays that end in death:
      synthx sample people.synthx -n 500 -o frauds.csv --given fraud=1 --given amount=1000..5000
      synthx sample visits.synthx -n 200 -o visits.csv --static patients.csv --given died=1

    \b
    Example, as many women as men:
      synthx sample people.synthx -n 10000 -o even.csv --rebalance sex=equal
    """
    from synthx.io import TableWriter, check_table_output

    if rows <= 0:
        raise ParameterError(f"-n is {rows}", remedy="ask for 1 row or more")
    check_table_output(output, force=force)
    if static is not None:
        check_table_output(static, force=force)
        if static == output:
            raise ParameterError("--static and -o name the same file", remedy="give each its own")

    from synthx.condition import parse_given
    from synthx.models.rebalancing import parse_rebalance
    from synthx.models.registry import load
    from synthx.models.sequential import SequenceSynthesizer

    synthesizer = load(model)
    conditions = parse_given(given or (), synthesizer.schema_)
    shares = parse_rebalance(rebalance or ())
    with reporting() as report, ExitStack() as files, ThreadPoolExecutor(1) as pool:
        writers = [files.enter_context(TableWriter(path, force=force)) for path in (output, static) if path]
        noun = "entities" if isinstance(synthesizer, SequenceSynthesizer) else "rows"
        if isinstance(synthesizer, SequenceSynthesizer):
            batches = _entities(synthesizer, rows, conditions, shares, length, span, seed, apart=static is not None)
        else:
            batches = _rows(synthesizer, rows, conditions, shares, seed, asked=[static, length, span])
        written: list[Future[None]] = []  # one batch is written while the next is drawn
        drawn = 0
        for count, frames in batches:
            for future in written:
                future.result()
            written = [pool.submit(writer.append, frame) for writer, frame in zip(writers, frames, strict=True)]
            drawn += count
            report("sampling", drawn / rows, f"{drawn:,} {noun}")
        for future in written:
            future.result()
    if isinstance(synthesizer, SequenceSynthesizer):
        typer.echo(f"Written {drawn:,} entities with {writers[0].rows:,} rows to {output}.")
        if static is not None:
            typer.echo(f"Written their static columns to {static}.")
    else:
        typer.echo(f"Written {writers[0].rows:,} rows to {output}.")


def _rows(
    synthesizer: Synthesizer,
    n: int,
    conditions: dict[str, Any],
    shares: dict[str, Any],
    seed: int | None,
    asked: list[Any],
) -> Iterator[tuple[int, list[pd.DataFrame]]]:
    """Yield batches of rows, and how many each has."""
    if any(option is not None for option in asked):
        raise ParameterError(
            f"the model {synthesizer.name!r} writes single rows, so --static, --length and --span mean nothing",
            remedy="leave them out",
        )
    if shares:
        from synthx.models.tabular import TableSynthesizer

        if not isinstance(synthesizer, TableSynthesizer):
            raise UnsupportedError(
                f"the model {synthesizer.name!r} cannot rebalance", remedy="use a model of tables, such as ar or gan"
            )
        batches = synthesizer.sample_batches(n, given=conditions or None, rebalance=shares, seed=seed)
    else:
        batches = synthesizer.sample_batches(n, given=conditions or None, seed=seed)
    for frame in batches:
        yield len(frame), [frame]


def _entities(
    synthesizer: SequenceSynthesizer,
    n: int,
    conditions: dict[str, Any],
    shares: dict[str, Any],
    length: str | None,
    span: str | None,
    seed: int | None,
    *,
    apart: bool,
) -> Iterator[tuple[int, list[pd.DataFrame]]]:
    """Yield batches of sequences, the static columns apart where that is asked for, and how many entities each has."""
    from synthx.codec.sequence.long import LENGTH, SPAN
    from synthx.condition import parse_given
    from synthx.entities import Entities
    from synthx.long_tables import split_static

    if shares:
        raise UnsupportedError(
            f"the model {synthesizer.name!r} writes sequences, and --rebalance is for single rows",
            remedy="draw each group by --given",
        )
    schema = synthesizer.schema_
    limits: dict[str, Any] = {}
    for name, column, text in (("length", LENGTH, length), ("span", SPAN, span)):
        if text is not None:
            synthesizer.check_limit(column)
            limits[name] = parse_given([f"{column}={text}"], synthesizer.limits)[column]
    if apart and not schema.static:
        raise ParameterError("--static is given, but no column is static", remedy="leave it out")
    for frame in synthesizer.sample_batches(n, given=conditions or None, seed=seed, **limits):
        yield len(Entities.of(frame, schema.entity)), list(split_static(frame, schema)) if apart else [frame]
