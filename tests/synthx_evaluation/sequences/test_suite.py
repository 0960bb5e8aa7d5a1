from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.errors import DataError, ParameterError
from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation import Judge, Scorecard, Status, evaluate, evaluate_sequences, split

Draw = Callable[..., pd.DataFrame]
IDS = [
    "SEQ-STEPS", "SEQ-POSITIONS", "SEQ-FEATURES", "SEQ-LENGTHS", "SEQ-GAPS", "SEQ-STATIC", "SEQ-ASSOCIATION",
    "SEQ-AUTOCORRELATION", "SEQ-CROSS-CORRELATION", "SEQ-TRANSITIONS", "SEQ-SPECTRUM", "SEQ-C2ST",
    "SEQ-DISCRIMINATIVE", "SEQ-PREDICTIVE", "SEQ-UTIL-AUC-LINEAR", "SEQ-UTIL-AUC-BOOSTED", "SEQ-UTIL-AP-LINEAR",
    "SEQ-UTIL-AP-BOOSTED", "SEQ-UTIL-R2-LINEAR", "SEQ-UTIL-R2-BOOSTED", "SEQ-NEAREST", "SEQ-COPIES",
    "SEQ-COPIES-EXCESS", "SEQ-MIA-MAX", "SEQ-MIA-FEATURES", "SEQ-MIA-WARPING",
]  # fmt: skip
QUICK = Judge(runs=2, discriminative_steps=5, predictive_steps=5)


def test_a_scorecard_from_end_to_end(draw: Draw, schema: Schema) -> None:
    train, holdout = split(draw(120, 1), holdout=0.5, entity="stay")
    synthetic = draw(60, 2).sample(frac=1, random_state=0)[list(schema.names[::-1])]  # no order of rows or columns
    titles: list[str] = []
    given: dict[str, Any] = {"train": train, "holdout": holdout, "schema": schema, "judge": QUICK}
    card = evaluate_sequences(synthetic, progress=titles.append, **given)
    assert [measure.id for measure in card] == IDS
    assert titles == list(card.context["seconds"])[1:]
    assert card.context["sequences"]["synthetic"] == 60
    assert card.context["left_out"] == {"stay": "identifier"}
    absent = {measure.id: measure.reason for measure in card if measure.status is not Status.COMPUTED}
    assert set(absent) == {"SEQ-SPECTRUM", "SEQ-UTIL-R2-LINEAR", "SEQ-UTIL-R2-BOOSTED", *IDS[-3:]}
    assert all(measure.anchor is not None for measure in card if measure.status is Status.COMPUTED)
    assert "nan" not in card.to_text().lower()
    json.loads(card.to_json(), parse_constant=pytest.fail)
    assert evaluate_sequences(synthetic, **given).measures == card.measures


def test_evaluate_sees_that_tables_are_sequences(draw: Draw, schema: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def noted(synthetic: pd.DataFrame, **given: Any) -> Scorecard:
        seen.update(given)
        return Scorecard((), {})

    monkeypatch.setattr("synthx_evaluation.suite.evaluate_sequences", noted)
    evaluate(draw(20, 1), train=draw(20, 2), holdout=draw(20, 3), schema=schema, protected=["sex"], seed=4)
    assert (seen["protected"], seen["seed"], seen["target"]) == (("sex",), 4, None)
    single = [draw(60, seed).drop_duplicates("stay") for seed in (1, 2)]
    assert "FID-SHAPE" in evaluate(single[0], train=single[1], schema=schema)


@pytest.mark.parametrize(
    "change",
    [
        {"ward": None, "age": np.nan}, {"ward": "never seen", "hour": 0}, {"pulse": np.nan, "died": True},
        {"pulse": 1e30},
    ],
)  # fmt: skip
def test_odd_synthetic_sequences_give_records(change: dict[str, object], draw: Draw, schema: Schema) -> None:
    card = evaluate_sequences(
        draw(55, 1).assign(**change), train=draw(55, 2), holdout=draw(55, 3), schema=schema, judge=Judge(1, 1, 1)
    )
    assert [measure.id for measure in card] == IDS
    card.to_json()


@pytest.mark.parametrize("stays", [1, 2, 25])
@pytest.mark.parametrize("held", [True, False])
def test_few_sequences_give_records(stays: int, held: bool, draw: Draw, schema: Schema) -> None:
    parts = [draw(stays, seed, shortest=1, longest=4) for seed in (1, 2, 3)]
    card = evaluate_sequences(parts[0], train=parts[1], holdout=parts[2] if held else None, schema=schema)
    assert [measure.id for measure in card] == IDS
    assert card["SEQ-STEPS"].status is Status.COMPUTED
    assert (card["SEQ-STEPS"].anchor is not None) is held


def test_tables_without_numbers_statics_or_time(draw: Draw, schema: Schema) -> None:
    kept = ["stay", "ward"]
    parts = [draw(60, seed)[kept] for seed in (1, 2, 3)]
    card = evaluate_sequences(parts[0], train=parts[1], holdout=parts[2], schema=schema.select(kept))
    computed = {measure.id for measure in card if measure.status is Status.COMPUTED}
    assert computed == {
        "SEQ-STEPS", "SEQ-POSITIONS", "SEQ-FEATURES", "SEQ-LENGTHS", "SEQ-TRANSITIONS", "SEQ-C2ST", "SEQ-COPIES",
        "SEQ-COPIES-EXCESS",
    }  # fmt: skip
    static = [part.drop_duplicates("stay") for part in (draw(60, seed)[["stay", "age"]] for seed in (1, 2, 3))]
    card = evaluate_sequences(static[0], train=static[1], holdout=static[2], schema=schema.select(["stay", "age"]))
    assert card["SEQ-STEPS"].reason == "all columns are static"


def test_a_target_that_changes(draw: Draw, schema: Schema) -> None:
    parts = [draw(60, seed) for seed in (1, 2, 3)]
    card = evaluate_sequences(
        parts[0], train=parts[1], holdout=parts[2], schema=schema, target="pulse", judge=Judge(1, 1, 1)
    )
    assert card["SEQ-UTIL-R2-LINEAR"].reason == "the target 'pulse' changes from step to step"
    aged = evaluate_sequences(
        parts[0], train=parts[1], holdout=parts[2], schema=schema, target="age", judge=Judge(1, 1, 1)
    )
    assert (aged["SEQ-UTIL-R2-LINEAR"].anchor or 0) > 0.2


def test_bad_input(draw: Draw, schema: Schema) -> None:
    table, other = draw(5, 1), draw(5, 2)
    with pytest.raises(ParameterError, match="runs"):
        evaluate_sequences(table, train=other, schema=schema, judge=Judge(runs=0))
    with pytest.raises(DataError, match="both in the training and in the holdout"):
        evaluate(table, train=other, holdout=other, schema=schema)
    with pytest.raises(DataError, match="the synthetic table lacks column 'hour'"):
        evaluate_sequences(table.drop(columns="hour"), train=other, schema=schema)
    with pytest.raises(DataError, match="column 'stay' of the synthetic table names no entity in 1 rows"):
        evaluate_sequences(table.assign(stay=[None, *table["stay"][1:]]), train=other, schema=schema)
    with pytest.raises(ParameterError, match="no column 'death'"):
        evaluate_sequences(table, train=other, schema=schema, target="death")


def test_several_key_columns() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"ward": np.repeat(["A", "B"], 600), "bed": np.arange(1200) // 5, "x": generator.random(1200)})
    schema = Schema(
        (
            Column(name="ward", kind=Kind.CATEGORICAL, role=Role.ENTITY),
            Column(name="bed", kind=Kind.INTEGER, role=Role.ENTITY),
            Column(name="x", kind=Kind.DECIMAL),
        )
    )
    train, holdout = split(frame, entity=schema.entity, holdout=0.3)
    card = evaluate_sequences(frame, train=train, holdout=holdout, schema=schema, judge=Judge(1, 1, 1))
    assert card.context["entity"] == ["ward", "bed"]
    assert card["SEQ-COPIES"].value == pytest.approx(train[["ward", "bed"]].drop_duplicates().shape[0] / 240)
