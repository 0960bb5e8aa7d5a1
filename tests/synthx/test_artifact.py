"""Model files: what they hold, and what they refuse to open."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from synthx.artifact import FORMAT_VERSION, Artifact, read_artifact, write_artifact
from synthx.errors import ArtifactError, OutputError


@pytest.fixture
def artifact() -> Artifact:
    weights = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    return Artifact(
        model="gan",
        parts={"schema": {"b": 1, "a": [1.5, None, "é"]}, "settings": {"seed": 0}},
        tensors={"weight": weights, "strided": weights.T, "same": weights, "counts": torch.tensor([1, 2])},
    )


@pytest.fixture
def path(tmp_path: Path, artifact: Artifact) -> Path:
    write_artifact(tmp_path / "m.synthx", artifact)
    return tmp_path / "m.synthx"


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuild(path: Path, members: dict[str, bytes], *, seal: bool = True, compression: int = zipfile.ZIP_STORED) -> None:
    """Write a zip by hand, with fitting hashes if it is to be sealed."""
    if seal:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def edit_manifest(path: Path, **changes: Any) -> None:
    members = members_of(path)
    members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **changes}).encode()
    rebuild(path, members, seal=False)


# -- what comes back ------------------------------------------------------------------------------------------------


def test_it_comes_back_as_it_was(path: Path, artifact: Artifact) -> None:
    back = read_artifact(path)
    assert back.model == "gan"
    assert back.parts == artifact.parts
    assert list(back.parts["schema"]) == ["b", "a"]
    assert {name: tensor.tolist() for name, tensor in back.tensors.items()} == {
        "weight": [[0, 1, 2], [3, 4, 5]],
        "strided": [[0, 3], [1, 4], [2, 5]],
        "same": [[0, 1, 2], [3, 4, 5]],
        "counts": [1, 2],
    }
    assert set(back.versions) == {"synthx", "python", "numpy", "pandas", "safetensors", "torch"}


def test_equal_models_give_equal_bytes(path: Path, artifact: Artifact, tmp_path: Path) -> None:
    write_artifact(tmp_path / "again.synthx", artifact)
    assert (tmp_path / "again.synthx").read_bytes() == path.read_bytes()


def test_any_zip_tool_opens_it_and_finds_json_and_safetensors(path: Path) -> None:
    members = members_of(path)
    assert list(members) == ["manifest.json", "parts/schema.json", "parts/settings.json", "tensors.safetensors"]
    manifest = json.loads(members["manifest.json"])
    assert manifest["format"] == FORMAT_VERSION
    assert manifest["members"]["parts/settings.json"] == {
        "bytes": 10,
        "sha256": hashlib.sha256(b'{"seed":0}').hexdigest(),
    }


def test_a_model_without_weights(tmp_path: Path) -> None:
    write_artifact(tmp_path / "m.synthx", Artifact("M", {"schema": {}}, {}))
    assert read_artifact(tmp_path / "m.synthx").tensors == {}


def test_an_existing_file_is_kept(path: Path, artifact: Artifact) -> None:
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_artifact(path, Artifact("Other", {}, {}))
    assert path.read_bytes() == before
    write_artifact(path, Artifact("Other", {}, {}), force=True)
    assert read_artifact(path).model == "Other"


def test_what_json_cannot_say_is_not_written(tmp_path: Path) -> None:
    for parts in ({"schema": float("nan")}, {"../schema": 1}, {"Schema": 1}):
        with pytest.raises(ValueError, match="JSON|name a part"):
            write_artifact(tmp_path / "m.synthx", Artifact("M", parts, {}))
    assert list(tmp_path.iterdir()) == []


# -- what is refused ------------------------------------------------------------------------------------------------


def test_a_truncated_file(path: Path) -> None:
    whole = path.read_bytes()
    for length in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtifactError, match="cannot be opened|not a synthx model"):
            read_artifact(path)


def test_a_changed_byte_is_found_wherever_it_matters(path: Path) -> None:
    whole = path.read_bytes()
    before = read_artifact(path)
    noticed = 0
    for position in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[position] ^= 0xFF
        path.write_bytes(changed)
        try:
            after = read_artifact(path)
        except ArtifactError:
            noticed += 1
        else:  # a time stamp or a flag that nothing depends on
            assert (after.model, after.parts) == (before.model, before.parts)
            assert all(torch.equal(after.tensors[name], before.tensors[name]) for name in before.tensors)
    assert noticed > len(whole) // 7 * 0.7


def test_a_member_that_was_exchanged(path: Path) -> None:
    rebuild(path, {**members_of(path), "parts/settings.json": b'{"seed":1}'}, seal=False)
    with pytest.raises(ArtifactError, match=r"'parts/settings.json' was changed .*; copy it again"):
        read_artifact(path)


def test_a_newer_format(path: Path) -> None:
    edit_manifest(path, format=FORMAT_VERSION + 1, versions={"synthx": "9.9"}, members=["a new idea"])
    with pytest.raises(ArtifactError, match=r"has format 2 \(written by synthx 9.9\), .* up to 1; upgrade synthx"):
        read_artifact(path)


@pytest.mark.parametrize("change", [{"format": "1"}, {"format": True}, {"model": 3}, {"versions": []}, {"members": {}}])
def test_a_manifest_that_is_none(path: Path, change: dict[str, Any]) -> None:
    edit_manifest(path, **change)
    with pytest.raises(ArtifactError):
        read_artifact(path)


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/passwd", "parts/../../evil.json", "parts/a/b.json", "code.py", "parts/evil.pkl"]
)
def test_unknown_and_travelling_members(path: Path, name: str) -> None:
    rebuild(path, {**members_of(path), name: b"{}"})
    with pytest.raises(ArtifactError, match="unknown member"):
        read_artifact(path)


def test_a_zip_bomb(path: Path) -> None:
    rebuild(path, {**members_of(path), "parts/bomb.json": b" " * 10_000_000}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(ArtifactError, match="compressed"):
        read_artifact(path)


def test_a_member_that_claims_to_be_larger_than_the_file(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("tensors.safetensors")
    size = info.file_size.to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size + size, b"\xff\xff\xff\x7f" * 2))
    with pytest.raises(ArtifactError, match="larger than the file"):
        read_artifact(path)


def test_json_that_is_none_and_weights_that_are_none(path: Path) -> None:
    good = members_of(path)
    for name, data in {
        "parts/schema.json": b"[" * 100_000,
        "parts/settings.json": b"\xff",
        "tensors.safetensors": b"\xff" * 64,
    }.items():
        rebuild(path, {**good, name: data})
        with pytest.raises(ArtifactError, match="is not JSON|weights cannot be read"):
            read_artifact(path)


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "m.synthx"
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(ArtifactError, match="not a synthx model; give a file that `synthx fit`"):
        read_artifact(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ArtifactError, match="not a synthx model; give a file that `synthx fit`"):
        read_artifact(path)
    with pytest.raises(ArtifactError, match="there is no model file"):
        read_artifact(tmp_path / "none.synthx")
    with pytest.raises(ArtifactError, match="there is no model file"):
        read_artifact(tmp_path)


def test_opening_a_model_runs_no_code(tmp_path: Path, artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "load", explode)
    monkeypatch.setattr(pickle, "loads", explode)
    monkeypatch.setattr(pickle, "Unpickler", explode)
    write_artifact(tmp_path / "m.synthx", artifact)
    assert read_artifact(tmp_path / "m.synthx").model == "gan"
    assert io.BytesIO((tmp_path / "m.synthx").read_bytes()).read(2) == b"PK"
