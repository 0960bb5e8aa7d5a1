from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx_evaluation.bias.calibration import calibration_error, overstated
from synthx_evaluation.bias.fairness import fairness
from synthx_evaluation.bias.outcomes import Outcome, outcome_of
from synthx_evaluation.bias.rates import CRITERIA, counts_of, gap
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.record import Measure, Status

from .conftest import people

Compare = Callable[..., Comparison]
IDS = [
    *(f"BIAS-{code}-{kind}" for code in ("DP", "EO", "TPR", "CAL") for kind in ("LINEAR", "BOOSTED")),
    "BIAS-AMPLIFICATION",
]


def by_id(measures: list[Measure]) -> dict[str, Measure]:
    assert [measure.id for measure in measures] == IDS
    return {measure.id: measure for measure in measures}


# -- by hand ------------------------------------------------------------------------------------------------------


def test_gaps_of_eight_rows() -> None:
    at = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    truth = np.array([1, 1, 0, 0, 1, 1, 0, 0], bool)
    chosen = np.array([1, 1, 1, 0, 1, 0, 0, 0], bool)
    counts = counts_of(at, truth, chosen, 2)
    assert counts[0].tolist() == [[1, 1], [0, 2]]
    # Chosen: 3/4 and 1/4; with the outcome 2/2 and 1/2; without it 1/2 and 0/2.
    assert [float(gap(counts, criterion)) for criterion in CRITERIA] == [0.5, 0.5, 0.5]


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), groups=st.integers(2, 4))
def test_gaps_are_fairlearns(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    at = np.concatenate([np.repeat(np.arange(groups), 2), rng.integers(groups, size=60)])
    truth = np.concatenate([np.tile([True, False], groups), rng.random(60) < 0.4])
    chosen = rng.random(len(at)) < 0.3
    counts = counts_of(at, truth, chosen, groups)
    theirs = [
        measure(truth, chosen, sensitive_features=at)
        for measure in (demographic_parity_difference, equalized_odds_difference, equal_opportunity_difference)
    ]
    assert [float(gap(counts, criterion)) for criterion in CRITERIA] == pytest.approx(theirs)


def test_calibration_by_hand() -> None:
    truth, chance = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.3, 0.6, 0.8])
    assert overstated(truth, chance) == pytest.approx(-0.05)
    # Each row is a bin of its own: (.1 + .3 + .4 + .2) / 4.
    assert calibration_error(truth, chance) == pytest.approx(0.25)
    assert calibration_error(np.array([0.0, 1] * 50), np.full(100, 0.5)) == pytest.approx(0.0)


# -- planted ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def biased() -> list[pd.DataFrame]:
    """Synthetic rows in which women are hardly ever rich, and real rows in which sex means little."""
    return [people(800, 1, bias=4.0), people(800, 2, bias=0.0), people(800, 3, bias=0.0)]


def test_planted_bias_is_found_and_named(compared: Compare, biased: list[pd.DataFrame]) -> None:
    found = by_id(fairness(compared(*biased)))
    for kind in ("LINEAR", "BOOSTED"):
        parity = found[f"BIAS-DP-{kind}"]
        assert parity.value is not None
        assert parity.anchor is not None
        assert parity.interval is not None
        assert parity.value > parity.anchor + 0.2
        assert parity.interval[0] < parity.value < parity.interval[1]
        sex = parity.details["columns"]["sex"]
        assert sex["groups"]["M"]["chosen"] > sex["groups"]["F"]["chosen"] + 0.2
        assert sex["change_interval"][0] > 0.1
        assert sex["value"] == pytest.approx(abs(sex["groups"]["M"]["chosen"] - sex["groups"]["F"]["chosen"]))
        calibrated = found[f"BIAS-CAL-{kind}"]
        assert calibrated.details["columns"]["sex"]["groups"]["F"]["overstated"] < -0.05
    amplified = found["BIAS-AMPLIFICATION"]
    assert amplified.value is not None
    assert amplified.interval is not None
    assert amplified.interval[0] > 0.05
    assert amplified.details["amplified"] is True
    assert amplified.p_value is not None
    assert amplified.p_value < 0.01
    sentence = amplified.details["sentence"]
    assert sentence.startswith("For rich = yes, ")
    assert "of sex = M and" in sentence
    assert f"gap is {amplified.value + _gap_real(amplified):.3f} against {_gap_real(amplified):.3f}" in sentence
    assert sentence.endswith("excludes zero.")


def _gap_real(amplified: Measure) -> float:
    (found,) = [
        part
        for part in amplified.details["comparisons"]
        if all(part[name] == amplified.details[name] for name in ("column", "learner", "criterion"))
    ]
    return float(found["gap_real"])


def test_lessened_bias_is_no_amplification(compared: Compare, biased: list[pd.DataFrame]) -> None:
    fair, unfair = biased[1], [people(800, seed, bias=4.0) for seed in (4, 5)]
    amplified = by_id(fairness(compared(fair, *unfair)))["BIAS-AMPLIFICATION"]
    assert amplified.value is not None
    assert amplified.value < 0
    assert amplified.details["amplified"] is False
    assert amplified.p_value == 1.0
    assert amplified.details["lessened"] is True
    assert "narrower" in amplified.details["most_lessened"]


def test_fresh_rows_amplify_nothing(compared: Compare) -> None:
    amplified = by_id(fairness(compared(*(people(500, seed) for seed in (7, 8, 9)), protected=("sex", "town"))))[
        IDS[-1]
    ]
    assert amplified.details["amplified"] is False
    assert amplified.details["sentence"].endswith("includes zero.")
    assert "widened for 8 comparisons" in amplified.details["sentence"]
    assert amplified.detectable is not None
    assert amplified.interval is not None
    assert amplified.detectable == pytest.approx((amplified.interval[1] - amplified.interval[0]) / 2)


# -- what cannot be asked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"protected": ()}, Status.NOT_APPLICABLE, "no protected column is named"),
        ({"protected": ("rich",)}, Status.NOT_APPLICABLE, "'rich' is the target"),
        ({"target": "skill"}, Status.NOT_APPLICABLE,
         "the target 'skill' is decimal, and only a class can be granted or refused"),
        ({"holdout": None}, Status.NOT_APPLICABLE, "needs a holdout to judge models on"),
        ({"rich": "no"}, Status.SKIPPED, "all synthetic rows hold 'no' in 'rich': nothing can be learned or judged"),
        ({"rich": None}, Status.SKIPPED, "all synthetic rows lack 'rich': nothing can be learned or judged"),
        ({"rich": ["yes"] * 3 + ["no"] * 197}, Status.SKIPPED,
         "needs 20 synthetic rows with and without rich = yes, there are fewer than 20 with it among 200"),
        ({"rich": ["new"] * 90 + ["no"] * 110}, Status.SKIPPED,
         "needs 20 synthetic rows with and without rich = yes, there are 0 with it among 200"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(compared: Compare, change: dict[str, Any], status: Status, reason: str) -> None:
    synthetic, train, holdout = (people(200, seed) for seed in (1, 2, 3))
    if "rich" in change:
        synthetic["rich"] = change["rich"]
    asked = {name: change[name] for name in ("protected", "target") if name in change}
    for measure in by_id(
        fairness(compared(synthetic, train, None if "holdout" in change else holdout, **asked))
    ).values():
        assert (measure.status, measure.reason) == (status, reason)


def test_groups_too_small_for_odds_are_named(compared: Compare) -> None:
    tables = [people(300, seed) for seed in (1, 2, 3)]
    for table in tables:
        table["town"] = ["Ayr"] * 150 + ["Bath"] * 138 + ["Cork"] * 12
    found = by_id(fairness(compared(*tables, protected=("town",))))
    assert found["BIAS-DP-LINEAR"].details["columns"]["town"]["not_judged"] == []
    assert found["BIAS-EO-LINEAR"].details["columns"]["town"]["not_judged"] == ["Cork"]


def test_the_rarest_of_several_classes_is_decided_about(compared: Compare) -> None:
    tables = [people(400, seed) for seed in (1, 2, 3)]
    comparison = compared(*tables, target="town")
    outcome = outcome_of(comparison)
    assert isinstance(outcome, Outcome)
    assert outcome.description == "town = Deal, one against the rest: the rarest of 4 classes"
    found = by_id(fairness(comparison))
    assert found["BIAS-DP-LINEAR"].details["outcome"] == outcome.description
    assert found["BIAS-DP-LINEAR"].status is Status.COMPUTED
