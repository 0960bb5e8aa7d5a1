from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.bands import band
from synthx_evaluation.comparison import Comparison

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def test_shuffled_columns_leave_the_band(
    draw: Draw, shuffle: Callable[[pd.DataFrame, int], pd.DataFrame], comparison: Compare
) -> None:
    train = draw(800, 1)
    (found,) = band(comparison(shuffle(train, 2), train, draw(800, 3)))
    assert found.details["pairs"] == 10
    # Six of the ten pairs are of age, income, town and illness, which hang together.
    assert found.value is not None
    assert found.value >= 0.5
    assert found.p_value == 0.005
    named = {tuple(pair["columns"]) for pair in found.details["worst"]}
    assert ("age", "income") in named
    assert all(pair["distance"] > pair["band"] for pair in found.details["worst"])
    assert found.details["share_weighted_by_association"] > 0.9


def test_fresh_rows_leave_it_one_time_in_twenty(draw: Draw, comparison: Compare) -> None:
    found = [band(comparison(draw(300, 3 * i), draw(300, 3 * i + 1), draw(300, 3 * i + 2)))[0] for i in range(20)]
    assert np.mean([measure.value for measure in found]) == pytest.approx(0.05, abs=0.05)
    assert np.mean([measure.anchor for measure in found]) == pytest.approx(0.05, abs=0.05)
    assert sum(measure.p_value is not None and measure.p_value <= 0.05 for measure in found) <= 4


def test_what_cannot_be_asked(draw: Draw, comparison: Compare) -> None:
    assert band(comparison(draw(9, 1), draw(9, 2), None))[0].reason == "needs a holdout to compare with"
    assert "the smallest has 9" in band(comparison(draw(9, 1), draw(9, 2), draw(9, 3)))[0].reason
