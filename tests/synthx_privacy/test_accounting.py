from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy import accounting, renyi
from synthx_privacy.accounting import Selection, Slack, calibrate, epsilon_of, gaussian, sampled_gaussian
from synthx_privacy.events import gather, noise_of, slack_of, stable_histogram, with_steps


def test_one_gaussian_by_the_formula() -> None:
    """At sigma 1 and epsilon 1, delta is Φ(-1/2) - e·Φ(-3/2) = .308538 - 2.718282 · .066807 = .126937."""
    assert epsilon_of([gaussian(1)], 0.126937) == pytest.approx(1, abs=1e-4)


def test_gaussians_merge_by_their_precision() -> None:
    """1/5² = 1/25 = (9 + 16) / 625 is the sum of 1/(25/3)² and 1/(25/4)²."""
    apart = epsilon_of([gaussian(25 / 3), gaussian(25 / 4)], 1e-6)
    assert apart == pytest.approx(epsilon_of([gaussian(5)], 1e-6), rel=1e-9)


def test_nothing_costs_nothing() -> None:
    import dp_accounting

    assert epsilon_of([], 1e-6) == 0
    assert epsilon_of([dp_accounting.NoOpDpEvent(), sampled_gaussian(0.1, 1, 0), Slack(1e-7)], 1e-6) == 0


def test_what_is_not_private_costs_infinity() -> None:
    import dp_accounting

    for event in (dp_accounting.NonPrivateDpEvent(), gaussian(0), sampled_gaussian(0.1, 0, 5)):
        assert epsilon_of([event], 1e-6) == math.inf
    with pytest.raises(ParameterError, match="cannot be reckoned"):
        epsilon_of([dp_accounting.UnsupportedDpEvent()], 1e-6)


def test_slack_is_taken_off_delta() -> None:
    with_slack = epsilon_of([gaussian(5), Slack(4e-7), Slack(1e-7)], 1e-6)
    assert with_slack == pytest.approx(epsilon_of([gaussian(5)], 5e-7), rel=1e-9)
    assert epsilon_of([gaussian(5), Slack(1e-6)], 1e-6) == math.inf
    assert epsilon_of([Slack(2e-6)], 1e-6) == math.inf


def test_selections_cost_no_more_than_their_zero_concentrated_privacy() -> None:
    """100 selections of epsilon .2 have rho 100 · .04 / 8 = .5, like a Gaussian of sigma 1."""
    selections = epsilon_of([Selection(0.2)] * 100, 1e-6)
    assert selections <= epsilon_of([Selection(0.2), *[Selection(0.2)] * 99, gaussian(1e6)], 1e-6)
    assert epsilon_of([gaussian(1)], 1e-6) < selections < 0.5 + 2 * math.sqrt(0.5 * math.log(1e6))


def test_a_selection_has_the_gaussian_privacy_that_its_docstring_proves() -> None:
    from scipy.special import expit, ndtri

    for epsilon in (0.1, 1.0, 4.0):
        logits = np.linspace(-20, 20, 40_001)
        gaps = ndtri(expit(logits + epsilon / 2)) - ndtri(expit(logits - epsilon / 2))
        assert gather([Selection(epsilon)]).mu == pytest.approx(gaps.max(), rel=1e-6)


def test_the_exponential_mechanism_is_within_its_curve() -> None:
    """Probabilities on two neighbouring scores, by hand: every hockey-stick divergence is below the Gaussian's."""
    from scipy.stats import norm

    epsilon, generator = 1.0, np.random.default_rng(1)
    mu = gather([Selection(epsilon)]).mu
    for _ in range(200):
        scores = generator.normal(0, 4, 5)
        moved = scores + generator.uniform(-1, 1, 5)
        p, q = (np.exp(epsilon * s / 2) / np.exp(epsilon * s / 2).sum() for s in (scores, moved))
        for a in (0.0, 0.3, 0.7):
            bound = norm.cdf(mu / 2 - a / mu) - math.exp(a) * norm.cdf(-mu / 2 - a / mu)
            assert np.maximum(p - math.exp(a) * q, 0).sum() <= bound


@pytest.mark.filterwarnings("ignore:Optimal order is the largest alpha")  # of PRV, when it sizes its domain
@pytest.mark.parametrize(("rate", "noise", "steps"), [(0.02, 1.2, 1500), (0.01, 1.0, 1000), (0.1, 4.0, 500)])
def test_descent_agrees_with_opacus(rate: float, noise: float, steps: int) -> None:
    from opacus.accountants.analysis import rdp
    from opacus.accountants.prv import PRVAccountant

    delta = 1e-6
    prv = PRVAccountant()
    prv.history = [(noise, rate, steps)]
    event = sampled_gaussian(rate, noise, steps)
    assert epsilon_of([event], delta) == pytest.approx(prv.get_epsilon(delta), rel=0.01)
    orders = [1 + tenths / 10 for tenths in range(1, 100)] + list(range(12, 200))
    divergences = rdp.compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=orders)
    theirs, _ = rdp.get_privacy_spent(orders=orders, rdp=divergences, delta=delta)
    ours = accounting._renyi_epsilon(gather([event]), delta)
    assert ours == pytest.approx(theirs, rel=0.01)
    assert epsilon_of([event], delta) <= ours


def test_divergences_between_and_at_whole_orders() -> None:
    """At order 2 the moment is 1 + rate² (exp(1/noise²) - 1); between, it lies below the chord."""
    rate, noise = 0.02, 1.0
    divergences = dict(zip(renyi.ORDERS, renyi.sampled_gaussian_divergences(rate, noise), strict=True))
    second = math.log(1 + rate**2 * (math.e - 1))
    assert divergences[2.0] == pytest.approx(second, rel=1e-9)
    middle = divergences[1.5] * 0.5
    assert 0 < middle < second / 2
    assert divergences[1.05] == pytest.approx(rate**2 * (math.e - 1) / 2, rel=0.06)  # near the Kullback-Leibler one


def test_two_thousand_steps_take_about_a_second() -> None:
    epsilon_of([sampled_gaussian(0.1, 5, 10)], 1e-6)  # imports
    began = time.process_time()
    epsilon_of([sampled_gaussian(0.0211, 1.234, 2000), gaussian(20), Selection(0.1), Slack(1e-7)], 1e-6)
    assert time.process_time() - began < 3  # some .5 s on an idle core


def test_mixed_events_cost_more_than_each_and_less_than_their_sum() -> None:
    events = [sampled_gaussian(0.02, 2, 500), gaussian(10), Selection(0.1)]
    alone = [epsilon_of([event], 1e-6) for event in events]
    assert max(alone) < epsilon_of(events, 1e-6) < sum(alone)


@settings(max_examples=40)
@given(
    noises=st.lists(st.floats(0.5, 50), min_size=1, max_size=5),
    epsilons=st.lists(st.floats(0.01, 2), max_size=4),
    delta=st.floats(1e-9, 1e-3),
)
def test_more_events_cost_more_in_any_order(noises: list[float], epsilons: list[float], delta: float) -> None:
    events = [*map(gaussian, noises), *map(Selection, epsilons)]
    whole = epsilon_of(events, delta)
    assert epsilon_of(events[::-1], delta) == whole
    assert epsilon_of(events[1:], delta) <= whole
    assert epsilon_of(events, delta / 2) >= whole


@settings(max_examples=25)
@given(epsilon=st.floats(0.05, 30), delta=st.floats(1e-9, 1e-4), share=st.floats(0.1, 2))
def test_calibration_keeps_the_budget_and_wastes_little(epsilon: float, delta: float, share: float) -> None:
    def events_at(scale: float) -> list[object]:
        return [gaussian(scale), gaussian(3 * scale), Selection(share / scale)]

    scale = calibrate(events_at, epsilon, delta)
    assert epsilon_of(events_at(scale), delta) <= epsilon
    assert epsilon_of(events_at(scale / 1.0011), delta) > epsilon


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_calibration_of_descent(epsilon: float) -> None:
    def events_at(scale: float) -> list[object]:
        return [gaussian(20), sampled_gaussian(0.02, scale, 500)]

    scale = calibrate(events_at, epsilon, 1e-6)
    assert epsilon_of(events_at(scale), 1e-6) <= epsilon
    assert epsilon_of(events_at(scale / 1.003), 1e-6) > epsilon


def test_calibration_refuses_what_noise_cannot_mend() -> None:
    with pytest.raises(PrivacyError, match=r"no amount of noise .* epsilon 1 at delta 1e-06; raise epsilon"):
        calibrate(lambda scale: [gaussian(scale), gaussian(1)], 1, 1e-6)
    with pytest.raises(PrivacyError):
        calibrate(lambda scale: [gaussian(scale), Slack(1e-6)], 1, 1e-6)


def test_a_huge_epsilon_needs_hardly_any_noise() -> None:
    scale = calibrate(lambda scale: [gaussian(scale), sampled_gaussian(0.02, scale, 100)], 1e6, 1e-6)
    assert scale < 0.02


def test_what_events_hold() -> None:
    histogram = stable_histogram(10, 1e-7)
    assert noise_of(histogram) == 10
    assert slack_of(histogram) == 1e-7
    assert with_steps(sampled_gaussian(0.1, 1, 5), 3) == sampled_gaussian(0.1, 1, 3)
    with pytest.raises(PrivacyError, match="6 steps were taken where the plan has 5"):
        with_steps(sampled_gaussian(0.1, 1, 5), 6)
    with pytest.raises(PrivacyError, match="no Gaussian noise"):
        noise_of(Selection(1))
    for wrong in (0, -1, math.inf):
        with pytest.raises(ParameterError):
            Selection(wrong)
    with pytest.raises(ParameterError):
        Slack(1)
