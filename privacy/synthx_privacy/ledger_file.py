"""The file that a ledger keeps up to date."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from synthx.errors import ArtifactError, DataError, OutputError, PrivacyError

__all__ = ["LedgerFile"]


class LedgerFile:
    """A JSON file that is replaced whole, and that nobody else may change meanwhile.

    Parameters
    ----------
    path : path or str
        Where it is.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._known: bytes | None = None

    def read(self) -> dict[str, Any]:
        """Return what is in the file.

        Raises
        ------
        DataError
            If it is not there or cannot be read.
        ArtifactError
            If it is no JSON.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise DataError(
                f"the ledger {self.path} cannot be read ({error.strerror})", remedy="check the path"
            ) from error
        try:
            values = json.loads(content)
        except ValueError as error:
            raise ArtifactError(f"{self.path} holds no ledger", remedy="use a file that Ledger.save wrote") from error
        self._known = content
        return values if isinstance(values, dict) else {}

    def write(self, values: dict[str, Any], *, anew: bool = False) -> None:
        """Replace the file, at once or not at all; readable by its owner only.

        Parameters
        ----------
        values : dict
            What JSON can hold.
        anew : bool
            Whether a file that this one did not write may be replaced.

        Raises
        ------
        OutputError
            If the file cannot be written.
        PrivacyError
            If another process changed the file: its spending would be forgotten.
        """
        content = json.dumps(values, indent=1, allow_nan=False).encode()
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            if not anew and self.path.read_bytes() != self._known:
                raise PrivacyError(
                    f"the ledger {self.path} was changed by another process", remedy="load it again, then fit"
                )
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise OutputError(
                f"the ledger {self.path} cannot be written ({error.strerror})", remedy="choose a folder you may write"
            ) from error
        self._known = content
