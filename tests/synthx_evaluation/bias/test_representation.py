from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.bias.representation import representation
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.record import Measure, Status

from .conftest import people

Compare = Callable[..., Comparison]


def by_id(measures: list[Measure]) -> dict[str, Measure]:
    assert [measure.id for measure in measures] == ["BIAS-SHARE", "BIAS-CROSS"]
    return {measure.id: measure for measure in measures}


def with_women(women: int, seed: int, rows: int = 100) -> pd.DataFrame:
    return people(rows, seed).assign(sex=["F"] * women + ["M"] * (rows - women))


def test_shares_by_hand(compared: Compare) -> None:
    share = by_id(representation(compared(with_women(20, 1), with_women(45, 2), with_women(40, 3))))["BIAS-SHARE"]
    assert share.value == pytest.approx(0.2)  # half of |.2 - .4| + |.8 - .6|
    assert share.anchor == pytest.approx(0.05)
    sex = share.details["columns"]["sex"]
    assert sex["smallest"] == "F"
    assert sex["smallest_ratio"] == pytest.approx(0.5)
    women = sex["groups"]["F"]
    assert (women["synthetic"], women["reference"], women["train"]) == (0.2, 0.4, 0.45)
    # Wilson: (.1334, .2888) of .2 and (.3094, .4980) of .4; so -.2 - |(.0666, .0980)| and -.2 + |(.0888, .0906)|.
    assert women["difference_interval"] == pytest.approx([-0.3185, -0.0731], abs=2e-4)
    assert women["ratio"] == pytest.approx(0.5)
    # The chance that as many of 100 and 100 differ by 20 or more is .0032 by the normal approximation.
    assert share.p_value is not None
    assert share.p_value < 0.01
    assert share.detectable == pytest.approx(0.13, abs=0.02)  # 1.96 sqrt(2 .3 .7 / 100) = .127
    assert share.interval is not None
    assert share.interval[0] < 0.2 < share.interval[1]


def test_intersections_are_looked_at_where_columns_alone_are_right(compared: Compare) -> None:
    def table(women_in_ayr: int, seed: int) -> pd.DataFrame:
        other = 100 - women_in_ayr
        towns = ["Ayr"] * women_in_ayr + ["Bath"] * other + ["Ayr"] * other + ["Bath"] * women_in_ayr
        return people(200, seed).assign(sex=["F"] * 100 + ["M"] * 100, town=towns)

    synthetic, train, holdout = table(90, 1), table(50, 2), table(50, 3)
    found = by_id(representation(compared(synthetic, train, holdout, protected=("sex", "town"))))
    assert found["BIAS-SHARE"].value == 0.0
    assert found["BIAS-SHARE"].p_value == 1.0
    cross = found["BIAS-CROSS"]
    # Shares .45 .05 .05 .45 against .25 each.
    assert cross.value == pytest.approx(0.4)
    assert cross.anchor == 0.0
    assert cross.details["worst"] == "sex × town"
    assert cross.details["columns"]["sex × town"]["groups"]["F × Bath"]["ratio"] == pytest.approx(0.2)
    assert cross.p_value == pytest.approx(0.001)


def test_an_invented_group_counts_and_its_level_is_not_named(compared: Compare) -> None:
    real = with_women(40, 1)
    synthetic = with_women(40, 2).assign(sex=["F"] * 40 + ["M"] * 40 + ["X"] * 20)
    share = by_id(representation(compared(synthetic, real, real)))["BIAS-SHARE"]
    assert share.value == pytest.approx(0.2)
    assert "X" not in str(share.details)
    assert set(share.details["columns"]["sex"]["groups"]) == {"F", "M"}
    assert "1 smaller groups" in share.details["columns"]["sex"]["pooled"]


def test_a_group_that_is_gone(compared: Compare) -> None:
    share = by_id(representation(compared(with_women(0, 1), with_women(40, 2), with_women(40, 3))))["BIAS-SHARE"]
    assert share.value == pytest.approx(0.4)
    assert share.details["columns"]["sex"]["smallest_ratio"] == 0.0


def test_no_holdout(compared: Compare) -> None:
    share = by_id(representation(compared(with_women(20, 1), with_women(40, 2), None)))["BIAS-SHARE"]
    assert share.value == pytest.approx(0.2)
    assert share.anchor is None
    assert share.details["reference"] == "train"


@pytest.mark.parametrize(
    ("protected", "reason"),
    [
        ((), "no protected column is named"),
        (("note",), "'note' is text, whose cells are not compared"),
    ],
)
def test_what_cannot_be_asked(compared: Compare, protected: tuple[str, ...], reason: str) -> None:
    table = people(60, 1)
    for measure in by_id(representation(compared(table, table, table, protected=protected))).values():
        assert (measure.status, measure.reason) == (Status.NOT_APPLICABLE, reason)


def test_one_column_has_no_intersection(compared: Compare) -> None:
    table = people(60, 1)
    cross = by_id(representation(compared(table, table, table)))["BIAS-CROSS"]
    assert cross.reason == "'sex' is the only protected column with groups, and an intersection needs two"


def test_fresh_rows_are_rarely_flagged(compared: Compare) -> None:
    """Of 50 fresh tables at most 5% are flagged by chance; more than 8 are with a probability of .2%."""
    protected = ("sex", "town")
    flagged = np.zeros(2)
    for seed in range(50):
        tables = [people(200, 10_000 + 3 * seed + i) for i in range(3)]
        found = representation(compared(*tables, protected=protected, seed=seed))
        flagged += [measure.p_value is not None and measure.p_value <= 0.05 for measure in found]
    assert flagged.max() <= 8


def test_the_same_seed_gives_the_same_record(compared: Compare) -> None:
    tables = [people(100, seed) for seed in (1, 2, 3)]
    first, again = (representation(compared(*tables, protected=("sex", "town"))) for _ in range(2))
    assert first == again
