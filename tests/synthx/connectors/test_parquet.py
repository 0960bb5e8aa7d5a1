"""Folders and patterns of Parquet files by DuckDB."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from synthx.connectors import Source
from synthx.errors import DataError, ParameterError
from synthx.io import read_table

pytest.importorskip("duckdb")


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    folder = tmp_path / "it's claims"
    for year in (2023, 2024):
        (folder / str(year)).mkdir(parents=True)
        frame = pd.DataFrame({"year": year, "amount": [float(value) for value in range(100)]})
        frame.to_parquet(folder / str(year) / "part.parquet")
    return folder


def test_a_folder_is_one_table_in_the_order_of_its_files(claims: Path) -> None:
    frame = read_table(claims)
    assert frame["year"].tolist() == [2023] * 100 + [2024] * 100
    assert frame["amount"].tolist() == [*range(100), *range(100)]


def test_a_pattern(claims: Path) -> None:
    assert read_table(f"{claims}/2024/*.parquet")["year"].unique().tolist() == [2024]


def test_a_query_of_a_folder_and_of_a_file(claims: Path) -> None:
    query = "SELECT year, sum(amount) AS total FROM data WHERE amount >= 98 GROUP BY year ORDER BY year"
    assert read_table(claims, query=query).to_dict("list") == {"year": [2023, 2024], "total": [197.0, 197.0]}
    assert read_table(claims / "2024" / "part.parquet", query=query)["total"].tolist() == [197.0]


def test_rows_at_random(claims: Path) -> None:
    few = Source(claims, most_rows=50, seed=1).read()
    assert len(few) == 50
    assert 10 < (few["year"] == 2023).sum() < 40


def test_what_cannot_be_read(claims: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is a folder without Parquet files"):
        read_table(tmp_path / "empty")
    for place, query in [(tmp_path / "*.parquet", None), (claims, "SELECT nothing FROM data"), (claims, "SELEC")]:
        with pytest.raises(DataError, match="cannot be read as Parquet"):
            read_table(place, query=query)
    (claims / "2024" / "part.parquet").write_bytes(b"PAR1 half")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(claims)


def test_a_query_of_csv(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="--query is given, but DATA is a single file of CSV"):
        Source(tmp_path / "a.csv", query="SELECT 1")
