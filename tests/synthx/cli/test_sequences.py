from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthx.cli.sequences import read_long
from synthx.errors import DataError, ParameterError, SchemaError, UserError
from synthx.schema import Kind, Role

PATIENTS = pd.DataFrame({"id": range(100, 130), "sex": ["f", "m"] * 15, "country": "nl"})


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return files of steps and of patients; the ward is among the steps, though it never changes."""
    ids = np.repeat(PATIENTS["id"], 4).to_numpy()
    steps = pd.DataFrame(
        {"hour": np.tile(np.arange(4), 30), "id": ids, "ward": ids % 3, "pulse": 60 + np.arange(120) % 41}
    )
    steps.to_csv(tmp_path / "steps.csv", index=False)
    PATIENTS.to_csv(tmp_path / "patients.csv", index=False)
    return tmp_path / "steps.csv", tmp_path / "patients.csv"


def test_two_files_are_joined_and_detected(files: tuple[Path, Path]) -> None:
    frame, schema = read_long(files[0], None, None, entity=["id"], time="hour", static=files[1])
    assert frame.columns.tolist() == ["hour", "id", "ward", "pulse", "sex", "country"]
    assert (schema.entity, schema.static) == (("id",), ("ward", "sex"))
    assert schema["hour"].role is Role.TIME


def test_a_schema_of_both_files_reads_them_again(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Wherever a static column lies, and although a column that never varies is constant and not static."""
    frame, schema = read_long(files[0], None, None, entity=["id"], time="hour", static=files[1])
    assert schema["country"].kind is Kind.CONSTANT
    path = tmp_path / "schema.json"
    schema.to_json(path)
    again, known = read_long(files[0], path, "sex", entity=None, time=None, static=files[1])
    pd.testing.assert_frame_equal(again, frame)
    assert known == schema.with_target("sex")


def test_one_file_may_hold_all(files: tuple[Path, Path]) -> None:
    frame, schema = read_long(files[0], None, "pulse", entity=["id"], time=None, static=None)
    assert len(frame) == 120
    assert schema.static == ("ward",)
    assert schema["pulse"].role is Role.TARGET


def test_a_series_is_cut_into_windows(files: tuple[Path, Path]) -> None:
    frame, schema = read_long(files[0], None, None, entity=None, time=None, static=None, window=24)
    assert len(frame) == (120 - 24 + 1) * 24
    assert schema.entity == ("window",)


def test_options_that_contradict(files: tuple[Path, Path], tmp_path: Path) -> None:
    steps, patients = files
    path = tmp_path / "schema.json"
    read_long(steps, None, None, entity=None, time=None, static=None)[1].to_json(path)
    with pytest.raises(ParameterError, match="--entity or --time is given beside --schema; leave them out"):
        read_long(steps, path, None, entity=["id"], time=None, static=None)
    with pytest.raises(ParameterError, match="--static is given, but no --entity"):
        read_long(steps, None, None, entity=None, time=None, static=patients)
    with pytest.raises(ParameterError, match="--static is given, but the schema names no entity"):
        read_long(steps, path, None, entity=None, time=None, static=patients)
    with pytest.raises(ParameterError, match="--window cuts a single series"):
        read_long(steps, None, None, entity=["id"], time=None, static=None, window=5)


def test_files_that_do_not_fit(files: tuple[Path, Path], tmp_path: Path) -> None:
    steps, patients = files
    other = tmp_path / "others.csv"
    PATIENTS.iloc[1:].to_csv(other, index=False)
    with pytest.raises(DataError, match="entity id=100 is in the table of steps, but has no row in that of entities"):
        read_long(steps, None, None, entity=["id"], time="hour", static=other)
    with pytest.raises(UserError, match="'patient'"):
        read_long(steps, None, None, entity=["patient"], time="hour", static=patients)
    with pytest.raises(SchemaError, match="the time column 'minute' is not in the table"):
        read_long(steps, None, None, entity=["id"], time="minute", static=patients)
