"""The first page: what may be concluded, what may not, and until when. Each sentence names what carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthx_evaluation.report.parts import Evidence, Finding, Statement, Summary, Verdict
from synthx_evaluation.report.record import Report

__all__ = ["summarize"]

_WORST_FIRST = (Verdict.NOT_MET, Verdict.NOT_SHOWN, Verdict.MET)
_ENDS_EARLIER = (
    "it ends earlier if more rows are drawn from the same training rows and released, if recipients or their other data"
    " change, or if a new attack becomes known"
)


def summarize(report: Report) -> Summary:
    """Return the first page of a report that has all its other parts."""
    counts = {str(verdict): sum(one.verdict is verdict for one in report.findings) for verdict in Verdict}
    verdict = next((one for one in _WORST_FIRST if counts[one]), Verdict.FOR_A_PERSON)
    return Summary(
        headline=_headline(report.findings, counts),
        verdict=verdict,
        counts=counts,
        may=(*_claims(report, Verdict.MET), *_guarantee(report), *_useful(report)),
        may_not=(*_claims(report, Verdict.NOT_MET), *_claims(report, Verdict.NOT_SHOWN), *_never(report)),
        until=_until(report),
    )


def _headline(findings: Sequence[Finding], counts: dict[str, int]) -> str:
    if not findings:
        return "No criteria were judged: this page holds figures only."
    total = len(findings)
    parts = [f"{counts[verdict]:,} {verdict}" for verdict in (*_WORST_FIRST, Verdict.FOR_A_PERSON)]
    return f"Of {total:,} {'criterion' if total == 1 else 'criteria'}: {', '.join(parts)}."


def _until(report: Report) -> str:
    if report.header.valid_until:
        return f"These conclusions stand until {report.header.valid_until}; {_ENDS_EARLIER}."
    return f"No end was given: whoever signs has to set a day on which this is judged anew; {_ENDS_EARLIER}."


# -- criteria as sentences -------------------------------------------------------------------------------------------


def _claims(report: Report, verdict: Verdict) -> list[Statement]:
    """Return the claims of the criteria that ended so, those of one measure and reason together.

    A criterion without a measure asks for a word of the owner's; those that are missing are one sentence, and those
    that are there need none.
    """
    rows = {row.id: row for row in report.evidence}
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        if finding.verdict is verdict:
            groups.setdefault((finding.measure, finding.reading), []).append(finding)
    measured = [_claim(found, verdict, rows) for found in groups.values() if found[0].evidence]
    unstated = [one for found in groups.values() for one in found if not one.evidence]
    if verdict is not Verdict.MET and unstated:
        measured.append(_unstated(unstated, verdict))
    return measured


def _claim(findings: Sequence[Finding], verdict: Verdict, rows: Mapping[str, Evidence]) -> Statement:
    first = findings[0]
    row = rows.get(first.measure)
    why = row.reading if row is not None and row.value is not None else _sentence(first.reading)
    said = f"{first.text} {_sentence(str(verdict), end=':')} {why} {_sentence(first.needed)}".strip()
    evidence = (*(one.criterion for one in findings), *first.evidence)
    return Statement(text=said, evidence=tuple(dict.fromkeys(evidence)))


def _unstated(findings: Sequence[Finding], verdict: Verdict) -> Statement:
    reasons = "; ".join(dict.fromkeys(one.reading for one in findings))
    what = f"What depends on {len(findings):,} other {'criterion' if len(findings) == 1 else 'criteria'}."
    return Statement(
        text=f"{what} {_sentence(str(verdict), end=':')} {reasons}.",
        evidence=tuple(dict.fromkeys(one.criterion for one in findings)),
    )


def _sentence(text: str, *, end: str = ".") -> str:
    """Return a sentence with a capital letter and an end; codes such as MIA-MAX stay as they are."""
    return text and text[0].upper() + text[1:].rstrip(".") + end


# -- what may be concluded -----------------------------------------------------------------------------------------


def _guarantee(report: Report) -> list[Statement]:
    ledger = report.ledger
    if not ledger.private or ledger.epsilon is None:
        return []
    return [
        Statement(
            text=f"Whatever an attacker knows, the generator tells little about any one {ledger.unit}: it is"
            f" differentially private with epsilon {ledger.epsilon:g} and delta {ledger.delta:g}, under the assumptions"
            " listed with the ledger. The figures of this report lie outside that guarantee.",
            evidence=("ledger",),
        )
    ]


def _useful(report: Report) -> list[Statement]:
    """Return what models trained on synthetic rows are good for: figures beside those of real rows."""
    rows = [row for row in report.utility if row.value is not None and row.anchor is not None]
    chosen = [row for row in rows if row.id.startswith(("UTIL-AUC", "UTIL-R2"))] or rows[:1]
    likeness = [row for row in report.fidelity if row.id in ("FID-SHAPE", "FID-PAIRS") and row.value is not None]
    return [Statement(text=f"{row.title}. {row.reading}", evidence=(row.id,)) for row in (*chosen, *likeness)]


# -- what may not -----------------------------------------------------------------------------------------------------


def _never(report: Report) -> list[Statement]:
    """Return what no such report supports, and what this one leaves open."""
    said = [
        Statement(
            text="That the law no longer applies to these data: that is a legal conclusion about recipients and means,"
            " which no test draws."
        )
    ]
    untested = [one for one in report.attackers if not one.tested_by]
    if untested:
        names = "; ".join(one.name[0].lower() + one.name[1:] for one in untested)
        said.append(
            Statement(
                text=f"Anything about attackers whom no measure here plays: {names}.",
                evidence=tuple(one.id for one in untested),
            )
        )
    if not any(row.value is not None for row in report.bias):
        said.append(Statement(text="That groups of people are treated alike: no measure of bias has a value here."))
    people = sum(one.verdict is Verdict.FOR_A_PERSON for one in report.findings)
    if people:
        said.append(
            Statement(
                text=f"Whatever depends on the {people:,} criteria that are for a person to judge, before they are."
            )
        )
    return said
