"""Which measures are taken, in which order."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import pandas as pd

from synthx.errors import ParameterError, UnsupportedError
from synthx.schema import Schema
from synthx_evaluation.bands import band
from synthx_evaluation.bias import fairness, group_shapes, representation
from synthx_evaluation.coefficients import coefficients
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.coverage import coverage
from synthx_evaluation.detection import detection
from synthx_evaluation.disclosure import closest, copies, inference, linkability, singling_out
from synthx_evaluation.fidelity import pairs, shapes
from synthx_evaluation.importance import importance
from synthx_evaluation.joint import joint_distance
from synthx_evaluation.marginals import marginals
from synthx_evaluation.membership import membership
from synthx_evaluation.missingness import missingness
from synthx_evaluation.overlap import check_disjoint
from synthx_evaluation.quality_report import quality_report
from synthx_evaluation.ranking import ranking
from synthx_evaluation.record import Measure
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.sequences.suite import evaluate_sequences
from synthx_evaluation.tails import tails
from synthx_evaluation.utility import utility
from synthx_evaluation.validity import validity
from synthx_evaluation.versions import library_versions

__all__ = ["SUITE", "Group", "Task", "evaluate", "tasks"]


class Group(StrEnum):
    """What a measure is about."""

    FIDELITY = "fidelity"
    UTILITY = "utility"
    BIAS = "bias"
    MEMBERSHIP = "membership"
    DISCLOSURE = "disclosure"


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """Measures that are taken together.

    Parameters
    ----------
    group : Group
        What they are about.
    title : str
        What is done, for people who wait.
    measure : callable
        Takes them; returns the same ids whatever the tables hold.
    """

    group: Group
    title: str
    measure: Callable[[Comparison], list[Measure]]


SUITE: tuple[Task, ...] = (
    Task(Group.FIDELITY, "column shapes", shapes),
    Task(Group.FIDELITY, "missing cells", missingness),
    Task(Group.FIDELITY, "tails", tails),
    Task(Group.FIDELITY, "pair trends", pairs),
    Task(Group.FIDELITY, "pairs outside the band of real rows", band),
    Task(Group.FIDELITY, "three-way marginals", marginals),
    Task(Group.FIDELITY, "joint distance", joint_distance),
    Task(Group.FIDELITY, "two-sample classifier", detection),
    Task(Group.FIDELITY, "lost levels and regions", coverage),
    Task(Group.FIDELITY, "rules and keys", validity),
    Task(Group.UTILITY, "train on synthetic, test on real", utility),
    Task(Group.UTILITY, "order of models", ranking),
    Task(Group.UTILITY, "importance of columns", importance),
    Task(Group.UTILITY, "regression coefficients", coefficients),
    Task(Group.BIAS, "shares of groups", representation),
    Task(Group.BIAS, "column shapes by group", group_shapes),
    Task(Group.BIAS, "fairness of models", fairness),
    Task(Group.MEMBERSHIP, "membership inference", membership),
    Task(Group.DISCLOSURE, "exact copies", copies),
    Task(Group.DISCLOSURE, "singling out", singling_out),
    Task(Group.DISCLOSURE, "linkability", linkability),
    Task(Group.DISCLOSURE, "attribute inference", inference),
    Task(Group.DISCLOSURE, "distance to the closest record", closest),
)
"""What `evaluate` runs. A measure returns the same ids whatever the tables hold, and raises for no table that
`compare` lets through: what cannot be computed is a record with a reason."""


def tasks(only: Iterable[str] | None = None) -> list[Task]:
    """Return the tasks of the named groups, in the order of `SUITE`; all groups where none is named.

    Raises
    ------
    ParameterError
        If there is no such group.
    """
    wanted = list(Group) if only is None else [_group(name) for name in ([only] if isinstance(only, str) else only)]
    if not wanted:
        raise ParameterError("no group of measures is named", remedy=f"choose one of {', '.join(Group)}")
    return [task for task in SUITE if task.group in wanted]


def _group(name: str) -> Group:
    if name not in list(Group):
        raise ParameterError(f"there is no group of measures {name!r}", remedy=f"choose one of {', '.join(Group)}")
    return Group(name)


def evaluate(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Iterable[str] = (),
    seed: int = 0,
    only: Iterable[str] | None = None,
    sdmetrics: bool = False,
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
    only : iterable of str, optional
        Groups of measures to take, of fidelity, utility, bias, membership and disclosure; all by default.
    sdmetrics : bool
        Whether to add the figures of SDMetrics' quality report.
    progress : callable, optional
        Called with the title of each group of measures before it is taken.

    Returns
    -------
    Scorecard

    Raises
    ------
    DataError
        If a table is empty, has other columns than `train`, holds a value that its column cannot hold, or if training
        rows stand in the holdout beyond coincidence.
    ParameterError
        If the target, a protected column or a group does not exist.
    UnsupportedError
        If groups or SDMetrics' figures are asked of sequences.
    """
    start = time.perf_counter()
    wanted, protected = tasks(only), tuple(protected)
    schema = Schema.detect(train, target=target, protected=protected) if schema is None else schema
    if schema.entity and set(schema.entity) <= set(train.columns) and train.duplicated(list(schema.entity)).any():
        if only is not None or sdmetrics:
            raise UnsupportedError(
                "the tables are sequences, whose measures are taken together",
                remedy="leave out only and sdmetrics",
            )
        return evaluate_sequences(
            synthetic, train=train, holdout=holdout, schema=schema, target=target, protected=protected, seed=seed,
            progress=progress,
        )  # fmt: skip
    comparison = compare(
        synthetic, train=train, holdout=holdout, schema=schema, target=target, protected=protected, seed=seed
    )
    check_disjoint(comparison)
    if sdmetrics:
        report = Task(
            Group.FIDELITY,
            "SDMetrics' quality report",
            lambda comparison: quality_report(comparison, synthetic=synthetic, train=train, holdout=holdout),
        )
        wanted.append(report)
    seconds: dict[str, float] = {"reading": round(time.perf_counter() - start, 3)}
    measures = _taken(wanted, comparison, seconds, progress)
    groups = list(Group) if only is None else sorted({task.group for task in wanted}, key=list(Group).index)
    return Scorecard(measures, {**_context(comparison, seconds), "groups": [str(group) for group in groups]})


def _taken(
    wanted: Iterable[Task], comparison: Comparison, seconds: dict[str, float], progress: Callable[[str], None] | None
) -> tuple[Measure, ...]:
    """Take the measures, and note the seconds of each task."""
    measures: list[Measure] = []
    for task in wanted:
        if progress is not None:
            progress(task.title)
        start = time.perf_counter()
        measures += task.measure(comparison)
        seconds[task.title] = round(time.perf_counter() - start, 3)
    return tuple(measures)


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
