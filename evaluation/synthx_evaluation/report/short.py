"""The short form of a report: what a scorecard alone can tell, as one page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.criteria.rules import load_pack
from synthx_evaluation.report.pages.html import to_html
from synthx_evaluation.report.sealing.seal import sealed_page
from synthx_evaluation.scorecard import Scorecard

__all__ = ["short_page"]


def short_page(card: Scorecard, *, title: str = "", packs: Iterable[str | Path] = ("gdpr",)) -> str:
    """Return the page, with its seal at the end.

    Parameters
    ----------
    card : Scorecard
    title : str
        Of the synthetic data set.
    packs : iterable of str or Path
        Rule packs to judge by, as `load_pack` takes them.

    Raises
    ------
    DataError, ParameterError
        If a pack is unknown or malformed.
    """
    report = assemble(card, brief=Brief(title=title), packs=[load_pack(pack) for pack in packs], short=True)
    return sealed_page(to_html(report)).decode("utf-8")
