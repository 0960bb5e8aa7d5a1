"""The anchors: what they keep of the table, and what they lose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.benchmarking.anchors import ANCHORS, bootstrap, independent

from .conftest import correlated

SIX = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6], "b": list("uvwxyz")})


@pytest.mark.parametrize("name", ANCHORS)
def test_rows_columns_and_dtypes_are_kept(name: str) -> None:
    frame = correlated(200).astype({"level": "category"})
    rows = ANCHORS[name](frame, 500, np.random.default_rng(0))
    assert len(rows) == 500
    assert rows.index.equals(pd.RangeIndex(500))
    assert rows.dtypes.equals(frame.dtypes)
    assert rows["count"].isna().any()


@pytest.mark.parametrize("name", ANCHORS)
def test_the_same_chance_gives_the_same_rows(name: str) -> None:
    one, same, other = (ANCHORS[name](SIX, 50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


@pytest.mark.parametrize(("rows", "counts"), [(4, {1}), (6, {1}), (12, {2}), (15, {2, 3})])
def test_a_bootstrap_holds_every_real_row_equally_often(rows: int, counts: set[int]) -> None:
    drawn = bootstrap(SIX, rows, np.random.default_rng(0))
    assert set(drawn.itertuples(index=False, name=None)) <= set(SIX.itertuples(index=False, name=None))
    assert set(drawn["a"].value_counts()) == counts


def test_independent_columns_make_every_pair_of_values() -> None:
    rows = independent(SIX, 2_000, np.random.default_rng(0))
    assert len(set(rows.itertuples(index=False, name=None))) == 36
    assert rows["a"].value_counts(normalize=True).sub(1 / 6).abs().max() < 0.03
