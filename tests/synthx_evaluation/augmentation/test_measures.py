from __future__ import annotations

import pandas as pd
import pytest

from synthx.errors import ParameterError
from synthx_evaluation import Scorecard
from synthx_evaluation.augmentation.evidence import Evidence
from synthx_evaluation.augmentation.measures import measures_of

ARMS = {("nothing", ""): 0.5, ("class weights", ""): 0.5, ("ours", "0.1"): 0.7}


def evidence(arms: dict[tuple[str, str], float], generators: list[str]) -> Evidence:
    """Four folds on which every arm scores the same but for what the fold is worth."""
    rows = [
        [0, fold, "linear", family, ratio, "average_precision", value + 0.01 * fold]
        for (family, ratio), value in arms.items()
        for fold in range(4)
    ]
    scores = pd.DataFrame(rows, columns=["repeat", "fold", "learner", "family", "ratio", "score", "value"])
    curve = pd.DataFrame(
        [[0, fold, "linear", number, 0.4 + number / 100] for fold in range(4) for number in (10, 20, 40)],
        columns=["repeat", "fold", "learner", "rare_rows", "value"],
    )
    attacks = pd.DataFrame(columns=["repeat", "fold", "family", "attack", "value"])
    context = {"generators": generators, "rare_learned": 10, "test_share": 0.25, "seed": 7}
    return Evidence(scores, curve, attacks, {}, context)


def test_gains_become_records() -> None:
    nothing, best = measures_of(evidence(ARMS, ["ours"]))
    assert (nothing.id, best.id) == ("AUG-NOTHING-LINEAR", "AUG-BEST-LINEAR")
    assert nothing.value == pytest.approx(0.2)  # on every fold, so the interval has no width
    assert nothing.interval == (pytest.approx(0.2), pytest.approx(0.2))
    assert (nothing.n, nothing.seed, nothing.details["arm"]) == (4, 7, "ours at 0.1")


def test_without_a_generator_the_question_does_not_arise() -> None:
    arms = {arm: value for arm, value in ARMS.items() if arm[0] != "ours"}
    for record in measures_of(evidence(arms, [])):
        assert record.value is None
        assert record.reason == "no generator was among the arms"


def test_a_scorecard_takes_them_once() -> None:
    records = measures_of(evidence(ARMS, ["ours"]))
    card = Scorecard((), {}).with_measures(records)
    assert [measure.id for measure in card] == ["AUG-NOTHING-LINEAR", "AUG-BEST-LINEAR"]
    with pytest.raises(ParameterError, match="'AUG-NOTHING-LINEAR' is given twice"):
        card.with_measures(records)
