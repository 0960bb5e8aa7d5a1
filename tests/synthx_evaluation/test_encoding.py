from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.errors import DataError
from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.encoding import Tables, assessed, encode


def encode_one(kind: Kind, train: object, synthetic: object, **fields: str) -> Tables:
    schema = Schema((Column(name="x", kind=kind, **fields),))
    return encode(schema, synthetic=pd.DataFrame({"x": synthetic}), train=pd.DataFrame({"x": train}))


def test_what_is_assessed() -> None:
    columns = [Column(name=str(kind), kind=kind) for kind in Kind]
    columns.append(Column(name="who", kind=Kind.INTEGER, role=Role.ENTITY))
    names = [column.name for column in assessed(Schema(tuple(columns)))]
    assert names == ["categorical", "ordinal", "integer", "decimal", "boolean", "datetime"]


def test_levels_of_real_rows_come_first_and_new_ones_keep_a_number() -> None:
    tables = encode_one(Kind.CATEGORICAL, ["b", "a", None, "b"], ["a", "new", None])
    assert tables.levels == (("b", "a", "new"),)
    np.testing.assert_array_equal(tables.train[:, 0], [0, 1, np.nan, 0])
    np.testing.assert_array_equal(tables.synthetic[:, 0], [1, 2, np.nan])


@pytest.mark.parametrize(
    ("train", "synthetic"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0]),
        ([1, 2, 3], ["1", "2", "3"]),
        (pd.array([1, 2, 3], dtype="Int64"), pd.Categorical([1, 2, 3])),
        (pd.Series([1, 2, 3], dtype="int64[pyarrow]"), np.array([1, 2, 3], dtype=np.uint8)),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.1 + 0.2]),
        ([True, False, True], [1, 0, 1]),
        ([1, 0, 1], [True, False, True]),
        ([True, False, True], ["True", "False", "True"]),
        (["True", "False", "True"], ["1", "0", "1"]),
        (pd.array(["a", "b", "c"], dtype="string"), pd.Categorical(["a", "b", "c"])),
    ],
)
def test_how_a_level_is_stored_does_not_count(train: object, synthetic: object) -> None:
    tables = encode_one(Kind.CATEGORICAL, train, synthetic)
    np.testing.assert_array_equal(tables.train, tables.synthetic)


@pytest.mark.parametrize(
    "synthetic",
    [
        [1.5, np.nan, 3.0],
        ["1.5", None, "3"],
        [Decimal("1.5"), None, Decimal(3)],
        pd.Categorical([1.5, None, 3.0]),
        pd.array([1.5, None, 3.0], dtype="Float64"),
        pd.Series([1.5, None, 3.0], dtype="double[pyarrow]"),
    ],
)
def test_how_a_number_is_stored_does_not_count(synthetic: object) -> None:
    tables = encode_one(Kind.DECIMAL, [1.5, None, 3.0], synthetic)
    np.testing.assert_array_equal(tables.synthetic[:, 0], [1.5, np.nan, 3.0])
    np.testing.assert_array_equal(tables.train, tables.synthetic)


@pytest.mark.parametrize(
    ("cells", "format"),
    [
        (pd.to_datetime(["2024-03-20", None, "1970-01-02"]), None),
        (pd.to_datetime(["2024-03-20", None, "1970-01-02"]).as_unit("s"), None),
        (pd.to_datetime(["2024-03-20", None, "1970-01-02"]).tz_localize("UTC").tz_convert("Asia/Tokyo"), None),
        (["2024-03-20", None, "1970-01-02"], None),
        (["20/03/2024", None, "02/01/1970"], "%d/%m/%Y"),
        ([20240320, None, 19700102], "%Y%m%d"),
        (pd.array([20240320, None, 19700102], dtype="Int64"), "%Y%m%d"),
        ([dt.date(2024, 3, 20), None, dt.date(1970, 1, 2)], None),
        (pd.PeriodIndex(["2024-03-20", "NaT", "1970-01-02"], freq="D"), None),
        (["2024-03-20", None, "1970-01-02"], "%d/%m/%Y"),  # the other writer's format
    ],
)
def test_times_become_seconds(cells: object, format: str | None) -> None:  # noqa: A002
    given = {} if format is None else {"format": format}
    tables = encode_one(Kind.DATETIME, pd.Series(cells), pd.Series(cells), **given)
    np.testing.assert_array_equal(tables.train[:, 0], [1_710_892_800, np.nan, 86_400])


def test_a_time_of_day() -> None:
    tables = encode_one(Kind.DATETIME, ["01:00:30", "00:00:00"], ["00:00:00"], format="%H:%M:%S")
    assert tables.train[0, 0] - tables.train[1, 0] == 3630


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        (Kind.INTEGER, ["1", "many"], "column 'x' of the synthetic table holds 'many' in row 1, not a number"),
        (Kind.DECIMAL, [0.0, -np.inf], "column 'x' of the synthetic table holds -inf in row 1"),
        (Kind.DATETIME, ["2024-01-01", "soon"], "column 'x' of the synthetic table holds 'soon' in row 1, not a time"),
    ],
)
def test_cells_that_cannot_be_read(kind: Kind, cells: list[object], message: str) -> None:
    fine = ["2024-01-01"] if kind is Kind.DATETIME else [1]
    with pytest.raises(DataError, match=message):
        encode_one(kind, fine, cells)


def test_capped_joins_levels_rare_among_real_rows() -> None:
    tables = encode_one(Kind.CATEGORICAL, list("aabbbcd"), list("zzzzzd"))
    capped = tables.capped(3)
    assert capped.levels == (("b", "a", "(other)"),)
    assert capped.train[:, 0].tolist() == [1, 1, 0, 0, 0, 2, 2]
    assert capped.synthetic[:, 0].tolist() == [2] * 6
    assert tables.capped(5).levels == tables.levels


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30), st.integers(2, 4))
def test_capping_changes_neither_missing_nor_frequent_levels(cells: list[str | None], limit: int) -> None:
    tables = encode_one(Kind.CATEGORICAL, [*cells, "a"], cells)
    capped = tables.capped(limit)
    np.testing.assert_array_equal(np.isnan(capped.synthetic), np.isnan(tables.synthetic))
    assert np.nan_to_num(capped.synthetic).max() < limit


def test_a_column_without_values() -> None:
    tables = encode_one(Kind.DECIMAL, [None, None], [None])
    assert np.isnan(tables.train).all()
    assert encode_one(Kind.CATEGORICAL, [None, None], [None]).levels == ((),)
