"""What a point in time says by the calendar: the hour, the weekday, the day of the month, the month."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["CALENDAR", "calendar"]

CALENDAR = 50
"""Numbers that describe a point in time."""

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
    of_day = (microseconds % 86_400e6) / 86_400e6
    day = when.day.to_numpy() - 1
    length = when.days_in_month.to_numpy()
    angles = np.stack([of_day, when.dayofweek.to_numpy() / 7, day / 31, (when.month.to_numpy() - 1) / 12], axis=1)
    ends = np.stack([day == 0, day == length - 1], axis=1)
    left = np.stack([(length - 1 - day) / 31, np.log1p(length - 1 - day) / 3], axis=1)
    waves = 2 * np.pi * angles
    flags = np.hstack([np.eye(31)[length - 1 - day], np.eye(7)[when.dayofweek.to_numpy()]])
    return np.concatenate([np.sin(waves), np.cos(waves), ends.astype(np.float64), left, flags], axis=1)
