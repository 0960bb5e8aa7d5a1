"""The evidence as aligned tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthx_evaluation.augmentation.contest import Contest, label
from synthx_evaluation.augmentation.intervals import Difference
from synthx_evaluation.augmentation.rare_rows import FEWEST
from synthx_evaluation.augmentation.scores import LOWER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd

    from synthx_evaluation.augmentation.evidence import Evidence

__all__ = ["as_text"]

_SHOWN = {
    "average_precision": "AP",
    "recall_at_fpr": "recall@FPR",
    "precision_at_k": "prec@k",
    "f1": "F1",
    "brier": "Brier",
    "calibration_error": "ECE",
    "brier_uncorrected": "Brier raw",
    "cost": "cost",
}

_READING = (
    "Means over test folds that nothing was fitted on, at the population's prevalence. Differences are of average",
    "precision, with 95% intervals for training parts that overlap (Nadeau and Bengio 2003). A best arm is chosen on",
    "the other folds than the one it is scored on. F1 and cost: at a chance of one half, tuned thresholds apart. Brier",
    "and ECE: after correction to the population's prevalence; Brier raw: before. AUC of attacks: 0.5 is chance.",
)


def as_text(evidence: Evidence) -> str:
    """Return the verdict, what was compared, a table a learner, the learning curve, the attacks, and what is absent."""
    parts = [evidence.verdict, _headline(evidence), _summary(evidence.contests())]
    frame = evidence.to_frame()
    parts += [_arms(frame[frame["learner"] == learner], learner) for learner in evidence.learners]
    parts += [_curve(evidence), _attacks(evidence), "\n".join(_READING)]
    parts += [f"not tried: {family} ({reason})" for family, reason in evidence.absent.items()]
    return "\n\n".join(part for part in parts if part)


def _headline(evidence: Evidence) -> str:
    about = evidence.context
    seconds = f"; {about['seconds']:.0f} s" if about.get("seconds") is not None else ""
    return (
        f"{about['rows']:,} rows, {about['rare']:,} of class {about['positive']} of {about['target']!r} "
        f"({about['prevalence']:.2%} of the population), {about['rare_learned']:,} or more to learn from; "
        f"{about['folds']} folds by {about['split']}{seconds}"
    )


def _summary(contests: Sequence[Contest]) -> str:
    head = ("learner", "nothing", "best other", "AP", "synthetic", "AP", "over best other", "over nothing", "worth")
    rows: list[Sequence[str]] = [head]
    for one in contests:
        row = [one.learner, f"{one.nothing:.3f}", one.best_other, f"{one.other_score:.3f}"]
        if one.gain is not None:
            gain = one.gain
            row += [gain.arm, f"{gain.score:.3f}", str(gain.over_best), str(gain.over_nothing), f"{gain.worth} cases"]
        rows.append((*row, *[""] * (len(head) - len(row))))
    return _aligned(rows)


def _arms(frame: pd.DataFrame, learner: str) -> str:
    shown = [score for score in _SHOWN if score in set(frame["score"])]
    rows = [(learner, *(_SHOWN[score] for score in shown), "AP over nothing")]
    for (family, ratio), part in frame.groupby(["family", "ratio"], sort=False):
        found = {row["score"]: row for row in part.to_dict("records")}
        figures = [_figure(found[score]["mean"], score) for score in shown]
        first = found["average_precision"]
        gain = Difference(first["gain"], first["gain_low"], first["gain_high"])
        rows.append((label((str(family), str(ratio))), *figures, str(gain)))
    return _aligned(rows)


def _figure(value: float, score: str) -> str:
    return f"{value:.5f}" if score in LOWER_IS_BETTER and score != "cost" else f"{value:.3f}"


def _curve(evidence: Evidence) -> str:
    if evidence.curve.empty:
        return ""
    sizes = sorted(evidence.curve["rare_rows"].unique().tolist())
    rows = [("AP by real rare rows", *(str(size) for size in sizes))]
    for learner in evidence.learners:
        rows.append((learner, *(f"{score:.3f}" for score in evidence.learning_curve(learner).scores)))
    return _aligned(rows)


def _attacks(evidence: Evidence) -> str:
    if evidence.attacks.empty:
        return (
            f"No attack on rare rows: it takes {FEWEST} of them to learn from and {2 * FEWEST} others in a fold, "
            "and rows that were made."
        )
    table = evidence.attacks.pivot_table(index="family", columns="attack", values="value", sort=False)
    rows = [("attack on rare rows (AUC)", *map(str, table.columns))]
    for family, values in zip(table.index, table.to_numpy(), strict=True):
        rows.append((str(family), *(f"{value:.3f}" for value in values)))
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
