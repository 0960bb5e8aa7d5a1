from __future__ import annotations

import numpy as np
import pytest

from synthx_evaluation.disclosure.attack import Rate, excess, p_value, residual_risk
from synthx_evaluation.statistics import newcombe_interval, wilson_interval


def successes(hits: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return (np.arange(n) < hits).astype(np.float64)


def test_a_rate_of_single_tries_has_wilsons_interval() -> None:
    rate = Rate.of(successes(850, 1000))
    assert rate.value == 0.85
    assert (rate.low, rate.high) == pytest.approx(wilson_interval(850, 1000), abs=1e-9)
    assert Rate.of(np.zeros(1000)).high == pytest.approx(wilson_interval(0, 1000)[1])


def test_several_tries_at_a_row_that_say_the_same_tell_no_more_than_one() -> None:
    once = successes(30, 100)
    repeated = np.column_stack([once, once]).mean(axis=1)
    assert Rate.of(repeated) == Rate.of(once)
    half = np.full(100, 0.5) + 0.1 * (successes(50, 100) - 0.5)  # rows hardly differ
    assert Rate.of(half).high - Rate.of(half).low < 0.05


def test_the_excess_has_newcombes_interval() -> None:
    value, interval = excess(Rate.of(successes(80, 100)), Rate.of(successes(30, 50)))
    assert value == pytest.approx(0.2)
    assert interval == pytest.approx(newcombe_interval(80, 100, 30, 50), abs=1e-9)


def test_residual_risk_as_published() -> None:
    assert residual_risk(Rate(0.9, 0.9, 0.9, 1), Rate(0.8, 0.8, 0.8, 1))["value"] == pytest.approx(0.5)
    risk = residual_risk(Rate(0.9, 0.88, 0.92, 1), Rate(0.85, 0.83, 0.87, 1))
    assert round(risk["value"], 3) == 0.333
    assert round(risk["high"] - risk["value"], 2) == 0.16
    assert residual_risk(Rate(1.0, 0.9, 1.0, 1), Rate(1.0, 0.9, 1.0, 1))["value"] == 0.0


def test_p_value_by_hand() -> None:
    generator = np.random.default_rng(0)
    assert p_value(np.array([1.0, 1.0, 0.0]), np.array([0.0]), generator) == pytest.approx(0.25)
    # Shares 1, 1/2, 1/4: the single training row has the largest in a third of the ways, which count half.
    found = p_value(np.array([1.0]), np.array([0.5, 0.25]), generator)
    assert found == pytest.approx(1 / 6, abs=0.01)


def test_p_values_of_shares_are_uniform_where_nothing_differs() -> None:
    generator = np.random.default_rng(1)
    found = [p_value(generator.integers(0, 4, 60) / 3, generator.integers(0, 4, 40) / 3, generator) for _ in range(100)]
    # The largest distance from the uniform law exceeds 1.63 / sqrt(100) once in a hundred runs.
    assert np.abs(np.sort(found) - (np.arange(100) + 0.5) / 100).max() < 1.63 / np.sqrt(100)
