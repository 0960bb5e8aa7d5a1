"""What the benchmark and its worker processes say to each other: files in a private folder.

::

    folder/
      train.parquet  holdout.parquet  schema.json    the same for all
      run-3/
        job.json         what to run
        messages.jsonl   what the worker says, a line each
        stderr.txt       what else is said
"""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["HOLDOUT", "JOB", "MESSAGES", "SCHEMA", "STDERR", "TRAIN", "Job", "Message", "Stage", "Status"]

TRAIN, HOLDOUT, SCHEMA = "train.parquet", "holdout.parquet", "schema.json"
JOB, MESSAGES, STDERR = "job.json", "messages.jsonl", "stderr.txt"


class Status(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    NOT_INSTALLED = "not installed"


class Stage(StrEnum):
    """Where a run stands."""

    STARTING = "starting"
    FITTING = "fitting"
    SAMPLING = "sampling"
    SCORING = "scoring"
    """The time limit no longer counts: it is for the model, and this is our work."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One model and one seed.

    Parameters
    ----------
    model : str
        Name of a candidate.
    seed : int
    rows : int
        How many to sample; of sequences, how many entities.
    max_minutes : float, optional
        What a model that can stop in time is told.
    sequences : bool
        Whether the data are sequences.
    """

    model: str
    seed: int
    rows: int
    max_minutes: float | None = None
    sequences: bool = False

    def write(self, folder: Path) -> None:
        (folder / JOB).write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Job:
        return cls(**json.loads((folder / JOB).read_text(encoding="utf-8")))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A line that a worker says.

    Parameters
    ----------
    stage : Stage
    fraction : float
        How much of the stage is done, 0 to 1.
    detail : str
        A figure worth showing.
    figures : dict
        Cells of the result row that are known from now on.
    status : Status, optional
        Present in the last message only.
    reason : str
        Why the run did not end well.
    """

    stage: Stage
    fraction: float = 0.0
    detail: str = ""
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)
    status: Status | None = None
    reason: str = ""

    def append(self, folder: Path) -> None:
        with (folder / MESSAGES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(self)) + "\n")

    @classmethod
    def parse(cls, line: str) -> Message:
        values = json.loads(line)
        status = values["status"]
        known = {"stage": Stage(values["stage"]), "status": None if status is None else Status(status)}
        return cls(**(values | known))
