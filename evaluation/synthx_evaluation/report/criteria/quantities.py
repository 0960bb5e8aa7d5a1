"""The figure of a measure that is held against a threshold, with what is needed to weigh it."""

from __future__ import annotations

import dataclasses
from typing import Any

from synthx_evaluation.record import Better, Measure
from synthx_evaluation.report.criteria.pack import Quantity

__all__ = ["Figures", "figures_of"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A quantity with its interval.

    Parameters
    ----------
    value, interval
        Of the quantity.
    fresh : float, optional
        What fresh real rows score.
    ideal : float, optional
        What a generator blind to single rows scores with rows without end.
    detectable : float, optional
        The smallest value that the test would have noticed.
    """

    value: float
    interval: tuple[float, float]
    fresh: float | None
    ideal: float | None
    detectable: float | None = None


def figures_of(measure: Measure, quantity: Quantity) -> Figures | str:
    """Return the quantity of a measure, or why it has none."""
    assert measure.value is not None
    if quantity is Quantity.POSITION:
        value, interval = measure.details.get("position"), _pair(measure.details.get("position_interval"))
        if value is None or interval is None:
            return "has no place between guessing and real rows: models trained on real rows do no better than guessing"
        return Figures(value=float(value), interval=interval, fresh=1.0, ideal=1.0)
    if measure.interval is None:
        return "has no interval, so that its value cannot be told from chance"
    if quantity is Quantity.BEHIND_REAL:
        return _behind_real(measure, measure.value, measure.interval)
    ideal = 0.5 if measure.better is Better.HALF else measure.anchor
    return Figures(
        value=measure.value,
        interval=measure.interval,
        fresh=measure.anchor,
        ideal=ideal,
        detectable=measure.detectable,
    )


def _behind_real(measure: Measure, value: float, interval: tuple[float, float]) -> Figures | str:
    """Return how much worse than real rows a measure is; paired with them where the measure says so itself."""
    if measure.anchor is None:
        return "says nothing of real rows in the same place"
    sign = -1.0 if measure.better is Better.HIGHER else 1.0
    ends = sorted(sign * (end - measure.anchor) for end in interval)
    return Figures(
        value=sign * (value - measure.anchor),
        interval=_pair(measure.details.get("behind_real_interval")) or (ends[0], ends[1]),
        fresh=0.0,
        ideal=0.0,
        detectable=None if measure.detectable is None else sign * (measure.detectable - measure.anchor),
    )


def _pair(ends: Any) -> tuple[float, float] | None:
    return None if ends is None else (float(ends[0]), float(ends[1]))
