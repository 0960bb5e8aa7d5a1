"""Tables in and out of files."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from synthx.errors import DataError, OutputError
from synthx.io import TableWriter, read_table, write_table
from synthx.schema import Column, Kind, Schema

ARROW_TEXT = pd.ArrowDtype(pa.string())
"""What pandas writes as string[pyarrow]; reading that name it gives its own string dtype."""


def read_text(folder: Path, text: str, schema: Schema | None = None) -> pd.DataFrame:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, schema=schema)


# -- what CSV cells are ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (["1", "2"], "int64", [1, 2]),
        (["-7", "0"], "int64", [-7, 0]),
        (["1", "", "3"], "Int64", [1, pd.NA, 3]),
        (["1", "NA", "3"], "Int64", [1, pd.NA, 3]),
        (["1", "None"], "Int64", [1, pd.NA]),
        (["1.5", "2"], "float64", [1.5, 2.0]),
        (["1.5", "", "n/a"], "float64", [1.5, math.nan, math.nan]),
        (["1e3", ".5"], "float64", [1000.0, 0.5]),
        (["inf", "1"], "float64", [math.inf, 1.0]),
        ([" 39", "40 "], "int64", [39, 40]),
        (["02139", "10001"], "object", ["02139", "10001"]),
        (["00.5", "1.5"], "object", ["00.5", "1.5"]),
        (["+49301234", "+49305678"], "object", ["+49301234", "+49305678"]),
        (["1234567890123456789", "1"], "object", ["1234567890123456789", "1"]),
        (["0x10", "1"], "object", ["0x10", "1"]),
        (["NA", "DE", ""], "object", ["NA", "DE", math.nan]),
        (["None", "None"], "object", ["None", "None"]),
        (["null", "NaN", "<NA>"], "object", ["null", math.nan, math.nan]),
        ([" a", "b"], "object", [" a", "b"]),
        (["True", "False"], "bool", [True, False]),
        (["True", ""], "boolean", [True, pd.NA]),
        (["true", "false"], "object", ["true", "false"]),
        (["2024-03-20", "2024-03-21"], "object", ["2024-03-20", "2024-03-21"]),
        (["", "", ""], "float64", [math.nan] * 3),
    ],
)
def test_a_column_is_numbers_only_if_all_cells_are_written_so(
    tmp_path: Path, cells: list[str], dtype: str, values: list[object]
) -> None:
    frame = read_text(tmp_path, "key,x\n" + "".join(f"k,{cell}\n" for cell in cells))
    expected = pd.DataFrame({"key": ["k"] * len(cells), "x": pd.Series(values, dtype=dtype)})
    assert_frame_equal(frame, expected)


def test_a_cell_late_in_a_long_column_counts(tmp_path: Path) -> None:
    frame = read_text(tmp_path, "zip\n" + "10001\n" * 5_000 + "02139\n")
    assert frame["zip"].iloc[[0, -1]].tolist() == ["10001", "02139"]


def test_quotes_commas_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    frame = read_text(tmp_path, '\ufeff"a, b",c\r\n"x\ny",1\r\n"say ""hi""",2\r\n')
    assert frame.to_dict("list") == {"a, b": ["x\ny", 'say "hi"'], "c": [1, 2]}


def test_a_nameless_column_is_named_by_its_place(tmp_path: Path) -> None:
    assert list(read_text(tmp_path, ",a\n0,1\n1,2\n").columns) == ["Unnamed: 0", "a"]


# -- a schema decides -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "cells", "expected_dtype", "values"),
    [
        ("object", ["1", "2"], "object", ["1", "2"]),
        ("string", ["1", ""], "string", ["1", pd.NA]),
        ("int64", ["1", ""], "Int64", [1, pd.NA]),
        ("int8", ["1", "2"], "int8", [1, 2]),
        ("Int64", ["1", "2"], "Int64", [1, 2]),
        ("int64", ["007", "8"], "int64", [7, 8]),
        ("float64", ["1", "2"], "float64", [1.0, 2.0]),
        ("bool", ["1", "0"], "bool", [True, False]),
        ("bool", ["true", ""], "boolean", [True, pd.NA]),
        ("category", ["a", "b"], "category", ["a", "b"]),
        ("datetime64[ns]", ["2024-03-20", "2024-03-21 10:00:00"], "datetime64[ns]", ["2024-03-20", "2024-03-21 10:00"]),
        ("datetime64[ns, UTC]", ["2024-03-20 01:00:00+01:00", ""], "datetime64[ns, UTC]", ["2024-03-20 00:00Z", None]),
        ("int64[pyarrow]", ["1", ""], "int64[pyarrow]", [1, None]),
        ("string[pyarrow]", ["01", "x"], ARROW_TEXT, ["01", "x"]),
    ],
)
def test_columns_get_the_dtypes_of_the_schema(
    tmp_path: Path, dtype: str, cells: list[str], expected_dtype: Any, values: list[object]
) -> None:
    schema = Schema((Column(name="k", kind=Kind.INTEGER, dtype="int64"), Column(name="x", kind=Kind.TEXT, dtype=dtype)))
    frame = read_text(tmp_path, "k,x\n" + "".join(f"1,{cell}\n" for cell in cells), schema)
    expected = pd.Series(values, name="x")
    expected = pd.to_datetime(expected, format="ISO8601") if "datetime" in dtype else expected
    assert_frame_equal(frame[["x"]], expected.astype(expected_dtype).to_frame())


@pytest.mark.parametrize(
    ("dtype", "bad"), [("int64", "many"), ("int64", "1.5"), ("float64", "1,5"), ("bool", "maybe"), ("int8", "300")]
)
def test_a_cell_that_does_not_fit_is_named(tmp_path: Path, dtype: str, bad: str) -> None:
    schema = Schema((Column(name="x", kind=Kind.INTEGER, dtype=dtype),))
    with pytest.raises(DataError, match=f"column 'x' (holds '?{bad}'? in row 2|cannot be read as {dtype})"):
        read_text(tmp_path, f'x\n1\n"{bad}"\n', schema)


def test_a_date_that_is_none_is_named(tmp_path: Path) -> None:
    schema = Schema((Column(name="day", kind=Kind.DATETIME, dtype="datetime64[ns]"),))
    with pytest.raises(DataError, match="column 'day' holds '2024-02-30' in row 2, which is not datetime64"):
        read_text(tmp_path, "day\n2024-02-29\n2024-02-30\n", schema)


def test_a_schema_of_other_columns_is_an_error(tmp_path: Path) -> None:
    schema = Schema((Column(name="y", kind=Kind.INTEGER, dtype="int64"),))
    with pytest.raises(DataError, match=r"the table '.*' lacks column 'y'"):
        read_text(tmp_path, "x\n1\n", schema)


# -- files that cannot be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n", "has a header but no rows"),
        (b"a,b", "has a header but no rows"),
        (b"a,b\n1,2\n3\n", "line 3 of .* has 1 cells, but the header has 2"),
        (b'a,b\n"x\ny",2\n3,4,5\n', "line 4 of .* has 3 cells, but the header has 2"),
        (b'a,b\n1,2\n3,"x\n4,5\n', "a quotation mark in line 3 of .* is never closed"),
        (b"a,b,a\n1,2,3\n", "has two columns named 'a'"),
        (b"a;b\n1;2\n", "as if semicolons separated the cells"),
        (b"a\tb\n1\t2\n", "as if tabs separated the cells"),
        (b"a,b\n1,caf\xe9\n", "is not UTF-8"),
        (b"caf\xe9,b\n1,2\n", "is not UTF-8"),
        (b"\xff\xfea\x00\n\x001\x00\n\x00", "is not UTF-8"),
    ],
)
def test_a_broken_csv_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(path)


def test_paths_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a\n1\n")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 50_000)[:-50])
    (tmp_path / "plain.csv.gz").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and no more")
    for name, message in {
        "none.csv": "there is no file",
        "notes.txt": "unknown format",
        "folder.csv": "is a folder without Parquet files",
        "half.csv.gz": "gzip|cannot be read",
        "plain.csv.gz": "gzip",
        "half.parquet": "not a whole Parquet file",
    }.items():
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / name)


# -- Parquet --------------------------------------------------------------------------------------------------------


def typed_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "integer": pd.array([1, None, 3], dtype="Int64"),
            "decimal": [0.1, math.nan, 1e-300],
            "text": ["01", None, 'é, "q"\n'],
            "truth": [True, False, True],
            "level": pd.Categorical(["lo", "hi", None], categories=["lo", "hi"], ordered=True),
            "day": pd.to_datetime(["2024-03-20 12:30:00", None, "2024-03-21 00:00:00"]),
        }
    )


def test_parquet_keeps_dtypes(tmp_path: Path) -> None:
    write_table(typed_frame(), tmp_path / "t.parquet")
    assert_frame_equal(read_table(tmp_path / "t.parquet"), typed_frame())


def test_parquet_index_becomes_a_column_if_it_is_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    frame.to_parquet(tmp_path / "named.parquet")
    frame.rename_axis(None).to_parquet(tmp_path / "nameless.parquet")
    assert list(read_table(tmp_path / "named.parquet").columns) == ["key", "a"]
    assert_frame_equal(read_table(tmp_path / "nameless.parquet"), pd.DataFrame({"a": [1, 2]}))


def test_parquet_lists_and_empty_tables_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [[1], [2]]}).to_parquet(tmp_path / "lists.parquet")
    pd.DataFrame({"a": [1]}).head(0).to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DataError, match="column 'a' of .* holds list"):
        read_table(tmp_path / "lists.parquet")
    with pytest.raises(DataError, match="holds no rows"):
        read_table(tmp_path / "empty.parquet")


# -- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_equal_frames_give_equal_bytes_in_one_piece_or_several(tmp_path: Path, suffix: str) -> None:
    frame = typed_frame()
    write_table(frame, tmp_path / f"one{suffix}")
    write_table(frame.copy(), tmp_path / f"two{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
    with TableWriter(tmp_path / f"pieces{suffix}") as writer:
        writer.append(frame.head(1))
        writer.append(frame.tail(2))  # holds midnight alone, and says so as the first piece would
    assert writer.rows == 3
    assert_frame_equal(read_table(tmp_path / f"pieces{suffix}"), read_table(tmp_path / f"one{suffix}"))


def test_csv_is_what_one_expects(tmp_path: Path) -> None:
    write_table(typed_frame().drop(columns=["text"]), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == (
        "integer,decimal,truth,level,day\n"
        "1,0.1,True,lo,2024-03-20 12:30:00\n"
        ",,False,hi,\n"
        "3,1e-300,True,,2024-03-21 00:00:00\n"
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**18) + 1, 10**18 - 1),
            st.floats(allow_nan=True, allow_infinity=False),
            st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1).map(lambda text: f"t{text}"),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_is_read_again(tmp_path: Path, rows: list[tuple[int, float, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["integer", "decimal", "text"])
    write_table(frame, tmp_path / "t.csv.gz", force=True)
    assert_frame_equal(read_table(tmp_path / "t.csv.gz"), frame, check_exact=True)


def test_an_empty_first_piece_of_text_is_no_trap(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "t.parquet") as writer:
        writer.append(pd.DataFrame({"a": pd.Series([None], dtype=object)}))
        writer.append(pd.DataFrame({"a": ["x"]}))
    assert read_table(tmp_path / "t.parquet")["a"].tolist() == [None, "x"]


def test_nothing_half_written_remains(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("a\n1\n")
    for name in ("new.csv", "new.csv.gz", "new.parquet", "old.csv"):
        with pytest.raises(ZeroDivisionError), TableWriter(tmp_path / name, force=True) as writer:
            writer.append(pd.DataFrame({"a": np.arange(10)}))
            _ = 1 / 0
    with pytest.raises(DataError, match="no rows"), TableWriter(tmp_path / "none.csv"):
        pass
    with pytest.raises(DataError, match="columns"), TableWriter(tmp_path / "mixed.csv") as writer:
        writer.append(pd.DataFrame({"a": [1]}))
        writer.append(pd.DataFrame({"b": [1]}))
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "a\n1\n"


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "there.csv").write_text("kept")
    for name, message in {
        "missing/t.csv": "output folder .* does not exist; create it",
        "t.xlsx": "unknown format; end its name in .csv or .csv.gz or .parquet",
        "folder.csv": "is a folder",
        "there.csv": "exists already; .* --force",
    }.items():
        with pytest.raises(OutputError, match=message):
            write_table(frame, tmp_path / name)
    assert (tmp_path / "there.csv").read_text() == "kept"
    write_table(frame, tmp_path / "there.csv", force=True)
    assert (tmp_path / "there.csv").read_text() == "a\n1\n"


def test_a_full_disk_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
