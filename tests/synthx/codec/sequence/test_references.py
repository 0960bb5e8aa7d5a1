from __future__ import annotations

import json
import math

import numpy as np
import pytest

from synthx.codec.sequence.history import History
from synthx.codec.sequence.reference_choice import choose_references, entropy
from synthx.codec.sequence.references import Reference, crookedness

SEQUENCES, STEPS = 100, 20
ROWS = SEQUENCES * STEPS
STARTS = np.arange(SEQUENCES) * STEPS


def walk(seed: int, scale: float = 1.0) -> np.ndarray:
    """Return a random walk a sequence, each from a start of its own."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, scale, (SEQUENCES, STEPS))
    moves[:, 0] = rng.normal(0, 50 * scale, SEQUENCES)
    return moves.cumsum(axis=1).ravel()


def noise(seed: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, ROWS)


def choose(
    *columns: np.ndarray, time: int | None = None, kinds: tuple[bool, ...] = (), kind: np.ndarray | None = None
) -> tuple[Reference | None, ...]:
    """Choose references; `kinds` says which columns are times, `kind` of which of three kinds each step is."""
    values = np.stack(columns, axis=1)
    clock = np.tile(np.arange(float(STEPS)), SEQUENCES)
    history = History.before_steps(values, clock, STARTS, kind, 0 if kind is None else 3)
    return choose_references(values, history, [0.0] * len(columns), kinds or (False,) * len(columns), time=time)


class TestOf:
    HISTORY = History(
        values=np.array([[1.0, 10.0], [np.nan, 20.0]]),
        slopes=np.array([[0.5, 2.0], [0.0, -3.0]]),
        times=np.zeros((2, 2)),
        swings=np.ones((2, 2)),
        happened=np.zeros((2, 2)),
        kind=np.array([1, 0]),
        recalled=np.array([[5.0, 50.0], [6.0, 60.0]]),
    )
    VALUES = np.array([[7.0, 8.0], [9.0, np.nan]])

    def test_the_last_value(self) -> None:
        assert np.array_equal(Reference(0).of(self.VALUES, self.HISTORY), [1, np.nan], equal_nan=True)

    def test_the_last_value_moved_on(self) -> None:
        assert Reference(1, onward=True).of(self.VALUES, self.HISTORY).tolist() == [12, 17]

    def test_the_value_of_the_same_step(self) -> None:
        assert np.array_equal(Reference(1, now=True).of(self.VALUES, self.HISTORY), [8, np.nan], equal_nan=True)

    def test_the_value_when_the_kind_last_happened_in_the_kinds_that_recur(self) -> None:
        found = Reference(1, recurring=(False, True)).of(self.VALUES, self.HISTORY)
        assert np.array_equal(found, [50, np.nan], equal_nan=True)

    def test_the_last_value_plus_or_minus_another_column(self) -> None:
        assert Reference(1, plus=0, signs=(1, -1)).of(self.VALUES, self.HISTORY).tolist() == [10 - 7, 20 + 9]
        assert Reference(1, plus=1, signs=(1, 1)).of(self.VALUES, self.HISTORY).tolist() == [18, 20]  # nothing to add

    @pytest.mark.parametrize(
        "reference",
        [Reference(0), Reference(3, recurring=(True, False)), Reference(1, ratio=True, plus=2, signs=(1, 0))],
    )
    def test_references_survive_json(self, reference: Reference) -> None:
        assert Reference.from_list(json.loads(json.dumps(reference.to_list()))) == reference

    def test_columns_may_move_to_other_places(self) -> None:
        assert Reference(0, plus=2, signs=(1,)).moved({0: 5, 2: 1}) == Reference(5, plus=1, signs=(1,))


class TestCrookedness:
    def test_a_grid_that_is_fine_beside_the_moves_only_rounds(self) -> None:
        assert crookedness(np.array([5.0, -3.0, 0.0, np.nan]), 0.01) == pytest.approx(0.02, rel=1e-5)

    def test_on_a_coarse_grid_a_bend_is_a_bend(self) -> None:
        assert crookedness(np.array([5.0, -3.0, 0.0]), 1.0) < 1e-6

    def test_of_nothing(self) -> None:
        assert crookedness(np.array([0.0, np.nan]), 0.01) == 0


class TestEntropy:
    def test_of_evenly_spread_values_is_the_logarithm_of_their_range(self) -> None:
        assert entropy(np.linspace(0, 8, 100_001), 1e-9) == pytest.approx(math.log(8), abs=1e-3)

    def test_of_equal_values_is_that_of_the_finest_piece(self) -> None:
        # a hundred pieces of width 0.5, each with a hundredth of the rows
        assert entropy(np.full(1_000, 3.0), 0.5) == pytest.approx(math.log(0.5))

    def test_of_a_normal_distribution(self) -> None:
        values = np.random.default_rng(0).normal(0, 2, 200_000)
        assert entropy(values, 1e-9) == pytest.approx(0.5 * math.log(2 * math.pi * math.e * 4), abs=0.1)

    def test_a_wider_scale_adds_its_logarithm(self) -> None:
        values = noise(3)
        assert entropy(10 * values, 1e-9) - entropy(values, 1e-9) == pytest.approx(math.log(10))

    def test_of_nothing_is_zero(self) -> None:
        assert entropy(np.empty(0), 0.1) == 0


class TestChoose:
    def test_a_random_walk_is_measured_from_its_last_value(self) -> None:
        assert choose(walk(0)) == (Reference(0),)

    def test_noise_is_coded_as_it_stands(self) -> None:
        assert choose(noise(0)) == (None,)

    def test_an_interpolated_series_goes_on_as_it_went(self) -> None:
        rng = np.random.default_rng(0)
        anchors = rng.normal(0, 10, (SEQUENCES, 5))
        series = np.stack([np.interp(np.arange(STEPS), [0, 5, 10, 15, 19], row) for row in anchors]).ravel()
        assert choose(series) == (Reference(0, straight=True),)

    def test_a_series_that_bends_a_little_at_every_step_is_measured_from_where_it_leads(self) -> None:
        slopes = np.random.default_rng(0).normal(0, 0.1, (SEQUENCES, STEPS)).cumsum(axis=1) + 5
        assert choose(slopes.cumsum(axis=1).ravel()) == (Reference(0, onward=True),)

    def test_an_interpolated_series_is_straight_however_it_was_rounded(self) -> None:
        anchors = np.random.default_rng(0).normal(0, 10, (SEQUENCES, 5))
        series = np.stack([np.interp(np.arange(STEPS), [0, 5, 10, 15, 19], row) for row in anchors]).ravel()
        values = series.round(4)[:, None]
        history = History.before_steps(values, np.tile(np.arange(float(STEPS)), SEQUENCES), STARTS)
        assert choose_references(values, history, [1e-4], (False,), time=None) == (Reference(0, straight=True),)

    def test_an_opening_price_is_near_the_last_close(self) -> None:
        close = walk(0)
        history = History.before_steps(close[:, None], np.zeros(ROWS), STARTS)
        opening = np.where(np.isnan(history.values[:, 0]), close, history.values[:, 0]) + noise(1, 0.01)
        assert choose(opening, close)[0] == Reference(1)

    def test_a_column_is_measured_from_another_at_the_same_step(self) -> None:
        low = walk(0)
        assert choose(low, low + 0.5 + noise(1, 0.01)) in (
            (Reference(0), Reference(0, now=True)),
            (Reference(1, now=True), Reference(1)),
        )

    def test_columns_of_unlike_kinds_are_not_measured_from_each_other(self) -> None:
        low = walk(0)
        assert choose(low, low + noise(1, 0.01), kinds=(True, False)) == (Reference(0), Reference(1))

    def test_references_of_one_step_form_no_circle(self) -> None:
        base = walk(0)
        chosen = choose(*(base + noise(seed, 0.001) for seed in range(1, 6)))
        for column in range(5):
            seen = {column}
            reference = chosen[column]
            while reference is not None and reference.now:
                assert reference.column not in seen
                seen.add(reference.column)
                reference = chosen[reference.column]
        assert sum(reference is not None and reference.now for reference in chosen) == 4

    def test_the_time_is_always_measured_from_the_last_time(self) -> None:
        assert choose(noise(0), noise(1), time=1) == (None, Reference(1))

    def test_a_column_may_be_measured_from_the_time_of_the_step_but_not_the_last(self) -> None:
        time = walk(2)
        chosen = choose(time, time + noise(1, 0.01), time=0)
        assert chosen == (Reference(0), Reference(0, now=True))

    def test_columns_that_are_all_missing_or_never_vary_are_coded_as_they_stand(self) -> None:
        assert choose(np.full(ROWS, np.nan), walk(0))[0] is None
        assert choose(np.full(ROWS, 3.0)) == (None,)

    def test_a_series_with_gaps_keeps_its_reference(self) -> None:
        series = walk(0)
        series[np.random.default_rng(1).random(ROWS) < 0.3] = np.nan
        assert choose(series) == (Reference(0),)

    def test_a_balance_is_the_last_balance_plus_or_minus_what_was_paid(self) -> None:
        rng = np.random.default_rng(0)
        kind, amount = rng.integers(0, 3, ROWS), rng.integers(1, 500, ROWS).astype(float)
        moves = np.array([1, -1, 0])[kind] * amount + (rng.random(ROWS) < 0.3) * rng.normal(0, 50, ROWS)
        balance = moves.reshape(SEQUENCES, STEPS).cumsum(axis=1).ravel()
        assert choose(amount, balance, kind=kind) == (None, Reference(1, plus=0, signs=(1, -1, 0)))

    def test_a_running_sum_needs_no_kinds(self) -> None:
        amount = np.random.default_rng(0).integers(1, 500, ROWS).astype(float)
        assert choose(amount.reshape(SEQUENCES, STEPS).cumsum(axis=1).ravel(), amount) == (
            Reference(0, plus=1, signs=(1,)),
            None,
        )

    def test_what_each_kind_repeats_is_measured_from_there_and_nothing_else_is(self) -> None:
        rng = np.random.default_rng(0)
        kind = rng.integers(0, 3, ROWS)
        usual = rng.normal(0, 100, (SEQUENCES, 3))[np.repeat(np.arange(SEQUENCES), STEPS), kind]
        values = np.where(kind == 1, rng.normal(0, 100, ROWS), usual + rng.normal(0, 1, ROWS))
        assert choose(values, kind=kind) == (Reference(0, recurring=(True, False, True)),)

    def test_a_walk_is_measured_from_its_last_value_whatever_the_kind(self) -> None:
        kind = np.random.default_rng(5).integers(0, 3, ROWS)
        assert choose(walk(0), kind=kind) == (Reference(0),)
