"""Levels as codes: missing, the levels, and one code that all rare levels share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthx.codec.holders import count_holders
from synthx.condition import Between, Condition, Missing, Window
from synthx.schema import Scalar

__all__ = ["RARE", "CategoricalCodec", "spell"]

RARE = "(rare)"
"""Stands for a rare level where no other level may be shown."""


@dataclasses.dataclass(frozen=True)
class CategoricalCodec:
    """The codes of one column of levels.

    Codes stand in this order: missing (if `nullable`), the levels in their order, rare (if `has_rare`).

    A level is stored if at least `rare_threshold` rows, or entities where one has many rows, hold it or the schema
    declares it. The rare code is one that models learn but never draw as long as the column has a level to draw instead
    (see `drawn`), so that synthetic cells hold known levels only.

    Parameters
    ----------
    nullable : bool
        Whether code 0 means missing.
    levels : tuple of scalars
        The levels with codes of their own, as stored in the table.
    has_rare : bool
        Whether rows with rare levels were seen.
    ordered : bool
        Whether ranges of levels make sense.
    text : bool
        Whether the levels are text, so that `RARE` can stand among them.
    """

    nullable: bool
    levels: tuple[Scalar, ...]
    has_rare: bool
    ordered: bool = False
    text: bool = True

    has_offset = False

    @classmethod
    def fit(
        cls,
        cells: pd.Series[Any],
        *,
        rare_threshold: int,
        nullable: bool = False,
        declared: Sequence[Scalar] | None = None,
        ordered: bool = False,
        holders: np.ndarray | None = None,
    ) -> CategoricalCodec:
        """Choose the levels of `cells`, a series of plain scalars, None or NaN where missing.

        `holders`, int of shape (rows,), is the entity of each row, from 0; `rare_threshold` then counts entities in
        place of rows.
        """
        counts = cells.value_counts(sort=False, dropna=True) if holders is None else _held(cells, holders)
        frequent = counts[counts >= rare_threshold].index
        if declared is not None:
            known = set(declared)
            levels = [*declared, *_in_order(level for level in frequent if level not in known)]
        else:
            levels = _in_order(frequent)
        stored = set(levels)
        has_rare = any(level not in stored for level in counts.index)
        nullable = nullable or bool(cells.isna().any())
        text = all(isinstance(level, str) for level in counts.index)
        return cls(nullable, tuple(map(_plain, levels)), has_rare, ordered, text)

    # -- shape --------------------------------------------------------------------------------------------------

    @property
    def first_level(self) -> int:
        return int(self.nullable)

    @property
    def size(self) -> int:
        return self.first_level + len(self.levels) + int(self.has_rare)

    @property
    def drawn(self) -> np.ndarray:
        """Which codes a model may draw when nothing is asked of the column; bool, shape (size,)."""
        drawn = np.ones(self.size, bool)
        if self.has_rare and self.levels:
            drawn[-1] = False
        return drawn

    @property
    def ranks(self) -> np.ndarray | None:
        """Where each level stands in the order, from 0 to 1; NaN for missing and rare; None without an order."""
        if not self.ordered:
            return None
        ranks = np.full(self.size, np.nan)
        places = np.arange(len(self.levels))
        ranks[self.first_level : self.first_level + len(places)] = places / max(1, len(places) - 1)
        return ranks

    @property
    def has_order(self) -> bool:
        """Whether a range of levels means something: they are declared ordered, or are numbers."""
        return self.ordered or not any(isinstance(level, str | bool) for level in self.levels)

    # -- coding -------------------------------------------------------------------------------------------------

    def encode(self, cells: pd.Series[Any]) -> np.ndarray:
        """Return codes (int32, shape (rows,)); a level that is not stored gets the rare code.

        A column without a rare code has no place for an unknown level, and gives -1.
        """
        found = pd.Index(list(self.levels), dtype=object).get_indexer(pd.Index(cells.astype(object)))
        unknown = self.size - 1 if self.has_rare else -1
        codes = np.where(found >= 0, found + self.first_level, unknown)
        if self.nullable:
            codes[cells.isna().to_numpy(dtype=bool)] = 0
        return codes.astype(np.int32)

    def decode(self, codes: np.ndarray) -> pd.Series[Any]:
        """Return the levels as an object series, None where missing."""
        table: list[Any] = [None] * self.first_level + list(self.levels)
        if self.has_rare:
            table.append(RARE if self.text else None)
        if not table:
            return pd.Series([None] * len(codes), dtype=object)
        lookup = np.empty(len(table), object)
        lookup[:] = table
        return pd.Series(lookup[codes], dtype=object)

    # -- conditions ---------------------------------------------------------------------------------------------

    def window(self, condition: Condition) -> Window:
        """Return the codes that satisfy a condition."""
        allowed = np.zeros(self.size, bool)
        if isinstance(condition, Missing):
            allowed[: self.first_level] = True
        elif isinstance(condition, Between):
            allowed[self.first_level : self.first_level + len(self.levels)] = self._between(condition)
        else:
            allowed[: self.first_level] = None in condition.values
            wanted = [self._find(value) for value in condition.values if value is not None]
            allowed[[self.first_level + index for index in wanted if index is not None]] = True
        return Window.of_codes(allowed)

    def _find(self, value: Any) -> int | None:
        """Return the index of the level that a person means by `value`: the same, or the same in writing."""
        for index, level in enumerate(self.levels):
            if level == value and isinstance(level, bool) == isinstance(value, (bool, np.bool_)):
                return index
        spelled = spell(value)
        return next((index for index, level in enumerate(self.levels) if spell(level) == spelled), None)

    def _between(self, condition: Between) -> np.ndarray:
        """Return which levels lie in a range: by value where levels are numbers, else by their declared order."""
        if not self.ordered:
            low_end, high_end = condition.ends
            return np.array([low_end <= float(level) <= high_end for level in self.levels], bool)
        low = 0 if condition.low is None else self._find(condition.low)
        high = len(self.levels) - 1 if condition.high is None else self._find(condition.high)
        index = np.arange(len(self.levels))
        if low is None or high is None:
            return np.zeros(len(index), bool)
        return (index >= low) & (index <= high)

    # -- files --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        return {"type": "categorical", **dataclasses.asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CategoricalCodec:
        return cls(values["nullable"], tuple(values["levels"]), values["has_rare"], values["ordered"], values["text"])


def _held(cells: pd.Series[Any], holders: np.ndarray) -> pd.Series[Any]:
    """Return how many holders each level has, by level."""
    codes, levels = pd.factorize(cells)
    known = codes >= 0
    return pd.Series(count_holders(codes[known], len(levels), holders[known]), index=levels)


def _in_order(levels: Any) -> list[Any]:
    """Sort levels by value; text and numbers apart where they are mixed."""
    return sorted(levels, key=lambda level: (isinstance(level, str), level))


def _plain(level: Any) -> Scalar:
    """Return a plain Python scalar, which JSON can hold."""
    if isinstance(level, np.generic):
        level = level.item()
    return level if isinstance(level, (str, int, float, bool)) else str(level)


def spell(value: Any) -> str:
    """Write a value so that 1, 1.0 and "1" are the same, and True and "True"."""
    if isinstance(value, (bool, np.bool_, str)):
        return str(value)
    return repr(int(value)) if isinstance(value, (float, np.floating)) and value.is_integer() else str(value)
