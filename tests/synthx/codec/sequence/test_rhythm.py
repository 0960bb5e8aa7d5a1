from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.sequence.rhythm import Beat, Rhythm
from synthx.codec.sequence.steps import StepCodec
from synthx.schema import Column, Kind, Schema

SEQUENCES, STEPS = 40, 24
STARTS = np.arange(SEQUENCES) * STEPS
STEP = np.tile(np.arange(STEPS), SEQUENCES)
BEGAN = np.repeat(np.arange(SEQUENCES) % 6, STEPS)


def rhythm(*turned: np.ndarray, least: int = 5) -> Rhythm:
    return Rhythm.of(np.stack(turned, axis=1), STARTS, rare_threshold=least)


class TestOf:
    def test_the_longest_interval_that_all_are_multiples_of(self) -> None:
        assert rhythm((STEP + BEGAN) % 6 == 0) == Rhythm((Beat((0,), 6, 0),))

    def test_turns_that_are_left_out_now_and_then(self) -> None:
        left_out = np.random.default_rng(0).random(len(STEP)) < 0.3
        assert rhythm(((STEP + BEGAN) % 4 == 0) & ~left_out & (STEP > 1)) == Rhythm((Beat((0,), 4, 2),))

    @pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9, 1.0])
    def test_turns_by_chance_have_none(self, share: float) -> None:
        assert rhythm(np.random.default_rng(1).random(len(STEP)) < share) == Rhythm()

    def test_a_rhythm_of_few_sequences_is_not_told(self) -> None:
        turned = (STEP % 5 == 0) & (np.repeat(np.arange(SEQUENCES), STEPS) < 4)
        assert rhythm(turned, least=5) == Rhythm()
        assert rhythm(turned, least=4) == Rhythm((Beat((0,), 5, 0),))

    def test_intervals_between_sequences_do_not_count(self) -> None:
        assert rhythm(STEP == 3) == Rhythm()

    def test_numbers_that_turn_together_share_a_beat(self) -> None:
        rng = np.random.default_rng(3)
        one, other = ((STEP + BEGAN) % 6 == 0) & (STEP > 1), ((STEP + BEGAN) % 6 == 2) & (STEP > 0)
        seldom, never = one & (rng.random(len(STEP)) < 0.5), rng.random(len(STEP)) < 0.1
        assert rhythm(one, other, never, seldom) == Rhythm((Beat((0, 3), 6, 2), Beat((1,), 6, 1)))


def test_since_and_after() -> None:
    found = Rhythm((Beat((1,), 2, 0), Beat((0, 1), 2, 0)))
    turned = np.array([[True, False], [False, True], [False, False], [True, True], [False, False], [False, False]])
    assert found.since(turned, np.array([0, 4])).tolist() == [[0, 0], [0, 1], [1, 1], [2, 2], [0, 0], [0, 0]]
    assert found.after(np.array([[0, 0], [0, 0], [3, 0], [3, 3]]), turned[:4]).tolist() == [
        [0, 1],
        [1, 1],
        [4, 0],
        [1, 1],
    ]
    assert found.columns == (1, 0, 1)


@settings(max_examples=100)
@given(st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=7), min_size=1, max_size=5))
def test_step_by_step_is_the_same_as_all_at_once(sequences: list[list[tuple[bool, bool]]]) -> None:
    found = Rhythm((Beat((0,), 2, 0), Beat((1,), 3, 0)))
    lengths = np.array([len(sequence) for sequence in sequences])
    turned = np.array([row for sequence in sequences for row in sequence])
    starts = np.cumsum(lengths) - lengths
    since = found.since(turned, starts)
    for start, length in zip(starts, lengths, strict=True):
        state = np.zeros((1, 2), np.int64)
        for row in range(start, start + length):
            assert since[row].tolist() == state[0].tolist()
            state = found.after(state, turned[[row]])


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
    assert {beat._replace(columns=tuple(names[i] for i in beat.columns)) for beat in codec.rhythm.beats} == {
        Beat(("straight",), 4, 2),
        Beat(("held",), 4, 1),
    }
    turns = codec.encode(frame, STARTS).turns.reshape(SEQUENCES, STEPS, 2)
    told = {names[beat.columns[0]]: turns[0, :, index].tolist() for index, beat in enumerate(codec.rhythm.beats)}
    assert told["straight"] == [0] * 6 + [1, 2, 3, 4] * 4 + [1, 2]  # the first value after a corner tells
    assert told["held"] == [0] * 5 + [1, 2, 3, 4] * 4 + [1, 2, 3]
    again = StepCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    assert again.rhythm == codec.rhythm
