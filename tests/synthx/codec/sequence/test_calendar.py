from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.codec.sequence.calendar import CALENDAR, calendar


def described(when: str) -> np.ndarray:
    return calendar(np.array([pd.Timestamp(when).value / 1_000]))[0]


def test_a_monday_in_january_at_midnight_has_no_angle() -> None:
    assert described("2024-01-01")[:10].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]


def test_six_in_the_morning_is_a_quarter_of_a_day() -> None:
    assert described("2024-01-01 06:00")[:10].tolist() == pytest.approx([1, 0, 0, 0, 0, 1, 1, 1, 1, 0], abs=1e-12)


def test_the_last_of_february_in_a_leap_year() -> None:
    assert described("2024-02-29")[8:10].tolist() == [0, 1]
    assert described("2024-02-28")[8:10].tolist() == [0, 0]
    assert described("2023-02-28")[8:10].tolist() == [0, 1]


def test_what_is_left_of_a_month() -> None:
    assert described("2024-02-28")[10:12].tolist() == pytest.approx([1 / 31, np.log(2) / 3])
    assert described("2024-02-29 23:00")[10:12].tolist() == [0, 0]
    assert np.flatnonzero(described("2024-02-28")[12:]).tolist() == [1, 31 + 2]  # a day is left; a Wednesday


def test_july_is_opposite_of_january() -> None:
    assert described("2024-07-01")[[3, 7]].tolist() == pytest.approx([0, -1], abs=1e-12)


def test_thursday_is_three_sevenths_of_a_week() -> None:
    angle = 2 * np.pi * 3 / 7
    assert described("1970-01-01")[[1, 5]].tolist() == pytest.approx([np.sin(angle), np.cos(angle)])


def test_times_before_1970_have_an_hour_too() -> None:
    assert described("1969-12-31 18:00")[[0, 4]].tolist() == pytest.approx([-1, 0], abs=1e-12)


def test_shape() -> None:
    assert calendar(np.arange(5) * 86_400e6).shape == (5, CALENDAR)
    assert calendar(np.empty(0)).shape == (0, CALENDAR)
