from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.bias.shapes import group_shapes
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.record import Measure, Status

from .conftest import SCHEMA, people

Compare = Callable[..., Comparison]


def only(measures: list[Measure]) -> Measure:
    (measure,) = measures
    assert measure.id == "BIAS-SHAPE"
    return measure


def test_by_hand(compared: Compare) -> None:
    schema = SCHEMA.select(["sex", "town"])

    def table(women_in_ayr: int) -> pd.DataFrame:
        town = ["Ayr"] * women_in_ayr + ["Bath"] * (50 - women_in_ayr) + ["Ayr"] * 25 + ["Bath"] * 25
        return pd.DataFrame({"sex": ["F"] * 50 + ["M"] * 50, "town": town})

    measure = only(group_shapes(compared(table(35), table(30), table(25), schema=schema)))
    # Women: .7 of them in Ayr against .5, and .6 of the training rows; men: .5 in all three.
    assert measure.value == pytest.approx(0.8)
    assert measure.anchor == pytest.approx(0.9)
    assert (measure.details["column"], measure.details["group"], measure.n) == ("sex", "F", 50)
    men = measure.details["columns"]["sex"]["M"]
    assert (men["value"], men["anchor"], men["behind_real"]) == (1.0, 1.0, 0.0)
    assert measure.details["columns"]["sex"]["F"]["worst_columns"] == {
        "town": {"value": pytest.approx(0.8), "anchor": pytest.approx(0.9)}
    }
    assert measure.interval is not None
    assert measure.interval[0] < 0.8 < measure.interval[1]


def test_a_group_that_is_imitated_badly_is_named(compared: Compare) -> None:
    synthetic, train, holdout = (people(800, seed) for seed in (1, 2, 3))
    women = (synthetic["sex"] == "F").to_numpy()
    synthetic.loc[women, "skill"] = (
        np.random.default_rng(0).permutation(synthetic.loc[~women, "skill"])[: women.sum()] + 1
    )
    measure = only(group_shapes(compared(synthetic, train, holdout, protected=("town", "sex"))))
    assert (measure.details["column"], measure.details["group"]) == ("sex", "F")
    assert measure.value is not None
    assert measure.anchor is not None
    assert measure.anchor - measure.value > 0.05
    assert next(iter(measure.details["columns"]["sex"]["F"]["worst_columns"])) == "skill"
    assert measure.interval is not None
    assert measure.interval[1] < measure.anchor
    assert measure.details["columns"]["sex"]["M"]["behind_real"] < 0.03


def test_fresh_rows_are_as_good_as_training_rows(compared: Compare) -> None:
    tables = [people(800, seed) for seed in (4, 5, 6)]
    measure = only(group_shapes(compared(*tables)))
    assert measure.anchor == pytest.approx(measure.value, abs=0.03)


def test_small_groups_and_missing_cells(compared: Compare) -> None:
    tables = [people(200, seed) for seed in (1, 2, 3)]
    for table in tables:
        table.loc[table.index < 20, "sex"] = None
        table["age"] = table["age"].where(table.index % 3 > 0)
    measure = only(group_shapes(compared(*tables)))
    assert measure.details["too_few_rows"] == ["sex = missing"]
    assert set(measure.details["columns"]["sex"]) == {"F", "M"}


def test_no_holdout(compared: Compare) -> None:
    measure = only(group_shapes(compared(people(200, 1), people(200, 2), None)))
    assert measure.anchor is None
    assert measure.details["reference"] == "train"
    assert measure.details["columns"]["sex"]["F"]["behind_real"] is None


def test_what_cannot_be_asked(compared: Compare) -> None:
    table = people(60, 1)
    measure = only(group_shapes(compared(table, table, table, protected=())))
    assert (measure.status, measure.reason) == (Status.NOT_APPLICABLE, "no protected column is named")
    measure = only(group_shapes(compared(table.head(30), table, table)))
    assert (measure.status, measure.reason) == (Status.SKIPPED, "no group has 40 synthetic and 40 real rows")
    alone = SCHEMA.select(["sex"])
    tables = [table[["sex"]]] * 3
    measure = only(group_shapes(compared(*tables, schema=alone)))
    assert measure.reason == "the protected column is the only one to compare"
