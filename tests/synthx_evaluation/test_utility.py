from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.record import Measure, Status
from synthx_evaluation.utility import utility

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]
IDS = {f"UTIL-{score}-{kind}" for score in ("AUC", "AP", "R2", "MAE") for kind in ("LINEAR", "BOOSTED")}


def by_id(measures: list[Measure]) -> dict[str, Measure]:
    assert {measure.id for measure in measures} == IDS
    return {measure.id: measure for measure in measures}


def test_fresh_rows_are_as_useful_as_real_ones(draw: Draw, comparison: Compare) -> None:
    found = by_id(utility(comparison(draw(1000, 1), draw(1000, 2), draw(1000, 3))))
    for name in ("UTIL-AUC-LINEAR", "UTIL-AP-LINEAR", "UTIL-AUC-BOOSTED", "UTIL-AP-BOOSTED"):
        measure = found[name]
        assert measure.value == pytest.approx(measure.anchor, abs=0.04)
        assert measure.interval is not None
        assert measure.interval[0] < measure.value < measure.interval[1]
        assert measure.details["position"] == pytest.approx(1, abs=0.1)
        assert measure.details["classes"] == ["True"]
    assert found["UTIL-AUC-LINEAR"].details["trivial"] == 0.5
    assert found["UTIL-R2-LINEAR"].reason == "the target 'ill' is boolean"


def test_shuffled_columns_teach_nothing(
    draw: Draw, shuffle: Callable[[pd.DataFrame, int], pd.DataFrame], comparison: Compare
) -> None:
    train = draw(1000, 4)
    found = by_id(utility(comparison(shuffle(train, 5), train, draw(1000, 6))))
    boosted = found["UTIL-AUC-BOOSTED"]
    assert boosted.value is not None
    assert boosted.anchor is not None
    assert boosted.value < 0.65 < 0.8 < boosted.anchor
    assert boosted.details["behind_real_interval"][0] > 0


def test_a_number_as_target(draw: Draw, comparison: Compare) -> None:
    found = by_id(utility(comparison(draw(600, 7), draw(600, 8), draw(600, 9), target="income")))
    linear = found["UTIL-R2-LINEAR"]
    # Income is 1000 + 40 age + noise of 300 with age uniform from 18 to 89: R2 = 840^2 / (840^2 + 300^2) = 0.887.
    assert linear.value == pytest.approx(0.887, abs=0.03)
    assert linear.value == pytest.approx(linear.anchor, abs=0.01)
    assert found["UTIL-R2-BOOSTED"].details["trivial"] == 0.0
    assert found["UTIL-AUC-LINEAR"].status is Status.NOT_APPLICABLE
    # The mean absolute deviation of normal noise of 300 is 300 * 0.798 = 239.
    error = found["UTIL-MAE-LINEAR"]
    assert error.value == pytest.approx(239, abs=25)
    assert error.details["trivial"] > 600
    assert error.details["position"] == pytest.approx(1, abs=0.05)
    assert error.details["behind_real_interval"][0] <= error.details["behind_real"]


def test_three_classes_and_one_that_the_synthetic_table_lacks(draw: Draw, comparison: Compare) -> None:
    tables = [draw(400, seed) for seed in (10, 11, 12)]
    full = by_id(utility(comparison(*tables, target="town")))["UTIL-AUC-BOOSTED"]
    assert sorted(full.details["classes"]) == ["Ayr", "Bath", "Cork"]
    tables[0] = tables[0][tables[0]["town"] != "Cork"]
    less = by_id(utility(comparison(*tables, target="town")))["UTIL-AP-BOOSTED"]
    assert less.value is not None
    assert less.anchor is not None
    assert less.value < less.anchor


def test_breast_cancer() -> None:
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 2, 3, 4, 5, 30]]
    columns = [Column(name=name, kind=Kind.DECIMAL) for name in frame.columns[:-1]]
    schema = Schema((*columns, Column(name="target", kind=Kind.BOOLEAN, role=Role.TARGET)))
    parts = [frame[i::3] for i in range(3)]
    card = by_id(
        utility(compare(parts[0], train=parts[1], holdout=parts[2], schema=schema, target=None, protected=(), seed=0))
    )
    assert card["UTIL-AUC-LINEAR"].value == pytest.approx(0.98, abs=0.02)
    assert card["UTIL-AUC-LINEAR"].details["classes"] == ["0"]  # malignant, the rarer class


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"target": "key"}, Status.NOT_APPLICABLE, "the target 'key' is identifier, neither discrete nor a number"),
        ({"target": "since"}, Status.NOT_APPLICABLE, "the target 'since' is datetime, neither discrete nor a number"),
        ({"holdout": None}, Status.NOT_APPLICABLE, "needs a holdout to test on"),
        ({"rows": 40}, Status.SKIPPED, "needs 50 synthetic rows whose 'ill' is known, there are 40"),
        ({"ill": False}, Status.SKIPPED, "all synthetic rows hold 'False' in 'ill': nothing can be learned or tested"),
        ({"ill": None}, Status.SKIPPED, "needs 50 synthetic rows whose 'ill' is known, there are 0"),
    ],
)
def test_what_cannot_be_asked(
    change: dict[str, object], status: Status, reason: str, draw: Draw, comparison: Compare
) -> None:
    rows = change.get("rows", 60)
    assert isinstance(rows, int)
    synthetic, train, holdout = draw(rows, 1), draw(60, 2), draw(60, 3)
    if "ill" in change:
        synthetic["ill"] = change["ill"]
    given = {"target": change["target"]} if "target" in change else {}
    found = by_id(utility(comparison(synthetic, train, None if "holdout" in change else holdout, **given)))
    assert (found["UTIL-AUC-LINEAR"].status, found["UTIL-AUC-LINEAR"].reason) == (status, reason)


def test_a_constant_number_and_too_many_classes(draw: Draw, comparison: Compare) -> None:
    tables = [draw(80, seed) for seed in (1, 2, 3)]
    found = by_id(utility(comparison(tables[0].assign(age=7), tables[1], tables[2], target="age")))
    assert found["UTIL-R2-LINEAR"].reason.startswith("all synthetic rows hold '7' in 'age'")
    towns = [table.assign(town=np.arange(80) % 30) for table in tables]
    found = by_id(utility(comparison(*towns, target="town")))
    assert found["UTIL-AUC-LINEAR"].reason == "'town' has 30 levels in the synthetic rows, more than 20"
    rare = [table.assign(ill=np.arange(80) < 2) for table in tables]
    found = by_id(utility(comparison(*rare)))
    assert found["UTIL-AUC-LINEAR"].reason == "no class of 'ill' has 5 training and 5 holdout rows"


def test_no_target(comparison: Compare, draw: Draw, schema: Schema) -> None:
    table = draw(60, 1)
    without = schema.replace("ill", role=None)
    found = by_id(utility(comparison(table, table, table, schema=without)))
    assert {measure.reason for measure in found.values()} == {"no target is named"}
