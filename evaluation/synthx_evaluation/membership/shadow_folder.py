"""A folder that keeps what shadow models scored, so that an attack goes on where it was stopped.

It holds scores, never rows; but scores tell who was learned, so keep it as private as the tables.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synthx.errors import DataError, OutputError
from synthx_evaluation.membership.battery import Scores

__all__ = ["Shadow", "ShadowFolder"]

_FORMAT = 1
_MARK = "shadows.json"
_ELSEWHERE = "name another folder, or delete this one"


@dataclasses.dataclass(frozen=True, slots=True)
class Shadow:
    """One shadow model, as far as it is kept.

    Parameters
    ----------
    scores : Scores
        Of every target against the rows that it wrote.
    seconds : float
        That it took to learn, to write and to attack.
    """

    scores: Scores
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class ShadowFolder:
    """The shadows of one attack.

    Parameters
    ----------
    path : Path
        The folder.
    targets : int
        Rows that each shadow scores.
    """

    path: Path
    targets: int

    @classmethod
    def open(cls, path: str | Path, identity: Mapping[str, Any], targets: int) -> ShadowFolder:
        """Make the folder, or go on with one of the same attack.

        Parameters
        ----------
        path : str or Path
            A folder of an earlier run, an empty one, or one that does not exist yet in one that does.
        identity : mapping of str to JSON values
            What the shadows' scores depend on, by names that a message can show.
        targets : int
            Rows that each shadow scores.

        Raises
        ------
        OutputError
            If the folder cannot be written to, or holds something else.
        DataError
            If its shadows are those of another attack; the message names what differs.
        """
        path = Path(path)
        document = {"format": _FORMAT, "what": "scores of shadow models, as private as the tables", **identity}
        try:
            path.mkdir(exist_ok=True)
            if not (path / _MARK).exists():
                if any(path.iterdir()):
                    raise OutputError(f"the work folder {str(path)!r} holds other files", remedy="name an empty folder")
                _replace(path / _MARK, json.dumps(document, indent=2).encode())
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"the work folder {str(path)!r} cannot be used ({error.strerror})",
                remedy="name a folder in one that exists and can be written to",
            ) from None
        _check(path, document)
        return cls(path, targets)

    def read(self, number: int) -> Shadow | None:
        """Return a shadow, or None where it is still to be made.

        Raises
        ------
        DataError
            If its file is damaged.
        """
        path = self._file(number)
        if not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as parts:
                values = parts["values"]
                names = [tuple(map(str, parts[name])) for name in ("attacks", "geometries")]
                seconds = float(parts["seconds"])
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
            raise _damaged(path) from None
        if values.shape != (self.targets, len(names[0])) or len(names[1]) != len(names[0]):
            raise _damaged(path)
        if values.dtype != np.float64 or not np.isfinite(values).all():
            raise _damaged(path)
        return Shadow(Scores(names[0], names[1], values), seconds)

    def write(self, number: int, shadow: Shadow) -> None:
        """Keep a shadow: its file is there as a whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        path, scores = self._file(number), shadow.scores
        draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with draft.open("wb") as file:
                np.savez(
                    file, values=scores.values, attacks=np.array(scores.attacks), seconds=np.array(shadow.seconds),
                    geometries=np.array(scores.geometries),
                )  # fmt: skip
            draft.replace(path)
        except OSError as error:
            raise OutputError(
                f"the shadow {str(path)!r} cannot be written ({error.strerror})",
                remedy="check the disk and its permissions; the shadows before it are kept",
            ) from None
        finally:
            draft.unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self.path / f"shadow-{number:04d}.npz"


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.write_bytes(content)
    draft.replace(path)


def _check(path: Path, wanted: Mapping[str, Any]) -> None:
    try:
        found = json.loads((path / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise DataError(f"the file {str(path / _MARK)!r} is damaged", remedy=_ELSEWHERE)
    for name in {**wanted, **found}:
        there, here = found.get(name), wanted.get(name)
        if there != here:
            raise DataError(
                f"the work folder {str(path)!r} holds shadows of another attack: {name} is {there!r} there and"
                f" {here!r} here",
                remedy=_ELSEWHERE,
            )


def _damaged(path: Path) -> DataError:
    return DataError(f"the shadow {str(path)!r} is damaged", remedy="delete this file, and it is made again")
