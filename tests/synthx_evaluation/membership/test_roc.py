from __future__ import annotations

import numpy as np
import pytest

from synthx_evaluation.membership.evidence import draw_labels
from synthx_evaluation.membership.roc import found_at, needed_rows


def test_by_hand() -> None:
    member = np.array([True, True, False, True, False, False, False, True])
    score = np.arange(8.0, 0, -1)[:, None]
    labels = member[None]
    # One alarm of four non-members is 25%, reached after two members.
    assert found_at(0.25, score, member, labels).observed[0] == 0.5
    assert found_at(0.5, score, member, labels).observed[0] == 0.75
    assert found_at(0.125, score, member, labels).observed[0] == 0.5


def test_tied_rows_are_a_straight_line() -> None:
    member = np.arange(40) < 20
    rates = found_at(0.1, np.zeros((40, 1)), member, member[None])
    assert rates.observed[0] == pytest.approx(0.1)  # to rank members first would find all of them
    assert rates.null[0, 0] == pytest.approx(0.1)


def test_the_null_is_read_as_far_as_it_is_needed() -> None:
    generator = np.random.default_rng(0)
    scores, member = generator.integers(0, 300, size=(1_000, 2)).astype(float), np.arange(1_000) < 400
    labels = draw_labels(member, 30, generator)
    rates = found_at(0.05, scores, member, labels)
    for k in range(30):
        np.testing.assert_allclose(rates.null[k], found_at(0.05, scores, labels[k], labels[:1]).observed)
    assert rates.p_value > 0.01


def test_rows_that_a_rate_needs() -> None:
    assert [needed_rows(alarms) for alarms in (0.1, 0.01, 0.001)] == [30, 300, 3_000]
    # So many without an alarm bound the rate at 95%.
    assert pytest.approx(0.05, abs=0.001) == (1 - 0.001) ** 3_000
