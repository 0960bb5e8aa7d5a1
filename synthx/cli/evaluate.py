"""``synthx evaluate``: how good synthetic rows are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthx.cli.progress import reporting
from synthx.cli.sequences import EntityOption, StaticOption, TimeOption
from synthx.cli.tables import LAST_SEED
from synthx.errors import ParameterError

__all__ = ["evaluate"]

NEEDS = {"membership": "--holdout", "utility": "--target", "bias": "--protected"}
"""The option without which no measure of a group has a value."""


def evaluate(
    train: Annotated[Path, typer.Option(metavar="T", help="The table that the model learned.")],
    synthetic: Annotated[Path, typer.Option(metavar="S", help="The rows that it wrote.")],
    holdout: Annotated[
        Path | None, typer.Option(metavar="H", help="Real rows that the model never saw; some measures need them.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote; by default detected.")
    ] = None,
    entity: EntityOption = None,
    time: TimeOption = None,
    train_static: StaticOption = None,
    synthetic_static: StaticOption = None,
    holdout_static: StaticOption = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    protected: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="A protected attribute, e.g. sex; may be repeated.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every measure to this JSON file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PAGE", help="Write a short report to this .html file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="PLOT", help="Draw sequences over real ones: .png, .svg or .pdf.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same figures.")
    ] = 0,
    only: Annotated[
        str | None,
        typer.Option(metavar="GROUPS", help="Of fidelity, utility, bias, membership and disclosure, with commas."),
    ] = None,
    sdmetrics: Annotated[
        bool, typer.Option("--sdmetrics", help="Add the figures of SDMetrics' quality report.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE, PAGE and PLOT if they exist.")] = False,
) -> None:
    """Measure synthetic rows beside real ones. These are the table they stand for, and rows the model never saw.

    Where rows belong to entities that have several, sequences are measured; their static columns may be in tables of
    their own.

    \b
    Examples:
      synthx evaluate --train train.csv --holdout test.csv --synthetic synthetic.csv --target fraud --json card.json
      synthx evaluate --train train.csv --holdout test.csv --synthetic synthetic.csv -o report.html
      synthx evaluate --train visits.csv --train-static patients.csv --synthetic new.csv \\
        --synthetic-static people.csv --entity patient --time day --plot new.png
    """
    from synthx._figures import check_plot_output, save_figure
    from synthx._files import JSON, check_distinct, check_output, replacing
    from synthx.cli.sequences import read_as, read_long
    from synthx.cli.tables import check_classes
    from synthx.schema import Role

    groups = None if only is None else [name.strip() for name in only.split(",") if name.strip()]
    if groups is not None:
        from synthx_evaluation.suite import tasks

        tasks(groups)  # a wrong name is said before tables are read
    check_distinct(json, output, plot)
    if json is not None:
        check_output(json, force=force, endings=JSON)
    if output is not None:
        _check_page(output, force=force)
    if plot is not None:
        check_plot_output(plot, force=force)
    frame, known = read_long(train, schema, target, entity=entity, time=time, static=train_static)
    check_classes(frame, known)
    if plot is not None and not known.entity:
        raise ParameterError("--plot draws sequences, and no entity is named", remedy="name one by --entity")
    if groups is not None and not known.entity:
        _check_measurable(
            groups,
            {
                "--holdout": holdout is not None,
                "--target": known.target is not None,
                "--protected": bool(protected or known.with_role(Role.PROTECTED)),
            },
        )
    made = read_as(synthetic, synthetic_static, known)
    held = None if holdout is None else read_as(holdout, holdout_static, known)

    from synthx_evaluation import evaluate as measure

    with reporting() as report:
        card = measure(
            made,
            train=frame,
            holdout=held,
            schema=known,
            target=target,
            protected=protected or (),
            seed=seed,
            only=groups,
            sdmetrics=sdmetrics,
            progress=lambda title: report(title, 0.0, ""),
        )
    typer.echo(card.to_text())
    if json is not None:
        with replacing(json, force=force) as draft:
            card.to_json(draft)
        typer.echo(f"Written to {json}.")
    if output is not None:
        with replacing(output, force=force) as draft:
            card.to_html(draft, title=synthetic.stem)
        typer.echo(f"Written to {output}; `synthx report` writes the whole report.")
    if plot is not None:
        from synthx_evaluation.sequences.plots import plot_sequences

        save_figure(plot_sequences(made, frame if held is None else held, known, seed=seed), plot, force=force)
        typer.echo(f"Drawn in {plot}.")


def _check_measurable(groups: list[str], given: dict[str, bool]) -> None:
    """Refuse to measure where each group that is asked for lacks the option that it cannot do without."""
    missing = list(dict.fromkeys(option for name in groups if (option := NEEDS.get(name)) and not given[option]))
    if all(name in NEEDS and NEEDS[name] in missing for name in groups):
        raise ParameterError(
            f"--only {','.join(groups)} is given without {' and '.join(missing)}, so there is nothing to measure",
            remedy="add what is missing, or name other groups",
        )


def _check_page(path: Path, *, force: bool) -> None:
    """Raise unless the short report can be written there: a PDF is asked of `synthx report`."""
    from synthx._files import check_output

    if path.suffix != ".html":
        raise ParameterError(
            f"the report is to be written to {str(path)!r}, which is no .html file",
            remedy="name an .html file, or use `synthx report` for the other forms",
        )
    check_output(path, force=force)
