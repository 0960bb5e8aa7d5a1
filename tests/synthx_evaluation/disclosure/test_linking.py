from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import linkability
from synthx_evaluation.disclosure.linking import _meet

People = Callable[[int, int], pd.DataFrame]
Judged = Callable[..., Comparison]


def test_to_meet_is_to_have_a_row_in_common() -> None:
    assert _meet(np.array([[1, 2], [3, 4]]), np.array([[2, 5], [1, 2]])).tolist() == [True, False]


def test_copies_are_linked(people: People, judged: Judged) -> None:
    train = people(400, 1)
    (found,) = linkability(judged(train, train, people(300, 2)))
    assert found.id == "DISC-LINK"
    assert found.value is not None
    assert found.interval is not None
    assert found.p_value is not None
    assert found.details["attack"]["rate"] > 0.8
    assert found.interval[0] > 0.5
    assert found.p_value < 0.001
    assert found.details["random_links"]["rate"] < 0.2


def test_the_more_rows_leak_the_more_are_linked(people: People, judged: Judged) -> None:
    train, holdout, fresh = people(500, 1), people(500, 2), people(500, 3)
    values = []
    for leaked in (0, 25, 100, 500):
        (found,) = linkability(judged(pd.concat([fresh[leaked:], train[:leaked]]), train, holdout))
        assert found.value is not None
        values.append(found.value)
    assert values == sorted(values)
    assert values[0] == pytest.approx(0, abs=0.03)


def test_fresh_draws_raise_no_alarm(people: People, judged: Judged) -> None:
    # Each p-value falls below 0.01 once in a hundred fresh tables: 3 or more of 20 happen once in a thousand runs.
    found = [
        linkability(judged(people(150, 3 * i), people(200, 3 * i + 1), people(80, 3 * i + 2)))[0] for i in range(20)
    ]
    assert sum(measure.p_value is not None and measure.p_value < 0.01 for measure in found) < 3
    inside = [measure.interval is not None and measure.interval[0] <= 0 <= measure.interval[1] for measure in found]
    assert sum(inside) >= 16  # of 20 intervals of 95%, fewer than 16 hold 0 once in four hundred runs


def test_equal_rows_are_not_linked_by_their_place(judged: Judged) -> None:
    # All rows are alike: two parties that draw 5 of 200 rows each meet with probability 1 - C(195, 5) / C(200, 5).
    frame = pd.DataFrame({"e": ["p"] * 200, "g": ["x"] * 200})
    (found,) = linkability(judged(frame, frame, frame, Kind.CATEGORICAL))
    assert found.value == pytest.approx(0.0)
