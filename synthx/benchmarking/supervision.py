"""Watch a worker process: its messages, its memory, its time; and say how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from synthx.benchmarking.job import MESSAGES, STDERR, Message, Stage, Status
from synthx.benchmarking.memory import peak_mib

__all__ = ["Ended", "Moment", "supervise", "worker_command"]

_SECONDS_BETWEEN_LOOKS = 0.1
_LONGEST_REASON = 300


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """Where a run stands: the last thing that its worker said, and the seconds since it was started."""

    message: Message
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its status, why it did not end well, and the cells of its row that are known."""

    status: Status
    reason: str
    figures: dict[str, Any]


def worker_command(folder: Path) -> list[str]:
    """Return the command that runs the job in `folder`."""
    return [sys.executable, "-P", "-m", "synthx.benchmarking.worker", str(folder)]


def supervise(
    command: Sequence[str],
    folder: Path,
    *,
    limit_seconds: float | None = None,
    report: Callable[[Moment], None] = lambda moment: None,
) -> Ended:
    """Run a worker to its end, or to the end of its time.

    Parameters
    ----------
    command : sequence of str
        What to start; it writes messages into `folder`.
    folder : Path
        Of this run.
    limit_seconds : float, optional
        For the whole run up to the scoring, the start of the process included; then its process group is killed.
    report : callable
        Is called some times a second.

    Returns
    -------
    Ended
        Whatever happens to the worker. If this function is interrupted, the worker is killed.
    """
    watch = _Watch(folder)
    began = time.monotonic()
    with _started(command, folder) as process:
        while process.poll() is None:
            watch.look(process.pid)
            seconds = time.monotonic() - began
            report(Moment(watch.last, seconds))
            if limit_seconds is not None and seconds > limit_seconds and watch.last.stage is not Stage.SCORING:
                return watch.timed_out(limit_seconds)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_BETWEEN_LOOKS)
    watch.look(None)
    return watch.ended(process.returncode)


class _Watch:
    """What is known of a worker so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last = Message(stage=Stage.STARTING)
        self.figures: dict[str, Any] = {}
        self._read = 0

    def look(self, pid: int | None) -> None:
        """Read the memory of a running worker, and the messages that are new."""
        if pid is not None and self.last.stage is not Stage.SCORING:
            self.figures["peak_mib"] = peak_mib(pid) or self.figures.get("peak_mib")
        for message in self._new_messages():
            self.figures |= message.figures
            if message.status is not None:  # a farewell says why, not where
                message = dataclasses.replace(message, stage=self.last.stage)
            self.last = message

    def _new_messages(self) -> list[Message]:
        path = self.folder / MESSAGES
        if not path.exists():
            return []
        with path.open(encoding="utf-8") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]  # the last line may be half-written
        self._read += len(whole.encode())
        return [Message.parse(line) for line in whole.splitlines()]

    def timed_out(self, limit_seconds: float) -> Ended:
        reason = f"stopped after {limit_seconds:.0f} s, while {self.last.stage}"
        return Ended(Status.TIMED_OUT, reason, self.figures)

    def ended(self, code: int) -> Ended:
        """Return how a worker ended that is no more."""
        if self.last.status is not None:
            return Ended(self.last.status, self.last.reason, self.figures)
        if code < 0:
            return self._killed(-code)
        said = _last_line(self.folder / STDERR)
        return Ended(Status.FAILED, f"ended with status {code}{': ' if said else ''}{said}", self.figures)

    def _killed(self, number: int) -> Ended:
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        reason = f"killed by {name} while {self.last.stage}"
        if name == "SIGKILL":
            return Ended(Status.OUT_OF_MEMORY, f"{reason}, as systems do when memory runs out", self.figures)
        said = _last_line(self.folder / STDERR)
        return Ended(Status.FAILED, f"{reason}{': ' if said else ''}{said}", self.figures)


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:_LONGEST_REASON] if said else ""


# -- processes --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker in a process group of its own; if it still runs at the end, kill the whole group."""
    with (folder / STDERR).open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # never written to: when it closes, the worker knows that we are gone
            stdout=log,
            stderr=log,
            env=_environment(),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            _kill_group(process)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _environment() -> dict[str, str]:
    """Return the environment in which a worker finds the modules that this process finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(place or str(Path.cwd()) for place in sys.path)}


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
