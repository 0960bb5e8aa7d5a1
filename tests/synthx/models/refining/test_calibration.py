"""What held-out rows say of odds."""

from __future__ import annotations

import numpy as np

from synthx.models.refining.calibration import _told_apart, calibrate


def test_area_under_the_curve_by_hand() -> None:
    scores = np.array([3.0, 2.0, 2.0, 1.0])
    # Pairs (real, drawn): 3>2, 3>1 are right, 2=2 counts half, 2>1 is right: 3.5 of 4.
    assert _told_apart(scores, np.array([True, True, False, False])) == 3.5 / 4


def _scored(rows: int, distance: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians of unit variance whose means lie apart: the true log-odds of x are `distance * x`."""
    rng = np.random.default_rng(seed)
    is_real = np.arange(rows) % 2 == 0
    return rng.normal(size=rows) + distance * (is_real - 0.5), is_real


def test_overconfident_odds_are_shrunk_to_the_truth() -> None:
    x, is_real = _scored(40_000, 0.5, 0)
    found = calibrate(3 * 0.5 * x, is_real, (1.5 * x[~is_real])[None])
    assert abs(found.slope - 1 / 3) < 0.03
    assert found.error < 0.01
    assert abs(found.told_apart - 0.638) < 0.01  # Phi(0.5 / sqrt(2))
    assert found.is_gain


def test_the_mean_of_noisy_classifiers_is_trusted_more_than_each() -> None:
    x, is_real = _scored(40_000, 1.0, 1)
    noise = np.random.default_rng(2).normal(size=(4, len(x)))
    each = x + noise
    found = calibrate(each[0], is_real, each[:, ~is_real])
    # Of one, half of the variance is noise: slope 1/2. Of the mean of four, a fifth: slope 1 / (1 + 1/4).
    assert abs(found.slope - 0.8) < 0.05


def test_chance_is_no_gain() -> None:
    rng = np.random.default_rng(3)
    gains = [
        calibrate(rng.normal(size=400), np.arange(400) % 2 == 0, rng.normal(size=(2, 50))).is_gain for _ in range(40)
    ]
    assert sum(gains) <= 4
    nothing = calibrate(np.zeros(400), np.arange(400) < 200, np.zeros((2, 50)))
    assert (nothing.slope, nothing.told_apart, nothing.is_gain) == (0.0, 0.5, False)
    assert nothing.error < 0.1
