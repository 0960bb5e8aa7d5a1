"""Rows as keys: equal rows have equal keys, numbers and times as precise as in training."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.schema import Kind
from synthx_evaluation.encoding import Floats, Tables

__all__ = ["RowKeys", "granular", "row_keys"]

RowKeys = NDArray[np.uint64]

_TIME_STEPS = (86_400.0, 3_600.0, 60.0, 1.0)
_NUMBER_STEPS = tuple(10.0**-digits for digits in range(10))
_DIGITS = 10
_LARGEST = 1e280
"""Beyond it, and below its inverse, doubles cannot be scaled; such values stay as they are."""


def row_keys(tables: Tables) -> tuple[RowKeys, RowKeys, RowKeys | None]:
    """Return one 64-bit key a row of the synthetic, training and holdout tables; equal rows have equal keys.

    Two tables of a million rows each share a key by accident with a probability of 5e-8.
    """
    steps = _steps(tables)
    synthetic, train = _hash(tables.synthetic, steps), _hash(tables.train, steps)
    return synthetic, train, None if tables.holdout is None else _hash(tables.holdout, steps)


def granular(tables: Tables) -> tuple[Floats, Floats]:
    """Return the synthetic and the real rows with numbers and times as precise as in training, (rows, d).

    A cell is a whole multiple of its column's step, or ten significant digits of it: equal where the values are.
    """
    steps = _steps(tables)
    return _cells(tables.synthetic, steps), _cells(tables.real, steps)


def _steps(tables: Tables) -> list[float | None]:
    return [
        _step(tables.train[:, j], _TIME_STEPS if column.kind is Kind.DATETIME else _NUMBER_STEPS)
        for j, column in enumerate(tables.columns)
    ]


def _cells(rows: Floats, steps: list[float | None]) -> Floats:
    return np.column_stack([_rounded(rows[:, j], step) for j, step in enumerate(steps)])


def _hash(rows: Floats, steps: list[float | None]) -> RowKeys:
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(_cells(rows, steps)), index=False), dtype=np.uint64)


def _step(values: Floats, steps: tuple[float, ...]) -> float | None:
    """Return the coarsest of `steps` of which all training values are multiples; None if they are finer than all."""
    values = values[~np.isnan(values)]
    if np.abs(values).max(initial=0.0) > _LARGEST:
        return None
    for step in steps:
        multiples = values / step
        whole = np.rint(multiples)
        # A value far below the step is near a multiple of it, namely 0, but rounding would erase it.
        if np.allclose(multiples, whole, rtol=1e-12, atol=1e-6) and ((whole != 0) | (values == 0)).all():
            return step
    return None


def _rounded(values: Floats, step: float | None) -> Floats:
    """Return values as whole multiples of `step`, or to ten significant digits; one NaN and one zero each."""
    if step is not None:
        rounded = np.rint(values / step)
    else:
        size = np.abs(values)
        usual = (size > 1 / _LARGEST) & (size < _LARGEST)
        scale = 10.0 ** (np.floor(np.log10(np.where(usual, size, 1.0))) - (_DIGITS - 1))
        rounded = np.where(usual, np.rint(np.where(usual, values, 0.0) / scale) * scale, values)
    return np.where(np.isnan(rounded), np.nan, rounded + 0.0)  # -0.0 + 0.0 is 0.0
