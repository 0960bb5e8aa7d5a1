from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from scipy import stats

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy import gate, noise
from synthx_privacy.accounting import Selection, gaussian, stable_histogram
from synthx_privacy.ledger import Account, Ledger
from synthx_privacy.mechanisms import (
    discover_levels,
    find_bounds,
    level_threshold,
    noisy_counts,
    noisy_values,
    recording,
    release,
    replaying,
    select,
)
from synthx_privacy.privacy import Privacy


@pytest.fixture(autouse=True)
def _same_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_entropy", random.Random(5).randbytes)


def account_of(**plan: Any) -> Account:
    return Ledger().open(Privacy(epsilon=1e6), plan, fit="test", delta=1e-3)


# -- the gate ----------------------------------------------------------------------------------------------------------


def test_noise_has_the_planned_deviation_times_the_sensitivity() -> None:
    account = account_of(counts=gaussian(4))
    counts = np.full((100, 200), 1000)
    noisy = noisy_counts(account, "counts", counts, sensitivity=3)
    assert noisy.dtype == np.int64
    assert noisy.shape == (100, 200)
    away = (noisy - counts) / 12
    assert abs(away.mean()) < 5 / math.sqrt(20_000)
    assert abs(away.var() - (1 + 1 / (12 * 144))) < 5 * math.sqrt(2 / 20_000)


def test_what_is_asked_is_charged_first_and_once() -> None:
    account = account_of(a=gaussian(1), b=gaussian(1))
    noisy_counts(account, "a", [1, 2])
    assert [entry.spent for entry in account.ledger.entries] == [True, False]
    with pytest.raises(PrivacyError, match="charged already"):
        noisy_counts(account, "a", [1, 2])
    with pytest.raises(PrivacyError, match="not in the plan"):
        noisy_counts(account, "c", [1, 2])


def test_a_failing_mechanism_stays_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(count: int) -> bytes:
        raise OSError("no entropy")

    monkeypatch.setattr(noise, "_entropy", fail)
    account = account_of(a=gaussian(1))
    with pytest.raises(OSError, match="no entropy"):
        noisy_counts(account, "a", [1])
    account.close()
    assert [entry.phase for entry in account.ledger.entries] == ["a"]


@pytest.mark.parametrize("counts", [[0.5], [math.nan], ["a"], [1, math.inf]])
def test_counts_are_whole(counts: list[Any]) -> None:
    account = account_of(a=gaussian(1))
    with pytest.raises(ParameterError, match="counts are not whole numbers"):
        noisy_counts(account, "a", counts)
    assert noisy_counts(account, "a", [2.0, 3.0]).shape == (2,)


@pytest.mark.parametrize("sensitivity", [0, -1.0, math.inf, math.nan])
def test_a_sensitivity_is_finite_and_above_zero(sensitivity: float) -> None:
    with pytest.raises(ParameterError, match="the sensitivity is"):
        noisy_counts(account_of(a=gaussian(1)), "a", [1], sensitivity=sensitivity)


def test_a_query_of_another_kind_than_planned_is_refused() -> None:
    account = account_of(a=gaussian(1), b=Selection(1))
    with pytest.raises(PrivacyError, match="'a' is planned as"):
        select(account, "a", [1.0])
    with pytest.raises(PrivacyError, match="'b' is planned as"):
        noisy_counts(account, "b", [1])
    with pytest.raises(PrivacyError, match="sets no delta aside|delta 0"):
        release(account, "a", {"x": 3}, sensitivity=1.0, kind="levels")
    with pytest.raises(ParameterError, match="mapping"):
        release(account, "a", [3], sensitivity=1.0, kind="levels")


def test_values_are_noised_on_a_grid() -> None:
    """Sensitivity 2 in steps of a quarter is 8 of them, and rounding four values adds sqrt(4) = 2: deviation 10."""
    account = account_of(a=gaussian(1))
    with recording() as tape:
        noisy = noisy_values(account, "a", np.array([0.1, 0.2, -3.3, 7.0]), sensitivity=2.0, grid=0.25)
    assert tape[0].sensitivity == 10
    assert tape[0].query.tolist() == [0, 1, -13, 28]
    assert (noisy * 4 == np.rint(noisy * 4)).all()
    for values, grid in (([math.nan], 1.0), ([1.0], 0.0), ([1.0], math.nan), ([1e300], 1.0)):
        with pytest.raises(ParameterError, match="cannot be rounded"):
            noisy_values(account_of(a=gaussian(1)), "a", values, 1.0, grid)


@pytest.mark.parametrize("seed", range(20))
def test_rounding_keeps_within_the_sensitivity_stated(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values, grid = generator.normal(0, 3, 8), 0.2
    step = generator.normal(0, 1, 8)
    step *= 0.7 / np.linalg.norm(step)
    tapes = []
    for query in (values, values + step):
        with recording() as tape:
            noisy_values(account_of(a=gaussian(1)), "a", query, 0.7, grid)
        tapes.append(tape[0])
    assert np.linalg.norm(tapes[0].query - tapes[1].query) <= tapes[0].sensitivity


# -- selection ---------------------------------------------------------------------------------------------------------


def test_choices_have_the_probabilities_of_the_exponential_mechanism() -> None:
    """Scores log 1, log 2, log 5 with epsilon 2 and sensitivity 1 have weights 1 : 2 : 5; false alarm 1e-4."""
    scores = np.log([1.0, 2.0, 5.0])
    drawn = np.bincount([gate._choose(scores, 1.0) for _ in range(4000)], minlength=3)
    assert stats.chisquare(drawn, np.array([500, 1000, 2500])).pvalue > 1e-4


def test_the_sensitivity_tempers_a_choice() -> None:
    """Epsilon 2 over twice a sensitivity of 1/2 is a factor of 2 on the scores, so the odds of a gap log 3 are 9."""
    odds = np.bincount(
        [select(account_of(a=Selection(2)), "a", [0.0, math.log(3)], sensitivity=0.5) for _ in range(400)], minlength=2
    )
    assert 0.82 < odds[1] / 400 < 0.97  # .9, within five standard deviations


def test_a_far_better_candidate_among_many_is_found() -> None:
    scores = np.zeros(5000)
    scores[4321] = 1e6
    assert select(account_of(a=Selection(1)), "a", scores) == 4321
    assert select(account_of(a=Selection(1)), "a", [-3.5]) == 0
    for wrong in ([], [math.nan], [[1.0]]):
        with pytest.raises(ParameterError, match="scores are not a row"):
            select(account_of(a=Selection(1)), "a", wrong)


# -- levels ------------------------------------------------------------------------------------------------------------


def test_threshold() -> None:
    """Φ⁻¹(1 - 1e-3) = 3.0902, so with sigma 10 it is 1 + 30.902 and a half for rounding."""
    assert level_threshold(10, 1e-3) == pytest.approx(32.402, abs=1e-3)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 20.0])
@pytest.mark.parametrize("delta", [0.02, 1e-6])
def test_a_level_of_one_unit_passes_with_probability_delta_at_most(sigma: float, delta: float) -> None:
    """By the probabilities of rounded noise: the least whole number above the threshold, less one and a half."""
    least = math.floor(level_threshold(sigma, delta)) + 1
    assert stats.norm.sf((least - 0.5 - 1) / sigma) <= delta


def test_levels_of_one_unit_are_published_as_rarely_as_promised() -> None:
    """40,000 levels of one unit at delta .009: 360 pass at most, and five standard deviations are 95."""
    account = Ledger().open(Privacy(epsilon=1e6), {"a": stable_histogram(5, 0.009)}, fit="x", delta=0.01)
    kept = discover_levels(account, "a", np.arange(40_000), most=40_000, delta=0.01)
    assert len(kept) <= 360 + 95


def test_levels_that_many_have_are_found_in_the_order_of_their_counts() -> None:
    values = np.repeat(np.array(["b", "a", "rare"], dtype=object), [500, 900, 1])
    account = account_of(a=stable_histogram(5, 1e-6))
    assert discover_levels(account, "a", values, delta=1e-6) == ["a", "b"]
    assert discover_levels(account_of(a=stable_histogram(5, 1e-6)), "a", values, most=1) == ["a"]
    assert discover_levels(account_of(a=stable_histogram(5, 1e-6)), "a", np.array([], dtype=object)) == []
    assert discover_levels(account_of(a=stable_histogram(5, 1e-6)), "a", np.repeat([3, 7], 400)) == pytest.approx(
        [3, 7], abs=4
    )


def test_levels_need_a_plan_with_slack() -> None:
    with pytest.raises(PrivacyError, match="sets delta 0 aside"):
        discover_levels(account_of(a=gaussian(5)), "a", np.array(["x"]))
    with pytest.raises(PrivacyError, match="sets delta 1e-05 aside"):
        discover_levels(account_of(a=stable_histogram(5, 1e-5)), "a", np.array(["x"]), delta=1e-6)


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_bounds_hold_nearly_all_and_little_else() -> None:
    ages = np.random.default_rng(0).integers(17, 91, 5000).astype(float)
    account = account_of(a=gaussian(5))
    bounds = find_bounds(account, "a", ages)
    assert bounds is not None
    low, high = bounds
    assert 10 < low <= 20
    assert 88 <= high < 100
    assert [entry.phase for entry in account.ledger.entries] == ["a/1", "a/2"]
    assert account.ledger.epsilon() <= account_of(a=gaussian(5)).ledger.epsilon()


def test_one_extreme_does_not_move_bounds() -> None:
    numbers = np.append(np.random.default_rng(1).uniform(-3, 3, 4000), [1e15, -math.inf, math.nan])
    bounds = find_bounds(account_of(a=gaussian(5)), "a", numbers)
    assert bounds is not None
    assert -4 <= bounds[0] < -2.5
    assert 2.5 < bounds[1] <= 4


@pytest.mark.parametrize("numbers", [[], [math.nan] * 50, [3.0] * 5, [1.0, 1e9, -1e300]])
def test_too_few_numbers_have_no_bounds_and_cost_alike(numbers: list[float]) -> None:
    account = account_of(a=gaussian(20))
    assert find_bounds(account, "a", np.array(numbers)) is None
    assert [entry.spent for entry in account.ledger.entries] == [True, True]


def test_zeros_have_bounds_around_zero() -> None:
    bounds = find_bounds(account_of(a=gaussian(5)), "a", np.zeros(1000))
    assert bounds is not None
    assert bounds[0] <= 0 <= bounds[1]
    assert bounds[1] - bounds[0] <= 2**-31


# -- tapes -------------------------------------------------------------------------------------------------------------


def ask(values: np.ndarray) -> tuple[Any, ...]:
    account = account_of(counts=gaussian(2), levels=stable_histogram(2, 1e-4), tree=Selection(1), bounds=gaussian(1))
    counts = noisy_counts(account, "counts", np.bincount(values, minlength=5))
    levels = discover_levels(account, "levels", values)
    choice = select(account, "tree", counts.astype(float))
    return counts.tolist(), levels, choice, find_bounds(account, "bounds", values)


def test_a_replay_answers_as_before_and_notes_what_is_asked_now() -> None:
    values = np.repeat(np.arange(4), 100)
    with recording() as tape:
        first = ask(values)
    with replaying(tape) as now:
        second = ask(np.append(values, 4))
    assert first == second
    assert [release.phase for release in now] == ["counts", "levels", "tree", "bounds/1", "bounds/2"]
    assert np.abs(now[0].query - tape[0].query).sum() == 1
    assert now[1].query.keys() - tape[1].query.keys() == {4}
    assert [release.sensitivity for release in now] == [1.0] * 5


def test_a_replay_that_takes_another_course_is_refused() -> None:
    with recording() as tape:
        noisy_counts(account_of(a=gaussian(1)), "a", [1])
    with pytest.raises(PrivacyError, match="query 1 is for 'b' where the tape has 'a'"), replaying(tape):
        noisy_counts(account_of(b=gaussian(1)), "b", [1])
    with pytest.raises(PrivacyError, match="where the tape has nothing more"), replaying(tape):
        account = account_of(a=gaussian(1), b=gaussian(1))
        noisy_counts(account, "a", [1])
        noisy_counts(account, "b", [1])


def test_nothing_is_recorded_outside_a_tape() -> None:
    with recording() as tape:
        pass
    noisy_counts(account_of(a=gaussian(1)), "a", [1])
    assert len(tape) == 0
