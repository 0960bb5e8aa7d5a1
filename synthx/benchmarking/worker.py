"""One model, one seed, one process: ``python -m synthx.benchmarking.worker FOLDER``.

A process of its own, so that memory can be measured, time can be limited, and a crash ends nobody else. What goes wrong
is not caught here: it ends the process, and `_say_why` tells the reason on the way out.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from synthx.benchmarking.job import HOLDOUT, SCHEMA, TRAIN, Job, Message, Stage, Status
from synthx.benchmarking.memory import peak_mib
from synthx.errors import SynthxError
from synthx.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

    from synthx.benchmarking.candidates import Generator
    from synthx.training import ProgressEvent

__all__ = ["main"]

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "torch", "sdv", "ctgan")
_LONGEST_REASON = 300


def main(folder: Path) -> None:
    """Run the job in `folder`; the data lie in the folder above."""
    data = folder.parent
    _end_with_parent(data)
    sys.excepthook = lambda kind, error, trace: _say_why(folder, kind, error, trace)
    job = Job.read(folder)

    from synthx.benchmarking.candidates import Shape, build, missing, parse
    from synthx.io import read_table

    candidate = parse(job.model)
    if reason := missing(candidate):
        Message(stage=Stage.STARTING, status=Status.NOT_INSTALLED, reason=reason).append(folder)
        return
    shape = Shape.SEQUENCES if job.sequences else Shape.TABLE
    generator = build(candidate, seed=job.seed, max_minutes=job.max_minutes, shape=shape)
    schema = Schema.from_json(data / SCHEMA)
    train = read_table(data / TRAIN, schema=schema)
    synthetic = _fit_and_sample(generator, train, schema, job, folder)
    # Only now: what the measures take is no part of the model's memory.
    from synthx.benchmarking.scores import score, score_sequences

    def tell(title: str) -> None:
        Message(stage=Stage.SCORING, detail=title).append(folder)

    holdout = read_table(data / HOLDOUT, schema=schema)
    take = score_sequences if job.sequences else score
    figures = take(synthetic, train=train, holdout=holdout, schema=schema, progress=tell)
    reason = figures.pop("reason")
    Message(stage=Stage.SCORING, figures=figures, status=Status.OK, reason=reason).append(folder)


def _fit_and_sample(generator: Generator, train: pd.DataFrame, schema: Schema, job: Job, folder: Path) -> pd.DataFrame:
    """Fit and sample with the watch running, and say what it took."""

    def tell(event: ProgressEvent) -> None:
        detail = f"{event.stage}{': ' if event.message else ''}{event.message}"
        Message(stage=Stage.FITTING, fraction=event.fraction, detail=detail).append(folder)

    Message(stage=Stage.FITTING, figures={"versions": _versions()}).append(folder)
    began = time.perf_counter()
    generator.fit(train, schema, tell)
    figures: dict[str, Any] = {"fit_seconds": _since(began)}
    Message(stage=Stage.SAMPLING, figures=figures).append(folder)
    generator.prepare(job.rows)
    began = time.perf_counter()
    synthetic = generator.sample(job.rows)
    figures = {
        "sample_seconds": _since(began),
        "peak_mib": peak_mib(),
        "rows": len(synthetic),
        "versions": _versions(),  # again: fitting may have imported more
    }
    Message(stage=Stage.SCORING, figures=figures).append(folder)
    return synthetic


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)


def _versions() -> str:
    """Name the versions of what this run has loaded."""
    loaded = {"scikit-learn": "sklearn"}
    found = {"python": platform.python_version()}
    for library in ("synthx-data", *(name for name in _LIBRARIES if loaded.get(name, name) in sys.modules)):
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # run from a source tree
            found[library] = "unknown"
    return ", ".join(f"{library} {number}" for library, number in found.items())


# -- ending -----------------------------------------------------------------------------------------------------


def _say_why(folder: Path, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell the benchmark what ended this process, in one line; the traceback goes where it always goes."""
    said = " ".join(str(error).split())[:_LONGEST_REASON]
    reason = said.rstrip(".") if isinstance(error, SynthxError) else f"{kind.__name__}: {said}".rstrip(": ")
    Message(stage=Stage.STARTING, status=_status(error), reason=reason).append(folder)
    sys.__excepthook__(kind, error, trace)


def _status(error: BaseException) -> Status:
    said = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in said or "allocate memory" in said:
        return Status.OUT_OF_MEMORY
    return Status.NOT_INSTALLED if isinstance(error, ModuleNotFoundError) else Status.FAILED


def _end_with_parent(data: Path) -> None:
    """End when the benchmark does, however it ends, and remove the real rows that it can no longer remove.

    The benchmark holds the other end of standard input: when it is gone, reading ends.
    """

    def wait() -> None:
        while os.read(0, 1024):  # not sys.stdin, whose lock would be held when Python shuts down
            pass
        shutil.rmtree(data, ignore_errors=True)
        if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)  # the processes that a model has started, too
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
