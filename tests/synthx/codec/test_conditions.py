from __future__ import annotations

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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": 1}, "names column 'colour', which the model does not know; choose from 'degree'"),
        (
            {"degree": "bachelor"},
            "'degree' has no level 'bachelor' that the model knows; choose from 'college', 'doctor'",
        ),
        ({"left": between(900, 999)}, "no row of column 'left' lies between 900 and 999 .the model knows"),
        ({"left": between(9, 3)}, "'left' is between 9 and 3, which is empty; give the lower end first"),
        ({"left": "many"}, "'left' is 'many', which is no integer"),
        ({"left": 3.5}, "'left' never is 3.5"),
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
        "left": "between 100.0 and None",
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
