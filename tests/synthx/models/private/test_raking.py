"""Raking: rows are weighted to agree with noisy counts."""

from __future__ import annotations

import numpy as np
import pytest

from synthx.models.private.raking import MOST_WEIGHT, raked, raking_weights
from synthx_privacy.measurements import Marginal, Measurements, distance

EACH = np.arange(2)


def measured(*marginals: Marginal) -> Measurements:
    return Measurements((2, 2), ("a", "b"), None, marginals)


def one_way(column: int, counts: list[float], sigma: float = 1e-3) -> Marginal:
    return Marginal((column,), (EACH,), np.array(counts), sigma)


def test_one_column_takes_the_shares_that_were_counted() -> None:
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    weights = raking_weights(measured(one_way(0, [30.0, 10.0])), codes)
    assert weights == pytest.approx([0.375, 0.375, 0.125, 0.125], abs=1e-6)


def test_two_columns_agree_and_their_odds_ratio_stays() -> None:
    codes = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [4, 1, 1, 4], axis=0)
    weights = raking_weights(measured(one_way(0, [60.0, 40.0]), one_way(1, [70.0, 30.0])), codes, sweeps=50)
    table = np.bincount(codes[:, 0] * 2 + codes[:, 1], weights).reshape(2, 2)
    assert table.sum(axis=1) == pytest.approx([0.6, 0.4], abs=1e-4)
    assert table.sum(axis=0) == pytest.approx([0.7, 0.3], abs=1e-4)
    assert table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]) == pytest.approx(16, rel=1e-3)


def test_counts_that_are_noise_are_not_trusted() -> None:
    codes = np.array([[0, 0], [1, 1]] * 50)
    weights = raking_weights(measured(one_way(0, [90.0, 10.0], sigma=1e6)), codes)
    assert np.bincount(codes[:, 0], weights) == pytest.approx([0.5, 0.5], abs=1e-9)
    sure = raking_weights(measured(one_way(0, [90.0, 10.0])), codes)
    assert np.bincount(codes[:, 0], sure)[0] == pytest.approx(0.9, abs=1e-3)


def test_no_row_has_all_the_weight() -> None:
    codes = np.array([[0, 0]] * 999 + [[1, 1]])
    weights = raking_weights(measured(one_way(0, [500.0, 500.0])), codes)
    assert weights.sum() == pytest.approx(1)
    assert weights.max() <= 1.25 * MOST_WEIGHT / len(codes)


def test_cells_of_pairs_are_found_in_groups() -> None:
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    pair = Marginal((0, 1), (EACH, np.zeros(2, int)), np.array([[30.0], [10.0]]), 1e-3)
    assert raking_weights(measured(pair), codes) == pytest.approx([0.375, 0.375, 0.125, 0.125], abs=1e-6)


def test_raked_rows_are_as_many_and_nearer_to_the_counts() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, (1_000, 2))
    measurements = measured(one_way(0, [300.0, 700.0], sigma=5.0), one_way(1, [600.0, 400.0], sigma=5.0))
    rows = raked(measurements, codes, np.random.default_rng(1))
    assert rows.shape == codes.shape
    assert distance(measurements, rows) < 1 < 100 < distance(measurements, codes)
    again = raked(measurements, codes, np.random.default_rng(1))
    assert np.array_equal(rows, again)
