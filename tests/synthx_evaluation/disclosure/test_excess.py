from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.disclosure import Copies, row_keys
from synthx_evaluation.encoding import Tables, encode


def count_copies(tables: Tables) -> Copies:
    synthetic, train, holdout = row_keys(tables)
    assert holdout is not None
    return Copies.of(synthetic, train, holdout)


def test_by_hand() -> None:
    both = Copies(train=2, holdout=2, train_found=2, holdout_found=0)
    assert both.excess == 1
    assert both.p_value == pytest.approx(1 / 6)  # one of six ways to place two finds in four rows
    assert Copies(2, 2, 1, 1).p_value == pytest.approx(5 / 6)
    assert Copies(2, 2, 0, 2).p_value == 1


def test_what_fishers_test_may_add_by_chance() -> None:
    assert Copies(2, 2, 2, 0).attained(0.5) == pytest.approx(1 / 6)
    assert Copies(2, 2, 2, 0).attained(0.1) == 0
    assert Copies(500, 500, 0, 0).attained(0.9) == 0  # nothing found: no chance of an alarm, and no price
    assert Copies(500, 500, 100, 90).attained(0.05) <= 0.05


def test_detectable() -> None:
    copies = Copies(train=1_000, holdout=1_000, train_found=0, holdout_found=0)
    found = round(copies.detectable * 1_000)
    assert found == 5  # 2^-5 < 5% < 2^-4
    assert Copies(1_000, 1_000, found, 0).p_value <= 0.05 < Copies(1_000, 1_000, found - 1, 0).p_value


def test_one_copy_in_a_hundred_is_found_though_a_subsample_misses_it() -> None:
    generator = np.random.default_rng(0)
    train, holdout, synthetic = (pd.DataFrame({"x": generator.normal(size=1_000)}) for _ in range(3))
    synthetic[:10] = train[:10]
    tables = encode(Schema((Column(name="x", kind=Kind.DECIMAL),)), synthetic=synthetic, train=train, holdout=holdout)
    copies = count_copies(tables)
    assert (copies.train_found, copies.holdout_found) == (10, 0)
    assert copies.p_value < 0.001
    part = encode(
        Schema((Column(name="x", kind=Kind.DECIMAL),)),
        synthetic=synthetic.sample(100, random_state=1), train=train.sample(100, random_state=1), holdout=holdout,
    )  # fmt: skip
    assert count_copies(part).p_value > 0.05


def test_unequal_sizes() -> None:
    # 40 of 2,000 training and 10 of 500 holdout rows stand in the table: the same share, no leak, though 40 > 10.
    copies = Copies(train=2_000, holdout=500, train_found=40, holdout_found=10)
    assert copies.excess == 0
    assert copies.p_value > 0.5
