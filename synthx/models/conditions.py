"""What conditions ask of drawn rows, whatever model draws them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthx.condition import Window
from synthx.errors import ConditionError

__all__ = ["check_met", "confine"]

RAREST, MOST_TRIED = 1e-4, 200_000
"""Conditions that are met by drawing again: the share of rows that must meet them, once so many were drawn."""


def confine(offsets: np.ndarray, codes: np.ndarray, windows: Mapping[int, Window]) -> np.ndarray:
    """Return offsets moved evenly from the whole of each bin, [0, 1), into the part that a condition allows.

    Parameters
    ----------
    offsets : float array, shape (rows, columns)
    codes : int array, shape (rows, columns)
        The bins; they lie in the windows.
    windows : mapping of int to Window
        What is allowed of each conditioned column, by its index.

    Examples
    --------
    >>> half = Window(np.array([0.5]), low=np.array([0.5]), high=np.array([1.0]))
    >>> confine(np.array([[0.2, 0.2]]), np.array([[0, 0]]), {1: half})
    array([[0.2, 0.6]])
    """
    offsets = offsets.copy()
    for column, window in windows.items():
        low, high = window.low[codes[:, column]], window.high[codes[:, column]]
        offsets[:, column] = low + offsets[:, column] * (high - low)
    return offsets


def check_met(met: int, tried: int, *, rows: str, remedy: str) -> None:
    """Refuse to go on drawing again where hardly any row meets the conditions.

    Parameters
    ----------
    met, tried : int
        How many rows met them, and how many were drawn.
    rows, remedy : str
        What the error calls the rows, and what it says to do.

    Raises
    ------
    ConditionError
    """
    if tried >= MOST_TRIED and met < tried * RAREST:
        raise ConditionError(f"only {met} of {tried:,} {rows} met all conditions at once", remedy=remedy)
