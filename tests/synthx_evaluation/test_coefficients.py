from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from synthx_evaluation.coefficients import coefficients
from synthx_evaluation.comparison import Comparison

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]
Shuffle = Callable[[pd.DataFrame, int], pd.DataFrame]


@pytest.mark.parametrize("target", ["ill", "income", "town"])
def test_fresh_rows_overlap_like_the_other_half(target: str, draw: Draw, comparison: Compare) -> None:
    overlap, sign = coefficients(comparison(draw(1000, 1), draw(1000, 2), draw(300, 3), target=target))
    assert overlap.value is not None
    assert overlap.anchor is not None
    assert overlap.interval is not None
    assert overlap.value > 0.4
    assert overlap.anchor > 0.4
    assert overlap.interval[0] <= overlap.value <= overlap.interval[1]
    assert overlap.details["model"] == ("least squares" if target == "income" else "logistic")
    assert 400 < overlap.n <= 500  # half of the rows whose target is known
    assert sign.details["opposite"] == 0


def test_shuffled_columns_lose_the_coefficients(draw: Draw, shuffle: Shuffle, comparison: Compare) -> None:
    train = draw(2000, 1)
    overlap, sign = coefficients(comparison(shuffle(train, 2), train, draw(300, 3)))
    worst = overlap.details["worst"][0]
    assert worst["overlap"] == 0
    assert worst["term"] in ("age", "income", "town is Bath", "town is Cork")
    assert sign.value is not None
    assert sign.anchor is not None
    assert sign.value < sign.anchor


def test_a_level_that_the_synthetic_rows_lack(draw: Draw, comparison: Compare) -> None:
    synthetic = draw(1000, 1)
    overlap, _ = coefficients(comparison(synthetic[synthetic["town"] != "Cork"], draw(1000, 2), draw(300, 3)))
    lost = [item for item in overlap.details["worst"] if item["term"] == "town is Cork"]
    assert lost[0]["overlap"] == 0
    assert lost[0]["synthetic"] is None


def test_what_cannot_be_asked(draw: Draw, comparison: Compare) -> None:
    found = coefficients(comparison(draw(80, 1), draw(80, 2), draw(80, 3)))
    assert {measure.reason for measure in found} == {"needs 50 synthetic rows whose 'ill' is known, there are 40"}
    found = coefficients(comparison(draw(80, 1), draw(80, 2), None))
    assert {measure.reason for measure in found} == {"needs a holdout to test on"}
