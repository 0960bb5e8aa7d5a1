from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.joint import RandomFeatures, joint_distance, squared_discrepancy

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def test_unbiased_discrepancy_by_hand() -> None:
    # Unit vectors: x = e1, e1; y = e1, e2. Pairs within x: 1; within y: 0; across: 1/2.
    x, y = np.array([[1.0, 0], [1, 0]]), np.array([[1.0, 0], [0, 1]])
    assert squared_discrepancy(x.sum(axis=0), y.sum(axis=0), 2, 2) == pytest.approx(1 + 0 - 2 * 0.5)


def test_features_are_unit_vectors_whose_products_fall_with_distance(draw: Draw, comparison: Compare) -> None:
    tables = comparison(draw(200, 1), draw(200, 2), draw(200, 3)).equal
    features = RandomFeatures.fit(tables, 512, np.random.default_rng(0))
    found = features(tables.train)
    assert np.allclose((found**2).sum(axis=1), 1)
    # Two rows that differ in one level only are at a squared distance of 2: exp(-2 / (2 h^2)).
    twin = tables.train[:1].copy()
    twin[:, 2] = (twin[:, 2] + 1) % 3
    product = float((features(tables.train[:1]) @ features(twin).T).item())
    assert product == pytest.approx(np.exp(-1 / features.bandwidth**2), abs=0.1)


def test_shuffled_columns_are_found(
    draw: Draw, shuffle: Callable[[pd.DataFrame, int], pd.DataFrame], comparison: Compare
) -> None:
    train = draw(600, 1)
    (broken,) = joint_distance(comparison(shuffle(train, 2), train, draw(600, 3)))
    assert broken.p_value == 0.005
    assert broken.value is not None
    assert broken.detectable is not None
    assert broken.interval is not None
    assert broken.value > broken.detectable > 0
    assert broken.interval[0] > 0


def test_p_values_of_fresh_draws_are_spread_evenly(draw: Draw, comparison: Compare) -> None:
    from scipy.stats import kstest

    found = [
        joint_distance(comparison(draw(150, 3 * i), draw(150, 3 * i + 1), draw(150, 3 * i + 2)))[0].p_value
        for i in range(15)
    ]
    assert kstest(found, "uniform").pvalue > 0.01


def test_what_cannot_be_asked(draw: Draw, comparison: Compare) -> None:
    (measure,) = joint_distance(comparison(draw(60, 1), draw(60, 2), None))
    assert measure.reason == "needs a holdout to compare with"
    (measure,) = joint_distance(comparison(draw(60, 1), draw(60, 2), draw(49, 3)))
    assert measure.reason == "needs 50 rows of each table, the smallest has 49"
