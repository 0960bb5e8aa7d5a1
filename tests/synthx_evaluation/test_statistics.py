from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthx_evaluation.statistics import (
    average_precision,
    cramers_v,
    delong_variance,
    jackknife_variance,
    ks_distance,
    newcombe_interval,
    normal_interval,
    r_squared,
    roc_auc,
    score_counts,
    tv_distance,
    wilson_interval,
)

COUNTS = arrays(np.float64, 6, elements=st.integers(0, 20).map(float)).filter(lambda x: x.sum() > 0)


def areas(truth: list[bool], score: list[float]) -> tuple[float, float]:
    distinct, levels = np.unique(score, return_inverse=True)
    counts = score_counts(np.array(truth), levels, len(distinct))
    return roc_auc(*counts), average_precision(*counts)


# -- distances --


def test_total_variation_by_hand() -> None:
    assert tv_distance(np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])) == 0.5
    both = tv_distance(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.0, 1.0]))
    assert both.tolist() == [1.0, 0.5]


def test_kolmogorov_smirnov_by_hand() -> None:
    # Of 1, 2, 3 and 2, 3, 4: the distribution functions are 1/3 apart everywhere.
    p, q = np.array([1, 1, 1, 0, 0]) / 3, np.array([0, 1, 1, 1, 0]) / 3
    assert ks_distance(p, q) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("p", "q", "distance"),
    [
        ([0.5, 0.0, 0.5], [0.0, 0.5, 0.5], 0.5),  # as much missing, the values apart
        ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], 0.5),  # the same values, half of them missing
        ([0.0, 0.0, 1.0], [0.5, 0.5, 0.0], 1.0),  # all missing
        ([0.6, 0.0, 0.4], [0.2, 0.8, 0.0], 0.8),  # missing before every value hides nothing behind the shift
    ],
)
def test_missing_counts_as_a_value(p: list[float], q: list[float], distance: float) -> None:
    assert ks_distance(np.array(p), np.array(q)) == pytest.approx(distance)


@given(COUNTS, COUNTS)
def test_distances_are_ordered(p: np.ndarray, q: np.ndarray) -> None:
    p, q = p / p.sum(), q / q.sum()
    ks, tv = ks_distance(p, q), tv_distance(p, q)
    assert -1e-12 <= ks <= tv + 1e-12 <= 1 + 1e-9  # a half line is one event, total variation the worst event
    assert ks == pytest.approx(ks_distance(q, p))
    assert ks_distance(p, p) == tv_distance(p, p) == 0


# -- association --


def test_cramers_v_by_hand() -> None:
    # Ten rows on the diagonal of a 2 x 2 table: phi2 = 1, corrected 1 - 1/9, over 2 - 1/9 - 1 = 8/9.
    v = cramers_v(np.array([1.0, 0.05, 0.3]), np.array([2.0, 2.0, 1.0]), np.array([2.0, 2.0, 3.0]), 10)
    assert v.tolist() == pytest.approx([1.0, 0.0, 0.0])
    # phi2 = 1/2 of a 3 x 3 table of 21 rows: corrected .5 - 4/20 = .3, over 3 - 4/20 - 1 = 1.8.
    assert cramers_v(np.array([0.5]), np.array([3.0]), np.array([3.0]), 21)[0] == pytest.approx(math.sqrt(0.3 / 1.8))


# -- areas --


def test_areas_by_hand() -> None:
    # Positives at 3 and 1, negatives at 2 and 0: three of four pairs in order; precisions 1 and 2/3.
    assert areas([True, True, False, False], [3, 1, 2, 0]) == (0.75, pytest.approx((1 + 2 / 3) / 2))
    assert areas([True, False, True, False], [7, 7, 7, 7]) == (0.5, 0.5)


def test_weights_are_repetitions() -> None:
    truth, levels = np.array([True, False, True]), np.array([0, 1, 2])
    weighted = score_counts(truth, levels, 3, np.array([2.0, 1.0, 0.0]))
    repeated = score_counts(np.array([True, True, False]), np.array([0, 0, 1]), 3)
    assert [part.tolist() for part in weighted] == [part.tolist() for part in repeated]
    assert average_precision(*weighted) == pytest.approx(2 / 3)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_areas_agree_with_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, score = [row[0] for row in rows], [float(row[1]) for row in rows]
    if len(set(truth)) == 2:
        expected = (roc_auc_score(truth, score), average_precision_score(truth, score))
        assert areas(truth, score) == pytest.approx(expected)


def test_delong_by_hand() -> None:
    # Shares of negatives below each positive: 1 and 1/2; of positives above each negative: 1/2 and 1.
    variance = delong_variance(np.array([True, True, False, False]), np.array([3.0, 1.0, 2.0, 0.0]))
    assert variance == pytest.approx(0.125 / 2 + 0.125 / 2)


def test_delong_covers_the_truth() -> None:
    # N(1, 1) against N(0, 1): the area is Phi(1 / sqrt 2) = 0.7602. 400 intervals hold it 95% of the time; fewer
    # than 368 would happen by chance once in 1,500 tries.
    generator, covered = np.random.default_rng(0), 0
    truth = np.repeat([True, False], [60, 90])
    for _ in range(400):
        score = generator.normal(size=150) + truth
        area = areas(truth.tolist(), score.tolist())[0]
        low, high = normal_interval(area, delong_variance(truth, score))
        covered += low <= 0.7602 <= high
    assert covered >= 368


def test_r_squared_by_hand() -> None:
    truth = np.array([0.0, 2.0, 4.0])
    assert r_squared(truth, truth, np.ones(3)) == 1.0
    assert r_squared(truth, np.full(3, 2.0), np.ones(3)) == 0.0
    assert r_squared(truth, np.array([0.0, 2.0, 2.0]), np.ones(3)) == 0.5
    assert r_squared(truth, np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 0.0])) == 0.5


# -- intervals --


def test_wilson_as_published() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: 81/263, 15/148, 0/20, 1/29.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_newcombe_as_published() -> None:
    # The same author's table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/20.
    assert newcombe_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe_interval(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert newcombe_interval(10, 10, 0, 20) == pytest.approx((0.6791, 1.0), abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = wilson_interval(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n <= high + 1e-12 <= 1 + 1e-9


def test_jackknife_of_a_mean_is_the_textbook_variance() -> None:
    x = np.array([1.0, 2.0, 4.0, 9.0])
    without = (x.sum() - x) / 3
    assert jackknife_variance(without) == pytest.approx(np.var(x, ddof=1) / 4)
    assert jackknife_variance(np.column_stack([without, without])).shape == (2,)


def test_normal_interval_keeps_to_the_range() -> None:
    assert normal_interval(0.99, 0.01**2) == pytest.approx((0.9704, 1.0), abs=5e-5)
