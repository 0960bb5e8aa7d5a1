from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.errors import DataError, ParameterError
from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.sequences.comparison import SequenceComparison, compare_sequences
from synthx_evaluation.sequences.tensor import Sequences, entity_codes

_COLUMNS = (
    Column(name="x", kind=Kind.DECIMAL),
    Column(name="c", kind=Kind.CATEGORICAL),
    Column(name="s", kind=Kind.DECIMAL, static=True),
)


def _sequences() -> Sequences:
    cells = np.array([[30.0, 0, 1], [10, 1, 2], [31, 0, 1], [np.nan, 1, 1]])
    return Sequences.of(_COLUMNS, ((), ("a", "b"), ()), cells, np.array([1, 0, 1, 1]), np.array([5.0, 0.0, 2.0, 5.0]))


def test_rows_are_sorted_by_entity_and_time_stably() -> None:
    found = _sequences()
    np.testing.assert_array_equal(found.cells[:, 0], [10, 31, 30, np.nan])
    assert found.times.tolist() == [0, 2, 5, 5]
    assert (found.lengths.tolist(), found.starts.tolist(), found.owners.tolist()) == ([1, 3], [0, 1], [0, 1, 1, 1])
    assert (found.positions.tolist(), found.gaps().tolist()) == ([0, 0, 1, 2], [3, 0])
    assert (found.pairs(1).tolist(), found.pairs(2).tolist(), found.pairs(3).tolist()) == ([1, 2], [1], [])
    assert (found.numbers.tolist(), found.discrete.tolist(), found.static.tolist()) == ([0], [1], [2])


def test_padding_taking_and_cutting() -> None:
    found = _sequences()
    values, present = found.padded(np.array([0]), 4)
    np.testing.assert_array_equal(values[..., 0], [[10, np.nan, np.nan, np.nan], [31, 30, np.nan, np.nan]])
    assert present.sum(axis=1).tolist() == [1, 3]
    taken = found.take(np.array([1, 0, 1]))
    assert taken.lengths.tolist() == [3, 1, 3]
    np.testing.assert_array_equal(taken.cells[:, 0], [31, 30, np.nan, 10, 31, 30, np.nan])
    cut = found.cut(2, np.random.default_rng(0))
    assert cut.lengths.tolist() == [1, 2]
    assert cut.times.tolist()[1:] in ([2, 5], [5, 5])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=40))
def test_sorting_keeps_every_row(rows: list[tuple[int, int]]) -> None:
    who, when = (np.array(part) for part in zip(*rows, strict=True))
    codes = np.unique(who, return_inverse=True)[1]
    found = Sequences.of(_COLUMNS[:1], ((),), np.arange(len(rows), dtype=float)[:, None], codes, when.astype(float))
    order = found.cells[:, 0].astype(int)
    assert sorted(order) == list(range(len(rows)))
    expected = pd.DataFrame({"who": who, "when": when}).sort_values(["who", "when"], kind="stable").index
    assert order.tolist() == expected.tolist()


def test_a_key_may_have_several_columns_and_be_stored_in_any_way() -> None:
    frame = pd.DataFrame({"ward": ["A", "B", "A"], "bed": [1.0, 1.0, 1.0]})
    codes, keys = entity_codes(frame, ["ward", "bed"], "train")
    assert (codes.tolist(), keys.tolist()) == ([0, 1, 0], [("A", "1"), ("B", "1")])
    with pytest.raises(DataError, match="column 'bed' of the train table names no entity in 1 rows, such as row 2"):
        entity_codes(frame.assign(bed=[1, 1, None]), ["ward", "bed"], "train")


def test_the_sides_are_shared_out_by_entity(
    draw: Callable[..., pd.DataFrame], compared: Callable[..., SequenceComparison]
) -> None:
    found = compared(draw(30, 1), draw(50, 2), draw(20, 3))
    assert [len(part) for part in found.parts] == [30, 30, 20]
    assert [len(part) for part in found.whole] == [30, 50, 20]
    assert found.reference is found.holdout
    assert [len(part) for part in compared(draw(30, 1), draw(50, 2)).parts] == [30, 50]


def test_what_is_refused(draw: Callable[..., pd.DataFrame], compared: Callable[..., Any], schema: Schema) -> None:
    table = draw(10, 1)
    with pytest.raises(
        DataError, match=r"the entity stay=100000 is both in the training and in the holdout table \(10"
    ):
        compared(table, table, table)
    with pytest.raises(
        DataError, match="the static column 'age' of the train table varies within the entity stay=100000"
    ):
        compared(table, table.assign(age=np.arange(len(table))), draw(10, 2))
    plain = Schema(tuple(column for column in schema if column.role is not Role.ENTITY))
    with pytest.raises(ParameterError, match="the schema names no entity"):
        compare_sequences(table, train=table, holdout=None, schema=plain, target=None, protected=(), seed=0)
    found = compared(table.assign(age=np.arange(len(table))), table.assign(stay=table["stay"] + 1), draw(10, 2))
    assert found.varying == {"age": 1.0}
