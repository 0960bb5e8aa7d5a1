"""``synthx balance``: more rows of rare classes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.evidence import (
    AlertCostOption,
    AmountOption,
    EntityColumnOption,
    FoldsOption,
    PositiveOption,
    Question,
    ReportOption,
    TimeColumnOption,
    WeightsOption,
    write_evidence,
)
from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED, check_minutes
from synthx.errors import DataError, DataWarning, ParameterError, listed

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
    entity: EntityColumnOption = None,
    report: ReportOption = None,
    positive: PositiveOption = None,
    time: TimeColumnOption = None,
    weights: WeightsOption = None,
    amount: AmountOption = None,
    alert_cost: AlertCostOption = None,
    folds: FoldsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT and FILE if they exist.")] = False,
) -> None:
    """Add new rows of rare classes to a table. It has the real rows first and unchanged, then the new ones.

    Split off the rows that you test on before; new rows are for learning from. With --report, every way to balance
    the table (doing nothing, class weights, SMOTE ... and these rows) is tried on the same splits first.

    \b
    Examples, up to one fraud for every ten legitimate payments:
      synthx balance payments.csv --target fraud --ratio 0.1 -o balanced.csv
      synthx balance payments.csv --target fraud --ratio 0.1 -o balanced.csv --report evidence.json \\
        --time booked_at --entity card --amount amount
    """
    from synthx._files import JSON, check_distinct, check_output
    from synthx.io import check_table_output, read_table, write_table
    from synthx.schema import Schema

    check_distinct(output, report)
    check_table_output(output, force=force)
    if report is not None:
        check_output(report, force=force, endings=JSON)
    check_minutes("--minutes", minutes)
    if not 0 < ratio <= 1:
        raise ParameterError(f"--ratio is {ratio:g}", remedy="give a ratio above 0 and up to 1")
    question = Question(
        target=target, positive=positive, time=time, entity=entity,
        weights=weights, amount=amount, alert_cost=alert_cost, folds=folds,
    )  # fmt: skip
    question.check(asked=report is not None)
    known = None if schema is None else Schema.from_json(schema)
    frame = read_table(data, schema=known)
    made = _model_of(model, len(frame), minutes, refine, seed)
    _check_table(frame, known, question, None if no_mark else mark)
    wanted = _wanted(frame, target, ratio)
    if report is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of every fold; it is said below of the whole table
            write_evidence(report, frame, known, question, made, seed=seed, force=force)
    balanced, said = _balanced(frame, known, question, wanted, made, seed)
    if not no_mark:
        balanced[mark] = balanced.index >= len(frame)
    write_table(balanced, output, force=force)
    for sentence in said:
        typer.echo(sentence)
    typer.echo(f"Written to {output}{'' if no_mark else f'; the column {mark!r} says which rows are new'}.")


def _model_of(name: str, rows: int, minutes: float | None, refine: bool, seed: int) -> TableSynthesizer:
    """Return the model that was asked for, with its time limit."""
    from synthx.balancing.learning import named_model

    made = named_model(None if name == "auto" else name, rows, seed)
    if minutes is not None:
        made.max_minutes = minutes
    return made.set_params(refine=True) if refine else made


def _check_table(frame: pd.DataFrame, schema: Schema | None, question: Question, mark: str | None) -> None:
    """Refuse a table that cannot be balanced by this target, before anything is learned."""
    target, entity = question.target, question.entity
    for option, name in (("target", target), ("entity", entity)):
        if name is not None and name not in frame:
            raise DataError(
                f"there is no column {name!r} {'to balance' if name is target else 'that says whom a row belongs to'}",
                remedy=f"choose --{option} from {listed(frame.columns, name)}",
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
    from synthx.condition import show

    check_target(frame[target])
    counts = frame[target].value_counts()
    if len(counts) < 2:
        raise DataError(
            f"the target {target!r} has one class only, {show(counts.index[0])}",
            remedy="give rows of at least two classes",
        )
    most = int(counts.iloc[0])
    wanted = {label: int(most * ratio) - int(count) for label, count in counts.items() if count < int(most * ratio)}
    if not wanted:
        label, count = counts.index[-1], int(counts.iloc[-1])
        raise ParameterError(
            f"the rarest class, {show(label)}, has {count:,} rows to {most:,} of the largest already, a ratio of"
            f" {count / most:.4g}",
            remedy=f"ask for a --ratio above that, not {ratio:g}",
        )
    check_learnable(wanted, counts.to_dict())
    return wanted


def _balanced(
    frame: pd.DataFrame,
    schema: Schema | None,
    question: Question,
    wanted: dict[Any, int],
    model: TableSynthesizer,
    seed: int,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the real and the new rows, and a sentence for each class that grew."""
    import pandas as pd

    from synthx.balancing.containers import with_rows
    from synthx.balancing.drawing import draw_all
    from synthx.balancing.learning import learn_classes

    target, entity = question.target, question.entity
    features = frame.drop(columns=[target] if entity is None else [target, entity])
    with reporting() as report:
        generator = learn_classes(
            features,
            frame[target].to_numpy(),
            model=model,
            schema=None if schema is None else schema.select(features.columns),
            name=target,
            progress=lambda event: report(event.stage, event.fraction, event.message),
        )
        report("drawing", 0.0, f"{sum(wanted.values()):,} rows")
        rows, labels, drawn = draw_all(generator, wanted, seed=seed)
        report("drawing", 1.0, "")
    rows[target] = pd.Series(labels, dtype=frame[target].dtype)
    if entity is not None:
        rows[entity] = _keys(frame[[entity]], schema, len(rows), seed)
    said = [f"{target} = {label!r}: {one.describe()}." for label, one in drawn.items()]
    return with_rows(frame, rows[list(frame.columns)]), [generator.model.training_.describe(), *said]


def _keys(real: pd.DataFrame, schema: Schema | None, count: int, seed: int) -> Any:
    """Return keys for new rows, each of which is a new entity, as the one column of `real` writes them."""
    import numpy as np

    from synthx.balancing.entities import new_keys
    from synthx.schema import Schema

    (entity,) = real.columns
    column = (schema or Schema.detect(real, entity=entity))[entity]
    return new_keys(real[entity], column, count, np.random.default_rng(seed))
