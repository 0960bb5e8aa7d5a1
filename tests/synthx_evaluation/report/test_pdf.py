from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synthx.errors import UnsupportedError
from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.pages.pdf import to_pdf
from synthx_evaluation.report.sealing.canonical import canonical
from synthx_evaluation.scorecard import Scorecard


def test_without_the_extra_one_sentence_says_so(
    card: Scorecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UnsupportedError, match=r"a PDF needs WeasyPrint .*; install them with .*\[pdf\]"):
        to_pdf(assemble(card), tmp_path / "report.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_pdf_is_archival_repeatable_and_carries_the_record(card: Scorecard, brief: Brief, tmp_path: Path) -> None:
    # WeasyPrint leaves the file of its colour profile open, which pytest would take for a fault of ours.
    pytest.importorskip("weasyprint", reason="needs the extra pdf", exc_type=ImportError)
    report = assemble(card, brief=brief)
    paths = [tmp_path / "a.pdf", tmp_path / "b.pdf"]
    for path in paths:
        to_pdf(report, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    if shutil.which("pdfdetach") is None:
        pytest.skip("needs the tools of poppler to look into the PDF")
    record = canonical(report.model_dump(mode="json"))
    attached = tmp_path / "attached.json"
    subprocess.run(["pdfdetach", "-save", "1", "-o", str(attached), str(paths[0])], check=True)
    assert attached.read_bytes() == record
    assert re.search(r":part\W+3\b", _said("pdfinfo", "-meta", str(paths[0])))  # of the identification as PDF/A
    body = ("-y", "57", "-H", "728", "-x", "0", "-W", "595")  # without the page numbers at the foot, in points
    text = _said("pdftotext", *body, str(paths[0]), "-")
    assert _numbers(text) - _numbers(record.decode()) <= {"256"}  # of SHA-256, the name of the digest


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _numbers(text: str) -> set[str]:
    """Return the numbers of a text in one spelling, hashes left out."""
    text = re.sub(r"\b[0-9a-f]{32,}\b", " ", text)
    found = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return {format(float(number.replace(",", "")), "g") for number in found}
