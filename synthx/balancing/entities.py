"""Entities (accounts, stays, machines) with a rare label, and new ones beside them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.balancing.strategy import check_learnable, check_strategy, check_target, plain
from synthx.codec.generated import generate
from synthx.codec.sequence.long import LongTable
from synthx.errors import SchemaError
from synthx.schema import Column, Kind, Schema

__all__ = ["label_of", "new_keys", "rows_of_entities", "wanted_entities", "with_new_entities"]


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
    frame: pd.DataFrame,
    parts: list[tuple[pd.DataFrame, NDArray[np.int64]]],
    schema: Schema,
    *,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return a long table and, after it, new entities with keys of their own.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        The real steps; they stay as they are.
    parts : list of (DataFrame, int array)
        New steps, without a key or with one that is replaced, and the entity of each, from 0 in each part.
    schema : Schema
    seed : int, optional
        Of keys that are drawn (UUIDs).
    """
    entities = [int(of_row.max(initial=-1)) + 1 for _, of_row in parts]
    first = np.cumsum([0, *entities])
    rng = np.random.default_rng(seed)
    keys = {name: new_keys(frame[name], schema[name], int(first[-1]), rng) for name in schema.entity}
    tables = [frame]
    for (rows, of_row), before in zip(parts, first, strict=False):
        keyed = rows.assign(**{name: cells[of_row + before] for name, cells in keys.items()})
        tables.append(keyed[list(frame.columns)].astype(frame.dtypes.to_dict()))
    return pd.concat(tables, ignore_index=True)


def new_keys(real: pd.Series[Any], column: Column, count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return keys that no real entity has: numbers go on after the largest, text follows the pattern of the column.

    Parameters
    ----------
    real : Series
        The keys that there are.
    column : Column
        How they are written.
    count : int
        How many new ones.
    rng : numpy.random.Generator
        Where UUIDs come from.
    """
    if pd.api.types.is_numeric_dtype(real.dtype):
        return np.asarray(real.max() + 1 + np.arange(count))
    taken = set(real.astype(str))
    pattern = column.format if column.kind is Kind.IDENTIFIER else None
    as_text = dataclasses.replace(column, kind=Kind.IDENTIFIER, format=pattern, dtype="object")
    made = generate(as_text, count + len(taken), rng).astype(str)  # even if all that are taken come again
    return made[~made.isin(taken)].to_numpy(dtype=object)[:count]


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
