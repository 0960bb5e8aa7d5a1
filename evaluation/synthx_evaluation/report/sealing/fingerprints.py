"""Keyed fingerprints of table files: whoever has the key and the file can check that it is the same, nobody else can.

A digest without a key would let anyone who holds a guess of a small table confirm it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from synthx.errors import DataError
from synthx_evaluation.report.parts import Fingerprint

__all__ = ["SHORTEST_KEY", "fingerprints_of"]

SHORTEST_KEY = 16
"""Bytes of a key; shorter ones could be found by trying."""

_CHUNK = 1 << 20


def fingerprints_of(files: Mapping[str, Path], key_file: str | Path) -> tuple[Fingerprint, ...]:
    """Return the HMAC-SHA-256 of each file's bytes, under the text of a key file.

    ``openssl dgst -sha256 -hmac "$(cat KEY)" FILE`` gives the same, so that it can be checked without synthx.

    Raises
    ------
    DataError
        If a file cannot be read, or the key is shorter than 16 bytes.
    """
    try:
        key = Path(key_file).read_bytes().strip()
    except OSError as error:
        raise DataError(
            f"the key file {str(key_file)!r} cannot be read ({error.strerror})", remedy="check the path"
        ) from None
    if len(key) < SHORTEST_KEY:
        raise DataError(
            f"the key file {str(key_file)!r} has {len(key)} bytes, which could be guessed",
            remedy=f"give {SHORTEST_KEY} or more random ones, such as `synthx report keygen --fingerprint` writes",
        )
    return tuple(Fingerprint(table=table, digest=_hmac(path, key)) for table, path in files.items())


def _hmac(path: Path, key: bytes) -> str:
    digest = hmac.new(key, digestmod=hashlib.sha256)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise DataError(f"the file {str(path)!r} cannot be read ({error.strerror})", remedy="check the path") from None
    return digest.hexdigest()
