"""Sizes: by hand from the formula, and by simulation against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx_evaluation.report.criteria.power import growth, rows_for_area, rows_for_excess
from synthx_evaluation.statistics import wilson_interval


def test_growth_is_the_square_of_the_widths() -> None:
    # w (1 + 0.8416 / 1.96) / (l - a) = 0.1 * 1.42941 / 0.05 = 2.85882; its square is 8.1729
    assert growth(half_width=0.1, limit=0.05, ideal=0.0) == pytest.approx(8.1729, abs=1e-3)


def test_growth_counts_the_luck_of_fresh_rows_and_what_the_test_notices() -> None:
    # (0.05 + 0.05 * 1.42941) / 0.05 = 2.42941; its square is 5.9020
    assert growth(half_width=0.05, limit=0.55, ideal=0.5, fresh=0.55) == pytest.approx(5.9020, abs=1e-3)
    # (0.7 - 0.5) / 0.05 = 4 is more than 0.05 * 1.42941 / 0.05; its square is 16
    assert growth(half_width=0.05, limit=0.55, ideal=0.5, detectable=0.7) == pytest.approx(16.0)


@given(st.floats(0.001, 1), st.floats(0.001, 0.5), st.floats(1.1, 10))
def test_a_width_that_is_k_times_as_large_needs_k_squared_as_many_rows(width: float, limit: float, k: float) -> None:
    once, more = growth(half_width=width, limit=limit, ideal=0), growth(half_width=k * width, limit=limit, ideal=0)
    assert more == pytest.approx(k**2 * once)


def test_a_threshold_from_below_needs_as_many() -> None:
    assert growth(half_width=0.1, limit=0.9, ideal=1.0) == pytest.approx(growth(half_width=0.1, limit=0.1, ideal=0.0))


def test_with_the_rows_told_a_blind_generator_is_within_the_limit_four_times_in_five() -> None:
    n, limit, generator = 100, 0.05, np.random.default_rng(0)
    width = 1.959964 * np.sqrt(2 * 0.3 * 0.7 / n)
    rows = int(np.ceil(n * growth(half_width=width, limit=limit, ideal=0.0)))
    found = generator.binomial(rows, 0.3, size=(2, 20_000)) / rows
    upper = found[0] - found[1] + 1.959964 * np.sqrt(2 * 0.3 * 0.7 / rows)
    assert (upper <= limit).mean() == pytest.approx(0.8, abs=0.015)


def test_rows_for_an_area() -> None:
    # ((1.95996 + 0.84162) / 0.05)^2 / 6 = 523.26
    assert rows_for_area(0.55) == 524


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.09])
def test_rows_for_an_excess_are_just_enough_where_nothing_is_found(limit: float) -> None:
    rows = rows_for_excess(limit)
    assert wilson_interval(0, rows)[1] <= limit < wilson_interval(0, rows - 1)[1]
