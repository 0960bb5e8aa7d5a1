from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.codec.conditions import Resolved, resolve
from synthx.codec.table import TableCodec
from synthx.condition import MISSING, Between, as_conditions, between, parse_given
from synthx.errors import ConditionError
from synthx.schema import Schema

ROWS = 600


@pytest.fixture(scope="module")
def codec() -> TableCodec:
    rng = np.random.default_rng(0)
    degree = rng.integers(0, 4, ROWS)
    left, right = rng.integers(0, 500, ROWS), rng.integers(0, 500, ROWS)
    frame = pd.DataFrame(
        {
            "degree": np.array(["none", "school", "college", "doctor"], object)[degree],
            "years": np.array([0, 9, 13, 20])[degree],
            "left": left,
            "right": right,
            "total": left + right,
            "note": np.where(rng.random(ROWS) < 0.3, None, "seen"),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366 * 24, ROWS), unit="h"),
            "key": np.arange(ROWS) + 10_000,
        }
    )
    return TableCodec.fit(frame, Schema.detect(frame))


def asked(codec: TableCodec, **given: Any) -> Resolved:
    return resolve(as_conditions(given, codec.schema), codec)


def test_the_fixture_has_the_rules_that_the_tests_speak_of(codec: TableCodec) -> None:
    assert codec.structure.derived == {"years", "total"}


def test_a_level_becomes_one_code(codec: TableCodec) -> None:
    resolved = asked(codec, degree="doctor")
    (index,) = resolved.windows
    assert codec.domain.names[index] == "degree"
    assert resolved.windows[index].only_code == 1  # college, doctor, none, school


def test_a_condition_on_a_derived_column_becomes_one_on_its_source(codec: TableCodec) -> None:
    resolved = asked(codec, years=between(9, 13))
    window = resolved.windows[codec.domain.index("degree")]
    assert window.weights.tolist() == [1, 0, 0, 1]  # college and school


def test_conditions_on_a_column_and_its_source_must_agree(codec: TableCodec) -> None:
    assert asked(codec, years=20, degree=["doctor", "none"]).windows[codec.domain.index("degree")].only_code == 1
    with pytest.raises(ConditionError, match="together with the other conditions"):
        asked(codec, degree="none", years=20)


def test_a_condition_on_a_total_is_left_for_drawing_again(codec: TableCodec) -> None:
    (total,) = [name for name in ("total", "left", "right") if name in codec.structure.derived]
    resolved = asked(codec, **{total: between(100, 200)})
    assert not resolved.windows
    frame = pd.DataFrame({total: [99, 100, 200, 201]})
    assert resolved.keep(frame, codec.schema)[total].tolist() == [100, 200]


def test_a_day_as_the_upper_end_includes_that_day(codec: TableCodec) -> None:
    resolved = asked(codec, day=between("2024-03-01", "2024-03-02"))
    condition = resolved.conditions["day"]
    assert isinstance(condition, Between)
    ends = pd.to_datetime([condition.low, condition.high], unit="us")
    assert str(ends[0]) == "2024-03-01 00:00:00"
    assert str(ends[1].floor("s")) == "2024-03-02 23:59:59"


def test_a_day_given_as_a_python_date_reaches_to_its_end(codec: TableCodec) -> None:
    day = datetime.date(2024, 3, 2)
    assert asked(codec, day=between(None, day)).conditions == asked(codec, day=between(None, "2024-03-02")).conditions


def test_dates_stored_as_numbers_are_asked_for_as_numbers() -> None:
    days = np.array([20240301, 20240302, 20240315, 20240401, 20240510] * 20)
    codec = TableCodec.fit(pd.DataFrame({"day": days}), Schema.detect(pd.DataFrame({"day": days})))
    assert asked(codec, day=np.int64(20240315)).windows[0].only_code == 2
    with pytest.raises(ConditionError, match="'day' is 3, which is no datetime"):
        asked(codec, day=3)


def test_messages_write_times_in_the_columns_zone() -> None:
    hours = pd.to_timedelta(np.arange(400), unit="h")
    frame = pd.DataFrame({"at": pd.Timestamp("2024-01-01", tz="Europe/Berlin") + hours})
    codec = TableCodec.fit(frame, Schema.detect(frame))
    known = "2024-01-01 10:00:00.01:00 to 2024-01-17 05:00:00.01:00"  # the tenth from either end
    with pytest.raises(ConditionError, match=f"'at' never is 2023-01-01 00:00:00.01:00 .the model knows {known}"):
        asked(codec, at="2023-01-01")


def test_ends_of_ranges_of_levels_are_checked() -> None:
    sizes = pd.Categorical(["S", "M", "L"] * 20, ["S", "M", "L"], ordered=True)
    frame = pd.DataFrame({"size": sizes, "doors": [2, 3, 5] * 20})
    codec = TableCodec.fit(frame, Schema.detect(frame))
    with pytest.raises(ConditionError, match="'size' has no level 'XXL' that the model knows; choose from 'S', 'M'"):
        asked(codec, size=between("S", "XXL"))
    with pytest.raises(ConditionError, match="'doors' is between 'a' and 'b', which is no categorical"):
        asked(codec, doors=between("a", "b"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": 1}, "names column 'colour', which the model does not know; choose from 'degree'"),
        (
            {"degree": "bachelor"},
            "'degree' has no level 'bachelor' that the model knows; choose from 'college', 'doctor'",
        ),
        ({"left": between(900, 999)}, "no row of column 'left' is between 900 and 999 .the model knows"),
        ({"left": between(9, 3)}, "'left' is between 9 and 3, which is empty; give the lower end first"),
        ({"left": "many"}, "'left' is 'many', which is no integer"),
        ({"left": 3.5}, "'left' never is 3.5"),
        ({"left": float("inf")}, "'left' never is inf .the model knows [0-9]+ to [0-9]+."),
        ({"left": between(None, -9)}, "no row of column 'left' is at most -9 .the model"),
        ({"left": between(float("nan"), 9)}, "'left' is between nan and 9, which is no integer"),
        ({"day": np.int64(20240301)}, "'day' is 20240301, which is no datetime"),
        ({"left": MISSING}, "'left' is never missing"),
        ({"degree": []}, "'degree' lists no value"),
        ({"degree": between("a", "b")}, "'degree' is categorical and has no order"),
        ({"key": 10_001}, "'key' is identifier and is not learned"),
    ],
)
def test_impossible_conditions_say_why(codec: TableCodec, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        asked(codec, **given)


def test_the_command_lines_way_of_writing(codec: TableCodec) -> None:
    given = parse_given(["degree=none|school", "left=100..", "note="], codec.schema)
    assert {name: str(condition) for name, condition in given.items()} == {
        "degree": "'none' or 'school'",
        "left": "at least 100.0",
        "note": "missing",
    }


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["left"], "'left' has no '='"),
        (["left=1", "left=2"], "'left' is conditioned twice"),
        (["left=abc"], "'left' holds numbers, and 'abc' is none"),
        (["other=1"], "'other', which the model does not know"),
    ],
)
def test_badly_written_conditions_say_why(codec: TableCodec, texts: list[str], message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        parse_given(texts, codec.schema)


class TestListsWithMissing:
    def test_a_list_may_hold_missing(self, codec: TableCodec) -> None:
        resolved = asked(codec, note=[None, "seen"])
        assert resolved.windows[codec.domain.index("note")].weights.tolist() == [1, 1]

    def test_a_column_that_is_never_missing(self, codec: TableCodec) -> None:
        with pytest.raises(ConditionError, match="'degree' is never missing; drop that condition"):
            asked(codec, degree=["none", None])

    def test_a_derived_column_whose_source_may_be_missing(self) -> None:
        degree = np.random.default_rng(0).choice(np.array(["school", "college", None], object), ROWS)
        frame = pd.DataFrame({"degree": degree, "years": [{"school": 9, "college": 13, None: 0}[d] for d in degree]})
        codec = TableCodec.fit(frame, Schema.detect(frame))
        assert codec.structure.derived == {"years"}
        assert asked(codec, years=[0, 9]).windows[0].weights.tolist() == [1, 0, 1]  # missing, college, school


@pytest.fixture(scope="module")
def visits() -> TableCodec:
    rng = np.random.default_rng(0)
    low = rng.integers(0, 1_000, ROWS)
    frame = pd.DataFrame({"low": low, "high": low + rng.integers(0, 300, ROWS)})
    frame["fee"], frame["tax"] = rng.normal(size=ROWS), rng.normal(size=ROWS)
    frame.loc[rng.random(ROWS) < 0.2, ["fee", "tax"]] = np.nan
    return TableCodec.fit(frame, Schema.detect(frame))


class TestRulesBetweenConditions:
    def test_rows_that_break_an_order_are_drawn_again(self, visits: TableCodec) -> None:
        resolved = asked(visits, low=between(0, 500), high=between(200, 300))
        frame = pd.DataFrame({"low": [250, 300, 301], "high": [300, 300, 300], "fee": 1.0, "tax": 1.0})
        assert resolved.keep(frame, visits.schema)["low"].tolist() == [250, 300]

    def test_one_condition_cannot_break_a_rule(self, visits: TableCodec) -> None:
        assert asked(visits, low=between(0, 500)).rules == ()

    @pytest.mark.parametrize(
        "given",
        [
            {"low": between(500, 600), "high": between(200, 300)},
            {"low": [500, 600], "high": between(None, 300)},
            {"fee": MISSING, "tax": between(0, 1)},
        ],
    )
    def test_conditions_that_a_rule_excludes_are_an_error_at_once(
        self, visits: TableCodec, given: dict[str, Any]
    ) -> None:
        with pytest.raises(ConditionError, match="they contradict a rule that holds in every training row"):
            asked(visits, **given)


def test_a_range_of_numbers_that_are_levels() -> None:
    frame = pd.DataFrame({"visits": np.repeat([1, 3, 7], 200)})
    schema = Schema.detect(frame)
    codec = TableCodec.fit(frame, schema)
    assert asked(codec, visits=between(2, 5)).windows[0].weights.tolist() == [0, 1, 0]
    assert resolve(parse_given(["visits=2.."], schema), codec).windows[0].weights.tolist() == [0, 1, 1]


def test_a_day_ends_by_the_calendar() -> None:
    """The last of March 2024 has 23 hours in Vienna."""
    hours = pd.date_range("2024-03-30", periods=ROWS, freq="min", tz="Europe/Vienna")
    codec = TableCodec.fit(*(frame := pd.DataFrame({"at": hours}), Schema.detect(frame)))
    last = pd.Timestamp("2024-04-01", tz="Europe/Vienna").value // 1_000 - 1
    for end in ("2024-03-31", datetime.date(2024, 3, 31)):
        assert asked(codec, at=between("2024-03-30", end)).conditions["at"].ends[1] == last
