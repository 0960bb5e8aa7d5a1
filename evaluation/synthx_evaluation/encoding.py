"""Real and synthetic frames as matrices of the same meaning; every measure starts from them.

A discrete cell becomes the number of its level, a number stays itself, a time becomes seconds; missing is NaN. The
levels are those of all tables together, so a level that only the synthetic table holds keeps a number of its own and
shows in every comparison. How a cell is stored does not count: 1, 1.0 and "1" are one level.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError
from synthx.schema import Column, Kind, Role, Schema

__all__ = ["Floats", "LevelCap", "Tables", "assessed", "encode"]

Floats = NDArray[np.float64]

_TWINS = {"1": "True", "0": "False", "True": "1", "False": "0", "true": "True", "false": "False"}
"""How the other side may have written a level that the real rows do not know: booleans as 0 and 1, and back."""

_EPOCH = pd.Timestamp(0, tz="UTC")


@dataclasses.dataclass(frozen=True, slots=True)
class Tables:
    """The synthetic, the training and the holdout rows as matrices.

    Parameters
    ----------
    columns : tuple of Column
        The assessed columns, d of them.
    levels : tuple
        Per column the labels of its level numbers; empty for numbers and times.
    synthetic, train : array (rows, d)
        Level numbers, numbers, or seconds since 1970; NaN is missing.
    holdout : array (rows, d), optional
        Rows that the generator did not see.
    """

    columns: tuple[Column, ...]
    levels: tuple[tuple[str, ...], ...]
    synthetic: Floats
    train: Floats
    holdout: Floats | None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def discrete(self) -> NDArray[np.bool_]:
        """Which columns hold level numbers, (d,)."""
        return np.array([column.kind.is_discrete for column in self.columns], dtype=bool)

    @property
    def real(self) -> Floats:
        """Training and holdout rows together, (rows, d): what scales, bins and frequencies are taken from."""
        return self.train if self.holdout is None else np.concatenate([self.train, self.holdout])

    def cap(self, limit: int) -> LevelCap:
        """Return the map that leaves no discrete column more than `limit` level numbers."""
        return LevelCap(
            tuple(
                _places(self.real[:, j], len(labels), limit) if len(labels) > limit else None
                for j, labels in enumerate(self.levels)
            )
        )

    def capped(self, limit: int) -> Tables:
        """Return tables of which no discrete column has more than `limit` level numbers."""
        cap = self.cap(limit)
        levels = []
        for labels, place in zip(self.levels, cap.places, strict=True):
            kept = {} if place is None else {int(p): label for p, label in zip(place, labels, strict=True)}
            levels.append(labels if place is None else (*(kept[i] for i in range(limit - 1)), "(other)"))
        return dataclasses.replace(
            self,
            levels=tuple(levels),
            synthetic=cap(self.synthetic),
            train=cap(self.train),
            holdout=None if self.holdout is None else cap(self.holdout),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class LevelCap:
    """Gives the levels most frequent among real rows a number each, and all others the last number.

    Parameters
    ----------
    places : tuple
        Per column the new number of every level number, or None where nothing changes.
    """

    places: tuple[Floats | None, ...]

    def __call__(self, rows: Floats) -> Floats:
        """Return `rows` (rows, d) with the new level numbers."""
        changed = rows.copy(order="F")
        for j, place in enumerate(self.places):
            if place is not None:
                seen = ~np.isnan(rows[:, j])
                changed[seen, j] = place[rows[seen, j].astype(np.intp)]
        return changed


def _places(real: Floats, levels: int, limit: int) -> Floats:
    counts = np.bincount(real[~np.isnan(real)].astype(np.intp), minlength=levels)
    places = np.empty(levels)
    places[np.argsort(-counts, kind="stable")] = np.minimum(np.arange(levels), limit - 1)
    return places


def assessed(schema: Schema) -> tuple[Column, ...]:
    """Return the columns that say something about likeness: those a generator learns, apart from whom a row is about.

    Identifiers, personal data and free text are replaced on purpose, and a constant is always right.
    """
    return tuple(column for column in schema if column.kind.is_modelled and column.role is not Role.ENTITY)


def encode(
    schema: Schema, *, synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None = None
) -> Tables:
    """Turn frames into matrices.

    Parameters
    ----------
    schema : Schema
        The columns of the training table.
    synthetic, train, holdout : DataFrame
        Each with at least the schema's columns, in any order and with any dtype that holds the same values.

    Raises
    ------
    DataError
        If a cell of a number or datetime column cannot be read as one, or is infinite.
    """
    columns = assessed(schema)
    frames = {"train": train, "synthetic": synthetic}
    if holdout is not None:
        frames = {"train": train, "holdout": holdout, "synthetic": synthetic}
    cells: dict[str, list[Floats]] = {name: [] for name in frames}
    levels: list[tuple[str, ...]] = []
    for column in columns:
        parts = {name: frame[column.name] for name, frame in frames.items()}
        if column.kind.is_discrete:
            labels, numbers = _levels(parts)
        else:
            read = _seconds if column.kind is Kind.DATETIME else _numbers
            labels, numbers = (), {name: read(part, column, name) for name, part in parts.items()}
        levels.append(labels)
        for name, values in numbers.items():
            cells[name].append(values)
    matrices = {name: _stack(parts, len(frames[name])) for name, parts in cells.items()}
    return Tables(columns, tuple(levels), matrices["synthetic"], matrices["train"], matrices.get("holdout"))


def _stack(columns: Sequence[Floats], rows: int) -> Floats:
    """Return (rows, d), column after column in memory: the measures read whole columns."""
    matrix = np.empty((rows, len(columns)), order="F")
    for j, values in enumerate(columns):
        matrix[:, j] = values
    return matrix


# -- discrete columns -------------------------------------------------------------------------------------------


def _levels(parts: Mapping[str, pd.Series]) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Number the levels of one column, those of real rows first.

    Returns
    -------
    labels, numbers
        The label of every level number; and per table (rows,) level numbers, NaN where missing.
    """
    place: dict[str, int] = {}
    numbers: dict[str, Floats] = {}
    for name, part in parts.items():
        codes, uniques = pd.factorize(part)
        labels = [_label(value) for value in uniques]
        if name == "synthetic":
            labels = [_TWINS[x] if x not in place and _TWINS.get(x) in place else x for x in labels]
        lookup = np.array([*(float(place.setdefault(label, len(place))) for label in labels), np.nan])
        numbers[name] = lookup[codes]  # missing has code -1, the last of the lookup
    return tuple(place), numbers


def _label(value: object) -> str:
    """Return one text for all the ways to store a level: 1, 1.0 and "1"; ten digits tell floats apart."""
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() else format(float(value), ".10g")
    return str(value)


# -- numbers and times ------------------------------------------------------------------------------------------


def _numbers(part: pd.Series, column: Column, table: str) -> Floats:
    if isinstance(part.dtype, pd.CategoricalDtype):
        part = part.astype(object)
    values: Floats = pd.to_numeric(part, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    _check_read(part, values, column, table, "a number")
    if np.isinf(values).any():
        raise DataError(
            f"column {column.name!r} of the {table} table holds {values[np.isinf(values)][0]} in row "
            f"{int(np.isinf(values).argmax())}",
            remedy="replace infinite values by a number or leave them missing",
        )
    return values


def _seconds(part: pd.Series, column: Column, table: str) -> Floats:
    """Return seconds since 1970 in UTC; a time without a zone counts as UTC, a time of day as one of 1900-01-01."""
    if isinstance(part.dtype, pd.PeriodDtype):
        part = part.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(part.dtype):
        times = pd.to_datetime(part, utc=True)
    else:
        times = _parse(part, column.format)
    values = np.asarray((times - _EPOCH) / pd.Timedelta(1, "s"), dtype=np.float64)
    _check_read(part, values, column, table, f"a time written as {column.format}" if column.format else "a time")
    return values


def _parse(part: pd.Series, pattern: str | None) -> pd.Series:
    """Read text by the column's own format, and what does not fit by any common one (the other writer may differ)."""
    if pd.api.types.is_float_dtype(part.dtype) and (part.dropna() % 1 == 0).all():
        part = part.astype("Int64")  # 20240320.0 is 20240320, made a float by a missing cell elsewhere
    text = part.astype(object).astype("string")
    if pattern is None:
        return pd.to_datetime(text, format="mixed", errors="coerce", utc=True)
    times = pd.to_datetime(text, format=pattern, errors="coerce", utc=True)
    odd = times.isna() & text.notna()
    if odd.any():
        times[odd] = pd.to_datetime(text[odd], format="mixed", errors="coerce", utc=True)
    return times


def _check_read(part: pd.Series, values: Floats, column: Column, table: str, meaning: str) -> None:
    lost = np.isnan(values) & part.notna().to_numpy(dtype=bool)
    if lost.any():
        row = int(lost.argmax())
        raise DataError(
            f"column {column.name!r} of the {table} table holds {part.iloc[row]!r} in row {row}, not {meaning}",
            remedy="correct the value, or change the column's kind in the schema",
        )
