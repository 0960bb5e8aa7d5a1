from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.bias.groups import crossed, protected_groups
from synthx_evaluation.comparison import Comparison

from .conftest import SCHEMA, people

Compare = Callable[..., Comparison]


def test_levels_and_missing_cells(compared: Compare) -> None:
    train, holdout = people(100, 1), people(100, 2)
    for table in (train, holdout):
        table.loc[:9, "sex"] = None
    comparison = compared(train, train, holdout)
    (groups,), left_out = protected_groups(comparison)
    assert not left_out
    assert groups.labels == ("M", "F", "missing") or groups.labels == ("F", "M", "missing")
    assert groups.pooled == 0
    counts = dict(zip(groups.labels, groups.counts(comparison.tables.train).tolist(), strict=True))
    assert counts == {**train["sex"].value_counts().to_dict(), "missing": 10}


def test_groups_under_ten_rows_are_pooled_and_never_named(compared: Compare) -> None:
    train, holdout = people(100, 1), people(100, 2)
    train["town"] = ["Ayr"] * 50 + ["Bath"] * 41 + ["Cork"] * 9
    holdout["town"] = ["Ayr"] * 50 + ["Bath"] * 30 + ["Cork"] * 20
    synthetic = people(100, 3).assign(town=["Ayr"] * 90 + ["Nowhere"] * 10)
    (groups,), _ = protected_groups(compared(synthetic, train, holdout, protected=("town",)))
    assert groups.labels == ("Ayr", "Bath", "other")
    assert groups.pooled == 2  # Cork, and Nowhere
    assert groups.named.tolist() == [True, True, False]


def test_fifty_levels_leave_the_ten_largest(compared: Compare) -> None:
    def towns(rows: int, seed: int) -> pd.DataFrame:
        shares = np.arange(50, 0, -1) / np.arange(51).sum()
        drawn = np.random.default_rng(seed).choice(50, p=shares, size=rows)
        return people(rows, seed).assign(town=[f"t{town:02d}" for town in drawn])

    train = towns(5_000, 1)
    (groups,), _ = protected_groups(compared(towns(5_000, 2), train, towns(5_000, 3), protected=("town",)))
    assert len(groups) == 11
    assert groups.labels[-1] == "other"
    assert groups.pooled == 40
    assert {"t00", "t01", "t02", "t03", "t04"} < set(groups.labels)


def test_a_level_named_like_a_pool_keeps_its_name(compared: Compare) -> None:
    train = people(100, 1).assign(town=["other"] * 50 + ["missing"] * 45 + ["Cork"] * 5)
    (groups,), _ = protected_groups(compared(train, train, train, protected=("town",)))
    assert groups.labels == ("other", "missing", "(other)")


def test_numbers_are_cut_into_five_bands(compared: Compare) -> None:
    table = people(100, 1).assign(age=np.arange(100))
    comparison = compared(table, table, table, protected=("age",))
    (groups,), _ = protected_groups(comparison)
    assert groups.labels == ("below 19", "19 to below 39", "39 to below 59", "59 to below 79", "79 and above")
    assert groups.counts(comparison.tables.holdout).tolist() == [19, 20, 20, 20, 21]
    assert groups.of(comparison.tables.train)[[0, 18, 19, 99]].tolist() == [0, 0, 1, 4]


def test_a_number_that_piles_up_has_fewer_bands(compared: Compare) -> None:
    table = people(100, 1).assign(hours=[0] * 70 + [8] * 30)
    (groups,), _ = protected_groups(compared(table, table, table, protected=("hours",)))
    assert groups.labels == ("below 8", "8 and above")
    missing = table.assign(age=[np.nan] * 20 + [30.0] * 80)
    (groups,), _ = protected_groups(compared(missing, missing, missing, protected=("age",)))
    assert groups.labels == ("all", "missing")


def test_what_has_no_groups_is_said(compared: Compare) -> None:
    table = people(60, 1).assign(town="Ayr")
    found, left_out = protected_groups(compared(table, table, table, protected=("note", "town", "sex", "sex")))
    assert [groups.name for groups in found] == ["sex"]
    assert left_out == {
        "note": "'note' is text, whose cells are not compared",
        "town": "'town' has a single group of 10 training and 10 holdout rows",
    }


def test_crossing(compared: Compare) -> None:
    table = people(100, 1).assign(sex=["F"] * 40 + ["M"] * 60, town=(["Ayr"] * 35 + ["Bath"] * 5) + ["Ayr"] * 60)
    table.loc[95:, "town"] = "Bath"
    comparison = compared(table, table, table, protected=("sex", "town"))
    parts, _ = protected_groups(comparison)
    groups = crossed(comparison.tables, parts)
    assert groups.columns == ("sex", "town")
    assert groups.labels == ("F × Ayr", "M × Ayr", "other")
    assert groups.pooled == 2  # F in Bath and M in Bath, five rows each
    assert groups.counts(comparison.tables.train).tolist() == [35, 55, 10]


@pytest.mark.parametrize("name", SCHEMA.names)
def test_every_row_is_in_one_group(compared: Compare, name: str) -> None:
    comparison = compared(people(300, 1), people(200, 2), people(100, 3), protected=(name,))
    for groups in protected_groups(comparison)[0]:
        for rows in (comparison.tables.synthetic, comparison.tables.train, comparison.equal.synthetic):
            assert groups.counts(rows).sum() == len(rows)
            assert groups.of(rows).shape == (len(rows),)
