from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation import Judge, Measure, Status
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.judges import discriminative, predictive

torch = pytest.importorskip("torch")
Draw = Callable[..., pd.DataFrame]
Compared = Callable[..., SequenceComparison]
QUICK = Judge(runs=1, discriminative_steps=250, predictive_steps=300)


def _value(measures: list[Measure]) -> float:
    (measure,) = measures
    assert measure.value is not None
    return measure.value


def test_fresh_sequences_are_not_told_apart_and_moved_ones_are(draw: Draw, compared: Compared) -> None:
    real, fresh = (draw(250, seed, shortest=3, longest=4) for seed in (1, 2))
    (honest,) = discriminative(compared(fresh, real), QUICK)
    assert honest.value is not None
    assert honest.value < 0.12
    assert honest.details["tested_sequences"] == 100
    assert honest.details["noise_floor"] == pytest.approx(0.05 * (2 / np.pi) ** 0.5)
    moved = fresh.assign(pulse=fresh["pulse"] + 40)
    assert _value(discriminative(compared(moved, real), QUICK)) > 0.4


def test_missing_cells_give_sequences_away(draw: Draw, compared: Compared) -> None:
    real, fresh = (draw(250, seed, shortest=3, longest=4) for seed in (1, 2))
    bare = fresh.assign(pressure=fresh["pressure"].where(np.arange(len(fresh)) % 10 == 0))
    assert _value(discriminative(compared(bare, real), QUICK)) > 0.3


def test_prediction_needs_the_relation(draw: Draw, compared: Compared) -> None:
    """The pressure follows the pulse; where synthetic ones have it the other way round, prediction fails."""
    train, holdout, fresh = (draw(250, seed, shortest=3, longest=4) for seed in (1, 2, 3))
    (honest,) = predictive(compared(fresh, train, holdout), QUICK)
    assert honest.anchor is not None
    assert honest.value == pytest.approx(honest.anchor, abs=0.02)
    assert honest.value < honest.details["constant"]
    assert honest.details["predicted"] == "pressure"
    turned = fresh.assign(pressure=fresh["pulse"] + 30)
    assert _value(predictive(compared(turned, train), Judge(1, 1, 200))) > honest.details["constant"]


def test_the_caller_keeps_its_random_numbers(draw: Draw, compared: Compared) -> None:
    comparison = compared(draw(60, 1), draw(60, 2), draw(60, 3))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = discriminative(comparison, Judge(1, 3, 3))
    torch.testing.assert_close(torch.rand(3), expected)
    assert discriminative(comparison, Judge(1, 3, 3)) == first


def test_single_steps_cannot_be_predicted(draw: Draw, compared: Compared) -> None:
    parts = [draw(60, seed).drop_duplicates("stay") for seed in (1, 2, 3)]
    (measure,) = predictive(compared(*parts), QUICK)
    assert measure.status is Status.SKIPPED
    assert "two known steps" in measure.reason
