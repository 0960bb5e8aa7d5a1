"""Results: as a file, as a table, and which runs stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.benchmarking.candidates import parse
from synthx.benchmarking.results import COLUMNS, SEQUENCE_COLUMNS, Results
from synthx.errors import DataError, OutputError

from .conftest import run


def test_a_file_gives_back_what_was_written(results: Results, tmp_path: Path) -> None:
    results.to_csv(tmp_path / "r.csv")
    again = Results.from_csv(tmp_path / "r.csv")
    assert again.frame.equals(results.frame)
    assert again.frame.dtypes.equals(results.frame.dtypes)
    assert list(again.frame.columns) == list(COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


def test_results_of_sequences_have_columns_of_their_own(tmp_path: Path) -> None:
    cells = {"steps": 0.9, "lengths": 0.95, "autocorrelation": 0.1, "c2st_real": 0.5, "entities": 12}
    results = Results.of([run("bootstrap", **cells)], sequences=True).replaced(run("sdv-par", steps=0.8, entities=12))
    results.to_csv(tmp_path / "r.csv")
    again = Results.from_csv(tmp_path / "r.csv")
    assert again.sequences
    assert again.frame.equals(results.frame)
    assert list(again.frame.columns) == list(SEQUENCE_COLUMNS)
    lines = again.to_text().splitlines()
    assert lines[0].split()[:6] == ["seed", "steps", "features", "lengths", "autocor.", "c2st"]
    assert lines[1].split()[:7] == ["bootstrap", "0", "0.900", "–", "0.950", "0.100", "0.600"]
    assert lines[3].split()[:7] == ["real", "rows", "–", "–", "–", "–", "–"]


@settings(max_examples=20)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_any_reason_survives_the_file(tmp_path_factory: pytest.TempPathFactory, reason: str) -> None:
    path = tmp_path_factory.mktemp("reasons") / "r.csv"
    Results.of([run("gan", status="failed", reason=reason)]).to_csv(path)
    assert Results.from_csv(path).frame["reason"].tolist() == [reason]


def test_an_existing_file_is_kept_without_force(results: Results, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        results.to_csv(tmp_path / "r.csv")
    results.to_csv(tmp_path / "r.csv", force=True)
    assert len(Results.from_csv(tmp_path / "r.csv")) == 6


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ",".join(COLUMNS) + "\ngan,zero" + "," * 22 + "\n"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(DataError, match=r"r\.csv"):
        Results.from_csv(tmp_path / "r.csv")


def test_a_run_takes_the_place_of_an_earlier_one(results: Results) -> None:
    again = results.replaced(run("gan", 1, c2st=0.55))
    assert len(again) == len(results)
    assert again.frame.loc[(again.frame["model"] == "gan") & (again.frame["seed"] == 1), "c2st"].tolist() == [0.55]
    assert len(results.replaced(run("gan", 2))) == len(results) + 1
    assert len(Results.of([]).replaced(run("gan"))) == 1


@pytest.mark.parametrize(
    ("model", "cells", "limit", "stands"),
    [
        ("gan", {}, None, True),
        ("gan", {}, 1.0, False),  # told another limit, it learns something else
        ("gan", {"limit_minutes": 1.0}, 1.0, True),
        ("gan", {"limit_minutes": 1.0}, 2.0, False),
        ("gan", {"status": "failed"}, None, True),
        ("sdv-ctgan", {}, 1.0, True),  # never told of a limit
        ("sdv-ctgan", {"status": "timed out", "limit_minutes": 1.0}, 1.0, True),
        ("sdv-ctgan", {"status": "timed out", "limit_minutes": 1.0}, 0.5, True),
        ("sdv-ctgan", {"status": "timed out", "limit_minutes": 1.0}, 2.0, False),
        ("sdv-ctgan", {"status": "timed out", "limit_minutes": 1.0}, None, False),
        ("sdv-ctgan", {"status": "not installed"}, None, False),
    ],
)
def test_which_runs_stand(model: str, cells: dict[str, Any], limit: float | None, stands: bool) -> None:
    results = Results.of([run(model, **cells)])
    assert results.stands(parse(model), 0, limit) is stands
    assert not results.stands(parse(model), 1, limit)


def test_the_table_for_people(results: Results) -> None:
    lines = results.to_text().splitlines()
    assert lines[0].split() == [
        "seed",
        "shape",
        "trend",
        "assoc.",
        "c2st",
        "score",
        "copies",
        *("fit", "s", "sample", "s", "MiB"),
    ]
    assert lines[5].split() == ["sdv-ctgan", "0", "–", "0.850", "–", "0.930", "–", "–", "2,644.0", "1.0", "–"]
    assert lines[-1] == "sdv-tvae, seed 0: timed out (stopped after 60 s, while fitting)"
    assert repr(results) == results.to_text()
