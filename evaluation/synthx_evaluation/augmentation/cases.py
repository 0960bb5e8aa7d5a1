"""The table in question, checked: what the learners may look at, which rows are of the rare class, what each weighs."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError, ParameterError, listed
from synthx.schema import Schema
from synthx_evaluation.encoding import Floats, assessed

__all__ = ["Bools", "Cases", "read_cases"]

Bools = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Cases:
    """Rows with a rare class.

    Parameters
    ----------
    features : DataFrame, shape (n, d)
        What learners and generators see: without the target, the entity, the time of the split and the weights.
    labels : Series, shape (n,)
        The target as it is in the table.
    positive : hashable
        The label of the rare class.
    rare : array (n,)
        Which rows are of that class; all other classes together are the rest.
    weights : array (n,)
        How many rows of the population each row stands for.
    schema : Schema
        The columns of `features`.
    amounts : array (n,), optional
        What is lost if the row is rare and missed.
    entity, time : Series, optional
        Whom and when a row is about.
    """

    features: pd.DataFrame
    labels: pd.Series
    positive: Hashable
    rare: Bools
    weights: Floats
    schema: Schema
    amounts: Floats | None = None
    entity: pd.Series | None = None
    time: pd.Series | None = None

    def __len__(self) -> int:
        return len(self.rare)


def read_cases(
    frame: pd.DataFrame,
    *,
    target: str,
    positive: Hashable | None,
    schema: Schema | None,
    entity: str | None,
    time: str | None,
    weights: str | Sequence[float] | Floats | None,
    amount: str | None,
) -> Cases:
    """Check the table and take it apart.

    Raises
    ------
    ParameterError
        If a named column or class does not exist.
    DataError
        If the target has missing values or one class, a class too few rows, or a weight or an amount is no number.
    """
    for role, name in {"target": target, "entity": entity, "time": time, "amount": amount}.items():
        _check_column(frame, role, name)
    if isinstance(weights, str):
        _check_column(frame, "weights", weights)
    frame = frame.reset_index(drop=True)
    labels = frame[target]
    level = _rare_class(labels, target, positive)
    apart = {target, entity, time, weights if isinstance(weights, str) else None}
    features = frame[[name for name in frame.columns if name not in apart]]
    known = Schema.detect(frame, target=target, entity=entity, time=time) if schema is None else schema
    known = known.select(features.columns)
    if not assessed(known):
        raise DataError(
            f"beside the target {target!r} no column varies, so nothing can be learned",
            remedy="add columns that say something about the target",
        )
    return Cases(
        features=features,
        labels=labels,
        positive=level,
        rare=(labels == level).to_numpy(dtype=bool),
        weights=np.ones(len(frame)) if weights is None else _weights(frame, weights),
        schema=known,
        amounts=None if amount is None else _numbers(frame[amount], f"the amount {amount!r}"),
        entity=_named(frame, entity, "entity"),
        time=_named(frame, time, "time"),
    )


def _check_column(frame: pd.DataFrame, role: str, name: str | None) -> None:
    if name is not None and name not in frame.columns:
        raise ParameterError(
            f"there is no column {name!r} ({role})", remedy=f"choose from {listed(frame.columns, name)}"
        )


def _rare_class(labels: pd.Series, target: str, positive: Hashable | None) -> Hashable:
    """Return the label in question: the one that is named, or the one with the fewest rows."""
    if labels.isna().any():
        raise DataError(
            f"the target {target!r} is missing in {int(labels.isna().sum()):,} rows",
            remedy="drop those rows: a row without a label says nothing about a class",
        )
    counts = {label: count for label, count in labels.value_counts().items() if count}
    if len(counts) < 2:
        raise DataError(f"the target {target!r} has fewer than two classes", remedy="choose a column with several")
    level: Hashable = list(counts)[-1] if positive is None else positive
    if level not in counts:
        raise ParameterError(
            f"the target {target!r} has no class {positive!r}", remedy=f"choose from {listed(counts, positive)}"
        )
    if counts[level] < 4:
        raise DataError(
            f"class {level!r} of the target {target!r} has {counts[level]} rows, and rows to learn from cannot be rows"
            " to test on",
            remedy="collect at least 4 of them, or choose another class",
        )
    return level


def _weights(frame: pd.DataFrame, weights: str | Sequence[float] | Floats) -> Floats:
    given: Any = frame[weights] if isinstance(weights, str) else pd.Series(np.asarray(weights))
    if len(given) != len(frame):
        raise DataError(f"there are {len(given):,} weights for {len(frame):,} rows", remedy="give one for every row")
    values = _numbers(given, "the weights")
    if (values <= 0).any():
        raise DataError(f"the weights hold {values.min()}", remedy="give every row a weight above 0")
    return values


def _numbers(cells: pd.Series, what: str) -> Floats:
    values: Floats = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"{what} is {cells.iloc[int(wrong.argmax())]!r} in row {int(wrong.argmax())}",
            remedy="give a number in every row",
        )
    return values


def _named(frame: pd.DataFrame, name: str | None, role: str) -> pd.Series | None:
    if name is None:
        return None
    if frame[name].isna().any():
        raise DataError(
            f"the {role} {name!r} is missing in row {int(frame[name].isna().to_numpy().argmax())}",
            remedy="fill it or drop the row",
        )
    return frame[name]
