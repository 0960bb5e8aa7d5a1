"""The report as one HTML file: no script, no network, light and dark, for a phone, a screen and paper."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from synthx_evaluation.report.pages.figures import printed
from synthx_evaluation.report.pages.svg import Drawing, draw, sample
from synthx_evaluation.report.record import Cell, ColumnEntry, Evidence, Exhibit, Finding, Report, Verdict
from synthx_evaluation.report.sealing.canonical import canonical, digest

if TYPE_CHECKING:
    import jinja2

__all__ = ["EMBEDDED_ID", "to_html"]

EMBEDDED_ID = "synthx-report"
"""Id of the element that holds the record, as canonical JSON with ``<``, ``>`` and ``&`` written as escapes."""

_SHOWN_FIRST = 5
"""Statements of the first page that are not folded away."""

_ATTACKS = "privacy-attacks"
"""The exhibit whose scale has 0.5 as chance."""

_LEADS = {
    "privacy": (
        "Privacy",
        "What an attacker gains from the synthetic rows. Each attack is made on training rows and on real rows that "
        "the generator never saw: what succeeds equally on both is knowledge about the population, not a leak.",
    ),
    "fidelity": (
        "Fidelity",
        "How much synthetic rows look like real ones. A perfect generator scores what real rows score, "
        "not a full mark.",
    ),
    "utility": (
        "Utility",
        "Whether models trained on synthetic rows do on real rows as well as those trained on real rows.",
    ),
    "augmentation": ("Augmentation", "Whether synthetic rows added to real ones make models better."),
    "bias": ("Bias", "Whether groups of people are represented, and treated by models, as in the real data."),
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Section:
    """One section of evidence, sorted for the page."""

    id: str
    title: str
    lead: str
    computed: tuple[Evidence, ...]
    absent: tuple[Evidence, ...]
    overviews: tuple[Exhibit, ...]
    details: tuple[Exhibit, ...]


def to_html(report: Report) -> str:
    """Return the report as one HTML page.

    The record is embedded as canonical JSON, for `synthx report verify`. Every text is escaped, and nothing outside
    the page is loaded: its content security policy forbids it. The same record gives the same text.
    """
    record = report.model_dump(mode="json")
    packs = tuple(tuple(findings) for _, findings in groupby(report.findings, key=lambda finding: finding.pack))
    evidence = tuple(filter(None, (_section(report, name) for name in _LEADS)))
    shown = _shown(report)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            packs=packs,
            evidence=evidence,
            shown=shown,
            contents=_contents(report, packs, evidence, shown),
            anchors=_anchors(report),
            verdicts=tuple(map(str, Verdict)),
            shown_first=_SHOWN_FIRST,
            digest=digest(record),
            embedded=_embedded(record),
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("synthx_evaluation.report.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        printed=printed,
        slug=_slug,
        draw=_draw,
        sample=sample,
        fields=_fields,
        inventory=_inventory,
        is_address=_is_address,
    )
    return environment


# -- what the page holds ----------------------------------------------------------------------------------------------


def _section(report: Report, name: str) -> _Section | None:
    """Return a section of evidence, or None where it has neither a measure nor an exhibit."""
    rows: tuple[Evidence, ...] = getattr(report, name)
    exhibits = tuple(exhibit for exhibit in report.exhibits if exhibit.section == name)
    if not rows and not exhibits:
        return None
    return _Section(
        name,
        *_LEADS[name],
        computed=tuple(row for row in rows if row.value is not None),
        absent=tuple(row for row in rows if row.value is None),
        overviews=tuple(exhibit for exhibit in exhibits if not exhibit.measure),
        details=tuple(exhibit for exhibit in exhibits if exhibit.measure),
    )


def _shown(report: Report) -> frozenset[str]:
    """Return which of the parts that people fill in are shown: the short form has none of them."""
    return frozenset() if report.short else frozenset({"scope", "selection", "controls"})


def _contents(
    report: Report, packs: Sequence[Sequence[Finding]], evidence: Sequence[_Section], shown: frozenset[str]
) -> list[tuple[str, str]]:
    """Return the id and the title of each section that the page has, in order."""
    return [
        ("summary", "Decision summary"),
        *([("criteria", "Criteria")] if packs else []),
        *([("scope", "Scope and attackers")] if "scope" in shown else []),
        ("source", "Source data"),
        ("generator", "Generator"),
        ("ledger", "Differential privacy"),
        *((section.id, section.title) for section in evidence),
        *([("limits", "Limits")] if report.limits else []),
        *([("controls", "Controls")] if "controls" in shown else []),
        *([("sign-off", "Sign-off")] if report.sign_off else []),
        *([("index", "Index of criteria")] if report.index else []),
        *([("methods", "Methods")] if report.methods else []),
        ("reproduction", "Reproduction"),
        *([("glossary", "Glossary")] if report.glossary else []),
    ]


def _anchors(report: Report) -> dict[str, str]:
    """Return where on the page each id of the record stands."""
    kinds = {
        "measure": [row.id for row in report.evidence],
        "criterion": [finding.criterion for finding in report.findings],
        "attacker": [attacker.id for attacker in report.attackers],
        "limit": [limit.id for limit in report.limits],
    }
    anchors = {"ledger": "ledger"}
    for kind, ids in kinds.items():
        anchors.update((name, f"{kind}-{_slug(name)}") for name in ids if name not in anchors)
    return anchors


def _embedded(record: dict[str, Any]) -> Markup:
    """Return the record as JSON that no parser of HTML takes for a tag."""
    text = canonical(record).decode("utf-8")
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # the three characters that HTML knows are gone


# -- filters of the templates ------------------------------------------------------------------------------------------


def _slug(text: str) -> str:
    """Return a text as part of an HTML id."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()


def _draw(exhibit: Exhibit) -> Drawing | None:
    return draw(exhibit, chance=exhibit.id == _ATTACKS)


def _fields(parts: Iterable[Any], *names: str) -> list[tuple[Cell, ...]]:
    """Return records as rows of cells."""
    return [tuple(getattr(part, name) for name in names) for part in parts]


def _inventory(columns: Sequence[ColumnEntry]) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """Return the heads and rows of the column inventory, without the columns that nothing fills."""
    heads = {
        "name": "Column",
        "kind": "Kind",
        "role": "Role",
        "disclosure": "Disclosure",
        "treatment": "Treatment",
        "nullable": "May be missing",
        "declared_domain": "Declared domain",
    }
    used = [name for name in heads if any(getattr(column, name) not in ("", None) for column in columns)]
    rows = [tuple(cell if cell != "" else None for cell in row) for row in _fields(columns, *used)]
    return tuple(heads[name] for name in used), rows


def _is_address(text: str) -> bool:
    """Return whether a text is an address to follow; any other scheme than the web's stays text."""
    return re.fullmatch(r"https?://[^\s\"'<>]+", text) is not None
