from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.importance import importance

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def test_fresh_rows_agree_and_a_false_cause_shows(draw: Draw, comparison: Compare) -> None:
    (fresh,) = importance(comparison(draw(600, 1), draw(600, 2), draw(300, 3)))
    assert fresh.details["most_important_of_real"][0]["column"] == "age"
    assert fresh.details["most_important_of_synthetic"][0]["column"] == "age"
    assert fresh.value is not None
    assert fresh.interval is not None
    assert -1 <= fresh.interval[0] <= fresh.interval[1] <= 1
    false = draw(600, 4)
    false["ill"] = false["since"] > false["since"].median()
    (found,) = importance(comparison(false, draw(600, 2), draw(300, 3)))
    assert found.value is not None
    assert found.value < fresh.value


def test_a_number_as_target(draw: Draw, comparison: Compare) -> None:
    (found,) = importance(comparison(draw(400, 1), draw(400, 2), draw(200, 3), target="income"))
    first = found.details["most_important_of_real"][0]
    assert first["column"] == "age"
    # Income varies with age by 840, otherwise by 300; shuffling age costs twice what it explains: 2 * 0.887.
    assert first["importance"] == pytest.approx(1.7, abs=0.4)


def test_too_few_columns(draw: Draw, comparison: Compare) -> None:
    schema = comparison(draw(300, 1), draw(300, 2), draw(300, 3)).schema.select(["age", "town", "ill"])
    tables = [draw(300, seed)[["age", "town", "ill"]] for seed in (1, 2, 3)]
    (found,) = importance(comparison(*tables, schema=schema))
    assert found.reason == "needs 3 columns beside the target, there are 2"
