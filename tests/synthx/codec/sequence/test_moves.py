from __future__ import annotations

import json

import numpy as np
import pytest

from synthx.codec.numeric import Grid, NumericCodec
from synthx.codec.sequence.history import History
from synthx.codec.sequence.moves import Corners, NumberCodec
from synthx.codec.sequence.references import Reference, Source

NAN = float("nan")
NOTHING = np.empty(0)


def of_spikes(*spikes: float, nullable: bool = False, grid: Grid | None = None) -> NumericCodec:
    return NumericCodec(nullable, np.array(spikes), NOTHING, NOTHING, Grid(1.0, 0.0, 0) if grid is None else grid)


WALK = NumberCodec(of_spikes(0, 1, 2, 3, nullable=True), Reference(0), of_spikes(-1, 0, 1), (0.0, 3.0))
"""Codes: 0 missing, 1 to 4 the levels 0 to 3, 5 to 7 one down, the same, one up."""


def at(*base: float) -> Source:
    """Return what numbers are measured from where nothing that goes on is told apart."""
    return Source(np.array(base), np.full(len(base), NAN))


class TestCodes:
    def test_levels_come_where_the_reference_is_not_known_and_distances_where_it_is(self) -> None:
        values, source = np.array([2.0, 3.0, NAN, 2.0, 2.0]), at(NAN, 2.0, 3.0, 3.0, 2.0)
        codes, offsets = WALK.encode(values, source)
        assert codes.tolist() == [3, 7, 0, 5, 6]
        assert np.array_equal(WALK.decode(codes, offsets, source), values, equal_nan=True)

    def test_sizes_and_ranks(self) -> None:
        assert WALK.size == 8
        assert np.array_equal(WALK.ranks, [NAN, 0, 1 / 3, 2 / 3, 1, 2, 2.5, 3], equal_nan=True)

    def test_a_distance_never_leads_beyond_the_bounds(self) -> None:
        up, down = np.array([7]), np.array([5])
        assert WALK.decode(up, np.array([0.5]), at(3.0)).tolist() == [3]
        assert WALK.decode(down, np.array([0.5]), at(0.0)).tolist() == [0]

    def test_without_bounds_a_distance_leads_anywhere(self) -> None:
        time = NumberCodec(WALK.level, Reference(0), WALK.move)
        assert time.decode(np.array([7]), np.array([0.5]), at(3.0)).tolist() == [4]

    def test_without_a_reference_all_are_levels(self) -> None:
        codec = NumberCodec(WALK.level)
        source = codec.source(np.zeros((2, 1)), History.empty(2, 1))
        assert not source.known.any()
        codes, offsets = codec.encode(np.array([3.0, NAN]), source)
        assert codes.tolist() == [4, 0]
        assert np.array_equal(codec.decode(codes, offsets, source), [3, NAN], equal_nan=True)
        assert codec.size == 5

    def test_what_is_reached_lies_on_the_grid(self) -> None:
        cents = of_spikes(0.1, 0.3, 9.0, grid=Grid(0.01, 0.0, 2))
        codec = NumberCodec(cents, Reference(0), of_spikes(0.2, grid=Grid(0.01, 0.0, 2)))
        assert codec.decode(np.array([3]), np.array([0.5]), at(0.1)).tolist() == [0.3]  # not 0.30000000000000004


class TestStraight:
    """A value that goes on as it went has a code of its own; any other is measured from the last one."""

    CODEC = NumberCodec(WALK.level, Reference(0, straight=True), WALK.move, (0.0, 3.0), 1e-9)

    def test_encode_and_decode(self) -> None:
        values = np.array([3.0, 2.0, 3.0, NAN, 1.0])
        source = Source(np.array([2.0, 1.0, 3.0, 1.0, NAN]), np.array([2.5, 2.0, 3.0, 2.0, NAN]))
        codes, offsets = self.CODEC.encode(values, source)
        assert codes.tolist() == [7, 8, 8, 0, 2]
        assert np.array_equal(self.CODEC.decode(codes, offsets, source), values, equal_nan=True)

    def test_size_ranks_and_widths(self) -> None:
        assert self.CODEC.size == WALK.size + 1
        assert np.isnan(self.CODEC.ranks[-1])
        assert len(self.CODEC.widths) == len(self.CODEC.ranks) == self.CODEC.size

    def test_the_code_of_what_does_not_turn(self) -> None:
        history = History.empty(3, 1)._replace(swings=np.array([[1.0], [NAN], [1.0]]))
        source = Source(np.array([1.0, 1.0, NAN]), np.array([2.0, 2.0, NAN]))
        code, alone = self.CODEC.unturned(source, history, 0) or (None, None)
        assert code == self.CODEC.size - 1
        assert alone is not None and alone.tolist() == [True, False, False]
        history = History.empty(3, 1)._replace(values=np.array([[1.0], [2.0], [NAN]]))
        code, alone = WALK.unturned(at(1.0, 1.0, NAN), history, 0) or (None, None)
        assert code == 6  # no distance, where that is from its own last value
        assert alone is not None and alone.tolist() == [True, False, False]
        assert NumberCodec(WALK.level).unturned(at(NAN), history, 0) is None
        always_moves = NumberCodec(WALK.level, Reference(0), of_spikes(-1, 1))
        assert always_moves.unturned(at(1.0), history, 0) is None

    def test_a_line_stays_within_the_bounds(self) -> None:
        source = Source(np.array([3.0]), np.array([4.0]))
        assert self.CODEC.decode(np.array([8]), np.array([0.5]), source).tolist() == [3]


class TestCorners:
    def test_what_few_sequences_reach_is_left_out_of_the_range(self) -> None:
        values = np.array([-5.0, -5.0, 1.0, 1.0, 2.0, 3.0, 9.0, 9.0, 9.0, 30.0])
        holders = np.array([7, 7, 1, 2, 2, 3, 1, 4, 4, 9])
        corners = Corners.of(values, holders, rare_threshold=2)
        assert (corners.low, corners.high) == (1, 9)
        assert corners.nearest(np.array([-4.0, 1.2, 8.6, 12.0])).tolist() == [1, 1, 9, 9]
        assert Corners.of(values, holders, rare_threshold=1).high == 30

    def test_bounds_hold_corners(self) -> None:
        codec = TestStraight.CODEC.with_corners(Corners(Grid(1.0, 0.0, 0), -1.0, 2.0))
        assert codec.bounds == (-1, 3)
        assert NumberCodec.from_dict(json.loads(json.dumps(codec.to_dict()))).corners == codec.corners


class TestDistances:
    ANY = NumberCodec(of_spikes(-750.0, 20.0, grid=Grid()))

    def test_rounding_errors_are_zero(self) -> None:
        assert (0.1 + 0.2) - 0.3 != 0
        assert self.ANY.distances(np.array([0.1 + 0.2, 0.0]), at(0.3, 5e-17)).tolist() == [0, 0]

    def test_what_is_more_than_a_rounding_error_stays(self) -> None:
        assert self.ANY.distances(np.array([1e-6]), at(0.0)).tolist() == [1e-6]

    def test_what_is_not_known_stays_so(self) -> None:
        assert np.isnan(self.ANY.distances(np.array([NAN, 1.0]), at(1.0, NAN))).all()

    def test_a_grid_tells_itself_what_is_zero(self) -> None:
        times = NumberCodec(of_spikes(1.7e15))  # microseconds: a thousandth of a second is no rounding error
        assert times.distances(np.array([1.7e15 + 1_000]), at(1.7e15)).tolist() == [1_000]


class TestWidths:
    def test_bins_are_as_wide_as_they_reach_and_spikes_a_step_of_the_grid(self) -> None:
        level = NumericCodec(True, np.array([0.0]), np.array([1.0, 3.0, 11.0]), np.array([0.0, 1.0, 2.0]), Grid(1.0))
        codec = NumberCodec(level, Reference(0), of_spikes(0.0, grid=Grid(0.5, 0.0, 1)))
        assert codec.widths.tolist() == [1, 1, 2, 8, 0.5]

    def test_without_a_grid_a_spike_is_narrow(self) -> None:
        assert NumberCodec(of_spikes(0.0, 10.0, grid=Grid())).widths.tolist() == [0.01, 0.01]


@pytest.mark.parametrize(
    "codec", [WALK, NumberCodec(WALK.level), NumberCodec(WALK.level, Reference(1, onward=True), WALK.move)]
)
def test_json_round_trip(codec: NumberCodec) -> None:
    again = NumberCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    assert again.to_dict() == codec.to_dict()
    assert (again.reference, again.bounds, again.size) == (codec.reference, codec.bounds, codec.size)
    assert again.reference is None or isinstance(again.reference, Reference)
