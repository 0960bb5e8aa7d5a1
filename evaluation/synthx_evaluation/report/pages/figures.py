"""How a page prints a cell: the one formatter of all figures."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from synthx_evaluation.report.record import Cell

__all__ = ["ABSENT", "printed"]

ABSENT = "–"
"""Stands where there is no figure."""

_SMALLEST = 1e-7
"""Below it a figure is printed with a power of ten, as the JSON has it."""


def printed(value: Cell | Sequence[Cell]) -> str:
    """Return a cell as text: thousands grouped, no trailing zeros, and never another rounding.

    The record holds figures that are already rounded for show, so that every digit of a page stands in the JSON.

    Examples
    --------
    >>> printed(16200), printed(0.50), printed(1e-5), printed(-1234.5)
    ('16,200', '0.5', '0.00001', '-1,234.5')
    >>> printed(None), printed(True), printed("<10"), printed(["a", 2])
    ('–', 'yes', '<10', 'a, 2')
    """
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _decimal(value)
    return ", ".join(map(printed, value)) if value else ABSENT


def _decimal(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < _SMALLEST:
        return repr(value)
    whole, _, fraction = f"{Decimal(repr(value)):,f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
