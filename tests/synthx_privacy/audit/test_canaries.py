"""Tests of canaries: chance repeats in them, so that none can fail by it.

The setting is that of the simulation in which the tests' power was reckoned: noise 8, rate a quarter, 100 steps, an
epsilon of 1.22 at delta 1e-5.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from synthx.errors import ParameterError
from synthx_privacy import clipping, dpsgd, sampling
from synthx_privacy.audit import Canaries, ceiling, lower_bound, release_canaries
from synthx_privacy.audit.canaries import count_right, expected_signal
from synthx_privacy.audit.chance import repeatable

RATE, NOISE, STEPS, PROVED = 0.25, 8.0, 100, 1.22


def released(key: int = 0, **changes: Any) -> Canaries:
    with repeatable(key):
        return release_canaries(**({"rate": RATE, "noise": NOISE, "steps": STEPS} | changes))


def drawn(signal: float, seed: int) -> Canaries:
    """What would be released with another signal than booked, without a descent."""
    rng = np.random.default_rng(seed)
    included = rng.random(2_000) < 0.5
    scale = NOISE * math.sqrt(STEPS)
    return Canaries(included, scale * (rng.normal(size=2_000) + signal * included), RATE, NOISE, STEPS)


def test_the_sound_descent_passes() -> None:
    canaries = released()
    assert canaries.expected == pytest.approx(0.3125)
    assert canaries.error == pytest.approx(0.045, abs=1e-3)
    assert not canaries.audit_signal().is_failure
    assert not canaries.audit_bound(200, PROVED, delta=1e-6).is_failure
    assert canaries.lower_bound(200) < 0.9


def test_a_real_rate_and_clip_pass() -> None:
    assert not released(key=1, rate=0.04, noise=1.5, steps=60, clip=0.1, canaries=1_000).audit_signal().is_failure


def test_a_sound_descent_fails_as_rarely_as_stated() -> None:
    scores = []
    for seed in range(300):
        canaries = drawn(expected_signal(RATE, NOISE, STEPS), seed)
        scores.append((canaries.signal - canaries.expected) / canaries.error)
    assert np.std(scores) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(scores)) < 0.25


def test_a_factor_of_two_is_always_found() -> None:
    assert all(drawn(2 * 0.3125, seed).audit_signal().is_failure for seed in range(100))


# -- planted faults in the descent -------------------------------------------------------------------------------------


def test_noise_halved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = dpsgd.PrivateDescent.__init__

    def halved(self: Any, module: Any, *, noise_multiplier: float, **settings: Any) -> None:
        made(self, module, noise_multiplier=noise_multiplier / 2, **settings)

    monkeypatch.setattr(dpsgd.PrivateDescent, "__init__", halved)
    assert released().audit_signal().is_failure


def test_clipping_doubled_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = clipping.Clipper.__init__
    monkeypatch.setattr(
        clipping.Clipper, "__init__", lambda self, module, clip, **more: made(self, module, 2 * clip, **more)
    )
    assert released().audit_signal().is_failure


def test_the_rate_doubled_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sampling.PoissonSampler.__init__
    monkeypatch.setattr(
        sampling.PoissonSampler, "__init__", lambda self, units, rate, steps: made(self, units, 2 * rate, steps)
    )
    assert released().audit_signal().is_failure


def test_no_noise_exceeds_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    made = dpsgd.PrivateDescent.__init__

    def nearly_none(self: Any, module: Any, *, noise_multiplier: float, **settings: Any) -> None:
        made(self, module, noise_multiplier=1e-3, **settings)

    monkeypatch.setattr(dpsgd.PrivateDescent, "__init__", nearly_none)
    canaries = released(steps=20)
    assert canaries.lower_bound(200) == pytest.approx(ceiling(400))
    assert canaries.audit_bound(200, PROVED, delta=1e-6).is_failure
    assert canaries.audit_signal().is_failure


# -- the lower bound ---------------------------------------------------------------------------------------------------


def test_the_bound_is_the_one_at_which_so_many_right_are_as_likely_as_one_in_twenty() -> None:
    bound = lower_bound(70, 100, 100)
    assert binom.sf(69, 100, 1 / (1 + math.exp(-bound))) == pytest.approx(0.05, rel=1e-2)
    assert lower_bound(50, 100, 100) == 0


def test_all_right_gives_the_ceiling() -> None:
    """All of n right has probability p^n, so p is the n-th root of 0.05, and epsilon its log-odds."""
    for guesses, known in ((100, 3.5), (300, 4.6), (500, 5.1), (1_000, 5.8)):
        share = 0.05 ** (1 / guesses)
        assert ceiling(guesses) == pytest.approx(math.log(share / (1 - share)), abs=1e-3)
        assert ceiling(guesses) == pytest.approx(known, abs=0.05)


def test_delta_lowers_the_bound() -> None:
    bounds = [lower_bound(90, 100, 2_000, delta=delta) for delta in (0.0, 1e-6, 1e-4)]
    assert bounds[0] >= bounds[1] > bounds[2]
    assert lower_bound(90, 100, 2_000, delta=0.5) == 0


def test_guesses_are_counted_right() -> None:
    scores, included = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0]), np.array([True, False, True, True, False, False])
    assert count_right(scores, included, 1) == 2
    assert count_right(scores, included, 2) == 3
    with pytest.raises(ParameterError, match="4 guesses"):
        count_right(scores, included, 4)


def test_bad_settings_are_refused() -> None:
    for changes in ({"rate": 0.0}, {"noise": 0.0}, {"steps": 0}, {"canaries": 3}):
        with pytest.raises(ParameterError):
            released(**changes)


@pytest.mark.parametrize(
    ("canaries", "guesses", "right", "delta", "epsilon"),
    [
        (1000, 1000, 1000, 0.0, 5.8091),
        (1000, 1000, 1000, 1e-5, 5.7823),
        (100, 100, 100, 0.0, 3.4930),
        (1000, 1000, 550, 0.0, 0.0942),
        (1000, 1000, 600, 1e-5, 0.2972),
        (1000, 1000, 700, 1e-5, 0.7317),
        (5000, 500, 490, 1e-5, 3.3357),
        (10000, 1000, 1000, 1e-5, 5.5293),
    ],
)
def test_lower_bound_as_published(canaries: int, guesses: int, right: int, delta: float, epsilon: float) -> None:
    assert round(lower_bound(right, guesses, canaries, delta=delta), 4) == epsilon


def test_lower_bound_in_closed_form() -> None:
    q = 0.05 ** (1 / 1000)
    assert lower_bound(1000, 1000, 1000) == pytest.approx(math.log(q / (1 - q)), abs=1e-6)
