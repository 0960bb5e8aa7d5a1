"""Frames of other libraries in and out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from synthx.connectors import from_frame, to_frame
from synthx.errors import DataError, ParameterError


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": pd.array([2**60 + 1, None], dtype="Int64"),
            "alive": pd.array([True, None], dtype="boolean"),
            "weight": [0.1, 2.0],
            "born": [dt.date(1900, 1, 1), None],
            "seen": pd.Series(["2024-03-31 02:30", None], dtype="datetime64[us]"),
            "paid": pd.Series(["2024-03-31 00:30", None], dtype="datetime64[us, UTC]").dt.tz_convert("Europe/Berlin"),
            "name": ["ü", None],
            "ward": pd.Categorical(["a", "b"]),
        }
    )


@pytest.mark.parametrize("backend", ["polars", "pyarrow", "pandas"])
def test_there_and_back(backend: str) -> None:
    if backend == "polars":
        pytest.importorskip("polars")
    other = to_frame(people(), backend)
    assert type(other).__module__.partition(".")[0] == backend
    assert_frame_equal(from_frame(other), people())


def test_lazy_frames_and_streams() -> None:
    polars = pytest.importorskip("polars")
    assert from_frame(polars.LazyFrame({"x": [1, 2]})).to_dict("list") == {"x": [1, 2]}
    stream = pa.table({"x": [1, 2]}).to_reader()
    assert from_frame(stream).to_dict("list") == {"x": [1, 2]}


@pytest.mark.parametrize("thing", [[1, 2], "people.csv", None])
def test_what_is_no_frame(thing: Any) -> None:
    with pytest.raises(DataError, match=f"from_frame was given a {type(thing).__name__}; give a pandas.DataFrame"):
        from_frame(thing)


def test_columns_that_hold_lists_or_share_a_name() -> None:
    with pytest.raises(DataError, match="column 'x' holds list<item: int64> in every cell"):
        from_frame(pa.table({"x": [[1], [2]]}))
    with pytest.raises(DataError, match="two columns named 'x'"):
        from_frame(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]))


def test_an_unknown_backend() -> None:
    with pytest.raises(ParameterError, match="no backend 'modin'; choose from pandas, polars, pyarrow"):
        to_frame(people(), "modin")


def test_models_learn_frames_of_other_libraries() -> None:
    polars = pytest.importorskip("polars")
    from synthx.models.autoregressive import TabularAR

    table = {"sex": ["F", "M"] * 50, "age": [20, 30, 40, 50] * 25}
    rows = [
        TabularAR(steps=5, width=16, hidden=8, seed=0).fit(made(table)).sample(20, seed=1)
        for made in (polars.DataFrame, pa.table, pd.DataFrame)
    ]
    assert_frame_equal(rows[0], rows[2])
    assert_frame_equal(rows[1], rows[2])
