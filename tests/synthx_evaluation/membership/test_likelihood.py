from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.evidence import draw_labels, gather
from synthx_evaluation.membership.likelihood import TOGETHER, log_likelihood_ratios, shadow_areas


def cube(*shadows: list[float]) -> Floats:
    """Scores of shadows, one list of targets each, of a single attack."""
    return np.array(shadows)[..., None]


def test_one_target_by_hand() -> None:
    inside = np.array([[True], [True], [False], [False]])
    # Learned: 3 and 5, mean 4; not learned: 0 and 2, mean 1. Squares 4 over 2 degrees of freedom: variance 2.
    found = log_likelihood_ratios(np.array([[3.5]]), cube([3], [5], [0], [2]), inside)
    np.testing.assert_allclose(found, [[(4 - 1) * (3.5 - 2.5) / 2] * 2])
    assert log_likelihood_ratios(np.array([[2.5]]), cube([3], [5], [0], [2]), inside)[0, TOGETHER] == 0
    far = log_likelihood_ratios(np.array([[1e6]]), cube([3], [5], [0], [2]), inside)
    np.testing.assert_array_equal(far, [[10, 10]])  # a few shadows prove no more


def test_scores_that_never_vary_say_nothing() -> None:
    inside = np.array([[True, False], [False, True]] * 2)
    found = log_likelihood_ratios(np.array([[7.0], [0.1]]), np.full((4, 2, 1), 0.1), inside)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_gaps_that_are_noise_are_drawn_to_their_mean() -> None:
    # Both targets vary alike; their gaps, 2 and 4 deviations, differ less than four shadows can tell.
    inside = np.array([[True, True], [True, True], [False, False], [False, False]])
    found = log_likelihood_ratios(np.array([[2.0], [3.0]]), cube([1, 3], [3, 5], [-1, -1], [1, 1]), inside)
    deviation = np.sqrt(2)  # within each half of either target squares of 1 and 1
    np.testing.assert_allclose(found[:, 0], 3 / deviation * np.array([1, 1]) / deviation)


def test_shadows_judge_each_other() -> None:
    generator = np.random.default_rng(0)
    half = generator.random((4, 80)) < 0.5
    inside = np.stack([half, ~half], axis=1).reshape(8, 80)
    noise = generator.normal(size=(8, 80, 2))
    assert shadow_areas(inside[..., None] * 9 + noise, inside).min() > 0.99
    assert abs(shadow_areas(noise, inside).mean() - 0.5) < 0.05


def test_p_values_are_uniform_whatever_the_targets_are_like() -> None:
    found = []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        spread = generator.lognormal(size=(60, 3))  # targets differ in level and spread
        shadows, observed = (3 * spread + spread * generator.standard_t(3, size=(*size, 60, 3)) for size in ((4,), ()))
        half = generator.permuted(np.arange(60) < 30)
        ratios = log_likelihood_ratios(observed, shadows, np.array([half, ~half] * 2))
        member = np.arange(60) < 30
        found.append(gather(ratios, member, draw_labels(member, 199, generator)).p_value)
    assert kstest(found, "uniform").pvalue > 0.01
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.08


def test_a_row_of_its_own_level_is_found_where_plain_scores_are_not() -> None:
    generator = np.random.default_rng(1)
    level = generator.normal(scale=20, size=(60, 1))  # how exposed each target is, learned or not
    half = generator.permuted(np.arange(60) < 30)
    inside = np.array([half, ~half] * 4)
    shadows = level + 2 * inside[..., None] + generator.normal(size=(8, 60, 1))
    member = np.arange(60) < 30
    observed = level + 2 * member[:, None] + generator.normal(size=(60, 1))
    labels = draw_labels(member, 199, generator)
    assert gather(log_likelihood_ratios(observed, shadows, inside), member, labels).p_value == 1 / 200
    assert gather(observed, member, labels).p_value == pytest.approx(0.5, abs=0.45)
