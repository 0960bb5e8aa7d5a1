"""Columns of levels that few rows share each: what becomes of them is said before it is learned."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import pandas as pd

from synthx.codec.categorical import RARE, CategoricalCodec
from synthx.errors import DataWarning

__all__ = ["LISTED", "warn_of_rare"]

LISTED = 5
"""How many columns a warning describes."""
MOSTLY = 0.5
MANY = 20
"""Up to so many rare levels are those of a small table, and no names of things."""


def warn_of_rare(columns: Iterable[tuple[pd.Series[Any], CategoricalCodec]], *, least: int) -> None:
    """Warn once of all columns most of whose cells hold a level that is too rare to be written.

    Parameters
    ----------
    columns : iterable of (Series, CategoricalCodec)
        The plain cells of each column, and its codec.
    least : int
        How many rows, or entities, have to share a level for it to be written.
    """
    said = [sentence for cells, codec in columns if (sentence := _describe(cells, codec, least)) is not None]
    if not said:
        return
    more = [f"So it is with {len(said) - LISTED:,} further columns."] if len(said) > LISTED else []
    warnings.warn(
        " ".join(
            [
                *said[:LISTED],
                *more,
                "Call such a column an identifier in the schema to have it made afresh, name it as the entity if it"
                " says whom a row belongs to, or drop it.",
            ]
        ),
        DataWarning,
        stacklevel=3,
    )


def _describe(cells: pd.Series[Any], codec: CategoricalCodec, least: int) -> str | None:
    """Return what becomes of a column if most of its cells hold a rare level, else None."""
    if not codec.has_rare:
        return None
    present = cells.dropna()
    kept, rare = len(codec.levels), float((~present.isin(codec.levels)).mean())
    rares = present.nunique() - kept
    if rares <= MANY or rare <= MOSTLY:
        return None
    if kept:
        left = f"synthetic rows have only the {'other one' if kept == 1 else f'{kept:,} others'}"
    else:
        left = f"synthetic cells say {RARE!r}" if codec.text else "synthetic cells are missing"
    return (
        f"Column {cells.name!r}: {rare:.0%} of its cells hold one of {rares:,} values that fewer"
        f" than {least} share, and {left}."
    )
