"""How a worker's end becomes a row: stand-ins for the worker, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synthx.benchmarking.job import Message, Stage, Status
from synthx.benchmarking.supervision import Ended, Moment, supervise

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")


def watch(
    folder: Path, code: str, *, limit_seconds: float | None = None, report: Callable[[Moment], None] = lambda _: None
) -> Ended:
    """Supervise a process that runs `code`, in which `say(stage, ...)` says a message."""
    said = f"""
        import json, os, signal, subprocess, sys, time
        from pathlib import Path
        folder = Path({str(folder)!r})
        def say(stage, **more):
            silent = {{"fraction": 0.0, "detail": "", "figures": {{}}, "status": None, "reason": ""}}
            with (folder / "messages.jsonl").open("a") as file:
                file.write(json.dumps({{"stage": stage, **silent, **more}}) + "\\n")
    """
    command = [sys.executable, "-c", textwrap.dedent(said) + textwrap.dedent(code)]
    return supervise(command, folder, limit_seconds=limit_seconds, report=report)


def test_figures_of_all_messages_come_together(tmp_path: Path) -> None:
    ended = watch(
        tmp_path,
        """
        say("fitting", figures={"versions": "1"})
        say("sampling", figures={"fit_seconds": 2.5})
        say("scoring", figures={"trend": 0.5}, status="ok")
        """,
    )
    assert ended.status is Status.OK
    assert ended.reason == ""
    assert {name: ended.figures[name] for name in ("versions", "fit_seconds", "trend")} == {
        "versions": "1",
        "fit_seconds": 2.5,
        "trend": 0.5,
    }


def test_a_crash_gives_the_last_line_of_what_was_said(tmp_path: Path) -> None:
    ended = watch(tmp_path, "sys.exit('the library gave up')")
    assert (ended.status, ended.reason) == (Status.FAILED, "ended with status 1: the library gave up")


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("SIGSEGV", Status.FAILED, "killed by SIGSEGV while fitting: about to crash"),
        ("SIGKILL", Status.OUT_OF_MEMORY, "killed by SIGKILL while fitting, as systems do when memory runs out"),
    ],
)
def test_a_signal_is_named(tmp_path: Path, name: str, status: Status, reason: str) -> None:
    code = f"""
        say("fitting")
        print("about to crash", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.{name})
    """
    ended = watch(tmp_path, code)
    assert (ended.status, ended.reason) == (status, reason)


def test_the_time_limit_kills_the_whole_group(tmp_path: Path) -> None:
    begin = time.monotonic()
    code = """
        say("fitting", figures={"versions": "1"})
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        (folder / "child").write_text(str(child.pid))
        time.sleep(60)
    """
    ended = watch(tmp_path, code, limit_seconds=2)
    assert time.monotonic() - begin < 20
    assert (ended.status, ended.reason) == (Status.TIMED_OUT, "stopped after 2 s, while fitting")
    assert ended.figures["versions"] == "1"
    assert ended.figures["peak_mib"] > 5
    assert gone(int((tmp_path / "child").read_text()))


def test_scoring_does_not_count_as_the_models_time(tmp_path: Path) -> None:
    code = """
        say("scoring")
        time.sleep(2.5)
        say("scoring", status="ok")
    """
    assert watch(tmp_path, code, limit_seconds=2).status is Status.OK


def test_reports_tell_stages_and_seconds(tmp_path: Path) -> None:
    moments: list[Moment] = []
    code = """
        say("fitting", fraction=0.5, detail="loss 1.0")
        time.sleep(0.5)
        say("scoring", status="ok")
    """
    watch(tmp_path, code, report=moments.append)
    assert Message(stage=Stage.STARTING) == moments[0].message
    assert Message(stage=Stage.FITTING, fraction=0.5, detail="loss 1.0") in [moment.message for moment in moments]
    assert moments[-1].seconds > 0.4


def test_an_interrupt_kills_the_worker(tmp_path: Path) -> None:
    def interrupt(moment: Moment) -> None:
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(
            tmp_path,
            """
            (folder / "draft").write_text(str(os.getpid()))
            (folder / "draft").rename(folder / "pid")
            time.sleep(60)
            """,
            report=interrupt,
        )
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_worker_that_loses_its_benchmark_removes_the_tables(tmp_path: Path) -> None:
    """The benchmark may be killed without a chance to tidy up."""
    data = tmp_path / "data"
    (data / "run-0").mkdir(parents=True)
    (data / "train.parquet").write_bytes(b"real rows")
    code = """
        import sys, time
        from pathlib import Path
        from synthx.benchmarking.worker import _end_with_parent
        _end_with_parent(Path(sys.argv[1]))
        print("ready", flush=True)
        time.sleep(60)
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", textwrap.dedent(code), str(data)]
    with subprocess.Popen(command, **pipes, start_new_session=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        worker.stdin.close()
        assert worker.wait(timeout=20) == -signal.SIGKILL
    assert not data.exists()


def gone(pid: int, *, seconds: float = 5.0) -> bool:
    """Whether a process ends within some seconds; one that nobody has buried yet has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
