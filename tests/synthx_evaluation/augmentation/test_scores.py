"""Scores that can be worked out with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx_evaluation.augmentation.scores import (
    Budget,
    Outcome,
    best_threshold,
    calibration_error,
    corrected_chance,
    cost,
    f1,
    precision_at,
    recall_at,
    score,
)

RARE = np.array([True, False, True, False])
CHANCE = np.array([0.9, 0.8, 0.6, 0.1])
ONES = np.ones(4)


def test_scores_of_four_rows() -> None:
    found = score(Outcome(RARE, ONES), CHANCE, CHANCE, (0.5, 0.5), Budget(false_positive_rate=0.5))
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["recall_at_fpr"] == 1.0  # one of two common rows may raise an alert
    assert found["precision_at_k"] == 0.5  # two alerts
    assert found["f1"] == pytest.approx(4 / 5)  # three alerts, two hits
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.16 + 0.01) / 4)
    assert "cost" not in found


def test_a_weight_counts_as_so_many_rows() -> None:
    weights = np.array([1.0, 3.0, 1.0, 2.0])
    times = weights.astype(int)
    repeated = [np.repeat(part, times) for part in (RARE, CHANCE)]
    whole = Outcome(repeated[0], np.ones(7), np.full(7, 40.0))
    weighted = score(Outcome(RARE, weights, np.full(4, 40.0)), CHANCE, CHANCE, (0.7, 0.7), Budget(alerts=3))
    assert weighted == pytest.approx(score(whole, repeated[1], repeated[1], (0.7, 0.7), Budget(alerts=3)))


def test_recall_is_read_off_the_upper_end_of_the_curve() -> None:
    positive, negative = np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0])
    assert recall_at(positive, negative, 0.01) == pytest.approx(0.5 + 0.5 * 0.02)
    assert recall_at(positive, negative, 1.0) == 1.0


def test_tied_alerts_are_taken_in_the_same_parts() -> None:
    assert precision_at(np.array([2.0]), np.array([6.0]), 4.0) == 0.25
    assert precision_at(np.array([2.0]), np.array([6.0]), 99.0) == 0.25


def test_cost_is_what_is_missed_and_what_is_looked_into() -> None:
    outcome = Outcome(RARE, ONES, np.array([100.0, 7.0, 20.0, 7.0]))
    assert cost(outcome, CHANCE, 0.7, 5.0) == (5 + 5 + 20) / 4
    assert cost(outcome, CHANCE, 2.0, 5.0) == (100 + 20) / 4


def test_the_best_threshold() -> None:
    outcome = Outcome(RARE, ONES, np.array([100.0, 7.0, 3.0, 7.0]))
    assert best_threshold(outcome, CHANCE) == 0.6  # F1 of 4/5
    assert best_threshold(outcome, CHANCE, 5.0) == 0.9  # the second rare row is not worth two alerts
    assert best_threshold(outcome, CHANCE, 200.0) == np.inf


def test_no_alert_has_an_f1_of_0() -> None:
    assert f1(Outcome(RARE, ONES), CHANCE, np.inf) == 0.0


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_prior_is_put_back(chance: float, learned: float, true: float) -> None:
    there = corrected_chance(np.array([chance]), learned, true)
    assert corrected_chance(there, true, learned)[0] == pytest.approx(chance)
    assert corrected_chance(np.array([learned]), learned, true)[0] == pytest.approx(true)


def test_a_chance_learned_from_balanced_rows() -> None:
    # Odds of 1 among equal parts are odds of 1 to 99 where one row in a hundred is rare.
    assert corrected_chance(np.array([0.5]), 0.5, 0.01)[0] == pytest.approx(0.01)


def test_calibration_error_of_one_chance_is_the_gap_to_the_share() -> None:
    assert calibration_error(Outcome(RARE, ONES), np.full(4, 0.2)) == pytest.approx(0.3)
    assert calibration_error(Outcome(RARE, ONES), RARE.astype(float)) == 0.0
