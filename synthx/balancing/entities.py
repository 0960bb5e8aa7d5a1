"""Entities (accounts, stays, machines) with a rare label, and new ones beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.balancing.strategy import check_learnable, check_strategy, check_target, plain
from synthx.codec.sequence.long import LongTable
from synthx.errors import SchemaError
from synthx.schema import Schema

__all__ = ["label_of", "rows_of_entities", "wanted_entities", "with_new_entities"]


def label_of(schema: Schema) -> str:
    """Return the static column that entities are balanced by.

    Raises
    ------
    SchemaError
        If the schema names no entity, no target, or a target that changes from step to step.
    """
    if not schema.entity:
        raise SchemaError(
            "the schema names no entity, so there are no sequences to balance",
            remedy="name the column that says whom a row belongs to, or use OverSampler for single rows",
        )
    target = schema.target
    if target is None:
        raise SchemaError("the schema names no target", remedy="give the role of target to the label of the entities")
    if not target.static:
        raise SchemaError(
            f"the target {target.name!r} changes from step to step, and entities are balanced by what they are",
            remedy="give each entity one label, e.g. whether any of its steps is a fraud",
        )
    return target.name


def rows_of_entities(long: LongTable, chosen: NDArray[np.int64], schema: Schema) -> pd.DataFrame:
    """Return the long table of some entities, in order of time and each as often as it is chosen, keys left out."""
    picked = long.pick(chosen)
    which = np.repeat(np.arange(len(chosen)), picked.lengths)
    static = picked.static[list(schema.static)].iloc[which].reset_index(drop=True)
    return pd.concat([static, picked.steps], axis=1)


def with_new_entities(
    frame: pd.DataFrame, parts: list[tuple[pd.DataFrame, NDArray[np.int64]]], schema: Schema
) -> pd.DataFrame:
    """Return a long table and, after it, new entities with keys of their own.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        The real steps; they stay as they are.
    parts : list of (DataFrame, int array)
        New steps, without a key or with one that is replaced, and the entity of each, from 0 in each part.
    schema : Schema
    """
    tables, first = [frame], 0
    for rows, of_row in parts:
        keyed = rows.assign(**{name: _keys(frame[name], of_row + first) for name in schema.entity})
        tables.append(keyed[list(frame.columns)].astype(frame.dtypes.to_dict()))
        first += int(of_row.max(initial=-1)) + 1
    return pd.concat(tables, ignore_index=True)


def _keys(real: pd.Series[Any], number: NDArray[np.int64]) -> Any:
    """Return keys that no real entity has: numbers go on after the largest, text says that it is new."""
    if pd.api.types.is_numeric_dtype(real.dtype):
        return real.max() + 1 + number
    mark = "new"
    while real.astype(str).str.startswith(f"{mark}-").any():
        mark += "-new"
    return pd.Series(number).map(lambda place: f"{mark}-{place + 1}").to_numpy(dtype=object)


def wanted_entities(long: LongTable, label: str, strategy: Any) -> tuple[dict[Hashable, int], NDArray[Any]]:
    """Return how many new entities each class gets, and the class of each real one.

    Raises
    ------
    DataError, ParameterError
        See `check_target` and `check_strategy`.
    """
    from imblearn.utils import check_sampling_strategy

    check_target(long.static[label])
    labels = long.static[label].to_numpy()
    labels = labels.astype(str) if labels.dtype == object and isinstance(labels[0], str) else labels
    check_strategy(strategy, labels)
    wanted: Mapping[Any, int] = check_sampling_strategy(strategy, labels, "over-sampling")
    entities = {plain(key): int(count) for key, count in wanted.items()}
    check_learnable(entities, Counter(labels.tolist()), unit="entity")
    return entities, labels
