"""Lines of CSV are what pandas would write."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx._csv_lines import csv_lines


def test_lines_are_those_of_pandas_byte_for_byte() -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, -2, 3, 2**62],
            "small": np.array([1, 2, 3, 255], "uint8"),
            "decimal": [1.0, np.nan, 1e-7, 1234567.25],
            "text": ["a,b", 'q"r', None, "line\nx"],
            "other": ["", " space", "NA", "é"],
        }
    )
    lines = csv_lines(frame)
    assert lines == frame.to_csv(index=False, header=False, lineterminator="\n")
    assert lines is not None
    assert lines.splitlines()[0] == '1,1,1.0,"a,b",'


@pytest.mark.parametrize(
    "column", [[True, False], pd.to_datetime(["2020-01-01", "2020-01-02"]), pd.array([1, None], "Int64"), [1, "a"]]
)
def test_other_kinds_are_left_to_pandas(column: object) -> None:
    assert csv_lines(pd.DataFrame({"a": [1, 2], "b": column})) is None


def test_a_single_column_is_left_to_pandas_which_quotes_its_empty_cells() -> None:
    assert csv_lines(pd.DataFrame({"a": ["", "x"]})) is None
