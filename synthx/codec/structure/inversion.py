"""Turning a condition on a derived column into the same condition on its source.

The result is never wider than what was asked: every source cell that it allows gives a cell that the condition allows.
It may lack source cells where a table does not list them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from synthx._dtypes import as_dtype
from synthx.codec.cells import ceil_to, decimals_for, floor_to, last_point, point, write
from synthx.codec.structure.rules import Affine, DerivingRule, Duplicate, Lookup
from synthx.condition import MISSING, Between, Condition, Missing, OneOf
from synthx.errors import ConditionError
from synthx.schema import Column, Kind, Schema

__all__ = ["invert_rule"]

_MOST_VALUES = 10_000
"""Source values that are listed for several values of a coarser column; more cannot be translated."""


def invert_rule(rule: DerivingRule, condition: Condition, schema: Schema) -> Condition | None:
    """Return the condition on the rule's source under which its column meets `condition`.

    None where that cannot be said of one column (sums, and ranges with holes).

    Raises
    ------
    ConditionError
        If no source cell meets it, or it holds a value that the column cannot hold.
    """
    match rule:
        case Duplicate():
            if schema[rule.column].format == schema[rule.source].format:
                return condition
            return _through_line(Affine(rule.column, rule.source, 1.0, 0.0), condition, schema)
        case Affine():
            return _through_line(rule, condition, schema)
        case Lookup():
            return _through_table(rule, condition, schema)
    return None


def _through_table(rule: Lookup, condition: Condition, schema: Schema) -> Condition:
    column = schema[rule.column]
    sources = tuple(source for source, cell in rule.table if _meets(cell, condition, column))
    if not sources:
        raise _impossible(column, condition)
    return MISSING if sources == (None,) else OneOf(sources)


def _meets(cell: Any, condition: Condition, column: Column) -> bool:
    match condition:
        case Missing():
            return cell is None
        case OneOf(values):
            return any(_same(cell, value, column) for value in values)
        case Between(low, high):
            if cell is None:
                return False
            place = _place(cell, column)
            return (low is None or place >= _place(low, column)) and (high is None or place <= _place(high, column))


def _same(cell: Any, value: Any, column: Column) -> bool:
    if cell is None or _is_missing(value):
        return cell is None and _is_missing(value)
    if column.kind.is_number:
        return _number(cell, column) == _number(value, column)
    return bool(cell == value) or str(cell) == str(value)


def _is_missing(value: Any) -> bool:
    return value is None or isinstance(value, Missing) or bool(pd.isna(value))


def _place(cell: Any, column: Column) -> float:
    """Return where a cell stands in the column's order: its value, or the place of its level."""
    if column.kind is Kind.ORDINAL and column.levels is not None:
        places = [place for place, level in enumerate(column.levels) if level == cell or str(level) == str(cell)]
        if places:
            return float(places[0])
    return _number(cell, column)


def _number(value: Any, column: Column, *, last: bool = False) -> float:
    """Return a value of a condition as the number that `cells.read` would make of it."""
    try:
        return last_point(value, column) if last else point(value, column)
    except (TypeError, ValueError):
        raise ConditionError(
            f"the condition on column {column.name!r} holds {value!r}, which is no {column.kind.value}",
            remedy="write a value of the column",
        ) from None


def _through_line(rule: Affine, condition: Condition, schema: Schema) -> Condition | None:
    column, source = schema[rule.column], schema[rule.source]
    if isinstance(condition, Missing):
        return MISSING
    if isinstance(condition, Between):
        low = -np.inf if condition.low is None else _number(condition.low, column)
        high = np.inf if condition.high is None else _number(condition.high, column, last=True)
        interval = _preimage(rule, low, high, column, source)
        if interval is None:
            raise _impossible(column, condition)
        return _between(*interval, source)
    return _preimages(rule, condition, column, source)


def _preimages(rule: Affine, condition: OneOf, column: Column, source: Column) -> Condition | None:
    numbers = [_number(value, column) for value in condition.values if not _is_missing(value)]
    intervals = [found for value in numbers if (found := _preimage(rule, value, value, column, source)) is not None]
    missing = (None,) if len(numbers) < len(condition.values) else ()
    if not intervals and not missing:
        raise _impossible(column, condition)
    if len(intervals) == 1 and not missing and intervals[0][0] < intervals[0][1]:
        return _between(*intervals[0], source)
    decimals = decimals_for(source)
    step = 0.0 if decimals is None else 10.0**-decimals
    values: list[float] = []
    for low, high in intervals:
        if low < high and (step == 0 or (high - low) / step > _MOST_VALUES - len(values)):
            return None
        steps = round((high - low) / step) if low < high else 0
        values += [float(np.round(low + i * step, decimals or 0)) if step else low for i in range(steps + 1)]
    return OneOf((*(_cell(value, source) for value in values), *missing)) if values else MISSING


def _preimage(rule: Affine, low: float, high: float, column: Column, source: Column) -> tuple[float, float] | None:
    """Return the range of source values whose image lies in [low, high]; None if there is none."""
    decimals = decimals_for(column)
    half = 0.0 if decimals is None else 0.5 * 10.0**-decimals
    ends = [
        (ceil_to(np.array([low]), decimals)[0] - half - rule.shift) / rule.scale,
        (floor_to(np.array([high]), decimals)[0] + half - rule.shift) / rule.scale,
    ]
    least, most = min(ends), max(ends)
    grid = decimals_for(source)
    if grid is not None:  # the nearest grid point may lie just outside; `_inwards` moves it
        least, most = (float(np.round(end, grid)) if np.isfinite(end) else end for end in (least, most))
    least = _inwards(rule, least, 1.0, low, high, column, grid)
    most = _inwards(rule, most, -1.0, low, high, column, grid)
    return (least, most) if least <= most else None


def _inwards(
    rule: Affine, value: float, direction: float, low: float, high: float, column: Column, grid: int | None
) -> float:
    """Move an end of a range by single steps until its image lies in [low, high]; NaN if that does not happen."""
    if not np.isfinite(value):
        return value
    for _ in range(4):
        image = float(rule.values(np.array([value]), column)[0])
        if low <= image <= high:
            return value
        if grid is None:
            value = float(np.nextafter(value, direction * np.inf))
        else:
            value = float(np.round(value + direction * 10.0**-grid, grid))
    return float("nan")


def _between(low: float, high: float, source: Column) -> Condition | None:
    if np.isinf(low) and np.isinf(high):
        return None
    if low == high:
        return OneOf((_cell(low, source),))
    low_cell, high_cell = (None if np.isinf(end) else _bound(end, source) for end in (low, high))
    return Between(low_cell, high_cell)


def _bound(value: float, source: Column) -> Any:
    if source.kind is not Kind.DATETIME:
        return value
    stamp = pd.Timestamp(int(value), unit="us")
    dtype = as_dtype(source.dtype)
    return stamp.tz_localize("UTC").tz_convert(dtype.tz) if isinstance(dtype, pd.DatetimeTZDtype) else stamp


def _cell(value: float, source: Column) -> Any:
    """Return a number as a cell of the source."""
    return write(np.array([value]), source).tolist()[0]


def _impossible(column: Column, condition: Condition) -> ConditionError:
    if isinstance(condition, Between) and condition.ends[0] > condition.ends[1]:
        return ConditionError(
            f"column {column.name!r} is {condition}, which is empty", remedy="give the lower end first"
        )
    return ConditionError(
        f"no row can have column {column.name!r} {condition}", remedy="ask for values that the training table has"
    )
