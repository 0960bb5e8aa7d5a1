"""What the evidence cannot tell: what is missing, what was skipped and why, and what was never asked."""

from __future__ import annotations

from collections.abc import Iterator

from synthx_evaluation.record import Status
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.parts import Limit
from synthx_evaluation.report.suppression import Disclosure
from synthx_evaluation.report.texts import limit_text, outside_the_model, section_of
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.suite import Group

__all__ = ["limits"]


def limits(card: Scorecard, brief: Brief, disclosure: Disclosure, *, known: bool) -> tuple[Limit, ...]:
    """Return the limits, the gravest first.

    Parameters
    ----------
    card : Scorecard
    brief : Brief
    disclosure : Disclosure
        How much of a reason may be shown.
    known : bool
        Whether a model file was given.
    """
    missing = [Limit(id=code, text=limit_text(code)) for code in _missing(card, brief, known=known)]
    never = [Limit(id=f"LIM-OUTSIDE-{number}", text=text) for number, text in enumerate(outside_the_model(), 1)]
    return (*missing, *_left_out(card), *_unsaid(brief), *_absences(card, disclosure), *never)


def _missing(card: Scorecard, brief: Brief, *, known: bool) -> Iterator[str]:
    if card.context.get("rows", {}).get("holdout") is None:
        yield "LIM-HOLDOUT"
    if "sequences" in card.context:
        yield "LIM-SEQUENCES"
    yield "LIM-ROWS" if known else "LIM-MODEL"
    if brief.candidates_made is None:
        yield "LIM-SELECTION"
    if not card.context.get("protected"):
        yield "LIM-PROTECTED"
    if not any(section_of(measure.id) == "augmentation" for measure in card):
        yield "LIM-AUGMENTATION"
    yield "LIM-SEEDS"
    if not brief.columns:
        yield "LIM-CLASSES"


def _left_out(card: Scorecard) -> Iterator[Limit]:
    """Yield the groups of measures that nobody asked for."""
    taken = card.context.get("groups")
    left = [] if taken is None else [str(group) for group in Group if group not in taken]
    if left:
        yield Limit(
            id="LIM-GROUPS", text=f"These groups of measures were left out of the evaluation: {', '.join(left)}."
        )


def _unsaid(brief: Brief) -> Iterator[Limit]:
    told = {
        "purpose": brief.purpose,
        "recipients": brief.recipients,
        "owner": brief.owner,
        "date": brief.date,
        "last day of validity": brief.valid_until,
        "controls": brief.controls,
    }
    unsaid = [name for name, value in told.items() if not value]
    if unsaid:
        yield Limit(id="LIM-UNSAID", text=f"Not given by the owner: {', '.join(unsaid)}.")


def _absences(card: Scorecard, disclosure: Disclosure) -> Iterator[Limit]:
    """Yield the measures without a value, those of one reason together."""
    absent: dict[tuple[Status, str], list[str]] = {}
    for measure in card:
        if measure.status is not Status.COMPUTED:
            absent.setdefault((measure.status, disclosure.sentence(measure.reason)), []).append(measure.id)
    for number, ((status, reason), ids) in enumerate(absent.items(), 1):
        said = "Skipped" if status is Status.SKIPPED else "Does not arise"
        yield Limit(id=f"LIM-ABSENT-{number}", text=f"{said}: {', '.join(ids)} ({reason}).", evidence=tuple(ids))
