"""The report on paper: the HTML page set by WeasyPrint as PDF/A-3, with the record attached as JSON."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synthx.errors import ParameterError, UnsupportedError
from synthx_evaluation.report.pages.html import to_html
from synthx_evaluation.report.record import Report
from synthx_evaluation.report.sealing.canonical import canonical, digest

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["ATTACHED", "pdf_bytes", "to_pdf"]

ATTACHED = "report.json"
"""Name of the attached record."""

_VARIANT = "pdf/a-3u"
"""ISO 19005-3, level U: archival, all text in Unicode, other files may be attached."""

_UNDATED = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
"""Stands in the PDF's own fields where the report has no date: nothing reads the clock."""


def to_pdf(report: Report, path: str | Path) -> None:
    """Write the report to a PDF file.

    Raises
    ------
    UnsupportedError
        If WeasyPrint, or a system library that it needs, is not installed.
    OSError
        If the file cannot be written.
    """
    content = pdf_bytes(report)
    Path(path).write_bytes(content)


def pdf_bytes(report: Report) -> bytes:
    """Return the report as PDF/A-3; the same record and the same WeasyPrint and fonts give the same bytes.

    Raises
    ------
    UnsupportedError
        If WeasyPrint, or a system library that it needs, is not installed.
    """
    weasyprint = _weasyprint()
    record = report.model_dump(mode="json")
    when = _moment(report.header.date)
    attachment = weasyprint.Attachment(
        string=canonical(record),
        name=ATTACHED,
        description="The record that every figure of this report stands in, as canonical JSON",
        relationship="Source",
        created=when,
        modified=when,
    )
    page = weasyprint.HTML(string=to_html(report), url_fetcher=_refuse)
    content: bytes = page.write_pdf(
        pdf_variant=_VARIANT, pdf_identifier=bytes.fromhex(digest(record)[:32]), attachments=[attachment]
    )
    return content


def _weasyprint() -> ModuleType:
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: Pango, a system library, is missing
        raise UnsupportedError(
            f"a PDF needs WeasyPrint and Pango, which cannot be loaded here ({error})",
            remedy='install them with `pip install "synthx-data[pdf]"`, or print the HTML report',
        ) from None
    module: ModuleType = weasyprint
    return module


def _moment(date: str) -> datetime.datetime:
    """Return the date of a report as the PDF wants it."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", date) is None:
        return _UNDATED
    try:
        return datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise ParameterError(f"the date of the report is {date!r}", remedy="give one such as 2026-01-31") from None


def _refuse(url: str, *_: Any) -> NoReturn:
    """Refuse to load anything: the page is whole."""
    raise ValueError(f"the report would load {url}, and must not load anything")
