"""What the schema alone says of private sequences: which columns there are, in which numbers they are told."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec import cells
from synthx.codec.private.places import tells_hours
from synthx.codec.private.reading import read_each
from synthx.codec.sequence.long import END, LENGTH, START, step_schema
from synthx.errors import PrivacyError, SchemaError
from synthx.models.private.budget import target_of
from synthx.schema import Column, Kind, Role, Schema

__all__ = ["GAP", "Layout", "Quantity"]

GAP = "(gap)"
"""The time between two steps."""
MICROSECONDS = 1_000_000.0
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A column of numbers or times, told in numbers.

    Parameters
    ----------
    column : Column
        Declares bounds.
    origin, unit : float
        Times are counted from their lower bound, in seconds or days; numbers are what they are.
    """

    column: Column
    origin: float = 0.0
    unit: float = 1.0

    @classmethod
    def of(cls, column: Column) -> Quantity:
        """Return the quantity of a column, as declared."""
        if column.kind is not Kind.DATETIME:
            return cls(column)
        unit = MICROSECONDS if tells_hours(column) else 86_400 * MICROSECONDS
        return cls(column, cells.point(column.lower, column), unit)

    @property
    def ends(self) -> tuple[float, float]:
        """The declared bounds."""
        low, high = (cells.point(bound, self.column) for bound in (self.column.lower, self.column.upper))
        return (low - self.origin) / self.unit, float(np.floor((high - self.origin) / self.unit * (1 + 1e-15)))

    @property
    def decimals(self) -> int | None:
        """Digits after the point; None for as many as float64 holds."""
        return cells.decimals_for(self.column)

    def told(self, name: str, low: float, high: float, *, nullable: bool = True) -> Column:
        """Return a column of such numbers between two bounds."""
        whole = self.column.kind is not Kind.DECIMAL
        return Column(
            name=name,
            kind=Kind.INTEGER if whole else Kind.DECIMAL,
            dtype="float64",
            nullable=nullable,
            lower=low,
            upper=high,
            decimals=None if whole else self.column.decimals,
        )

    def read(self, series: pd.Series[Any]) -> Floats:
        """Return cells as numbers, NaN where missing or none; possibly beyond the bounds."""
        return (read_each(series, self.column) - self.origin) / self.unit

    def clip(self, values: Floats) -> Floats:
        """Return numbers on the grid and within the bounds; missing ones stay missing."""
        inside = np.clip(values, *self.ends)
        return inside if self.decimals is None else np.round(inside, self.decimals)

    def write(self, values: Floats) -> pd.Series[Any]:
        """Return numbers as cells of the column."""
        return cells.write(values * self.unit + self.origin, self.column)


@dataclasses.dataclass(frozen=True)
class Layout:
    """The columns of sequences, by what is done with them.

    Parameters
    ----------
    schema : Schema
        Declares everything.
    horizon : int
        The most steps of an entity.
    time : Quantity, optional
    numbers : tuple of Quantity
        Numbers and times that change from step to step.
    levels : tuple of Column
        Discrete columns that do.
    """

    schema: Schema
    horizon: int
    time: Quantity | None
    numbers: tuple[Quantity, ...]
    levels: tuple[Column, ...]

    @classmethod
    def of(cls, schema: Schema, horizon: int) -> Layout:
        """Sort the columns of a schema.

        Raises
        ------
        SchemaError
            If the time is anything but one column of numbers or dates.
        PrivacyError
            If no column that is learned changes from step to step.
        """
        time = schema.time
        if time is not None and not (time.kind.is_number or time.kind is Kind.DATETIME):
            raise SchemaError(
                f"the time is {time.name!r} ({time.kind})", remedy="give the role to one column of numbers or dates"
            )
        changing = [column for column in step_schema(schema) if column.role is not Role.TIME]
        numbers = [Quantity.of(each) for each in changing if each.kind.is_number or each.kind is Kind.DATETIME]
        levels = [each for each in changing if each.kind.is_discrete]
        if not numbers and not levels:
            raise PrivacyError(
                "the schema has no column to learn that changes from step to step",
                remedy="learn it as a table of entities, a row each, with another model",
            )
        return cls(schema, horizon, None if time is None else Quantity.of(time), tuple(numbers), tuple(levels))

    @property
    def sparse(self) -> tuple[int, ...]:
        """Which of the numbers may be missing at a step."""
        return tuple(index for index, number in enumerate(self.numbers) if number.column.nullable)

    @property
    def static(self) -> tuple[Column, ...]:
        """The columns that are constant within an entity."""
        return tuple(self.schema[name] for name in self.schema.static)

    @property
    def made(self) -> tuple[Column, ...]:
        """Columns of steps that are made and not learned."""
        return tuple(column for column in step_schema(self.schema) if not column.kind.is_modelled)

    @property
    def target(self) -> str | None:
        """The static column that all else may depend on, if one is the target and has few levels."""
        name = target_of(self.schema)
        return name if name is not None and self.schema[name].static else None

    @property
    def cells(self) -> Schema:
        """The schema of the table, a row for each entity, from whose noisy counts codes are made."""
        columns = [dataclasses.replace(column, role=None, static=False) for column in self.static]
        length = Column(name=LENGTH, kind=Kind.INTEGER, dtype="int64", lower=1, upper=self.horizon)
        columns.append(length)
        if self.time is not None:
            low, high = self.time.ends
            columns += [self.time.told(name, low, high, nullable=False) for name in (START, END)]
            columns.append(self.time.told(GAP, 0.0, high - low))
        for number in self.numbers:
            columns.append(number.told(number.column.name, *number.ends, nullable=number.column.nullable))
        for column in (*self.levels, *self.made):
            columns.append(dataclasses.replace(column, role=None))
        return Schema(tuple(columns))
