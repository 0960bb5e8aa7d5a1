from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Kind
from synthx_evaluation.sequences.comparison import compare_sequences
from synthx_evaluation.sequences.features import features_of

Tiny = Callable[..., Any]


def _features(tiny: Tiny, *entities: list[Any], **options: Any) -> pd.DataFrame:
    frame, schema = tiny(*entities, **options)
    found = features_of(
        compare_sequences(frame, train=frame, holdout=None, schema=schema, target=None, protected=(), seed=0)
    )
    assert all(part.shape == (len(entities), len(found.names)) for part in found.parts)
    return pd.DataFrame(found.parts[1], columns=list(found.names)).sort_values("steps", ignore_index=True)


def test_features_of_numbers(tiny: Tiny) -> None:
    found = _features(tiny, [1.0, 2.0, None, 6.0], [5.0], times=[[0, 1, 2, 3], [7]]).iloc[1]
    assert {name: found[f"x: {name}"] for name in ("mean", "lowest", "highest", "first", "last", "missing")} == {
        "mean": 3.0, "lowest": 1.0, "highest": 6.0, "first": 1.0, "last": 6.0, "missing": 0.25,
    }  # fmt: skip
    assert found["x: deviation"] == pytest.approx((14 / 3) ** 0.5)  # of 1, 2, 6
    assert found["x: slope"] == pytest.approx(8 / (14 / 3))  # times 0, 1, 3: sum of products over sum of squares
    assert found["x: lag-1 autocorrelation"] == pytest.approx(2 / 14)  # (1 - 3)(2 - 3) over 4 + 1 + 9
    assert found["x: mean step"] == 1.0  # from 1 to 2, the only neighbours
    assert found[["steps", "first time", "span", "mean gap", "longest gap"]].to_list() == [4, 0, 3, 1, 1]


def test_features_of_one_step(tiny: Tiny) -> None:
    found = _features(tiny, [1.0, 2.0], [5.0], times=[[0, 1], [7]]).iloc[0]
    assert found[["x: mean", "x: deviation", "x: first", "steps", "first time", "span"]].to_list() == [5, 0, 5, 1, 7, 0]
    names = ["x: slope", "x: lag-1 autocorrelation", "x: mean step", "mean gap", "longest gap"]
    assert found[names].isna().all()


def test_features_of_a_constant_and_of_nothing(tiny: Tiny) -> None:
    found = _features(tiny, [0.1] * 7, [None, None, None], [1.0, 2.0])
    assert found.loc[2, ["x: deviation", "x: slope", "x: mean step"]].to_list() == [0, 0, 0]
    assert found.loc[1, ["x: missing", "steps"]].to_list() == [1, 3]
    assert found.loc[1].isna().sum() == 9  # all other features of x


def test_features_of_levels(tiny: Tiny) -> None:
    found = _features(tiny, ["a", "b", "b", None, "a"], ["b", "b"], kind=Kind.CATEGORICAL).iloc[1]
    assert found[["x: share of a", "x: share of b", "x: missing", "x: changes", "steps"]].to_list() == [
        0.4, 0.4, 0.2, 3, 5,
    ]  # fmt: skip


def test_a_long_table_takes_seconds() -> None:
    from time import process_time

    from synthx.schema import Column, Role, Schema

    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.random((90_000, 20)), columns=[f"x{j}" for j in range(20)])
    frame["who"] = generator.integers(0, 2000, len(frame))
    columns = [Column(name=name, kind=Kind.DECIMAL) for name in frame if name != "who"]
    schema = Schema((*columns, Column(name="who", kind=Kind.IDENTIFIER, role=Role.ENTITY)))
    start = process_time()
    features_of(compare_sequences(frame, train=frame, holdout=None, schema=schema, target=None, protected=(), seed=0))
    assert process_time() - start < 10
