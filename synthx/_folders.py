"""Folders that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from synthx._files import writing
from synthx.errors import OutputError

__all__ = ["check_folder", "replacing_folder"]


def check_folder(path: str | Path, *, ours: Collection[str], force: bool = False) -> Path:
    """Return `path` if a folder can be put there.

    Parameters
    ----------
    path : str or Path
        Where the folder is to be: nothing, an empty folder, or with `force` one that holds nothing but `ours`.
    ours : collection of str
        Names of files that may be replaced.
    force : bool
        Whether they may be.

    Raises
    ------
    OutputError
        If the folder is in use, the place is a file, or there is no permission to write.
    """
    path = Path(path)
    parent = path.absolute().parent
    if path.exists() and not path.is_dir():
        raise OutputError(f"the output {str(path)!r} is a file", remedy="name a folder")
    if not parent.is_dir():
        raise OutputError(f"the folder {str(parent)!r} does not exist", remedy="create it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"there is no permission to write in the folder {str(parent)!r}", remedy="choose another place"
        )
    held = sorted(entry.name for entry in path.iterdir()) if path.exists() else []
    foreign = next((name for name in held if name not in ours), None)
    if foreign is not None:
        raise OutputError(
            f"the output folder {str(path)!r} is in use: it holds {foreign!r}", remedy="choose a new or an empty folder"
        )
    if held and not force:
        raise OutputError(
            f"the output folder {str(path)!r} holds {held[0]!r} already",
            remedy="choose another folder, or add --force to replace it",
        )
    return path


@contextlib.contextmanager
def replacing_folder(path: str | Path, *, ours: Collection[str], force: bool = False) -> Iterator[Path]:
    """Yield a new, empty folder beside `path`, which takes its place at the end, or is removed if anything fails.

    Raises
    ------
    OutputError
        As `check_folder`, both before the work and after it.
    """
    path = check_folder(path, ours=ours, force=force).absolute()
    mark = secrets.token_hex(4)
    draft, old = (path.with_name(f".{path.name}.{mark}.{kind}") for kind in ("part", "old"))
    try:
        with writing(path):
            draft.mkdir()
            yield draft
            check_folder(path, ours=ours, force=force)
            if path.exists():
                path.rename(old)
            try:
                draft.rename(path)
            except OSError:
                if old.exists():
                    old.rename(path)
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if path.exists():  # else the old folder could not be put back, and must not be lost
            shutil.rmtree(old, ignore_errors=True)
