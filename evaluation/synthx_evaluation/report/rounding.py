"""Figures rounded once, so that every page shows what the record holds."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["DIGITS", "figure", "rounded", "shown"]

DIGITS = {"internal": 4, "shareable": 3}
"""Significant digits by profile. Precise figures of real rows let an attacker who may ask again and again rebuild them
(G. Ganev, E. De Cristofaro, arXiv:2312.05114), so what leaves the house has fewer."""


def rounded(value: float, digits: int) -> float:
    """Return a figure with so many significant digits; -0.0 becomes 0.0."""
    if value == 0 or not math.isfinite(value):
        return value + 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def figure(value: float | None, digits: int) -> float | None:
    """Return a figure rounded, or None where there is none."""
    return None if value is None else rounded(float(value), digits)


def shown(value: Any, digits: int) -> str:
    """Return a figure as text for a sentence: rounded, thousands grouped, without trailing zeros."""
    number = rounded(float(value), digits)
    return f"{number:,.0f}" if number.is_integer() else f"{number:,.10f}".rstrip("0").rstrip(".")
