from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.codec.sequence.long import (
    END,
    LENGTH,
    SPAN,
    START,
    LongTable,
    join_long,
    read_times,
    span_in_units,
    static_schema,
    step_schema,
)
from synthx.errors import DataError, SchemaError
from synthx.schema import Column, Kind, Role, Schema

ID = Column(name="id", kind=Kind.IDENTIFIER, role=Role.ENTITY)
SEX = Column(name="sex", kind=Kind.CATEGORICAL, static=True)
DAY = Column(name="day", kind=Kind.INTEGER, dtype="int64", role=Role.TIME)
PULSE = Column(name="pulse", kind=Kind.INTEGER, dtype="int64")
SCHEMA = Schema((ID, DAY, SEX, PULSE))
DATED = Schema(
    (ID, Column(name="day", kind=Kind.DATETIME, dtype="object", format="%Y-%m-%d", role=Role.TIME), SEX, PULSE)
)


def visits() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["b", "a", "b", "c", "b"],
            "day": [9, 4, 2, 7, 2],
            "sex": ["f", None, "f", "m", "f"],
            "pulse": [60, 70, 80, 90, 100],
        }
    )


class TestOf:
    def test_rows_go_entity_by_entity_in_order_of_time(self) -> None:
        long = LongTable.of(visits(), SCHEMA)
        assert long.steps.to_numpy().tolist() == [[2, 80], [2, 100], [9, 60], [4, 70], [7, 90]]
        assert long.rows.tolist() == [2, 4, 0, 1, 3]  # the two rows of day 2 stay as they stood
        assert long.lengths.tolist() == [3, 1, 1]
        assert long.starts.tolist() == [0, 3, 4]

    def test_static_columns_gain_length_and_span(self) -> None:
        static = LongTable.of(visits(), SCHEMA).static
        assert static.columns.tolist() == ["sex", LENGTH, START, END, SPAN]
        assert static["sex"].tolist() == ["f", None, "m"]
        assert static[LENGTH].tolist() == [3, 1, 1]
        assert static[SPAN].tolist() == [7, 0, 0]

    def test_spans_of_dates_are_days(self) -> None:
        frame = visits().assign(day=["2024-03-01", "2024-01-01", "2024-02-28", "2024-01-01", "2024-02-29"])
        long = LongTable.of(frame, DATED)
        assert long.static[SPAN].tolist() == [2, 0, 0]
        assert long.steps["day"].tolist()[:3] == ["2024-02-28", "2024-02-29", "2024-03-01"]

    def test_without_a_time_rows_stay_as_they_stand_and_there_is_no_span(self) -> None:
        long = LongTable.of(visits().drop(columns="day"), SCHEMA.select(["id", "sex", "pulse"]))
        assert long.steps["pulse"].tolist() == [60, 80, 100, 70, 90]
        assert long.static.columns.tolist() == ["sex", LENGTH]

    def test_entities_of_one_step(self) -> None:
        long = LongTable.of(visits().iloc[[1, 3]], SCHEMA)
        assert long.lengths.tolist() == [1, 1]
        assert long.static[SPAN].tolist() == [0, 0]

    def test_a_missing_time_is_refused(self) -> None:
        frame = visits().astype({"day": float})
        frame.loc[3, "day"] = np.nan
        with pytest.raises(DataError, match="time column 'day' is missing in row 4; drop such rows, or fill in when"):
            LongTable.of(frame, SCHEMA)

    def test_a_missing_key_is_refused(self) -> None:
        with pytest.raises(DataError, match="key 'id' is missing in row 1"):
            LongTable.of(visits().assign(id=None), SCHEMA)

    def test_a_static_column_that_varies_is_refused(self) -> None:
        with pytest.raises(DataError, match="'sex' varies within the entity id=b: 'f', 'm'"):
            LongTable.of(visits().assign(sex=["f", "f", "m", "m", "f"]), SCHEMA)

    def test_a_schema_without_entity_is_refused(self) -> None:
        with pytest.raises(SchemaError, match=r"no telling where a sequence ends; .* cut by synthx\.cut_windows"):
            LongTable.of(visits()[["pulse"]], Schema((PULSE,)))

    def test_columns_that_the_schema_does_not_know_are_refused(self) -> None:
        with pytest.raises(DataError, match="column 'x', which the schema does not know"):
            LongTable.of(visits().assign(x=1), SCHEMA)

    def test_the_time_is_one_column_of_numbers_or_dates(self) -> None:
        with pytest.raises(SchemaError, match=r"the time is 'day' \(categorical\); give the role to one column"):
            LongTable.of(visits(), SCHEMA.replace("day", kind=Kind.CATEGORICAL))
        with pytest.raises(SchemaError, match=r"the time is 'day' \(integer\), 'pulse' \(integer\)"):
            read_times(visits(), SCHEMA.replace("pulse", role=Role.TIME))

    def test_entities_can_be_picked(self) -> None:
        long = LongTable.of(visits(), SCHEMA).pick(np.array([2, 0]))
        assert long.entities.keys["id"].tolist() == ["c", "b"]
        assert long.entities.of_row.tolist() == [0, 1, 1, 1]
        assert long.static["sex"].tolist() == ["m", "f"]
        assert long.steps["pulse"].tolist() == [90, 80, 100, 60]
        assert long.rows.tolist() == [3, 2, 4, 0]
        assert long.lengths.tolist() == [1, 3]


class TestSchemas:
    def test_steps_are_what_is_neither_key_nor_static(self) -> None:
        assert step_schema(SCHEMA).names == ("day", "pulse")

    def test_length_and_span_are_numbers_beside_the_static_columns(self) -> None:
        static = static_schema(SCHEMA, LongTable.of(visits(), SCHEMA).static)
        assert static.names == ("sex", LENGTH, START, END, SPAN)
        assert (static[LENGTH].kind, static[SPAN].kind) == (Kind.INTEGER, Kind.INTEGER)

    def test_a_span_of_days_need_not_be_whole(self) -> None:
        begun = pd.to_datetime(["2024-01-01", "2024-01-02"])
        table = pd.DataFrame({"sex": ["f", "m"], LENGTH: [2, 3], START: begun, END: begun, SPAN: [1.5, 0.0]})
        assert static_schema(DATED, table)[SPAN].kind is Kind.DECIMAL

    def test_a_length_that_all_share_is_constant(self) -> None:
        table = pd.DataFrame({"sex": ["f", "m"], LENGTH: [24, 24], START: [0, 0], END: [0, 0], SPAN: [0.0, 0.0]})
        static = static_schema(SCHEMA, table)
        assert (static[LENGTH].kind, static[LENGTH].levels) == (Kind.CONSTANT, (24,))
        assert (static[SPAN].kind, static[SPAN].levels) == (Kind.CONSTANT, (0.0,))
        assert (static[START].kind, static[START].levels, static[START].role) == (Kind.CONSTANT, (0,), None)

    def test_a_day_has_so_many_microseconds(self) -> None:
        spans = np.array([86_400e6, 43_200e6])
        assert span_in_units(spans, DATED["day"]).tolist() == [1, 0.5]
        assert span_in_units(spans, DAY).tolist() == spans.tolist()


class TestJoin:
    def test_static_cells_are_repeated_and_columns_keep_their_order(self) -> None:
        static = pd.DataFrame({"sex": ["f", None], LENGTH: [2, 1]}, index=[5, 3])
        steps = pd.DataFrame({"day": [0, 4, 1], "pulse": [60, 70, 80]}, index=[9, 9, 9])
        joined = join_long(SCHEMA, static, steps, [2, 1], {"id": pd.Series(["u", "u", "v"])})
        assert joined.columns.tolist() == ["id", "day", "sex", "pulse"]
        assert joined.to_numpy().tolist() == [["u", 0, "f", 60], ["u", 4, "f", 70], ["v", 1, None, 80]]

    def test_a_parted_table_joins_again(self) -> None:
        long = LongTable.of(visits(), SCHEMA)
        keys = {"id": long.entities.keys["id"].repeat(long.lengths).reset_index(drop=True)}
        joined = join_long(SCHEMA, long.static, long.steps, long.lengths, keys)
        pd.testing.assert_frame_equal(joined, visits().iloc[long.rows].reset_index(drop=True))
