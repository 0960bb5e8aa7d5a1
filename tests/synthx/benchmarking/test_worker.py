"""The worker: what it says of a run, and of what ended it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from synthx.benchmarking import worker
from synthx.benchmarking.candidates import Generator
from synthx.benchmarking.job import MESSAGES, Job, Message, Stage, Status
from synthx.errors import DataError, ResourceError
from synthx.schema import Schema
from synthx.training import Progress, ProgressEvent

from .conftest import correlated


class Echo(Generator):
    """Gives back what it learned, and keeps the order in which it was used."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        self.calls.append("fit")
        self.frame = frame
        progress(ProgressEvent("learning", 0.5, "loss 1.0", 1.0))

    def prepare(self, rows: int) -> None:
        self.calls.append("prepare")

    def sample(self, rows: int) -> pd.DataFrame:
        self.calls.append("sample")
        return self.frame.head(rows)


def said(folder: Path) -> list[Message]:
    return [Message.parse(line) for line in (folder / MESSAGES).read_text().splitlines()]


def test_it_says_what_it_does_and_what_it_took(tmp_path: Path) -> None:
    frame, echo = correlated(100), Echo()
    rows = worker._fit_and_sample(echo, frame, Schema.detect(frame), Job(model="x", seed=0, rows=30), tmp_path)
    assert echo.calls == ["fit", "prepare", "sample"]
    assert len(rows) == 30
    messages = said(tmp_path)
    assert [message.stage for message in messages] == ["fitting", "fitting", "sampling", "scoring"]
    assert (messages[1].fraction, messages[1].detail) == (0.5, "learning: loss 1.0")
    figures = messages[3].figures
    assert set(figures) == {"sample_seconds", "peak_mib", "rows", "versions"}
    assert figures["rows"] == 30
    assert "pandas 2." in figures["versions"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("two\nlines"), Status.FAILED, "ValueError: two lines"),
        (RuntimeError(), Status.FAILED, "RuntimeError"),
        (DataError("the table is odd", remedy="mend it"), Status.FAILED, "the table is odd; mend it"),
        (MemoryError(), Status.OUT_OF_MEMORY, "MemoryError"),
        (ResourceError("memory ran out", remedy="buy some"), Status.OUT_OF_MEMORY, "memory ran out; buy some"),
        (RuntimeError("CUDA out of memory."), Status.OUT_OF_MEMORY, "RuntimeError: CUDA out of memory."),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            Status.OUT_OF_MEMORY,
            "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried",
        ),
        (ModuleNotFoundError("No module named 'ctgan'"), Status.NOT_INSTALLED, "ModuleNotFoundError: No module named"),
    ],
)
def test_it_says_what_ended_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, status: Status, reason: str
) -> None:
    worker._say_why(tmp_path, type(error), error, None)
    (message,) = said(tmp_path)
    assert message.status is status
    assert message.reason.startswith(reason)
    assert type(error).__name__ in capsys.readouterr().err  # the traceback, for who looks for it


def test_a_message_survives_its_file(tmp_path: Path) -> None:
    message = Message(stage=Stage.SCORING, figures={"c2st": 0.5}, status=Status.OK, detail="ä\nb")
    message.append(tmp_path)
    assert said(tmp_path) == [message]
