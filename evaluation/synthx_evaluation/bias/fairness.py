"""Whether models treat groups alike, and whether models of synthetic rows do so less than models of training rows.

Four criteria, which contradict each other where groups differ (A. Chouldechova, Big Data 5 (2017), 153-163; J.
Kleinberg et al., arXiv 1609.05807); none of them is "the" fairness of a model:

- demographic parity: the groups' shares of chosen rows are the same;
- equal opportunity: the shares of chosen rows among those that truly have the outcome (M. Hardt et al., arXiv
  1610.02413);
- equalised odds: these, and the shares among those that have it not;
- calibration: in each group as many have the outcome as the probabilities say.

Each gap is the difference of the largest and the smallest group, by fairlearn's `MetricFrame`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthx_evaluation.bias.amplification import AMPLIFICATION, amplification
from synthx_evaluation.bias.calibration import Calibration, calibration
from synthx_evaluation.bias.groups import FEWEST_ROWS, Codes, Groups, protected_groups
from synthx_evaluation.bias.outcomes import Decisions, Outcome, decisions, outcome_of
from synthx_evaluation.bias.rates import CRITERIA, Gaps, counts_of, gap, gaps
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["FAIRNESS", "fairness"]

_KINDS = ("linear", "boosted")
_TITLES = {
    "DP": "Trained on synthetic: demographic parity gap",
    "EO": "Trained on synthetic: equalised odds gap",
    "TPR": "Trained on synthetic: equal opportunity gap",
    "CAL": "Trained on synthetic: worst calibration of a group",
}

FAIRNESS = {
    (code, kind): Definition(f"BIAS-{code}-{kind.upper()}", "1.0", f"{title}, {kind}", Better.LOWER)
    for code, title in _TITLES.items()
    for kind in _KINDS
}
"""By criterion (DP, EO, TPR, CAL) and kind of model."""


def fairness(comparison: Comparison) -> list[Measure]:
    """Train models of synthetic and of training rows, and compare how they treat groups of holdout rows.

    A value is that of the column on which the model of synthetic rows is the most unequal, its anchor that of the
    model of as many training rows, and its interval resamples the holdout rows. A class of the target is decided
    about: the rarer of two, or the rarest of more, one against the rest. Models may look at protected columns.
    """
    every = (*FAIRNESS.values(), AMPLIFICATION)
    found, left_out = protected_groups(comparison)
    if comparison.target is not None and comparison.target.name in comparison.protected:
        found = [groups for groups in found if groups.name != comparison.target.name]
        left_out[comparison.target.name] = f"{comparison.target.name!r} is the target"
    if not found:
        reason = "no protected column is named" if not left_out else "; ".join(left_out.values())
        return [item.not_applicable(reason, seed=comparison.seed) for item in every]
    outcome = outcome_of(comparison)
    if not isinstance(outcome, Outcome):
        arises, reason = outcome
        return [(item.skipped if arises else item.not_applicable)(reason, seed=comparison.seed) for item in every]
    at = {groups.name: groups.of(outcome.holdout) for groups in found}
    measures: list[Measure] = []
    all_gaps: list[Gaps] = []
    for decided in decisions(comparison, outcome):
        of_kind, calibrated = _judge(comparison, outcome, found, at, decided)
        all_gaps += of_kind
        for criterion in CRITERIA:
            parts = [part for part in of_kind if part.criterion == criterion]
            measures.append(_gap_record(comparison, outcome, decided, parts, at, left_out, criterion.code))
        measures.append(_calibration_record(comparison, outcome, decided, calibrated, left_out))
    order = [item.id for item in FAIRNESS.values()]
    measures.sort(key=lambda measure: order.index(measure.id))
    return [*measures, amplification(all_gaps, outcome, seed=comparison.seed)]


def _judge(
    comparison: Comparison, outcome: Outcome, found: Sequence[Groups], at: dict[str, Codes], decided: Decisions
) -> tuple[list[Gaps], list[Calibration]]:
    truth = outcome.truth(outcome.holdout)
    all_gaps: list[Gaps] = []
    calibrated: list[Calibration] = []
    for groups in found:
        generator = comparison.generator(f"BIAS {decided.learner} {groups.name}")
        all_gaps += gaps(groups, decided, at[groups.name], truth, generator)
        part = calibration(groups, decided, at[groups.name], truth, generator)
        calibrated += [] if part is None else [part]
    return all_gaps, calibrated


# -- records ------------------------------------------------------------------------------------------------------


def _gap_record(
    comparison: Comparison,
    outcome: Outcome,
    decided: Decisions,
    parts: Sequence[Gaps],
    at: dict[str, Codes],
    left_out: dict[str, str],
    code: str,
) -> Measure:
    definition = FAIRNESS[code, decided.learner]
    if not parts:
        needed = "" if code == "DP" else " with and without the outcome"
        reason = f"no protected column has two groups of {FEWEST_ROWS} holdout rows{needed}"
        return definition.skipped(reason, seed=comparison.seed)
    worst = max(parts, key=lambda part: part.values[0])
    details = {part.groups.name: _gap_details(part, at[part.groups.name]) for part in parts}
    if code == "DP":
        for part in parts:
            details[part.groups.name]["at_half"] = _at_half(outcome, decided, part, at[part.groups.name])
    return definition.computed(
        worst.values[0],
        interval=_middle(worst.draws[:, 0]),
        anchor=worst.values[1],
        n=len(outcome.synthetic),
        seed=comparison.seed,
        details={**_common(outcome, left_out), "column": worst.groups.name, "columns": details},
    )


def _gap_details(part: Gaps, at: Codes) -> dict[str, Any]:
    rows = np.bincount(at, minlength=len(part.groups))
    made, real = (frame.by_group for frame in part.frames)
    return {
        "value": part.values[0],
        "interval": _middle(part.draws[:, 0]),
        "anchor": part.values[1],
        "change": part.change,
        "change_interval": part.interval(),
        "change_interval_of_holdout_rows": _middle(part.draws[:, 0] - part.draws[:, 1]),
        "groups": {
            part.groups.labels[group]: {
                "rows": int(rows[group]),
                **{share: float(made.loc[group, share]) for share in part.criterion.shares},
                **{f"{share}_real": float(real.loc[group, share]) for share in part.criterion.shares},
            }
            for group in part.kept.tolist()
        },
        "not_judged": [label for i, label in enumerate(part.groups.labels) if i not in part.kept],
    }


def _at_half(outcome: Outcome, decided: Decisions, part: Gaps, at: Codes) -> dict[str, float]:
    """Return the gaps where a row is chosen if its probability is above a half, however many that are."""
    truth = outcome.truth(outcome.holdout)
    names = ("value", "anchor")
    return {
        name: float(gap(counts_of(at, truth, chance > 0.5, len(part.groups))[part.kept], part.criterion))
        for name, chance in zip(names, decided.chance, strict=True)
    }


def _calibration_record(
    comparison: Comparison,
    outcome: Outcome,
    decided: Decisions,
    parts: Sequence[Calibration],
    left_out: dict[str, str],
) -> Measure:
    definition = FAIRNESS["CAL", decided.learner]
    if not parts:
        reason = f"no protected column has two groups of {FEWEST_ROWS} holdout rows"
        return definition.skipped(reason, seed=comparison.seed)
    worst = max(parts, key=lambda part: part.values[0])
    columns = {
        part.groups.name: {
            "value": part.values[0],
            "interval": _middle(part.draws[:, 0]),
            "anchor": part.values[1],
            "change": part.values[0] - part.values[1],
            "change_interval_of_holdout_rows": _middle(part.draws[:, 0] - part.draws[:, 1]),
            "groups": part.by_group,
        }
        for part in parts
    }
    return definition.computed(
        worst.values[0],
        interval=_middle(worst.draws[:, 0]),
        anchor=worst.values[1],
        n=len(outcome.synthetic),
        seed=comparison.seed,
        details={**_common(outcome, left_out), "column": worst.groups.name, "columns": columns},
    )


def _common(outcome: Outcome, left_out: dict[str, str]) -> dict[str, Any]:
    return {
        "outcome": outcome.description,
        "chosen_share": outcome.share,
        "train_rows": len(outcome.train),
        "holdout_rows": len(outcome.holdout),
        "left_out": left_out,
    }


def _middle(draws: Floats) -> tuple[float, float]:
    """Return the middle 95% of resampled values."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
