"""``synthx evaluate``: how good synthetic rows are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED

__all__ = ["evaluate"]


def evaluate(
    train: Annotated[Path, typer.Option(metavar="T", help="The table that the model learned.")],
    synthetic: Annotated[Path, typer.Option(metavar="S", help="The rows that it wrote.")],
    holdout: Annotated[
        Path | None, typer.Option(metavar="H", help="Real rows that the model never saw; some measures need them.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote; by default detected.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    protected: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="A protected attribute, e.g. sex; may be repeated.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every measure to this JSON file.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same figures.")
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Measure synthetic rows against the table they stand for, and against rows that the model never saw.

    \b
    Example:
      synthx evaluate --train train.csv --holdout test.csv --synthetic synthetic.csv --target fraud --json card.json
    """
    from synthx._files import check_output, replacing
    from synthx.cli.tables import read_with_schema
    from synthx.io import read_table

    if json is not None:
        check_output(json, force=force)
    frame, known = read_with_schema(train, schema, target)
    others = {path: read_table(path, schema=known) for path in (synthetic, holdout) if path is not None}

    from synthx_evaluation import evaluate as measure

    with reporting() as report:
        card = measure(
            others[synthetic],
            train=frame,
            holdout=None if holdout is None else others[holdout],
            schema=known,
            target=target,
            protected=protected or (),
            seed=seed,
            progress=lambda title: report(title, 0.0, ""),
        )
    typer.echo(card.to_text())
    if json is not None:
        with replacing(json, force=force) as draft:
            card.to_json(draft)
        typer.echo(f"Written to {json}.")
