from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.ranking import ranking, spearman

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def test_spearman_by_hand() -> None:
    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 30, 20])) == pytest.approx(0.5)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1.0, 1, 1]), np.array([3.0, 2, 1])) == 0


@pytest.mark.parametrize("target", ["ill", "income"])
def test_five_models_are_scored(target: str, draw: Draw, comparison: Compare) -> None:
    (found,) = ranking(comparison(draw(500, 1), draw(500, 2), draw(300, 3), target=target))
    models = found.details["models"]
    assert list(models) == ["linear", "boosted", "tree", "forest", "neighbours"]
    assert all(0.5 < scores["real"] < 1 for scores in models.values())
    for name in ("value", "anchor"):
        assert -1 <= getattr(found, name) <= 1
    by_hand = [[models[name][side] for name in models] for side in ("real", "synthetic")]
    assert found.value == spearman(np.array(by_hand[0]), np.array(by_hand[1]))
    assert found.details["best_of_real"] in models


def test_no_target(draw: Draw, comparison: Compare) -> None:
    (found,) = ranking(comparison(draw(500, 1), draw(500, 2), draw(300, 3), target="key"))
    assert "neither discrete nor a number" in found.reason
