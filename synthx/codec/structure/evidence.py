"""What the search for rules reads from a training frame, each thing at most once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.cells import decimals_of, precision_of, read, write
from synthx.codec.holders import count_holders
from synthx.codec.structure.rules import same_cells
from synthx.schema import Column, Kind, Role, Schema

Floats = NDArray[np.float64]

__all__ = ["MIN_ROWS", "SAMPLE", "Evidence"]

MIN_ROWS = 100
"""Fewer rows than this support no rule."""

SAMPLE = 2_000
"""Rows on which candidate rules are screened before all rows are asked."""

_LOCKED = (Role.TARGET, Role.PROTECTED, Role.TIME)
"""Roles whose columns are always modelled."""


class Evidence:
    """Readings of a frame, cached by column.

    Parameters
    ----------
    frame : pandas.DataFrame
        The training rows.
    schema : Schema
        Their schema. `self.schema` adds the decimals that decimal columns show.
    rare_threshold : int
        Fewer rows than this must not shape a rule.
    holders : int array, shape (rows,), optional
        The entity of each row, from 0; fewer entities than `rare_threshold` must then not shape a rule.
    """

    def __init__(
        self, frame: pd.DataFrame, schema: Schema, rare_threshold: int, holders: NDArray[np.int64] | None = None
    ) -> None:
        self.frame = frame
        self.rare_threshold = rare_threshold
        self.holders = holders
        self._columns = {column.name: column for column in schema}
        self._numbers: dict[str, Floats | None] = {}
        self._codes: dict[str, tuple[NDArray[np.int64], list[Any]]] = {}
        self._writable: dict[str, bool] = {}
        self._patterns: dict[str, int] = {}
        self._pattern_of: dict[bytes, int] = {}
        self._masks: list[NDArray[np.bool_]] = []
        for column in schema:
            if column.kind is Kind.DECIMAL and column.decimals is None:
                decimals = self._decimals(column.name)
                self._columns[column.name] = dataclasses.replace(column, decimals=decimals)
        self.schema = Schema(tuple(self._columns.values()))
        self.names = tuple(
            column.name
            for column in schema
            if column.kind.is_modelled and column.role is not Role.ENTITY and not self.missing(column.name).all()
        )
        self.rank = {name: position for position, name in enumerate(schema.names)}

    def column(self, name: str) -> Column:
        return self._columns[name]

    def is_locked(self, name: str) -> bool:
        """Whether the column must be modelled."""
        return self.column(name).role in _LOCKED

    def are_alike(self, first: str, second: str) -> bool:
        """Whether both columns, or neither, are constant within an entity; rules must not mix the two."""
        return self.column(first).static == self.column(second).static

    def numbers(self, name: str) -> Floats | None:
        """Return the column as numbers (see `cells.read`); shape (rows,)."""
        if name not in self._numbers:
            self._numbers[name] = read(self.frame[name], self._columns[name])
        return self._numbers[name]

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return where the column is missing; shape (rows,). Columns of one pattern share one array."""
        return self._masks[self.pattern(name)]

    def pattern(self, name: str) -> int:
        """Return a number that is the same for columns that are missing in the same rows."""
        if name not in self._patterns:
            mask = self.frame[name].isna().to_numpy(dtype=bool)
            key = np.packbits(mask).tobytes() if mask.any() else b""
            self._patterns[name] = self._pattern_of.setdefault(key, len(self._masks))
            if self._patterns[name] == len(self._masks):
                self._masks.append(mask)
        return self._patterns[name]

    def codes(self, name: str) -> tuple[NDArray[np.int64], list[Any]]:
        """Return the level of each row, and the levels; level 0 is missing (None)."""
        if name not in self._codes:
            codes, uniques = pd.factorize(self.frame[name])
            self._codes[name] = codes.astype(np.int64) + 1, [None, *pd.Index(uniques).tolist()]
        return self._codes[name]

    def held(self, name: str) -> NDArray[np.int64]:
        """Return how many rows, or entities, hold each of a column's levels; shape (levels,)."""
        codes, levels = self.codes(name)
        return count_holders(codes, len(levels), self.holders)

    def sample(self, name: str | None = None, rows: int = SAMPLE) -> NDArray[np.int64]:
        """Return up to `rows` positions, always the same, of rows in which the named column is present."""
        present = np.arange(len(self.frame)) if name is None else np.flatnonzero(~self.missing(name))
        if len(present) <= rows:
            return present
        return np.sort(np.random.default_rng(0).choice(present, size=rows, replace=False))

    def matrix(self, names: Sequence[str], rows: NDArray[np.int64]) -> Floats:
        """Return the numbers of columns that have them, in the given rows; shape (rows, names)."""
        return np.column_stack([_present(self.numbers(name))[rows] for name in names])

    def is_supported(self, name: str) -> bool:
        """Whether enough rows differ from the column's most common cell for a rule about it to mean something."""
        codes, _ = self.codes(name)
        return int(len(codes) - np.bincount(codes).max()) >= self.rare_threshold

    def is_writable(self, name: str) -> bool:
        """Whether the column's numbers can be turned back into exactly the cells that they were read from."""
        if name not in self._writable:
            self._writable[name] = self._is_writable(name)
        return self._writable[name]

    def _is_writable(self, name: str) -> bool:
        numbers = self.numbers(name)
        if numbers is None:
            return False
        column, cells = self._columns[name], self.frame[name]
        if column.format is None and pd.api.types.pandas_dtype(column.dtype).kind in "iufbM":
            return True
        return bool(same_cells(write(numbers, column, cells.index), cells).all())

    def by_pattern(self, names: Iterable[str]) -> dict[int, list[str]]:
        """Group names by the rows in which they are missing."""
        groups: dict[int, list[str]] = {}
        for name in names:
            groups.setdefault(self.pattern(name), []).append(name)
        return groups

    def _decimals(self, name: str) -> int | None:
        numbers = self.numbers(name)
        if numbers is None:
            return None
        precision = precision_of(self.frame[name])
        if decimals_of(numbers[self.sample(None)], precision) is None:
            return None
        return decimals_of(numbers, precision)


def _present(numbers: Floats | None) -> Floats:
    assert numbers is not None
    return numbers
