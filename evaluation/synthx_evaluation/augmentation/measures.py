"""Evidence about balancing as records of a scorecard, so that a report can hold it."""

from __future__ import annotations

from synthx_evaluation.augmentation.contest import Contest
from synthx_evaluation.augmentation.evidence import Evidence
from synthx_evaluation.augmentation.intervals import Difference
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["measures_of"]


def measures_of(evidence: Evidence) -> list[Measure]:
    """Return two records a learner: what new rows gain over doing nothing, and over the best arm without them.

    Both are differences of average precision on folds that did not choose the arm, with corrected 95% intervals; the
    ids are ``AUG-NOTHING-<LEARNER>`` and ``AUG-BEST-<LEARNER>``.
    """
    return [measure for contest in evidence.contests() for measure in _of(contest, evidence)]


def _of(contest: Contest, evidence: Evidence) -> list[Measure]:
    code, seed = contest.learner.upper().replace(" ", "-"), int(evidence.context["seed"])
    nothing = Definition(
        f"AUG-NOTHING-{code}", "1.0", f"New rows against doing nothing, {contest.learner}", Better.HIGHER
    )
    best = Definition(
        f"AUG-BEST-{code}", "1.0", f"New rows against the best other arm, {contest.learner}", Better.HIGHER
    )
    if contest.gain is None:
        reason = "no generator was among the arms"
        return [definition.not_applicable(reason, seed=seed) for definition in (nothing, best)]
    details = {"arm": contest.gain.arm, "best_other": contest.best_other, "verdict": evidence.verdict}
    folds = len(evidence.scores[["repeat", "fold"]].drop_duplicates())
    return [
        _record(nothing, contest.gain.over_nothing, folds, seed, details),
        _record(best, contest.gain.over_best, folds, seed, details),
    ]


def _record(definition: Definition, gap: Difference, folds: int, seed: int, details: dict[str, str]) -> Measure:
    return definition.computed(
        gap.mean, interval=(gap.low, gap.high), anchor=None, n=folds, seed=seed, details={"n_is": "folds", **details}
    )
