"""Places to write to: checked before the long work, and replaced in one step once the work is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from synthx._secrets import masked
from synthx.errors import OutputError

__all__ = ["CSV", "JSON", "check_distinct", "check_output", "replacing", "writing"]

CSV, JSON = (".csv",), (".json",)
"""How the names of figures end, and those of what a program reads again."""


def check_output(path: str | Path, *, force: bool = False, endings: Sequence[str] = ()) -> Path:
    """Return `path` if a file can be written there.

    Parameters
    ----------
    path : str or Path
        Where the file is to be.
    force : bool
        Whether a file that is already there may be replaced.
    endings : sequence of str
        What the name may end in, as ``.json``; by default anything.

    Raises
    ------
    OutputError
        If the name has another ending, the folder is missing or may not be written to, or the file exists and `force`
        is not set.
    """
    path = Path(path)
    if endings and not path.name.endswith(tuple(endings)):
        raise OutputError(
            f"the output {masked(str(path))!r} is of an unknown format",
            remedy=f"end its name in {' or '.join(endings)}",
        )
    folder = path.parent
    if path.is_dir():
        raise OutputError(f"the output {str(path)!r} is a folder", remedy="name a file in it")
    if not folder.is_dir():
        raise OutputError(
            f"the output folder {str(folder)!r} does not exist", remedy="create it first, or choose another place"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"there is no permission to write in the folder {str(folder)!r}", remedy="choose another place"
        )
    if path.exists() and not force:
        raise OutputError(
            f"the output file {str(path)!r} exists already",
            remedy="choose another name, or add --force (in Python, force=True) to replace it",
        )
    return path


def check_distinct(*places: Path | None) -> None:
    """Raise if two outputs of a command are the same file, of which the second would meet the first half-way.

    Raises
    ------
    OutputError
        Naming the file.
    """
    seen: set[Path] = set()
    for place in filter(None, places):
        if place.resolve() in seen:
            raise OutputError(f"two outputs are the same file {str(place)!r}", remedy="give each a name of its own")
        seen.add(place.resolve())


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says while `path` is written (a full disk, say) into an `OutputError`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"the file {str(path)!r} cannot be written ({error.strerror or error})",
            remedy="check the disk and its permissions, or choose another place",
        ) from error


@contextlib.contextmanager
def replacing(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a new file beside `path`, which takes its place at the end, or is removed if anything fails.

    So a reader sees the old file or the new one, and never half of one.

    Raises
    ------
    OutputError
        As `check_output`, both before the work and after it.
    """
    path = check_output(path, force=force)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield draft
        check_output(path, force=force)
        with writing(path):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
