from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.sequence.history import History

NAN = float("nan")


KINDS = 3


def plainly(values: list[list[float]], clock: list[float], starts: list[int], kind: list[int]) -> History:
    """Return what `History.before_steps` should, cell by cell."""
    columns = len(values[0])
    known = [[[NAN] * columns for _ in values] for _ in range(4)]
    for column in range(columns):
        for step, row in enumerate(values):
            if step in starts:
                last, slope, when, swing = NAN, 0.0, 0.0, NAN
            for part, value in zip(known, (last, slope, when, swing), strict=True):
                part[step][column] = value
            if not np.isnan(row[column]):
                slope = 0.0 if np.isnan(last) else row[column] - last
                if not np.isnan(last):
                    swing = abs(slope) if np.isnan(swing) else swing + 0.25 * (abs(slope) - swing)
                last, when = row[column], clock[step]
    happened, recalled = [], []
    for step, of_step in enumerate(kind):
        if step in starts:
            when, then = [NAN] * KINDS, [[NAN] * columns] * KINDS
        happened.append(list(when))
        recalled.append(then[of_step])
        when[of_step], then[of_step] = clock[step], values[step]
    return History(*map(np.array, known), np.array(happened), np.array(kind), np.array(recalled))


def check_equal(found: History, wanted: History) -> None:
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


SEQUENCES = st.lists(
    st.lists(
        st.tuples(
            st.one_of(st.just(NAN), st.integers(-9, 9).map(float)), st.one_of(st.just(NAN), st.floats(-1e3, 1e3))
        ),
        min_size=1,
        max_size=6,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150)
@given(SEQUENCES)
def test_before_steps_is_what_a_plain_loop_finds(sequences: list[list[tuple[float, float]]]) -> None:
    values = [list(step) for sequence in sequences for step in sequence]
    starts = np.cumsum([0, *map(len, sequences[:-1])])
    clock = [float(step * step % 7) for step in range(len(values))]
    kind = [step * step % 5 % KINDS for step in range(len(values))]
    found = History.before_steps(np.array(values), np.array(clock), starts, np.array(kind), KINDS)
    check_equal(found, plainly(values, clock, starts.tolist(), kind))


@settings(max_examples=100)
@given(SEQUENCES)
def test_going_step_by_step_tells_the_same(sequences: list[list[tuple[float, float]]]) -> None:
    values = np.array([list(step) for sequence in sequences for step in sequence])
    starts = np.cumsum([0, *map(len, sequences[:-1])])
    clock = np.arange(len(values)) * 1.5
    kind = np.arange(len(values)) ** 2 % 5 % KINDS
    whole = History.before_steps(values, clock, starts, kind, KINDS)
    for start, sequence in zip(starts, sequences, strict=True):
        history, then = History.empty(1, 2, KINDS), np.full((KINDS, 2), NAN)
        for step in range(start, start + len(sequence)):
            history = history.at(kind[[step]], then[kind[[step]]])
            check_equal(history, whole.pick(slice(step, step + 1)))
            history = history.after(values[[step]], clock[[step]])
            then[kind[step]] = values[step]


def test_what_is_known_by_hand() -> None:
    values = np.array([[1.0, NAN], [NAN, 5.0], [4.0, NAN], [NAN, 7.0], [2.0, NAN], [9.0, 8.0]])
    history = History.before_steps(values, np.array([0.0, 1, 3, 4, 10, 11]), np.array([0, 4]))
    assert np.array_equal(history.values[:, 0], [NAN, 1, 1, 4, NAN, 2], equal_nan=True)
    assert np.array_equal(history.values[:, 1], [NAN, NAN, 5, 5, NAN, NAN], equal_nan=True)
    assert history.slopes[:, 0].tolist() == [0, 0, 0, 3, 0, 0]  # 4 - 1 is known from the fourth step on
    assert history.times[:, 0].tolist() == [0, 0, 0, 3, 0, 10]
    assert np.array_equal(history.swings[:, 0], [NAN, NAN, NAN, 3, NAN, NAN], equal_nan=True)


def test_the_last_moves_count_most() -> None:
    values = np.array([[0.0], [4.0], [NAN], [0.0], [8.0]])
    history = History.before_steps(values, np.arange(5.0), np.array([0]))
    assert np.array_equal(history.swings[:, 0], [NAN, NAN, 4, 4, 4], equal_nan=True)
    assert history.after(np.full((5, 1), 8.0), np.arange(5.0)).swings[4, 0] == 4 + (8 - 4) / 4


def test_steps_can_be_picked() -> None:
    history = History.before_steps(np.arange(8.0).reshape(4, 2), np.arange(4.0), np.array([0]))
    picked = history.pick(np.array([3, 1]))
    assert picked.values.tolist() == [[4, 5], [0, 1]]
    assert picked.slopes.tolist() == [[2, 2], [0, 0]]
    assert picked.times.tolist() == [[2, 2], [0, 0]]


def test_what_is_known_of_kinds_by_hand() -> None:
    values, kind = np.array([[1.0], [2.0], [NAN], [4.0], [5.0]]), np.array([0, 1, 0, 0, 0])
    history = History.before_steps(values, np.array([0.0, 1, 3, 4, 10]), np.array([0, 4]), kind, 2)
    assert np.array_equal(history.happened[:, 0], [NAN, 0, 0, 3, NAN], equal_nan=True)
    assert np.array_equal(history.happened[:, 1], [NAN, NAN, 1, 1, NAN], equal_nan=True)
    assert np.array_equal(history.recalled[:, 0], [NAN, NAN, 1, NAN, NAN], equal_nan=True)  # the cell was missing


def test_sequences_without_numbers_have_an_empty_history() -> None:
    history = History.before_steps(np.empty((3, 0)), np.arange(3.0), np.array([0]))
    assert history.values.shape == history.slopes.shape == history.times.shape == (3, 0)
