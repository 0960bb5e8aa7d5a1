from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.fidelity import pairs, shapes
from synthx_evaluation.record import Status

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def of(schema: Schema, synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None) -> Comparison:
    given: dict[str, Any] = {"schema": schema, "target": None, "protected": (), "seed": 0}
    return compare(synthetic, train=train, holdout=holdout, **given)


NUMBER = Schema((Column(name="x", kind=Kind.DECIMAL),))
TWO = Schema((Column(name="a", kind=Kind.CATEGORICAL), Column(name="b", kind=Kind.CATEGORICAL)))


def test_shape_by_hand() -> None:
    real = pd.DataFrame({"x": [1.0, 2.0, 3.0, None]})
    (measure,) = shapes(of(NUMBER, pd.DataFrame({"x": [1.0, 2.0, None, None]}), real, None))
    assert measure.value == 0.75  # 3 is gone, one more is missing: a quarter of the rows
    assert measure.anchor is None
    assert measure.interval is None  # four rows
    assert measure.details["columns"]["x"] == {
        "value": 0.75, "anchor": None, "distance": "Kolmogorov-Smirnov", "missing": 0.5, "missing_real": 0.25,
    }  # fmt: skip


def test_the_holdout_is_the_reference_and_training_rows_give_the_anchor() -> None:
    train, holdout = pd.DataFrame({"x": [0.0, 0.0, 0.0, 1.0]}), pd.DataFrame({"x": [0.0, 1.0]})
    (measure,) = shapes(of(NUMBER, pd.DataFrame({"x": [1.0] * 4}), train, holdout))
    assert (measure.value, measure.anchor) == (0.5, 0.75)
    assert measure.details["reference"] == "holdout"


def test_pairs_by_hand() -> None:
    # Real: b equals a. Synthetic: the same margins, independent; half of the rows lie in the wrong cell.
    real = pd.DataFrame({"a": ["x", "x", "y", "y"] * 10, "b": ["x", "x", "y", "y"] * 10})
    mixed = pd.DataFrame({"a": ["x", "x", "y", "y"] * 10, "b": ["x", "y", "x", "y"] * 10})
    plain, weighted = pairs(of(TWO, mixed, real, real))
    assert (plain.value, plain.anchor, weighted.value, weighted.anchor) == (0.5, 1.0, 0.5, 1.0)
    assert plain.details["independent_columns"] == pytest.approx(0.5)
    (worst,) = weighted.details["worst"]
    assert worst == {"columns": ["a", "b"], "value": 0.5, "anchor": 1.0, "association": pytest.approx(1.0)}


def test_unrelated_pairs_do_not_inflate_the_weighted_mean(shuffle: Callable[[pd.DataFrame, int], pd.DataFrame]) -> None:
    generator = np.random.default_rng(0)
    noise = {f"noise{i}": generator.integers(0, 2, 4000) for i in range(8)}
    real = pd.DataFrame({"a": noise["noise0"], "b": noise["noise0"], **noise}).drop(columns="noise0")
    schema = Schema(tuple(Column(name=name, kind=Kind.CATEGORICAL) for name in real))
    plain, weighted = pairs(of(schema, shuffle(real[:2000], 1), real[:2000], real[2000:]))
    assert plain.value is not None
    assert weighted.value is not None
    assert plain.value > 0.95  # one of 36 pairs is wrong
    assert weighted.value < 0.65  # and it is the one that matters
    assert weighted.details["worst"][0]["columns"] == ["a", "b"]


def test_shuffled_columns_keep_shapes_and_lose_pairs(
    draw: Draw, shuffle: Callable[[pd.DataFrame, int], pd.DataFrame], comparison: Compare
) -> None:
    train, holdout = draw(3000, 1), draw(1500, 2)
    broken = comparison(shuffle(train, 3), train, holdout)
    shape, (plain, weighted) = shapes(broken)[0], pairs(broken)
    assert shape.value == pytest.approx(shape.anchor, abs=1e-9)  # the very same values
    assert weighted.value is not None
    assert plain.value is not None
    assert weighted.anchor is not None
    assert weighted.value < plain.value < 0.9
    assert weighted.value < weighted.anchor - 0.1
    assert weighted.value == pytest.approx(weighted.details["independent_columns"], abs=0.05)


def test_intervals_hold_the_spread_of_fresh_draws(draw: Draw, comparison: Compare) -> None:
    # The interval of one comparison against the spread over 30 independent ones. The standard deviation of 30 draws
    # lies within a factor 1.5 of the truth 999 times in 1,000; the jackknife adds its own error: a factor 2 is asked.
    for measure in (shapes, pairs):
        records = [
            measure(comparison(draw(400, 3 * i), draw(400, 3 * i + 1), draw(400, 3 * i + 2)))[0] for i in range(30)
        ]
        values = [record.value for record in records]
        widths = [record.interval[1] - record.interval[0] for record in records if record.interval]
        assert 0.5 < np.mean(widths) / (2 * 1.96 * np.std(values, ddof=1)) < 2


def test_fresh_rows_score_like_the_anchor(draw: Draw, comparison: Compare) -> None:
    fresh = comparison(draw(6000, 4), draw(1500, 5), draw(1500, 6))  # more rows than in training are drawn down
    for measure in [*shapes(fresh), *pairs(fresh)]:
        assert measure.value == pytest.approx(measure.anchor, abs=0.015)
        assert measure.n == 1500


def test_order_of_rows_and_units_do_not_count(draw: Draw, comparison: Compare) -> None:
    parts = [draw(300, seed) for seed in (7, 8, 9)]
    scaled = [part.assign(income=part["income"] * 100, age=-part["age"])[::-1] for part in parts]
    first, second = comparison(*parts), comparison(*scaled)
    assert shapes(first)[0].value == pytest.approx(shapes(second)[0].value)
    assert pairs(first)[0].value == pytest.approx(pairs(second)[0].value, abs=0.01)  # bins are closed on one side


def test_nothing_to_compare(comparison: Compare) -> None:
    keys = Schema((Column(name="key", kind=Kind.IDENTIFIER),))
    table = pd.DataFrame({"key": [1, 2]})
    lone = of(keys, table, table, table)
    assert [measure.status for measure in [*shapes(lone), *pairs(lone)]] == [Status.NOT_APPLICABLE] * 3
    assert "has 1" in pairs(of(NUMBER, pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]}), None))[0].reason
    flat = pd.DataFrame({"a": ["x"] * 9, "b": ["y"] * 9})
    plain, weighted = pairs(of(TWO, flat, flat, flat))
    assert plain.value == 1.0
    assert weighted.reason == "no two columns of the real rows are associated"
