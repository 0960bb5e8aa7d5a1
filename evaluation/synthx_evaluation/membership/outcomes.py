"""Records of attacks on membership: the largest area under the curve, the members found at few false alarms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from synthx_evaluation.disclosure import Copies
from synthx_evaluation.membership.battery import Scores
from synthx_evaluation.membership.evidence import Bools, Evidence
from synthx_evaluation.membership.roc import found_at, needed_rows
from synthx_evaluation.record import Definition, Measure
from synthx_evaluation.statistics import Z95, clopper_pearson_interval, delong_variance

__all__ = ["area_measure", "rate_measure", "with_copies"]

_LEVEL = 0.05


def with_copies(p_value: float, copies: Copies) -> float:
    """Return the p-value of a permutation test and Fisher's test of exact copies together.

    The smaller of both, plus what the other test may add by chance: without equal rows on either side Fisher's test
    cannot raise a false alarm, and costs none.
    """
    smaller = min(p_value, copies.p_value)
    return min(1.0, smaller + copies.attained(smaller))


def area_measure(
    definition: Definition,
    scores: Scores,
    member: Bools,
    evidence: Evidence,
    seed: int,
    *,
    details: dict[str, Any],
    p_value: float | None = None,
    critical: float | None = None,
) -> Measure:
    """Return the largest area of one stratum, with an interval of the largest true area.

    Its lower end is the largest of all attacks' lower ends, each corrected for the choice among them. The p-value and
    the critical standard score are those of `evidence`, unless more was looked at than it holds.
    """
    areas = evidence.area[:, 0]
    errors = np.sqrt([delong_variance(member, score) for score in scores.values.T])
    low = float((areas - max(evidence.area_critical, Z95) * errors).max())
    high = float((areas + Z95 * errors).max())
    statistic, score, _ = evidence.best
    return definition.computed(
        float(areas.max()),
        interval=(max(0.0, low), min(1.0, high)),
        anchor=evidence.null_area,
        n=len(member),
        seed=seed,
        p_value=evidence.p_value if p_value is None else p_value,
        detectable=min(1.0, 0.5 + (critical or evidence.critical) * float(evidence.error.max())),
        details={
            "n_is": "members and as many non-members",
            "strongest": {
                "attack": scores.attacks[score],
                "geometry": scores.geometries[score],
                "looks_at": ("all ranks", "the highest ranks")[statistic],
                "auc": float(areas[score]),
            },
            **details,
        },
    )


def rate_measure(
    definition: Definition, alarms: float, scores: Scores, member: Bools, labels: Bools, seed: int
) -> Measure:
    """Return the largest share of members that an attack finds at a rate of false alarms, or why it cannot be told."""
    members, others = int(member.sum()), int((~member).sum())
    if others < needed_rows(alarms):
        needed = needed_rows(alarms)
        return definition.skipped(
            f"needs {needed:,} non-members: {2 * needed:,} holdout rows, of which half are the attacker's reference, "
            f"and {needed:,} training rows; there are {others:,} of either",
            seed=seed,
        )
    rates = found_at(alarms, scores.values, member, labels)
    best = int(rates.observed.argmax())
    null = rates.null.max(axis=1)
    value = float(rates.observed[best])
    return definition.computed(
        value,
        interval=clopper_pearson_interval(round(value * members), members),
        anchor=float(np.median(null)),
        n=len(member),
        seed=seed,
        p_value=rates.p_value,
        detectable=min(1.0, float(np.quantile(null, 1 - _LEVEL))),
        details={
            "n_is": "members and as many non-members",
            "false_alarms": math.floor(alarms * others),
            "attack": scores.attacks[best],
            "geometry": scores.geometries[best],
        },
    )
