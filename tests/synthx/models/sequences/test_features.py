from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from synthx.codec.sequence.calendar import CALENDAR, DAY
from synthx.codec.sequence.history import History
from synthx.codec.sequence.moves import known_range
from synthx.codec.sequence.steps import StepCodec
from synthx.models.sequences.features import PLACES, StepFeatures
from synthx.models.sequences.number_features import FARTHEST
from synthx.schema import Column, Kind, Role, Schema

ENTITIES, STEPS = 30, 8
ROWS = ENTITIES * STEPS
STARTS = np.arange(ENTITIES) * STEPS
LENGTHS = np.full(ENTITIES, STEPS)
TIME = Column(name="when", kind=Kind.INTEGER, dtype="int64", role=Role.TIME)
DATE = Column(name="when", kind=Kind.DATETIME, dtype="datetime64[ns]", role=Role.TIME)
NUMBERS = (
    Column(name="a", kind=Kind.DECIMAL, dtype="float64"),
    Column(name="b", kind=Kind.DECIMAL, dtype="float64", nullable=True),
)


def made(*columns: Column) -> tuple[StepCodec, pd.DataFrame]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(5, 2, ROWS), "b": rng.normal(0, 1, ROWS)})
    frame.loc[rng.random(ROWS) < 0.3, "b"] = np.nan
    hours = np.tile(np.arange(STEPS) * 3, ENTITIES)
    frame["when"] = hours if DATE not in columns else pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h")
    frame = frame[[column.name for column in columns]]
    return StepCodec.fit(frame, Schema(columns), STARTS, rare_threshold=5), frame


def fitted(*columns: Column) -> tuple[StepFeatures, StepCodec, pd.DataFrame]:
    codec, frame = made(*columns)
    coded = codec.encode(frame, STARTS)
    return StepFeatures.fit(codec, coded.values, coded.clock, STARTS), codec, frame


class TestFit:
    def test_scales_are_those_of_the_filled_cells(self) -> None:
        features, codec, frame = fitted(*NUMBERS)
        kept = {name: frame[name].clip(*known_range(codec.table.columns[name])) for name in ("a", "b")}
        assert features.numbers.mean.tolist() == pytest.approx([kept["a"].mean(), kept["b"].mean()])
        assert features.numbers.spread.tolist() == pytest.approx([kept["a"].std(ddof=0), kept["b"].std(ddof=0)])
        assert features.numbers.sparse.tolist() == [1]

    def test_whitened_columns_are_uncorrelated_and_of_variance_one(self) -> None:
        features, codec, frame = fitted(*NUMBERS)
        values = codec.encode(frame, STARTS).values
        values = np.clip(values, *np.array([known_range(codec.table.columns[name]) for name in codec.numbers]).T)
        scaled = np.where(np.isnan(values), 0, (values - features.numbers.mean) / features.numbers.spread)
        whitened = scaled @ features.numbers.whitening
        assert np.allclose(whitened.T @ whitened / ROWS, np.eye(2))

    def test_time_is_counted_in_the_usual_gap(self) -> None:
        assert fitted(*NUMBERS, TIME)[0].unit == 3
        assert fitted(*NUMBERS, DATE)[0].unit == 3 * 3_600e6
        assert fitted(*NUMBERS)[0].unit == 1

    def test_gaps_between_entities_do_not_count(self) -> None:
        codec, _ = made(*NUMBERS)
        clock = np.array([0.0, 2, 1_000, 1_002])
        assert StepFeatures.fit(codec, np.zeros((4, 2)), clock, np.array([0, 2])).unit == 2

    def test_entities_of_one_step_and_columns_without_values(self) -> None:
        codec, _ = made(*NUMBERS)
        features = StepFeatures.fit(codec, np.full((3, 2), np.nan), np.zeros(3), np.arange(3))
        assert (features.unit, features.numbers.mean.tolist(), features.numbers.spread.tolist()) == (
            1.0,
            [0, 0],
            [1, 1],
        )
        assert np.isfinite(features.numbers.whitening).all()


class TestDescribe:
    @pytest.mark.parametrize(
        ("columns", "timely"), [(NUMBERS, 0), ((*NUMBERS, TIME), 3), ((*NUMBERS, DATE), 3 + CALENDAR)]
    )
    def test_shapes(self, columns: tuple[Column, ...], timely: int) -> None:
        features, codec, frame = fitted(*columns)
        coded = codec.encode(frame, STARTS)
        spans = coded.clock[STARTS + STEPS - 1] - coded.clock[STARTS]
        before, time, *_ = features.of_entities(coded, LENGTHS, spans)
        assert before.shape == (ROWS, features.size)
        assert features.timely_size == timely
        assert time.shape == (ROWS, timely)
        assert before.dtype == time.dtype == np.float32
        assert np.isfinite(before).all()
        assert np.isfinite(time).all()

    def test_a_first_step_knows_nothing_but_its_place(self) -> None:
        features, codec, frame = fitted(*NUMBERS)
        before, *_ = features.of_entities(codec.encode(frame, STARTS), LENGTHS, np.full(ENTITIES, STEPS - 1.0))
        numbers = 2 * 2 + 2 + 2 + 2  # scaled and ranks, whitened, known and age of the sparse one, swings
        assert (before[STARTS, :numbers] == 0).all()
        assert before[0, numbers:].tolist() == pytest.approx([1, 0, 0, 0, 0, np.log1p(8) / 4, 0])
        assert before[5, numbers : numbers + 4].tolist() == [0, 0, 0, 1]  # three are left
        assert before[6, numbers : numbers + 4].tolist() == [0, 0, 1, 0]
        assert before[7, numbers:].tolist() == pytest.approx([0, 1, 0, 0, np.log1p(7) / 4, np.log1p(1) / 4, 7 / 8])
        assert features.size == numbers + PLACES

    def test_the_last_value_is_scaled_and_cut_off(self) -> None:
        features, _, _ = fitted(*NUMBERS)
        last = features.numbers.mean + features.numbers.spread * [1.5, 100.0]
        history = History.empty(1, 2)._replace(values=last[None], times=np.array([[0.0, 1.0]]))
        described = self.one(features, history, clock=4.0)
        assert described[:2].tolist() == pytest.approx([1.5, FARTHEST])
        assert described[3] == pytest.approx(np.sqrt(3))  # beyond the last quantile
        assert described[6] == 1  # the sparse column is known
        assert described[7] == pytest.approx(np.log1p(3))  # and three units old

    def test_how_far_numbers_swing_lately_is_told_beside_what_is_usual(self) -> None:
        columns = Column(name="a", kind=Kind.DECIMAL, dtype="float64"), Column(name="b", kind=Kind.DECIMAL)
        frame = pd.DataFrame(
            {"a": np.tile([100.0, 110.0], ROWS // 2), "b": np.tile([-3.0, -3.0, -1.0, -1.0], ROWS // 4)}
        )
        codec = StepCodec.fit(frame, Schema(columns), STARTS, rare_threshold=5)
        coded = codec.encode(frame, STARTS)
        features = StepFeatures.fit(codec, coded.values, coded.clock, STARTS)
        of = [list(codec.numbers).index(name) for name in "ab"]
        assert features.numbers.positive[of].tolist() == [True, False]
        usual = (4 * 10 / 100 + 3 * 10 / 110) / 7  # up four times in eight steps, down three times
        assert features.numbers.swing[of].tolist() == pytest.approx([usual, 6 / 7])  # of seven moves, three are of 2
        history = History.empty(1, 2)._replace(
            values=np.full((1, 2), 100.0), swings=np.array([[20 * usual, 24 / 7]])[:, of]
        )
        described = self.one(features, history, clock=1.0)[6:8][of]
        assert described.tolist() == pytest.approx([np.log(0.2), np.log(4)])

    def test_when_numbers_that_follow_a_beat_last_turned_is_told(self) -> None:
        features, _, _ = fitted(*NUMBERS)
        numbers = dataclasses.replace(features.numbers, periods=np.array([6, 4]))
        features = dataclasses.replace(features, numbers=numbers)

        def told(*turns: int) -> list[float]:
            described = self.one(features, History.empty(1, 2), clock=1.0, turns=np.array([turns]))
            assert len(described) == features.size
            return described[10:16].tolist()

        assert told(8, 3) == pytest.approx([1, 1, 0, 0, 2 / 6, 3 / 4])
        assert told(12, 4) == pytest.approx([1, 1, 1, 1, 0, 0])
        assert told(0, 1) == pytest.approx([0, 1, 0, 0, 0, 1 / 4])  # one never turns

    def test_what_is_left_of_the_span(self) -> None:
        features, _, _ = fitted(*NUMBERS, TIME)
        history = History.empty(1, 3)
        described = self.one(features, history, clock=6.0, began=0.0, place=2, span=21.0)
        assert described[-4:-2].tolist() == pytest.approx([np.log1p(15 / 3) / 4, 15 / 21])
        assert described[-2:].tolist() == pytest.approx([-1, -np.log1p(1) / 4])  # five gaps of time for six steps
        over = self.one(features, history, clock=30.0, began=0.0, place=2, span=21.0)
        assert over[-4:-2].tolist() == [0, 0]
        assert over[-2:].tolist() == pytest.approx([-2, -np.log1p(6) / 4])

    def test_the_calendar_of_the_last_step_is_told_but_not_of_the_first_one_itself(self) -> None:
        features, _, _ = fitted(*NUMBERS, DATE)
        monday = pd.Timestamp("2024-01-01").value / 1_000
        told = self.one(features, History.empty(1, 3), clock=monday, began=monday, place=1)
        assert told[-50:-40].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]
        untold = self.one(features, History.empty(1, 3), clock=monday, began=monday, place=0)
        assert not untold[-50:].any()

    def test_the_time_of_a_step_is_what_elapsed_and_the_calendar(self) -> None:
        features, _, _ = fitted(*NUMBERS, DATE)
        monday = pd.Timestamp("2024-01-01").value / 1_000
        described = features.timely(
            np.array([monday]), np.array([monday - 6 * 3_600e6]), np.array([monday]), np.empty((1, 0))
        )[0]
        assert described[:13].tolist() == pytest.approx([np.log1p(2), 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0])

    def test_what_happened_on_this_day_of_the_month_or_of_the_week_or_at_this_hour_is_told(self) -> None:
        features = dataclasses.replace(fitted(*NUMBERS, DATE)[0], kinds=4)
        now, *then = (
            pd.Timestamp(when).value / 1_000
            for when in ("2024-03-05 14:30", "2024-02-05 09:00", "2024-02-27 14:00", "2024-03-05 14:00")
        )  # a Tuesday, a Monday, a Tuesday, the same day
        described = features.timely(*np.array([[now], [now], [now + 3 * features.unit]]), np.array([[*then, np.nan]]))[
            0
        ]
        assert described[1:3].tolist() == pytest.approx([0, np.log1p(3) / 4])
        today, day, weekday, hour = described[-16:].reshape(4, 4).tolist()
        assert today == [0, 0, 1, 0]
        assert day == [1, 0, 0, 0]
        assert weekday == [0, 1, 0, 0]
        assert hour == [0, 1, 0, 0]
        assert len(described) == features.timely_size

    def test_moments_are_counted_in_days(self) -> None:
        features, _, _ = fitted(*NUMBERS, DATE)
        assert features.moments(*np.array([[2.0], [9.0]]) * DAY, np.array([[DAY / 2]])).tolist() == [[2, 9, 0.5]]
        assert fitted(*NUMBERS)[0].moments(np.array([2.0]), np.array([9.0]), np.empty((1, 0))).shape == (1, 0)

    def one(
        self,
        features: StepFeatures,
        history: History,
        *,
        clock: float,
        began: float = 0.0,
        place: int = 1,
        span: float = 7.0,
        turns: np.ndarray | None = None,
    ) -> np.ndarray:
        """Describe one step of a sequence of eight."""
        numbers = np.array([clock]), np.array([began])
        turns = np.zeros((1, 0), np.int64) if turns is None else turns
        return features.before(history, *numbers, np.array([place]), np.array([8]), np.array([span]), turns)[0]


def test_drawing_step_by_step_sees_what_training_saw() -> None:
    features, codec, frame = fitted(*NUMBERS, TIME)
    coded = codec.encode(frame, STARTS)
    spans = coded.clock[STARTS + STEPS - 1] - coded.clock[STARTS]
    before, timely, *_ = features.of_entities(coded, LENGTHS, spans)
    history, began = History.empty(ENTITIES, 3), coded.clock[STARTS]
    clock = began
    for step in range(STEPS):
        none = np.zeros((ENTITIES, 0), np.int64)
        described = features.before(history, clock, began, np.full(ENTITIES, step), LENGTHS, spans, none)
        assert np.array_equal(described, before[STARTS + step])
        now = coded.clock[STARTS + step]
        assert np.array_equal(features.timely(now, clock, began + spans, history.happened), timely[STARTS + step])
        history, clock = history.after(coded.values[STARTS + step], now), now


@pytest.mark.parametrize("columns", [NUMBERS, (*NUMBERS, DATE), (Column(name="when", kind=Kind.CATEGORICAL),)])
def test_json_round_trip(columns: tuple[Column, ...]) -> None:
    features, codec, frame = fitted(*columns)
    again = StepFeatures.from_dict(json.loads(json.dumps(features.to_dict())))
    assert again.to_dict() == features.to_dict()
    coded = codec.encode(frame, STARTS)
    for one, other in zip(
        again.of_entities(coded, LENGTHS, np.full(ENTITIES, 7.0)),
        features.of_entities(coded, LENGTHS, np.full(ENTITIES, 7.0)),
        strict=True,
    ):
        assert np.array_equal(one, other)
