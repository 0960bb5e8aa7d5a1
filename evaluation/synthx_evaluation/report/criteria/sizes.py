"""How many rows would do, in words: what a finding that is not shown tells."""

from __future__ import annotations

import math
from collections.abc import Mapping

from synthx_evaluation.disclosure.predicates import MOST as MOST_PREDICATES
from synthx_evaluation.membership.targets import MOST as MOST_MEMBERS
from synthx_evaluation.record import Better, Measure
from synthx_evaluation.report.criteria.facts import Fact
from synthx_evaluation.report.criteria.pack import MeasureTest, Quantity
from synthx_evaluation.report.criteria.power import growth, rows_for_area, rows_for_excess
from synthx_evaluation.report.criteria.quantities import Figures

__all__ = ["size", "size_without_figures"]

_TABLES = {"holdout": "holdout", "train": "training", "synthetic": "synthetic"}

_MOST_TIMES = 10_000
"""Times as many rows above which a size is no advice."""


def size(test: MeasureTest, measure: Measure, found: Figures, facts: Mapping[str, Fact]) -> tuple[str, float | None]:
    """Return how many rows would do, in words and as a multiple; None where there is no such number.

    `synthx_evaluation.report.criteria.power` has the formula.
    """
    ideal = found.ideal if test.ideal is None else test.ideal
    upper = test.at_most is not None
    if ideal is None or (ideal >= test.limit if upper else ideal <= test.limit):
        return "no number of rows would do: real rows themselves lie at or beyond this threshold", None
    half_width = found.interval[1] - found.value if upper else found.value - found.interval[0]
    times = growth(half_width=half_width, limit=test.limit, ideal=ideal, fresh=found.fresh, detectable=found.detectable)
    if times > _MOST_TIMES:
        return "no table of usual size would do: the threshold lies too near to what real rows score", None
    if times <= 1:
        return (
            "about as many rows would do for a generator that neither leaks nor loses: look for what this one does, "
            "and evaluate again with rows of other people"
        ), None
    if _looks_at_a_sample(measure, facts):
        return f"more rows do not sharpen {measure.id}, which looks at a sample: take it again with other seeds", None
    sizes = [f"{_round_up(times * rows):,} {_TABLES[table]} rows" for table in _TABLES if (rows := _rows(facts, table))]
    if not sizes:
        sizes = [f"{_round_up(times * measure.n):,} {measure.details.get('n_is', 'rows')}"]
    return f"about {', '.join(sizes)} would do ({_round_up(10 * times) / 10:g} times as many)", times


def _looks_at_a_sample(measure: Measure, facts: Mapping[str, Fact]) -> bool:
    """Return whether an attack looked at only some of what there was: then it would not look at more, either."""
    train, holdout = _rows(facts, "train"), _rows(facts, "holdout")
    counted = str(measure.details.get("n_is", ""))
    if counted.startswith("members"):
        return min(train, holdout // 2) >= MOST_MEMBERS
    if counted == "predicates":
        return _rows(facts, "synthetic") >= MOST_PREDICATES
    return counted == "training rows attacked" and measure.n < min(train, holdout)


def size_without_figures(test: MeasureTest, measure: Measure, facts: Mapping[str, Fact]) -> str:
    """Return what a measure without a value needs: its own words, or where there is no holdout, the least that may do.

    Empty where it says nothing of a need.
    """
    if _rows(facts, "holdout"):
        return f"{measure.id} {measure.reason}" if measure.reason.startswith("needs ") else ""
    if test.at_most is None or test.quantity is not Quantity.VALUE:
        return "holdout rows, which the generator never saw"
    if measure.better is Better.HALF:
        rows = rows_for_area(test.at_most) if test.at_most > 0.5 else 0
        return f"a holdout: at least {_round_up(2 * rows):,} rows, and {_round_up(rows):,} training rows"
    rows = rows_for_excess(test.at_most) if 0 < test.at_most < 1 else 0
    return f"a holdout: at least {_round_up(rows):,} rows, and as many training rows"


def _rows(facts: Mapping[str, Fact], table: str) -> int:
    rows = facts.get(f"rows.{table}")
    return rows if isinstance(rows, int) else 0


def _round_up(rows: float) -> int:
    """Return a number of rows with two significant digits, rounded up: more would feign precision."""
    if rows <= 0:
        return 0
    unit = int(10 ** max(0, math.floor(math.log10(rows)) - 1))
    return math.ceil(round(rows / unit, 9)) * unit
