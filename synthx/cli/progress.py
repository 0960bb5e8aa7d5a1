"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

__all__ = ["Report", "reporting"]

Report = Callable[[str, float, str], None]
"""Takes the stage of the work, the share of the stage that is done (0 to 1), and a detail worth showing."""

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def reporting() -> Iterator[Report]:
    """Yield a function that shows progress."""
    if sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[message]}"), console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, fraction: float, message: str) -> None:
            if stage not in tasks:
                for earlier in tasks.values():
                    progress.update(earlier, completed=1.0)
                tasks[stage] = progress.add_task(stage, total=1.0, message="")
            progress.update(tasks[stage], completed=min(max(fraction, 0.0), 1.0), message=message)

        yield report


def _lines() -> Report:
    begin = time.monotonic()
    stage_shown, shown_at = "", begin

    def report(stage: str, fraction: float, message: str) -> None:
        nonlocal stage_shown, shown_at
        now = time.monotonic()
        if stage == stage_shown and now - shown_at < SECONDS_BETWEEN_LINES and fraction < 1:
            return
        stage_shown, shown_at = stage, now
        share = f"{fraction:5.0%}" if fraction > 0 else " " * 5
        typer.echo(f"{now - begin:5.0f} s  {share}  {stage}{': ' if message else ''}{message}", err=True)

    return report
