"""The files of a report, all from the one record."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthx_evaluation.report.pages.cards import data_sheet, model_card
from synthx_evaluation.report.pages.croissant import croissant
from synthx_evaluation.report.pages.html import to_html
from synthx_evaluation.report.record import Report
from synthx_evaluation.report.sealing.seal import MANIFEST, sealed_folder, sealed_page, sealed_report

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["FILES", "PDF", "can_write_pdf", "write_documents"]

PDF = "report.pdf"
FILES = ("report.html", "report.json", "model_card.md", "data_sheet.md", "croissant.json", PDF, MANIFEST)
"""What may be in a report's folder."""


def can_write_pdf() -> bool:
    """Whether the extra ``pdf`` is installed."""
    return importlib.util.find_spec("weasyprint") is not None


def write_documents(
    report: Report,
    folder: Path,
    *,
    keys: Sequence[Ed25519PrivateKey] = (),
    pdf: bool = True,
    released: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write all files of a report into an empty folder.

    Parameters
    ----------
    report : Report
    folder : Path
        That exists.
    keys : sequence of Ed25519PrivateKey
        Who signs the report, the page and the list of files.
    pdf : bool
        Whether to write the PDF, which needs the extra ``pdf``.
    released : Path, optional
        The synthetic table's file, whose name and SHA-256 the metadata give.
    progress : callable, optional
        Called with the name of each file before it is written.
    """
    makers: dict[str, Callable[[], bytes]] = {
        "report.html": lambda: sealed_page(to_html(report), keys),
        "report.json": lambda: sealed_report(report, keys),
        "model_card.md": lambda: model_card(report).encode("utf-8"),
        "data_sheet.md": lambda: data_sheet(report).encode("utf-8"),
        "croissant.json": lambda: _metadata(report, released),
    }
    if pdf:
        makers[PDF] = lambda: _pdf(report, folder / PDF)
    contents: dict[str, bytes] = {}
    for name, make in makers.items():
        if progress is not None:
            progress(name)
        contents[name] = make()
    contents[MANIFEST] = sealed_folder(contents, keys)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def _metadata(report: Report, released: Path | None) -> bytes:
    if released is None:
        values = croissant(report)
    else:
        with released.open("rb") as file:
            values = croissant(report, file=released.name, sha256=hashlib.file_digest(file, "sha256").hexdigest())
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _pdf(report: Report, path: Path) -> bytes:
    from synthx_evaluation.report.pages.pdf import to_pdf

    to_pdf(report, path)
    return path.read_bytes()
