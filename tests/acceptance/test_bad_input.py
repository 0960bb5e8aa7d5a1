"""Bad input: status 2, one sentence with the remedy, nothing written, nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from .conftest import Fitted, synthx

TABLES = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"a,b\n", "has a header but no rows"),
    "ragged.csv": (b"a,b\n1,2\n3\n", "line 3 of"),
    "twice.csv": (b"a,a\n1,2\n", "two columns named 'a'"),
    "latin.csv": (b"a,b\ncaf\xe9,1\n", "not UTF-8"),
    "missing.csv": (None, "there is no file"),
    "table.xlsx": (b"PK", "unknown format"),
    "broken.csv.gz": (b"\x1f\x8b\x08\x00junk", "gzip"),
    "broken.parquet": (b"PAR1junk", "not a whole Parquet file"),
    "infinite.csv": (b"a,b\n" + b"1.5,x\n" * 30 + b"inf,y\n", "'a'"),
}


def assert_mendable(status: int, out: str, err: str, message: str) -> None:
    assert (status, out) == (2, "")
    said = [line for line in err.splitlines() if line.startswith("synthx: ")]
    assert len(said) == 1
    assert err.endswith(said[0] + "\n")
    assert message in said[0]
    assert "Traceback" not in err


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_fit_refuses(tmp_path: Path, name: str) -> None:
    content, message = TABLES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    answer = synthx("fit", tmp_path / name, "-o", tmp_path / "m.synthx")
    assert_mendable(answer.status, answer.out, answer.err, message)
    assert not (tmp_path / "m.synthx").exists()


def test_a_schema_that_names_other_columns(fitted: Fitted, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "1,a\n2,b\n" * 30)
    assert synthx("detect", tmp_path / "t.csv", "-o", tmp_path / "schema.json").status == 0
    answer = synthx("fit", fitted.table, "--schema", tmp_path / "schema.json", "-o", tmp_path / "m.synthx")
    assert_mendable(answer.status, answer.out, answer.err, "lacks column 'x'")
    (tmp_path / "schema.json").write_text('{"format": 1, "columns": [{"name": "x", "kind": "colour"}]}')
    answer = synthx("fit", fitted.table, "--schema", tmp_path / "schema.json", "-o", tmp_path / "m.synthx")
    assert_mendable(answer.status, answer.out, answer.err, "columns.0.kind")
    assert not (tmp_path / "m.synthx").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["colour=red"], "column 'colour'"),
        (["country=XX"], "'XX'"),
        (["country=CH|XX"], "'XX'"),
        (["amount=-500..-400"], "'amount'"),
        (["amount=99999999"], "'amount'"),
        (["amount=many"], "'many'"),
        (["amount=nan"], "'amount'"),
        (["amount=1..nan"], "'amount'"),
        (["amount=5..1"], "'amount'"),
        (["country=CH..DE"], "'country'"),
        (["fraud="], "'fraud'"),
        (["fraud"], "'fraud'"),
        (["fraud=yes", "fraud=no"], "conditioned twice"),
    ],
)
def test_conditions_that_no_row_can_meet(fitted: Fitted, tmp_path: Path, given: list[str], message: str) -> None:
    words = [word for text in given for word in ("--given", text)]
    answer = synthx("sample", fitted.model, "-n", "10", "-o", tmp_path / "s.csv", *words)
    assert_mendable(answer.status, answer.out, answer.err, message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("n", "output", "message"),
    [
        ("0", "s.csv", "-n is 0"),
        ("-3", "s.csv", "-n is -3"),
        ("1.5", "s.csv", "'-n'"),
        ("5", "none/s.csv", "does not exist"),
        ("5", "s.json", "unknown format"),
        ("5", "there.csv", "--force"),
    ],
)
def test_places_and_numbers_that_sample_refuses(
    fitted: Fitted, tmp_path: Path, n: str, output: str, message: str
) -> None:
    (tmp_path / "there.csv").write_text("kept")
    answer = synthx("sample", fitted.model, "-n", n, "-o", tmp_path / output)
    assert_mendable(answer.status, answer.out, answer.err, message)
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "kept"


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999"])
def test_seeds_that_no_library_takes(fitted: Fitted, tmp_path: Path, seed: str) -> None:
    answer = synthx("sample", fitted.model, "-n", "5", "-o", tmp_path / "s.csv", "--seed", seed)
    assert_mendable(answer.status, answer.out, answer.err, "'--seed'")
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_that_was_cut_or_changed(fitted: Fitted, tmp_path: Path) -> None:
    whole = fitted.model.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": (whole[:-100], "cannot be opened"),
        "changed": (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], "cannot be opened"),
        "foreign": (b"not a model", "is not a synthx model"),
    }
    for name, (content, message) in damaged.items():
        (tmp_path / name).write_bytes(content)
        answer = synthx("sample", tmp_path / name, "-n", "5", "-o", tmp_path / "s.csv")
        assert_mendable(answer.status, answer.out, answer.err, message)
    answer = synthx("sample", tmp_path / "none", "-n", "5", "-o", tmp_path / "s.csv")
    assert_mendable(answer.status, answer.out, answer.err, "there is no model file")


def test_a_target_that_is_none(fitted: Fitted, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    shutil.copy(fitted.table, table)
    answer = synthx("fit", table, "-o", tmp_path / "m.synthx", "--target", "froud")
    assert_mendable(answer.status, answer.out, answer.err, "'froud'")
    fitted.frame.assign(fraud="no").to_csv(table, index=False)
    answer = synthx("fit", table, "-o", tmp_path / "m.synthx", "--target", "fraud")
    assert_mendable(answer.status, answer.out, answer.err, "has one class only, 'no'")


def test_a_canary_in_no_model_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = 400
    lines = ["key,email,remark,city,amount,day"]
    for i in range(rows):
        city = "CanaryTown" if i == 17 else ("Bern", "Basel", "Genf")[i % 3]
        amount = "987654.321" if i == 17 else f"{rng.normal(100, 20):.3f}"
        day = "1903-07-19" if i == 17 else f"2024-0{1 + i % 9}-{10 + i % 18}"
        remark = f"canaryword{i} " + " ".join(rng.choice(["paid", "late", "twice", "by", "card", "again"], 9))
        lines.append(f"CK-{700_000 + 7 * i},canary{i}@example.org,{remark},{city},{amount},{day}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    answer = synthx("fit", tmp_path / "t.csv", "-o", tmp_path / "m.synthx", "--minutes", "0.04")
    assert answer.status == 0, answer.err
    content = (tmp_path / "m.synthx").read_bytes()  # stored, not compressed
    cells = [cell.encode() for line in lines[1:] for cell in line.split(",")[:3]]
    assert b"Bern" in content
    assert [cell for cell in cells if cell in content] == []
    for canary in (b"CanaryTown", b"canary", b"987654", b"1903-07-19", np.float64(987654.321).tobytes()):
        assert canary not in content
    answer = synthx("sample", tmp_path / "m.synthx", "-n", "2000", "-o", tmp_path / "s.csv")
    assert answer.status == 0, answer.err
    text = (tmp_path / "s.csv").read_text()
    for canary in ("CanaryTown", "canaryword", "987654.321", "1903-07-19"):
        assert canary not in text
