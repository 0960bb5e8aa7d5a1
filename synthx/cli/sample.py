"""``synthx sample``: write new rows."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx import __version__
from synthx.cli.progress import Report, reporting
from synthx.cli.tables import LAST_SEED, TableOption
from synthx.errors import OutputError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.cli.drawing import Drawing
    from synthx.connectors import Destination
    from synthx.models.base import Synthesizer

__all__ = ["sample"]

KEPT_FROM = 1_000_000
"""Of so many rows or more, parts are put aside, in case the run is stopped."""

PART_ROWS = 131_072


def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that `synthx fit` wrote.")],
    rows: Annotated[int, typer.Option("-n", "--rows", metavar="N", help="How many rows; of sequences: entities.")],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Write them to this .csv, .csv.gz or .parquet file or database.",
        ),
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
    table: TableOption = None,
    chunk_rows: Annotated[
        int | None,
        typer.Option("--chunk-rows", min=1, metavar="ROWS", help="Rows in memory at a time; they stay the same."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Put what is done aside, and go on where a stopped run ended.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Write new rows, or entities with their sequences, from a model.

    \b
    Examples, 500 fraudulent payments of 1,000 to 5,000, and 200 stays that end in death:
      synthx sample people.synthx -n 500 -o frauds.csv --given fraud=1 --given amount=1000..5000
      synthx sample visits.synthx -n 200 -o visits.csv --static patients.csv --given died=1

    \b
    Example, as many women as men:
      synthx sample people.synthx -n 10000 -o even.csv --rebalance sex=equal

    \b
    Examples, ten million rows in little memory, and a table of a database:
      synthx sample people.synthx -n 10000000 -o people.parquet --seed 0 --resume
      synthx sample people.synthx -n 10000 -o env:CLINIC_URL --table people_synthetic
    """
    from synthx.connectors import Destination

    if rows <= 0:
        raise ParameterError(f"-n is {rows}", remedy="ask for 1 row or more")
    outputs = [Destination(output, table), *([Destination(static)] if static else [])]
    for destination in outputs:
        destination.check(force=force)
    if static is not None and static == outputs[0].path:
        raise ParameterError("--static and -o name the same file", remedy="give each its own")
    folder = _folder_of_parts(outputs, rows, resume=resume, force=force)

    from synthx.cli.drawing import Drawing
    from synthx.condition import parse_given
    from synthx.models.rebalancing import parse_rebalance
    from synthx.models.registry import load
    from synthx.models.sequential import SequenceSynthesizer

    synthesizer = load(model)
    is_sequences = isinstance(synthesizer, SequenceSynthesizer)
    if is_sequences and chunk_rows is not None:
        raise ParameterError("--chunk-rows is for single rows, and the model writes sequences", remedy="leave it out")
    drawing = Drawing(
        n=rows,
        conditions=parse_given(given or (), synthesizer.schema_),
        shares=parse_rebalance(rebalance or ()),
        length=length,
        span=span,
        seed=seed,
        apart=static is not None,
        chunk_rows=chunk_rows,
    )
    if folder is None:
        written = _at_once(synthesizer, drawing, outputs, force=force)
    else:
        asked = {
            "model": hashlib.sha256(model.read_bytes()).hexdigest(),
            "version": __version__,
            **{name: getattr(drawing, name) for name in ("n", "length", "span", "seed", "apart")},
            "given": given,
            "rebalance": rebalance,
        }
        written = _in_parts(synthesizer, drawing, outputs, folder, asked, resume=resume, force=force)
    entities = f"{rows:,} entities with " if is_sequences else ""
    typer.echo(f"Written {entities}{written:,} rows to {outputs[0]}.")
    if static is not None:
        typer.echo(f"Written their static columns to {static}.")


def _folder_of_parts(outputs: Sequence[Destination], rows: int, *, resume: bool, force: bool) -> Path | None:
    """Return the folder where parts are put aside; None where they are not."""
    from synthx._parts import parts_folder

    path = outputs[0].path
    if path is None:
        if resume:
            raise ParameterError(
                "--resume is given, and OUT is a database, which takes all rows or none", remedy="leave it out"
            )
        return None
    folder = parts_folder(path)
    if not resume and rows < KEPT_FROM:
        return None
    if folder.exists() and not (resume or force):
        raise OutputError(
            f"a run that was stopped left its parts in {str(folder)!r}",
            remedy="add --resume to go on from there, or --force to begin anew",
        )
    return folder


def _at_once(model: Synthesizer, drawing: Drawing, outputs: Sequence[Destination], *, force: bool) -> int:
    """Write batches as they are drawn; return the rows of the first output."""
    with reporting() as report, ExitStack() as files:
        writers = [files.enter_context(place.writer(force=force, key=_key(model))) for place in outputs]

        def write(_: int, frames: list[pd.DataFrame]) -> None:
            for writer, frame in zip(writers, frames, strict=True):
                writer.append(frame)

        _draw(model, drawing, write, report)
        return writers[0].rows


def _in_parts(
    model: Synthesizer,
    drawing: Drawing,
    outputs: Sequence[Destination],
    folder: Path,
    asked: dict[str, Any],
    *,
    resume: bool,
    force: bool,
) -> int:
    """Put batches aside as they are drawn, and write them all at the end; return the rows of the first output."""
    from synthx._parts import Parts

    parts = Parts(folder, asked, seed=drawing.seed, resume=resume)
    drawing = dataclasses.replace(drawing, seed=parts.seed, chunk_rows=drawing.chunk_rows or PART_ROWS)
    with reporting() as report:
        try:
            if parts.done < drawing.n:
                _draw(model, drawing, parts.keep, report, done=parts.done, parts=len(parts.counts))
            with ExitStack() as files:
                writers = [files.enter_context(place.writer(force=force)) for place in outputs]
                report("writing", 0.0, f"{parts.done:,} of {drawing.n:,}")
                parts.join(writers)
        except KeyboardInterrupt:
            kept = f"{parts.done:,} of {drawing.n:,} are kept in {folder}, and --resume goes on from there"
            typer.echo(f"synthx: stopped by Ctrl-C; {kept}.", err=True)
            raise SystemExit(130) from None
    parts.remove()
    return writers[0].rows


def _draw(
    model: Synthesizer,
    drawing: Drawing,
    write: Callable[[int, list[pd.DataFrame]], None],
    report: Report,
    *,
    done: int = 0,
    parts: int = 0,
) -> None:
    """Draw batches, and write each while the next one is drawn."""
    noun = "entities" if hasattr(model, "steps_") else "rows"
    with ThreadPoolExecutor(1) as pool:
        written: Future[None] | None = None
        for count, frames in drawing.batches(model, done=done, parts=parts):
            if written is not None:
                written.result()
            written = pool.submit(write, count, frames)
            done += count
            report("sampling", done / drawing.n, f"{done:,} {noun}")
        if written is not None:
            written.result()


def _key(model: Synthesizer) -> tuple[str, ...]:
    """Return the column that is the primary key of a table of single rows, where there is one."""
    from synthx.schema import Kind

    schema = model.schema_
    if schema.entity:
        return ()
    keys = (column.name for column in schema if column.kind is Kind.IDENTIFIER and not column.nullable)
    return tuple(itertools.islice(keys, 1))
