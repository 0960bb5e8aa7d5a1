from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.contingency import MAX_BINS, bins_of, blocks_of, strip
from synthx_evaluation.encoding import Tables, encode

SCHEMA = Schema((Column(name="a", kind=Kind.DECIMAL), Column(name="b", kind=Kind.CATEGORICAL)))


def tables_of(frame: pd.DataFrame) -> Tables:
    return encode(SCHEMA, synthetic=frame, train=frame)


def test_few_values_have_a_bin_each() -> None:
    tables = tables_of(pd.DataFrame({"a": [5.0, 7.0, np.nan, 5.0, 9.0], "b": ["x", "y", "x", None, "x"]}))
    bins = bins_of(tables)
    assert bins.sizes.tolist() == [4, 3]
    assert bins.codes(tables.train).tolist() == [[0, 1, 3, 0, 2], [0, 1, 0, 2, 0]]


def test_many_values_fall_into_equal_bins() -> None:
    tables = tables_of(pd.DataFrame({"a": np.arange(1000.0), "b": "x"}))
    codes = bins_of(tables).codes(tables.train)
    assert np.bincount(codes[0]).tolist() == [1000 // MAX_BINS] * MAX_BINS


def test_a_value_that_piles_up_has_a_bin_of_its_own() -> None:
    values = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])
    tables = tables_of(pd.DataFrame({"a": values, "b": "x"}))
    counts = np.bincount(bins_of(tables).codes(tables.train)[0])
    assert counts[0] == 900
    assert counts[1:].tolist() == [50, 50]


def test_blocks_cover_every_row_once() -> None:
    assert blocks_of(5, 2) == [slice(0, 2), slice(2, 5)]
    assert sum(len(range(*block.indices(7))) for block in blocks_of(7, 20)) == 7


@given(st.integers(0, 1000), st.integers(1, 60))
def test_strip_counts_what_crosstab_counts(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    sizes = np.array([3, 2, 4])
    codes = np.stack([generator.integers(0, size, rows) for size in sizes]).astype(np.int32)
    found = strip(codes, sizes, 0, blocks_of(rows, 4))
    assert found.counts.shape == (4, 3, 6)
    for j, columns in ((1, slice(0, 2)), (2, slice(2, 6))):
        expected = np.zeros((3, sizes[j]))
        np.add.at(expected, (codes[0], codes[j]), 1 / rows)
        np.testing.assert_allclose(found.shares()[:, columns], expected)


def test_strip_by_hand() -> None:
    # Column 1 equals column 0, column 2 has nothing to do with it.
    codes = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]], dtype=np.int32)
    found = strip(codes, np.array([2, 2, 2]), 0, blocks_of(4, 2))
    assert found.shares().tolist() == [[0.5, 0.0, 0.25, 0.25], [0.0, 0.5, 0.25, 0.25]]
    assert found.independent().tolist() == [[0.25] * 4] * 2
    assert found.distance(found.shares(), found.independent()).tolist() == [0.5, 0.0]
    assert found.association().tolist() == pytest.approx([1.0, 0.0])
    # Without the first two rows column 0 is always 1.
    assert found.shares_without()[0].tolist() == [[0, 0, 0, 0], [0, 1, 0.5, 0.5]]
