"""The report as Markdown cards: a model card and a data sheet, under the headings that readers know.

Sources: M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, arXiv:1810.03993; T. Gebru et al.,
"Datasheets for Datasets", Communications of the ACM 64 (12), 2021, arXiv:1803.09010.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from synthx_evaluation.report.pages.figures import ABSENT, printed
from synthx_evaluation.report.record import Cell, Evidence, Report, Statement

__all__ = ["data_sheet", "model_card"]

_OPEN = "*To be completed by the owner.*"
"""Stands where only people can answer."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_BLOCK = re.compile(r"^(?=[-+=])")


def model_card(report: Report) -> str:
    """Return the model card of the generator (Mitchell et al. 2019), as Markdown."""
    generator, ledger = report.generator, report.ledger
    details = [
        ("Model", generator.name or "not known: no model file was given"),
        ("Owner", report.header.owner or None),
        ("Date", report.header.date or None),
        ("Written by", report.header.software),
        ("Model file (SHA-256)", generator.sha256 or None),
        *generator.settings.items(),
        *generator.training.items(),
    ]
    return _document(
        f"Model card: {report.header.title}",
        ("Model details", _pairs(details)),
        ("Intended use", [*_intended(report), "", "### Out-of-scope use", "", *_bullets(report.scope.out_of_scope)]),
        ("Factors", _bullets([f"Protected column: {name}" for name in report.source.protected])),
        ("Metrics", _bullets(f"{method.title} ({method.id}): {method.text}" for method in report.methods)),
        ("Evaluation data", _tables(report, "holdout")),
        ("Training data", [*_tables(report, "train"), "", *_columns(report)]),
        ("Quantitative analyses", _results(report)),
        ("Ethical considerations", [*_privacy(ledger.private, ledger.epsilon, ledger.delta), "", *_may_not(report)]),
        ("Caveats and recommendations", _bullets(limit.text for limit in report.limits)),
    )


def data_sheet(report: Report) -> str:
    """Return the data sheet of the synthetic set (Gebru et al. 2021), as Markdown."""
    source, ledger = report.source, report.ledger
    process = [
        _escaped(f"The rows were drawn from a generator: {report.generator.name or 'not known'}."),
        _escaped(f"Candidates made: {printed(report.selection.made)}. {report.selection.reading}"),
        "",
        *_privacy(ledger.private, ledger.epsilon, ledger.delta),
    ]
    return _document(
        f"Data sheet: {report.header.title}",
        ("Motivation", [_escaped(report.scope.purpose) or _OPEN]),
        ("Composition", [*_pairs((f"{name} rows", rows) for name, rows in source.rows.items()), "", *_columns(report)]),
        ("Collection process", process),
        (
            "Preprocessing, cleaning and labelling",
            _bullets(f"{column.name}: {column.treatment}" for column in source.columns if column.treatment),
        ),
        ("Uses", [*_intended(report), "", *_statements(report.summary.may), "", "### Limits", "", *_may_not(report)]),
        ("Distribution", [_escaped(report.scope.recipients) or _OPEN]),
        ("Maintenance", [_escaped(report.header.owner) or _OPEN, "", _escaped(report.summary.until)]),
        ("Evaluation", _results(report)),
    )


# -- sections ---------------------------------------------------------------------------------------------------------


def _intended(report: Report) -> list[str]:
    return _pairs([("Purpose", report.scope.purpose or None), ("Recipients", report.scope.recipients or None)])


def _tables(report: Report, table: str) -> list[str]:
    return _pairs([(f"{table} rows", report.source.rows.get(table)), ("Target", report.source.target)])


def _columns(report: Report) -> list[str]:
    rows = [(column.name, column.kind, column.role or None, column.disclosure) for column in report.source.columns]
    return _table(("Column", "Kind", "Role", "Disclosure"), rows)


def _privacy(private: bool | None, epsilon: float | None, delta: float | None) -> list[str]:
    if private is None:
        return ["Whether the generator was trained with differential privacy is not known."]
    if not private:
        return ["The generator was trained without differential privacy."]
    return [f"The generator was trained with differential privacy: ε {printed(epsilon)}, δ {printed(delta)}."]


def _may_not(report: Report) -> list[str]:
    return ["What may not be concluded:", "", *_statements(report.summary.may_not)]


def _results(report: Report) -> list[str]:
    rows = [
        (row.title, row.id, row.value, _interval(row), row.anchor) for row in report.evidence if row.value is not None
    ]
    return _table(("Measure", "Id", "Value", "Interval", "Real rows"), rows)


def _interval(row: Evidence) -> str | None:
    return None if row.interval is None else " to ".join(map(printed, row.interval))


def _statements(statements: Iterable[Statement]) -> list[str]:
    return _bullets(statement.text for statement in statements)


# -- Markdown ---------------------------------------------------------------------------------------------------------


def _document(title: str, *sections: tuple[str, Sequence[str]]) -> str:
    lines = [f"# {_escaped(title)}"]
    for heading, body in sections:
        lines += ["", f"## {heading}", "", *(body or [_OPEN])]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text whose characters mean nothing to Markdown or HTML, on one line."""
    flat = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _BLOCK.sub(r"\\", flat)


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {_escaped(text)}" for text in texts] or [_OPEN]


def _pairs(pairs: Iterable[tuple[str, Cell | Sequence[Cell]]]) -> list[str]:
    return [f"- **{_escaped(name)}:** {_OPEN if value is None else _escaped(printed(value))}" for name, value in pairs]


def _table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads), escape=False), *map(_line, rows)]


def _line(cells: Iterable[Cell], *, escape: bool = True) -> str:
    texts: Iterator[str] = (printed(cell) or ABSENT for cell in cells)
    return f"| {' | '.join(_escaped(text) if escape else text for text in texts)} |"
