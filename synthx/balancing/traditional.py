"""The traditional ways to make more sequences, which a model has to beat: jitter, scaling and time warping.

T. T. Um et al., "Data augmentation of wearable sensor data for Parkinson's disease monitoring using convolutional
neural networks", ICMI 2017, doi:10.1145/3136755.3136817. Each takes real entities, some of them several times, and
changes their numbers a little; labels, levels, times and missing cells stay. What comes out is near to a real person.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.balancing.entities import rows_of_entities
from synthx.codec.cells import read_strictly
from synthx.codec.sequence.long import LongTable
from synthx.errors import DataError, ParameterError
from synthx.schema import Column, Kind, Role, Schema

__all__ = ["jitter", "scaling", "time_warping"]

Floats = NDArray[np.float64]


def jitter(
    frame: pd.DataFrame, schema: Schema, n: int, *, strength: float = 0.05, seed: int | None = None
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Add noise to every number of a step, of `strength` deviations of its column.

    Parameters
    ----------
    frame : DataFrame
        The steps of the entities to make more of.
    schema : Schema
        Names the entity.
    n : int
        How many new entities.
    strength : float
        Of the noise, in standard deviations.
    seed : int, optional

    Returns
    -------
    (DataFrame, int array)
        The new steps without keys, and the entity of each, from 0.

    Raises
    ------
    DataError, ParameterError
        If there is no entity, or a number is out of range.
    """
    rng = np.random.default_rng(seed)
    rows, of_row = _copies(frame, schema, n, strength, rng)
    for column in _numbers(schema):
        values = read_strictly(rows[column.name], column)
        spread = float(np.nanstd(read_strictly(frame[column.name], column)))
        rows[column.name] = _written(values + strength * spread * rng.normal(size=len(values)), rows, column)
    return rows, of_row


def scaling(
    frame: pd.DataFrame, schema: Schema, n: int, *, strength: float = 0.1, seed: int | None = None
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Multiply every column of numbers of an entity by a factor of its own, 1 give or take `strength`; see `jitter`."""
    rng = np.random.default_rng(seed)
    rows, of_row = _copies(frame, schema, n, strength, rng)
    for column in _numbers(schema):
        factor = rng.normal(1.0, strength, size=n)[of_row]
        rows[column.name] = _written(read_strictly(rows[column.name], column) * factor, rows, column)
    return rows, of_row


def time_warping(
    frame: pd.DataFrame, schema: Schema, n: int, *, strength: float = 0.1, seed: int | None = None
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Let numbers happen sooner or later, each entity along a smooth curve of its own; see `jitter`.

    A step at the share u of its sequence shows what was at ``u + a sin(pi u)``, with `a` normal of deviation
    `strength` and at most 0.3, so that no step overtakes another; between two steps numbers are interpolated.
    """
    rng = np.random.default_rng(seed)
    rows, of_row = _copies(frame, schema, n, strength, rng)
    lengths = np.bincount(of_row, minlength=n)
    first = (np.cumsum(lengths) - lengths)[of_row]
    last = np.maximum(lengths[of_row] - 1, 0)
    share = (np.arange(len(of_row)) - first) / np.maximum(last, 1)
    bend = np.clip(rng.normal(0.0, strength, size=n), -0.3, 0.3)[of_row]
    place = np.clip(share + bend * np.sin(np.pi * share), 0.0, 1.0) * last
    below = first + np.floor(place).astype(np.int64)
    above, part = np.minimum(below + 1, first + last), place - np.floor(place)
    for column in _numbers(schema):
        values = read_strictly(rows[column.name], column)
        rows[column.name] = _written(values[below] * (1 - part) + values[above] * part, rows, column)
    return rows, of_row


def _copies(
    frame: pd.DataFrame, schema: Schema, n: int, strength: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return `n` real entities, drawn with replacement, and the entity of each row."""
    if n < 1:
        raise ParameterError(f"{n} entities were asked for", remedy="ask for one or more")
    if not 0 <= strength < 1:
        raise ParameterError(f"strength is {strength:g}", remedy="give a number from 0 to below 1")
    if frame.empty:
        raise DataError("there is no entity to make more of", remedy="give the steps of at least one")
    long = LongTable.of(frame, schema)
    chosen = rng.integers(len(long.entities), size=n)
    return rows_of_entities(long, chosen, schema), np.repeat(np.arange(n), long.lengths[chosen])


def _numbers(schema: Schema) -> list[Column]:
    """Return the columns of numbers that change from step to step."""
    return [
        column
        for column in schema
        if column.kind.is_number and not column.static and column.role not in (Role.TIME, Role.ENTITY)
    ]


def _written(values: Floats, rows: pd.DataFrame, column: Column) -> Any:
    """Return numbers as the column writes them: whole where it is whole, missing where they are missing."""
    if column.kind is Kind.INTEGER:
        values = np.rint(values)
    elif column.decimals is not None:
        values = np.round(values, column.decimals)
    return pd.Series(values, dtype="Float64").astype(rows[column.name].dtype)
