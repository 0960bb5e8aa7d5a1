from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import compare
from synthx_evaluation.fidelity import shapes
from synthx_evaluation.record import Measure
from synthx_evaluation.tails import MOST, tails

NUMBER = Schema((Column(name="x", kind=Kind.DECIMAL),))


def measured(synthetic: Any, train: Any, holdout: Any) -> Measure:
    frames = [pd.DataFrame({"x": part}) for part in (synthetic, train, holdout)]
    comparison = compare(
        frames[0], train=frames[1], holdout=frames[2], schema=NUMBER, target=None, protected=(), seed=0
    )
    return tails(comparison)[0]


def test_by_hand() -> None:
    real = np.arange(201.0)  # quartiles 50 and 150, 1% at 2 and 99% at 198
    found = measured(real * 2, real, real)  # 1% at 4, 99% at 396
    assert found.details["columns"]["x"]["low"] == pytest.approx(0.02)
    assert found.details["columns"]["x"]["high"] == pytest.approx(1.98)
    assert found.value == pytest.approx(1.0)
    assert found.anchor == 0


def test_tails_show_what_shapes_do_not() -> None:
    generator = np.random.default_rng(0)
    train, holdout = generator.standard_t(2, size=(2, 4000))
    cut = np.clip(train, -3, 3)
    found = measured(cut, train, holdout)
    assert found.value is not None
    assert found.anchor is not None
    assert found.value > found.anchor + 1
    frame = [pd.DataFrame({"x": part}) for part in (cut, train, holdout)]
    comparison = compare(frame[0], train=frame[1], holdout=frame[2], schema=NUMBER, target=None, protected=(), seed=0)
    assert (shapes(comparison)[0].value or 0) > 0.93


def test_units_and_one_absurd_value() -> None:
    generator = np.random.default_rng(1)
    parts = generator.normal(size=(3, 500))
    first, scaled = measured(*parts), measured(*(part * 1000 + 7 for part in parts))
    assert scaled.value == pytest.approx(first.value)
    absurd = measured(np.full(500, 1e30), *parts[1:])
    assert absurd.value == MOST


def test_too_little_to_tell() -> None:
    assert "is known in 100 rows" in measured([1.0] * 99, np.arange(200.0), np.arange(200.0)).reason
    assert "that varies" in measured([1.0] * 200, [1.0] * 200, [1.0] * 200).reason
