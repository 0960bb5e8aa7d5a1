"""Other tables than the user's: neighbours with a row more or less, and strangers that share no row with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.schema import Column, Kind, Schema

__all__ = ["neighbours_of", "strangers_of", "with_row", "with_unit_last"]

BEYOND = 1e300
DAY = 86_400e6
"""In microseconds."""


def neighbours_of(frame: pd.DataFrame, schema: Schema, *, first: bool = False) -> dict[str, pd.DataFrame]:
    """Return tables with a row more or less at their end, by what they try.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        Two rows at least; `with_unit_last` has put those of one entity at the end.
    schema : Schema
        Its columns are tried all at once, each with what its kind should not hold.
    first : bool
        Put the row before all others, as only models may be audited that draw no batches.
    """
    usual = {str(name): cell for name, cell in frame.iloc[0].astype(object).items()}
    learned = [column for column in schema if column.kind.is_modelled]
    numbers = [column for column in learned if not column.kind.is_discrete]
    keyed = {column.name: f"nobody {column.name}" for column in schema if column.name in schema.entity}

    def changed(row: Mapping[str, Any]) -> pd.DataFrame:
        return with_row(frame, {**usual, **row, **keyed}, first=first)

    return {
        "an ordinary row more": changed({}),
        "a unit less": _without_unit(frame, schema, first=first),
        "a row of cells that no other has": changed({column.name: _unseen(column) for column in learned}),
        "a row beyond all bounds": changed({column.name: _extreme(column, 1) for column in numbers}),
        "a row below all bounds": changed({column.name: _extreme(column, -1) for column in numbers}),
        "a row of missing cells": changed({column.name: _missing(column) for column in learned}),
        "a row of infinities": changed(
            {column.name: np.inf if column.kind.is_number else _unseen(column) for column in learned}
        ),
        "a row of text": changed({column.name: "~ no such cell ~" for column in schema}),
        "a row of truth values": changed({column.name: True for column in learned}),
        "a row of whole numbers": changed({column.name: 1 for column in learned}),
        "a row of lists": changed({column.name: ["a", "list"] for column in learned}),
    }


def with_unit_last(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the table with all rows of the entity of its last row at its end; as it is where a row is a unit."""
    if not schema.entity:
        return frame
    mine = _of_last_unit(frame, schema)
    return pd.concat([frame[~mine], frame[mine]], ignore_index=True)


def _without_unit(frame: pd.DataFrame, schema: Schema, *, first: bool) -> pd.DataFrame:
    if schema.entity:
        return frame[~_of_last_unit(frame, schema)]
    return frame.iloc[1:] if first else frame.iloc[:-1]


def _of_last_unit(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return which rows belong to the entity of the last row; bool, shape (rows,)."""
    keys = frame[list(schema.entity)]
    mine: np.ndarray = (keys == keys.iloc[-1]).all(axis=1).to_numpy()
    return mine


def with_row(frame: pd.DataFrame, row: Mapping[str, Any], *, first: bool = False) -> pd.DataFrame:
    """Return a table with one row more, last or first; columns get the dtype that pandas would give such cells."""
    columns = {}
    place = 0 if first else len(frame)
    for name in frame.columns:
        objects = np.empty(len(frame) + 1, object)
        objects[np.arange(len(objects)) != place] = frame[name].astype(object).to_numpy()
        objects[place] = row[name]
        series = pd.Series(objects, dtype=object)
        kept = frame[name].dtype == object or isinstance(row[name], str | list)
        columns[name] = series if kept else series.infer_objects()
    return pd.DataFrame(columns)


def strangers_of(frame: pd.DataFrame, schema: Schema, *, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Return tables of the same description that share no row with the first."""
    rng = np.random.default_rng(seed)
    rows = len(frame) // 2 + 7
    drawn = pd.DataFrame({column.name: _drawn(frame, column, rows, rng) for column in schema})
    fewer = max(2, len(frame) // 3)
    first = frame.iloc[[0] * fewer].reset_index(drop=True)
    return {
        "other rows and another number of them": drawn,
        "one row again and again": first,
        "no rows at all": frame.iloc[:0],
    }


def _unseen(column: Column) -> Any:
    if column.kind is Kind.DATETIME:
        return pd.Timestamp("2261-12-31 23:59:59.999999999")
    if column.kind.is_number:
        return 0.123456789012345
    return "~ nowhere else ~"


def _extreme(column: Column, sign: int) -> Any:
    if column.kind is Kind.DATETIME:
        return pd.Timestamp("2262-01-01") if sign > 0 else pd.Timestamp("1677-10-01")
    return sign * (float(2**62) if column.kind is Kind.INTEGER else BEYOND)


def _missing(column: Column) -> Any:
    return pd.NaT if column.kind is Kind.DATETIME else np.nan


def _drawn(frame: pd.DataFrame, column: Column, rows: int, rng: np.random.Generator) -> Any:
    """Return cells that the schema allows, uniformly; where it does not say, cells of the table, changed."""
    usual = frame[column.name]
    if column.levels:
        return pd.Series(list(column.levels), dtype=object).iloc[rng.integers(len(column.levels), size=rows)].to_numpy()
    if not column.kind.is_discrete and column.lower is not None and column.upper is not None:
        values = rng.uniform(cells.point(column.lower, column), cells.point(column.upper, column), rows)
        if column.kind is Kind.DATETIME:
            return cells.write(np.floor(values / DAY) * DAY, column)
        return cells.write(np.round(values, cells.decimals_for(column) or 6), column)
    some = usual.iloc[rng.integers(len(usual), size=rows)].reset_index(drop=True)
    return some * -2 if column.kind.is_number and pd.api.types.is_numeric_dtype(some.dtype) else some
