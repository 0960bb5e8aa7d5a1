"""``synthx balance``: more rows of rare classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED
from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.tabular import TableSynthesizer
    from synthx.schema import Schema

__all__ = ["balance"]

MOST_CLASSES = 100
MARK = "synthetic"


def balance(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The table: .csv, .csv.gz or .parquet.")],
    target: Annotated[str, typer.Option(metavar="COL", help="The column with the class.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Write real and new rows to this file.")
    ],
    ratio: Annotated[
        float,
        typer.Option(metavar="R", help="Raise each class that has fewer to this share of the largest class; up to 1."),
    ] = 0.1,
    model: Annotated[
        str, typer.Option(metavar="auto|ar|gan|vae|mst", help="The kind of model; auto is the one that helped most.")
    ] = "auto",
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote; by default detected.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Learn at most this long; by default by the number of rows.")
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Learn which drawn rows to accept: more faithful rows, drawn more slowly.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same file on a CPU.")
    ] = 0,
    mark: Annotated[
        str, typer.Option(metavar="COL", help="Say in this column, True or False, which rows are new.")
    ] = MARK,
    no_mark: Annotated[bool, typer.Option("--no-mark", help="Do not say which rows are new.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Try by cross-validation whether it helps, and write the figures: .json."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT and FILE if they exist.")] = False,
) -> None:
    """Add new rows of rare classes to a table: the real rows first and unchanged, then the new ones.

    Split off the rows that you test on before; new rows are for learning from. With --report, every way to balance
    the table (doing nothing, class weights, SMOTE ... and these rows) is tried on the same splits.

    \b
    Examples, up to one fraud for every ten legitimate payments:
      synthx balance payments.csv --target fraud --ratio 0.1 -o balanced.csv
      synthx balance payments.csv --target fraud --ratio 0.1 -o balanced.csv --report evidence.json
    """
    from synthx._files import check_output
    from synthx.io import check_table_output, read_table, write_table
    from synthx.schema import Schema

    check_table_output(output, force=force)
    if report is not None:
        check_output(report, force=force)
    if not 0 < ratio <= 1:
        raise ParameterError(f"--ratio is {ratio:g}", remedy="give a ratio above 0 and up to 1")
    known = None if schema is None else Schema.from_json(schema)
    frame = read_table(data, schema=known)
    made = _model_of(model, len(frame), minutes, refine, seed)
    _check_table(frame, known, target, None if no_mark else mark)
    wanted = _wanted(frame, target, ratio)
    balanced, said = _balanced(frame, known, target, wanted, made, seed)
    if not no_mark:
        balanced[mark] = balanced.index >= len(frame)
    if report is not None:
        _write_evidence(report, frame, known, target, made, seed, force=force)
    write_table(balanced, output, force=force)
    for sentence in said:
        typer.echo(sentence)
    typer.echo(f"Written to {output}{'' if no_mark else f'; the column {mark!r} says which rows are new'}.")


def _model_of(name: str, rows: int, minutes: float | None, refine: bool, seed: int) -> TableSynthesizer:
    """Return the model that was asked for, with its time limit."""
    from synthx.balancing.learning import named_model
    from synthx.training import Budget

    Budget(minutes)  # refuses a senseless limit
    made = named_model(None if name == "auto" else name, rows, seed)
    if minutes is not None:
        made.max_minutes = minutes
    return made.set_params(refine=True) if refine else made


def _check_table(frame: pd.DataFrame, schema: Schema | None, target: str, mark: str | None) -> None:
    """Refuse a table that cannot be balanced by this target, before anything is learned."""
    if target not in frame:
        raise DataError(
            f"there is no column {target!r} to balance",
            remedy=f"choose --target from {', '.join(map(repr, list(frame.columns)[:12]))}",
        )
    if schema is not None and schema.entity and frame.duplicated(list(schema.entity)).any():
        raise ParameterError(
            f"the rows of an entity ({', '.join(schema.entity)}) belong together, and a table is balanced row by row",
            remedy="use synthx.balance.SequenceOverSampler in Python",
        )
    classes = frame[target].nunique()
    if classes > MOST_CLASSES:
        raise DataError(
            f"the target {target!r} has {classes:,} different values, which are no classes",
            remedy="choose a column of classes, or cut the numbers into bands first",
        )
    if mark is not None and mark in frame:
        raise ParameterError(
            f"the table has a column {mark!r} already, which would say what rows are new",
            remedy="give another name by --mark, or --no-mark",
        )


def _wanted(frame: pd.DataFrame, target: str, ratio: float) -> dict[Any, int]:
    """Return how many new rows each class gets."""
    from synthx.balancing.strategy import check_learnable, check_target

    check_target(frame[target])
    counts = frame[target].value_counts()
    if len(counts) < 2:
        raise DataError(
            f"the target {target!r} has one class only, {counts.index[0]!r}", remedy="give rows of at least two classes"
        )
    most = int(counts.iloc[0])
    wanted = {label: int(most * ratio) - int(count) for label, count in counts.items() if count < int(most * ratio)}
    if not wanted:
        label, count = counts.index[-1], int(counts.iloc[-1])
        raise ParameterError(
            f"the rarest class, {label!r}, has {count:,} rows to {most:,} of the largest already, a ratio of"
            f" {count / most:.4g}",
            remedy=f"ask for a --ratio above that; it is {ratio:g}",
        )
    check_learnable(wanted, counts.to_dict())
    return wanted


def _balanced(
    frame: pd.DataFrame, schema: Schema | None, target: str, wanted: dict[Any, int], model: TableSynthesizer, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return the real and the new rows, and a sentence for each class that grew."""
    import pandas as pd

    from synthx.balancing.containers import with_rows
    from synthx.balancing.drawing import draw_all
    from synthx.balancing.learning import learn_classes

    features = frame.drop(columns=target)
    with reporting() as report:
        generator = learn_classes(
            features,
            frame[target].to_numpy(),
            model=model,
            schema=schema,
            name=target,
            progress=lambda event: report(event.stage, event.fraction, event.message),
        )
    rows, labels, drawn = draw_all(generator, wanted, seed=seed)
    rows[target] = pd.Series(labels, dtype=frame[target].dtype)
    said = [f"{target} = {label!r}: {one.describe()}." for label, one in drawn.items()]
    return with_rows(frame, rows[list(frame.columns)]), [generator.model.training_.describe(), *said]


def _write_evidence(
    path: Path,
    frame: pd.DataFrame,
    schema: Schema | None,
    target: str,
    model: TableSynthesizer,
    seed: int,
    *,
    force: bool,
) -> None:
    """Try whether balancing helps, say what came out, and write the figures."""
    from synthx._files import replacing
    from synthx.balance import learner
    from synthx_evaluation.augmentation import augment

    with reporting() as report:
        evidence = augment(
            frame,
            target=target,
            generators={f"synthx-{model.name}": learner(model)},
            schema=schema,
            seed=seed,
            progress=lambda title: report(title, 0.0, ""),
        )
    typer.echo(evidence.to_text())
    with replacing(path, force=force) as draft:
        evidence.to_json(draft)
    typer.echo(f"Figures written to {path}.")
