from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synthx.errors import DataError, OutputError
from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.sealing.seal import sealed_folder, sealed_page, sealed_report, signed, verify
from synthx_evaluation.report.sealing.signature import (
    public_text,
    read_private_key,
    read_public_key,
    write_keys,
    write_secret,
)
from synthx_evaluation.scorecard import Scorecard

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PAGE = "<!doctype html>\n<title>é</title>\n<p>0.5124\n"


def changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_any_changed_byte_of_a_page_is_found(keys: tuple[Ed25519PrivateKey, ...], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    content = sealed_page(PAGE, keys)
    path.write_bytes(content)
    assert verify(path)[0].signers == tuple(public_text(key.public_key()) for key in keys)
    for place in range(len(content)):
        path.write_bytes(changed(content, place))
        with pytest.raises(DataError, match="altered"):
            verify(path)


def test_any_changed_byte_of_a_report_is_found(card: Scorecard, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report = assemble(card)
    content = sealed_report(report, [KEY])
    path.write_bytes(content)
    assert [one.sha256 for one in verify(path)] == [report.sha256]
    for place in [*range(0, len(content), 4001), *range(len(content) - 200, len(content), 7)]:
        path.write_bytes(changed(content, place))
        with pytest.raises(DataError, match="altered"):
            verify(path)


def test_a_new_hash_without_the_key_does_not_pass(card: Scorecard, tmp_path: Path) -> None:
    document = json.loads(sealed_report(assemble(card), [KEY]))
    forged = assemble(card, smallest_cell=3)
    honest = json.loads(sealed_report(forged))
    path = tmp_path / "report.json"
    path.write_bytes(signed(json.dumps({**honest, "signatures": document["signatures"]}).encode(), []))
    with pytest.raises(DataError, match="altered"):
        verify(path)
    path.write_bytes(sealed_report(forged))
    assert verify(path)[0].signers == ()  # the hash fits, but nobody stands by it
    with pytest.raises(DataError, match="is not signed"):
        verify(path, public_text(KEY.public_key()))
    path.write_bytes(sealed_report(forged, [OTHER]))
    with pytest.raises(DataError, match="signed, but not by this key"):
        verify(path, public_text(KEY.public_key()))


def test_a_folder_lists_files_that_carry_no_seal(card: Scorecard, tmp_path: Path) -> None:
    files = {"report.html": sealed_page(PAGE), "report.json": sealed_report(assemble(card)), "card.md": b"# Card\n"}
    for name, content in {**files, "seal.json": sealed_folder(files, [KEY])}.items():
        (tmp_path / name).write_bytes(content)
    key = public_text(KEY.public_key())
    assert len(verify(tmp_path)) == 4
    assert verify(tmp_path / "card.md", key)[0].signers == (key,)
    (tmp_path / "card.md").write_bytes(b"# Cart\n")
    for path in (tmp_path, tmp_path / "card.md"):
        with pytest.raises(DataError, match=r"card\.md' was altered"):
            verify(path)
    (tmp_path / "card.md").write_bytes(files["card.md"])
    (tmp_path / "report.html").write_bytes(sealed_page(PAGE + "more"))  # a page of another report
    with pytest.raises(DataError, match=r"report\.html' was altered"):
        verify(tmp_path)
    (tmp_path / "report.html").write_bytes(files["report.html"])
    (tmp_path / "addendum.md").write_bytes(b"All is well.")
    with pytest.raises(DataError, match=r"holds 'addendum\.md', which is no part"):
        verify(tmp_path)
    (tmp_path / "addendum.md").unlink()
    (tmp_path / "report.html").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        verify(tmp_path)


def test_several_people_sign_one_after_the_other(card: Scorecard, tmp_path: Path) -> None:
    files = {"report.html": sealed_page(PAGE), "report.json": sealed_report(assemble(card)), "card.md": b"# Card\n"}
    files["seal.json"] = sealed_folder(files)
    for key in (KEY, OTHER, KEY):
        files = {name: signed(content, [key]) for name, content in files.items()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for key in (KEY, OTHER):
        found = verify(tmp_path, public_text(key.public_key()))
        assert all(len(one.signers) == 2 for one in found)


def test_keys_are_never_replaced(tmp_path: Path) -> None:
    private, public = tmp_path / "dpo.key", tmp_path / "dpo.pub"
    text = write_keys(private, public)
    assert read_public_key(public) == text == public_text(read_private_key(private).public_key())
    assert private.stat().st_mode & 0o077 == 0
    for again in (lambda: write_keys(private, public), lambda: write_secret(private)):
        with pytest.raises(OutputError, match="exists already"):
            again()
    with pytest.raises(DataError, match="holds no signing key"):
        read_private_key(public)
    with pytest.raises(DataError, match="holds no public key"):
        read_public_key(private)
    with pytest.raises(DataError, match="cannot be read"):
        read_private_key(tmp_path / "none.key")


def test_a_file_without_a_seal_says_so(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")
    with pytest.raises(DataError, match=r"carries no seal, and there is no seal\.json"):
        verify(path)
