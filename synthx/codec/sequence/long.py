"""A long table as what it tells of each entity and what it tells of each step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec import cells
from synthx.codec.keys import fresh_keys
from synthx.entities import Entities
from synthx.errors import DataError, SchemaError
from synthx.schema import Column, Kind, Schema

__all__ = ["LENGTH", "SPAN", "LongTable", "join_long", "span_in_units", "span_of", "static_schema", "step_schema"]

LENGTH, SPAN = "(length)", "(span)"
"""Columns that are added to the static ones: how many steps an entity has, and the time from its first to its last."""

MICROSECONDS_A_DAY = 86_400e6


@dataclasses.dataclass(frozen=True)
class LongTable:
    """The sequences of a long table.

    Parameters
    ----------
    entities : Entities
    static : DataFrame, shape (entities, static columns + 1 or 2)
        With `LENGTH` and, where there is a time, `SPAN`.
    steps : DataFrame, shape (rows, other columns)
        Sorted by entity and time.
    rows : int array, shape (rows,)
        Where each of the sorted steps stood in the table.
    lengths : int array, shape (entities,)
    """

    entities: Entities
    static: pd.DataFrame
    steps: pd.DataFrame
    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pd.DataFrame, schema: Schema) -> LongTable:
        """Part a long table; rows of an entity are put in the order of time, those of one time stay as they stand.

        Raises
        ------
        SchemaError
            If the schema names no entity.
        DataError
            If the columns are not those of the schema, a key or a time is missing, or a static column varies.
        """
        if not schema.entity:
            raise SchemaError(
                "the schema names no entity, so there is no telling where a sequence ends",
                remedy="name the column that says whom a row belongs to, e.g. entity='patient';"
                " a single long series can be cut by synthx.cut_windows",
            )
        schema.check_names(frame.columns)
        entities = Entities.of(frame, schema.entity)
        entities.check_constant(frame[list(schema.static)])
        when = _times(frame, schema)
        rows = entities.sorted_rows(when)
        lengths = entities.sizes
        static = frame[list(schema.static)].iloc[entities.firsts].reset_index(drop=True)
        static[LENGTH] = lengths
        time = schema.time
        if when is not None and time is not None:
            ends = np.cumsum(lengths)
            ordered = when[rows]
            static[SPAN] = span_in_units(ordered[ends - 1] - ordered[ends - lengths], time)
        steps = frame[list(step_schema(schema).names)].iloc[rows].reset_index(drop=True)
        return cls(entities, static, steps, rows, lengths)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first step of each entity."""
        return np.cumsum(self.lengths) - self.lengths


def _times(frame: pd.DataFrame, schema: Schema) -> NDArray[np.float64] | None:
    column = schema.time
    if column is None:
        return None
    when = cells.read_strictly(frame[column.name], column)
    missing = np.isnan(when)
    if missing.any():
        raise DataError(
            f"the time column {column.name!r} is missing in row {int(missing.argmax()) + 1}",
            remedy="drop such rows, or fill in when they happened",
        )
    return when


def span_in_units(span: NDArray[np.float64], time: Column) -> NDArray[np.float64]:
    """Return spans of time as people give them: days where the time is a date, else what the column counts in."""
    return span / MICROSECONDS_A_DAY if time.kind is Kind.DATETIME else span


def span_of(units: NDArray[np.float64], time: Column) -> NDArray[np.float64]:
    """Return spans as the codec counts time, from spans as people give them."""
    return units * MICROSECONDS_A_DAY if time.kind is Kind.DATETIME else units


def step_schema(schema: Schema) -> Schema:
    """Return the schema of what changes from step to step."""
    return schema.select(name for name in schema.names if name not in schema.entity and name not in schema.static)


def static_schema(schema: Schema, static: pd.DataFrame) -> Schema:
    """Return the schema of what is constant within an entity, its length and its span included."""
    columns = [schema[name] for name in schema.static]
    for name in (LENGTH, SPAN):
        if name in static:
            columns.append(_counted(name, static[name], schema))
    return Schema(tuple(columns))


def _counted(name: str, series: pd.Series[float], schema: Schema) -> Column:
    dtype = str(series.dtype)
    if series.nunique() == 1:
        return Column(name=name, kind=Kind.CONSTANT, dtype=dtype, levels=(series.iloc[:1].tolist()[0],))
    time = schema.time
    whole = name == LENGTH or (time is not None and time.kind is Kind.INTEGER)
    return Column(name=name, kind=Kind.INTEGER if whole else Kind.DECIMAL, dtype=dtype)


def join_long(
    schema: Schema,
    static: pd.DataFrame,
    steps: pd.DataFrame,
    lengths: Sequence[int] | NDArray[np.int64],
    rng: np.random.Generator,
    *,
    first: int,
) -> pd.DataFrame:
    """Return the long table of new entities, with fresh keys.

    Parameters
    ----------
    schema : Schema
        Of the long table.
    static : DataFrame, shape (entities, columns)
    steps : DataFrame, shape (rows, columns)
        Entity after entity.
    lengths : int array, shape (entities,)
    rng : numpy Generator
        For the keys.
    first : int
        How many entities were made before; keeps the keys unique.
    """
    entity = np.repeat(np.arange(len(static)), lengths)
    keys = fresh_keys(schema, entity, rng, first=first)
    columns = {}
    for column in schema:
        if column.name in keys:
            columns[column.name] = keys[column.name]
        elif column.static:
            columns[column.name] = static[column.name].take(entity).reset_index(drop=True)
        else:
            columns[column.name] = steps[column.name].reset_index(drop=True)
    return pd.DataFrame(columns)
