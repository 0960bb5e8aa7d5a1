from __future__ import annotations

import math

import numpy as np
import pytest

from synthx_evaluation.augmentation.intervals import chosen_elsewhere, corrected_difference


def test_the_interval_of_five_folds() -> None:
    found = corrected_difference(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.25)
    # variance 2.5, times 1/5 + 1/4; t of 4 degrees is 2.776
    assert found.mean == 3.0
    assert found.high - found.mean == pytest.approx(2.776445 * math.sqrt(0.45 * 2.5))
    assert found.low == pytest.approx(6.0 - found.high)


def test_the_correction_widens_what_overlapping_training_parts_make_narrow() -> None:
    values = np.array([0.1, 0.3, 0.2])
    assert corrected_difference(values, 0.5).high > corrected_difference(values, 0.0).high


def test_a_fold_does_not_choose_for_itself() -> None:
    values = np.array([[1.0, 0.0, 0.0], [0.5, 0.4, 0.4]])
    repeat = np.zeros(3, dtype=np.intp)
    # The first arm owes its mean to fold 0, which chooses by folds 1 and 2.
    assert chosen_elsewhere(values, repeat).tolist() == [1, 0, 0]


def test_repeats_choose_apart() -> None:
    values = np.array([[9.0, 9.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    assert chosen_elsewhere(values, np.array([0, 0, 1, 1])).tolist() == [0, 0, 1, 1]


def test_chance_alone_wins_nothing() -> None:
    """The best of forty equal arms, chosen on the other folds, is no better than any; chosen on all, it is."""
    generator = np.random.default_rng(0)
    honest, flattered = [], []
    for _ in range(200):
        values = generator.normal(size=(40, 5))
        chosen = chosen_elsewhere(values, np.zeros(5, dtype=np.intp))
        honest.append(values[chosen, np.arange(5)].mean())
        flattered.append(values[values.mean(axis=1).argmax()].mean())
    assert abs(np.mean(honest)) < 0.1
    assert np.mean(flattered) > 0.5
