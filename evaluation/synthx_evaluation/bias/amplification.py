"""Whether models of synthetic rows treat groups more unequally than models of training rows do, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthx_evaluation.bias.outcomes import Outcome
from synthx_evaluation.bias.rates import CHOSEN, FOUND, MISTAKEN, Gaps
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["AMPLIFICATION", "amplification"]

AMPLIFICATION = Definition(
    "BIAS-AMPLIFICATION", "1.0", "Inequality of groups that synthetic rows add to models", Better.LOWER
)

COMPARED = ("DP", "EO")
"""Criteria that are looked at; equal opportunity is half of equalised odds."""

_LEVEL = 0.05
_OF = {CHOSEN: "", FOUND: " with the outcome", MISTAKEN: " without the outcome"}


def amplification(found: Sequence[Gaps], outcome: Outcome, *, seed: int) -> Measure:
    """Compare the gaps of both models over all columns, kinds of model, and criteria.

    The value is the change of the gap, synthetic minus real, that is the largest for its error: the one that speaks
    most for amplification. Its interval and the p-value are corrected for looking at all (Bonferroni) and count in the
    chance that lies in the training rows, which intervals of holdout rows alone would leave out; where nothing is
    amplified, at most 2.5% of tables are flagged. The anchor is 0.
    """
    compared = [gaps for gaps in found if gaps.criterion.code in COMPARED]
    if not compared:
        return AMPLIFICATION.skipped("no column has two groups with rows enough", seed=seed)
    level, many = _LEVEL / len(compared), len(compared)
    worst, best = max(compared, key=_size), min(compared, key=_size)
    low, high = worst.interval(level)
    return AMPLIFICATION.computed(
        worst.change,
        interval=(low, high),
        anchor=0.0,
        p_value=min(1.0, many * worst.p_value) if worst.change > 0 else 1.0,
        detectable=worst.quantile(level) * sum(worst.variances) ** 0.5,
        n=len(outcome.synthetic),
        seed=seed,
        details={
            "sentence": sentence(worst, outcome, level, many),
            "amplified": low > 0,
            "lessened": best.interval(level)[1] < 0,
            "most_lessened": sentence(best, outcome, level, many) if best.change < 0 else None,
            "column": worst.groups.name,
            "learner": worst.learner,
            "criterion": worst.criterion.name,
            "outcome": outcome.description,
            "comparisons": [_comparison(gaps) for gaps in compared],
        },
    )


def _size(gaps: Gaps) -> float:
    error = sum(gaps.variances) ** 0.5
    return gaps.change / error if error else float(np.sign(gaps.change))


def _comparison(gaps: Gaps) -> dict[str, Any]:
    return {
        "column": gaps.groups.name,
        "learner": gaps.learner,
        "criterion": gaps.criterion.name,
        "gap_synthetic": gaps.values[0],
        "gap_real": gaps.values[1],
        "change": gaps.change,
        "interval": gaps.interval(),
        "p_value": gaps.p_value,
    }


def sentence(gaps: Gaps, outcome: Outcome, level: float, compared: int) -> str:
    """Return what was found for people: the column, its groups, the figures, and whether it may be chance."""
    interval = gaps.interval(level)
    share = max(gaps.criterion.shares, key=lambda name: float(gaps.frames[0].difference(method="between_groups")[name]))
    made, real = (frame.by_group[share] for frame in gaps.frames)
    most, least = made.idxmax(), made.idxmin()
    high, low = gaps.groups.labels[int(most)], gaps.groups.labels[int(least)]
    change = f"{abs(gaps.change):.3f} {'wider' if gaps.change >= 0 else 'narrower'}"
    within = "includes zero" if interval[0] <= 0 <= interval[1] else "excludes zero"
    widened = f", widened for {compared} comparisons" if compared > 1 else ""
    return (
        f"For {outcome.target} = {outcome.label}, {gaps.learner} models of synthetic rows choose {made[most]:.1%} of "
        f"{gaps.groups.name} = {high} and {made[least]:.1%} of {low}{_OF[share]}, those of training rows "
        f"{real[most]:.1%} and {real[least]:.1%}: the {gaps.criterion.name} gap is {gaps.values[0]:.3f} against "
        f"{gaps.values[1]:.3f}, {change}, and the 95% interval of the change{widened}, {interval[0]:.3f} to "
        f"{interval[1]:.3f}, {within}."
    )
