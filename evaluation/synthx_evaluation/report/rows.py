"""Measures of a scorecard as rows of the report: rounded, withheld where needed, and read out in a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from synthx_evaluation.record import Better, Measure, Status
from synthx_evaluation.report.parts import Evidence
from synthx_evaluation.report.suppression import Disclosure
from synthx_evaluation.report.texts import described, section_of

__all__ = ["SECTIONS", "row", "sections"]

_CHANCE = 0.01
"""The p-value up to which a difference is called no chance."""
SECTIONS = ("privacy", "fidelity", "utility", "augmentation", "bias")


def sections(measures: Iterable[Measure], disclosure: Disclosure) -> dict[str, tuple[Evidence, ...]]:
    """Return the rows of each section, in the order of the scorecard."""
    rows: dict[str, list[Evidence]] = {section: [] for section in SECTIONS}
    for measure in measures:
        rows[section_of(measure.id)].append(row(measure, disclosure))
    return {section: tuple(listed) for section, listed in rows.items()}


def row(measure: Measure, disclosure: Disclosure) -> Evidence:
    """Return one measure as it is shown."""
    interval = measure.interval
    low, high = (None, None) if interval is None else map(disclosure.figure, interval)
    return Evidence(
        id=measure.id,
        version=measure.version,
        title=measure.title,
        better=str(measure.better),
        status=str(measure.status),
        value=disclosure.figure(measure.value),
        interval=None if low is None or high is None else (low, high),
        anchor=disclosure.figure(measure.anchor),
        p_value=disclosure.figure(measure.p_value),
        detectable=disclosure.figure(measure.detectable),
        n=disclosure.rows(measure.n),
        seed=measure.seed,
        reason=disclosure.sentence(measure.reason),
        reading=_reading(measure, disclosure),
        power=_power(measure, disclosure),
    )


def _reading(measure: Measure, disclosure: Disclosure) -> str:
    """Return what the figure says, beside what real rows would score."""
    if measure.value is None:
        return f"{'Not measured' if measure.status is Status.SKIPPED else 'Does not arise'}: " + disclosure.sentence(
            measure.reason + "."
        )
    template = described(measure.id).get("reading", "The figure is {value}.")
    says = template.format(
        value=disclosure.shown(measure.value),
        percent=f"{disclosure.shown(100 * measure.value)}%",
        points=disclosure.shown(100 * abs(measure.value)),
        more="less" if measure.value < 0 else "more",
    )
    if measure.anchor is not None:
        says += f" With real rows in the place of synthetic ones the figure is {disclosure.shown(measure.anchor)}."
    if measure.p_value is not None and measure.p_value <= _CHANCE:
        # Within a threshold or not: a small leak that was found must not read like none.
        least = "p below 0.001" if measure.p_value < 0.001 else f"p = {disclosure.shown(measure.p_value)}"
        says += f" The difference is no chance ({least})."
    return says


def _power(measure: Measure, disclosure: Disclosure) -> str:
    """Return what the test would have noticed."""
    if measure.detectable is None or measure.value is None:
        return ""
    least = disclosure.shown(measure.detectable)
    if "detectable_is" in measure.details:
        return f"The test would have noticed, with these rows, {measure.details['detectable_is']} of {least}."
    words = {Better.LOWER: "or more", Better.HIGHER: "or less", Better.HALF: "or further from 0.5"}
    return f"With these rows the test would have noticed a figure of {least} {words[measure.better]}."
