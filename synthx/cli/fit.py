"""``synthx fit``: learn a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED

__all__ = ["fit"]


def fit(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="MODEL", help="Write the model to this file.")],
    model: Annotated[
        str, typer.Option(metavar="auto|ar|gan|vae", help="The kind of model; auto says why it chose one.")
    ] = "auto",
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote; by default detected.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Take at most this long; by default until nothing is gained.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same model on a CPU.")
    ] = 0,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")] = "auto",
    batch_size: Annotated[
        int | None, typer.Option(metavar="ROWS", help="Rows a training step; fewer need less memory.")
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Learn which drawn rows to accept: more faithful rows, drawn more slowly.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace MODEL if it exists.")] = False,
) -> None:
    """Learn a table and save the model; Ctrl-C keeps the best so far.

    \b
    Example:
      synthx fit people.csv -o people.synthx --schema schema.json --minutes 5
    """
    from synthx._files import check_output
    from synthx.cli.tables import not_learned, read_with_schema
    from synthx.models.choice import choose
    from synthx.models.registry import model_class

    check_output(output, force=force)
    settings: dict[str, Any] = {
        "max_minutes": minutes,
        "seed": seed,
        "device": device,
        "refine": refine,
        "batch_size": batch_size,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    chosen = None if model == "auto" else model_class(model)(**settings)
    frame, known = read_with_schema(data, schema, target)
    if chosen is None:
        choice = choose(frame, known, **settings)
        chosen = choice.model
        typer.echo(choice.reason, err=True)
    with reporting() as report:
        chosen.fit(frame, known, progress=lambda event: report(event.stage, event.fraction, event.message))
    chosen.save(output, force=force)
    for sentence in not_learned(known) if schema is None else ():
        typer.echo(sentence)
    typer.echo(chosen.training_.describe())
    typer.echo(f"Written to {output}.")
