"""One measure held against one threshold: inside, outside or undecided, and how many rows would decide it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from synthx_evaluation.record import Measure, Status
from synthx_evaluation.report.criteria.facts import Fact
from synthx_evaluation.report.criteria.pack import MeasureTest
from synthx_evaluation.report.criteria.quantities import Figures, figures_of
from synthx_evaluation.report.criteria.sizes import size, size_without_figures
from synthx_evaluation.report.record import Verdict
from synthx_evaluation.report.rounding import shown

__all__ = ["Outcome", "outcome"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one measure says of one threshold.

    Parameters
    ----------
    measure : str
        Its id.
    verdict : Verdict
        Any but *for a person to judge*.
    reading, needed : str
        Why; and of *not shown*, what would do.
    value, interval
        The figure that was held against the threshold, unrounded; None where there is none.
    room : float
        How far the threshold lies beyond the end of the interval that faces it; infinite where there is none.
    times : float, optional
        How many times as many rows would do, where that is what `needed` says.
    applies : bool
        Whether the question arises for these tables.
    """

    measure: str
    verdict: Verdict
    reading: str
    needed: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    room: float = math.inf
    times: float | None = None
    applies: bool = True


def outcome(test: MeasureTest, code: str, measure: Measure | None, facts: Mapping[str, Fact], digits: int) -> Outcome:
    """Return what a measure says of a threshold.

    Parameters
    ----------
    test : MeasureTest
        The threshold.
    code : str
        Id of the measure.
    measure : Measure, optional
        Its record; None if it was not taken.
    facts : mapping
        Numbers of rows, for the sizes that are told.
    digits : int
        Significant digits of the figures in sentences.
    """
    if measure is None:
        return _nothing(code, f"{code} was not taken", "evaluate again with all groups of measures")
    if measure.status is not Status.COMPUTED:
        return _absent(test, measure, facts)
    found = figures_of(measure, test.quantity)
    if isinstance(found, str):
        return _nothing(code, f"{code} {found}", "a person has to look at the figures")
    return _compared(test, measure, found, facts, digits)


def _nothing(code: str, reading: str, needed: str) -> Outcome:
    return Outcome(measure=code, verdict=Verdict.NOT_SHOWN, reading=reading, needed=needed)


def _absent(test: MeasureTest, measure: Measure, facts: Mapping[str, Fact]) -> Outcome:
    needed = size_without_figures(test, measure, facts)
    says_itself = needed.endswith(measure.reason)
    reading = f"{measure.id} has no value" if says_itself else f"{measure.id} has no value: {measure.reason}"
    gone = _nothing(measure.id, reading, needed)
    return dataclasses.replace(gone, applies=measure.status is not Status.NOT_APPLICABLE)


def _compared(test: MeasureTest, measure: Measure, found: Figures, facts: Mapping[str, Fact], digits: int) -> Outcome:
    # Where the threshold is a least, all signs are turned, so that beyond is above.
    sign = 1.0 if test.at_most is not None else -1.0
    near, far = sorted(sign * end for end in found.interval)
    limit = sign * test.limit
    noticed = -math.inf if found.detectable is None else sign * found.detectable
    low, high = (shown(end, digits) for end in found.interval)
    threshold = f"the threshold of {shown(test.limit, digits)}"
    lies = f"{measure.id} lies between {low} and {high}"
    verdict, needed, times = Verdict.NOT_SHOWN, "", None
    if test.alarm is not None and measure.p_value is not None and measure.p_value <= test.alarm:
        verdict = Verdict.NOT_MET
        reading = (
            f"{lies}; without a leak that happens with a probability of {_probability(measure.p_value, digits)}, "
            f"and the alarm is at {shown(test.alarm, digits)}"
        )
    elif near > limit:
        verdict, reading = Verdict.NOT_MET, f"{lies}, wholly beyond {threshold}"
    elif far > limit:
        reading = f"{lies}, on both sides of {threshold}"
    elif noticed > limit:
        least = shown(sign * noticed, digits)
        reading = f"{lies}, within {threshold}, but the test would have noticed nothing short of {least}"
    else:
        verdict, reading = Verdict.MET, f"{lies}, wholly within {threshold}"
    if verdict is Verdict.NOT_SHOWN:
        needed, times = size(test, measure, found, facts)
    return Outcome(
        measure=measure.id, verdict=verdict, reading=reading, needed=needed, value=found.value,
        interval=found.interval, room=limit - far, times=times,
    )  # fmt: skip


def _probability(p_value: float, digits: int) -> str:
    return "less than 0.001" if p_value < 0.001 else shown(p_value, digits)
