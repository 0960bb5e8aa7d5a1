from __future__ import annotations

from pathlib import Path

import pytest

from synthx.errors import DataError, ParameterError
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.sealing.fingerprints import fingerprints_of

TEXT = """
title: Patients
date: 2026-01-31
valid_until: "2027-01-31"
columns: {age: quasi-identifier}
controls:
  - text: The server has no export.
sign_off:
  - role: Expert
    name: A. Expert
    date: 2026-02-01
"""


def test_a_brief_is_read(tmp_path: Path) -> None:
    path = tmp_path / "brief.yaml"
    path.write_text(TEXT, encoding="utf-8")
    brief = Brief.read(path)
    assert (brief.title, brief.date, brief.valid_until) == ("Patients", "2026-01-31", "2027-01-31")
    assert brief.controls[0].text == "The server has no export."
    assert brief.sign_off[0].date == "2026-02-01"
    path.write_text("", encoding="utf-8")
    assert Brief.read(path) == Brief()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tilte: x", "'tilte' is 'x'"),
        ("date: yesterday", "'date' is 'yesterday'"),
        ("columns: {age: secret}", "calls column 'age' 'secret'; choose one of direct identifier"),
        ("{date: 2026-02-01, valid_until: 2026-01-01}", "would be valid until 2026-01-01, which is earlier"),
        ("candidates_made: 0", "'candidates_made' is 0"),
        ("[1, 2]", "does not hold fields such as `title: People`"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "brief.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=message):
        Brief.read(path)


def test_a_file_that_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "brief.yaml"
    path.write_text("title: x\nowner: [", encoding="utf-8")
    with pytest.raises(DataError, match="not YAML .*line 2"):
        Brief.read(path)
    with pytest.raises(DataError, match="cannot be read"):
        Brief.read(tmp_path / "none.yaml")


def test_fingerprints_are_those_of_openssl(tmp_path: Path) -> None:
    key, table = tmp_path / "print.key", tmp_path / "t.csv"
    key.write_bytes(b"0123456789abcdef\n")
    table.write_bytes(b"a,b\n1,2\n")
    one = fingerprints_of({"train": table}, key)
    # printf 'a,b\n1,2\n' | openssl dgst -sha256 -hmac 0123456789abcdef
    assert one[0].digest == OPENSSL
    table.write_bytes(b"a,b\n1,3\n")
    assert fingerprints_of({"train": table}, key)[0].digest != OPENSSL
    key.write_bytes(b"short")
    with pytest.raises(DataError, match="has 5 bytes, which could be guessed"):
        fingerprints_of({"train": table}, key)


OPENSSL = "518e4a1592258ca2d77e6184355d52984e4958de2f5f2c599e3cbcb5ade003d2"
