"""Long runs of `synthx sample`: the same bytes however they are cut, and after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import synthx.io
from synthx.cli import main
from synthx.models.autoregressive import TabularAR

DATES = pd.date_range("2024-01-01", periods=40, freq="h")
ROWS = 17_000
"""More than one block of 16,384, of which each has a seed of its own."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model with keys, missing cells, categories and times that are midnight in most rows."""
    frame = pd.DataFrame(
        {
            "id": [f"AC-{number:05d}" for number in range(400)],
            "sex": pd.Categorical(["F", "M"] * 200),
            "visits": pd.array([None, 1, 2, 3] * 100, dtype="Int64"),
            "day": [DATES[0] if number % 20 else DATES[number // 20] for number in range(400)],
        }
    )
    path = tmp_path_factory.mktemp("model") / "m.synthx"
    TabularAR(steps=20, seed=0).fit(frame).save(path)
    return path


def sample(model: Path, out: Path, *options: object) -> bytes:
    words = ["sample", model, "-n", ROWS, "-o", out, "--seed", 1, *options]
    assert main([str(word) for word in words]) == 0
    return out.read_bytes()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz"])
def test_the_bytes_do_not_depend_on_the_chunk_size(
    model: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthx.io, "GROUP_ROWS", 6_000)
    whole = sample(model, tmp_path / f"whole{suffix}")
    for number, options in enumerate([["--chunk-rows", 3_000], ["--chunk-rows", ROWS - 1, "--resume"], ["--resume"]]):
        assert sample(model, tmp_path / f"{number}{suffix}", *options) == whole
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [Path(f"x{suffix}").suffix] * 4


def test_a_rebalanced_table_too(model: Path, tmp_path: Path) -> None:
    asked = ["--rebalance", "sex=F:0.9|M:0.1"]
    whole = sample(model, tmp_path / "a.csv", *asked)
    assert sample(model, tmp_path / "b.csv", *asked, "--resume", "--chunk-rows", 7_000) == whole


def start(model: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    words = ["sample", str(model), "-n", str(ROWS), "-o", str(out), "--seed", "1", "--resume", "--chunk-rows", "500"]
    return subprocess.Popen([sys.executable, "-m", "synthx.cli", *words, *options], stderr=subprocess.DEVNULL)


def test_a_killed_run_goes_on(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    process = start(model, out)
    state = tmp_path / "rows.parquet.parts" / "state.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (state.exists() and len(json.loads(state.read_text())["counts"]) > 3):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    kept = json.loads(state.read_text())["counts"]
    assert 3 < len(kept) < ROWS / 500
    parts = {path.name: path.stat().st_mtime_ns for path in state.parent.glob("*.arrow")}
    assert main([str(word) for word in ["sample", model, "-n", ROWS, "-o", out, "--seed", 2, "--resume"]]) == 2
    assert main([str(word) for word in ["sample", model, "-n", 15_000, "-o", out, "--seed", 1, "--resume"]]) == 2
    assert {path.name for path in state.parent.glob("*.arrow")} == set(parts)  # a wrong command destroys nothing
    assert sample(model, out, "--resume", "--chunk-rows", 5_000) == sample(model, tmp_path / "whole.parquet")
    assert not state.parent.exists()


def test_a_stopped_run_without_a_seed_goes_on_with_its_own(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from synthx._parts import Parts

    out = tmp_path / "rows.csv"
    words = ["sample", str(model), "-n", str(ROWS), "-o", str(out), "--resume", "--chunk-rows", "5000"]
    keep = Parts.keep

    def interrupted(self: Parts, count: int, frames: list[pd.DataFrame]) -> None:
        keep(self, count, frames)
        if self.done == 10_000:
            raise KeyboardInterrupt

    monkeypatch.setattr(Parts, "keep", interrupted)
    with pytest.raises(SystemExit):
        main(words)
    assert "10,000 of 17,000 are kept" in capsys.readouterr().err
    monkeypatch.undo()
    seed = json.loads((tmp_path / "rows.csv.parts" / "state.json").read_text())["seed"]
    assert main(words) == 0
    again = sample(model, tmp_path / "again.csv", "--seed", seed)
    assert out.read_bytes() == again


def test_parts_that_were_left_are_neither_used_nor_lost_unasked(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("synthx.cli.sample.KEPT_FROM", ROWS)
    (tmp_path / "rows.csv.parts").mkdir()
    words = ["sample", str(model), "-n", str(ROWS), "-o", str(tmp_path / "rows.csv")]
    assert main(words) == 2
    assert "add --resume to go on from there, or --force to begin anew" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
    assert len(pd.read_csv(tmp_path / "rows.csv")) == ROWS
