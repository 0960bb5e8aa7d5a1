"""What `given=` accepts.

A condition on one column is one of three values: `OneOf` (a level or several), `Between` (an inclusive range, either
end open) or `MISSING`. People write plain values (``{"fraud": 1, "amount": between(1_000, 5_000), "note": MISSING}``);
`as_conditions` turns them into these. What a condition allows in terms of codes is a `Window`; codecs make them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from synthx.errors import ConditionError, listed

if TYPE_CHECKING:
    from synthx.schema import Column, Schema

__all__ = [
    "MISSING",
    "Between",
    "Condition",
    "Missing",
    "OneOf",
    "Window",
    "as_conditions",
    "between",
    "parse_given",
    "show",
]

Bound = float | int | str | datetime.date | None


@dataclasses.dataclass(frozen=True)
class Missing:
    """The cell is missing."""

    def __str__(self) -> str:
        return "missing"


MISSING: Final = Missing()
"""In a condition: the cell is missing."""


@dataclasses.dataclass(frozen=True)
class OneOf:
    """The cell is one of these values; None among them stands for missing."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return " or ".join(map(show, self.values))


@dataclasses.dataclass(frozen=True)
class Between:
    """The cell lies in the range, both ends included; None leaves an end open."""

    low: Bound
    high: Bound

    @property
    def ends(self) -> tuple[float, float]:
        """The range in numbers, infinite where open; of a condition whose ends are numbers already."""
        low = -np.inf if self.low is None else float(self.low)  # type: ignore[arg-type]
        high = np.inf if self.high is None else float(self.high)  # type: ignore[arg-type]
        return low, high

    def __str__(self) -> str:
        if self.low is None:
            return f"at most {show(self.high)}"
        if self.high is None:
            return f"at least {show(self.low)}"
        return f"between {show(self.low)} and {show(self.high)}"


Condition = Missing | OneOf | Between


def between(low: Bound = None, high: Bound = None) -> Between:
    """Return the condition that a number or a time lies in ``[low, high]``; None leaves an end open.

    Examples
    --------
    >>> between(1_000, 5_000)
    Between(low=1000, high=5000)
    """
    if low is None and high is None:
        raise ConditionError("between() was given no end", remedy="give a low end, a high end or both")
    return Between(low, high)


@dataclasses.dataclass(frozen=True)
class Window:
    """The codes of one column that satisfy a condition, and the part of each code's bin that does.

    Parameters
    ----------
    weights : float array, shape (size,)
        The share of each code's rows that satisfy the condition: 1 if all do, 0 if none does, between them where a
        range cuts a bin. A model multiplies its probabilities by these.
    low, high : float arrays, shape (size,)
        The offsets inside each bin that satisfy it, as ``[low, high)``.
    """

    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of_codes(cls, allowed: np.ndarray) -> Window:
        """Return the window of whole codes, from a boolean array of shape (size,)."""
        return cls(allowed.astype(np.float64), np.zeros(len(allowed)), np.ones(len(allowed)))

    @property
    def only_code(self) -> int | None:
        """The one code that is allowed, where there is just one."""
        codes = np.flatnonzero(self.weights)
        return int(codes[0]) if len(codes) == 1 else None


def show(value: Any) -> str:
    """Return a value as people write it: a NumPy number as a plain one, a date as ISO text.

    >>> show(np.int64(3)), show(datetime.date(2024, 3, 20))
    ('3', '2024-03-20')
    """
    if isinstance(value, np.generic):
        value = value.item()
    return str(value) if isinstance(value, datetime.date) else repr(value)


def as_conditions(given: Mapping[str, Any], schema: Schema) -> dict[str, Condition]:
    """Turn what a user wrote into conditions.

    Raises
    ------
    ConditionError
        If a column is unknown or is not learned, or a value cannot mean anything for it.
    """
    return {name: _as_condition(value, _learned_column(name, schema)) for name, value in given.items()}


def _learned_column(name: str, schema: Schema) -> Column:
    if name not in schema:
        raise ConditionError(
            f"the condition names column {name!r}, which the model does not know",
            remedy=f"choose from {listed(schema.names, name)}",
        )
    column = schema[name]
    if not column.kind.is_modelled:
        raise ConditionError(
            f"column {name!r} is {column.kind.value} and is not learned, so it cannot be conditioned",
            remedy="condition on another column, or change its kind in the schema before the fit",
        )
    return column


def _as_condition(value: Any, column: Column) -> Condition:
    if isinstance(value, (Between, Missing, OneOf)):
        return value
    if _is_missing(value):
        return MISSING
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        values = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else list(value)
        if not values:
            raise ConditionError(f"the condition on column {column.name!r} lists no value", remedy="list at least one")
        return OneOf(tuple(None if _is_missing(value) else value for value in values))
    return OneOf((value,))


def _is_missing(value: Any) -> bool:
    if value is None or isinstance(value, Missing):
        return True
    return (isinstance(value, (float, np.floating)) and value != value) or type(value).__name__ in ("NAType", "NaTType")


def parse_given(texts: Sequence[str], schema: Schema) -> dict[str, Condition]:
    """Parse the command line's conditions: ``col=value``, ``col=a|b``, ``col=low..high`` and ``col=`` for missing.

    Either end of a range may be left out (``age=65..``). Text that equals no level is compared as a number where the
    column holds numbers.

    Raises
    ------
    ConditionError
        If a text has no ``=``, names a column twice, or names a column that the model does not know.
    """
    given: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise ConditionError(f"the condition {text!r} has no '='", remedy="write it as column=value")
        if name in given:
            raise ConditionError(
                f"column {name!r} is conditioned twice", remedy=f"join the values, as in {name}=a|b or {name}=low..high"
            )
        given[name] = _parse_value(value, _learned_column(name, schema))
    return as_conditions(given, schema)


def _parse_value(text: str, column: Column) -> Condition:
    if text == "":
        return MISSING
    of_numbers = column.kind.is_discrete and column.dtype.lower().startswith(("int", "uint", "float", "double"))
    ranged = column.kind.is_number or column.kind in ("datetime", "ordinal") or of_numbers
    if ranged and ".." in text:
        low, _, high = text.partition("..")
        return between(_parse_bound(low, column), _parse_bound(high, column))
    return OneOf(tuple(_parse_scalar(part, column) for part in text.split("|")))


def _parse_bound(text: str, column: Column) -> Bound:
    return _parse_scalar(text, column) if text else None


def _parse_scalar(text: str, column: Column) -> Any:
    if not column.kind.is_number:
        return text
    try:
        return float(text)
    except ValueError:
        raise ConditionError(
            f"column {column.name!r} holds numbers, and {text!r} is none", remedy="write a number or a range low..high"
        ) from None
