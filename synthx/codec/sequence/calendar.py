"""What a point in time says by the calendar: the hour, the weekday, the day of the month, the month."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["CALENDAR", "DATE_PARTS", "DAY", "calendar", "date_parts"]

CALENDAR = 50
"""Numbers that describe a point in time."""

DAY = 86_400e6
"""Microseconds."""
DATE_PARTS = (31, 31, 7, 24)
"""How many values each part of a date has; see `date_parts`."""

Floats = NDArray[np.float64]


def calendar(microseconds: Floats) -> Floats:
    """Describe points in time, counted in microseconds since 1970.

    Returns
    -------
    float array, shape (points, 50)
        Sine and cosine of the time of day, the weekday, the day of the month and the month of the year; whether it is
        the first and whether the last day of a month; how many days of the month are left, as a share and in
        logarithms; 31 flags for these days, and 7 for the weekday.
    """
    when = pd.DatetimeIndex(microseconds.astype(np.int64).astype("datetime64[us]"))
    of_day = (microseconds % DAY) / DAY
    day = when.day.to_numpy() - 1
    length = when.days_in_month.to_numpy()
    angles = np.stack([of_day, when.dayofweek.to_numpy() / 7, day / 31, (when.month.to_numpy() - 1) / 12], axis=1)
    ends = np.stack([day == 0, day == length - 1], axis=1)
    left = np.stack([(length - 1 - day) / 31, np.log1p(length - 1 - day) / 3], axis=1)
    waves = 2 * np.pi * angles
    flags = np.hstack([np.eye(31)[length - 1 - day], np.eye(7)[when.dayofweek.to_numpy()]])
    return np.concatenate([np.sin(waves), np.cos(waves), ends.astype(np.float64), left, flags], axis=1)


def date_parts(microseconds: Floats) -> NDArray[np.int64]:
    """Return what repeats in points in time, counted in microseconds since 1970; shape (points, 4).

    How many days of the month are left, the day of the month, the weekday (0 is Monday), and the hour; all from 0.
    """
    when = pd.DatetimeIndex(np.asarray(microseconds).astype(np.int64).astype("datetime64[us]"))
    day = when.day.to_numpy() - 1
    parts = [when.days_in_month.to_numpy() - 1 - day, day, when.dayofweek.to_numpy(), when.hour.to_numpy()]
    return np.stack(parts, axis=1).astype(np.int64)
