from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.evidence import Bools, areas, draw_labels, gather, p_value

YES, NO = True, False


def lots(n: int, members: int) -> Bools:
    """Every membership there is."""
    return np.array([np.isin(np.arange(n), chosen) for chosen in combinations(range(n), members)])


def column(*cells: float) -> Floats:
    return np.array(cells)[:, None]


def test_area_by_hand() -> None:
    member = np.array([YES, YES, NO, NO])
    assert areas(column(4, 3, 2, 1), member) == [1]
    assert areas(column(4, 1, 2, 3), member) == [0.5]
    assert areas(column(2, 1, 1, 0), member) == [3.5 / 4]  # a tie counts half
    assert areas(column(1, 1, 1, 1), member) == [0.5]
    score = np.random.default_rng(0).integers(0, 5, size=(60, 3)).astype(float)
    member = np.arange(60) < 20
    np.testing.assert_allclose(areas(score, ~member), 1 - areas(score, member))


def test_statistics_by_hand() -> None:
    member = np.array([YES, NO, NO, NO])
    found = gather(column(4, 3, 2, 1), member, lots(4, 1))
    # Ranks 1 to 4 have mean 2.5 and variance 1.25; Savage scores are 1/4, 1/4 + 1/3, ... with mean 1.
    assert found.observed[0, 0, 0] == pytest.approx(1.5 / np.sqrt(1.25))
    savage = np.cumsum([1 / 4, 1 / 3, 1 / 2, 1])
    assert savage.mean() == pytest.approx(1)
    assert found.observed[1, 0, 0] == pytest.approx((savage[-1] - 1) / savage.std())
    # Over all ways to draw the member every statistic has mean 0 and deviation 1: its scale is exact.
    np.testing.assert_allclose(found.null.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found.null.std(axis=0), 1, rtol=1e-6)
    assert found.p_value == 2 / 5
    assert found.area[0, 0] == 1


def test_scale_is_exact_within_strata() -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 4, size=(9, 2)).astype(float)
    strata = np.array([np.arange(9) < 5, np.arange(9) >= 3])
    member = np.arange(9) % 2 == 0
    found = gather(scores, member, lots(9, 5), strata)
    np.testing.assert_allclose(found.null.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found.null.std(axis=0), 1, rtol=1e-6)
    for k, rows in enumerate(strata):
        np.testing.assert_allclose(found.area[:, k], areas(scores[rows], member[rows]))


def test_a_constant_score_says_nothing() -> None:
    member = np.arange(10) < 5
    found = gather(np.column_stack([np.zeros(10), np.arange(10.0)]), member, lots(10, 5))
    assert (found.observed[:, 0] == 0).all()
    assert found.area[0, 0] == 0.5


def test_the_maximum_pays_for_looking_at_all() -> None:
    # Twenty scores of noise: each alone raises an alarm in 5 of 100 tables, the best of them in most tables.
    generator = np.random.default_rng(0)
    alone, naive, ours = [], [], []
    for _ in range(200):
        member = np.arange(80) < 40
        found = gather(generator.normal(size=(80, 20)), member, draw_labels(member, 99, generator))
        each = [found.of(np.array([j])).p_value for j in range(20)]
        alone.append(each[0])
        naive.append(min(each))
        ours.append(found.p_value)
    assert np.mean(np.array(naive) <= 0.05) > 0.5
    assert 0.01 <= np.mean(np.array(ours) <= 0.05) <= 0.09  # 2 to 18 of 200: left by chance in less than 1 of 200 runs
    assert 0.01 <= np.mean(np.array(alone) <= 0.05) <= 0.09


def test_p_value_is_never_zero() -> None:
    assert p_value(9.0, np.zeros(99)) == 0.01
    assert p_value(0.0, np.zeros(99)) == 1.0


def test_lots_keep_the_number_of_members() -> None:
    member = np.arange(30) < 11
    drawn = draw_labels(member, 50, np.random.default_rng(0))
    assert drawn.shape == (50, 30)
    assert (drawn.sum(axis=1) == 11).all()


def test_few_copies_move_the_top_and_not_the_area() -> None:
    generator = np.random.default_rng(3)
    member = np.arange(2_000) < 1_000
    score = generator.normal(size=2_000)
    score[:40] = 10
    found = gather(score[:, None], member, draw_labels(member, 199, generator))
    assert found.area[0, 0] < 0.54
    assert found.observed[1, 0, 0] > found.observed[0, 0, 0] + 1
    assert found.p_value == 1 / 200
