from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from synthx.codec.categorical import CategoricalCodec
from synthx.codec.holders import Sharing, count_holders
from synthx.codec.numeric import NumericCodec
from synthx.codec.structure.rules import Lookup
from synthx.codec.table import TableCodec
from synthx.schema import Column, Kind, Schema

HOLDERS = st.lists(st.integers(0, 5), min_size=1, max_size=40)


class TestCount:
    def test_each_holder_counts_once(self) -> None:
        groups, holders = np.array([0, 0, 0, 2, 2, 2]), np.array([7, 7, 8, 1, 1, 1])
        assert count_holders(groups, 4, holders).tolist() == [2, 0, 1, 0]

    def test_without_holders_rows_count(self) -> None:
        assert count_holders(np.array([0, 0, 0, 2]), 3, None).tolist() == [3, 0, 1]

    def test_of_nothing(self) -> None:
        nothing = np.empty(0, np.int64)
        assert count_holders(nothing, 2, nothing).tolist() == [0, 0]


class TestSharing:
    def test_runs_by_hand(self) -> None:
        sharing = Sharing(6, 2, np.array([4, 4, 4, 1, 1, 4]))
        assert [sharing.end_from(start) for start in range(6)] == [4, 4, 4, 6, 6, 7]
        assert [sharing.start_to(end) for end in range(1, 7)] == [-1, -1, -1, 2, 2, 4]
        assert sharing.is_enough()
        assert not sharing.is_enough(0, 3)
        assert sharing.is_enough(2, 4)

    def test_rows_may_be_left_out(self) -> None:
        sharing = Sharing(4, 2, np.array([4, 1, 4, 1])).pick(np.array([True, False, True, False]))
        assert sharing.rows == 2
        assert not sharing.is_enough()

    @given(HOLDERS, st.integers(1, 4), st.data())
    def test_a_run_is_the_shortest_that_enough_share(self, holders: list[int], least: int, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(holders)))
        sharing = Sharing(len(holders), least, np.array(holders))
        ends = (end for end in range(start, len(holders) + 1) if len(set(holders[start:end])) >= least)
        assert sharing.end_from(start) == next(ends, len(holders) + 1)
        starts = (first for first in range(start, -1, -1) if len(set(holders[first:start])) >= least)
        assert sharing.start_to(start) == next(starts, -1)

    @given(st.integers(0, 30), st.integers(1, 9), st.data())
    def test_holders_of_a_row_each_are_rows(self, rows: int, least: int, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, rows))
        each, plain = Sharing(rows, least, np.arange(rows)), Sharing(rows, least)
        assert each.is_enough(start) == plain.is_enough(start)
        assert min(each.end_from(start), rows + 1) == min(plain.end_from(start), rows + 1)


class TestNumbers:
    @settings(max_examples=60)
    @given(
        st.lists(st.integers(-20, 20).map(lambda k: k / 4), max_size=300),
        st.integers(1, 12),
        st.integers(1, 60),
    )
    def test_a_holder_a_row_changes_nothing(self, values: list[float], rare_threshold: int, most: int) -> None:
        array = np.array(values)
        plain = NumericCodec.fit(array, rare_threshold=rare_threshold, max_spikes=most)
        held = NumericCodec.fit(array, rare_threshold=rare_threshold, max_spikes=most, holders=np.arange(len(array)))
        if plain.bins:
            rest = array[~np.isin(array, plain.spikes)]
            alone = int(((rest > plain.knots[0]) & (rest < plain.knots[-1])).sum())
            assume(plain.knots[0] == plain.knots[-1] or alone >= rare_threshold)  # else rows beyond both ends suffice
        assert held.to_dict() == plain.to_dict()

    @pytest.mark.parametrize(("entities", "stored"), [(9, False), (10, True)])
    def test_a_value_of_fifty_rows_is_a_spike_from_ten_entities_on(self, entities: int, stored: bool) -> None:
        values = np.random.default_rng(0).normal(size=2_000)
        values[:50] = 0.777
        holders = np.concatenate([np.arange(50) % entities, 100 + np.arange(1_950) % 90])
        codec = NumericCodec.fit(values, rare_threshold=10, holders=holders)
        assert (codec.spikes.tolist() == [0.777]) is stored

    @pytest.mark.parametrize(("entities", "stored"), [(9, False), (10, True)])
    def test_so_are_the_values_of_a_column_with_few(self, entities: int, stored: bool) -> None:
        values = np.repeat([1.0, 2.0, 5.0], [500, 500, 50])
        holders = np.concatenate([np.arange(1_000) % 30, np.arange(50) % entities])
        codec = NumericCodec.fit(values, rare_threshold=10, holders=holders)
        assert codec.spikes.tolist() == [1, 2, 5] if stored else codec.spikes.tolist() == [1, 2]

    def test_the_extremes_of_one_entity_are_clipped(self) -> None:
        values = np.concatenate([np.random.default_rng(0).uniform(0, 1, 3_000), np.linspace(90, 95, 100)])
        holders = np.concatenate([np.arange(3_000) % 60, np.full(100, 60)])
        assert NumericCodec.fit(values, rare_threshold=10).knots[-1] > 90
        codec = NumericCodec.fit(values, rare_threshold=10, holders=holders)
        assert codec.knots[-1] < 1
        codes, offsets = codec.encode(values)
        assert codec.decode(codes, offsets).max() <= codec.knots[-1]

    @settings(max_examples=40)
    @given(st.integers(0, 999), st.integers(2, 12), st.integers(1, 60), st.integers(1, 4))
    def test_enough_entities_share_each_piece_and_what_lies_beyond(
        self, seed: int, rare_threshold: int, entities: int, sharpness: int
    ) -> None:
        rng = np.random.default_rng(seed)
        holders = rng.integers(0, entities, 800)
        values = rng.normal(size=800) + sharpness * holders  # entities have values of their own
        codec = NumericCodec.fit(values, rare_threshold=rare_threshold, holders=holders)
        if len(set(holders)) < rare_threshold:
            assert codec.size == 1
            return
        cuts = np.unique(codec.knots)
        for low, high in zip([-np.inf, *cuts], [*cuts, np.inf], strict=True):
            shared = len(set(holders[(values > low) & (values <= high)]))
            assert shared >= rare_threshold or len(cuts) == 1  # one knot describes all values at once

    def test_what_few_entities_hold_is_missing(self) -> None:
        codec = NumericCodec.fit(np.arange(500.0), rare_threshold=10, holders=np.arange(500) % 9)
        assert (codec.size, codec.nullable) == (1, True)
        codec = NumericCodec.fit(np.empty(0), rare_threshold=10, holders=np.empty(0, np.int64))
        assert (codec.size, codec.nullable) == (1, True)

    def test_missing_cells_keep_their_holders_apart(self) -> None:
        values = np.where(np.arange(400) % 2 == 0, np.nan, 3.0)
        holders = np.where(np.arange(400) % 2 == 0, np.arange(400) % 50, 7)
        assert NumericCodec.fit(values, rare_threshold=10, holders=holders).spikes.tolist() == []


class TestLevels:
    @pytest.mark.parametrize(("entities", "levels"), [(9, ("a",)), (10, ("a", "b"))])
    def test_a_level_of_fifty_rows_is_stored_from_ten_entities_on(self, entities: int, levels: tuple[str, ...]) -> None:
        cells = pd.Series([*["a"] * 200, *["b"] * 50, None])
        holders = np.concatenate([np.arange(200) % 20, np.arange(50) % entities, [0]])
        codec = CategoricalCodec.fit(cells, rare_threshold=10, holders=holders)
        assert codec.levels == levels
        assert codec.has_rare is (len(levels) == 1)
        assert codec.nullable

    def test_declared_levels_are_stored_all_the_same(self) -> None:
        cells = pd.Series(["a", "b", "c"] * 20)
        codec = CategoricalCodec.fit(cells, rare_threshold=10, declared=("c",), holders=np.zeros(60, np.int64))
        assert (codec.levels, codec.has_rare) == (("c",), True)

    @pytest.mark.parametrize("cells", [[True, False, True], [1, 2.5, None], ["b", "a", 3], []])
    def test_a_holder_a_row_changes_nothing(self, cells: list[object]) -> None:
        series = pd.Series(cells * 6, dtype=object)
        for least in (1, 6, 7, 13):
            plain = CategoricalCodec.fit(series, rare_threshold=least)
            assert CategoricalCodec.fit(series, rare_threshold=least, holders=np.arange(len(series))) == plain


class TestTable:
    ROWS = 400

    def frame(self) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        return pd.DataFrame({"x": rng.normal(size=self.ROWS), "ward": rng.choice(["a", "b"], self.ROWS)})

    SCHEMA = Schema(
        (
            Column(name="x", kind=Kind.DECIMAL, dtype="float64", nullable=True),
            Column(name="ward", kind=Kind.CATEGORICAL),
        )
    )

    @pytest.mark.parametrize(("entities", "rarely"), [(9, {"x"}), (10, set())])
    def test_missing_cells_of_few_entities_are_rare(self, entities: int, rarely: set[str]) -> None:
        frame, holders = self.frame(), np.arange(self.ROWS) % 50
        frame.loc[holders < entities, "x"] = np.nan
        assert TableCodec.fit(frame, self.SCHEMA, rare_threshold=10, holders=holders).rarely_missing == rarely
        assert TableCodec.fit(frame, self.SCHEMA, rare_threshold=10).rarely_missing == set()

    def test_the_share_of_missing_keys_counts_entities(self) -> None:
        frame, holders = self.frame(), np.arange(self.ROWS) % 50
        schema = Schema((*self.SCHEMA, Column(name="note", kind=Kind.TEXT, nullable=True)))
        for hidden, share in ((holders < 9, 0.0), (holders < 10, 0.2), (holders < 40, 0.8), (holders < 41, 1.0)):
            frame["note"] = np.where(hidden, None, "seen")
            codec = TableCodec.fit(frame, schema, rare_threshold=10, holders=holders)
            assert codec.missing_shares == {"note": share}

    def test_a_planted_level_and_value_are_nowhere_in_what_is_stored(self) -> None:
        frame, holders = self.frame(), np.arange(self.ROWS) % 50
        frame.loc[holders == 3, ["x", "ward"]] = [87.125, "isolation"]  # 8 rows
        frame.loc[holders == 4, ["x", "ward"]] = [87.125, "isolation"]  # and 8 more
        stored = str(TableCodec.fit(frame, self.SCHEMA, rare_threshold=10, holders=holders).to_dict())
        assert "isolation" not in stored
        assert "87.1" not in stored
        assert "isolation" in str(TableCodec.fit(frame, self.SCHEMA, rare_threshold=10).to_dict())

    def test_a_lookup_lists_no_level_of_few_entities(self) -> None:
        code = np.arange(20_000) % 4
        code[code == 3] = np.where(np.arange(5_000) < 4_850, 2, 3)
        holders = np.where(code == 3, 0, np.arange(20_000) % 60)
        frame = pd.DataFrame(
            {"code": np.array(["a", "b", "c", "zz"])[code], "label": np.array(["A", "B", "C", "Z"])[code]}
        )
        schema = Schema(tuple(Column(name=name, kind=Kind.CATEGORICAL) for name in frame))
        for given_holders, listed in ((None, 4), (holders, 3)):
            codec = TableCodec.fit(frame, schema, rare_threshold=10, holders=given_holders)
            (rule,) = codec.structure.rules
            assert isinstance(rule, Lookup)
            assert len(rule.table) == listed
            assert ("zz" in str(codec.to_dict())) is (listed == 4)
