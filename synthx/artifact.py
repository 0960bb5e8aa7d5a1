"""Saved models: one zip of JSON and safetensors, which opens without running code.

::

    manifest.json          format, model, versions of synthx and its libraries, size and SHA-256 of each member
    parts/<name>.json      the schema, the codec, the settings, the training summary
    tensors.safetensors    the weights

The members are stored, not compressed: weights do not shrink, and a file that declares no more bytes than it has
cannot unpack to more than it is. The time of writing is not in it, so the same model gives the same bytes. The hashes
find damage, not malice: whoever changes a model on purpose can write new ones, and still cannot make it run code.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthx._files import replacing, writing
from synthx.errors import ArtifactError

if TYPE_CHECKING:
    import torch

__all__ = ["FORMAT_VERSION", "Artifact", "read_artifact", "write_artifact"]

FORMAT_VERSION = 1
"""Raised whenever an older synthx could not read what a newer one writes."""

LIBRARIES = ("numpy", "pandas", "safetensors", "torch")
MANIFEST = "manifest.json"
TENSORS = "tensors.safetensors"
PART = re.compile(r"parts/([a-z][a-z0-9_]{0,63})\.json")
MANIFEST_BYTES = 1 << 20
"""A manifest lists a handful of members; a larger one is none."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold, given to every member."""


@dataclass(frozen=True)
class Artifact:
    """What a saved model consists of.

    Parameters
    ----------
    model : str
        The name of the model that it is, e.g. ``gan``.
    parts : mapping of str to JSON values
        What is not weights, by name (lower case letters, digits, ``_``); dictionaries keep their order.
    tensors : mapping of str to Tensor
        The weights; read back as tensors on the CPU.
    versions : mapping of str to str
        Of Python, synthx and the libraries that wrote it; filled on reading.
    """

    model: str
    parts: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    versions: Mapping[str, str] = field(default_factory=dict)


def write_artifact(path: str | Path, artifact: Artifact, *, force: bool = False) -> None:
    """Write a model file; equal artifacts give equal bytes.

    Raises
    ------
    OutputError
        If the file exists and `force` is not set, or cannot be written; nothing is left half-written.
    ValueError
        If a part holds NaN or infinity, which JSON does not know, or has a name that no file can have.
    """
    members = {f"parts/{name}.json": _to_json(part) for name, part in artifact.parts.items()}
    wrong = next((name for name in members if not PART.fullmatch(name)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} cannot name a part of a model")
    members[TENSORS] = _to_safetensors(artifact.tensors)
    manifest = {
        "format": FORMAT_VERSION,
        "model": artifact.model,
        "versions": _versions(),
        "members": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members.items()
        },
    }
    with replacing(path, force=force) as draft, writing(Path(path)), zipfile.ZipFile(draft, "x") as archive:
        for name, data in {MANIFEST: _to_json(manifest), **members}.items():
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.create_system = 3  # the same bytes on Windows
            archive.writestr(entry, data)


def read_artifact(path: str | Path) -> Artifact:
    """Read a model file, after comparing every member with its hash.

    Raises
    ------
    ArtifactError
        If the file is missing, is not a synthx model, was written in a newer format, or is truncated or changed.
    """
    path = Path(path)
    if not path.is_file():
        raise ArtifactError(f"there is no model file {str(path)!r}", remedy="check the path, or write one by fitting")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(path, archive)
            manifest = _manifest(path, archive)
            members = _members(path, archive, manifest)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        if isinstance(error, ArtifactError):
            raise
        if not _begins_as_zip(path):  # so it is no broken copy, but never was a model
            raise _foreign(path) from error
        raise _damaged(path, f"it is not a whole zip file: {error}") from error
    parts = {name[6:-5]: _from_json(path, name, data) for name, data in members.items() if name != TENSORS}
    return Artifact(
        model=manifest["model"],
        parts=parts,
        tensors=_from_safetensors(path, members[TENSORS]),
        versions=manifest["versions"],
    )


# -- reading --------------------------------------------------------------------------------------------------------


def _damaged(path: Path, why: str) -> ArtifactError:
    return ArtifactError(
        f"the model file {str(path)!r} cannot be opened ({why})",
        remedy="copy it again from its source, or fit and save the model again",
    )


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"")


def _foreign(path: Path) -> ArtifactError:
    return ArtifactError(
        f"the file {str(path)!r} is not a synthx model", remedy="give a file that `synthx fit` or `model.save` wrote"
    )


def _check_entries(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise unless the zip holds what a model holds, at the size it has; nothing is read before this."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if MANIFEST not in names:
        raise _foreign(path)
    if len(set(names)) != len(names):
        raise _damaged(path, "a member appears twice")
    for entry in entries:
        if entry.filename not in (MANIFEST, TENSORS) and not PART.fullmatch(entry.filename):
            raise _damaged(path, f"it has an unknown member {entry.filename[:80]!r}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 0x1:
            raise _damaged(path, f"its member {entry.filename!r} is compressed or encrypted")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise _damaged(path, "its members claim to be larger than the file")


def _manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if archive.getinfo(MANIFEST).file_size > MANIFEST_BYTES:
        raise _damaged(path, "its manifest is too large")
    manifest = _from_json(path, MANIFEST, archive.read(MANIFEST))
    if not isinstance(manifest, dict) or type(manifest.get("format")) is not int:
        raise _foreign(path)
    versions = manifest.get("versions")
    if manifest["format"] > FORMAT_VERSION:
        writer = versions.get("synthx") if isinstance(versions, dict) else None
        raise ArtifactError(
            f"the model file {str(path)!r} has format {manifest['format']} (written by synthx {writer}), "
            f"this version reads formats up to {FORMAT_VERSION}",
            remedy="upgrade synthx",
        )
    if not isinstance(manifest.get("model"), str) or not isinstance(versions, dict):
        raise _damaged(path, "its manifest is incomplete")
    return manifest


def _members(path: Path, archive: zipfile.ZipFile, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return each member's bytes, all of them listed in the manifest and as long and hashed as it says."""
    listed = manifest.get("members")
    present = set(archive.namelist()) - {MANIFEST}
    if not isinstance(listed, dict) or set(listed) != present or TENSORS not in present:
        raise _damaged(path, "its members are not those that its manifest lists")
    members = {}
    for name, expected in listed.items():
        data = archive.read(name)
        if expected != {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}:
            raise _damaged(path, f"its member {name!r} was changed after it was written")
        members[name] = data
    return members


def _from_json(path: Path, name: str, data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its member {name!r} is not JSON") from error


def _from_safetensors(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise _damaged(path, f"its weights cannot be read: {error}") from error


# -- writing --------------------------------------------------------------------------------------------------------


def _to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _to_safetensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    from safetensors.torch import save

    # A copy each: safetensors refuses tensors that share memory or are strided.
    whole = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
    return save({name: tensor.contiguous() for name, tensor in whole.items()})


def _versions() -> dict[str, str]:
    """Return the versions of what writes the file, for people who read it later."""
    from synthx import __version__

    return {
        "synthx": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }
