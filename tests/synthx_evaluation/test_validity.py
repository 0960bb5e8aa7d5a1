from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.record import Measure
from synthx_evaluation.validity import order_rules, validity

Draw = Callable[[int, int], pd.DataFrame]


def measured(schema: Schema, synthetic: pd.DataFrame, real: pd.DataFrame) -> list[Measure]:
    return validity(compare(synthetic, train=real, holdout=real, schema=schema, target=None, protected=(), seed=0))


def test_bounds_levels_and_missing_by_hand() -> None:
    schema = Schema(
        (
            Column(name="n", kind=Kind.INTEGER, lower=0, upper=10),
            Column(name="c", kind=Kind.CATEGORICAL, levels=("x", "y", "z")),
            Column(name="t", kind=Kind.DATETIME, lower="2020-01-01"),
        )
    )
    good = {"n": 5.0, "c": "x", "t": "2021-01-01"}
    real = pd.DataFrame([good, {**good, "c": "y"}])
    rows = [good, {**good, "c": "z"}, {**good, "n": 10.0}]
    rows += [{**good, **change} for change in ({"n": 11.0}, {"n": 2.5}, {"c": "q"}, {"t": "2019-12-31"}, {"n": np.nan})]
    cells = measured(schema, pd.DataFrame(rows), real)[0]
    assert cells.value == 3 / 8  # z is declared, 10 is within; the others break a rule each
    assert cells.anchor == 1
    assert cells.details["broken"][0] == {"column": "n", "share": 3 / 8}


def test_keys(draw: Draw, comparison: Callable[..., Comparison]) -> None:
    synthetic = draw(10, 1)
    assert validity(comparison(synthetic, draw(10, 2), draw(10, 3)))[1].value == 1.0
    synthetic.loc[0, "key"] = synthetic.loc[1, "key"]
    assert validity(comparison(synthetic, draw(10, 2), draw(10, 3)))[1].value == 0.8
    twice = draw(10, 2).assign(key=7)
    assert "is not unique in the training table" in validity(comparison(synthetic, twice, draw(10, 3)))[1].reason


def test_a_key_of_two_columns() -> None:
    schema = Schema(
        (
            Column(name="a", kind=Kind.CATEGORICAL, role=Role.ENTITY),
            Column(name="b", kind=Kind.CATEGORICAL, role=Role.ENTITY),
            Column(name="x", kind=Kind.DECIMAL),
        )
    )
    real = pd.DataFrame({"a": ["p", "p"], "b": ["q", "r"], "x": [1.0, 2.0]})
    keys = measured(schema, real.assign(b="q"), real)[1]
    assert (keys.value, keys.details["keys"]) == (0.0, {"a and b": 0.0})


ORDERED = Schema(tuple(Column(name=name, kind=Kind.DECIMAL) for name in ("low", "high", "far")))


def ordered(n: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    low = generator.normal(size=n)
    return pd.DataFrame({"low": low, "high": low + generator.exponential(size=n), "far": 100 + low})


def test_order_is_learned_and_checked(shuffle: Callable[[pd.DataFrame, int], pd.DataFrame]) -> None:
    real = ordered(500, 1)
    comparison = compare(real, train=real, holdout=real, schema=ORDERED, target=None, protected=(), seed=0)
    # low <= far holds as well, but so would it if they were independent: it says nothing.
    assert order_rules(comparison.tables) == [(0, 1)]
    assert measured(ORDERED, ordered(300, 2), real)[2].value == 1.0
    broken = measured(ORDERED, shuffle(real, 3), real)[2]
    assert broken.value is not None
    assert 0.5 < broken.value < 0.9
    assert broken.details["worst"][0]["rule"] == "low <= high"
    assert broken.details["worst"][0]["broken"] == pytest.approx(1 - broken.value)


def test_no_rule(draw: Draw, comparison: Callable[..., Comparison]) -> None:
    assert "no order of two columns" in validity(comparison(draw(80, 1), draw(80, 2), draw(80, 3)))[2].reason
