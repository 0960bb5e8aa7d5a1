from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthx_evaluation
from synthx.errors import DataError, ParameterError
from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation import Scorecard, Status, evaluate, split
from synthx_evaluation.suite import SUITE, Group, tasks

Draw = Callable[[int, int], pd.DataFrame]
IDS = [
    "FID-SHAPE", "FID-MISSING-SHARE", "FID-MISSING-PATTERN", "FID-TAILS", "FID-PAIRS", "FID-PAIRS-ASSOC",
    "FID-PAIRS-BAND", "FID-TRIPLES", "FID-KMARGINAL", "FID-MMD", "FID-C2ST", "FID-LEVELS-LOST", "FID-REGIONS-LOST",
    "FID-VALID-CELLS", "FID-VALID-KEYS", "FID-VALID-ORDER", "UTIL-AUC-LINEAR", "UTIL-AUC-BOOSTED", "UTIL-AP-LINEAR",
    "UTIL-AP-BOOSTED", "UTIL-R2-LINEAR", "UTIL-R2-BOOSTED", "UTIL-MAE-LINEAR", "UTIL-MAE-BOOSTED", "UTIL-RANKING",
    "UTIL-IMPORTANCE", "UTIL-COEF-OVERLAP", "UTIL-COEF-SIGN", "BIAS-SHARE", "BIAS-CROSS", "BIAS-SHAPE",
    "BIAS-DP-LINEAR", "BIAS-DP-BOOSTED", "BIAS-EO-LINEAR", "BIAS-EO-BOOSTED", "BIAS-TPR-LINEAR", "BIAS-TPR-BOOSTED",
    "BIAS-CAL-LINEAR", "BIAS-CAL-BOOSTED", "BIAS-AMPLIFICATION", "MIA-MAX", "MIA-DCR", "MIA-LOGRATIO", "MIA-DENSITY",
    "MIA-DOMIAS", "MIA-GENLRA", "MIA-CLASSIFIER", "MIA-EXACTNESS", "MIA-TPR-10", "MIA-TPR-1", "MIA-TPR-0.1",
    "MIA-OUTLIERS", "MIA-GROUPS", "DISC-COPIES", "DISC-COPIES-EXCESS", "DISC-SINGLE-1", "DISC-SINGLE-M", "DISC-LINK",
    "DISC-INFER-NEAREST", "DISC-INFER-MODEL", "DISC-DCR",
]  # fmt: skip


def test_what_the_package_offers() -> None:
    assert synthx_evaluation.__all__ == sorted(
        [
            "Better",
            "Judge",
            "Measure",
            "Scorecard",
            "Status",
            "compare_scorecards",
            "compare_scorecards_text",
            "evaluate",
            "evaluate_sequences",
            "plot_sequences",
            "shadow_attack",
            "split",
        ]
    )


def test_a_scorecard_from_end_to_end(draw: Draw, schema: Schema, tmp_path: Path) -> None:
    train, holdout = split(draw(400, 1), holdout=0.5)
    titles: list[str] = []
    synthetic = draw(200, 2)[list(schema.names[::-1])]  # the order of columns does not count
    card = evaluate(synthetic, train=train, holdout=holdout, schema=schema, protected=["town"], progress=titles.append)
    assert [measure.id for measure in card] == IDS
    assert titles == [task.title for task in SUITE]
    assert card.context["rows"] == {"synthetic": 200, "train": 200, "holdout": 200}
    assert card.context["left_out"] == {"key": "identifier"}
    assert (card.context["target"], card.context["protected"]) == ("ill", ["town"])
    assert Scorecard.from_json(_written(card, tmp_path)) == card
    again = evaluate(synthetic, train=train, holdout=holdout, schema=schema, protected=["town"])
    assert again.measures == card.measures


def test_only_some_groups(draw: Draw, schema: Schema) -> None:
    train, holdout = draw(60, 1), draw(60, 2)
    card = evaluate(draw(60, 3), train=train, holdout=holdout, schema=schema, only=["disclosure", "utility"])
    assert {measure.id.split("-")[0] for measure in card} == {"UTIL", "DISC"}
    assert card.context["groups"] == ["utility", "disclosure"]
    assert card.measures[0].id.startswith("UTIL")  # the order is the suite's
    assert tasks() == tasks([*Group])
    with pytest.raises(ParameterError, match="there is no group of measures 'fun'; choose one of fidelity, utility"):
        evaluate(train, train=train, schema=schema, only="fun")
    with pytest.raises(ParameterError, match="no group of measures is named"):
        evaluate(train, train=train, schema=schema, only=[])


def _written(card: Scorecard, folder: Path) -> Path:
    path = folder / "card.json"
    card.to_json(path)
    json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return path


@pytest.mark.parametrize(
    "change",
    [
        {"town": None},
        {"town": "Ayr"},
        {"town": "never seen"},
        {"income": np.nan},
        {"income": 1e30},
        {"since": pd.NaT},
        {"ill": True},
        {"ill": None},
        {"age": 40, "income": 0.0, "town": "Ayr", "since": pd.Timestamp("2020-01-01"), "ill": False},
    ],
)
def test_odd_synthetic_tables_give_records(change: dict[str, object], draw: Draw, schema: Schema) -> None:
    train, holdout = draw(70, 1), draw(60, 2)
    card = evaluate(draw(65, 3).assign(**change), train=train, holdout=holdout, schema=schema)
    assert [measure.id for measure in card] == IDS
    assert all(measure.reason for measure in card if measure.status is not Status.COMPUTED)
    card.to_text()
    card.to_json()


@pytest.mark.parametrize("rows", [1, 2, 30])
@pytest.mark.parametrize("held", [True, False])
def test_tiny_tables_give_records(rows: int, held: bool, draw: Draw, schema: Schema) -> None:
    card = evaluate(draw(rows, 1), train=draw(rows, 2), holdout=draw(rows, 3) if held else None, schema=schema)
    assert [measure.id for measure in card] == IDS
    assert card["FID-SHAPE"].status is Status.COMPUTED


def test_odd_real_tables_give_records(draw: Draw) -> None:
    def table(seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        return pd.DataFrame(
            {
                "nothing": np.full(80, np.nan),
                "level": pd.Series([None] * 80, dtype=object),
                "same": 3,
                "wide": generator.integers(0, 10**6, 80).astype(str),
                "target": generator.integers(0, 2, 80),
            }
        )

    kinds = (Kind.DECIMAL, Kind.CATEGORICAL, Kind.INTEGER, Kind.CATEGORICAL, Kind.CATEGORICAL)
    columns = [Column(name=name, kind=kind) for name, kind in zip(table(0), kinds, strict=True)]
    card = evaluate(table(1), train=table(2), holdout=table(3), schema=Schema(tuple(columns)), target="target")
    absent = [measure.id for measure in card if measure.status is not Status.COMPUTED]
    assert [code for code in absent if code.startswith(("FID", "UTIL"))] == [
        "FID-MISSING-PATTERN", "FID-TAILS", "FID-PAIRS-BAND", "FID-TRIPLES", "FID-REGIONS-LOST", "FID-VALID-KEYS",
        "FID-VALID-ORDER", "UTIL-R2-LINEAR", "UTIL-R2-BOOSTED", "UTIL-MAE-LINEAR", "UTIL-MAE-BOOSTED", "UTIL-RANKING",
        "UTIL-IMPORTANCE", "UTIL-COEF-OVERLAP", "UTIL-COEF-SIGN",
    ]  # fmt: skip


def test_a_csv_and_back_is_the_same_table(draw: Draw, schema: Schema, tmp_path: Path) -> None:
    table, train, holdout = draw(60, 1), draw(60, 2), draw(60, 3)
    table.to_csv(tmp_path / "rows.csv", index=False)
    real: dict[str, Any] = {"train": train, "holdout": holdout, "schema": schema, "only": ["fidelity", "disclosure"]}
    assert evaluate(pd.read_csv(tmp_path / "rows.csv"), **real).measures == evaluate(table, **real).measures


def test_bad_input(draw: Draw, schema: Schema) -> None:
    table = draw(5, 1)
    with pytest.raises(DataError, match="the synthetic table lacks column 'town' of the training table"):
        evaluate(table.drop(columns="town"), train=table, schema=schema)
    with pytest.raises(DataError, match="the holdout table has column 'more', which the training table lacks"):
        evaluate(table, train=table, holdout=table.assign(more=1), schema=schema)
    with pytest.raises(DataError, match="the synthetic table has no rows"):
        evaluate(table[:0], train=table, schema=schema)
    with pytest.raises(DataError, match="the table lacks column 'key' of the schema"):
        evaluate(table, train=table.drop(columns="key"), schema=schema)
    with pytest.raises(DataError, match="the synthetic table has column 'age' twice"):
        evaluate(pd.concat([table, table[["age"]]], axis=1), train=table, schema=schema)
    with pytest.raises(DataError, match="column 'age' of the synthetic table holds 'old' in row 0, not a number"):
        evaluate(table.assign(age="old"), train=table, schema=schema)
    with pytest.raises(ParameterError, match="the tables have no column 'death'"):
        evaluate(table, train=table, schema=schema, target="death")
    with pytest.raises(ParameterError, match="the tables have no column 'sex'"):
        evaluate(table, train=table, schema=schema, protected=["sex"])
    with pytest.raises(ParameterError, match="seed is -1"):
        evaluate(table, train=table, schema=schema, seed=-1)


def test_health_insurance_records() -> None:
    """A bootstrap of the training rows looks perfect until it is asked whose rows they are."""
    import statsmodels.api as sm

    frame = sm.datasets.randhie.load_pandas().data.iloc[:1500]
    kinds = {name: Kind.CATEGORICAL if frame[name].nunique() <= 12 else Kind.DECIMAL for name in frame}
    schema = Schema(tuple(Column(name=name, kind=kind) for name, kind in kinds.items())).replace(
        "hlthp", role=Role.TARGET
    )
    train, holdout = split(frame, holdout=0.4)
    copied_rows = train.sample(frac=1, replace=True, random_state=0)
    card = evaluate(copied_rows, train=train, holdout=holdout, schema=schema, only=["fidelity", "disclosure"])
    assert (card["FID-PAIRS-ASSOC"].value or 0) > 0.9
    copied = card["DISC-COPIES-EXCESS"]
    assert copied.interval is not None
    assert copied.interval[0] > 0
    assert card["DISC-COPIES"].value == 1.0
