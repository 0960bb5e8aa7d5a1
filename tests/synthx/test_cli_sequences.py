"""What the commands say of sequences. Models are trained for an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthx.cli import main
from synthx.models.autoregressive import TabularAR
from synthx.models.recurrent_vae import SequenceVAE

Run = Callable[..., tuple[int, str, str]]
PATIENTS = pd.DataFrame({"id": range(100, 140), "sex": ["f", "m"] * 20, "died": ["no", "no", "no", "yes"] * 10})
LENGTHS = np.tile([3, 4, 5, 6], 10)
VISITS = pd.DataFrame(
    {
        "id": np.repeat(PATIENTS["id"].to_numpy(), LENGTHS),
        "day": np.concatenate([np.arange(length) * 3 for length in LENGTHS]),
        "pulse": 60 + np.random.default_rng(0).integers(0, 9, LENGTHS.sum()),
    }
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    import sys

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.delenv("SYNTHX_DEBUG", raising=False)

    def run_(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the two tables, both joined, and a series."""
    folder = tmp_path_factory.mktemp("tables")
    PATIENTS.to_csv(folder / "patients.csv", index=False)
    VISITS.to_csv(folder / "visits.csv", index=False)
    VISITS.merge(PATIENTS, on="id").to_csv(folder / "long.csv", index=False)
    VISITS[["pulse"]].head(70).to_csv(folder / "series.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def instant() -> Iterator[None]:
    sequences = {"steps": 4, "prior_steps": 2, "hidden": 16, "units": 8, "latent": 3}
    static = {"steps": 10, "width": 16, "hidden": 16}
    with pytest.MonkeyPatch.context() as patch:
        for start, few in ((SequenceVAE.__init__, sequences), (TabularAR.__init__, static)):
            usual = start.__kwdefaults__
            assert usual is not None
            patch.setattr(start, "__kwdefaults__", {**usual, **few, "device": "cpu"})
        yield


@pytest.fixture(scope="module")
def model(files: Path, instant: None) -> Path:
    path = files / "m.synthx"
    words = ("--entity", "id", "--time", "day", "--static", files / "patients.csv", "--target", "died")
    assert main([str(word) for word in ("fit", files / "visits.csv", "-o", path, *words)]) == 0
    return path


# -- detect and fit -------------------------------------------------------------------------------------------------


def test_detect_reads_both_tables(run: Run, files: Path) -> None:
    words = ("--static", files / "patients.csv", "--entity", "id", "--time", "day", "--target", "died")
    status, out, _ = run("detect", files / "visits.csv", *words)
    assert status == 0
    assert out.startswith("Schema of 5 columns")
    for line in (
        "id     identifier [entity]",
        "day    integer [time]",
        "sex    categorical [static]",
        "[target, static]",
    ):
        assert line in out


def test_fit_says_why_and_what(run: Run, files: Path, tmp_path: Path, instant: None) -> None:
    words = ("--entity", "id", "--time", "day", "--static", files / "patients.csv")
    status, out, err = run("fit", files / "visits.csv", "-o", tmp_path / "m.synthx", *words)
    assert status == 0
    reason, first, *_ = err.splitlines()
    assert reason == "Chose sequence-vae: the rows of an entity (id) belong together."
    assert first == "    0 s         coding the sequences: 180 rows"
    assert "Learned the sequences of 40 entities, 180 rows of 5 columns, in " in out


def test_a_single_series_needs_windows(run: Run, files: Path, tmp_path: Path, instant: None) -> None:
    path, rows = tmp_path / "m.synthx", tmp_path / "rows.csv"
    status, _, err = run("fit", files / "series.csv", "-o", path, "--model", "sequence-vae")
    assert status == 2
    assert "the schema names no entity" in err and "synthx.cut_windows" in err
    status, out, _ = run("fit", files / "series.csv", "-o", path, "--window", 24)
    assert status == 0
    assert "nothing follows for the privacy of a single step" in out
    assert "Learned the sequences of 47 entities, 1,128 rows" in out
    assert run("sample", path, "-n", 12, "-o", rows, "--seed", 0)[0] == 0
    made = pd.read_csv(rows)
    assert list(made.columns) == ["window", "pulse"]
    assert (made.groupby("window").size() == 24).all() and made["window"].nunique() == 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--entity", "id", "--refine", "--model", "sequence-vae"], "--refine is given, but sequences are not refined"),
        (["--entity", "id", "--refine"], "refine is asked for, but the table holds sequences; leave it out"),
        (["--entity", "patient"], "'patient'"),
        (["--window", "500"], "180 rows, fewer than a window of 500; ask for shorter windows"),
        (["--window", "5", "--entity", "id"], "--window cuts a single series; leave out --schema, --entity"),
        (["--entity", "id", "--static", "none.csv"], "there is no file 'none.csv'"),
    ],
)
def test_fit_says_what_to_mend(run: Run, files: Path, tmp_path: Path, words: list[str], message: str) -> None:
    status, out, err = run("fit", files / "long.csv", "-o", tmp_path / "m.synthx", *words)
    assert (status, out) == (2, "")
    assert message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# -- sample ---------------------------------------------------------------------------------------------------------


def test_sample_writes_one_table_or_two(run: Run, model: Path, tmp_path: Path) -> None:
    one, steps, static = (tmp_path / name for name in ("one.csv", "steps.csv", "static.parquet"))
    status, out, err = run("sample", model, "-n", 80, "-o", one, "--seed", 3)
    assert status == 0
    made = pd.read_csv(one)
    assert out == f"Written 80 entities with {len(made):,} rows to {one}.\n"
    assert err.endswith("sampling: 80 entities\n")
    status, out, _ = run("sample", model, "-n", 80, "-o", steps, "--static", static, "--seed", 3)
    assert status == 0
    assert out.endswith(f"Written their static columns to {static}.\n")
    entities = pd.read_parquet(static)
    assert list(entities.columns) == ["id", "sex", "died"] and entities["id"].is_unique and len(entities) == 80
    pd.testing.assert_frame_equal(pd.read_csv(steps).merge(entities, on="id"), made)


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (["--given", "died=yes", "--given", "sex=m"], lambda rows: (rows["died"] == "yes") & (rows["sex"] == "m")),
        (["--length", "5"], lambda rows: rows.groupby("id")["day"].transform("size") == 5),
        (["--length", "4|6"], lambda rows: rows.groupby("id")["day"].transform("size").isin([4, 6])),
        (["--length", "..4"], lambda rows: rows.groupby("id")["day"].transform("size") <= 4),
        (["--span", "8..12"], lambda rows: rows.groupby("id")["day"].transform(np.ptp).between(8, 12)),
    ],
)
def test_sequences_are_as_asked(
    run: Run, model: Path, tmp_path: Path, words: list[str], holds: Callable[[pd.DataFrame], pd.Series]
) -> None:
    status, _, err = run("sample", model, "-n", 25, "-o", tmp_path / "s.csv", "--seed", 0, *words)
    assert status == 0, err
    rows = pd.read_csv(tmp_path / "s.csv")
    assert rows["id"].nunique() == 25 and holds(rows).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--given", "pulse=60..70"], "column 'pulse' changes over time, so it cannot be conditioned"),
        (["--given", "puls=60"], "the condition names column 'puls', which the model does not know"),
        (["--length", "900"], "never is 900 (the model knows 3 to 6)"),
        (["--length", "long"], "--length holds numbers, and 'long' is none"),
        (["--span", "4000..5000"], "is between 4000.0 and 5000.0"),
        (["--static", "s.csv"], "--static and -o name the same file; give each its own"),
    ],
)
def test_sample_says_what_to_mend(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run("sample", model, "-n", 3, "-o", "s.csv", *words)
    assert (status, out) == (2, "")
    assert message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--length", "5"], ["--span", "5"], ["--static", "static.csv"]])
def test_a_model_of_tables_has_no_sequences(
    run: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instant: None, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("fit", files / "patients.csv", "-o", "table.synthx")[0] == 0
    status, _, err = run("sample", "table.synthx", "-n", 3, "-o", "s.csv", *words)
    assert status == 2
    assert "the model 'ar' writes single rows, so --static, --length and --span mean nothing; leave them out" in err
    assert [path.name for path in tmp_path.iterdir()] == ["table.synthx"]


def test_no_static_column_to_write_apart(run: Run, files: Path, tmp_path: Path, instant: None) -> None:
    assert run("fit", files / "visits.csv", "-o", tmp_path / "m.synthx", "--entity", "id", "--time", "day")[0] == 0
    words = ("-o", tmp_path / "s.csv", "--static", tmp_path / "e.csv")
    status, _, err = run("sample", tmp_path / "m.synthx", "-n", 3, *words)
    assert (status, "--static is given, but no column is static; leave it out" in err) == (2, True)
