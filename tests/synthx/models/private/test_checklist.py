"""What `docs/privacy_checklist.md` says is handled, and no other test shows."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.private.declared import check_declared, what_is_open
from synthx.codec.private.reading import level_codes, read_each, spelled
from synthx.errors import PrivacyError
from synthx.io import read_table
from synthx.models.private.budget import DESCENT, GradientPlan, plan_count, plan_domain, plan_rest
from synthx.models.private.units import ledger_for, one_row_a_unit
from synthx.schema import Column, Kind, Role, Schema
from synthx_privacy import Ledger, Privacy
from synthx_privacy.accounting import epsilon_of, gaussian
from synthx_privacy.mechanisms import noisy_counts, recording

NUMBER = Column(name="x", kind=Kind.DECIMAL, dtype="float64", lower=0, upper=9)
DAY = Column(name="x", kind=Kind.DATETIME, dtype="object", lower="2019-01-01", upper="2021-01-01")
WRITTEN_DAY = Column(name="x", kind=Kind.DATETIME, dtype="int64", format="%Y%m%d", lower="20190101", upper="20210101")
ODD: list[Any] = [
    *(1, 2.5, "3", "1e400", "abc", "", True, "True", None, np.nan, pd.NA, pd.NaT, float("inf"), 10**400, 10**5000),
    *(2**63, -1, decimal.Decimal("1.50"), 1 + 2j, [1, 2], {"a": 1}, {1}, b"5", np.bool_(True)),
    *("2020-01-02", "2020-1-2", "2020-01-02 03:04", "2020-01-02T00:00:00+05:00", "20200102", 20200102, 20200102.5),
    *(datetime.date(2020, 1, 2), pd.Timestamp("2020-01-02", tz="UTC"), "1500-01-01", "now", "\ud800", "\x00"),
]
USUAL: list[list[Any]] = [
    [3, 1],
    ["3", "2.5"],
    [True, False],
    ["2020-01-02", "2020-01-02 03:04"],
    [20200102, 20200103],
    [datetime.date(2020, 1, 2)],
]


def cells(*values: Any) -> pd.Series[Any]:
    held = np.empty(len(values), object)
    for index, value in enumerate(values):
        held[index] = value
    return pd.Series(held, name="x", dtype=object)


class TestNoCellChangesHowAnotherIsRead:
    """A5, A13: else one row more could change the counts of all."""

    @pytest.mark.parametrize("column", [NUMBER, DAY, WRITTEN_DAY], ids=["number", "day", "written"])
    def test_numbers_and_times(self, column: Column) -> None:
        odd_alone = [read_each(cells(odd), column) for odd in ODD]
        for usual in USUAL:
            alone = [read_each(cells(cell), column) for cell in usual]
            for odd, itself in zip(ODD, odd_alone, strict=True):
                together = read_each(cells(odd, *usual, odd), column)
                np.testing.assert_array_equal(together, np.concatenate([itself, *alone, itself]))

    def test_what_they_read(self) -> None:
        read = read_each(cells(1, "2.5", True, pd.NA, "abc", -(10**400), [1]), NUMBER)
        np.testing.assert_array_equal(read, [1, 2.5, 1, np.nan, np.nan, np.finfo(float).min, np.nan])
        offset, naive = read_each(cells("2020-01-02T00:00:00+05:00", "2020-01-02 00:00:00"), DAY)
        assert naive - offset == 5 * 3_600e6

    def test_levels(self) -> None:
        codec = CategoricalCodec(True, ("1", "True", "2.5", "1.50"), True)
        alone = np.concatenate([level_codes(cells(cell), codec) for cell in ODD])
        assert alone[:7].tolist() == [1, 3, 5, 5, 5, 5, 2]
        for one, other in itertools.permutations(range(len(ODD)), 2):
            assert level_codes(cells(ODD[one], ODD[other]), codec).tolist() == alone[[one, other]].tolist()

    @pytest.mark.parametrize("odd", ["", "abc", "2.5", "-", "9" * 20, "2020-01-02T00:00:00+05:00", "True"])
    def test_files(self, odd: str, tmp_path: Path) -> None:
        schema = Schema(
            (
                Column(name="flag", kind=Kind.BOOLEAN, dtype="bool"),
                Column(name="code", kind=Kind.CATEGORICAL, dtype="int64", levels=(-1, 123456789012345678)),
                Column(name="pay", kind=Kind.DECIMAL, dtype="float64", lower=0, upper=9),
                Column(name="state", kind=Kind.CATEGORICAL, dtype="category", levels=("1", "NA")),
                Column(name="at", kind=Kind.DATETIME, dtype="datetime64[ns]", lower="2019-01-01", upper="2021-01-01"),
            )
        )
        usual = ["1,123456789012345678,2.25,NA,2020-01-02", "0,-1,3,1,2020-01-02 03:04"]
        header = ",".join(schema.names)
        path = tmp_path / "t.csv"
        path.write_text("\n".join([header, ",".join([odd] * 5), *usual]) + "\n")
        frame = read_table(path, schema=schema, strict=False).iloc[1:].reset_index(drop=True)
        assert frame["flag"].tolist() == [True, False]
        assert frame["code"].tolist() == [123456789012345678, -1]
        assert frame["pay"].tolist() == [2.25, 3.0]
        assert frame["state"].tolist() == ["NA", "1"]
        assert frame["at"].tolist() == [pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-02 03:04")]

    def test_a_table_of_odd_cells_is_fitted_without_an_error(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        usual = rng.integers(0, 9, 2_000).tolist()
        frame = pd.DataFrame(
            {"x": cells(*usual, *ODD), "y": cells(*map(str, usual), *ODD)}, index=[7] * (2_000 + len(ODD))
        )
        levels = Column(name="y", kind=Kind.CATEGORICAL, levels=tuple("0123"))
        model = synthx.TabularMST(privacy=Privacy(epsilon=5)).fit(frame, Schema((NUMBER, levels)))
        drawn = model.sample(500, seed=0)
        assert drawn.index.tolist() == list(range(500))  # A11
        assert drawn["x"].between(0, 9).all()
        assert set(drawn["y"]) <= set("0123")
        model.save(tmp_path / "m.synthx")  # E3


class TestDomain:
    def test_a_bound_of_zero_is_a_bound(self) -> None:  # A10
        assert what_is_open(Column(name="x", kind=Kind.INTEGER, dtype="int64", lower=0, upper=0)) is None

    def test_a_constant_is_not_read_off_the_data(self) -> None:  # A6
        with pytest.raises(PrivacyError, match="'x' declares no value"):
            check_declared(Schema((Column(name="x", kind=Kind.CONSTANT),)), buys=True)

    def test_a_level_found_has_the_declared_type_whatever_other_cells_are(self) -> None:
        number = Column(name="x", kind=Kind.CATEGORICAL, dtype="int64")
        frame = pd.DataFrame({"x": cells(*[7] * 3_000, *[8] * 3_000, "abc", True)})
        privacy = Privacy(epsilon=5, domain_share=0.3)
        model = synthx.TabularMST(privacy=privacy).fit(frame, Schema((number,)))
        assert model.schema_["x"].levels == (7, 8)

    @pytest.mark.parametrize(("upper", "decimals"), [(1e12, 8), (1.7e308, None), (3.0, 10)])
    def test_no_range_is_too_wide(self, upper: float, decimals: int | None) -> None:
        column = Column(name="x", kind=Kind.DECIMAL, dtype="float64", lower=-upper, upper=upper, decimals=decimals)
        frame = pd.DataFrame({"x": np.random.default_rng(1).random(1_000) * upper})
        model = synthx.TabularMST(privacy=Privacy(epsilon=5)).fit(frame, Schema((column,)))
        assert model.sample(50, seed=0)["x"].abs().le(upper).all()


class TestUnits:
    """A7."""

    def test_who_has_no_key_is_left_out(self) -> None:
        frame = pd.DataFrame({"who": ["a", "a", None, "b", np.nan], "x": range(5)})
        schema = Schema((Column(name="who", kind=Kind.IDENTIFIER), NUMBER))
        kept = one_row_a_unit(frame, schema, Privacy(epsilon=1, unit="who"))
        assert sorted(kept["who"]) == ["a", "b"]

    def test_the_row_of_one_does_not_depend_on_others(self) -> None:
        frame = pd.DataFrame({"who": list("aaabbbccc"), "x": range(9)})
        schema = Schema((Column(name="who", kind=Kind.IDENTIFIER), NUMBER))
        privacy = Privacy(epsilon=1, unit="who")
        picks = [one_row_a_unit(frame, schema, privacy).set_index("who")["x"] for _ in range(225)]
        table = np.zeros((3, 3))
        for pick in picks:
            table[pick["a"], pick["b"] - 3] += 1
        assert ((table - 25) ** 2 / 25).sum() < 37.3  # chi-square of 8 degrees of freedom, one in 100,000

    def test_how_a_table_is_stored_is_hashed_without_an_error(self) -> None:
        frame = pd.DataFrame({"x": cells(*ODD)})
        assert ledger_for(frame, Privacy(epsilon=1, new_budget=True)).of_data is not None


class TestAccounts:
    def test_a_query_is_paid_once_and_what_was_not_planned_never(self) -> None:  # A4
        account = Ledger().open(Privacy(epsilon=5), {"count": gaussian(2.0)}, fit="f", delta=1e-6)
        noisy_counts(account, "count", np.array([3]))
        with pytest.raises(PrivacyError, match="charged already"):
            noisy_counts(account, "count", np.array([3]))
        with pytest.raises(PrivacyError, match="not in the plan"):
            noisy_counts(account, "another", np.array([3]))

    @pytest.mark.parametrize("count", [1.0, 180.0, 2_000.0])
    def test_the_rate_that_is_used_is_the_rate_that_is_paid(self, count: float) -> None:  # A12, B10
        privacy, schema = Privacy(epsilon=2, delta=1e-6), Schema((NUMBER,))
        first = plan_count(privacy, 1e-6)
        gradients = GradientPlan(batch=200, steps=93)
        rest = plan_rest(schema, privacy, 1e-6, spent=list(first.values()), count=count, gradients=gradients)
        assert rest.descent is not None
        event = rest.events[DESCENT]
        assert rest.descent.rate == min(1.0, 200 / count) == event.event.sampling_probability
        assert (event.count, event.event.event.noise_multiplier) == (93, rest.descent.noise)
        assert epsilon_of([*first.values(), *rest.events.values()], 1e-6) <= 2

    def test_thresholds_take_part_of_the_delta_that_counts(self) -> None:  # D5: of ten million rows it is 1e-8
        schema = Schema((Column(name="x", kind=Kind.CATEGORICAL), dataclasses.replace(NUMBER, name="y")))
        privacy = Privacy(epsilon=1, domain_share=0.1)
        delta = privacy.delta_for(1e7)
        spent = [*plan_count(privacy, 1e-6).values(), *plan_domain(schema, privacy, delta).values()]
        rest = plan_rest(schema, privacy, delta, spent=spent, count=1e7, gradients=None)
        assert epsilon_of([*spent, *rest.events.values()], delta) <= 1

    def test_the_course_of_a_fit_is_the_same_for_a_neighbour(self) -> None:  # A11, A12
        schema = Schema((NUMBER, Column(name="y", kind=Kind.CATEGORICAL, levels=("0", "1"), role=Role.TARGET)))
        rng = np.random.default_rng(2)
        table = pd.DataFrame({"x": cells(*rng.integers(0, 9, 1_000)), "y": cells(*map(str, rng.integers(0, 2, 1_000)))})
        more = pd.concat([table, pd.DataFrame({"x": cells([1]), "y": cells(True)})])
        asked = []
        for frame in (table, more):
            with recording() as tape:
                synthx.TabularMST(privacy=Privacy(epsilon=100)).fit(frame, schema)
            asked.append({release.phase: release for release in tape})
        assert [*asked[0]] == [*asked[1]]
        for phase in ("number of rows", "levels of 'y'", "values of 'x', cut 1"):
            one, other = (np.asarray(each[phase].query, dtype=float) for each in asked)
            assert 0 < np.linalg.norm(one - other) <= asked[0][phase].sensitivity


def test_nothing_says_a_cell(capsys: pytest.CaptureFixture[str]) -> None:  # E1
    messages: list[str] = []
    frame = pd.DataFrame({"x": cells(*range(9), "secret-cell")})
    with pytest.raises(PrivacyError) as refused:
        synthx.TabularMST(privacy=Privacy(epsilon=100)).fit(
            frame, Schema((NUMBER,)), progress=lambda event: messages.append(event.message)
        )
    assert "secret-cell" not in "".join([*messages, str(refused.value), *capsys.readouterr()])


def test_how_a_cell_is_written_is_its_own_matter() -> None:
    assert spelled(cells(True, 1, 1.0, "1", None)).tolist()[:4] == ["True", "1", "1", "1"]
