"""Columns of text: flag, number, date, key, personal data, free text or labels?"""

from __future__ import annotations

import dataclasses
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from synthx.detection.cells import Cells, Finding, Storage
from synthx.detection.dates import find_date_text
from synthx.detection.keys import find_text_key, named_things
from synthx.detection.numbers import find_number
from synthx.detection.patterns import match_share, matches_all, most_decimals, sample
from synthx.detection.personal import find_personal_text
from synthx.detection.words import names_label
from synthx.schema import Kind

__all__ = ["as_numbers", "boolean_labels", "find_text", "is_flag"]

_NUMBER = r"\s*-?(?:0|[1-9]\d*)(?:\.\d+)?\s*"
_ADORNED = r"\s*[-+]?[$€£¥]?\s?[-+]?\d+(?:[,.' ]\d{3})*(?:[.,]\d+)?\s?(?:[%$€£¥]|[eE][-+]?\d+)?\s*"
_MARKERS = frozenset({"", "?", "-", "na", "n/a", "nan", "none", "null", "missing", "unknown", "."})
_FLAGS = frozenset({"n y", "no yes", "false true", "f t", "0 1", "off on", "nein ja", "non oui"})
_LONG_TEXT, _LONG_WORDS = 25, 5


def find_text(cells: Cells) -> Finding:
    """Decide what a column of text is. Constants are settled before."""
    labels = boolean_labels(cells.distinct)
    if labels:
        return Finding(Kind.BOOLEAN, f"only the labels of a flag ({labels[0]}, {labels[1]})", levels=labels)
    if cells.storage is Storage.MIXED:
        return _find_mixed(cells)
    numbers = as_numbers(cells)
    if numbers is not None:
        return _find_written_number(cells, numbers)
    return (
        find_date_text(cells)
        or find_personal_text(cells)
        or _find_leading_zeros(cells)
        or find_text_key(cells)
        or _find_prose(cells)
        or Finding(Kind.CATEGORICAL, _describe_labels(cells))
    )


def boolean_labels(distinct: np.ndarray[Any, Any]) -> tuple[str, str] | None:
    """Return the two labels of a flag as they are stored, the negative one first; None if this is no flag."""
    if len(distinct) != 2 or not all(isinstance(label, str) for label in distinct):
        return None
    first, second = distinct.tolist()
    if is_flag(first, second):
        return first, second
    return (second, first) if is_flag(second, first) else None


def is_flag(negative: str, positive: str) -> bool:
    """Whether two labels are the negative and the positive one of a flag, such as N and Y."""
    return f"{negative.strip()} {positive.strip()}".lower() in _FLAGS


def as_numbers(cells: Cells) -> Cells | None:
    """Return the same column as numbers if every text is a plain number; None otherwise.

    Leading zeros, signs of currency and thousands separators are not plain: they could not be written back.
    """
    if cells.storage is not Storage.TEXT or not matches_all(cells.distinct, _NUMBER):
        return None
    numbers = pd.to_numeric(cells.values)
    if numbers.dtype == object:  # whole numbers beyond 64 bits
        return None
    storage = Storage.INTEGER if numbers.dtype.kind in "iu" else Storage.DECIMAL
    return dataclasses.replace(cells, storage=storage, values=numbers, distinct=np.asarray(numbers.unique()))


def _find_written_number(cells: Cells, numbers: Cells) -> Finding:
    """Judge text that holds numbers by the numbers, and keep how they are written."""
    decimals = most_decimals(cells.distinct)
    found = find_personal_text(cells) or find_number(numbers)
    if found.kind is Kind.INTEGER and decimals:
        found = dataclasses.replace(found, kind=Kind.DECIMAL)  # 12.0 is written with its point
    if found.kind is Kind.BOOLEAN:
        found = Finding(Kind.CATEGORICAL, "two levels")  # 0.0 and 1.0, or 0 and 00: no flag that could be written back
    reason = f"text that holds numbers: {found.reason}"
    return dataclasses.replace(found, reason=reason, decimals=decimals if found.kind is Kind.DECIMAL else None)


def _find_leading_zeros(cells: Cells) -> Finding | None:
    if not matches_all(cells.distinct, r"\d+"):
        return None
    if (cells.unique or named_things(cells)) and find_text_key(cells) is not None:
        return None
    return Finding(Kind.CATEGORICAL, f"digits with leading zeros: labels, {len(cells.distinct):,} distinct")


def _find_prose(cells: Cells) -> Finding | None:
    """Free text is long, of many words, and nearly never repeated."""
    if cells.present < 5 or len(cells.distinct) < 0.8 * cells.present:
        return None
    some = sample(cells.distinct).tolist()
    if median(map(len, some)) < _LONG_TEXT or median(len(text.split()) for text in some) < _LONG_WORDS:
        return None
    return Finding(Kind.TEXT, "free text: long, of many words, nearly never repeated")


def _find_mixed(cells: Cells) -> Finding:
    """Numbers and text in one column are labels; personal data and keys are still recognised."""
    text = dataclasses.replace(cells, storage=Storage.TEXT)
    found = find_personal_text(text) or find_text_key(text)
    if found is not None:
        return dataclasses.replace(found, reason=f"text and other values mixed: {found.reason}")
    return Finding(Kind.CATEGORICAL, f"text and other values mixed, read as text, {len(cells.distinct):,} distinct")


def _describe_labels(cells: Cells) -> str:
    """Say why text is a category, and what to do where it was probably meant to be a number."""
    count = len(cells.distinct)
    levels = f"text with {count:,} distinct values"
    if names_label(cells.name) or count < 3:
        return levels
    some = sample(cells.distinct)
    plain = match_share(some, _NUMBER)
    markers = sorted({text for text in some.tolist() if text.strip().lower() in _MARKERS})
    if plain > 0.5 and plain + len(markers) / len(some) == 1.0:
        shown = ", ".join(map(repr, markers))
        return f"{levels}, numbers except for {shown}: read that as missing to have numbers learned"
    if plain < 1.0 and matches_all(cells.distinct, _ADORNED):
        return f"{levels}, numbers with separators, signs or units: strip these to have numbers learned"
    return levels
