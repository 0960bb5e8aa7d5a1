"""A long table as what it tells of each entity and what it tells of each step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec import cells
from synthx.codec.sequence.calendar import DAY
from synthx.entities import Entities
from synthx.errors import DataError, SchemaError
from synthx.schema import Column, Kind, Role, Schema

__all__ = [
    "END",
    "LENGTH",
    "SPAN",
    "START",
    "LongTable",
    "join_long",
    "read_times",
    "span_in_units",
    "static_schema",
    "step_schema",
]

LENGTH, START, END, SPAN = "(length)", "(start)", "(end)", "(span)"
"""Columns that are added to the static ones: how many steps an entity has, when it begins and ends, how long it lasts.
The last two tell the same twice: what ends on one day for all is an end, what is asked for is a span."""


@dataclasses.dataclass(frozen=True)
class LongTable:
    """The sequences of a long table.

    Parameters
    ----------
    entities : Entities
    static : DataFrame, shape (entities, static columns + 1 or 2)
        With `LENGTH` and, where there is a time, `START`, `END` and `SPAN`.
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
            If the schema names no entity, or as the time anything but one column of numbers or dates.
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
        when = read_times(frame, schema)
        rows = entities.sorted_rows(when)
        lengths = entities.sizes
        static = frame[list(schema.static)].iloc[entities.firsts].reset_index(drop=True)
        static[LENGTH] = lengths
        time = schema.time
        if when is not None and time is not None:
            ends = np.cumsum(lengths)
            static[START] = frame[time.name].iloc[rows[ends - lengths]].reset_index(drop=True)
            static[END] = frame[time.name].iloc[rows[ends - 1]].reset_index(drop=True)
            ordered = when[rows]
            static[SPAN] = span_in_units(ordered[ends - 1] - ordered[ends - lengths], time)
        steps = frame[list(step_schema(schema).names)].iloc[rows].reset_index(drop=True)
        return cls(entities, static, steps, rows, lengths)

    def pick(self, chosen: NDArray[np.int64]) -> LongTable:
        """Return some of the entities, by index; `rows` still counts in the whole table."""
        which = np.repeat(chosen, self.lengths[chosen])
        first = np.repeat(np.cumsum(self.lengths[chosen]) - self.lengths[chosen], self.lengths[chosen])
        at = self.starts[which] + np.arange(len(which)) - first
        keys = self.entities.keys.iloc[chosen].reset_index(drop=True)
        of_row = np.repeat(np.arange(len(chosen)), self.lengths[chosen])
        return LongTable(
            Entities(self.entities.names, keys, of_row),
            self.static.iloc[chosen].reset_index(drop=True),
            self.steps.iloc[at].reset_index(drop=True),
            self.rows[at],
            self.lengths[chosen],
        )

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first step of each entity."""
        return np.cumsum(self.lengths) - self.lengths


def read_times(frame: pd.DataFrame, schema: Schema) -> NDArray[np.float64] | None:
    """Return when each row happened, as `cells.read` counts time; None where the schema names no time.

    Raises
    ------
    SchemaError
        If the time is anything but one column of numbers or dates.
    DataError
        If a time is missing or cannot be read.
    """
    column = schema.time
    if column is None:
        return None
    if not (column.kind.is_number or column.kind is Kind.DATETIME) or len(schema.with_role(Role.TIME)) > 1:
        kinds = ", ".join(f"{each.name!r} ({each.kind})" for each in schema.with_role(Role.TIME))
        raise SchemaError(f"the time is {kinds}", remedy="give the role to one column of numbers or dates")
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
    return span / DAY if time.kind is Kind.DATETIME else span


def step_schema(schema: Schema) -> Schema:
    """Return the schema of what changes from step to step."""
    return schema.select(name for name in schema.names if name not in schema.entity and name not in schema.static)


def static_schema(schema: Schema, static: pd.DataFrame) -> Schema:
    """Return the schema of what is constant within an entity, its length and its span included."""
    columns = [schema[name] for name in schema.static]
    columns.append(_counted(LENGTH, static[LENGTH], schema))
    time = schema.time
    if time is not None:
        for name in (START, END):
            columns.append(_settled(dataclasses.replace(time, name=name, role=None), static[name]))
        columns.append(_counted(SPAN, static[SPAN], schema))
    return Schema(tuple(columns))


def _settled(column: Column, series: pd.Series[Any]) -> Column:
    """Return a column, as a constant where it has one number only."""
    if column.kind.is_number and series.nunique() == 1:
        return Column(name=column.name, kind=Kind.CONSTANT, dtype=column.dtype, levels=(series.iloc[:1].tolist()[0],))
    return column


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
    keys: Mapping[str, pd.Series[Any]],
) -> pd.DataFrame:
    """Return the long table of entities.

    Parameters
    ----------
    schema : Schema
        Of the long table.
    static : DataFrame, shape (entities, columns)
    steps : DataFrame, shape (rows, columns)
        Entity after entity.
    lengths : int array, shape (entities,)
    keys : mapping of str to Series
        The columns of the key, a cell for each row.
    """
    entity = np.repeat(np.arange(len(static)), lengths)
    columns = {}
    for column in schema:
        if column.name in keys:
            columns[column.name] = keys[column.name]
        elif column.static:
            columns[column.name] = static[column.name].take(entity).reset_index(drop=True)
        else:
            columns[column.name] = steps[column.name].reset_index(drop=True)
    return pd.DataFrame(columns)
