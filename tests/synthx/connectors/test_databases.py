"""Tables of databases in and out: types, names, failures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from synthx.connectors import Source
from synthx.connectors.reading import read_chunks
from synthx.connectors.writing import SqlWriter
from synthx.errors import DataError, OutputError, ParameterError
from synthx.io import read_table, write_table
from synthx.schema import Schema

NAME = 'select "x"; drop'
BERLIN = dt.timezone(dt.timedelta(hours=1))


def people() -> pd.DataFrame:
    """Return three rows of every type, the second one without a value where that can be."""
    moment = dt.datetime(2024, 2, 29, 23, 59, 59, 123456)
    return pd.DataFrame(
        {
            "id": np.array([2**60 + 1, 2**60 + 3, -5]),
            "parent": pd.array([2**53 + 1, None, 7], dtype="Int64"),
            "alive": [True, False, True],
            "smoker": pd.array([True, None, False], dtype="boolean"),
            "weight": [0.1, np.nan, 1e300],
            "fee": [Decimal("1234567.89"), None, Decimal("0.10")],
            "born": [dt.date(1900, 1, 1), None, dt.date(2024, 2, 29)],
            "seen": pd.Series([moment, None, dt.datetime(1970, 1, 1)], dtype="datetime64[us]"),
            "paid": pd.to_datetime(pd.Series([moment, None, moment]))
            .dt.tz_localize(BERLIN)
            .astype("datetime64[us, UTC]"),
            NAME: ['O\'Neil, "Ann"', None, "100%\n:x \\. ü"],
        }
    )


def sorted_people() -> pd.DataFrame:
    return people().sort_values("id", ignore_index=True)


class TestRoundTrip:
    def test_types_missing_cells_keys_and_zones_survive(self, address: str) -> None:
        write_table(people(), address, table=NAME, key=["id"])
        assert_frame_equal(read_table(address, table=NAME), sorted_people())

    def test_and_once_more_into_the_table_that_was_made(self, address: str) -> None:
        write_table(people().iloc[::-1], address, table=NAME, key=["id"])
        write_table(people(), address, table=NAME, force=True)
        assert_frame_equal(read_table(address, table=NAME), sorted_people())

    def test_a_schema_fits_what_it_was_detected_in(self, address: str) -> None:
        write_table(people(), address, table="people", key=["id"])
        schema = Schema.detect(read_table(address, table="people"))
        again = read_table(address, table="people", schema=schema)
        assert [str(again[column.name].dtype) for column in schema] == [column.dtype for column in schema]

    def test_chunks_hold_what_the_whole_holds(self, address: str) -> None:
        with SqlWriter(address, "numbers", key=["x"]) as writer:
            for start in range(0, 100, 30):
                writer.append(pd.DataFrame({"x": np.arange(start, min(start + 30, 100)), "y": 0.5}))
        chunks = list(read_chunks(address, table="numbers", chunk_rows=40))
        assert [chunk.num_rows for chunk in chunks] == [40, 40, 20]
        assert [x for chunk in chunks for x in chunk["x"].to_pylist()] == list(range(100))

    def test_a_column_that_begins_empty_takes_its_type_from_what_follows(self, address: str) -> None:
        write_table(pd.DataFrame({"x": [1, 2, 3], "y": [None, None, 1.5]}), address, table="late", key=["x"])
        frame = pd.concat([c.to_pandas() for c in read_chunks(address, table="late", chunk_rows=2)][1:])
        assert frame["y"].tolist() == [1.5]
        assert read_table(address, table="late")["y"].dtype == np.float64

    def test_a_query_is_run_as_it_is_written(self, address: str) -> None:
        write_table(pd.DataFrame({"name": ["100% :a", "b"], "n": [1, 2]}), address, table="t")
        query = "SELECT n, '12:30' AS clock FROM t WHERE name LIKE '100%:a'"
        assert read_table(address, query=query).to_dict("list") == {"n": [1], "clock": ["12:30"]}

    def test_rows_at_random(self, address: str) -> None:
        write_table(pd.DataFrame({"x": np.arange(1_000)}), address, table="t", key=["x"])
        few = Source(address, table="t", most_rows=100, seed=1).read()["x"]
        assert few.is_unique and few.is_monotonic_increasing and len(few) == 100
        assert 350 < few.mean() < 650
        assert Source(address, table="t", most_rows=100, seed=1).read()["x"].equals(few)
        assert not Source(address, table="t", most_rows=100, seed=2).read()["x"].equals(few)


class TestFailuresLeaveTheTable:
    def test_one_that_is_there_is_not_replaced_unasked(self, address: str) -> None:
        write_table(people(), address, table=NAME, key=["id"])
        with pytest.raises(OutputError, match="exists already; choose another name, or add --force"):
            write_table(people().head(1), address, table=NAME)
        assert len(read_table(address, table=NAME)) == 3

    @pytest.mark.parametrize("force", [False, True])
    def test_a_crash_between_two_pieces(self, address: str, force: bool) -> None:
        if force:
            write_table(people(), address, table=NAME, key=["id"])
        with pytest.raises(ZeroDivisionError), SqlWriter(address, NAME, force=force) as writer:
            writer.append(people().assign(weight=0.0))
            raise ZeroDivisionError
        if force:
            assert_frame_equal(read_table(address, table=NAME), sorted_people())
        else:
            write_table(people(), address, table="other")  # so that there is a database to look into
            with pytest.raises(DataError, match="no table 'select"):
                read_table(address, table=NAME)

    def test_a_key_that_comes_twice(self, address: str) -> None:
        write_table(people(), address, table=NAME, key=["id"])
        with pytest.raises(OutputError, match="cannot write to"):
            write_table(people().iloc[[0, 1, 1]], address, table=NAME, force=True)
        assert_frame_equal(read_table(address, table=NAME), sorted_people())

    def test_columns_that_the_table_lacks(self, address: str) -> None:
        write_table(people(), address, table="people")
        with pytest.raises(DataError, match="has no column 'age'"):
            write_table(people().assign(age=3), address, table="people", force=True)
        assert len(read_table(address, table="people")) == 3

    def test_no_rows(self, address: str) -> None:
        with pytest.raises(DataError, match="no rows were given for the table 'empty'"), SqlWriter(address, "empty"):
            pass


class TestRefusals:
    def test_a_query_that_writes(self, address: str) -> None:
        write_table(people(), address, table="people")
        with pytest.raises(DataError, match="cannot read from|returns no rows"):
            read_table(address, query="DROP TABLE people")
        with pytest.raises(DataError, match="cannot read from|returns no rows"):
            read_table(address, query="DELETE FROM people")
        assert len(read_table(address, table="people")) == 3

    def test_a_table_that_is_not_there_or_empty(self, address: str) -> None:
        write_table(pd.DataFrame({"x": [1]}), address, table="one")
        with pytest.raises(DataError, match="no table 'two'; check its name"):
            read_table(address, table="two")
        with pytest.raises(DataError, match="holds no rows"):
            read_table(address, query="SELECT * FROM one WHERE x > 1")

    def test_two_columns_of_one_name(self, address: str) -> None:
        write_table(pd.DataFrame({"x": [1]}), address, table="one")
        with pytest.raises(DataError, match="two columns named 'x'"):
            read_table(address, query="SELECT x, x FROM one")

    @pytest.mark.parametrize(("table", "query"), [(None, None), ("a", "SELECT 1")])
    def test_neither_or_both_of_table_and_query(self, address: str, table: str | None, query: str | None) -> None:
        write_table(pd.DataFrame({"x": [1]}), address, table="a")
        with pytest.raises(ParameterError, match="--table (and|nor) --query"):
            read_table(address, table=table, query=query)

    def test_a_table_of_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(ParameterError, match="--table is given, but DATA is no database"):
            read_table(tmp_path / "a.csv", table="a")
        with pytest.raises(ParameterError, match="OUT is a database, but no --table"):
            write_table(people(), f"sqlite:///{tmp_path / 'a.db'}")

    def test_sqlite_makes_no_file_to_read_from(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there is no file"):
            read_table(f"sqlite:///{tmp_path / 'none.db'}", table="a")
        assert list(tmp_path.iterdir()) == []

    def test_bytes_and_lists(self, postgres_address: str) -> None:
        with pytest.raises(DataError, match="column 'b' holds bytes in its cells; leave it out"):
            read_table(postgres_address, query="SELECT 1 AS a, '\\x00'::bytea AS b")
        with pytest.raises(DataError, match="column 'b' holds list"):
            read_table(postgres_address, query="SELECT ARRAY[1] AS b")


class TestPostgres:
    def test_a_table_of_another_schema(self, postgres_address: str) -> None:
        frame = read_table(postgres_address, table="information_schema.sql_features")
        assert len(frame) > 100

    def test_uuids_times_of_day_and_numbers_that_are_none(self, postgres_address: str) -> None:
        query = (
            "SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid u, '12:30'::time t, 'NaN'::numeric n, 1::numeric m "
            "UNION ALL SELECT NULL, NULL, 2.50, NULL"
        )
        frame = read_table(postgres_address, query=query)
        assert frame["u"].tolist() == ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None]
        assert frame["t"].tolist() == ["12:30:00", None]
        assert frame["n"].tolist() == [None, Decimal("2.50")]

    def test_instants_are_in_utc_whatever_the_session_says(self, postgres_address: str) -> None:
        frame = read_table(postgres_address, query="SELECT '2024-03-31 02:30+02'::timestamptz AS t")
        assert frame["t"].tolist() == [pd.Timestamp("2024-03-31 00:30", tz="UTC")]


def test_sqlite_cells_of_several_types_become_text(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (None,), ("b",)])
    connection.close()
    assert read_table(f"sqlite:///{tmp_path / 'a.db'}", table="t")["x"].tolist() == ["1", None, "b"]
    chunks = read_chunks(f"sqlite:///{tmp_path / 'a.db'}", table="t", chunk_rows=1)
    from synthx.connectors.reading import stacked

    assert stacked(list(chunks))["x"].to_pylist() == ["1", None, "b"]


def test_an_address_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEOPLE_URL", f"sqlite:///{tmp_path / 'a.db'}")
    write_table(people(), "env:PEOPLE_URL", table="people")
    assert len(read_table("env:PEOPLE_URL", table="people")) == 3
    with pytest.raises(ParameterError, match="'NOT_SET' is not set"):
        read_table("env:NOT_SET", table="people")
