"""``synthx benchmark``: models beside each other on one's own table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthx.cli.progress import reporting
from synthx.cli.sequences import EntityOption, StaticOption, TimeOption
from synthx.errors import ParameterError

__all__ = ["benchmark"]


def benchmark(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="RESULTS", help="Write the figures to this CSV file, run by run.")
    ],
    models: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="ar, gan, mst, vae (also with +refine), sdv-gaussian-copula, sdv-ctgan, sdv-copula-gan, sdv-tvae, "
            "independent, bootstrap; of sequences: sequence-vae, sdv-par, independent, bootstrap; by default all that "
            "are quick.",
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    entity: EntityOption = None,
    time: TimeOption = None,
    static: StaticOption = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote; by default detected.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(metavar="H", help="Real rows that no model sees; by default a fifth of DATA.")
    ] = None,
    seeds: Annotated[str, typer.Option(metavar="N,...", help="Each model runs once with each seed.")] = "0",
    minutes_each: Annotated[
        float | None, typer.Option("--minutes-each", metavar="M", help="End a run that has no rows after so long.")
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(metavar="N", help="Rows (entities) that each model writes; by default as many as it learns."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="PLOT", help="Draw quality against seconds: .png, .svg or .pdf.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the runs in RESULTS and add the others.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace RESULTS and PLOT if they exist.")] = False,
) -> None:
    """Compare models on a table. It tells how like it their rows are, how useful, how private, and what they cost.

    \b
    Example:
      synthx benchmark people.csv --target fraud --models gan,sdv-ctgan,independent,bootstrap --minutes-each 30 \\
        -o results.csv --plot results.png
      synthx benchmark visits.csv --entity patient --time hour --models sequence-vae,sdv-par,bootstrap -o results.csv
    """
    from synthx._figures import check_plot_output
    from synthx._files import CSV, check_output
    from synthx.benchmarking.run import benchmark as run
    from synthx.cli.sequences import read_long
    from synthx.cli.tables import check_classes, check_minutes
    from synthx.io import read_table

    check_minutes("--minutes-each", minutes_each)
    if resume and force:
        raise ParameterError("--resume keeps what --force replaces", remedy="give one of them")
    check_output(output, force=force or resume, endings=CSV)
    if plot is not None:
        check_plot_output(plot, force=force or resume)
    names = None if models is None else _parts(models)
    wanted = _seeds(seeds)
    frame, known = read_long(data, schema, target, entity=entity, time=time, static=static)
    check_classes(frame, known)
    held = None if holdout is None else read_table(holdout, schema=known)
    try:
        with reporting() as report:
            results = run(
                frame,
                schema=known,
                models=names,
                seeds=wanted,
                holdout=held,
                max_minutes_each=minutes_each,
                rows=rows,
                output=output,
                resume=resume,
                force=force,
                progress=lambda event: report(event.stage, event.fraction, event.message),
            )
    except KeyboardInterrupt:
        ended = f"the runs that had ended are in {output}, and --resume goes on from there"
        typer.echo(f"synthx: stopped by Ctrl-C; {ended if output.exists() else 'nothing was written'}.", err=True)
        raise SystemExit(130) from None
    typer.echo(results.to_text())
    if plot is not None:
        results.plot(plot, force=force or resume)
        typer.echo(f"Drawn in {plot}.")
    typer.echo(f"Written to {output}.")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in _parts(text)]
    except ValueError:
        raise ParameterError(
            f"--seeds is {text!r}", remedy="give whole numbers with commas between, as 0,1,2"
        ) from None
