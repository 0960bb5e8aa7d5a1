"""What mechanisms cost together: events in, epsilon out.

Two bounds are reckoned and the smaller one counts; each holds alone, for neighbours that differ by one unit added or
removed:

- **Rényi** (Mironov 2017, arXiv:1702.07476): orders add up; Gaussians and selections are zero-concentrated;
- **trade-off** (Dong, Roth, Su 2019, arXiv:1905.02383): Gaussians and selections merge into one Gaussian;
  DP-SGD joins it as a privacy-loss distribution (Koskela et al. 2020, arXiv:1906.03049).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from synthx.errors import PrivacyError
from synthx_privacy.events import (
    Event,
    Selection,
    Slack,
    gather,
    gaussian,
    sampled_gaussian,
    stable_histogram,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from synthx_privacy.events import Parts

__all__ = ["Event", "Selection", "Slack", "calibrate", "epsilon_of", "gaussian", "sampled_gaussian", "stable_histogram"]

DISCRETE = 1e-6
"""Share of delta kept back, since counts get discrete noise on a fine grid instead of continuous noise (`noise`)."""
LOSSES_UP_TO = 100.0
"""Beyond this epsilon no loss distribution is reckoned: Rényi is close there, and the arrays would grow."""
FINENESS = 2e-4
"""Grid of the privacy loss, as a share of epsilon, for up to `FINE_STEPS` steps; finer for more, since errors add up.
Any grid gives an upper bound; this one is above the finest by some 0.02%."""
FINE_STEPS = 2000
PRECISION = 1e-3
"""Of a calibrated scale, relative; always on the safe side."""
LEAST_SCALE, MOST_SCALE = 1e-6, 1e12
TRIES = 8
"""The most loss distributions that one calibration reckons."""


def epsilon_of(events: Iterable[Event], delta: float) -> float:
    """Return an epsilon for which the events together are (epsilon, delta)-differentially private.

    Parameters
    ----------
    events : iterable of Event
        Their order does not matter; each may have been chosen by the outputs of those before it.
    delta : float
        Of them all; what they hold as `Slack` is taken off it first.

    Returns
    -------
    float
        The smaller of both bounds; infinite where delta does not suffice or an event is not private.

    Raises
    ------
    ParameterError
        For an event that cannot be reckoned.
    """
    parts = gather(events)
    left = (delta - parts.slack) * (1 - DISCRETE)
    nothing = not (parts.precisions or parts.ranges or parts.sampled)
    if parts.unbounded or left < 0 or (left == 0 and not nothing):
        return math.inf
    if nothing:
        return 0.0
    renyi = _renyi_epsilon(parts, left)
    if not parts.sampled:
        return min(renyi, _gaussian_epsilon(parts.mu, left))
    return renyi if renyi > LOSSES_UP_TO else min(renyi, _losses_epsilon(parts, left, renyi))


def _gaussian_epsilon(mu: float, delta: float) -> float:
    """Return epsilon of mu-GDP by bisection, from above (Balle and Wang 2018, arXiv:1805.06530, theorem 8)."""
    from scipy.special import log_ndtr

    target = math.log(delta)

    def log_delta(epsilon: float) -> float:
        first = float(log_ndtr(mu / 2 - epsilon / mu))
        second = epsilon + float(log_ndtr(-mu / 2 - epsilon / mu))
        return first + math.log(-math.expm1(second - first)) if second < first else -math.inf

    low, high = 0.0, mu**2 / 2 + mu * math.sqrt(-2 * target)
    if log_delta(low) <= target:
        return 0.0
    while high - low > 1e-11 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if log_delta(middle) <= target else (middle, high)
    return high


def _renyi_epsilon(parts: Parts, delta: float) -> float:
    """Return the best order's epsilon (Canonne, Kamath, Steinke 2020, arXiv:2004.00010, proposition 12)."""
    import numpy as np

    from synthx_privacy.renyi import ORDERS, sampled_gaussian_divergences

    orders = np.array(ORDERS) if parts.sampled else 1 + np.geomspace(1e-5, 1e7, 4000)
    curve = parts.rho * orders
    for (rate, noise), steps in parts.sampled.items():
        curve = curve + steps * sampled_gaussian_divergences(rate, noise)
    epsilons = curve + np.log1p(-1 / orders) - (math.log(delta) + np.log(orders)) / (orders - 1)
    return max(0.0, float(epsilons.min()))


def _losses_epsilon(parts: Parts, delta: float, about: float) -> float:
    """Return epsilon by privacy-loss distributions, on a grid that suits an epsilon of about so much."""
    from dp_accounting.pld import privacy_loss_distribution as pld

    wanted = about * FINENESS * min(1.0, math.sqrt(FINE_STEPS / sum(parts.sampled.values())))
    interval = 2.0 ** math.floor(math.log2(max(wanted, 1e-6)))
    losses = [_sampled_losses(rate, noise, steps, interval) for (rate, noise), steps in sorted(parts.sampled.items())]
    mu = parts.mu
    if mu > 0:
        losses.append(pld.from_gaussian_mechanism(1 / mu, value_discretization_interval=interval))
    together = functools.reduce(lambda one, other: one.compose(other), losses)
    return float(together.get_epsilon_for_delta(delta))


@functools.lru_cache(maxsize=8)
def _sampled_losses(rate: float, noise: float, steps: int, interval: float) -> Any:
    """Return the privacy-loss distribution of DP-SGD."""
    from dp_accounting.pld import privacy_loss_distribution as pld

    step = pld.from_gaussian_mechanism(noise, sampling_prob=rate, value_discretization_interval=interval)
    return step.self_compose(steps)


# -- calibration -------------------------------------------------------------------------------------------------------


def calibrate(events_at: Callable[[float], Sequence[Event]], epsilon: float, delta: float) -> float:
    """Return the smallest scale at which events keep within a budget.

    Parameters
    ----------
    events_at : callable
        Events at a scale; epsilon must fall as the scale grows (a factor on noise multipliers, say).
    epsilon, delta : float
        The budget.

    Returns
    -------
    float
        ``epsilon_of(events_at(scale), delta) <= epsilon`` holds for it, and it is at most 0.1% above the smallest.

    Raises
    ------
    PrivacyError
        If no scale keeps within the budget: what does not shrink with the scale costs too much already.
    """
    sampled = bool(gather(events_at(1.0)).sampled)
    scale = _bisect(lambda at: _quick_epsilon(events_at(at), delta) <= epsilon, 20 if sampled else 1 / 2)
    if scale is None:
        raise PrivacyError(
            f"no amount of noise keeps the plan within epsilon {epsilon:g} at delta {delta:g}",
            remedy="raise epsilon or delta, or plan fewer selections and thresholds",
        )
    return _tighten(events_at, scale, epsilon, delta) if sampled else scale


def _quick_epsilon(events: Sequence[Event], delta: float) -> float:
    """Return `epsilon_of` without loss distributions: never below it."""
    parts = gather(events)
    left = (delta - parts.slack) * (1 - DISCRETE)
    if not parts.sampled:
        return epsilon_of(events, delta)
    return math.inf if parts.unbounded or left <= 0 else _renyi_epsilon(parts, left)


def _bisect(keeps: Callable[[float], bool], coarse: float) -> float | None:
    """Return the smallest scale that keeps a budget, within `coarse` times `PRECISION`; None if there is none."""
    if not keeps(MOST_SCALE):
        return None
    if keeps(LEAST_SCALE):
        return LEAST_SCALE
    low, high = LEAST_SCALE, MOST_SCALE
    if keeps(1.0):  # most answers lie near one: a narrower bracket first
        high = 1.0
        while high > 4 * LEAST_SCALE and keeps(high / 4):
            high /= 4
        low = max(low, high / 4)
    else:
        low = 1.0
        while low * 4 < high and not keeps(low * 4):
            low *= 4
        high = min(high, low * 4)
    while high > low * (1 + coarse * PRECISION):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return high


def _tighten(events_at: Callable[[float], Sequence[Event]], high: float, epsilon: float, delta: float) -> float:
    """Shrink a safe scale by the tighter bound.

    Log epsilon is nearly a line in log scale: a step of the secant method, kept a little on the safe side, closes the
    bracket from both ends in some four evaluations.
    """
    here, low, there = epsilon_of(events_at(high), delta), 0.0, math.inf
    slope = -1.0
    for _ in range(TRIES):
        if here >= epsilon * (1 - PRECISION / 2) or high <= max(low, LEAST_SCALE) * (1 + PRECISION):
            break
        if low and math.isfinite(there):
            slope = min(-0.05, math.log(here / there) / math.log(high / low))
        guess = high * math.exp(math.log(epsilon * (1 - PRECISION / 4) / here) / slope)
        guess = max(guess, low * (1 + PRECISION / 4), high / 2)
        value = epsilon_of(events_at(guess), delta)
        if value <= epsilon:
            if guess >= high:
                break
            slope = min(-0.05, math.log(value / here) / math.log(guess / high)) if value != here else slope
            high, here = guess, value
        else:
            low, there = guess, value
    return high
