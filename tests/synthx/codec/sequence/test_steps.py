from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.numeric import NumericCodec
from synthx.codec.sequence.history import History
from synthx.codec.sequence.references import Reference
from synthx.codec.sequence.steps import StepCodec
from synthx.codec.structure.rules import Affine, Duplicate, Order
from synthx.codec.table import Coded
from synthx.schema import Column, Kind, Role, Schema

ENTITIES, STEPS = 60, 20
ROWS = ENTITIES * STEPS
STARTS = np.arange(ENTITIES) * STEPS
UNDECIDED = 0.5


def integer(name: str, role: Role | None = None, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=Kind.INTEGER, dtype="float64" if nullable else "int64", role=role, nullable=nullable)


def decimal(name: str, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=Kind.DECIMAL, dtype="float64", nullable=nullable)


def fit(frame: pd.DataFrame, *columns: Column, starts: np.ndarray = STARTS, rare_threshold: int = 5) -> StepCodec:
    return StepCodec.fit(frame, Schema(columns), starts, rare_threshold=rare_threshold)


def walk(seed: int, scale: float = 1.0, start: float = 50.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, scale, (ENTITIES, STEPS))
    moves[:, 0] = rng.normal(0, start * scale, ENTITIES)
    return moves.cumsum(axis=1).ravel()


def step_by_step(codec: StepCodec, frame: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """Decode a frame's codes as a model draws them, each step from what was decoded before; (rows, numbers)."""
    coded = codec.encode(frame, starts)
    offsets = np.full(coded.codes.shape, UNDECIDED)
    for index, (name, number) in enumerate(codec.numbers.items()):
        source = number.source(coded.values, coded.history)
        offsets[:, codec.names.index(name)] = number.encode(coded.values[:, index], source)[1]
    decoded = np.empty(coded.values.shape)
    for start, end in zip(starts, [*starts[1:], len(frame)], strict=True):
        history = History.empty(1, len(codec.numbers), codec.told_apart)
        then = np.full((max(1, codec.told_apart), len(codec.numbers)), np.nan)
        for step in range(start, end):
            kind = codec.kind(coded.codes[[step]])
            history = history.at(kind, then[kind])
            decoded[[step]] = codec.decode_numbers(coded.codes[[step]], offsets[[step]], history)
            then[kind] = decoded[[step]]
            clock = decoded[[step], codec.time] if codec.time is not None else np.array([float(step - start)])
            history = history.after(decoded[[step]], clock)
    return decoded


class TestRoundTrip:
    @settings(max_examples=40)
    @given(
        st.lists(
            st.lists(st.tuples(st.integers(1, 3), st.sampled_from([-1, 0, 1, None]), st.integers(0, 2)), min_size=1),
            min_size=1,
            max_size=8,
        )
    )
    def test_spikes_grids_and_missing_cells_come_back_exactly(
        self, sequences: list[list[tuple[int, int | None, int]]]
    ) -> None:
        lengths = [len(sequence) for sequence in sequences]
        starts = np.cumsum([0, *lengths[:-1]])
        flat = [step for sequence in sequences for step in sequence]
        of_sequence = np.repeat(np.arange(len(lengths)), lengths)
        moves = np.array([step[1] if step[1] is not None else 0 for step in flat])
        level = pd.Series(moves).groupby(of_sequence).cumsum().clip(-9, 9).astype(float)
        level[[step[1] is None for step in flat]] = np.nan
        day = pd.Series([step[0] for step in flat]).groupby(of_sequence).cumsum()
        frame = pd.DataFrame({"level": level, "dose": [step[2] * 0.25 for step in flat], "day": day})
        columns = (integer("level", nullable=True), decimal("dose"), integer("day", Role.TIME))
        # With one holder enough and few values, each value and each distance has a code of its own.
        codec = fit(frame, *columns, starts=starts, rare_threshold=1)
        decoded = pd.DataFrame(step_by_step(codec, frame, starts), columns=list(codec.numbers))
        if len(set(day)) > 48:
            return  # days beyond the levels' codes share bins
        for name in frame:
            assert np.array_equal(decoded[name], frame[name].astype(float), equal_nan=True)

    def test_measurements_come_back_within_the_resolution_of_bins(self) -> None:
        frame = pd.DataFrame({"x": walk(0, 1.0, 3.0), "y": np.random.default_rng(1).uniform(0, 1, ROWS)})
        codec = fit(frame, decimal("x"), decimal("y"))
        assert codec.numbers["x"].reference == Reference(0)
        decoded = step_by_step(codec, frame, STARTS)
        inner = (frame["y"] > 0.05) & (frame["y"] < 0.95)
        assert np.abs(decoded[:, 1] - frame["y"])[inner].max() < 0.01
        assert np.median(np.abs(decoded[:, 0] - frame["x"])) < 0.05  # clipped moves add up, but few are

    def test_cents_come_back_exactly_where_moves_are_few(self) -> None:
        rng = np.random.default_rng(0)
        start = rng.integers(9_000, 11_000, (ENTITIES, 1))
        price = (start + rng.integers(-1, 2, (ENTITIES, STEPS)).cumsum(axis=1)).ravel() / 100
        codec = fit(pd.DataFrame({"price": price}), decimal("price"))
        assert codec.numbers["price"].reference == Reference(0)
        bounds = codec.numbers["price"].bounds
        assert bounds is not None
        known = price[(price >= bounds[0]) & (price <= bounds[1])]
        assert len(known) > 0.8 * len(price)
        decoded = step_by_step(codec, pd.DataFrame({"price": price}), STARTS)[:, 0]
        within = pd.Series(np.isin(price, known)).groupby(np.repeat(np.arange(ENTITIES), STEPS)).transform("all")
        assert within.sum() > ROWS / 2
        assert np.array_equal(decoded[within], price[within])

    def test_an_interpolated_series_goes_straight_on(self) -> None:
        anchors = np.random.default_rng(0).normal(20, 3, (ENTITIES, 5))
        series = np.stack([np.interp(np.arange(STEPS), [0, 5, 10, 15, 19], row) for row in anchors]).ravel()
        codec = fit(pd.DataFrame({"x": series}), decimal("x"))
        number = codec.numbers["x"]
        assert number.reference == Reference(0, straight=True)
        coded = codec.encode(pd.DataFrame({"x": series}), STARTS)
        source = number.source(coded.values, coded.history)
        inside = np.isin(np.arange(ROWS) % STEPS, [2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15, 17, 18, 19])
        assert (coded.codes[inside, 0] == number.size - 1).all()
        assert number.bounds is not None
        low, high = number.bounds
        kept = inside & (source.onward > low) & (source.onward < high)
        went = number.decode(coded.codes[kept, 0], np.full(kept.sum(), UNDECIDED), source.pick(kept))
        assert np.array_equal(went, source.onward[kept])  # the second difference is zero, not nearly so
        bent = np.isin(np.arange(ROWS) % STEPS, [6, 11, 16])
        assert (coded.codes[bent, 0] < number.size - 1).all()


class TestKinds:
    """An account: rent is the same every time, a balance follows from what is paid."""

    FRAME = pd.DataFrame({"what": np.random.default_rng(0).choice(["pay", "rent", "shop"], ROWS)})
    RENT = np.random.default_rng(1).integers(300, 900, ENTITIES).repeat(STEPS)
    FRAME["amount"] = np.where(FRAME["what"] == "rent", RENT, np.random.default_rng(2).integers(1, 40, ROWS) * 10)
    FRAME["balance"] = (FRAME["amount"] * np.where(FRAME["what"] == "pay", 1, -1)).groupby(
        np.arange(ROWS) // STEPS
    ).cumsum() + 5_000
    COLUMNS = (Column(name="what", kind=Kind.CATEGORICAL, dtype="str"), integer("amount"), integer("balance"))

    def test_amounts_recur_and_balances_add_up(self) -> None:
        codec = fit(self.FRAME, *self.COLUMNS)
        assert codec.kinds is not None
        assert codec.kinds.columns == ("what",)
        assert codec.names[0] == "what"
        pay, rent, shop = (int(kind) for kind in codec.kind(codec.encode(self.FRAME, STARTS).codes[self._firsts()]))
        amount, balance = (codec.numbers[name].reference for name in ("amount", "balance"))
        assert amount is not None
        assert balance is not None
        assert [amount.recurring[kind] for kind in (pay, rent, shop)] == [False, True, False]
        assert [balance.signs[kind] for kind in (pay, rent, shop)] == [1, -1, -1]
        assert list(codec.numbers).index("amount") < list(codec.numbers).index("balance")

    def _firsts(self) -> list[int]:
        return [int((self.FRAME["what"] == what).to_numpy().argmax()) for what in ("pay", "rent", "shop")]

    def test_they_come_back(self) -> None:
        codec = fit(self.FRAME, *self.COLUMNS)
        coded = codec.encode(self.FRAME, STARTS)
        decoded = step_by_step(codec, self.FRAME, STARTS)
        amount, balance = (decoded[:, list(codec.numbers).index(name)] for name in ("amount", "balance"))
        again = (self.FRAME["what"] == "rent").to_numpy() & (coded.recalled >= 0)
        assert np.array_equal(amount[again], amount[coded.recalled[again]])
        first = np.isin(np.arange(ROWS), STARTS)
        sign = np.where(self.FRAME["what"] == "pay", 1, -1)
        low, high = codec.numbers["balance"].bounds or (0, 0)
        inside = ~first & (balance > low + 1) & (balance < high - 1)  # bounds are rounded to whole numbers
        assert inside.sum() > ROWS / 2
        assert np.array_equal((np.diff(balance, prepend=0) - sign * amount)[inside], np.zeros(inside.sum()))

    def test_they_survive_json(self) -> None:
        codec = fit(self.FRAME, *self.COLUMNS)
        back = StepCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
        assert back.to_dict() == codec.to_dict()
        assert np.array_equal(back.encode(self.FRAME, STARTS).codes, codec.encode(self.FRAME, STARTS).codes)


class TestLevels:
    def test_levels_are_those_of_first_steps_however_many_others_there_are(self) -> None:
        hour = np.tile(np.arange(100), ENTITIES).astype(float)
        frame = pd.DataFrame({"hour": hour})
        schema = Schema((Column(name="hour", kind=Kind.INTEGER, role=Role.TIME),))
        codec = StepCodec.fit(frame, schema, np.arange(ENTITIES) * 100, rare_threshold=5)
        assert codec.numbers["hour"].level.spikes.tolist() == [0.0]
        assert np.array_equal(step_by_step(codec, frame, np.arange(ENTITIES) * 100)[:, 0], hour)


class TestReferences:
    def test_the_time_is_drawn_first_and_measured_from_the_last(self) -> None:
        day = np.tile(np.arange(STEPS), ENTITIES)
        frame = pd.DataFrame({"ward": ["a", "b"] * (ROWS // 2), "x": walk(0), "day": day})
        codec = fit(frame, Column(name="ward", kind=Kind.CATEGORICAL), decimal("x"), integer("day", Role.TIME))
        assert codec.names == ("day", "ward", "x")
        assert tuple(codec.numbers) == ("day", "x")
        assert codec.time == 0
        assert codec.numbers["day"].reference == Reference(0)
        assert codec.numbers["day"].bounds is None
        assert codec.encode(frame, STARTS).clock.tolist() == day.tolist()

    def test_without_a_time_the_clock_counts_steps(self) -> None:
        codec = fit(pd.DataFrame({"x": walk(0)}), decimal("x"))
        assert codec.time is None
        starts = np.array([0, 3])
        assert codec.encode(pd.DataFrame({"x": [0.5, 0.6, 0.7, 0.1, 0.2]}), starts).clock.tolist() == [0, 1, 2, 0, 1]

    def test_what_is_measured_from_another_comes_after_it(self) -> None:
        low = walk(0)
        noise = np.random.default_rng(1).normal(0, 0.01, ROWS)
        codec = fit(
            pd.DataFrame({"high": low + 0.5 + noise, "low": low + noise[::-1]}), decimal("high"), decimal("low")
        )
        first, second = codec.numbers.values()
        assert first.reference == Reference(0)
        assert second.reference == Reference(0, now=True)

    def test_an_opening_price_is_measured_from_the_last_close(self) -> None:
        close = walk(0)
        last = History.before_steps(close[:, None], np.zeros(ROWS), STARTS).values[:, 0]
        opening = np.where(np.isnan(last), close, last) + np.random.default_rng(1).normal(0, 0.01, ROWS)
        codec = fit(pd.DataFrame({"open": opening, "close": close}), decimal("open"), decimal("close"))
        assert codec.numbers["open"].reference == Reference(list(codec.numbers).index("close"))

    def test_entities_of_one_step_are_levels(self) -> None:
        x = np.random.default_rng(0).normal(size=200)
        frame = pd.DataFrame({"x": x, "day": np.arange(200) % 7})
        codec = fit(frame, decimal("x"), integer("day", Role.TIME), starts=np.arange(200))
        assert all(number.move is None for number in codec.numbers.values())
        assert np.array_equal(step_by_step(codec, frame, np.arange(200))[:, 0], frame["day"])

    def test_too_few_second_steps_tell_nothing_of_the_time(self) -> None:
        """A distance that four entities know of has no code, and no second step may come out without a time."""
        starts = np.array([*range(100), *range(100, 108, 2)])
        frame = pd.DataFrame({"day": [*(np.arange(100) % 7), *[3, 5] * 4]})
        codec = fit(frame, integer("day", Role.TIME), starts=starts)
        assert codec.numbers["day"].move is None
        assert step_by_step(codec, frame, starts)[:, 0].tolist() == frame["day"].tolist()

    def test_a_column_that_is_all_missing(self) -> None:
        frame = pd.DataFrame({"x": np.full(ROWS, np.nan), "y": walk(0)})
        codec = fit(frame, decimal("x", nullable=True), decimal("y"))
        assert codec.sizes[0] == codec.missing[0] == 1
        assert np.isnan(step_by_step(codec, frame, STARTS)[:, 0]).all()


class TestStructure:
    def rebuilt(self, codec: StepCodec, frame: pd.DataFrame) -> pd.DataFrame:
        coded = codec.encode(frame, STARTS)
        numbers = {name: coded.values[:, index] for index, name in enumerate(codec.numbers)}
        coded_table = Coded(coded.codes, np.full(coded.codes.shape, UNDECIDED))
        return codec.table.decode(coded_table, np.random.default_rng(0), numbers=numbers)

    def test_duplicates_and_affine_columns_are_not_coded(self) -> None:
        rng = np.random.default_rng(0)
        celsius = np.round(walk(0), 1)
        frame = pd.DataFrame({"rv1": rng.normal(size=ROWS), "celsius": celsius})
        frame["rv2"], frame["scaled"] = frame["rv1"], np.round(frame["celsius"] * 2 + 3, 1)
        codec = fit(frame, *(decimal(name) for name in frame.columns))
        assert codec.names == ("rv1", "celsius")
        assert {type(rule) for rule in codec.table.structure.rules} == {Duplicate, Affine}
        pd.testing.assert_frame_equal(self.rebuilt(codec, frame), frame)

    def test_a_high_is_never_below_a_low(self) -> None:
        low = np.round(walk(0) + 500, 2)
        high = np.round(low + np.random.default_rng(1).exponential(1.0, ROWS), 2)
        frame = pd.DataFrame({"high": high, "low": low})
        codec = fit(frame, decimal("high"), decimal("low"))
        assert any(isinstance(rule, Order) for rule in codec.table.structure.rules)
        index = {name: list(codec.numbers).index(name) for name in ("high", "low")}
        coded = codec.encode(frame, STARTS)
        swapped = {"high": coded.values[:, index["low"]] - 1, "low": coded.values[:, index["low"]]}
        drawn = codec.table.decode(
            Coded(coded.codes, np.full(coded.codes.shape, UNDECIDED)), np.random.default_rng(0), numbers=swapped
        )
        assert (drawn["high"] >= drawn["low"]).all()


class TestShape:
    FRAME = pd.DataFrame(
        {
            "ward": [*(["a", "b", None] * (ROWS // 3))],
            "x": np.where(np.arange(ROWS) % 7 == 0, np.nan, walk(0)),
            "day": np.tile(np.arange(STEPS), ENTITIES),
        }
    )
    COLUMNS = (
        Column(name="ward", kind=Kind.CATEGORICAL, nullable=True),
        decimal("x", nullable=True),
        integer("day", Role.TIME),
    )

    def test_sizes_ranks_and_codes_agree(self) -> None:
        codec = fit(self.FRAME, *self.COLUMNS)
        assert codec.sizes[1] == 3
        assert codec.missing == (0, 1, 1)
        assert [None if rank is None else len(rank) for rank in codec.ranks] == [codec.sizes[0], None, codec.sizes[2]]
        assert len(codec.drawn) == sum(codec.sizes)
        codes = codec.encode(self.FRAME, STARTS).codes
        assert codes.dtype == np.int32
        assert (codes >= 0).all()
        assert (codes < codec.sizes).all()

    def test_what_is_rarely_missing_is_not_drawn_as_missing(self) -> None:
        x = walk(0)
        x[:40] = np.nan  # two whole entities
        codec = fit(pd.DataFrame({"x": x}), decimal("x", nullable=True))
        assert codec.missing == (1,)
        assert codec.drawn.tolist() == [False] + [True] * (codec.sizes[0] - 1)

    @settings(max_examples=15)
    @given(st.integers(0, 99), st.sampled_from([1, 5, 20]), st.booleans())
    def test_json_round_trip(self, seed: int, rare_threshold: int, timed: bool) -> None:
        frame = self.FRAME.assign(x=np.round(walk(seed), 1), y=walk(seed) + 0.5)
        frame = frame if timed else frame.drop(columns="day")
        columns = (*self.COLUMNS, decimal("y")) if timed else (*self.COLUMNS[:2], decimal("y"))
        codec = fit(frame, *columns, rare_threshold=rare_threshold)
        again = StepCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
        assert again.to_dict() == codec.to_dict()
        assert (again.names, tuple(again.numbers), again.sizes) == (codec.names, tuple(codec.numbers), codec.sizes)
        one, other = again.encode(frame, STARTS), codec.encode(frame, STARTS)
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.values, other.values, equal_nan=True)


class TestHolders:
    """Nothing is stored that fewer sequences than `rare_threshold` share, however many steps of theirs do."""

    def planted(self, entities: int, value: float) -> np.ndarray:
        """Put a value into 5 steps of each of the first entities."""
        x = np.random.default_rng(0).normal(size=(ENTITIES, STEPS))
        x[:entities, 3:8] = value
        return x.ravel()

    @pytest.mark.parametrize(("entities", "stored"), [(9, False), (10, True)])
    def test_a_planted_value(self, entities: int, stored: bool) -> None:
        codec = fit(pd.DataFrame({"x": self.planted(entities, 0.777)}), decimal("x"), rare_threshold=10)
        column = codec.table.columns["x"]
        assert isinstance(column, NumericCodec)
        assert (0.777 in column.spikes) is stored
        assert (0.777 in codec.numbers["x"].level.spikes) is stored

    @pytest.mark.parametrize(("entities", "stored"), [(9, False), (10, True)])
    def test_a_planted_level(self, entities: int, stored: bool) -> None:
        wards = np.full((ENTITIES, STEPS), "common", object)
        wards[::2, ::2] = "other"
        wards[:entities, 3:8] = "isolation"
        codec = fit(
            pd.DataFrame({"ward": wards.ravel()}), Column(name="ward", kind=Kind.CATEGORICAL), rare_threshold=10
        )
        assert ("isolation" in json.dumps(codec.to_dict())) is stored

    @pytest.mark.parametrize(("entities", "stored"), [(9, False), (10, True)])
    def test_a_planted_move(self, entities: int, stored: bool) -> None:
        moves = np.random.default_rng(0).normal(size=(ENTITIES, STEPS))
        moves[:, 0] *= 50
        moves[:entities, 3:8] = 0.125
        x = (np.round(moves * 2**20) / 2**20).cumsum(axis=1).ravel()  # so that sums are exact
        move = fit(pd.DataFrame({"x": x}), decimal("x"), rare_threshold=10).numbers["x"].move
        assert move is not None
        assert (0.125 in move.spikes) is stored

    def test_the_extremes_of_one_entity_are_clipped(self) -> None:
        x = np.random.default_rng(0).normal(size=(ENTITIES, STEPS))
        x[7] = 1_000 + np.arange(STEPS)
        codec = fit(pd.DataFrame({"x": x.ravel()}), decimal("x"), rare_threshold=10)
        assert codec.numbers["x"].level.knots.max() < 5
        column = codec.table.columns["x"]
        assert isinstance(column, NumericCodec)
        assert column.knots.max() < 5
