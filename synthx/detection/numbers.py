"""Columns of numbers: quantity, label, key, date or flag?"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from synthx.detection.cells import Cells, Finding, is_integral
from synthx.detection.dates import find_date_number
from synthx.detection.keys import find_number_key, may_number_rows
from synthx.detection.personal import find_personal_number
from synthx.detection.words import names_key, names_label
from synthx.schema import Kind

__all__ = ["ONCE", "count_decimals", "find_number", "find_quantity"]

ONCE = "every value occurs once; if they name rows, declare them an identifier"
"""How the reason of a number that is learned ends where it may be a key."""
_FEW_LEVELS = 20
_FEW_FLOAT_LEVELS = 10
_KEY_LEVELS = 100
"""A column named as a key with at most so many distinct values refers to a short list (`district_id`): a category."""


def find_number(cells: Cells) -> Finding:
    """Decide what a column of numbers is. Constants are settled before."""
    if not is_integral(cells.distinct):
        return _find_named_label(cells) or find_quantity(cells)
    if len(cells.distinct) == 2 and set(cells.distinct.tolist()) == {0, 1}:
        zero, one = sorted(cells.distinct.tolist())
        return Finding(Kind.BOOLEAN, "only 0 and 1", levels=(zero, one))
    return (
        _find_named_label(cells)
        or find_personal_number(cells)
        or find_date_number(cells)
        or find_number_key(cells)
        or _find_codes(cells)
        or _find_amount(cells)
    )


def _find_amount(cells: Cells) -> Finding:
    """Take whole numbers for amounts, and say so where they might as well be numbers of rows."""
    found = find_quantity(cells)
    return dataclasses.replace(found, reason=f"{found.reason}, {ONCE}") if may_number_rows(cells) else found


def find_quantity(cells: Cells) -> Finding:
    """Take numbers for amounts, whatever else they might be."""
    count = len(cells.distinct)
    if not is_integral(cells.distinct):
        return Finding(Kind.DECIMAL, f"numbers with digits after the point, {count:,} distinct")
    stored = " stored as floats" if cells.distinct.dtype.kind == "f" else ""
    return Finding(Kind.INTEGER, f"whole numbers{stored}, {count:,} distinct")


def _find_named_label(cells: Cells) -> Finding | None:
    if not names_label(cells.name) or (cells.unique and names_key(cells.name)):
        return None
    return Finding(Kind.CATEGORICAL, f"numbers, but the name says labels, {len(cells.distinct):,} distinct")


def _find_codes(cells: Cells) -> Finding | None:
    """Few distinct numbers are levels, not amounts; so are references to a short list."""
    count = len(cells.distinct)
    many = math.isqrt(cells.present)  # 20 levels need 400 rows: a table of 50 rows keeps its amounts
    is_float = cells.distinct.dtype.kind == "f" and cells.present == cells.rows
    if count <= min(_FEW_FLOAT_LEVELS if is_float else _FEW_LEVELS, max(2, many)):
        return Finding(Kind.CATEGORICAL, f"numeric with {count} distinct values")
    if names_key(cells.name) and not cells.unique and count <= min(_KEY_LEVELS, cells.present // 10):
        return Finding(Kind.CATEGORICAL, f"named as a key, but with only {count} distinct values: a list of labels")
    return None


def count_decimals(numbers: np.ndarray[Any, Any], most: int = 12) -> int | None:
    """Return how many digits after the point the numbers show; None if more than `most`."""
    for decimals in range(most + 1):
        if np.array_equal(np.round(numbers, decimals), numbers):
            return decimals
    return None
