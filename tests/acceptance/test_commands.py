"""From a table to an evaluated synthetic one, by commands alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import randhie

from synthx.io import read_table

from .conftest import Fitted, payments, synthx


def test_the_four_commands_on_real_records(tmp_path: Path) -> None:
    records = randhie.load_pandas().data.sample(3_000, random_state=0)
    records.iloc[:2_000].to_csv(tmp_path / "train.csv", index=False)
    records.iloc[2_000:].to_parquet(tmp_path / "holdout.parquet", index=False)
    train, schema, model = tmp_path / "train.csv", tmp_path / "schema.json", tmp_path / "m.synthx"
    synthetic, card = tmp_path / "synthetic.csv.gz", tmp_path / "card.json"

    for words in (
        ("detect", train, "-o", schema, "--target", "hlthp"),
        ("fit", train, "-o", model, "--schema", schema, "--minutes", "0.1"),
        ("sample", model, "-n", "2000", "-o", synthetic, "--seed", "1"),
        (
            "evaluate",
            "--train",
            train,
            "--holdout",
            tmp_path / "holdout.parquet",
            "--synthetic",
            synthetic,
            "--json",
            card,
        ),
    ):
        answer = synthx(*words)
        assert answer.status == 0, answer.err

    real, rows = read_table(train), read_table(synthetic)
    assert list(rows.columns) == list(real.columns)
    assert len(rows) == 2_000
    assert rows.dtypes.equals(real.dtypes)
    measures = {measure["id"]: measure["value"] for measure in json.loads(card.read_text())["measures"]}
    assert measures["FID-SHAPE"] > 0.8
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "card.json",
        "holdout.parquet",
        "m.synthx",
        "schema.json",
        "synthetic.csv.gz",
        "train.csv",
    ]


def test_fit_says_what_it_did(fitted: Fitted) -> None:
    assert fitted.answer.out.startswith("Learned 3,000 rows of 6 columns in ")
    assert fitted.answer.out.endswith(f"Written to {fitted.model}.\n")
    reason, first = fitted.answer.err.splitlines()[:2]
    assert reason.startswith("Chose ar, the autoregressive model, for 3,000 rows × 6 columns on ")
    assert first == "    0 s         coding the table: 3,000 rows"


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_the_same_seed_gives_the_same_file(fitted: Fitted, tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in ("a", "b", "other")]
    for path, seed in zip(files, (5, 5, 6), strict=True):
        assert synthx("sample", fitted.model, "-n", "200", "-o", path, "--seed", seed).status == 0
    a, b, other = (path.read_bytes() for path in files)
    assert a == b
    assert a != other


def test_unconditional_rows_follow_the_shares_of_the_classes(fitted: Fitted, tmp_path: Path) -> None:
    assert synthx("sample", fitted.model, "-n", "20000", "-o", tmp_path / "s.csv", "--seed", "0").status == 0
    real = (fitted.frame["fraud"] == "yes").mean()
    share = (read_table(tmp_path / "s.csv")["fraud"] == "yes").mean()
    assert abs(share - real) < 3 * np.sqrt(real * (1 - real) / len(fitted.frame))


def test_the_country_called_NA_survives(fitted: Fitted, tmp_path: Path) -> None:
    assert synthx("sample", fitted.model, "-n", "2000", "-o", tmp_path / "s.csv", "--seed", "0").status == 0
    assert set(read_table(tmp_path / "s.csv")["country"]) == {"CH", "DE", "NA"}


# -- conditions -----------------------------------------------------------------------------------------------------

CONDITIONS = {
    "second categorical": (["country=DE"], lambda rows: rows["country"] == "DE"),
    "third categorical": (["note=checked"], lambda rows: rows["note"] == "checked"),
    "last column": (["fraud=yes"], lambda rows: rows["fraud"] == "yes"),
    "several levels": (["country=CH|NA"], lambda rows: rows["country"].isin(["CH", "NA"])),
    "range": (["amount=100..500"], lambda rows: rows["amount"].between(100, 500)),
    "narrow range": (["age=40..41"], lambda rows: rows["age"].isin([40, 41])),
    "open range": (["age=65.."], lambda rows: rows["age"] >= 65),
    "missing text": (["note="], lambda rows: rows["note"].isna()),
    "missing number": (["age="], lambda rows: rows["age"].isna()),
    "three at once": (
        ["fraud=yes", "amount=200..", "country=CH"],
        lambda rows: (rows["fraud"] == "yes") & (rows["amount"] >= 200) & (rows["country"] == "CH"),
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_row_meets_the_condition(fitted: Fitted, tmp_path: Path, name: str) -> None:
    given, meets = CONDITIONS[name]
    words = [word for text in given for word in ("--given", text)]
    path = tmp_path / "s.parquet"
    answer = synthx("sample", fitted.model, "-n", "1000", "-o", path, *words)
    assert answer.status == 0, answer.err
    rows = read_table(path)
    assert len(rows) == 1_000
    assert meets(rows).all()


# -- tables of every shape ------------------------------------------------------------------------------------------


def odd_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(0)
    whole = payments(600)
    return {
        "only numbers": pd.DataFrame(rng.normal(size=(400, 4)).round(3), columns=list("abcd")),
        "only categories": whole[["channel", "country", "fraud"]],
        "one column": whole[["amount"]],
        "50 rows": whole.head(50),
        "300 columns": pd.DataFrame(rng.integers(0, 5, (300, 300)), columns=[f"c{i}" for i in range(300)]),
        "constant and all-missing": whole.assign(constant=7, nothing=np.nan),
    }


@pytest.mark.parametrize("name", odd_tables())
def test_tables_of_every_shape_train(tmp_path: Path, name: str) -> None:
    frame = odd_tables()[name]
    frame.to_csv(tmp_path / "t.csv", index=False)
    answer = synthx("fit", tmp_path / "t.csv", "-o", tmp_path / "m.synthx", "--minutes", "0.04")
    assert answer.status == 0, answer.err
    answer = synthx("sample", tmp_path / "m.synthx", "-n", "70", "-o", tmp_path / "s.csv")
    assert answer.status == 0, answer.err
    rows = read_table(tmp_path / "s.csv")
    assert rows.shape == (70, frame.shape[1])
    if name == "constant and all-missing":
        assert (rows["constant"] == 7).all()
        assert rows["nothing"].isna().all()


# -- interruption ---------------------------------------------------------------------------------------------------


def _hear_interrupts() -> None:
    """Undo what a shell does to jobs in its background, where this test may run: they ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_during_fit_keeps_the_best_model(fitted: Fitted, tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "synthx.cli", "fit", str(fitted.table), "-o", str(tmp_path / "m.synthx")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, preexec_fn=_hear_interrupts) as process:
        assert process.stderr is not None
        line = " "
        while "training:" not in line:  # the choice of a model comes first, then coding the table, then learning
            line = process.stderr.readline()
            assert line, "fit ended before it could be interrupted"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "interrupted; the best weights so far are kept" in out
    assert synthx("sample", tmp_path / "m.synthx", "-n", "5", "-o", tmp_path / "s.csv").status == 0


# -- a larger table, where it is at hand ----------------------------------------------------------------------------


@pytest.mark.slow
def test_adult_ends_with_a_model_that_samples(shared_data: Path, tmp_path: Path) -> None:
    train = shared_data / "adult" / "train.csv.gz"
    begin = time.monotonic()
    words = ("fit", train, "-o", tmp_path / "m.synthx", "--target", "income", "--minutes", "0.3")
    answer = synthx(*words)
    assert answer.status == 0, answer.err
    assert time.monotonic() - begin < 30
    words = ("--given", "income=>50K", "--given", "age=30..40", "--seed", "0")
    answer = synthx("sample", tmp_path / "m.synthx", "-n", "5000", "-o", tmp_path / "s.csv", *words)
    assert answer.status == 0, answer.err
    rows = read_table(tmp_path / "s.csv")
    assert (rows["income"] == ">50K").all()
    assert rows["age"].between(30, 40).all()
    assert list(rows.columns) == list(read_table(train).columns)
