"""Which measures of sequences are taken, in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from synthx.errors import ParameterError
from synthx.schema import Schema
from synthx_evaluation.record import Measure
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.sequences.by_features import association, sequence_c2st, sequence_utility
from synthx_evaluation.sequences.comparison import SequenceComparison, compare_sequences
from synthx_evaluation.sequences.dynamics import autocorrelation, cross_correlation, transitions
from synthx_evaluation.sequences.features import Features, features_of
from synthx_evaluation.sequences.judges import Judge, discriminative, predictive
from synthx_evaluation.sequences.marginals import feature_shapes, gaps, lengths, positions, static_shapes, steps
from synthx_evaluation.sequences.membership import entity_membership
from synthx_evaluation.sequences.nearest import nearest, sequence_copies
from synthx_evaluation.sequences.spectrum import spectrum
from synthx_evaluation.versions import library_versions

__all__ = ["GROUPS_OF_MEASURES", "evaluate_sequences"]

_Group = Callable[[SequenceComparison, Features, Judge], list[Measure]]

GROUPS_OF_MEASURES: tuple[tuple[str, _Group], ...] = (
    ("steps", lambda comparison, features, judge: [*steps(comparison), *positions(comparison)]),
    ("features of sequences", lambda comparison, features, judge: feature_shapes(comparison, features)),
    ("lengths and gaps", lambda comparison, features, judge: [*lengths(comparison), *gaps(comparison)]),
    (
        "static columns",
        lambda comparison, features, judge: [*static_shapes(comparison), *association(comparison, features)],
    ),
    (
        "correlations",
        lambda comparison, features, judge: [*autocorrelation(comparison), *cross_correlation(comparison)],
    ),
    ("transitions", lambda comparison, features, judge: transitions(comparison)),
    ("spectrum", lambda comparison, features, judge: spectrum(comparison)),
    ("two-sample classifier", lambda comparison, features, judge: sequence_c2st(comparison, features)),
    ("told apart by a recurrent network", lambda comparison, features, judge: discriminative(comparison, judge)),
    ("prediction by a recurrent network", lambda comparison, features, judge: predictive(comparison, judge)),
    ("train on synthetic, test on real", lambda comparison, features, judge: sequence_utility(comparison, features)),
    (
        "nearest training sequences",
        lambda comparison, features, judge: [*nearest(comparison, features), *sequence_copies(comparison)],
    ),
    ("membership of entities", lambda comparison, features, judge: entity_membership(comparison, features)),
)
"""What `evaluate_sequences` runs. A group returns the same ids whatever the tables hold: what cannot be computed is a
record with a reason."""


def evaluate_sequences(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    schema: Schema,
    target: str | None = None,
    protected: Iterable[str] = (),
    seed: int = 0,
    judge: Judge | None = None,
    progress: Callable[[str], None] | None = None,
) -> Scorecard:
    """Measure how good and how safe synthetic sequences are.

    Each table is long: a row a step, with the key of its entity. Every comparison is with entities of the holdout and
    has training entities in the place of the synthetic ones as its anchor.

    2,000 synthetic and training and 500 holdout sequences of 24 steps of 28 numbers take some three minutes of one
    core, two of them for the recurrent judges, whose cost grows with the steps (up to 50) and columns.

    Parameters
    ----------
    synthetic : DataFrame
        The sequences to judge, from any generator; their keys are nobody's and may coincide with real ones.
    train : DataFrame
        The real sequences that the generator learned from.
    holdout : DataFrame, optional
        Real sequences of entities that it never saw (``split(frame, entity=...)`` makes some). Without them copying
        and usefulness cannot be told, and likeness is measured against the training entities.
    schema : Schema
        What the columns are; it must name the entity. Rows are ordered by its time column, if it has one.
    target : str, optional
        Static column that models are to predict; the schema's target by default.
    protected : iterable of str
        Columns whose groups are to be compared; noted for the measures of bias.
    seed : int
        Seed of every random choice: the same tables and seed give the same scorecard.
    judge : Judge, optional
        How hard the recurrent judges work; they take most of the time.
    progress : callable, optional
        Called with the title of each group of measures before it is taken.

    Returns
    -------
    Scorecard

    Raises
    ------
    DataError
        If a table is empty, has other columns than `train`, holds a value that its column cannot hold or a row without
        an entity; if a static column varies within a real entity; if an entity is both in training and in holdout.
    ParameterError
        If the schema names no entity, the target or a protected column does not exist, or a number is out of range.
    """
    start = time.perf_counter()
    judge = Judge() if judge is None else judge
    if not 1 <= judge.runs <= 10 or min(judge.discriminative_steps, judge.predictive_steps) < 1:
        raise ParameterError(f"the judge is {judge}", remedy="give 1 to 10 runs and at least one step")
    comparison = compare_sequences(
        synthetic, train=train, holdout=holdout, schema=schema, target=target, protected=protected, seed=seed
    )
    features = features_of(comparison)
    measures: list[Measure] = []
    seconds: dict[str, float] = {"reading": round(time.perf_counter() - start, 3)}
    for title, measure in GROUPS_OF_MEASURES:
        if progress is not None:
            progress(title)
        start = time.perf_counter()
        measures += measure(comparison, features, judge)
        seconds[title] = round(time.perf_counter() - start, 3)
    return Scorecard(tuple(measures), _context(comparison, seconds))


def _context(comparison: SequenceComparison, seconds: dict[str, float]) -> dict[str, Any]:
    kinds = {column.name: str(column.kind) for column in comparison.schema}
    time_column = comparison.schema.time
    assessed = {column.name for column in comparison.synthetic.columns}
    assessed |= {time_column.name} if time_column is not None and comparison.synthetic.timed else set()
    sides = dict(zip(("synthetic", "train", "holdout"), comparison.whole, strict=False))
    return {
        "rows": {side: len(sides[side].cells) if side in sides else None for side in ("synthetic", "train", "holdout")},
        "sequences": {side: len(part) for side, part in sides.items()},
        "entity": list(comparison.schema.entity),
        "columns": {name: kind for name, kind in kinds.items() if name in assessed},
        "left_out": {name: kind for name, kind in kinds.items() if name not in assessed},
        "target": None if comparison.target is None else comparison.target.name,
        "protected": list(comparison.protected),
        "reference": comparison.reference_name,
        "seed": comparison.seed,
        "versions": library_versions("torch", "tslearn"),
        "seconds": seconds,
    }
