from __future__ import annotations

import numpy as np
import pytest

from synthx_evaluation.regression import Coefficients, interval_overlap, least_squares, logistic
from synthx_evaluation.statistics import Z95


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(400, 3))
    score = inputs @ np.array([1.0, -0.5, 0.0])
    return inputs, score + generator.normal(size=400), (score + generator.logistic(size=400) > 0).astype(float)


def test_the_same_as_statsmodels() -> None:
    import statsmodels.api as sm

    inputs, number, label = data()
    full = sm.add_constant(inputs)
    ours, theirs = least_squares(inputs, number), sm.OLS(number, full).fit()
    np.testing.assert_allclose(ours.value, theirs.params[1:], rtol=1e-5)
    np.testing.assert_allclose(ours.error, theirs.bse[1:], rtol=1e-5)
    (ours, _), theirs = logistic(inputs, label), sm.Logit(label, full).fit(disp=False)
    np.testing.assert_allclose(ours.value, theirs.params[1:], rtol=1e-4)
    np.testing.assert_allclose(ours.error, theirs.bse[1:], rtol=1e-4)


def test_a_start_changes_nothing() -> None:
    inputs, _, label = data()
    first, solution = logistic(inputs, label)
    np.testing.assert_allclose(logistic(inputs, label, solution + 0.1)[0].value, first.value, rtol=1e-6)


def test_separated_classes_give_wide_intervals() -> None:
    inputs = np.linspace(-1, 1, 100)[:, None]
    found, _ = logistic(inputs, (inputs[:, 0] > 0).astype(float))
    assert np.isfinite(found.value).all()
    assert found.error[0] > 5


def test_overlap_by_hand() -> None:
    def interval(low: float, high: float) -> Coefficients:
        return Coefficients(np.array([(low + high) / 2]), np.array([(high - low) / 2 / Z95]))

    assert interval_overlap(interval(0, 2), interval(0, 2))[0] == pytest.approx(1)
    assert interval_overlap(interval(0, 2), interval(1, 3))[0] == pytest.approx(0.5)
    assert interval_overlap(interval(0, 2), interval(0, 4))[0] == pytest.approx(0.75)  # (2/2 + 2/4) / 2
    assert interval_overlap(interval(0, 2), interval(3, 4))[0] == 0
    assert interval(1, 2).sign[0] == 1
    assert interval(-1, 2).sign[0] == 0
    assert interval(-2, -1).sign[0] == -1


def test_two_samples_share_seventy_percent() -> None:
    generator = np.random.default_rng(1)
    ones = np.ones(20_000)
    first, second = (Coefficients(generator.normal(size=20_000), ones) for _ in range(2))
    # 1 - E|d| / 3.92 with d of standard deviation sqrt 2: 1 - 1.128 / 3.92.
    assert interval_overlap(first, second).mean() == pytest.approx(0.712, abs=0.01)
