from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.numeric import Grid, NumericCodec
from synthx.condition import MISSING, Between, OneOf

UNDECIDED = np.float32(0.5)


def uniform(rows: int = 10_000) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, rows)


class TestGrid:
    def test_integers_have_step_one(self) -> None:
        assert Grid.of(np.arange(3.0, 30.0), 0) == Grid(1.0, 0.0, 0)

    def test_a_limit_in_multiples_of_fifty_keeps_them(self) -> None:
        assert Grid.of(np.arange(20) * 50.0 + 10.0, 0) == Grid(50.0, 10.0, 0)

    def test_prices_have_two_decimals(self) -> None:
        grid = Grid.of(np.array([0.1 + 0.2, 1.25, 7.0, 8.01]), 2)
        assert (grid.step, grid.decimals) == (0.01, 2)
        assert grid.snap(np.array([1.2549, 1.2551])).tolist() == [1.25, 1.26]

    def test_measurements_have_no_grid(self) -> None:
        assert Grid.of(uniform(), None).step == 0

    def test_a_common_divisor_of_few_values_is_chance(self) -> None:
        assert Grid.of(np.array([14.0, 21.0, 28.0]), 0).step == 1

    def test_the_order_of_rows_does_not_matter(self) -> None:
        values = np.concatenate([np.zeros(20_000), np.arange(1_000) * 50.0])
        assert Grid.of(values, 0) == Grid.of(values[::-1], 0) == Grid(50.0, 0.0, 0)

    def test_inside_is_empty_between_two_grid_values(self) -> None:
        low, high = Grid(1.0, 0.0, 0).inside(3.2, 3.8)
        assert high < low

    def test_a_value_of_many_million_steps_is_inside(self) -> None:
        low, high = Grid(1e-6, 0.0, 6).inside(42.01718, 42.01718)
        assert low < 42.01718 < high

    def test_inside_reaches_half_a_step_around_the_values(self) -> None:
        assert Grid(1.0, 0.0, 0).inside(3, 5.5) == (2.5, 5.5)


class TestFit:
    def test_few_distinct_values_all_get_codes_of_their_own(self) -> None:
        codec = NumericCodec.fit(np.repeat([1.0, 2.0, 5.0], 20), rare_threshold=10)
        assert codec.spikes.tolist() == [1.0, 2.0, 5.0]
        assert (codec.bins, codec.size) == (0, 3)

    def test_a_value_that_piles_up_is_a_spike_beside_bins(self) -> None:
        values = np.concatenate([np.zeros(5_000), uniform(5_000) + 1])
        codec = NumericCodec.fit(values, rare_threshold=10)
        assert codec.spikes.tolist() == [0.0]
        assert codec.bins == 50  # half of the rows get half of the 100 bins

    def test_extremes_are_clipped_at_the_threshold_th_value(self) -> None:
        values = np.concatenate([np.linspace(0, 1, 2_000), [1e9]])
        codec = NumericCodec.fit(values, rare_threshold=10)
        assert codec.knots[-1] < 1.0
        assert codec.knots[-1] > np.sort(values)[-11]

    def test_each_piece_between_knots_stands_for_enough_rows(self) -> None:
        values = np.random.default_rng(0).lognormal(0, 2, 3_000)
        codec = NumericCodec.fit(values, rare_threshold=10)
        counts = np.histogram(values, codec.knots)[0]
        assert counts.min() >= 10

    def test_fewer_filled_cells_than_the_threshold_leave_the_column_empty(self) -> None:
        codec = NumericCodec.fit(np.array([1.5, 2.5, np.nan]), rare_threshold=10)
        codes, offsets = codec.encode(np.array([1.5, np.nan]))
        assert codec.size == 1
        assert np.isnan(codec.decode(codes, offsets)).all()

    def test_a_few_values_beside_spikes_join_the_nearest(self) -> None:
        values = np.concatenate([np.zeros(50), np.full(50, 9.0), [1.0, 8.0, 8.5]])
        codec = NumericCodec.fit(values, rare_threshold=10)
        codes, _ = codec.encode(np.array([1.0, 8.0, 8.5]))
        assert codes.tolist() == [0, 1, 1]


class TestCoding:
    def test_codes_are_missing_then_spikes_then_bins(self) -> None:
        values = np.concatenate([np.full(100, np.nan), np.zeros(500), uniform(1_000) + 1])
        codec = NumericCodec.fit(values, rare_threshold=10)
        codes, offsets = codec.encode(np.array([np.nan, 0.0, 1.0, 2.0]))
        assert codes[0] == 0 and codes[1] == 1 and codes[2] == 2 and codes[3] == codec.size - 1
        assert offsets[0] == offsets[1] == UNDECIDED

    def test_decoding_even_offsets_gives_back_the_distribution(self) -> None:
        rng = np.random.default_rng(0)
        values = rng.lognormal(0, 1, 20_000)
        codec = NumericCodec.fit(values, rare_threshold=10)
        codes, _ = codec.encode(values)
        drawn = codec.decode(codes, rng.random(len(codes)))
        wanted = np.arange(0.05, 1, 0.05)
        assert np.quantile(drawn, wanted) == pytest.approx(np.quantile(values, wanted), rel=0.02)

    @given(
        st.lists(
            st.one_of(st.integers(-1_000, 1_000).map(float), st.just(0.0), st.just(float("nan"))),
            min_size=2,
            max_size=300,
        ),
        st.integers(1, 12),
    )
    @settings(max_examples=150)
    def test_decode_of_encode_keeps_spikes_and_missing_and_stays_within_the_bin(
        self, cells: list[float], threshold: int
    ) -> None:
        values = np.array(cells)
        codec = NumericCodec.fit(values, rare_threshold=threshold, decimals=0)
        codes, offsets = codec.encode(values)
        assert ((offsets >= 0) & (offsets < 1)).all()
        decoded = codec.decode(codes, offsets)
        if codec.size > codec.first_spike:
            assert (np.isnan(decoded) == np.isnan(values)).all()
        is_spike = np.isin(values, codec.spikes)
        assert (decoded[is_spike] == values[is_spike]).all()
        in_bin = codes >= codec.first_bin
        edges = np.interp(np.arange(codec.bins + 1), codec.positions, codec.knots) if codec.bins else np.empty(0)
        for value, code in zip(decoded[in_bin], codes[in_bin], strict=True):
            bin_ = code - codec.first_bin
            assert edges[bin_] - codec.grid.step <= value <= edges[bin_ + 1] + codec.grid.step

    @given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=5, max_size=200), st.integers(2, 10))
    @settings(max_examples=150)
    def test_nothing_saved_equals_a_value_that_few_rows_hold(self, cells: list[float], threshold: int) -> None:
        values = np.array(cells)
        codec = NumericCodec.fit(values, rare_threshold=threshold)
        distinct, counts = np.unique(values, return_counts=True)
        rare = set(distinct[counts < threshold].tolist())
        saved = json.loads(json.dumps(codec.to_dict()))
        assert not rare & (set(saved["spikes"]) | set(saved["knots"]))

    def test_files_keep_the_codec(self) -> None:
        codec = NumericCodec.fit(np.concatenate([uniform(), np.zeros(100)]), rare_threshold=10)
        again = NumericCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
        values = uniform(500)
        assert all((a == b).all() for a, b in zip(codec.encode(values), again.encode(values), strict=True))


class TestWindow:
    codec = NumericCodec.fit(
        np.concatenate([np.full(10, np.nan), np.zeros(1_000), np.repeat(np.arange(1.0, 1_001.0), 4)]),
        rare_threshold=10,
        decimals=0,
    )

    def test_missing_is_code_zero_alone(self) -> None:
        assert self.codec.window(MISSING).only_code == 0

    def test_a_spike_is_one_code(self) -> None:
        assert self.codec.window(OneOf((0.0,))).only_code == 1

    def test_a_range_cuts_the_bins_at_its_ends(self) -> None:
        window = self.codec.window(Between(1.0, 500.0))
        rows = window.weights[self.codec.first_bin :].sum() / self.codec.bins
        assert rows == pytest.approx(0.5, abs=0.02)
        assert window.weights[1] == 0  # zero is not in the range

    def test_a_range_without_grid_values_is_empty(self) -> None:
        assert not self.codec.window(Between(3.2, 3.8)).weights.any()

    def test_missing_may_be_one_of_several(self) -> None:
        window = self.codec.window(OneOf((None, 0.0)))
        assert np.flatnonzero(window.weights).tolist() == [0, 1]

    def test_a_bin_of_a_single_value_counts_in_full(self) -> None:
        few = NumericCodec.fit(np.concatenate([np.repeat([0.0, 1.0], 100), np.arange(50.0, 62.0)]), rare_threshold=10)
        assert few.window(Between(0.0, 100.0)).weights.tolist() == [1, 1, 1]

    def test_a_range_beyond_the_data_is_empty(self) -> None:
        assert not self.codec.window(Between(5_000.0, None)).weights.any()

    @given(st.integers(1, 1_000), st.integers(0, 200))
    @settings(max_examples=60)
    def test_every_offset_of_a_window_decodes_inside_the_range(self, low: int, length: int) -> None:
        window = self.codec.window(Between(float(low), float(low + length)))
        rng = np.random.default_rng(0)
        for code in np.flatnonzero(window.weights):
            offsets = window.low[code] + rng.random(50) * (window.high[code] - window.low[code])
            values = self.codec.decode(np.full(50, code), offsets)
            assert ((values >= low - 1e-6) & (values <= low + length + 1e-6)).all()
