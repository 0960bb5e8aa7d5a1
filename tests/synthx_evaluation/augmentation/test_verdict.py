"""Evidence made by hand, and the sentences that follow."""

from __future__ import annotations

import pandas as pd
import pytest

from synthx_evaluation.augmentation import Evidence
from synthx_evaluation.augmentation.contest import Field

SHAKE = (-0.01, 0.01, -0.01, 0.01)


def made(arms: dict[tuple[str, str], float], learner: str = "linear", lift: dict[str, float] | None = None) -> Evidence:
    """Return evidence of four folds in which each arm scores what is given, a little more or less."""
    scores = [
        {"repeat": 0, "fold": fold, "learner": one, "family": family, "ratio": ratio, "score": "average_precision",
         "value": value + SHAKE[fold] + (extra if family == "ours" else 0.0) * (1 + SHAKE[fold])}
        for one, extra in (lift or {learner: 0.0}).items()
        for (family, ratio), value in arms.items()
        for fold in range(4)
    ]  # fmt: skip
    curve = [
        {"repeat": 0, "fold": fold, "learner": one, "rare_rows": rows, "value": value}
        for one in (lift or {learner: 0.0})
        for rows, value in ((25, 0.2), (50, 0.3), (100, 0.5))
        for fold in range(4)
    ]
    context = {"generators": ["ours"], "rare_learned": 50, "test_share": 0.25}
    attacks = pd.DataFrame(columns=["repeat", "fold", "family", "attack", "value"])
    return Evidence(pd.DataFrame(scores), pd.DataFrame(curve), attacks, {}, context)


ARMS = {
    ("nothing", ""): 0.3,
    ("class weights", ""): 0.35,
    ("SMOTE", "0.1"): 0.4,
    ("SMOTE", "1"): 0.2,
    ("ours", "0.1"): 0.5,
}


def test_a_gain_is_told_in_real_cases() -> None:
    assert made(ARMS).verdict == (
        "Ours at 0.1 adds 0.100 average precision (0.100 to 0.100) over the best other arm, SMOTE at 0.1, and is worth"
        " about 50 more real cases (50 to 50) here."
    )


def test_where_nothing_beats_class_weights_that_is_the_answer() -> None:
    arms = {**ARMS, ("class weights", ""): 0.5, ("ours", "0.1"): 0.5}
    assert made(arms).verdict == "No arm beats class weights here."


def test_the_usual_arms_may_be_all_that_is_needed() -> None:
    assert made({**ARMS, ("ours", "0.1"): 0.39}).verdict == (
        "SMOTE at 0.1 beats class weights, and synthetic rows add nothing to it here."
    )


def test_learners_that_disagree_are_told_apart() -> None:
    arms = {**ARMS, ("ours", "0.1"): 0.35, ("SMOTE", "0.1"): 0.35}
    verdict = made(arms, lift={"linear": 0.15, "boosted": 0.0, "nearest neighbours": 0.0}).verdict
    assert verdict.startswith("With linear ours at 0.1 adds 0.150 average precision")
    assert verdict.endswith("; with boosted and nearest neighbours no arm beats class weights here.")


def test_more_real_rows_do_not_compete() -> None:
    one = made({**ARMS, ("more real rows", ""): 0.9}).contests()[0]
    assert one.best_other == "SMOTE at 0.1"
    assert one.over_weights.mean == pytest.approx(0.15)


def test_the_ratio_of_a_fold_is_chosen_on_the_others() -> None:
    evidence = made({**ARMS, ("SMOTE", "1"): 0.36})
    lucky = evidence.scores["family"].eq("SMOTE") & evidence.scores["ratio"].eq("1") & evidence.scores["fold"].eq(2)
    scores = evidence.scores.assign(value=evidence.scores["value"].mask(lucky, 0.9))
    field = Field.of(scores, "linear", "average_precision", 0.25)
    best = field.best_of(lambda arm: arm[0] == "SMOTE")
    assert best is not None
    # Ratio 1 is lucky in fold 2, whose own choice is 0.1; the other folds follow the luck and gain nothing by it.
    assert best[0].tolist() == pytest.approx([0.35, 0.37, 0.39, 0.37])


def test_a_gain_is_above_0_where_lower_is_better() -> None:
    evidence = made(ARMS)
    frame = Evidence(
        evidence.scores.assign(score="brier"), evidence.curve, evidence.attacks, {}, evidence.context
    ).to_frame()
    row = frame.set_index("family").loc["ours"]
    assert (row["mean"], row["gain"]) == (pytest.approx(0.5), pytest.approx(-0.2))
