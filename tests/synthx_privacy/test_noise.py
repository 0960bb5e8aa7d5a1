from __future__ import annotations

import math
import random
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from synthx.errors import ParameterError
from synthx_privacy import noise
from synthx_privacy.noise import SecureRandom, discrete_gaussian, discrete_laplace, fine_gaussian

FALSE_ALARM = 1e-4
"""Rate at which each chi-square test here would fail on fresh entropy; with the entropy below it passes always."""
DRAWS = 60_000


@pytest.fixture(autouse=True)
def _same_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_entropy", random.Random(20).randbytes)


def chi_square(drawn: np.ndarray, weights: dict[int, float]) -> float:
    """Return the p-value of draws against weights; values expected fewer than ten times are joined to one cell."""
    total = sum(weights.values())
    expected = {value: len(drawn) * weight / total for value, weight in weights.items()}
    cells = [value for value, count in expected.items() if count >= 10]
    observed = np.array([(drawn == value).sum() for value in cells])
    hoped = np.array([expected[value] for value in cells])
    observed, hoped = np.append(observed, len(drawn) - observed.sum()), np.append(hoped, len(drawn) - hoped.sum())
    if hoped[-1] < 1e-6:
        assert observed[-1] == 0
        observed, hoped = observed[:-1], hoped[:-1]
    return float(stats.chi2.sf(((observed - hoped) ** 2 / hoped).sum(), len(hoped) - 1))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5, 17.3])
def test_discrete_gaussian_has_its_probabilities(sigma: float) -> None:
    drawn = discrete_gaussian(sigma, DRAWS)
    reach = range(-math.ceil(12 * sigma), math.ceil(12 * sigma) + 1)
    assert chi_square(drawn, {x: math.exp(-(x**2) / (2 * sigma**2)) for x in reach}) > FALSE_ALARM


@pytest.mark.parametrize("sigma", [2.5, 1e3, 1e9])
def test_discrete_gaussian_has_its_moments(sigma: float) -> None:
    """From 2.5 on, the variance is sigma² to 20 digits; bounds are five standard errors."""
    drawn = discrete_gaussian(sigma, DRAWS).astype(float)
    assert abs(drawn.mean()) < 5 * sigma / math.sqrt(DRAWS)
    assert abs(drawn.var() / sigma**2 - 1) < 5 * math.sqrt(2 / DRAWS)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5, 8.0])
def test_discrete_laplace_has_its_probabilities(scale: float) -> None:
    drawn = discrete_laplace(scale, DRAWS)
    reach = range(-math.ceil(40 * scale), math.ceil(40 * scale) + 1)
    assert chi_square(drawn, {x: math.exp(-abs(x) / scale) for x in reach}) > FALSE_ALARM


@pytest.mark.parametrize("sigma", [0.2, 0.7, 3.0])
def test_fine_gaussian_is_a_rounded_gaussian(sigma: float) -> None:
    drawn = fine_gaussian(sigma, DRAWS)
    reach = range(-math.ceil(10 * sigma), math.ceil(10 * sigma) + 1)
    weights = {x: float(stats.norm.cdf((x + 0.5) / sigma) - stats.norm.cdf((x - 0.5) / sigma)) for x in reach}
    assert chi_square(drawn, weights) > FALSE_ALARM


def test_on_the_fine_grid_continuous_accounting_holds() -> None:
    """Hockey-stick divergence of discrete noise, summed exactly, against that of continuous noise: 1e-6 covers it."""
    sigma = 2.0**15
    x = np.arange(-16 * 2**15, 16 * 2**15, dtype=float)
    for mu in (0.05, 1.0):
        shift = round(mu * sigma)
        mu = shift / sigma
        log_p = -((x - shift) ** 2) / (2 * sigma**2) - math.log(sigma * math.sqrt(2 * math.pi))
        for epsilon in (0.5 * mu, 3 * mu, 5 * mu):
            log_ratio = (2 * x * shift - shift**2) / (2 * sigma**2)
            discrete = float((np.exp(log_p) * np.maximum(-np.expm1(epsilon - log_ratio), 0)).sum())
            continuous = stats.norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * stats.norm.cdf(
                -mu / 2 - epsilon / mu
            )
            assert discrete == pytest.approx(continuous, rel=1e-6)


def test_undecided_comparisons_agree_with_decided_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same first bits decide alike, whether in doubles or with all digits."""
    exponents = np.linspace(0, 6, 2000)
    drawn = SecureRandom().bits(2000)
    monkeypatch.setattr(noise.SecureRandom, "bits", lambda self, count: drawn[:count])
    quick = noise.happens(exponents, lambda index: Fraction(float(exponents[index])))
    monkeypatch.setattr(noise, "SURE", 2.0)
    slow = noise.happens(exponents, lambda index: Fraction(float(exponents[index])))
    assert (quick == slow).all()
    assert 250 < quick.sum() < 420  # 2000 · (1 - exp(-6)) / 6 = 332.5, within five standard deviations


def test_a_decision_goes_on_until_the_digits_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(-log 2) is one half to some 17 digits only: a number that begins as one half needs more bits than 53."""
    exponent = Fraction(math.log(2))  # a little below log 2, so that the chance is a little above one half
    assert float(exponent) == math.log(2)
    half = 1 << 52
    above = noise._decide(half, exponent)
    monkeypatch.setattr(noise, "_entropy", lambda count: bytes(count))
    assert noise._decide(half, exponent) is True
    monkeypatch.setattr(noise, "_entropy", lambda count: b"\xff" * count)
    assert noise._decide(half, exponent) is False
    assert above in (True, False)
    assert noise._decide(0, Fraction(10_000)) is False


def test_certain_and_impossible_decisions() -> None:
    assert noise.happens(np.zeros(5000), lambda _: Fraction(0)).all()
    assert not noise.happens(np.full(5000, 1e6), lambda _: Fraction(10**6)).any()


def test_secure_random_is_uniform() -> None:
    numbers = SecureRandom()
    assert chi_square(numbers.integers(7, DRAWS), dict.fromkeys(range(7), 1.0)) > FALSE_ALARM
    floats = numbers.floats(DRAWS)
    assert floats.min() >= 0
    assert floats.max() < 1
    assert stats.kstest(floats, "uniform").pvalue > FALSE_ALARM
    firsts = np.array([numbers.permutation(4)[0] for _ in range(4000)])
    assert chi_square(firsts, dict.fromkeys(range(4), 1.0)) > FALSE_ALARM
    assert 0 <= numbers.seed() < 1 << 63


def test_integers_that_would_favour_small_ones_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 3·2^60 the even part of 63 bits ends at 6·2^60, so the largest number is drawn again."""
    answers = iter([b"\xff" * 8, (5 << 1).to_bytes(8, "little")])
    monkeypatch.setattr(noise, "_entropy", lambda count: next(answers))
    assert SecureRandom().integers(3 << 60, 1).tolist() == [5]


@settings(max_examples=30)
@given(size=st.integers(0, 300))
def test_permutations_hold_each_number_once(size: int) -> None:
    assert sorted(SecureRandom().permutation(size).tolist()) == list(range(size))


def test_noise_comes_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    first = discrete_gaussian(1e6, 50)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert (first != discrete_gaussian(1e6, 50)).any()


def test_a_hundred_thousand_draws_take_about_a_second() -> None:
    began = time.process_time()
    assert len(fine_gaussian(30.0, 100_000)) == 100_000
    assert time.process_time() - began < 2  # some .1 s on an idle core


@pytest.mark.parametrize("sigma", [0, -1.0, math.inf, math.nan, 1e300])
def test_scales_outside_their_range(sigma: float) -> None:
    for draw in (discrete_gaussian, discrete_laplace, fine_gaussian):
        with pytest.raises(ParameterError, match="the scale of the noise is"):
            draw(sigma, 1)
    with pytest.raises(ParameterError):
        SecureRandom().integers(0, 1)
    assert len(discrete_gaussian(1.0, 0)) == 0
