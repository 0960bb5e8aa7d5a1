from __future__ import annotations

from collections.abc import Callable
from itertools import combinations as subsets

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import singling_out
from synthx_evaluation.disclosure.predicates import MOST, Matches, _shares, combinations, single_values
from synthx_evaluation.disclosure.singling import _exactly_one
from synthx_evaluation.record import Status

People = Callable[[int, int], pd.DataFrame]
Judged = Callable[..., Comparison]


def fits(matches: Matches) -> list[list[int]]:
    ends = np.cumsum(matches.sizes)
    return [sorted(matches.rows[end - size : end].tolist()) for size, end in zip(matches.sizes, ends, strict=True)]


def test_single_values_by_hand(judged: Judged) -> None:
    parts = [pd.DataFrame({"x": cells}) for cells in ([1.0, 1.0, 2.0, 9.0, None], [2.0, 3.0, None], [9.0, 11.0])]
    found, blind = single_values(judged(*parts).tables, np.random.default_rng(0))
    # 2 fits the first training row, 9 the first holdout row, "missing" the third training row, "9 or more" both
    # holdout rows; 1 stands twice in the synthetic table, so neither it nor "1 or less" is a predicate.
    assert sorted(fits(found)) == [[0], [2], [3], [3, 4]]
    assert blind.predicates == 4


def test_predicates_are_spread_over_columns() -> None:
    assert _shares([3, 0, 7]) == [3, 0, 7]
    assert _shares([MOST, 10, MOST]) == [(MOST - 10) // 2, 10, (MOST - 10) // 2]


def test_counts_by_hand() -> None:
    matches = Matches(np.array([2, 0, 1]), np.array([0, 3, 1]), 1.0)
    members = np.array([True, True, False, False])
    trained, held = matches.counts(members)
    assert trained.tolist() == [1, 0, 1]
    assert held.tolist() == [1, 0, 0]
    assert fits(matches.keep(np.array([True, False, True]))) == [[0, 3], [1]]


def test_combinations_fit_their_own_row(people: People, judged: Judged) -> None:
    train = people(60, 1)
    found, _ = combinations(judged(train, train, people(40, 2)).tables, np.random.default_rng(0))
    assert found.predicates > 30
    assert all(sum(row < 60 for row in rows) == 1 for rows in fits(found))  # alone in the synthetic, which is T
    assert 2 <= found.width <= 6


@given(st.integers(1, 7), st.data())
def test_exactly_one_is_the_share_of_all_samples(total: int, data: st.DataObject) -> None:
    rows, fitting = data.draw(st.integers(1, total)), data.draw(st.integers(0, total))
    share = np.mean([sum(place < fitting for place in sample) == 1 for sample in subsets(range(total), rows)])
    assert _exactly_one(np.array([fitting]), total, rows)[0] == pytest.approx(share)


def test_copies_are_singled_out(people: People, judged: Judged) -> None:
    train = people(600, 1)
    one, many = singling_out(judged(train, train, people(600, 2)))
    assert [one.id, many.id] == ["DISC-SINGLE-1", "DISC-SINGLE-M"]
    for found in (one, many):
        assert found.value is not None
        assert found.interval is not None
        assert found.value > 0.5
        assert found.interval[0] > 0.4
        assert found.p_value == pytest.approx(0.5 / 1000)
        assert found.details["attack"]["rate"] > 0.9
        assert found.details["random_predicates"]["rate"] < 0.3
    assert many.details["attack"]["rate"] == 1.0


def test_a_leak_of_a_tenth_is_seen_with_a_small_holdout(people: People, judged: Judged) -> None:
    train = people(2000, 1)
    leak = pd.concat([people(1800, 3), train[:200]])
    _, many = singling_out(judged(leak, train, people(500, 2)))
    assert many.p_value is not None
    assert many.p_value < 0.05  # so in six of six other tables; of leaks of a twentieth, it sees seven of ten


def test_fresh_draws_raise_no_alarm(people: People, judged: Judged) -> None:
    # Each p-value falls below 0.01 once in a hundred fresh tables: 3 or more of 20 happen once in a thousand runs.
    found = [
        singling_out(judged(people(200, 3 * i), people(150, 3 * i + 1), people(100, 3 * i + 2))) for i in range(20)
    ]
    for k in range(2):
        values = [measures[k] for measures in found]
        assert sum(measure.p_value is not None and measure.p_value < 0.01 for measure in values) < 3
        inside = [m.interval is not None and m.interval[0] <= 0 <= m.interval[1] for m in values]
        assert sum(inside) >= 16  # of 20 intervals of 95%, fewer than 16 hold 0 once in four hundred runs


def test_without_single_rows_there_is_no_predicate(judged: Judged) -> None:
    frame = pd.DataFrame({"e": ["p", "q"] * 50, "g": ["x", "x", "y", "y"] * 25})
    for found in singling_out(judged(frame, frame, frame, Kind.CATEGORICAL)):
        assert found.status is Status.NOT_APPLICABLE
        assert "exactly one synthetic row" in found.reason
