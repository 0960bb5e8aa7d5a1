"""Seals: a SHA-256, and signatures of it, that travel with a file.

- ``report.json`` is one canonical JSON object: the report, the hash of its canonical text, and signatures of the hash.
- A page ends in a comment with the hash of all bytes before it, and signatures.
- ``seal.json`` lists the hashes of all files of a folder, so that those which cannot carry a seal have one too.

A hash alone finds accidents. Whoever changes a file on purpose can write a new hash, and cannot write a signature.
Signatures are no part of what is hashed, so several people can sign one after the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from synthx.errors import DataError
from synthx_evaluation.report.parts import Part
from synthx_evaluation.report.record import Report
from synthx_evaluation.report.sealing.canonical import canonical, digest
from synthx_evaluation.report.sealing.signature import Signature, is_valid, sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["MANIFEST", "Sealed", "Verification", "sealed_folder", "sealed_page", "sealed_report", "signed", "verify"]

Keys: TypeAlias = "Sequence[Ed25519PrivateKey]"

MANIFEST = "seal.json"
_BEGIN, _END = b"<!-- synthx-seal ", b" -->\n"


class Sealed(Part):
    """What ``report.json`` holds."""

    report: Report
    sha256: str
    signatures: tuple[Signature, ...] = ()


class Verification(Part):
    """A file that nobody altered since it was sealed.

    Parameters
    ----------
    sha256 : str
        Of the report's canonical text, of the page, or of the file.
    signers : tuple of str
        Public keys, in base64, of valid signatures.
    """

    path: str
    sha256: str
    signers: tuple[str, ...] = ()


def sealed_report(report: Report, keys: Keys = ()) -> bytes:
    """Return the content of ``report.json``."""
    record = report.model_dump(mode="json")
    return _json_text("report", record, _seal(digest(record), keys))


def sealed_page(page: str, keys: Keys = ()) -> bytes:
    """Return the content of an HTML file, with its seal at the end."""
    content = page.encode("utf-8")
    return _page_text(content, _seal(hashlib.sha256(content).hexdigest(), keys))


def sealed_folder(files: Mapping[str, bytes], keys: Keys = ()) -> bytes:
    """Return the content of ``seal.json`` for these files, some of which carry seals of their own."""
    hashes = {name: _own_hash(content) for name, content in files.items()}
    return _json_text("files", hashes, _seal(digest(hashes), keys))


def signed(content: bytes, keys: Keys) -> bytes:
    """Return the content of a file that carries a seal, with signatures added; other content is returned as it is.

    The file must have been verified before: what is signed is the hash that it names.
    """
    kind = _kind(content)
    if kind is None:
        return content
    if kind == "page":
        page, _, tail = content.rpartition(_BEGIN)
        return _page_text(page, _extended(json.loads(tail.removesuffix(_END)), keys))
    document = json.loads(content)
    return _json_text(kind, document[kind], _extended(document, keys))


def _own_hash(content: bytes) -> str:
    """Return the hash that a file's own seal names, or of its bytes where it has none."""
    kind = _kind(content)
    if kind is None:
        return hashlib.sha256(content).hexdigest()
    sealed = content.rpartition(_BEGIN)[2].removesuffix(_END) if kind == "page" else content
    return str(json.loads(sealed)["sha256"])


def _kind(content: bytes) -> str | None:
    """Return what carries the seal: a page, a report, the files of a folder, or nothing."""
    if content.startswith(b'{"report":'):
        return "report"
    if content.startswith(b'{"files":'):
        return "files"
    return "page" if _BEGIN in content else None


def _json_text(kind: str, sealed: Any, seal: Mapping[str, Any]) -> bytes:
    return canonical({kind: sealed, "sha256": seal["sha256"], "signatures": seal["signatures"]}) + b"\n"


def _page_text(page: bytes, seal: Mapping[str, Any]) -> bytes:
    return page + _BEGIN + canonical(seal) + _END


def _seal(found: str, keys: Keys) -> dict[str, Any]:
    return _extended({"sha256": found, "signatures": []}, keys)


def _extended(seal: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """Return a seal with a signature by each key, in the place of an earlier one by the same key."""
    new = {one.public_key: one.model_dump(mode="json") for one in sign(seal["sha256"], keys)}
    kept = [one for one in seal["signatures"] if one["public_key"] not in new]
    return {"sha256": seal["sha256"], "signatures": [*kept, *new.values()]}


# -- verifying ------------------------------------------------------------------------------------------------------


def verify(path: str | Path, public_key: str | None = None) -> list[Verification]:
    """Return what was verified: one file, or those of a folder.

    Parameters
    ----------
    path : str or Path
        ``report.json``, ``report.html``, ``seal.json``, any other file beside a ``seal.json``, or the folder.
    public_key : str, optional
        In base64; one valid signature must be by it.

    Raises
    ------
    DataError
        If a file was altered, is missing, carries no seal, cannot be read, or is not signed by `public_key`; or if a
        folder holds a file that was never part of it.
    """
    path = Path(path)
    if not path.is_dir():
        return [_verified(path, public_key)]
    manifest = path / MANIFEST
    seal = _verified(manifest, public_key)
    names = json.loads(_read(manifest))["files"]
    held = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    foreign = next((name for name in held if name != MANIFEST and name not in names), None)
    if foreign is not None:
        raise DataError(
            f"the folder {str(path)!r} holds {foreign!r}, which is no part of the report", remedy="take it out of there"
        )
    return [seal, *(_verified_beside(path / Path(name).name, public_key) for name in names)]


def _verified(path: Path, public_key: str | None) -> Verification:
    """Verify one file by its own seal, or by that of its folder where it carries none."""
    content = _read(path)
    kind = _kind(content)
    if kind is None:
        return _verified_beside(path, public_key)
    try:
        hashed, seal, whole = _parsed(content, kind)
        signatures = [Signature.model_validate(one) for one in seal["signatures"]]
        whole = whole and hashed == seal["sha256"]
    except (ValueError, TypeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise _altered(path)
    return _checked(path, hashed, signatures, public_key)


def _parsed(content: bytes, kind: str) -> tuple[str, dict[str, Any], bool]:
    """Return the hash of what is sealed, the seal, and whether the file is, byte for byte, what they are written as.

    So a changed byte changes the hash, or the seal, or shows as another way to write the same.
    """
    if kind == "page":
        page, _, tail = content.rpartition(_BEGIN)
        seal = json.loads(tail.removesuffix(_END))
        return hashlib.sha256(page).hexdigest(), seal, _page_text(page, seal) == content
    document = json.loads(content)
    return digest(document[kind]), document, _json_text(kind, document[kind], document) == content


def _verified_beside(path: Path, public_key: str | None) -> Verification:
    """Verify a file by the hash that ``seal.json`` beside it lists, and by its own seal if it has one."""
    manifest = path.with_name(MANIFEST)
    if not manifest.is_file() or path.name == MANIFEST:
        raise DataError(
            f"the file {str(path)!r} carries no seal, and there is no {MANIFEST} beside it",
            remedy="give a file that `synthx report` wrote, in its folder; if it was one, it was altered",
        )
    seal = _verified(manifest, public_key)
    content = _read(path)
    listed = json.loads(_read(manifest))["files"].get(path.name)
    if _kind(content) is not None:
        own = _verified(path, public_key)
    else:
        own = Verification(path=str(path), sha256=hashlib.sha256(content).hexdigest(), signers=seal.signers)
    if listed != own.sha256:
        raise _altered(path)
    return own


def _checked(path: Path, found: str, signatures: Sequence[Signature], public_key: str | None) -> Verification:
    if not all(is_valid(signature, found) for signature in signatures):
        raise _altered(path, "a signature of it is not valid")
    signers = tuple(signature.public_key for signature in signatures)
    if public_key is not None and public_key not in signers:
        raise DataError(
            f"the file {str(path)!r} is {'not signed' if not signers else 'signed, but not by this key'}",
            remedy="ask whoever sent it for the public key and the signed file",
        )
    return Verification(path=str(path), sha256=found, signers=signers)


def _altered(path: Path, why: str = "its seal does not fit its content") -> DataError:
    return DataError(f"the file {str(path)!r} was altered after it was sealed ({why})", remedy="get the original again")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the file {str(path)!r} cannot be read ({error.strerror})", remedy="check the path") from None
