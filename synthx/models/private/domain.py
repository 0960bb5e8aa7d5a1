"""Bounds and levels that a schema leaves open, bought with a share of the budget."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.private.declared import what_is_open
from synthx.codec.private.reading import read_each, spelled
from synthx.errors import PrivacyError
from synthx.models.private.budget import domain_phase
from synthx.schema import Column, Kind, Scalar, Schema

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["buy"]

MOST_LEVELS = 64
YEARS = (-9.2e15, 9.2e15)
"""Microseconds since 1970 that pandas can hold as a time: the years 1679 to 2261."""


def buy(account: Account, rows: pd.DataFrame, schema: Schema) -> Schema:
    """Return the schema with what it left open, as far as noisy counts tell.

    Parameters
    ----------
    account : Account
        Has the phases of `plan_domain` reserved.
    rows : DataFrame, shape (rows, columns)
    schema : Schema

    Raises
    ------
    PrivacyError
        If the noise leaves no level, or no bounds, to be seen.
    """
    for column in schema:
        what = what_is_open(column)
        if what is not None:
            phase = domain_phase(column.name, what)
            found = _levels(account, phase, rows[column.name], column) if what == "levels" else None
            schema = (
                schema.replace(column.name, **_bounds(account, phase, rows[column.name], column))
                if found is None
                else schema.replace(column.name, levels=found)
            )
    return schema


def _levels(account: Account, phase: str, series: pd.Series[Any], column: Column) -> tuple[Scalar, ...]:
    from synthx_privacy.mechanisms import discover_levels

    written = spelled(series).dropna()  # as text: what one cell holds must not change the type of the others
    found = discover_levels(account, phase, written.to_numpy(dtype=object), most=MOST_LEVELS)
    if not found:
        raise _nothing_seen(series.name, "level is frequent enough to be told from noise", '"levels"')
    levels = [_typed(level, column) for level in found]
    return tuple(sorted(levels, key=lambda level: (isinstance(level, str), level)))


def _typed(level: str, column: Column) -> Scalar:
    """Return a level as the schema's dtype has it; as text where it is written otherwise."""
    if not re.match("u?int|float|double", column.dtype.lower()):
        return level
    try:
        number = float(level)
    except ValueError:
        return level
    if not math.isfinite(number):
        return level
    return int(number) if number.is_integer() else number


def _bounds(account: Account, phase: str, series: pd.Series[Any], column: Column) -> dict[str, float | str]:
    from synthx_privacy.bounds import find_bounds

    values = read_each(series, column)
    found = find_bounds(account, phase, values[~np.isnan(values)])
    if found is None:
        raise _nothing_seen(series.name, "bounds stand out from noise", '"lower" and "upper"')
    low, high = found
    if column.kind is Kind.DATETIME:
        first, last = (pd.Timestamp(int(end), unit="us").isoformat() for end in np.clip(found, *YEARS))
        return {"lower": first, "upper": last}
    decimals = cells.decimals_for(column)
    ends = np.array([low, high])
    if decimals is not None:
        ends = np.array([float(cells.floor_to(ends[:1], decimals)[0]), float(cells.ceil_to(ends[1:], decimals)[0])])
    return {"lower": float(ends[0]), "upper": float(ends[1])}


def _nothing_seen(name: object, what: str, fields: str) -> PrivacyError:
    return PrivacyError(
        f"column {name!r} was to be learned about at a small price, and no {what}",
        remedy=f"declare {fields} for it in the schema, or give more budget or a larger domain_share",
    )
