from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from synthx.codec.categorical import RARE, CategoricalCodec
from synthx.condition import MISSING, Between, OneOf


def cells(*counts: tuple[object, int]) -> pd.Series:
    return pd.Series([value for value, count in counts for _ in range(count)], dtype=object)


def test_codes_are_missing_then_levels_then_rare() -> None:
    codec = CategoricalCodec.fit(cells(("b", 10), ("a", 12), (None, 3), ("z", 2)), rare_threshold=10)
    assert codec.levels == ("a", "b")
    assert codec.encode(cells((None, 1), ("a", 1), ("b", 1), ("z", 1), ("new", 1))).tolist() == [0, 1, 2, 3, 3]
    assert codec.drawn.tolist() == [True, True, True, False]


def test_rare_levels_are_not_stored() -> None:
    codec = CategoricalCodec.fit(cells(("common", 50), ("secret-7", 9)), rare_threshold=10)
    assert "secret-7" not in json.dumps(codec.to_dict())


def test_declared_levels_are_kept_however_rare() -> None:
    codec = CategoricalCodec.fit(cells((0, 50), (1, 2)), rare_threshold=10, declared=(0, 1))
    assert codec.levels == (0, 1)
    assert not codec.has_rare


def test_where_all_levels_are_rare_a_placeholder_stands_for_them() -> None:
    codec = CategoricalCodec.fit(cells(("x", 3), ("y", 4)), rare_threshold=10)
    assert codec.decode(codec.encode(cells(("x", 1), ("y", 1)))).tolist() == [RARE, RARE]


def test_an_unknown_level_without_a_rare_code_is_minus_one() -> None:
    codec = CategoricalCodec.fit(cells(("a", 10)), rare_threshold=10)
    assert codec.encode(cells(("b", 1))).tolist() == [-1]


def test_numbers_as_levels_stay_numbers_in_order() -> None:
    codec = CategoricalCodec.fit(pd.Series(np.repeat([10, 9, 2], 10)), rare_threshold=10)
    assert codec.levels == (2, 9, 10)
    assert all(isinstance(level, int) for level in codec.levels)


@pytest.mark.parametrize(("asked", "code"), [(1, 0), (1.0, 0), ("1", 0), (np.int64(2), 1)])
def test_a_level_may_be_written_in_any_way_that_means_it(asked: object, code: int) -> None:
    codec = CategoricalCodec(nullable=False, levels=(1, 2), has_rare=False)
    assert codec.window(OneOf((asked,))).only_code == code


def test_true_is_not_one() -> None:
    codec = CategoricalCodec(nullable=False, levels=(False, True), has_rare=False)
    assert codec.window(OneOf((True,))).only_code == 1
    assert not codec.window(OneOf((1,))).weights.any()
    assert codec.window(OneOf(("True",))).only_code == 1


def test_a_range_of_ordered_levels() -> None:
    codec = CategoricalCodec(nullable=True, levels=("low", "mid", "high"), has_rare=False, ordered=True)
    assert codec.window(Between("mid", None)).weights.tolist() == [0, 0, 1, 1]


def test_missing_can_be_asked_for_only_where_it_occurs() -> None:
    assert CategoricalCodec(True, ("a",), False).window(MISSING).only_code == 0
    assert not CategoricalCodec(False, ("a",), False).window(MISSING).weights.any()
