from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.sequence.history import History

NAN = float("nan")


def plainly(values: list[list[float]], clock: list[float], starts: list[int]) -> History:
    """Return what `History.before_steps` should, cell by cell."""
    columns = len(values[0])
    known = [[NAN] * columns for _ in values], [[0.0] * columns for _ in values], [[0.0] * columns for _ in values]
    for column in range(columns):
        last, slope, when = NAN, 0.0, 0.0
        for step, row in enumerate(values):
            if step in starts:
                last, slope, when = NAN, 0.0, 0.0
            for part, value in zip(known, (last, slope, when), strict=True):
                part[step][column] = value
            if not np.isnan(row[column]):
                slope = 0.0 if np.isnan(last) else row[column] - last
                last, when = row[column], clock[step]
    return History(*map(np.array, known))


def check_equal(found: History, wanted: History) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one, other, equal_nan=True)


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


@settings(deadline=None, max_examples=150)
@given(SEQUENCES)
def test_before_steps_is_what_a_plain_loop_finds(sequences: list[list[tuple[float, float]]]) -> None:
    values = [list(step) for sequence in sequences for step in sequence]
    starts = np.cumsum([0, *map(len, sequences[:-1])])
    clock = [float(step * step % 7) for step in range(len(values))]
    found = History.before_steps(np.array(values), np.array(clock), starts)
    check_equal(found, plainly(values, clock, starts.tolist()))


@settings(deadline=None, max_examples=100)
@given(SEQUENCES)
def test_going_step_by_step_tells_the_same(sequences: list[list[tuple[float, float]]]) -> None:
    values = np.array([list(step) for sequence in sequences for step in sequence])
    starts = np.cumsum([0, *map(len, sequences[:-1])])
    clock = np.arange(len(values)) * 1.5
    whole = History.before_steps(values, clock, starts)
    for start, sequence in zip(starts, sequences, strict=True):
        history = History.empty(1, 2)
        for step in range(start, start + len(sequence)):
            check_equal(history, whole.pick(slice(step, step + 1)))
            history = history.after(values[[step]], clock[[step]])


def test_what_is_known_by_hand() -> None:
    values = np.array([[1.0, NAN], [NAN, 5.0], [4.0, NAN], [NAN, 7.0], [2.0, NAN], [9.0, 8.0]])
    history = History.before_steps(values, np.array([0.0, 1, 3, 4, 10, 11]), np.array([0, 4]))
    assert np.array_equal(history.values[:, 0], [NAN, 1, 1, 4, NAN, 2], equal_nan=True)
    assert np.array_equal(history.values[:, 1], [NAN, NAN, 5, 5, NAN, NAN], equal_nan=True)
    assert history.slopes[:, 0].tolist() == [0, 0, 0, 3, 0, 0]  # 4 - 1 is known from the fourth step on
    assert history.times[:, 0].tolist() == [0, 0, 0, 3, 0, 10]


def test_steps_can_be_picked() -> None:
    history = History.before_steps(np.arange(8.0).reshape(4, 2), np.arange(4.0), np.array([0]))
    picked = history.pick(np.array([3, 1]))
    assert picked.values.tolist() == [[4, 5], [0, 1]]
    assert picked.slopes.tolist() == [[2, 2], [0, 0]]
    assert picked.times.tolist() == [[2, 2], [0, 0]]


def test_sequences_without_numbers_have_an_empty_history() -> None:
    history = History.before_steps(np.empty((3, 0)), np.arange(3.0), np.array([0]))
    assert history.values.shape == history.slopes.shape == history.times.shape == (3, 0)
