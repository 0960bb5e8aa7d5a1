"""Keys: columns whose cells only tell rows apart, and the pattern in which to write fresh ones.

Patterns are those of `synthx.schema.Column.format`: ``#`` a digit, ``?`` a capital letter, ``^`` a small letter, ``~``
a small hexadecimal digit, anything else itself; or ``uuid4``, or ``sequence``.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pandas as pd

from synthx.detection.cells import Cells, Finding, Storage
from synthx.detection.patterns import matches_all, sample
from synthx.detection.words import names_key, names_label, names_thing, words
from synthx.schema import Kind

__all__ = ["UUID", "find_number_key", "find_text_key", "key_format", "may_number_rows", "named_things"]

UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

_MIN_ROWS = 20
"""In fewer rows all values differ by chance too often."""
_FEW_KEYS = 100
"""Repeated values under a key's name are keys if there are more distinct ones than this, else a list of labels."""
RARE_ROWS = 10
"""What fewer rows share is not written where it is learned; the default `rare_threshold` of the models."""
_MOSTLY_RARE = 0.5
"""Values name things if more than this share of rows hold a value that fewer than `RARE_ROWS` rows share."""
_COMMON = 0.05
"""What more than this share of rows hold describes them: codes of diagnoses have such values, cards have not."""
_WIDEST = 64
_SYMBOLS = {"#": "[0-9]", "?": "[A-Z]", "^": "[a-z]", "~": "[0-9a-f]"}
_QUANTITIES = frozenset(
    words(
        "age amount balance count day days depth distance duration height hour hours income length minute minutes "
        "month months price quantity salary score second seconds size step temperature time total value volume week "
        "weeks weight width year years"
    )
)


def find_number_key(cells: Cells) -> Finding | None:
    """Recognise whole numbers that are keys: by name, because they count the rows, or because they name things."""
    if names_key(cells.name):
        if cells.unique:
            return Finding(Kind.IDENTIFIER, "named as a key, every value occurs once", format="sequence")
        if _has_many(cells):
            reason = f"named as a key, {len(cells.distinct):,} distinct whole numbers, some of them repeated"
            return Finding(Kind.IDENTIFIER, reason, format="sequence")
        return None
    if names_thing(cells.name) and cells.present >= _MIN_ROWS:
        times = "every value occurs once" if cells.unique else named_things(cells)
        if times is not None:
            return Finding(Kind.IDENTIFIER, f"named after what has numbers, {times}", format="sequence")
    if not may_number_rows(cells) or not _counts_rows(cells):
        return None
    return Finding(Kind.IDENTIFIER, "whole numbers that count the rows, every value occurs once", format="sequence")


def may_number_rows(cells: Cells) -> bool:
    """Whether these are whole numbers of which each occurs once, and which the name does not call amounts."""
    if cells.storage is not Storage.INTEGER or not cells.unique or cells.present < _MIN_ROWS:
        return False
    return not _QUANTITIES & set(words(cells.name))


def find_text_key(cells: Cells) -> Finding | None:
    """Recognise text that is a key: UUIDs, codes of one pattern, or unique text under a key's name.

    Codes may repeat where they name things (cards, merchants): see `named_things`.
    """
    named = names_key(cells.name)
    times = "every value occurs once" if cells.unique else "some of them repeated"
    if len(cells.distinct) > 1 and matches_all(cells.distinct, UUID):
        return Finding(Kind.IDENTIFIER, f"UUIDs, {times}", format="uuid4")
    if not cells.unique and not (named and _has_many(cells)):
        things = named_things(cells)
        if things is None:
            return None
        times = things
    pattern = key_format(cells.distinct)
    if named:
        return Finding(Kind.IDENTIFIER, f"named as a key, {times}", format=pattern)
    if _is_code(pattern, cells.present):
        return Finding(Kind.IDENTIFIER, f"text of one pattern, {times}", format=pattern)
    long_tokens = cells.present >= _MIN_ROWS and matches_all(cells.distinct, r"[^\s.,$€£¥%]{8,}")
    if long_tokens and matches_all(cells.distinct, r"\S*\d\S*"):
        return Finding(Kind.IDENTIFIER, f"codes without spaces, {times}", format="sequence")
    return None


def named_things(cells: Cells) -> str | None:
    """Say so if values name things rather than describe rows: they are many, few rows share most, and none is common.

    A model would draw only those that `RARE_ROWS` rows share, so that most rows were of one card. A column whose name
    promises labels (``zip``, ``icd``) is never taken so.
    """
    if names_label(cells.name) or not _has_many(cells):
        return None
    counts = cells.values.value_counts()
    rare = float(counts[counts < RARE_ROWS].sum()) / cells.present
    if rare <= _MOSTLY_RARE or counts.iloc[0] > _COMMON * cells.present:
        return None
    return (
        f"{len(cells.distinct):,} values in {cells.present:,} rows, {rare:.0%} of rows hold one that fewer than"
        f" {RARE_ROWS} share: named things, made afresh"
    )


def key_format(distinct: np.ndarray[Any, Any]) -> str:
    """Return the pattern in which all keys are written, ``sequence`` if there is none.

    Only what all keys share is kept literally; a run of digits only if it never changes while another run does.

    >>> key_format(np.array(["AC-000123", "AC-000777"], dtype=object))
    'AC-######'
    >>> key_format(np.array(["INV-2024-01", "INV-2024-17"], dtype=object))
    'INV-2024-##'
    """
    if len(distinct) < 2 or not isinstance(distinct[0], str):
        return "sequence"
    if matches_all(distinct, UUID):
        return "uuid4"
    some = sample(distinct, 10_000)
    widths = {len(key) for key in some.tolist()}
    if max(widths) > _WIDEST or 0 in widths:
        return "sequence"
    pattern = _fixed_width(some, widths.pop()) if len(widths) == 1 else _counting(distinct)
    return pattern if pattern and matches_all(distinct, _regex(pattern)) else "sequence"


def _has_many(cells: Cells) -> bool:
    return len(cells.distinct) > max(_FEW_KEYS, 0.01 * cells.present)


def _counts_rows(cells: Cells) -> bool:
    """Whether unique whole numbers fill a range (at most a tenth left out) in a way that chance would not."""
    low, high = int(cells.distinct.min()), int(cells.distinct.max())
    if high - low + 1 > 1.1 * len(cells.distinct):
        return False
    in_order = bool(cells.values.is_monotonic_increasing or cells.values.is_monotonic_decreasing)
    return in_order or low in (0, 1) or cells.present >= 5 * _MIN_ROWS


def _is_code(pattern: str, present: int) -> bool:
    """Whether unique text of this pattern is a key even though its name does not say so."""
    if pattern == "sequence" or re.search(r"[#\d][.,][#\d]|[$€£¥%]", pattern):
        return False  # 12.5kg and $1,200 are amounts
    variable = sum(pattern.count(symbol) for symbol in "#~")
    if set(pattern) == {"#"}:
        return present >= _MIN_ROWS and variable >= 8
    return variable >= 3 and present >= (5 if pattern[0] not in _SYMBOLS else _MIN_ROWS)


def _fixed_width(keys: np.ndarray[Any, Any], width: int) -> str:
    """Read the pattern off keys of one length, position by position; empty if there is none."""
    if matches_all(keys, r"[0-9a-f]{16,}") and not matches_all(keys, r"\d+"):
        return "~" * width
    letters = keys.astype(f"<U{width}").view("<U1").reshape(-1, width)
    places = [set(np.unique(letters[:, place]).tolist()) for place in range(width)]
    runs = [(digits, list(run)) for digits, run in itertools.groupby(places, lambda place: "".join(place).isdecimal())]
    some_change = any(digits and any(len(place) > 1 for place in run) for digits, run in runs)
    pattern = ""
    for digits, run in runs:
        if digits and not (some_change and all(len(place) == 1 for place in run)):
            pattern += "#" * len(run)
            continue
        symbols = [_symbol(place) for place in run]
        if None in symbols:
            return ""
        pattern += "".join(symbol or "" for symbol in symbols)
    return pattern


def _symbol(place: set[str]) -> str | None:
    """Return the literal or the symbol for the characters seen at one place; None if no symbol covers them."""
    if len(place) == 1:
        literal = next(iter(place))
        return None if literal in _SYMBOLS else literal
    seen = "".join(place)
    return next((symbol for symbol, letters in _SYMBOLS.items() if re.fullmatch(f"{letters}+", seen)), None)


def _counting(keys: np.ndarray[Any, Any]) -> str:
    """Return the pattern of one prefix before digits of several lengths (C1, C2 … C1200); empty if it is not that."""
    prefix = re.match(r"\D*", keys[0])
    literal = prefix.group() if prefix else ""
    if not literal or set(literal) & set(_SYMBOLS) or not matches_all(keys, re.escape(literal) + r"\d+"):
        return ""
    return literal + "#" * (int(pd.Series(keys).str.len().max()) - len(literal))


def _regex(pattern: str) -> str:
    """Return the regular expression of a pattern; a trailing run of digits may be shorter than written."""
    tail = len(pattern) - len(pattern.rstrip("#"))
    head = "".join(_SYMBOLS.get(letter) or re.escape(letter) for letter in pattern[: len(pattern) - tail])
    return head + (f"[0-9]{{1,{tail}}}" if tail else "")
