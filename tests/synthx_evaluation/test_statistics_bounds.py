from __future__ import annotations

import math

import pytest

from synthx_evaluation.statistics import (
    clopper_pearson_interval,
    epsilon_bound,
    excess_p_value,
    wilson_interval,
)


@pytest.mark.parametrize(("hits", "centre", "radius"), [(850, 0.849, 0.022), (0, 0.002, 0.002), (1000, 0.998, 0.002)])
def test_wilson_as_published(hits: int, centre: float, radius: float) -> None:
    low, high = wilson_interval(hits, 1000)
    assert round((low + high) / 2, 3) == centre
    assert round((high - low) / 2, 3) == radius


def test_clopper_pearson_in_closed_form() -> None:
    # With no success the upper limit u solves (1 - u)^n = 0.025; with nothing but successes the lower is its mirror.
    assert clopper_pearson_interval(0, 10) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert clopper_pearson_interval(10, 10) == (pytest.approx(0.025**0.1), 1.0)
    low, high = clopper_pearson_interval(1, 2)  # P[X >= 1] = 1 - (1 - p)^2 and P[X <= 1] = 1 - p^2, each 0.025
    assert low == pytest.approx(1 - math.sqrt(0.975))
    assert high == pytest.approx(math.sqrt(0.975))


@pytest.mark.parametrize(
    ("true_positives", "false_positives", "n", "epsilon"),
    [(1000, 0, 1000, 5.601), (20, 1, 1000, 0.791), (44, 0, 200, 2.198), (100, 5, 500, 1.967), (500, 50, 5000, 1.942)],
)
def test_epsilon_of_two_error_rates(true_positives: int, false_positives: int, n: int, epsilon: float) -> None:
    assert round(epsilon_bound(true_positives, n, false_positives, n), 3) == epsilon


def test_epsilon_is_never_negative() -> None:
    assert epsilon_bound(5, 100, 50, 100) == 0.0
    assert epsilon_bound(5, 100, 0, 100, delta=0.9) == 0.0


def test_excess_by_hand() -> None:
    # Two of four succeed; three are drawn: both are among them in 2 of 4 ways, and never more than both.
    assert excess_p_value(2, 3, 0, 1) == pytest.approx(0.25)
    assert excess_p_value(0, 3, 0, 1) == pytest.approx(0.5)
    assert excess_p_value(10, 10, 0, 10) == pytest.approx(0.5 / 184_756)  # 20 choose 10
