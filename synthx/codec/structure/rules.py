"""Rules between columns: what each says, how it rebuilds a column, and how it turns a condition round.

A rule is a frozen record of column names and constants; it is given the schema whenever it looks at a frame, because
the schema says how cells are read and written. The first four rules derive a column; `Order` and `SharedMissing` only
restrain columns that are modelled, and `synthx.codec.structure.repair` makes them hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.cells import decimals_for, precision_of, read, read_strictly, to_dtype, write
from synthx.errors import ArtifactError
from synthx.schema import Column, Scalar, Schema

__all__ = [
    "Affine",
    "DerivingRule",
    "Duplicate",
    "Lookup",
    "Order",
    "Rule",
    "SharedMissing",
    "Sum",
    "agree",
    "rule_from_dict",
    "rule_to_dict",
    "same_cells",
]

Bools = NDArray[np.bool_]
Cell = Scalar | None
"""A cell as a JSON value; None is missing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Duplicate:
    """`column` repeats `source`, missing cells included."""

    column: str
    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    def apply(self, frame: pd.DataFrame, schema: Schema) -> pd.Series[Any]:
        """Return the column that the rule derives from `frame`."""
        cells, column = frame[self.source], schema[self.column]
        if str(cells.dtype) == column.dtype and schema[self.source].format == column.format:
            return cells.rename(self.column)
        numbers = read(cells, schema[self.source])
        rebuilt = to_dtype(cells, column) if numbers is None else write(numbers, column, frame.index)
        return rebuilt.rename(self.column)

    def holds(self, frame: pd.DataFrame, schema: Schema) -> Bools:
        """Return, for each row of `frame`, whether it obeys the rule."""
        return agree(self.apply(frame, schema), frame[self.column], schema[self.column])


@dataclasses.dataclass(frozen=True, slots=True)
class Affine:
    """`column` = `scale` × `source` + `shift`, rounded to the column's decimals; missing where `source` is missing.

    Datetimes count in microseconds since 1970 (UTC).
    """

    column: str
    source: str
    scale: float
    shift: float

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    def values(self, source: NDArray[np.float64], column: Column) -> NDArray[np.float64]:
        """Return the numbers of the column for numbers of the source."""
        return _rounded(self.scale * source + self.shift, column)

    def apply(self, frame: pd.DataFrame, schema: Schema) -> pd.Series[Any]:
        """Return the column that the rule derives from `frame`."""
        source = read_strictly(frame[self.source], schema[self.source])
        column = schema[self.column]
        return write(self.values(source, column), column, frame.index).rename(self.column)

    def holds(self, frame: pd.DataFrame, schema: Schema) -> Bools:
        """Return, for each row of `frame`, whether it obeys the rule."""
        source = read_strictly(frame[self.source], schema[self.source])
        actual = read_strictly(frame[self.column], schema[self.column])
        size = max(precision_of(frame[self.column]), precision_of(frame[self.source])) * (
            np.abs(self.scale * source) + abs(self.shift)
        )
        return _near(self.values(source, schema[self.column]), actual, size)


@dataclasses.dataclass(frozen=True, slots=True)
class Lookup:
    """`column` is a function of the discrete column `source`, written out as a table.

    Parameters
    ----------
    column, source : str
        What is derived, and from what.
    table : tuple of (source cell, column cell)
        None stands for missing. Only source cells that enough training rows hold are listed, so that no row can be
        read from the table; about other source cells the rule says nothing.
    default : str, int, float, bool or None
        The cell that is written for a source cell that is not listed: a common one of the column.
    """

    column: str
    source: str
    table: tuple[tuple[Cell, Cell], ...]
    default: Cell

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    def apply(self, frame: pd.DataFrame, schema: Schema) -> pd.Series[Any]:
        """Return the column that the rule derives from `frame`."""
        table = dict(self.table)
        cells = _by_level(frame[self.source], lambda level: table.get(level, self.default))
        levels = [cell for cell in dict.fromkeys(table.values()) if cell is not None]
        return to_dtype(pd.Series(cells, index=frame.index, name=self.column), schema[self.column], levels)

    def holds(self, frame: pd.DataFrame, schema: Schema) -> Bools:
        """Return, for each row of `frame`, whether it obeys the rule; rows with an unlisted source cell do."""
        table = dict(self.table)
        listed = _by_level(frame[self.source], lambda level: level in table).astype(bool)
        return ~listed | agree(self.apply(frame, schema), frame[self.column], schema[self.column])


@dataclasses.dataclass(frozen=True, slots=True)
class Sum:
    """`column` is the sum of `parts`, each times its weight (mostly 1 or -1); missing where any part is missing."""

    column: str
    parts: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return self.parts

    def apply(self, frame: pd.DataFrame, schema: Schema) -> pd.Series[Any]:
        """Return the column that the rule derives from `frame`."""
        column = schema[self.column]
        return write(_rounded(self._total(frame, schema)[0], column), column, frame.index).rename(self.column)

    def holds(self, frame: pd.DataFrame, schema: Schema) -> Bools:
        """Return, for each row of `frame`, whether it obeys the rule."""
        total, size = self._total(frame, schema)
        actual = read_strictly(frame[self.column], schema[self.column])
        size += np.abs(actual) * precision_of(frame[self.column])
        return _near(_rounded(total, schema[self.column]), actual, size)

    def _total(self, frame: pd.DataFrame, schema: Schema) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum, and the size of its rounding error."""
        total, size = np.zeros(len(frame)), np.zeros(len(frame))
        for part, weight in zip(self.parts, self.weights, strict=True):
            values = weight * read_strictly(frame[part], schema[part])
            total += values
            size += np.abs(values) * precision_of(frame[part])
        return total, size


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """`low` ≤ `high` in every row in which both are present."""

    low: str
    high: str

    def holds(self, frame: pd.DataFrame, schema: Schema) -> Bools:
        """Return, for each row of `frame`, whether it obeys the rule."""
        low, high = (read_strictly(frame[name], schema[name]) for name in (self.low, self.high))
        return np.asarray(~(low > high))


@dataclasses.dataclass(frozen=True, slots=True)
class SharedMissing:
    """`columns` are missing in the same rows."""

    columns: tuple[str, ...]

    def holds(self, frame: pd.DataFrame, schema: Schema) -> Bools:
        """Return, for each row of `frame`, whether it obeys the rule."""
        missing = frame[list(self.columns)].isna().to_numpy(dtype=bool)
        return np.asarray(missing.all(axis=1) | ~missing.any(axis=1))


DerivingRule = Duplicate | Affine | Lookup | Sum
Rule = DerivingRule | Order | SharedMissing

_RULES: Final[Mapping[str, type[Rule]]] = {
    rule.__name__: rule for rule in (Affine, Duplicate, Lookup, Order, SharedMissing, Sum)
}


def rule_to_dict(rule: Rule) -> dict[str, Any]:
    """Return the rule as plain JSON values."""
    fields = {field.name: _listed(getattr(rule, field.name)) for field in dataclasses.fields(rule)}
    return {"rule": type(rule).__name__, **fields}


def rule_from_dict(values: Mapping[str, Any]) -> Rule:
    """Build a rule from JSON values.

    Raises
    ------
    ArtifactError
        If the rule or one of its fields is unknown or lacking.
    """
    fields = {key: _tupled(value) for key, value in values.items() if key != "rule"}
    kind = _RULES.get(str(values.get("rule")))
    if kind is None or set(fields) != {field.name for field in dataclasses.fields(kind)}:
        raise ArtifactError(
            f"the file holds a rule {values.get('rule')!r} with fields {sorted(fields)} that this version cannot read",
            remedy="load it with the version of synthx that wrote it",
        )
    return kind(**fields)


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, (list, tuple)) else value


def _rounded(values: NDArray[np.float64], column: Column) -> NDArray[np.float64]:
    decimals = decimals_for(column)
    return values if decimals is None else np.round(values, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0


def _by_level(cells: pd.Series[Any], answer: Any) -> NDArray[Any]:
    """Ask once per distinct cell (None where missing) and spread the answers over the rows."""
    codes, uniques = pd.factorize(cells)
    answers = np.empty(len(uniques) + 1, dtype=object)
    answers[:] = [*(answer(level) for level in pd.Index(uniques).tolist()), answer(None)]
    return np.asarray(answers[codes])


def _near(left: NDArray[np.float64], right: NDArray[np.float64], size: NDArray[np.float64] | float) -> Bools:
    """Whether two arrays agree up to 8 roundings of numbers whose rounding error is `size`."""
    return np.asarray((np.abs(left - right) <= 8 * np.nan_to_num(size)) | (np.isnan(left) & np.isnan(right)))


def agree(left: pd.Series[Any], right: pd.Series[Any], column: Column) -> Bools:
    """Return, row by row, whether two versions of a column hold the same value (or are both missing)."""
    first, second = read(left, column), read(right, column)
    if first is None or second is None:
        return same_cells(left, right)
    return _near(first, second, np.abs(second) * max(precision_of(left), precision_of(right)))


def same_cells(left: pd.Series[Any], right: pd.Series[Any]) -> Bools:
    """Return, row by row, whether the cells are equal as Python values (or both missing)."""
    missing, other = left.isna().to_numpy(dtype=bool), right.isna().to_numpy(dtype=bool)
    same = missing & other
    present = np.flatnonzero(~missing & ~other)
    equal = left.to_numpy(dtype=object)[present] == right.to_numpy(dtype=object)[present]
    same[present] = np.asarray(equal, dtype=bool)
    return same
