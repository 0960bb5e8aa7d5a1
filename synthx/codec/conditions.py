"""Conditions on columns, turned into windows on codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.numeric import NumericCodec
from synthx.codec.table import TableCodec
from synthx.condition import Between, Condition, Missing, OneOf, Window
from synthx.errors import ConditionError
from synthx.schema import Column, Kind, Schema

__all__ = ["Resolved", "meets", "resolve"]

LISTED = 12
"""How many levels an error lists."""


@dataclasses.dataclass(frozen=True)
class Resolved:
    """Conditions in the terms of a codec.

    Parameters
    ----------
    windows : mapping of int to Window
        What is allowed of the coded columns, by index.
    conditions : mapping of str to Condition
        The same, in the columns' own values; numbers and times are floats.
    leftover : mapping of str to Condition
        Conditions on columns that are computed from several others: rows that miss them are drawn again.
    """

    windows: Mapping[int, Window]
    conditions: Mapping[str, Condition]
    leftover: Mapping[str, Condition]

    def keep(self, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """Return the rows that meet the leftover conditions."""
        for name, condition in self.leftover.items():
            frame = frame[meets(frame[name], condition, schema[name])]
        return frame


def resolve(conditions: Mapping[str, Condition], codec: TableCodec) -> Resolved:
    """Turn conditions into windows on codes.

    Raises
    ------
    ConditionError
        If no row can satisfy them: an unknown level, a range outside what the column holds, conditions on a column and
        on its duplicate that exclude each other.
    """
    windows: dict[int, Window] = {}
    resolved: dict[str, Condition] = {}
    leftover: dict[str, Condition] = {}
    for name, condition in conditions.items():
        source, pulled = name, condition
        if name in codec.structure.derived:
            inverted = codec.structure.invert(name, condition)
            if inverted is None:
                leftover[name] = _in_numbers(condition, codec.schema[name])
                continue
            source, pulled = inverted
        column = codec.schema[source]
        index = codec.domain.index(source)
        exact = _in_numbers(pulled, column)
        window = _window(codec.columns[source], exact, column)
        if index in windows:
            window = _both(windows[index], window)
        if not window.weights.any():
            raise _impossible(codec.schema[name], condition, codec)
        windows[index] = window
        resolved[source] = exact if source not in resolved else _narrower(resolved[source], exact)
    return Resolved(windows, resolved, leftover)


def meets(series: pd.Series[Any], condition: Condition, column: Column) -> np.ndarray:
    """Return which cells satisfy a condition whose numbers are floats; bool, shape (rows,)."""
    missing = series.isna().to_numpy(dtype=bool)
    if isinstance(condition, Missing):
        return missing
    if column.kind.is_discrete:
        wanted = {str(value) for value in condition.values} if isinstance(condition, OneOf) else set()
        return series.astype(str).isin(wanted).to_numpy() & ~missing
    values = cells.read_strictly(series, column)
    if isinstance(condition, OneOf):
        return np.isin(values, np.asarray(condition.values, np.float64))
    low, high = condition.ends
    return (values >= low) & (values <= high)


def _in_numbers(condition: Condition, column: Column) -> Condition:
    """Return the condition with numbers and times as floats; discrete columns keep their levels."""
    if isinstance(condition, Missing) or column.kind.is_discrete:
        return condition
    try:
        if isinstance(condition, OneOf):
            return OneOf(tuple(cells.point(value, column) for value in condition.values))
        low = None if condition.low is None else cells.point(condition.low, column)
        high = None if condition.high is None else cells.last_point(condition.high, column)
    except (TypeError, ValueError):
        raise ConditionError(
            f"the condition on column {column.name!r} is {condition}, which is no {column.kind.value}",
            remedy="write a value as the column holds it",
        ) from None
    if low is not None and high is not None and low > high:
        raise ConditionError(
            f"the condition on column {column.name!r} is {condition}, which is empty", remedy="give the lower end first"
        )
    return Between(low, high)


def _window(codec: NumericCodec | CategoricalCodec, condition: Condition, column: Column) -> Window:
    if isinstance(condition, Between) and isinstance(codec, CategoricalCodec) and not codec.has_order:
        raise ConditionError(
            f"column {column.name!r} is {column.kind.value} and has no order, so it cannot lie {condition}",
            remedy="list the levels instead",
        )
    window = codec.window(condition)
    if isinstance(condition, OneOf):
        for value in condition.values:
            if not codec.window(OneOf((value,))).weights.any():
                raise _unknown(column, value, codec)
    return window


def _both(first: Window, second: Window) -> Window:
    low, high = np.maximum(first.low, second.low), np.minimum(first.high, second.high)
    share = np.divide(high - low, first.high - first.low, out=np.zeros_like(low), where=first.high > first.low)
    weights = np.where((first.weights > 0) & (second.weights > 0), first.weights * np.maximum(share, 0), 0.0)
    return Window(weights, low, high)


def _narrower(first: Condition, second: Condition) -> Condition:
    """Return the condition of two on one column that enforcing should go by."""
    if isinstance(first, Between) and isinstance(second, Between):
        (low, high), (other_low, other_high) = first.ends, second.ends
        return Between(max(low, other_low), min(high, other_high))
    return first if isinstance(first, OneOf) else second


def _unknown(column: Column, value: object, codec: NumericCodec | CategoricalCodec) -> ConditionError:
    if isinstance(codec, NumericCodec):
        return ConditionError(
            f"column {column.name!r} never is {_written(value, column)!r} ({_extent(codec, column)})",
            remedy="ask for a value inside, or for a range",
        )
    levels = ", ".join(map(repr, codec.levels[:LISTED])) + (" …" if len(codec.levels) > LISTED else "")
    return ConditionError(
        f"column {column.name!r} has no level {value!r} that the model knows", remedy=f"choose from {levels}"
    )


def _impossible(column: Column, condition: Condition, table: TableCodec) -> ConditionError:
    codec = table.columns.get(column.name)
    if isinstance(condition, Missing):
        return ConditionError(f"column {column.name!r} is never missing", remedy="drop that condition")
    extent = f" ({_extent(codec, column)})" if isinstance(codec, NumericCodec) else ""
    return ConditionError(
        f"no row of column {column.name!r} lies {condition}{extent}"
        if isinstance(condition, Between)
        else f"no row has {condition} in column {column.name!r} together with the other conditions",
        remedy="widen the condition",
    )


def _extent(codec: NumericCodec, column: Column) -> str:
    ends = [*codec.spikes, *codec.knots]
    if not ends:
        return "it is always missing"
    return f"the model knows {_written(min(ends), column)} to {_written(max(ends), column)}"


def _written(value: object, column: Column) -> object:
    """Write a number as the column would: a time as a time."""
    if column.kind is not Kind.DATETIME or not isinstance(value, float):
        return value
    return str(pd.Timestamp(int(value), unit="us"))
