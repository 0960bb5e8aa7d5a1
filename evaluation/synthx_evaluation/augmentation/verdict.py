"""The evidence in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from synthx_evaluation.augmentation.arms import NOTHING, WEIGHTS
from synthx_evaluation.augmentation.contest import Contest, Gain

__all__ = ["verdict"]


def verdict(contests: Sequence[Contest]) -> str:
    """Return what a reader may take away.

    A generator helps only where the interval of its difference to the best other arm excludes 0; what it is worth is
    then told in real cases. Where the best of all arms does not beat class weights, that is the answer.
    """
    clauses: dict[str, list[str]] = {}
    for one in contests:
        clauses.setdefault(_clause(one), []).append(one.learner)
    if len(clauses) == 1:
        only = next(iter(clauses))
        return f"{only[0].upper()}{only[1:]} here."
    parts = [f"with {_listed(learners)} {clause}" for clause, learners in clauses.items()]
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]} here."


def _clause(one: Contest) -> str:
    if one.gain is not None and one.gain.wins:
        gap = one.gain.over_best
        return (
            f"{one.gain.arm} adds {gap.mean:.3f} average precision ({gap.low:.3f} to {gap.high:.3f}) over the best "
            f"other arm, {one.best_other}, and is worth {_cases(one.gain)}"
        )
    if one.over_weights.low <= 0:
        return f"no arm beats {WEIGHTS}"
    winner = "doing nothing" if one.best_other == NOTHING else one.best_other  # "nothing beats" says the opposite
    return f"{winner} beats {WEIGHTS}" + ("" if one.gain is None else ", and synthetic rows add nothing to it")


def _cases(gain: Gain) -> str:
    low, high = gain.worth_low, gain.worth_high
    first, last = ("over " * end.at_least + f"{end.cases:.0f}" for end in (low, high))
    return f"{gain.worth} more real cases ({first} to {last})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
