from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.fidelity import pairs
from synthx_evaluation.marginals import SETS, marginals, threes

Draw = Callable[[int, int], pd.DataFrame]
THREE = Schema(tuple(Column(name=name, kind=Kind.CATEGORICAL) for name in "abc"))


def of(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None) -> Comparison:
    return compare(synthetic, train=train, holdout=holdout, schema=THREE, target=None, protected=(), seed=0)


def test_parity_is_seen_in_three_columns_only() -> None:
    # c is 1 where a and b differ: every pair is independent, the three together are not.
    a, b = np.array([0, 0, 1, 1] * 50), np.array([0, 1, 0, 1] * 50)
    real = pd.DataFrame({"a": a, "b": b, "c": a ^ b})
    apart = pd.DataFrame({"a": np.repeat(a, 2), "b": np.repeat(b, 2), "c": np.tile([0, 1], 200)})
    comparison = of(apart, pd.concat([real, real]), real)
    assert pairs(comparison)[0].value == pytest.approx(1)
    triples, score = marginals(comparison)
    # Four of eight cells hold 1/4 in real rows; the synthetic rows put 1/8 into all eight.
    assert triples.value == pytest.approx(0.5)
    assert score.value == pytest.approx(500)
    assert (triples.anchor, score.anchor) == (1.0, 1000.0)
    assert triples.details["worst"][0]["weight"] == pytest.approx(0.5)
    assert triples.details["worst"][0]["columns"] == ["a", "b", "c"]


def test_threes_are_all_or_distinct_random_ones() -> None:
    generator = np.random.default_rng(0)
    assert threes(4, generator).tolist() == [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]
    found = threes(40, generator)
    assert len(np.unique(found, axis=0)) == SETS
    assert (np.diff(found, axis=1) > 0).all()


def test_fresh_rows_score_like_the_anchor(draw: Draw, comparison: Callable[..., Comparison]) -> None:
    for measure in marginals(comparison(draw(1500, 1), draw(1500, 2), draw(1500, 3))):
        assert measure.value == pytest.approx(measure.anchor, rel=0.03)
        assert measure.interval is not None
        assert measure.interval[0] < measure.value < measure.interval[1]


def test_two_columns_are_no_three(draw: Draw) -> None:
    schema = Schema(THREE.columns[:2])
    table = pd.DataFrame({"a": ["x"], "b": ["y"]})
    found = marginals(compare(table, train=table, holdout=None, schema=schema, target=None, protected=(), seed=0))
    assert {measure.reason for measure in found} == {"a set of three needs three columns to learn, the schema has 2"}
