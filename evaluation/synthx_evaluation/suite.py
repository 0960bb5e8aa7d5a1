"""Which measures are taken, in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from synthx.schema import Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.detection import detection
from synthx_evaluation.disclosure import copies
from synthx_evaluation.fidelity import pairs, shapes
from synthx_evaluation.record import Measure
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.sequences.suite import evaluate_sequences
from synthx_evaluation.utility import utility
from synthx_evaluation.versions import library_versions

__all__ = ["SUITE", "evaluate"]

SUITE: tuple[tuple[str, Callable[[Comparison], list[Measure]]], ...] = (
    ("column shapes", shapes),
    ("pair trends", pairs),
    ("two-sample classifier", detection),
    ("train on synthetic, test on real", utility),
    ("exact copies", copies),
    # Bias and membership inference join here, each a function of a `Comparison`.
)
"""What `evaluate` runs. A function returns the same ids whatever the tables hold, and raises for no table that
`compare` lets through: what cannot be computed is a record with a reason."""


def evaluate(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Iterable[str] = (),
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Scorecard:
    """Measure how good and how safe a synthetic table is.

    Where the schema names an entity and entities have several training rows, the tables are sequences: this is then
    `evaluate_sequences`, which compares entity by entity.

    Parameters
    ----------
    synthetic : DataFrame
        The rows to judge, from any generator.
    train : DataFrame
        The real rows that the generator learned from.
    holdout : DataFrame, optional
        Real rows that it never saw (`split` makes some). Without them disclosure and usefulness cannot
        be told, and likeness is measured against the training rows, which favours copying.
    schema : Schema, optional
        What the columns are; detected from `train` by default.
    target : str, optional
        Column that models are to predict; the schema's target by default.
    protected : iterable of str
        Columns whose groups are to be compared; noted for the measures of bias.
    seed : int
        Seed of every random choice: the same tables and seed give the same scorecard.
    progress : callable, optional
        Called with the title of each group of measures before it is taken.

    Returns
    -------
    Scorecard

    Raises
    ------
    DataError
        If a table is empty, has other columns than `train`, or holds a value that its column cannot hold.
    ParameterError
        If the target or a protected column does not exist.
    """
    start = time.perf_counter()
    protected = tuple(protected)
    schema = Schema.detect(train, target=target, protected=protected) if schema is None else schema
    if schema.entity and set(schema.entity) <= set(train.columns) and train.duplicated(list(schema.entity)).any():
        return evaluate_sequences(
            synthetic, train=train, holdout=holdout, schema=schema, target=target, protected=protected, seed=seed,
            progress=progress,
        )  # fmt: skip
    comparison = compare(
        synthetic, train=train, holdout=holdout, schema=schema, target=target, protected=protected, seed=seed
    )
    measures: list[Measure] = []
    seconds: dict[str, float] = {"reading": round(time.perf_counter() - start, 3)}
    for title, measure in SUITE:
        if progress is not None:
            progress(title)
        start = time.perf_counter()
        measures += measure(comparison)
        seconds[title] = round(time.perf_counter() - start, 3)
    return Scorecard(tuple(measures), _context(comparison, seconds))


def _context(comparison: Comparison, seconds: dict[str, float]) -> dict[str, Any]:
    tables = comparison.tables
    kinds = {column.name: str(column.kind) for column in comparison.schema}
    return {
        "rows": {
            "synthetic": len(tables.synthetic),
            "train": len(tables.train),
            "holdout": None if tables.holdout is None else len(tables.holdout),
        },
        "columns": {name: kinds[name] for name in tables.names},
        "left_out": {name: kind for name, kind in kinds.items() if name not in tables.names},
        "target": None if comparison.target is None else comparison.target.name,
        "protected": list(comparison.protected),
        "reference": comparison.reference_name,
        "seed": comparison.seed,
        "versions": library_versions(),
        "seconds": seconds,
    }
