"""Declared levels and bounds, read off the data when the user vouches that they are public."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from synthx.detection.cells import Cells, Storage
from synthx.detection.column import plain_scalar
from synthx.detection.dates import parse_dates
from synthx.detection.numbers import count_decimals
from synthx.schema import Column, Kind, Scalar

__all__ = ["declare", "declare_levels"]


def declare(column: Column, cells: Cells) -> Column:
    """Return the column with its levels, or its bounds and decimals, declared as they occur."""
    if column.kind.is_discrete:
        return declare_levels(column, cells)
    if column.kind.is_number:
        numbers = pd.to_numeric(pd.Series(cells.distinct)).to_numpy()
        decimals = column.decimals
        if column.kind is Kind.DECIMAL and decimals is None:
            decimals = count_decimals(numbers.astype(np.float64))
        return dataclasses.replace(column, lower=float(numbers.min()), upper=float(numbers.max()), decimals=decimals)
    if column.kind is Kind.DATETIME:
        dates = cells.values if cells.storage is Storage.DATETIME else _dates(column, cells.distinct)
        return dataclasses.replace(column, lower=dates.min().isoformat(), upper=dates.max().isoformat())
    return column


def declare_levels(column: Column, cells: Cells) -> Column:
    """Return the column with its levels declared; a category keeps its order, the rest are sorted."""
    if column.levels is not None:
        return column
    if cells.storage is Storage.CATEGORY:
        levels: tuple[Scalar, ...] = tuple(map(plain_scalar, cells.categories))
    else:
        levels = tuple(map(plain_scalar, sorted(cells.distinct.tolist())))
    return dataclasses.replace(column, levels=levels)


def _dates(column: Column, distinct: np.ndarray[Any, Any]) -> pd.Series[Any]:
    if column.format is None:
        return pd.to_datetime(pd.Series(distinct))
    texts = distinct
    if distinct.dtype == object and not isinstance(distinct[0], str):
        texts = np.array([str(cell) for cell in distinct], dtype=object)
    return parse_dates(texts, column.format)
