from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthx.errors import DataError, ParameterError, SchemaError
from synthx.long_tables import cut_windows, from_windows, join_static, split_static, to_windows
from synthx.schema import Column, Kind, Role, Schema

NAN = float("nan")
NUMBERS = st.one_of(st.just(NAN), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))


class TestFromWindows:
    def test_padding_at_the_end_is_left_out_and_other_gaps_are_missing(self) -> None:
        frame, schema = from_windows([[[1.5, 7], [NAN, NAN], [2.5, NAN]], [[0.5, 8], [NAN, NAN], [NAN, NAN]]])
        assert frame["window"].tolist() == [0, 0, 0, 1]
        assert np.array_equal(frame["x0"], [1.5, NAN, 2.5, 0.5], equal_nan=True)
        assert np.array_equal(frame["x1"], [7, NAN, NAN, 8], equal_nan=True)
        assert schema.entity == ("window",)
        assert schema.time is None

    def test_features_may_have_names(self) -> None:
        frame, schema = from_windows(np.zeros((2, 3, 2)), names=["open", "close"])
        assert schema.names == tuple(frame.columns) == ("window", "open", "close")

    def test_no_feature_is_called_static(self) -> None:
        windows = np.repeat(np.arange(20.0), 5).reshape(20, 5, 1)
        assert from_windows(windows)[1].static == ()

    def test_whole_numbers_are_taken_too(self) -> None:
        assert from_windows(np.arange(6).reshape(1, 3, 2))[0]["x1"].tolist() == [1, 3, 5]

    @pytest.mark.parametrize(
        ("windows", "problem"),
        [
            (np.zeros((2, 3)), r"shape \(2, 3\) and dtype float64"),
            (np.zeros((2, 0, 1)), r"shape \(2, 0, 1\)"),
            (np.full((1, 1, 1), "a"), "dtype <U1"),
            ([[[1.0], [2.0]], [[1.0]]], "windows differ in how many steps or features they have; pad them"),
            ([[[1.0]], [[NAN]]], "window 1 holds no number; leave it out"),
        ],
    )
    def test_what_is_no_set_of_windows_is_refused(self, windows: object, problem: str) -> None:
        with pytest.raises(DataError, match=problem):
            from_windows(windows)  # type: ignore[arg-type]

    @pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "window"]])
    def test_wrong_names_are_refused(self, names: list[str]) -> None:
        with pytest.raises(ParameterError, match="for 2 features; give each feature a name of its own"):
            from_windows(np.zeros((2, 3, 2)), names=names)

    @settings(max_examples=60)
    @given(
        st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 3)).flatmap(
            lambda s: arrays(float, s, elements=NUMBERS)
        )
    )
    def test_windows_come_back(self, windows: np.ndarray) -> None:
        windows[:, 0][np.isnan(windows).all(axis=(1, 2))] = 0.0  # a window must hold a number
        frame, schema = from_windows(windows)
        again = to_windows(frame, schema)
        longest = int((~np.isnan(windows).all(axis=2)).nonzero()[1].max()) + 1
        assert np.array_equal(again, windows[:, :longest], equal_nan=True)
        assert np.isnan(windows[:, longest:]).all()


class TestToWindows:
    SCHEMA = Schema(
        (
            Column(name="id", kind=Kind.IDENTIFIER, role=Role.ENTITY),
            Column(name="age", kind=Kind.INTEGER, dtype="int64", static=True),
            Column(name="hour", kind=Kind.INTEGER, dtype="int64", role=Role.TIME),
            Column(name="unit", kind=Kind.CATEGORICAL),
            Column(name="pulse", kind=Kind.INTEGER, dtype="int64"),
        )
    )

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(
            {"id": ["b", "a", "b"], "age": [7, 8, 7], "hour": [2, 1, 0], "unit": ["x", "y", "x"], "pulse": [60, 70, 80]}
        )

    def test_steps_stand_in_order_of_time_and_are_padded(self) -> None:
        windows = to_windows(self.frame(), self.SCHEMA)
        assert windows.shape == (2, 2, 1)  # neither key, time, text nor what is static
        assert np.array_equal(windows[:, :, 0], [[80, 60], [70, NAN]], equal_nan=True)

    def test_a_flag_is_a_feature(self) -> None:
        windows = np.arange(40).reshape(10, 4, 1) % 2
        frame, schema = from_windows(windows)
        assert schema["x0"].kind is Kind.BOOLEAN
        assert np.array_equal(to_windows(frame, schema), windows)

    def test_a_table_without_numbers_is_refused(self) -> None:
        with pytest.raises(SchemaError, match="no column of numbers changes"):
            to_windows(self.frame()[["id", "unit"]], self.SCHEMA.select(["id", "unit"]))

    def test_a_table_without_entity_or_rows_is_refused(self) -> None:
        with pytest.raises(SchemaError, match=r"names no entity.*synthx\.cut_windows"):
            to_windows(self.frame()[["pulse"]], self.SCHEMA.select(["pulse"]))
        with pytest.raises(DataError, match="the table has no rows"):
            to_windows(self.frame().iloc[:0], self.SCHEMA)


class TestCutWindows:
    def test_windows_overlap(self) -> None:
        frame, schema = cut_windows(pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}), 3)
        assert frame["window"].tolist() == [0, 0, 0, 1, 1, 1]
        assert frame["x"].tolist() == [1, 2, 3, 2, 3, 4]
        assert (schema.entity, schema.static) == (("window",), ())

    def test_a_stride_steps_over_rows_and_leaves_the_rest_out(self) -> None:
        frame, _ = cut_windows(pd.DataFrame({"x": range(8)}), 2, stride=3)
        assert frame["x"].tolist() == [0, 1, 3, 4, 6, 7]

    def test_a_time_puts_rows_in_order(self) -> None:
        frame, schema = cut_windows(
            pd.DataFrame({"x": [3.0, 1.0, 2.0], "t": ["c", "a", "b"]}).replace(
                {"t": {"a": "2024-01-01", "b": "2024-01-02", "c": "2024-01-10"}}
            ),
            2,
            time="t",
        )
        assert frame["x"].tolist() == [1, 2, 2, 3]
        assert schema["t"].kind is Kind.DATETIME
        assert schema["t"].role is Role.TIME

    @pytest.mark.parametrize(("length", "stride"), [(0, 1), (2.0, 1), (True, 1), (2, 0), (2, -1)])
    def test_lengths_and_strides_are_whole_and_positive(self, length: int, stride: int) -> None:
        with pytest.raises(ParameterError, match="give a whole number of steps from 1 on"):
            cut_windows(pd.DataFrame({"x": range(8)}), length, stride=stride)

    def test_what_cannot_be_cut_is_refused(self) -> None:
        with pytest.raises(DataError, match="has 2 rows, fewer than a window of 3"):
            cut_windows(pd.DataFrame({"x": [1, 2]}), 3)
        with pytest.raises(DataError, match="a column 'window' already"):
            cut_windows(pd.DataFrame({"window": [1, 2]}), 1)
        with pytest.raises(DataError, match="time column 't' is missing in row 2"):
            cut_windows(pd.DataFrame({"x": [1, 2, 3], "t": [1.0, None, 2.0]}), 1, time="t")
        with pytest.raises(SchemaError, match="the time column 'when' is not in the table"):
            cut_windows(pd.DataFrame({"x": [1, 2, 3]}), 1, time="when")


STEPS = pd.DataFrame({"id": [2, 1, 2], "x": [0.1, 0.2, 0.3]})
PEOPLE = pd.DataFrame({"id": [1, 2], "sex": ["f", "m"], "seen": [True, False]})


class TestJoinStatic:
    def test_steps_keep_their_order_and_gain_columns(self) -> None:
        joined = join_static(STEPS, PEOPLE, "id")
        assert joined.columns.tolist() == ["id", "x", "sex", "seen"]
        assert joined.to_numpy().tolist() == [[2, 0.1, "m", False], [1, 0.2, "f", True], [2, 0.3, "m", False]]
        assert joined["seen"].dtype == bool
        assert joined["id"].dtype == np.int64

    def test_a_key_of_two_columns(self) -> None:
        steps = pd.DataFrame({"ward": ["a", "a", "b"], "bed": [1, 2, 1], "x": [1, 2, 3]})
        static = pd.DataFrame({"bed": [1, 1, 2], "ward": ["b", "a", "a"], "age": [30, 40, 50]})
        assert join_static(steps, static, ["ward", "bed"])["age"].tolist() == [40, 50, 30]

    def test_an_entity_in_one_table_only_is_refused(self) -> None:
        with pytest.raises(DataError, match="entity id=2 is in the table of steps, but has no row in that of entities"):
            join_static(STEPS, PEOPLE.iloc[:1], "id")
        more = pd.DataFrame({"id": [1, 2, 7, 8], "sex": "f"})
        with pytest.raises(
            DataError, match=r"entity id=7 \(and 1 more\) is in the table of entities, .* in that of steps"
        ):
            join_static(STEPS, more, "id")

    @pytest.mark.parametrize(
        ("static", "problem"),
        [
            (pd.concat([PEOPLE, PEOPLE.iloc[1:]]), "entity id=2 has more than one row in the table of entities"),
            (PEOPLE.rename(columns={"id": "key"}), "the table of entities has no column 'id'"),
            (PEOPLE.assign(x=1), "both tables have a column 'x'; rename"),
            (PEOPLE.iloc[:0], "the table of entities is empty"),
            (PEOPLE.astype({"id": str}), "the key 'id' is int64 in the table of steps, but object in that of entities"),
            (PEOPLE.astype({"id": float}).replace({"id": {1.0: NAN}}), "the entity's key 'id' is missing in row 1"),
        ],
    )
    def test_what_cannot_be_joined_is_refused(self, static: pd.DataFrame, problem: str) -> None:
        with pytest.raises(DataError, match=problem):
            join_static(STEPS, static, "id")

    def test_lacking_steps_are_refused(self) -> None:
        with pytest.raises(DataError, match="the table of steps is empty"):
            join_static(STEPS.iloc[:0], PEOPLE, "id")
        with pytest.raises(DataError, match="the table of steps has no column 'who'"):
            join_static(STEPS, PEOPLE, "who")


class TestSplitStatic:
    SCHEMA = Schema(
        (
            Column(name="id", kind=Kind.IDENTIFIER, dtype="int64", role=Role.ENTITY),
            Column(name="x", kind=Kind.DECIMAL, dtype="float64"),
            Column(name="sex", kind=Kind.CATEGORICAL, static=True),
            Column(name="seen", kind=Kind.BOOLEAN, dtype="bool", static=True),
        )
    )

    def test_both_tables_have_the_key(self) -> None:
        steps, static = split_static(join_static(STEPS, PEOPLE, "id"), self.SCHEMA)
        pd.testing.assert_frame_equal(steps, STEPS)
        assert static.to_numpy().tolist() == [[2, "m", False], [1, "f", True]]  # as they first occur

    def test_a_static_column_that_varies_is_refused(self) -> None:
        frame = join_static(STEPS, PEOPLE, "id")
        frame.loc[0, "sex"] = "f"
        with pytest.raises(DataError, match="'sex' varies within the entity id=2: 'f', 'm'"):
            split_static(frame, self.SCHEMA)

    def test_a_schema_without_entity_is_refused(self) -> None:
        with pytest.raises(SchemaError, match="names no entity"):
            split_static(STEPS[["x"]], self.SCHEMA.select(["x"]))

    @settings(max_examples=40)
    @given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.data())
    def test_what_is_split_joins_again(self, ids: list[int], data: st.DataObject) -> None:
        known = sorted(set(ids))
        cells = st.one_of(st.none(), st.sampled_from(["f", "m"]))
        sexes = dict(zip(known, data.draw(st.lists(cells, min_size=len(known), max_size=len(known))), strict=True))
        frame = pd.DataFrame({"id": ids, "x": np.arange(len(ids)) / 2})
        frame["sex"] = pd.Series([sexes[each] for each in ids], dtype=object)
        schema = self.SCHEMA.select(["id", "x", "sex"])
        steps, static = split_static(frame, schema)
        assert len(static) == len(known)
        pd.testing.assert_frame_equal(join_static(steps, static, "id"), frame)


def test_a_dated_series_keeps_python_dates() -> None:
    days = [datetime.date(2024, 1, day) for day in (1, 2, 3)]
    frame, _ = cut_windows(pd.DataFrame({"day": days, "x": [1.5, 2.5, 3.5]}), 2, time="day")
    assert frame["day"].tolist() == [days[0], days[1], days[1], days[2]]
