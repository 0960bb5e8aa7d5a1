"""Canonical JSON, so that a report has one text and one hash.

RFC 8785 (A. Rundgren, B. Jordan, S. Erdtman, "JSON Canonicalization Scheme", 2020): keys in the order of their UTF-16
code units, no white space, and numbers as ECMAScript writes them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical", "digest"]

_LARGEST_INTEGER = 2**53
"""Larger ones are taken as doubles, which is what the RFC reads all numbers as."""


def canonical(value: Any) -> bytes:
    """Return plain JSON values as canonical UTF-8 text.

    Raises
    ------
    ValueError
        If a number is NaN or infinite, or a value has no JSON form.
    """
    return _text(value).encode("utf-8")


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical text, in hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _text(value: Any) -> str:
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value) if abs(value) <= _LARGEST_INTEGER else _number(float(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_text(key)}:{_text(item)}" for key, item in pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    raise ValueError(f"a {type(value).__name__} has no JSON form")


def _number(value: float) -> str:
    """Return a double as ECMA-262 writes it (Number::toString): the fewest digits that read back as the same."""
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is no JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))  # where it stands within `digits`
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
