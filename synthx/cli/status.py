"""What went wrong, as one sentence and an exit status."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import typer

from synthx._secrets import masked
from synthx.errors import DataWarning, ResourceError, SynthxError, UserError

__all__ = ["exit_status", "explain_crash"]

SUCCESS, OUR_FAULT, USER_CAN_MEND, INTERRUPTED = 0, 1, 2, 130


def exit_status(command: Callable[[], int | None]) -> int:
    """Run a command; say on standard error what went wrong, and return the exit status.

    Typer turns Ctrl-C into a returned 130, and `--help` into a returned 0; a command that ends well returns None. What
    nobody foresaw passes through, and `explain_crash` meets it at the end.
    """
    try:
        with _plain_warnings():
            status = command()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except typer.TyperException as error:  # an unknown option, a missing argument
        return _say(_usage(error), USER_CAN_MEND)
    except UserError as error:
        return _say(str(error), USER_CAN_MEND)
    except SynthxError as error:
        return _say(str(error), OUR_FAULT)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        return _say(str(_out_of_memory()), USER_CAN_MEND)
    if status == INTERRUPTED:
        return _say("stopped by Ctrl-C; nothing was written.", INTERRUPTED)
    return status or SUCCESS


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Say what the library warns of as a sentence, without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        show = warnings.showwarning

        def say(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, DataWarning):
                typer.echo(f"Warning: {masked(str(message))}", err=True)
            else:
                show(message, category, *where, **more)

        warnings.showwarning = say
        yield


def explain_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one sentence that synthx failed, in the place of Python's traceback; Python then exits with status 1."""
    if _is_debugging() or not isinstance(error, Exception):
        sys.__excepthook__(kind, error, trace)
    else:
        typer.echo(f"synthx: {masked(_sentence(error))}", err=True)


def _say(sentence: str, status: int) -> int:
    """Print a sentence, below the traceback of what is being handled if that is wanted; return the status."""
    if _is_debugging() and sys.exc_info()[0] is not None:
        traceback.print_exc()
    typer.echo(f"synthx: {masked(sentence)}", err=True)
    return status


def _is_debugging() -> bool:
    return os.environ.get("SYNTHX_DEBUG", "") not in ("", "0")


def _usage(error: typer.TyperException) -> str:
    """Return what was wrong with the command's arguments, and where to look."""
    context = getattr(error, "ctx", None)
    command = "synthx" if context is None else context.command_path
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see `{command} --help`."


def _sentence(error: Exception) -> str:
    said = " ".join(str(error).split())[:300]
    return (
        f"this should not have happened ({type(error).__name__}: {said}); "
        "run it again with SYNTHX_DEBUG=1 in the environment to see where."
    )


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch says so in a RuntimeError, and in other words on each device."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in said or "can't allocate memory" in said


def _out_of_memory() -> ResourceError:
    return ResourceError(
        "memory ran out", remedy="use a smaller --batch-size in fit, a smaller -n in sample, or a table of fewer rows"
    )
