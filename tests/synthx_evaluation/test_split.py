from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.errors import DataError, ParameterError
from synthx_evaluation.split import split


def test_rows_are_shared_out_and_keep_order_and_index() -> None:
    frame = pd.DataFrame({"x": range(10)}, index=list("abcdefghij"))
    train, holdout = split(frame, holdout=0.3, seed=5)
    assert (len(train), len(holdout)) == (7, 3)
    assert sorted([*train.index, *holdout.index]) == list("abcdefghij")
    assert list(train.index) == sorted(train.index)
    again = split(frame, holdout=0.3, seed=5)
    pd.testing.assert_frame_equal(again[1], holdout)
    assert list(split(frame, holdout=0.3, seed=6)[1].index) != list(holdout.index)


@given(
    entities=st.lists(st.integers(0, 8), min_size=2, max_size=60).filter(lambda x: len(set(x)) > 1),
    holdout=st.floats(0.05, 0.95),
    seed=st.integers(0, 9),
)
def test_an_entity_is_never_on_both_sides(entities: list[int], holdout: float, seed: int) -> None:
    frame = pd.DataFrame({"who": entities})
    train, held = split(frame, holdout=holdout, entity="who", seed=seed)
    assert len(train) + len(held) == len(frame)
    assert not set(train["who"]) & set(held["who"])


def test_a_key_of_several_columns() -> None:
    frame = pd.DataFrame({"ward": ["A", "B"] * 20, "bed": np.arange(40) // 8, "day": range(40)})  # 10 keys, 4 rows each
    train, held = split(frame, holdout=0.3, entity=["ward", "bed"])
    assert held.groupby(["ward", "bed"]).size().to_list() == [4, 4, 4]
    assert not set(zip(train["ward"], train["bed"], strict=True)) & set(zip(held["ward"], held["bed"], strict=True))
    pd.testing.assert_frame_equal(
        split(frame, entity=("ward",), holdout=0.5)[1], split(frame, entity="ward", holdout=0.5)[1]
    )
    with pytest.raises(ParameterError, match="no column 'room'"):
        split(frame, entity=["ward", "room"])


def test_strata_keep_their_shares() -> None:
    frame = pd.DataFrame({"fraud": [1] * 20 + [0] * 180, "who": np.arange(200) // 2})
    _, rows = split(frame, holdout=0.25, stratify="fraud")
    assert rows["fraud"].value_counts().to_dict() == {0: 45, 1: 5}
    _, people = split(frame, holdout=0.2, stratify="fraud", entity="who")
    assert people["fraud"].value_counts().to_dict() == {0: 36, 1: 4}


def test_numbers_are_cut_into_strata() -> None:
    frame = pd.DataFrame({"amount": np.arange(1000.0)})
    _, holdout = split(frame, holdout=0.2, stratify="amount")
    assert np.histogram(holdout["amount"], bins=10, range=(0, 1000))[0].tolist() == [20] * 10


def test_missing_levels_are_a_stratum() -> None:
    frame = pd.DataFrame({"level": [None] * 10 + ["a"] * 10})
    _, holdout = split(frame, holdout=0.5, stratify="level")
    assert holdout["level"].isna().sum() == 5


def test_bad_input() -> None:
    frame = pd.DataFrame({"who": [1.0, 2.0, None]})
    with pytest.raises(ParameterError, match=r"holdout is 1.5; give a share"):
        split(frame, holdout=1.5)
    with pytest.raises(ParameterError, match="no column 'whom'; choose from 'who'"):
        split(frame, entity="whom")
    with pytest.raises(DataError, match="'who' names no entity in 1 rows, such as row 2"):
        split(frame, entity="who")
    with pytest.raises(DataError, match="1 rows of 1 entities leave one side"):
        split(frame[:1])
    with pytest.raises(DataError, match="0 rows"):
        split(frame[:0])


def test_the_latest_rows_are_held_back() -> None:
    frame = pd.DataFrame({"day": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]})
    train, held = split(frame, holdout=0.3, time="day")
    assert held["day"].to_list() == [9, 6]  # both fives would make it four of ten: two are as near, and come first
    assert train["day"].max() == 5
    dates = frame.assign(day=[f"2024-01-{day:02d}" for day in frame["day"]])
    assert list(split(dates, holdout=0.3, time="day")[1].index) == list(held.index)


def test_an_entity_counts_by_its_first_time() -> None:
    frame = pd.DataFrame({"who": [1, 1, 2, 2, 3, 3], "day": [1, 9, 2, 3, 4, 5]})
    _, held = split(frame, holdout=0.3, time="day", entity="who")
    assert held["who"].to_list() == [3, 3]  # the first entity has the latest row, but began first


def test_what_time_cannot_do() -> None:
    frame = pd.DataFrame({"day": [1.0, None, 3.0], "fraud": [0, 1, 0]})
    with pytest.raises(DataError, match="column 'day' holds no time in 1 rows, such as row 1"):
        split(frame, time="day")
    with pytest.raises(ParameterError, match="only one can decide"):
        split(frame, time="day", stratify="fraud")
    with pytest.raises(DataError, match="leave one side"):
        split(pd.DataFrame({"day": [1, 1, 1]}), time="day")
