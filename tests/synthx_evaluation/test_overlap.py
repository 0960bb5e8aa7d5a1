from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthx_evaluation
from synthx.errors import DataError
from synthx_evaluation.overlap import check_keys


def keys(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def test_a_holdout_of_training_rows_is_refused_and_counted() -> None:
    train = np.arange(1_000, dtype=np.uint64)
    with pytest.raises(DataError, match="300 of 300 holdout rows stand in the training table too.*about 0"):
        check_keys(train, train[:300], of="rows")
    part = np.concatenate([train[:10], np.arange(5_000, 5_290, dtype=np.uint64)])
    with pytest.raises(DataError, match="10 of 300 holdout rows"):
        check_keys(train, part, of="rows")


def test_a_few_people_who_are_in_the_data_twice_are_not() -> None:
    train = np.arange(1_000, dtype=np.uint64)
    check_keys(train, np.concatenate([train[:6], np.arange(5_000, 5_294, dtype=np.uint64)]), of="rows")  # 2% of 300
    check_keys(keys(1), keys(2), of="rows")


def test_coarse_tables_repeat_rows_honestly() -> None:
    # With 50 rows of 200 possible ones each, most rows have a twin: no false alarm in 200 tables.
    generator = np.random.default_rng(0)
    for _ in range(200):
        train, holdout = (generator.integers(0, 200, size).astype(np.uint64) for size in (400, 100))
        check_keys(train, holdout, of="rows")


def test_evaluate_refuses_before_it_measures() -> None:
    generator = np.random.default_rng(0)
    train = pd.DataFrame({"x": generator.normal(size=200), "y": generator.normal(size=200)})
    with pytest.raises(DataError, match="50 of 50 holdout rows.*synthx split"):
        synthx_evaluation.evaluate(train, train=train, holdout=train[:50])
