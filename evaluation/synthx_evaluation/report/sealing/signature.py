"""Ed25519 signatures (RFC 8032) of SHA-256 digests, and the key files.

A signature says that the holder of a key stood by these bytes. It does not say who that is: compare the public key with
one that was handed over in person or by another way.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from synthx.errors import DataError, OutputError
from synthx_evaluation.report.parts import Part

__all__ = [
    "Signature",
    "is_valid",
    "public_text",
    "read_private_key",
    "read_public_key",
    "sign",
    "write_keys",
    "write_secret",
]

_PURPOSE = b"synthx report 1\n"
"""Put before the digest, so that a signature of something else cannot be passed off as one of a report."""


class Signature(Part):
    """One signature, in base64."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str
    value: str


def sign(digest: str, keys: Iterable[Ed25519PrivateKey]) -> tuple[Signature, ...]:
    """Return a signature of a digest by each key."""
    return tuple(
        Signature(
            public_key=public_text(key.public_key()),
            value=base64.b64encode(key.sign(_PURPOSE + digest.encode("ascii"))).decode("ascii"),
        )
        for key in keys
    )


def is_valid(signature: Signature, digest: str) -> bool:
    """Whether the holder of the key that the signature names signed this digest."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.public_key, validate=True))
        key.verify(base64.b64decode(signature.value, validate=True), _PURPOSE + digest.encode("utf-8"))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def public_text(key: Ed25519PublicKey) -> str:
    """Return the 32 bytes of a public key in base64."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode("ascii")


# -- key files --------------------------------------------------------------------------------------------------------


def write_keys(private: Path, public: Path) -> str:
    """Make a new pair of keys, write both files, and return the public key in base64.

    Raises
    ------
    OutputError
        If a file exists already, since a key that is replaced is lost; or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    open_part = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if public.exists():
        raise _kept(public)
    _write_new(private, secret, mode=0o600)
    _write_new(public, open_part, mode=0o644)
    return public_text(key.public_key())


def write_secret(path: Path) -> None:
    """Write a new random key for fingerprints, 64 hexadecimal digits.

    Raises
    ------
    OutputError
        As `write_keys`.
    """
    _write_new(path, secrets.token_hex(32).encode("ascii"), mode=0o600)


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise _kept(path) from None
    except OSError as error:
        raise OutputError(
            f"the key file {str(path)!r} cannot be written ({error.strerror})", remedy="choose another place"
        ) from None


def _kept(path: Path) -> OutputError:
    return OutputError(
        f"the key file {str(path)!r} exists already, and a key that is replaced is lost", remedy="choose another name"
    )


def read_private_key(path: str | Path) -> Ed25519PrivateKey:
    """Read a signing key.

    Raises
    ------
    DataError
        If the file cannot be read or holds no private Ed25519 key without a password.
    """
    remedy = "give the .key file that `synthx report keygen` wrote"
    content = _content(path, remedy)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"the file {str(path)!r} holds no signing key", remedy=remedy)
    return key


def read_public_key(path: str | Path) -> str:
    """Read a public key, and return it in base64.

    Raises
    ------
    DataError
        If the file cannot be read or holds no public Ed25519 key.
    """
    remedy = "give the .pub file that `synthx report keygen` wrote"
    content = _content(path, remedy)
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise DataError(f"the file {str(path)!r} holds no public key", remedy=remedy)
    return public_text(key)


def _content(path: str | Path, remedy: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"the key file {str(path)!r} cannot be read ({error.strerror})", remedy=remedy) from None
