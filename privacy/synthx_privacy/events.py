"""Events: frozen records of what touched the data, apart from how they are reckoned.

They are events of `dp_accounting`, and two that it lacks.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, TypeAlias

from synthx.errors import ParameterError, PrivacyError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Event",
    "Parts",
    "Selection",
    "Slack",
    "gather",
    "gaussian",
    "noise_of",
    "sampled_gaussian",
    "slack_of",
    "stable_histogram",
    "steps_of",
    "with_steps",
]

Event: TypeAlias = Any
"""A `dp_accounting` event, a `Selection` or a `Slack`."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """One choice by the exponential mechanism, with probabilities proportional to exp(epsilon · score / 2).

    Scores have sensitivity 1. The log-ratio of probabilities on neighbours has a range of at most epsilon ("bounded
    range", Durfee and Rogers 2019, arXiv:1905.04273), hence

    - epsilon²/8-zCDP (Cesar and Rogers 2021, arXiv:2004.07223);
    - mu-GDP with mu = 2·Φ⁻¹(1 / (1 + exp(-epsilon/2))). Proof: with losses L in [t - epsilon, t] and W = exp(-L), each
      hockey-stick divergence E[(1 - exp(a)·W)₊] is convex in W, whose mean is 1, so it is largest when W sits at the
      two ends only: two coins with logit(p) - logit(q) = epsilon. Their trade-off curve has one knot and lies above
      that of N(0, 1) against N(mu, 1) if Φ⁻¹(p) - Φ⁻¹(q) <= mu. The slope of Φ⁻¹ along the logit is largest at one
      half, so the difference is largest for p = 1 - q, where it is the mu above.
    """

    epsilon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise ParameterError(f"a selection has epsilon {self.epsilon}", remedy="give a finite number above 0")


@dataclasses.dataclass(frozen=True)
class Slack:
    """A chance of failure that adds to delta and costs no epsilon, as that of a thresholded histogram."""

    delta: float

    def __post_init__(self) -> None:
        if not 0 <= self.delta < 1:
            raise ParameterError(f"a slack has delta {self.delta}", remedy="give a number from 0 to below 1")


# -- making and reading events -----------------------------------------------------------------------------------------


def gaussian(noise: float) -> Event:
    """Return the event of Gaussian noise with `noise` times the L2 sensitivity as its standard deviation."""
    import dp_accounting

    return dp_accounting.GaussianDpEvent(float(noise))


def sampled_gaussian(rate: float, noise: float, steps: int) -> Event:
    """Return the event of DP-SGD: `steps` steps, each on a Poisson sample of rate `rate`.

    Parameters
    ----------
    rate : float
        Chance of a unit to be in a batch, 0 to 1.
    noise : float
        Noise multiplier: standard deviation of the noise over the clipping norm.
    steps : int
        Zero steps cost nothing.
    """
    import dp_accounting

    if not 0 <= rate <= 1:
        raise ParameterError(f"the sampling rate is {rate}", remedy="give a number from 0 to 1")
    if steps < 0:
        raise ParameterError(f"the number of steps is {steps}", remedy="give 0 or more")
    step = dp_accounting.PoissonSampledDpEvent(float(rate), dp_accounting.GaussianDpEvent(float(noise)))
    return dp_accounting.SelfComposedDpEvent(step, int(steps))


def stable_histogram(noise: float, delta: float) -> Event:
    """Return the event of a thresholded histogram: Gaussian noise, and `delta` for a level that only one unit has."""
    import dp_accounting

    return dp_accounting.ComposedDpEvent([gaussian(noise), Slack(delta)])


def noise_of(event: Event) -> float:
    """Return the noise multiplier of a planned query: that of its one Gaussian."""
    import dp_accounting

    if isinstance(event, dp_accounting.GaussianDpEvent):
        return float(event.noise_multiplier)
    if isinstance(event, dp_accounting.ComposedDpEvent):
        inside = [one for one in event.events if isinstance(one, dp_accounting.GaussianDpEvent)]
        if len(inside) == 1:
            return float(inside[0].noise_multiplier)
    raise PrivacyError(f"the planned event {event!r} has no Gaussian noise of its own", remedy="plan a Gaussian event")


def slack_of(event: Event) -> float:
    """Return the delta that an event sets aside for a threshold; 0 for none."""
    return gather([event]).slack


def steps_of(event: Event) -> int | None:
    """Return the planned steps of an event that is a repetition, or None."""
    import dp_accounting

    return int(event.count) if isinstance(event, dp_accounting.SelfComposedDpEvent) else None


def with_steps(event: Event, steps: int) -> Event:
    """Return a repetition with another number of steps, never more than planned."""
    import dp_accounting

    planned = steps_of(event)
    if planned is None or not 0 <= steps <= planned:
        raise PrivacyError(f"{steps} steps were taken where the plan has {planned}", remedy="plan them before the fit")
    return dp_accounting.SelfComposedDpEvent(event.event, int(steps))


# -- sorting them -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Parts:
    """Events sorted by kind; a list where sums must not depend on the order."""

    precisions: list[float] = dataclasses.field(default_factory=list)
    """1 / noise² of each Gaussian."""
    ranges: list[float] = dataclasses.field(default_factory=list)
    """Epsilons of selections."""
    slacks: list[float] = dataclasses.field(default_factory=list)
    sampled: dict[tuple[float, float], int] = dataclasses.field(default_factory=dict)
    """Steps by rate and noise."""
    unbounded: bool = False

    @property
    def slack(self) -> float:
        return math.fsum(self.slacks)

    @property
    def rho(self) -> float:
        """Zero-concentrated privacy of all but DP-SGD; the sum is exact, so the order of events does not matter."""
        return math.fsum([*(one / 2 for one in self.precisions), *(one**2 / 8 for one in self.ranges)])

    @property
    def mu(self) -> float:
        """Gaussian privacy of all but DP-SGD."""
        return math.sqrt(math.fsum([*self.precisions, *(_mu_of_selection(one) ** 2 for one in self.ranges)]))


def gather(events: Iterable[Event]) -> Parts:
    """Sort events by kind."""
    parts = Parts()
    for event in events:
        _add(parts, event, 1)
    return parts


def _add(parts: Parts, event: Event, count: int) -> None:
    import dp_accounting as dp

    if isinstance(event, dp.NoOpDpEvent) or count == 0:
        return
    if isinstance(event, dp.SelfComposedDpEvent):
        _add(parts, event.event, count * event.count)
    elif isinstance(event, dp.ComposedDpEvent):
        for one in event.events:
            _add(parts, one, count)
    elif isinstance(event, dp.PoissonSampledDpEvent) and isinstance(event.event, dp.GaussianDpEvent):
        _add_sampled(parts, event.sampling_probability, event.event.noise_multiplier, count)
    elif isinstance(event, dp.NonPrivateDpEvent):
        parts.unbounded = True
    elif isinstance(event, Slack):
        parts.slacks.append(event.delta * count)
    else:
        _add_simple(parts, event, count)


def _add_sampled(parts: Parts, rate: float, noise: float, count: int) -> None:
    if rate == 0:
        return
    if noise <= 0:
        parts.unbounded = True
    elif rate == 1:
        parts.precisions.append(count / noise**2)
    else:
        parts.sampled[rate, noise] = parts.sampled.get((rate, noise), 0) + count


def _add_simple(parts: Parts, event: Event, count: int) -> None:
    import dp_accounting as dp

    if isinstance(event, dp.GaussianDpEvent):
        if event.noise_multiplier > 0:
            parts.precisions.append(count / event.noise_multiplier**2)
        else:
            parts.unbounded = True
    elif isinstance(event, Selection):
        parts.ranges.extend([event.epsilon] * count)
    elif isinstance(event, dp.LaplaceDpEvent) and event.noise_multiplier > 0:
        parts.ranges.extend([2 / event.noise_multiplier] * count)  # pure epsilon: a range of twice as much
    else:
        raise ParameterError(
            f"the event {event!r} cannot be reckoned",
            remedy="use Gaussian, Laplace, Poisson-sampled Gaussian, Selection or Slack events",
        )


def _mu_of_selection(epsilon: float) -> float:
    """Return mu of the docstring of `Selection`; 1 / (1 + exp(-x)) loses digits above one half, so below is used."""
    from scipy.special import ndtri

    return -2 * float(ndtri(1 / (1 + math.exp(min(epsilon / 2, 700)))))
