"""Verdicts on the borders, by hand; a copy fails, and 200 rows show nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.schema import Schema
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.report.criteria.facts import Fact
from synthx_evaluation.report.criteria.outcomes import outcome
from synthx_evaluation.report.criteria.pack import MeasureTest, Pack
from synthx_evaluation.report.criteria.rules import load_pack, read_pack, shipped_packs
from synthx_evaluation.report.criteria.verdicts import judge
from synthx_evaluation.report.record import Finding, Verdict
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.suite import evaluate

AREA = Definition("MIA-MAX", "1.0", "Strongest membership attack (AUC)", Better.HALF)
EXCESS = Definition("DISC-LINK", "1.0", "Linkability", Better.LOWER)
SCORE = Definition("UTIL-AUC-BOOSTED", "1.0", "Trained on synthetic: AUC", Better.HIGHER)
ROWS: dict[str, Fact] = {"rows.train": 1_000, "rows.holdout": 1_000, "rows.synthetic": 1_000}


def pack_of(test: str) -> Pack:
    lines = "".join(f"      {line}\n" for line in test.strip().splitlines())
    return read_pack(
        "id: p\ntitle: P\ndate: 2026-01-01\nscope: S\n"
        "sources:\n  s: {title: Source, address: 'https://example.org', date: 2020-01-01}\n"
        "criteria:\n  - id: one\n    source: s\n    clause: c\n    text: T.\n    test:\n" + lines,
        name="p.yaml",
    )


def finding(test: str, *measures: Measure, facts: dict[str, Fact] | None = None) -> Finding:
    (found,) = judge(pack_of(test), measures, ROWS if facts is None else facts)
    return found


def measures(ids: str, rest: str) -> str:
    return f"kind: measures\nmeasures: {ids}\n{rest}\nauthor: us\nreason: because we say so"


def area(low: float, high: float, **more: Any) -> Measure:
    return AREA.computed((low + high) / 2, n=1_000, seed=0, interval=(low, high), anchor=0.5, **more)


def excess(low: float, high: float, definition: Definition = EXCESS, **more: Any) -> Measure:
    return definition.computed((low + high) / 2, n=1_000, seed=0, interval=(low, high), anchor=0.0, **more)


# -- the borders ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.48, 0.54, Verdict.MET),
        (0.48, 0.55, Verdict.MET),  # on the threshold is within it
        (0.48, 0.551, Verdict.NOT_SHOWN),
        (0.55, 0.60, Verdict.NOT_SHOWN),  # on the threshold is not beyond it
        (0.551, 0.60, Verdict.NOT_MET),
    ],
)
def test_at_most(low: float, high: float, verdict: Verdict) -> None:
    found = finding(measures("[MIA-MAX]", "at_most: 0.55"), area(low, high))
    assert found.verdict is verdict
    assert found.interval == (low, high)
    assert (found.threshold, found.threshold_author) == (0.55, "us")
    assert found.comparison == "upper end of the interval at most"
    assert found.measure == "MIA-MAX"
    assert bool(found.needed) == (verdict is Verdict.NOT_SHOWN)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.9, 0.95, Verdict.MET),
        (0.89, 0.95, Verdict.NOT_SHOWN),
        (0.8, 0.9, Verdict.NOT_SHOWN),
        (0.8, 0.89, Verdict.NOT_MET),
    ],
)
def test_at_least(low: float, high: float, verdict: Verdict) -> None:
    found = finding(measures("[UTIL-AUC-BOOSTED]", "at_least: 0.9"), excess(low, high, SCORE))
    assert found.verdict is verdict
    assert found.comparison == "lower end of the interval at least"


@pytest.mark.parametrize(("detectable", "verdict"), [(0.55, Verdict.MET), (0.56, Verdict.NOT_SHOWN)])
def test_a_test_that_could_not_have_noticed_shows_nothing(detectable: float, verdict: Verdict) -> None:
    found = finding(measures("[MIA-MAX]", "at_most: 0.55"), area(0.48, 0.52, detectable=detectable))
    assert found.verdict is verdict
    if verdict is Verdict.NOT_SHOWN:
        assert "would have noticed nothing short of 0.56" in found.reading
        # (0.06 / 0.05)^2 = 1.44 times 1,000 rows
        assert "about 1,500 holdout rows, 1,500 training rows" in found.needed


def test_a_proven_leak_is_not_met_however_small() -> None:
    rule = measures("[DISC-LINK]", "at_most: 0.05\nalarm: 0.01")
    assert finding(rule, excess(0.001, 0.01, p_value=0.011)).verdict is Verdict.MET
    found = finding(rule, excess(0.001, 0.01, p_value=0.01))
    assert found.verdict is Verdict.NOT_MET
    assert "probability of 0.01" in found.reading
    assert "less than 0.001" in finding(rule, excess(0.001, 0.01, p_value=0.0)).reading


@given(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), st.floats(-1, 1), st.floats(-1, 1))
def test_a_verdict_says_no_more_than_the_interval(ends: tuple[float, float], limit: float, detectable: float) -> None:
    low, high = sorted(ends)
    common: dict[str, Any] = {"kind": "measures", "measures": ("DISC-LINK",), "author": "us", "reason": "so"}
    upper = MeasureTest(at_most=limit, **common)
    found = outcome(upper, "DISC-LINK", excess(low, high, detectable=detectable), ROWS, 4).verdict
    assert (found is Verdict.MET) == (high <= limit and detectable <= limit)
    assert (found is Verdict.NOT_MET) == (low > limit)
    mirrored = outcome(
        MeasureTest(at_least=-limit, **common), "DISC-LINK", excess(-high, -low, detectable=-detectable), ROWS, 4
    )
    assert mirrored.verdict is found


def test_figures_are_rounded_after_they_were_compared() -> None:
    rule = measures("[DISC-LINK]", "at_most: 0.05")
    (found,) = judge(pack_of(rule), [excess(0.0, 0.0500001)], ROWS, digits=2)
    assert found.verdict is Verdict.NOT_SHOWN
    assert found.interval == (0.0, 0.05)


# -- the quantity ---------------------------------------------------------------------------------------------------


def test_behind_real_turns_scores_and_leaves_losses() -> None:
    rule = measures("[UTIL-AUC-BOOSTED]", "quantity: behind real\nat_most: 0.05")
    score = SCORE.computed(0.85, n=9, seed=0, interval=(0.84, 0.86), anchor=0.88)
    found = finding(rule, score)
    assert found.observed == pytest.approx(0.03)
    assert found.interval == pytest.approx((0.02, 0.04))
    assert found.verdict is Verdict.MET
    paired = SCORE.computed(
        0.85, n=9, seed=0, interval=(0.84, 0.86), anchor=0.88, details={"behind_real_interval": [0.06, 0.07]}
    )
    assert finding(rule, paired).verdict is Verdict.NOT_MET
    loss = EXCESS.computed(0.10, n=9, seed=0, interval=(0.09, 0.11), anchor=0.08)
    assert finding(rule.replace("UTIL-AUC-BOOSTED", "DISC-LINK"), loss).interval == pytest.approx((0.01, 0.03))


def test_position_is_read_from_the_details() -> None:
    rule = measures("[UTIL-AUC-BOOSTED]", "quantity: position\nat_least: 0.9")
    placed = SCORE.computed(
        0.8, n=9, seed=0, interval=(0.7, 0.9), details={"position": 0.95, "position_interval": [0.92, 0.98]}
    )
    assert finding(rule, placed).verdict is Verdict.MET
    nowhere = SCORE.computed(0.8, n=9, seed=0, interval=(0.7, 0.9), details={"position": None})
    found = finding(rule, nowhere)
    assert found.verdict is Verdict.NOT_SHOWN
    assert "no better than guessing" in found.reading


# -- several measures -----------------------------------------------------------------------------------------------


def test_the_worst_measure_decides() -> None:
    rule = measures("[MIA-MAX, DISC-LINK]", "at_most: 0.55")
    assert finding(rule, area(0.4, 0.5), excess(0.0, 0.6)).measure == "DISC-LINK"
    found = finding(rule, area(0.6, 0.7), excess(0.0, 0.6))
    assert (found.verdict, found.measure) == (Verdict.NOT_MET, "MIA-MAX")
    assert found.evidence == ("MIA-MAX", "DISC-LINK")
    both = finding(rule, area(0.6, 0.7), excess(0.8, 0.9))
    assert both.measure == "DISC-LINK"  # further beyond
    assert both.reading.endswith("; not met by MIA-MAX either")


def test_of_alternatives_the_first_that_was_taken_stands_for_all() -> None:
    rule = measures("[[SEQ-LINK, DISC-LINK]]", "at_most: 0.05")
    assert finding(rule, excess(0.0, 0.04)).verdict is Verdict.MET
    assert "SEQ-LINK was not taken" in finding(rule).reading


def test_what_was_not_taken_is_not_shown_even_beside_what_is_met() -> None:
    found = finding(measures("[MIA-MAX, DISC-LINK]", "at_most: 0.55"), area(0.4, 0.5))
    assert found.verdict is Verdict.NOT_SHOWN
    assert "DISC-LINK was not taken" in found.reading
    assert found.measure == ""
    assert "all groups" in found.needed


def test_a_question_that_does_not_arise_counts_only_where_nothing_else_does() -> None:
    nobody = AREA.not_applicable("no protected column is named")
    both = measures("[MIA-MAX, DISC-LINK]", "at_most: 0.05")
    assert finding(both, nobody, excess(0.0, 0.01)).verdict is Verdict.MET
    alone = finding(measures("[MIA-MAX]", "at_most: 0.05"), nobody)
    assert alone.verdict is Verdict.NOT_SHOWN
    assert "no protected column is named" in alone.reading


def test_a_skipped_measure_says_what_it_needs() -> None:
    skipped = AREA.skipped("needs 50 holdout rows, there are 40")
    assert (
        finding(measures("[MIA-MAX]", "at_most: 0.55"), skipped).needed == "MIA-MAX needs 50 holdout rows, there are 40"
    )


def test_without_a_holdout_the_least_one_is_told() -> None:
    gone = AREA.skipped("not assessable without holdout")
    found = finding(measures("[MIA-MAX]", "at_most: 0.55"), gone, facts={"rows.train": 500, "rows.holdout": None})
    assert found.verdict is Verdict.NOT_SHOWN
    assert found.needed == "a holdout: at least 1,100 rows, and 530 training rows"  # 2 * 524 and 524, rounded up
    lost = EXCESS.skipped("not assessable without holdout")
    found = finding(measures("[DISC-LINK]", "at_most: 0.05"), lost, facts={})
    assert found.needed == "a holdout: at least 73 rows, and as many training rows"  # 1.96^2 * 0.95 / 0.05


def test_no_interval_shows_nothing() -> None:
    found = finding(measures("[DISC-LINK]", "at_most: 0.05"), EXCESS.computed(0.0, n=9, seed=0))
    assert found.verdict is Verdict.NOT_SHOWN
    assert "no interval" in found.reading


# -- sizes --------------------------------------------------------------------------------------------------------


def test_the_size_that_would_do_is_told_in_rows_of_every_table() -> None:
    found = finding(measures("[DISC-LINK]", "at_most: 0.05"), excess(-0.1, 0.1))
    # (0.1 * 1.42941 / 0.05)^2 = 8.17 times 1,000 rows, rounded up
    expected = "about 8,200 holdout rows, 8,200 training rows, 8,200 synthetic rows would do (8.2 times as many)"
    assert found.needed == expected


def test_more_rows_are_not_asked_of_an_attack_that_looks_at_a_sample() -> None:
    attack = excess(-0.1, 0.1, details={"n_is": "training rows attacked"})
    found = finding(
        measures("[DISC-LINK]", "at_most: 0.05"), attack, facts={"rows.train": 5_000, "rows.holdout": 5_000}
    )
    assert found.needed.startswith("more rows do not sharpen DISC-LINK")


def test_bad_luck_at_a_sufficient_size_is_called_so() -> None:
    found = finding(measures("[DISC-LINK]", "at_most: 0.05"), excess(0.03, 0.06))
    assert "about as many rows would do for a generator that neither leaks nor loses" in found.needed


def test_a_threshold_that_real_rows_miss_cannot_be_reached_by_rows() -> None:
    near = AREA.computed(0.5, n=9, seed=0, interval=(0.4, 0.6), anchor=0.5)
    assert finding(measures("[MIA-MAX]", "at_most: 0.5"), near).needed.startswith("no number of rows would do")


# -- facts and people -----------------------------------------------------------------------------------------------


def fact(name: str, rest: str) -> str:
    return f"kind: fact\nfact: {name}\n{rest}\nauthor: us\nreason: because we say so"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(3.0, Verdict.MET), (3, Verdict.MET), (3.01, Verdict.NOT_MET), (None, Verdict.NOT_SHOWN)],
)
def test_a_number_that_is_stated(value: Fact, verdict: Verdict) -> None:
    found = finding(fact("ledger.epsilon", "at_most: 3"), facts={"ledger.epsilon": value})
    assert found.verdict is verdict
    assert (found.observed, found.threshold) == ((float(value), 3.0) if value else (None, None))


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(True, Verdict.MET), (False, Verdict.FOR_A_PERSON), (None, Verdict.NOT_SHOWN)],
)
def test_otherwise(value: Fact, verdict: Verdict) -> None:
    rule = fact("ledger.private", "one_of: [true]\notherwise: for a person to judge")
    found = finding(rule, facts={"ledger.private": value})
    assert found.verdict is verdict
    assert found.needed == ("give the model file" if value is None else "")


def test_a_fact_that_falls_short_says_what_would_do() -> None:
    rule = fact("rows.holdout", "at_least: 1000\notherwise: not shown")
    found = finding(rule, facts={"rows.holdout": 200})
    assert found.reading == "the report states how many rows the generator never saw: 200"
    assert found.needed == "at least 1,000; evaluate with that table"


def test_words_are_within_no_bound() -> None:
    rule = fact("ledger.unit", "at_most: 3\notherwise: not shown")
    assert finding(rule, facts={"ledger.unit": "row"}).verdict is Verdict.NOT_SHOWN


def test_what_is_stated_is_quoted() -> None:
    found = finding(fact("scope.recipients", "stated: true"), facts={"scope.recipients": "the partner bank"})
    assert found.reading == "the report states who is to have the synthetic data: the partner bank"
    assert (
        finding(fact("scope.recipients", "stated: true"), facts={"scope.recipients": ""}).verdict is Verdict.NOT_SHOWN
    )


def test_a_person_judges_with_the_evidence_that_is_there() -> None:
    found = finding("kind: person\nwho: the expert\nconsider: [MIA-MAX, DISC-LINK]", area(0.4, 0.5))
    assert (found.verdict, found.evidence) == (Verdict.FOR_A_PERSON, ("MIA-MAX",))
    assert "the expert" in found.reading


# -- whole scorecards ---------------------------------------------------------------------------------------------


@pytest.fixture
def copied(draw: Callable[..., pd.DataFrame], schema: Schema) -> Scorecard:
    """The scorecard of a copy of 150 training rows."""
    train, holdout = draw(150, 1), draw(150, 2)
    return evaluate(
        train.copy(), train=train, holdout=holdout, schema=schema, protected=["town"],
        only=["membership", "disclosure"],
    )  # fmt: skip


def facts_of_card(card: Scorecard) -> dict[str, Fact]:
    return {f"rows.{table}": rows for table, rows in card.context["rows"].items()}


def test_a_copy_of_the_training_rows_is_not_met(copied: Scorecard) -> None:
    verdicts = {one.criterion: one.verdict for one in judge(load_pack("gdpr"), copied.measures, facts_of_card(copied))}
    for criterion in ("wp216.copies", "wp216.singling-out", "wp216.linkability", "edpb.membership"):
        assert verdicts[criterion] is Verdict.NOT_MET


def test_200_honest_rows_are_not_shown_with_the_size_that_would_do(
    draw: Callable[..., pd.DataFrame], schema: Schema
) -> None:
    card = evaluate(
        draw(200, 3), train=draw(200, 1), holdout=draw(200, 2), schema=schema,
        only=["membership", "disclosure"],
    )  # fmt: skip
    found = {one.criterion: one for one in judge(load_pack("gdpr"), card.measures, facts_of_card(card))}
    membership = found["edpb.membership"]
    assert membership.verdict is Verdict.NOT_SHOWN
    assert "holdout rows" in membership.needed
    assert found["edpb.membership-few"].needed.startswith("MIA-TPR-1 needs 300 non-members: 600 holdout rows")
    judged = [one for one in found.values() if one.measure]
    assert judged
    assert not [one.criterion for one in judged if one.verdict is Verdict.NOT_MET]


def test_every_measure_that_a_shipped_pack_names_exists(draw: Callable[..., pd.DataFrame], schema: Schema) -> None:
    known = {one.id for one in _tables(draw, schema).measures} | {one.id for one in _sequences().measures}
    named = {
        code
        for name in shipped_packs()
        for line in load_pack(name).criteria
        for code in (line.test.ids if isinstance(line.test, MeasureTest) else getattr(line.test, "consider", ()))
    }
    assert named <= known
    assert len(named) > 20


def _tables(draw: Callable[..., pd.DataFrame], schema: Schema) -> Scorecard:
    """Every measure of tables; of so few rows most are skipped, but every one is there."""
    return evaluate(draw(12, 3), train=draw(12, 1), holdout=draw(12, 2), schema=schema, protected=["town"])


def _sequences() -> Scorecard:
    frame = pd.DataFrame({"who": [i // 3 for i in range(36)], "day": [i % 3 for i in range(36)], "x": range(36)})
    schema = Schema.detect(frame, entity="who", time="day")
    return evaluate(frame, train=frame, holdout=frame.assign(who=frame["who"] + 100), schema=schema)
