"""Conditions on columns, turned into windows on codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthx._dtypes import as_dtype
from synthx.codec import cells
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.numeric import NumericCodec
from synthx.codec.structure import Order, SharedMissing
from synthx.codec.table import TableCodec
from synthx.condition import Between, Condition, Missing, OneOf, Window, show
from synthx.errors import ConditionError
from synthx.schema import Column, Kind, Role, Schema

__all__ = ["Resolved", "in_numbers", "meets", "resolve"]

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
    rules : tuple of Order and SharedMissing
        Rules that asked-for cells may break, since these are never changed: rows that do are drawn again.
    """

    windows: Mapping[int, Window]
    conditions: Mapping[str, Condition]
    leftover: Mapping[str, Condition]
    rules: tuple[Order | SharedMissing, ...] = ()

    def keep(self, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """Return the rows that meet the leftover conditions and obey the rules."""
        for name, condition in self.leftover.items():
            frame = frame[meets(frame[name], condition, schema[name])]
        for rule in self.rules:
            frame = frame[rule.holds(frame, schema)]
        return frame


def resolve(conditions: Mapping[str, Condition], codec: TableCodec) -> Resolved:
    """Turn conditions into windows on codes.

    Raises
    ------
    ConditionError
        If no row can satisfy them: an unknown level, a range outside what the column holds, conditions on a column and
        on its duplicate that exclude each other, or conditions on two columns that a rule between them excludes.
    """
    windows: dict[int, Window] = {}
    resolved: dict[str, Condition] = {}
    leftover: dict[str, Condition] = {}
    for name, condition in conditions.items():
        source, pulled = name, condition
        if name in codec.structure.derived:
            inverted = codec.structure.invert(name, condition)
            if inverted is None:
                leftover[name] = in_numbers(condition, codec.schema[name])
                continue
            source, pulled = inverted
        column = codec.schema[source]
        index = codec.domain.index(source)
        exact = in_numbers(pulled, column)
        window = _window(codec.columns[source], exact, column)
        if index in windows:
            window = _both(windows[index], window)
        if not window.weights.any():
            raise _impossible(codec.schema[name], condition, codec)
        windows[index] = window
        resolved[source] = exact if source not in resolved else _narrower(resolved[source], exact)
    return Resolved(windows, resolved, leftover, _rules_at_risk(resolved, codec))


def _rules_at_risk(conditions: Mapping[str, Condition], codec: TableCodec) -> tuple[Order | SharedMissing, ...]:
    """Return the rules that rows may break because cells of two columns or more stay as they were drawn.

    Raises
    ------
    ConditionError
        If every row that meets the conditions breaks one of them.
    """
    pinned = set(conditions) | {column.name for column in codec.schema.with_role(Role.TIME)}
    if not conditions or len(pinned) < 2:
        return ()
    rules = tuple(rule for rule in codec.structure.rules if isinstance(rule, Order | SharedMissing))
    for rule in rules:
        names = rule.columns if isinstance(rule, SharedMissing) else (rule.low, rule.high)
        asked = {name: conditions[name] for name in names if name in conditions}
        broken = _never_ordered(rule, asked) if isinstance(rule, Order) else _never_shared(asked)
        if broken:
            raise ConditionError(
                f"no row has {' and '.join(f'column {name!r} {condition}' for name, condition in asked.items())}",
                remedy="change one of them: they contradict a rule that holds in every training row",
            )
    return rules


def _never_ordered(rule: Order, asked: Mapping[str, Condition]) -> bool:
    if len(asked) < 2:
        return False
    (least, _), (_, most) = (_span(asked[name]) for name in (rule.low, rule.high))
    return least > most


def _span(condition: Condition) -> tuple[float, float]:
    """Return the range of a condition in floats; without limits where a cell may be missing."""
    if isinstance(condition, Between):
        return condition.ends
    if isinstance(condition, Missing) or None in condition.values:
        return -np.inf, np.inf
    return min(condition.values), max(condition.values)


def _never_shared(asked: Mapping[str, Condition]) -> bool:
    filled = [
        isinstance(part, Between) or (isinstance(part, OneOf) and None not in part.values) for part in asked.values()
    ]
    return any(filled) and any(isinstance(part, Missing) for part in asked.values())


def meets(series: pd.Series[Any], condition: Condition, column: Column) -> np.ndarray:
    """Return which cells of a number or datetime column satisfy a condition in floats; bool, shape (rows,)."""
    missing = series.isna().to_numpy(dtype=bool)
    if isinstance(condition, Missing):
        return missing
    values = cells.read_strictly(series, column)
    if isinstance(condition, OneOf):
        listed = np.isin(values, [value for value in condition.values if value is not None])
        return listed | missing if None in condition.values else listed
    low, high = condition.ends
    return (values >= low) & (values <= high)


def in_numbers(condition: Condition, column: Column) -> Condition:
    """Return the condition with numbers and times as floats; discrete columns keep their levels."""
    if isinstance(condition, Missing) or column.kind.is_discrete:
        return condition
    try:
        if isinstance(condition, OneOf):
            return OneOf(tuple(None if value is None else cells.point(value, column) for value in condition.values))
        low = None if condition.low is None else cells.point(condition.low, column)
        high = None if condition.high is None else cells.last_point(condition.high, column)
    except (TypeError, ValueError):
        raise _no_such_value(condition, column) from None
    if low is not None and high is not None and low > high:
        raise ConditionError(
            f"the condition on column {column.name!r} is {condition}, which is empty", remedy="give the lower end first"
        )
    return Between(low, high)


def _no_such_value(condition: Condition, column: Column) -> ConditionError:
    return ConditionError(
        f"the condition on column {column.name!r} is {condition}, which is no {column.kind.value}",
        remedy="write a value as the column holds it",
    )


def _window(codec: NumericCodec | CategoricalCodec, condition: Condition, column: Column) -> Window:
    if isinstance(condition, Between) and isinstance(codec, CategoricalCodec) and not codec.has_order:
        raise ConditionError(
            f"column {column.name!r} is {column.kind.value} and has no order, so it cannot be {condition}",
            remedy="list the levels instead",
        )
    try:
        window = codec.window(condition)
    except (TypeError, ValueError):
        raise _no_such_value(condition, column) from None
    named = condition.values if isinstance(condition, OneOf) else ()
    if isinstance(condition, Between) and column.kind is Kind.ORDINAL:
        named = tuple(end for end in (condition.low, condition.high) if end is not None)
    for value in named:
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
    if value is None:
        return _never_missing(column)
    if isinstance(codec, NumericCodec):
        return ConditionError(
            f"column {column.name!r} never is {_written(value, column)} ({_extent(codec, column)})",
            remedy="ask for a value inside, or for a range",
        )
    levels = ", ".join(map(repr, codec.levels[:LISTED])) + (" …" if len(codec.levels) > LISTED else "")
    return ConditionError(
        f"column {column.name!r} has no level {show(value)} that the model knows",
        remedy=f"choose from {levels}" if levels else "drop that condition: all its levels were rare, so none is known",
    )


def _impossible(column: Column, condition: Condition, table: TableCodec) -> ConditionError:
    codec = table.columns.get(column.name)
    if isinstance(condition, Missing):
        return _never_missing(column)
    extent = f" ({_extent(codec, column)})" if isinstance(codec, NumericCodec) else ""
    return ConditionError(
        f"no row of column {column.name!r} is {condition}{extent}"
        if isinstance(condition, Between)
        else f"no row has {condition} in column {column.name!r} together with the other conditions",
        remedy="widen the condition",
    )


def _never_missing(column: Column) -> ConditionError:
    return ConditionError(f"column {column.name!r} is never missing", remedy="drop that condition")


def _extent(codec: NumericCodec, column: Column) -> str:
    ends = [*codec.spikes, *codec.knots]
    if not ends:
        return "it is always missing"
    least, most = min(ends), max(ends)
    if codec.grid.step:  # knots lie between two values
        step, base = codec.grid.step, codec.grid.base
        least, most = codec.grid.snap(base + np.array([np.ceil((least - base) / step), (most - base) // step]) * step)
    low, high = _written(least, column), _written(most, column)
    return f"the model knows only {low}" if least >= most else f"the model knows {low} to {high}"


def _written(value: Any, column: Column) -> str:
    """Write a number as the column would: a time as a time in its zone, a whole number without a point."""
    if column.kind is Kind.DATETIME:
        dtype = as_dtype(column.dtype)
        stamp = pd.Timestamp(int(value), unit="us")
        return str(stamp.tz_localize("UTC").tz_convert(dtype.tz) if isinstance(dtype, pd.DatetimeTZDtype) else stamp)
    return str(int(value)) if float(value).is_integer() and column.kind is Kind.INTEGER else f"{value:.10g}"
