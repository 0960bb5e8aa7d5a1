"""The loop: what is run, kept, repeated, written and told. These runs are made up; `tests/acceptance` has real ones."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthx.benchmarking import run as running
from synthx.benchmarking.job import HOLDOUT, SCHEMA, TRAIN, Job, Message, Stage, Status
from synthx.benchmarking.results import Results
from synthx.benchmarking.run import benchmark
from synthx.benchmarking.supervision import Ended, Moment
from synthx.errors import DataError, OutputError, ParameterError
from synthx.schema import Schema
from synthx.training import ProgressEvent

from .conftest import correlated, stays

FRAME = correlated(200)
GOOD = Ended(Status.OK, "", {"c2st": 0.6, "trend": 0.9, "fit_seconds": 2.0, "sample_seconds": 0.5, "rows": 160})


class Runs:
    """Stands in for `supervise`: keeps the jobs, and ends as it is told."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.limits: list[float | None] = []
        self.folders: list[Path] = []
        self.end: Callable[[Job], Ended] = lambda job: GOOD

    def __call__(
        self, command: list[str], folder: Path, *, limit_seconds: float | None, report: Callable[[Moment], None]
    ) -> Ended:
        for name in (TRAIN, HOLDOUT, SCHEMA):
            assert (folder.parent / name).exists()
        assert (folder.parent.stat().st_mode & 0o777) == 0o700
        self.jobs.append(Job.read(folder))
        self.limits.append(limit_seconds)
        self.folders.append(folder.parent)
        report(Moment(Message(stage=Stage.FITTING, fraction=0.5, detail="loss 1"), 1.0))
        return self.end(self.jobs[-1])

    @property
    def names(self) -> list[tuple[str, int]]:
        return [(job.model, job.seed) for job in self.jobs]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr(running, "supervise", made)
    return made


def test_models_times_seeds_in_order(runs: Runs) -> None:
    results = benchmark(FRAME, models=["gan", "bootstrap"], seeds=(0, 7))
    wanted = [("gan", 0), ("bootstrap", 0), ("gan", 7), ("bootstrap", 7)]
    assert runs.names == wanted
    assert list(zip(results.frame["model"], results.frame["seed"], strict=True)) == wanted
    assert results.frame["rows"].tolist() == [160] * 4
    assert {job.rows for job in runs.jobs} == {160}
    assert results.frame["fingerprint"].nunique() == 1


def test_sequences_are_run_as_such(runs: Runs) -> None:
    frame = stays(30)
    schema = Schema.detect(frame, entity=("ward", "patient"), time="hour")
    results = benchmark(frame, schema=schema, models=["bootstrap"], holdout=0.2)
    assert results.sequences
    assert runs.jobs[0].sequences
    assert 20 <= runs.jobs[0].rows <= 27  # entities
    with pytest.raises(ParameterError, match="vae learns single rows, and here an entity has several"):
        benchmark(frame, schema=schema, models=["vae"])
    with pytest.raises(ParameterError, match="sdv-par learns sequences, and here no entity has several rows"):
        benchmark(FRAME, models=["sdv-par"])


@pytest.mark.parametrize(("limit", "told"), [(None, None), (1.0, 0.8), (10.0, 8.0), (60.0, 58.0)])
def test_models_are_told_less_than_the_limit(runs: Runs, limit: float | None, told: float | None) -> None:
    benchmark(FRAME, models=["gan"], max_minutes_each=limit)
    assert runs.limits == [None if limit is None else 60 * limit]
    assert runs.jobs[0].max_minutes == (None if told is None else pytest.approx(told))


def test_a_bad_end_is_a_row(runs: Runs, tmp_path: Path) -> None:
    ends = iter([Ended(Status.OUT_OF_MEMORY, "killed, it seems", {"peak_mib": 900.0}), GOOD])
    runs.end = lambda job: next(ends)
    results = benchmark(FRAME, models=["gan", "bootstrap"], output=tmp_path / "r.csv").frame
    assert results["status"].tolist() == ["out of memory", "ok"]
    assert results["reason"].tolist() == ["killed, it seems", None]
    assert results["peak_mib"].tolist()[0] == 900.0
    assert pd.isna(results["c2st"].tolist()[0])
    assert Results.from_csv(tmp_path / "r.csv").frame.equals(results)


def test_resuming_runs_what_is_missing(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    benchmark(FRAME, models=["gan"], output=path)
    results = benchmark(FRAME, models=["gan", "bootstrap"], seeds=(0, 1), output=path)
    assert runs.names == [("gan", 0), ("bootstrap", 0), ("gan", 1), ("bootstrap", 1)]
    assert len(results) == 4
    benchmark(FRAME, models=["gan", "bootstrap"], seeds=(0, 1), output=path)
    assert len(runs.jobs) == 4
    assert len(benchmark(FRAME, models=["independent"], output=path)) == 5


def test_the_file_is_whole_after_every_run(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"

    def interrupt_the_third(job: Job) -> Ended:
        if len(runs.jobs) == 3:
            raise KeyboardInterrupt
        return GOOD

    runs.end = interrupt_the_third
    with pytest.raises(KeyboardInterrupt):
        benchmark(FRAME, models=["gan"], seeds=range(5), output=path)
    assert Results.from_csv(path).frame["seed"].tolist() == [0, 1]
    assert not runs.folders[0].exists()
    runs.end = lambda job: GOOD
    benchmark(FRAME, models=["gan"], seeds=range(5), output=path)
    assert [seed for _, seed in runs.names] == [0, 1, 2, 2, 3, 4]
    assert [left.name for left in tmp_path.iterdir()] == ["r.csv"]


def test_figures_of_another_table_are_not_mixed(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    benchmark(FRAME, models=["gan"], output=path)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"holds figures of another table, target, holdout or number of rows"):
        benchmark(FRAME.iloc[1:], models=["gan"], output=path)
    with pytest.raises(OutputError, match="exists already"):
        benchmark(FRAME, models=["gan"], output=path, resume=False)
    assert path.read_bytes() == before
    assert len(benchmark(FRAME.iloc[1:], models=["bootstrap"], output=path, force=True)) == 1


def test_the_folder_is_private_and_removed(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    benchmark(FRAME, models=["gan"])
    assert runs.folders[0].parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_from_start_to_end(runs: Runs) -> None:
    events: list[ProgressEvent] = []
    benchmark(FRAME, models=["gan", "bootstrap"], progress=events.append)
    assert [(event.stage, event.fraction, event.message) for event in events] == [
        ("1 of 2: gan, seed 0", 0.45, "fitting, loss 1"),
        ("1 of 2: gan, seed 0", 1.0, "ok, trend 0.900, c2st 0.600, fit 2.0 s"),
        ("2 of 2: bootstrap, seed 0", 0.45, "fitting, loss 1"),
        ("2 of 2: bootstrap, seed 0", 1.0, "ok, trend 0.900, c2st 0.600, fit 2.0 s"),
    ]


def test_progress_within_a_run_never_goes_back() -> None:
    events: list[ProgressEvent] = []
    plan = running._plan((), [0], 1.0)
    reporter = running._Reporter(events.append, "a run", plan)
    for seconds, (stage, fraction) in zip(
        itertools.count(0, 10), [("starting", 0), ("fitting", 0.9), ("fitting", 0.1), ("scoring", 0)], strict=False
    ):
        reporter.look(Moment(Message(stage=Stage(stage), fraction=fraction), float(seconds)))
    reporter.done(Ended(Status.TIMED_OUT, "stopped", {}))
    fractions = [event.fraction for event in events]
    assert fractions == pytest.approx([0.0, 0.81, 0.81, 0.9, 1.0])
    assert events[-1].message == "timed out (stopped)"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": ()}, "there is no seed"),
        ({"seeds": (0, 0)}, "given twice"),
        ({"seeds": (2**32,)}, "too large"),
        ({"seeds": (-1,)}, "seed is -1"),
        ({"seeds": (0.5,)}, "seed is 0.5"),
        ({"models": ["gun"]}, "no model 'gun'"),
        ({"max_minutes_each": 0}, "0 minutes"),
        ({"max_minutes_each": float("nan")}, "nan minutes"),
    ],
)
def test_what_is_refused(runs: Runs, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        benchmark(FRAME, **settings)
    assert runs.jobs == []
