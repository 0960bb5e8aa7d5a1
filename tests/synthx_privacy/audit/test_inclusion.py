"""Tests of the test of samplers: chance repeats, so that none can fail by it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from synthx_privacy.audit import audit_inclusion
from synthx_privacy.audit.chance import repeatable
from synthx_privacy.dpsgd import PoissonSampler

UNITS, RATE, STEPS = 1_000, 0.05, 300
RARE = np.arange(20)


def failed(batches: Iterator[np.ndarray]) -> set[str]:
    with repeatable(0):
        findings = audit_inclusion(batches, UNITS, RATE, groups={"rare": RARE, "common": np.arange(20, UNITS)})
    return {finding.code for finding in findings if finding.is_failure}


def poisson(rate: float = RATE, seed: int = 0) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    return (np.flatnonzero(rng.random(UNITS) < rate) for _ in range(STEPS))


def test_the_sampler_passes() -> None:
    assert failed(PoissonSampler(UNITS, RATE, STEPS)) == set()


@pytest.mark.parametrize("seed", range(5))
def test_poisson_draws_pass(seed: int) -> None:
    assert failed(poisson(seed=seed)) == set()


def test_the_limits_are_those_of_the_stated_false_alarms() -> None:
    """With limits at the 10% level, about a tenth of sound samplers fail each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthx_privacy.audit.inclusion.FALSE_ALARM", 0.1)
        runs = [[f.is_failure for f in audit_inclusion(poisson(seed=seed), UNITS, RATE)] for seed in range(150)]
    shares = np.mean(runs, axis=0)
    assert shares.shape == (4,)
    assert (shares > 0.03).all() and (shares < 0.2).all()


def test_the_rate_doubled_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = PoissonSampler.__init__
    monkeypatch.setattr(PoissonSampler, "__init__", lambda self, units, rate, steps: made(self, units, 2 * rate, steps))
    assert {"sampler.rate", "sampler.group"} <= failed(PoissonSampler(UNITS, RATE, STEPS))


def test_a_sampler_that_favours_rare_rows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = PoissonSampler._draw

    def favouring(self: PoissonSampler) -> np.ndarray:
        extra = np.random.default_rng(self.taken).choice(RARE, 2, replace=False)
        return np.union1d(drawn(self), extra)

    monkeypatch.setattr(PoissonSampler, "_draw", favouring)
    assert "sampler.group" in failed(PoissonSampler(UNITS, RATE, STEPS))


def test_shuffled_batches_of_equal_size_are_found() -> None:
    def shuffled() -> Iterator[np.ndarray]:
        rng = np.random.default_rng(0)
        for _ in range(STEPS // 20):
            yield from np.split(rng.permutation(UNITS), 20)

    assert {"sampler.size", "sampler.unit"} <= failed(shuffled())


def test_batches_of_equal_size_drawn_anew_are_found() -> None:
    rng = np.random.default_rng(0)
    assert failed(rng.choice(UNITS, 50, replace=False) for _ in range(STEPS)) == {"sampler.size"}


def test_batches_used_twice_are_found() -> None:
    rng = np.random.default_rng(0)
    twice = (batch for _ in range(STEPS // 2) for batch in [np.flatnonzero(rng.random(UNITS) < RATE)] * 2)
    assert "sampler.steps" in failed(twice)
