"""``synthx benchmark``, whole: real processes on a table whose columns depend on each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import randhie

from synthx.benchmarking.results import COLUMNS, Results

from .conftest import Answer, synthx
from .test_bad_input import assert_mendable


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "records.csv"
    randhie.load_pandas().data.sample(1_500, random_state=0).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def anchors(records: Path) -> tuple[Answer, Path]:
    """Run both anchors, and refinement where there is none."""
    output = records.with_name("anchors.csv")
    words = ("--models", "independent,bootstrap,bootstrap+refine", "--target", "hlthg")
    return synthx("benchmark", records, *words, "-o", output, "--plot", output.with_suffix(".svg")), output


def test_the_anchors_are_the_ends_of_the_scale(anchors: tuple[Answer, Path]) -> None:
    answer, output = anchors
    assert answer.status == 0, answer.err
    rows = Results.from_csv(output).frame.set_index("model")
    independent, bootstrap = rows.loc["independent"], rows.loc["bootstrap"]
    assert [independent["status"], bootstrap["status"]] == ["ok", "ok"]
    assert abs(bootstrap["c2st"] - 0.5) < 0.05
    assert independent["c2st"] > 0.85
    assert independent["trend"] < bootstrap["trend"] - 0.02
    assert independent["association"] < bootstrap["association"] - 0.1
    assert abs(independent["shape"] - bootstrap["shape"]) < 0.02  # which is why shape proves nothing
    assert bootstrap["copies"] == 1.0
    assert independent["copies"] < bootstrap["copies_holdout"] < 0.7
    assert bootstrap["score"] > independent["score"]
    assert bootstrap["rows"] == 1_200
    assert 50 < bootstrap["peak_mib"] < 400


def test_a_row_for_what_cannot_be(anchors: tuple[Answer, Path]) -> None:
    refused = Results.from_csv(anchors[1]).frame.set_index("model").loc["bootstrap+refine"]
    assert refused["status"] == "failed"
    assert refused["reason"] == "bootstrap has no setting 'refine'; run it as 'bootstrap'"


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return sequences too few for the judges that take long: a pulse that wanders, a key of two columns."""
    path = tmp_path_factory.mktemp("stays") / "stays.csv"
    rng = np.random.default_rng(0)
    sizes = rng.integers(4, 9, 80)
    who = np.repeat(np.arange(80), sizes)
    pulse = pd.Series(rng.normal(0, 1, len(who))).groupby(who).cumsum() + rng.normal(80, 5, 80)[who]
    hour = np.arange(len(who)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    cells = {"ward": np.where(who % 2, "A-1", "B-2"), "stay": who // 2, "hour": hour, "pulse": pulse.round(1)}
    pd.DataFrame(cells).assign(sex=rng.choice(["F", "M"], 80)[who]).to_csv(path, index=False)
    return path


def test_the_anchors_of_sequences_are_the_ends_of_their_scale(stays: Path, tmp_path: Path) -> None:
    words = ("--entity", "ward", "--entity", "stay", "--time", "hour", "--models", "independent,bootstrap")
    answer = synthx("benchmark", stays, *words, "--rows", "60", "-o", tmp_path / "r.csv")
    assert answer.status == 0, answer.err
    results = Results.from_csv(tmp_path / "r.csv")
    assert results.sequences
    rows = results.frame.set_index("model")
    assert rows["status"].tolist() == ["ok", "ok"]
    assert rows["entities"].tolist() == [60, 60]
    assert rows.loc["independent", "features"] < rows.loc["bootstrap", "features"] - 0.1
    assert (rows["lengths"] > 0.7).all()
    assert rows["reason"].str.contains("no c2st: needs 50 sequences of each table").all()
    assert rows["copies"].tolist() == [0.0, 1.0]


def test_a_model_of_rows_is_refused_on_sequences(stays: Path, tmp_path: Path) -> None:
    words = ("--entity", "ward", "--entity", "stay", "--models", "gan", "-o", tmp_path / "r.csv")
    answer = synthx("benchmark", stays, *words)
    assert_mendable(answer.status, answer.out, answer.err, "gan learns single rows, and here an entity has several")


def test_it_writes_tells_and_draws(anchors: tuple[Answer, Path]) -> None:
    answer, output = anchors
    assert list(pd.read_csv(output).columns) == list(COLUMNS)
    assert output.with_suffix(".svg").read_bytes().startswith(b"<?xml")
    assert answer.out.endswith(f"Written to {output}.\n")
    assert "bootstrap+refine, seed 0: failed (bootstrap has no setting" in answer.out
    told = answer.err.splitlines()
    assert "1 of 3: independent, seed 0" in told[0]
    assert "100%  3 of 3: bootstrap+refine, seed 0: failed" in told[-1]


def test_what_was_run_is_not_run_again(anchors: tuple[Answer, Path], records: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.csv"
    output.write_bytes(anchors[1].read_bytes())
    words = ("--target", "hlthg", "--models", "independent,bootstrap")
    answer = synthx("benchmark", records, *words, "-o", output, "--resume")
    assert (answer.status, answer.err) == (0, "")
    assert output.read_bytes() == anchors[1].read_bytes()


def test_a_peer_that_is_not_installed_is_a_row(records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sdv").mkdir()
    (tmp_path / "sdv" / "__init__.py").write_text("raise ImportError('no sdv on this machine')")
    monkeypatch.syspath_prepend(tmp_path)
    answer = synthx("benchmark", records, "--models", "sdv-ctgan", "-o", tmp_path / "r.csv")
    assert answer.status == 0, answer.err
    (row,) = Results.from_csv(tmp_path / "r.csv").frame.to_dict("records")
    assert row["status"] == "not installed"
    assert row["reason"] == "sdv cannot be imported (no sdv on this machine); pip install 'sdv>=2'"


def test_the_time_is_up(records: Path, tmp_path: Path) -> None:
    words = ("--models", "gan", "--minutes-each", "0.01", "-o", tmp_path / "r.csv")
    assert synthx("benchmark", records, *words).status == 0
    (row,) = Results.from_csv(tmp_path / "r.csv").frame.to_dict("records")
    assert row["status"] == "timed out"
    assert row["reason"].startswith("stopped after 1 s, while ")


def _hear_interrupts() -> None:
    """Undo what a shell does to jobs in its background, where this test may run: they ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_keeps_what_had_ended_and_leaves_no_rows_behind(records: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "temporary", tmp_path / "r.csv"
    folder.mkdir()
    command = [sys.executable, "-u", "-m", "synthx.cli", "benchmark", str(records), "-o", str(output)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": os.environ | {"TMPDIR": str(folder)}}
    command += ["--models", "bootstrap,gan"]
    with subprocess.Popen(command, **pipes, text=True, preexec_fn=_hear_interrupts) as process:
        assert process.stderr is not None
        line = ""
        while "2 of 2: gan" not in line:
            line = process.stderr.readline()
            assert line, "the benchmark ended before it could be interrupted"
        (private,) = folder.iterdir()
        assert (private.stat().st_mode & 0o777) == 0o700
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith(
        f"synthx: stopped by Ctrl-C; the runs that had ended are in {output}, and --resume goes on from there.\n"
    )
    assert Results.from_csv(output).frame["model"].tolist() == ["bootstrap"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--models", "gun"), "there is no model 'gun'"),
        (("--models", "gan,gan"), "'gan' is named twice"),
        (("--seeds", "0,x"), "--seeds is '0,x'"),
        (("--seeds", "0,0"), "given twice"),
        (("--minutes-each", "0"), "--minutes-each is 0; give a positive number"),
        (("--target", "nothing"), "'nothing'"),
        (("--holdout", "missing.csv"), "there is no file"),
        (("--plot", "plot.jpg"), "unknown format"),
        (("--resume", "--force"), "--resume keeps what --force replaces"),
        (("--rows", "0"), "rows is 0"),
        (("--models", "sdv-par"), "sdv-par learns sequences, and here no entity has several rows"),
        (("--static", "hlthg.csv"), "--static is given, but no --entity"),
    ],
)
def test_what_the_user_can_mend(records: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    answer = synthx("benchmark", records, "-o", tmp_path / "r.csv", *words)
    assert_mendable(answer.status, answer.out, answer.err, message)
    assert list(tmp_path.iterdir()) == []


def test_results_of_another_table_are_kept(anchors: tuple[Answer, Path], records: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.csv"
    output.write_bytes(anchors[1].read_bytes())
    for words, message in (
        ((), "exists already"),
        (("--resume", "--target", "hlthf"), "holds figures of another table"),
    ):
        answer = synthx("benchmark", records, "-o", output, "--models", "bootstrap", *words)
        assert_mendable(answer.status, answer.out, answer.err, message)
    assert output.read_bytes() == anchors[1].read_bytes()
