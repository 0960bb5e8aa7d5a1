"""Verdicts: what the evidence says of each line of a rule pack.

A threshold is *met* only where the whole interval lies within it and the test could have noticed that it is not; it is
*not met* where the whole interval lies beyond it; all else is *not shown*, with the rows that would do. A person judges
what no measure can show. No verdict is a legal conclusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synthx_evaluation.record import Measure
from synthx_evaluation.report.criteria.facts import FACTS, Fact
from synthx_evaluation.report.criteria.outcomes import Outcome, outcome
from synthx_evaluation.report.criteria.pack import FactTest, Line, MeasureTest, Pack, PersonTest, Quantity
from synthx_evaluation.report.record import Finding, Verdict
from synthx_evaluation.report.rounding import DIGITS, figure, rounded, shown

__all__ = ["judge"]

_GRAVITY = {Verdict.NOT_MET: 0, Verdict.NOT_SHOWN: 1, Verdict.MET: 2}
_OF = {Quantity.VALUE: "", Quantity.BEHIND_REAL: ", as distance behind real rows,", Quantity.POSITION: ", as position,"}


def judge(
    pack: Pack, measures: Iterable[Measure], facts: Mapping[str, Fact], *, digits: int = DIGITS["internal"]
) -> list[Finding]:
    """Return one finding for every line of a pack, in its order.

    Parameters
    ----------
    pack : Pack
        What is asked.
    measures : iterable of Measure
        Of the scorecard, unrounded: figures are rounded after they were compared.
    facts : mapping
        What else the report states, from `facts_of`; what is missing counts as not stated.
    digits : int
        Significant digits of the figures that are shown.
    """
    taken = {measure.id: measure for measure in measures}
    return [Finding(**_asked(pack, line), **_answer(line, taken, facts, digits)) for line in pack.criteria]


def _asked(pack: Pack, line: Line) -> dict[str, Any]:
    source = pack.sources[line.source]
    return {
        "pack": pack.id,
        "pack_title": pack.title,
        "pack_date": pack.date.isoformat(),
        "pack_source": source.address,
        "criterion": line.id,
        "clause": f"{source.title} ({source.date.isoformat()}), {line.clause}",
        "text": line.text,
    }


def _answer(line: Line, taken: Mapping[str, Measure], facts: Mapping[str, Fact], digits: int) -> dict[str, Any]:
    if isinstance(line.test, MeasureTest):
        return _of_measures(line.test, taken, facts, digits)
    if isinstance(line.test, FactTest):
        return _of_fact(line.test, facts.get(line.test.fact), digits)
    return _of_person(line.test, taken)


def _of_person(test: PersonTest, taken: Mapping[str, Measure]) -> dict[str, Any]:
    return {
        "verdict": Verdict.FOR_A_PERSON,
        "evidence": tuple(code for code in test.consider if code in taken),
        "reading": f"no measure can show this; who judges: {test.who}",
    }


# -- measures -----------------------------------------------------------------------------------------------------


def _of_measures(
    test: MeasureTest, taken: Mapping[str, Measure], facts: Mapping[str, Fact], digits: int
) -> dict[str, Any]:
    codes = [entry if isinstance(entry, str) else _first_taken(entry, taken) for entry in test.measures]
    outcomes = [outcome(test, code, taken.get(code), facts, digits) for code in codes]
    # Of several, those whose question does not arise (groups where no column is protected) do not count.
    counted = [one for one in outcomes if one.applies] or outcomes
    worst = min(counted, key=lambda one: (_GRAVITY[one.verdict], one.room))
    return {
        "evidence": tuple(code for code in codes if code in taken),
        "measure": worst.measure if worst.measure in taken else "",
        "observed": figure(worst.value, digits),
        "interval": None if worst.interval is None else tuple(rounded(end, digits) for end in worst.interval),
        "threshold": rounded(test.limit, digits),
        "comparison": _comparison(test),
        "threshold_author": test.author,
        "threshold_reason": test.reason,
        "verdict": worst.verdict,
        "reading": worst.reading + _company(worst, counted),
        "needed": _needed(_like(worst, counted)),
    }


def _first_taken(codes: Iterable[str], taken: Mapping[str, Measure]) -> str:
    first, *others = codes
    return next((code for code in (first, *others) if code in taken), first)


def _comparison(test: MeasureTest) -> str:
    end, bound = ("upper", "at most") if test.at_most is not None else ("lower", "at least")
    return f"{end} end of the interval{_OF[test.quantity]} {bound}"


def _like(worst: Outcome, counted: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes that ended as the worst did, the worst first."""
    return [worst, *(one for one in counted if one is not worst and one.verdict is worst.verdict)]


def _company(worst: Outcome, counted: Iterable[Outcome]) -> str:
    """Return which others ended as badly as the worst; nothing where all is met."""
    others = [one.measure for one in _like(worst, counted)[1:]]
    return "" if worst.verdict is Verdict.MET or not others else f"; {worst.verdict} by {', '.join(others)} either"


def _needed(outcomes: list[Outcome]) -> str:
    """Return what all of them need: of sizes the largest, and whatever else."""
    sized = max((one for one in outcomes if one.times), key=lambda one: one.times or 0.0, default=None)
    needs = [one.needed for one in outcomes if one.needed and (one.times is None or one is sized)]
    return "; ".join(dict.fromkeys(needs))


# -- facts --------------------------------------------------------------------------------------------------------


def _of_fact(test: FactTest, fact: Fact, digits: int) -> dict[str, Any]:
    kind = FACTS[test.fact]
    known: dict[str, Any] = {"threshold_author": test.author, "threshold_reason": test.reason}
    if fact is None or fact == "":
        reading = f"the report does not state {kind.meaning}"
        return {**known, "verdict": Verdict.NOT_SHOWN, "reading": reading, "needed": kind.remedy}
    known["reading"] = f"the report states {kind.meaning}: {_said(fact, digits)}"
    asked = ""
    if test.stated is not None:
        holds = True
    elif test.one_of is not None:
        holds = fact in test.one_of
    else:
        holds, bound = _within(test, fact, digits)
        asked = f"{bound['comparison']} {shown(bound['threshold'], digits)}; "
        known |= bound
    verdict = Verdict.MET if holds else test.otherwise
    needed = f"{asked}{kind.remedy}" if verdict is Verdict.NOT_SHOWN else ""
    return {**known, "verdict": verdict, "needed": needed}


def _within(test: FactTest, fact: Fact, digits: int) -> tuple[bool, dict[str, Any]]:
    """Return whether a number is within its bound (words never are), and the fields that show it."""
    upper = test.at_most is not None
    limit = test.at_most if upper else test.at_least
    assert limit is not None
    bound: dict[str, Any] = {"threshold": rounded(limit, digits), "comparison": "at most" if upper else "at least"}
    if isinstance(fact, str) or fact is None:
        return False, bound
    value = float(fact)
    return value <= limit if upper else value >= limit, {**bound, "observed": rounded(value, digits)}


def _said(fact: Fact, digits: int) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return fact if isinstance(fact, str) else shown(fact, digits)
