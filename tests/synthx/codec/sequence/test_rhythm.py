from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.numeric import Grid
from synthx.codec.sequence.rhythm import Beat, Rhythm
from synthx.codec.sequence.steps import StepCodec
from synthx.schema import Column, Kind, Schema

SEQUENCES, STEPS = 40, 24
STARTS = np.arange(SEQUENCES) * STEPS
STEP = np.tile(np.arange(STEPS), SEQUENCES)
BEGAN = np.repeat(np.arange(SEQUENCES) % 6, STEPS)


def rhythm(*turned: np.ndarray, least: int = 5) -> Rhythm:
    return Rhythm.of(np.stack(turned, axis=1), STARTS, rare_threshold=least)


def told(found: Rhythm) -> list[tuple[tuple[int, ...], int]]:
    return [(beat.columns, beat.period) for beat in found.beats]


class TestOf:
    def test_the_longest_interval_that_all_are_multiples_of(self) -> None:
        found = rhythm((STEP + BEGAN) % 6 == 0)
        assert found == Rhythm((Beat((0,), 6, tuple(n / SEQUENCES for n in (0, 7, 7, 7, 6, 6, 7)), strict=True),))

    def test_turns_that_are_left_out_now_and_then(self) -> None:
        left_out = np.random.default_rng(0).random(len(STEP)) < 0.3
        found = rhythm(((STEP + BEGAN) % 4 == 0) & ~left_out & (STEP > 1))
        assert found == Rhythm((Beat((0,), 4, tuple(n / SEQUENCES for n in (0, 13, 7, 7, 13)), strict=True),))

    def test_turns_off_the_beat_now_and_then(self) -> None:
        turned = ((STEP + BEGAN) % 4 == 0) | (np.random.default_rng(0).random(len(STEP)) < 0.02)
        found = rhythm(turned)
        assert told(found) == [((0,), 4)]
        assert not found.beats[0].strict

    @pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9, 1.0])
    def test_turns_by_chance_have_none(self, share: float) -> None:
        assert rhythm(np.random.default_rng(1).random(len(STEP)) < share) == Rhythm()

    def test_a_rhythm_of_few_sequences_is_not_told(self) -> None:
        turned = (STEP % 5 == 0) & (np.repeat(np.arange(SEQUENCES), STEPS) < 4)
        assert rhythm(turned, least=5) == Rhythm()
        assert rhythm(turned, least=4) == Rhythm((Beat((0,), 5, (0.9, 0, 0, 0, 0, 0.1), strict=True),))

    def test_a_beginning_of_few_sequences_is_spread_evenly(self) -> None:
        late = np.repeat(np.arange(SEQUENCES) < 4, STEPS)
        (beat,) = rhythm(np.where(late, STEP % 5 == 2, STEP % 5 == 0)).beats
        assert beat.begins == pytest.approx((0, 0.02, 0.02, 0.02, 0.02, 0.92))

    def test_intervals_between_sequences_do_not_count(self) -> None:
        assert rhythm(STEP == 3) == Rhythm()

    def test_numbers_that_turn_together_share_a_beat(self) -> None:
        rng = np.random.default_rng(3)
        one, other = ((STEP + BEGAN) % 6 == 0) & (STEP > 1), ((STEP + BEGAN) % 6 == 2) & (STEP > 0)
        seldom, never = one & (rng.random(len(STEP)) < 0.5), rng.random(len(STEP)) < 0.1
        assert told(rhythm(one, other, never, seldom)) == [((0, 3), 6), ((1,), 6)]


def test_since_and_after() -> None:
    found = Rhythm((Beat((1,), 2, (0, 0.5, 0.5), True), Beat((0, 1), 2, (0, 0.5, 0.5), True)))
    turned = np.array([[True, False], [False, True], [False, False], [True, True], [False, False], [False, False]])
    assert found.since(turned, np.array([0, 4])).tolist() == [[1, 2], [2, 1], [1, 1], [2, 2], [0, 0], [0, 0]]
    assert found.after(np.array([[0, 0], [0, 0], [3, 0], [3, 3]]), turned[:4]).tolist() == [
        [0, 1],
        [1, 1],
        [4, 0],
        [1, 1],
    ]
    assert found.columns == (1, 0, 1)


def test_new_sequences_begin_as_often_so_many_steps_after_a_turn() -> None:
    found = Rhythm((Beat((0,), 2, (0.25, 0.5, 0.25), True), Beat((1,), 3, (0.0, 0.0, 1.0, 0.0), True)))
    chances = np.array([[0.0, 0.0], [0.24, 0.5], [0.26, 0.9], [0.74, 0.0], [0.76, 0.0], [0.999, 0.999]])
    assert found.begin(chances).tolist() == [[0, 2], [0, 2], [1, 2], [1, 2], [2, 2], [2, 2]]
    assert Rhythm().begin(np.empty((2, 0))).shape == (2, 0)


def test_where_a_number_is_not_to_turn() -> None:
    strict, loose = Beat((0, 2), 3, (0.0, 0.0, 0.0, 1.0), True), Beat((1,), 2, (0.0, 0.0, 1.0), False)
    since = np.array([[0, 1], [1, 1], [3, 1], [5, 1], [6, 1]])
    found = Rhythm((strict, loose))
    assert [found.off(column, since).tolist() for column in (0, 2)] == [[True, True, False, True, False]] * 2
    assert not found.off(1, since).any() and not found.off(3, since).any()
    assert [found.strict(column) for column in range(4)] == [(0, strict), None, (0, strict), None]


@settings(max_examples=100)
@given(st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=7), min_size=1, max_size=5))
def test_step_by_step_is_the_same_as_all_at_once(sequences: list[list[tuple[bool, bool]]]) -> None:
    found = Rhythm((Beat((0,), 2, (0, 0.5, 0.5), True), Beat((1,), 3, (0.25, 0.25, 0.25, 0.25), True)))
    lengths = np.array([len(sequence) for sequence in sequences])
    turned = np.array([row for sequence in sequences for row in sequence])
    starts = np.cumsum(lengths) - lengths
    since = found.since(turned, starts)
    for start, length in zip(starts, lengths, strict=True):
        state = since[[start]]
        for row in range(start, start + length):
            assert since[row].tolist() == state[0].tolist()
            state = found.after(state, turned[[row]])
        for beat in (0, 1):
            at = np.flatnonzero(turned[start : start + length, beat])
            if len(at):  # whatever comes later, the first turn is on the beat
                assert since[start + at[0], beat] % found.beats[beat].period == 0 < since[start, beat]
            else:
                assert not since[start : start + length, beat].any()


def test_a_codec_finds_what_was_interpolated_and_what_was_carried_forward() -> None:
    rng = np.random.default_rng(2)
    knots = rng.normal(0, 1, (SEQUENCES, STEPS // 4 + 2)).cumsum(axis=1)
    at = (np.arange(STEPS) + np.arange(SEQUENCES)[:, None] % 4) / 4
    straight = np.stack([np.interp(x, np.arange(len(y)), y) for x, y in zip(at, knots, strict=True)])
    held = np.take_along_axis(knots, at.astype(int), axis=1)
    frame = pd.DataFrame(
        {"noise": rng.normal(0, 1, straight.size), "straight": straight.ravel(), "held": held.ravel().round(3)}
    )
    schema = Schema([Column(name=name, kind=Kind.DECIMAL, dtype="float64") for name in frame])
    codec = StepCodec.fit(frame, schema, STARTS, rare_threshold=5)
    names = list(codec.numbers)
    even = (0.0, 0.25, 0.25, 0.25, 0.25)
    assert {beat._replace(columns=tuple(names[i] for i in beat.columns)) for beat in codec.rhythm.beats} == {
        Beat(("straight",), 4, even, strict=True),
        Beat(("held",), 4, even, strict=True),
    }
    turns = codec.encode(frame, STARTS).turns.reshape(SEQUENCES, STEPS, 2)
    told = {names[beat.columns[0]]: turns[0, :, index].tolist() for index, beat in enumerate(codec.rhythm.beats)}
    assert told["straight"] == [3, 4, 5, 6, 7, 8, *([1, 2, 3, 4] * 4), 1, 2]  # the first value after a corner tells
    assert told["held"] == [4, 5, 6, 7, 8, *([1, 2, 3, 4] * 4), 1, 2, 3]
    corners = codec.numbers["straight"].corners
    assert corners is not None and corners.grid == Grid()
    assert codec.numbers["held"].corners is None
    again = StepCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    assert again.rhythm == codec.rhythm


def test_a_codec_finds_where_corners_are() -> None:
    """Of whole numbers every four steps, straight lines between them, rounded to six decimals."""
    rng = np.random.default_rng(2)
    knots = rng.integers(0, 30, (SEQUENCES, STEPS // 4 + 2))
    at = (np.arange(STEPS) + np.arange(SEQUENCES)[:, None] % 4) / 4
    lines = np.stack([np.interp(x, np.arange(len(y)), y) for x, y in zip(at, knots, strict=True)])
    frame = pd.DataFrame({"lines": lines.ravel().round(6)})
    schema = Schema([Column(name="lines", kind=Kind.DECIMAL, dtype="float64")])
    codec = StepCodec.fit(frame, schema, STARTS, rare_threshold=5)
    corners = codec.numbers["lines"].corners
    assert corners is not None and corners.grid == Grid(1.0, 0.0, 0)
    assert (corners.low, corners.high) == (1, 29)  # fewer than five sequences have a corner at 0
    low, high = codec.numbers["lines"].bounds or (1, 1)
    assert low <= 1 and high >= 29
    again = StepCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    assert again.numbers["lines"].corners == corners
