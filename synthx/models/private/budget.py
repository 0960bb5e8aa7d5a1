"""How a private fit spends its budget: which phases there are and how much noise each has.

All shares are of rho, the currency of zero-concentrated differential privacy (Bun & Steinke 2016, arXiv:1605.02658), in
which a Gaussian of noise multiplier s costs ``1 / (2 s^2)``. What the whole plan costs in epsilon is reckoned exactly.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from synthx.codec.private.declared import CLAMPED, histogram_phases, missing_phases, what_is_open
from synthx.errors import PrivacyError
from synthx.schema import Kind, Schema

if TYPE_CHECKING:
    from synthx_privacy import Privacy

__all__ = [
    "COUNT",
    "DESCENT",
    "Budgeted",
    "Descent",
    "GradientPlan",
    "domain_phase",
    "plan_count",
    "plan_domain",
    "plan_rest",
    "target_of",
]

COUNT = "number of rows"
DESCENT = "gradient descent"

COUNT_SHARE, DETAIL_SHARE, HISTOGRAM_SHARE = 0.01, 0.01, 0.4
"""Of what goes into counts: the number of rows; rows outside the domain and missing cells; cells of each column. The
tree has the rest."""
COUNTS_SHARE = 0.5
"""Of a network's budget, what goes into counts; gradients have the rest."""
MOST_TARGET_LEVELS = 12
"""A target of so many levels at most is told apart in every count."""

Events = dict[str, Any]
"""Event by phase."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GradientPlan:
    """How a network is to learn from real rows.

    Parameters
    ----------
    batch : int
        The expected number of rows a step.
    steps : int
    clip : float
        The longest gradient of a row that counts in full.
    """

    batch: int
    steps: int
    clip: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """What the budget allows: the plan, the chance of a row to be in a batch, and the noise multiplier."""

    plan: GradientPlan
    rate: float
    noise: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted:
    """What is still to be bought after the count of rows and the domain.

    Parameters
    ----------
    events : mapping of str to event
        By phase.
    descent : Descent, optional
        Of networks.
    pair_deviation : float
        The standard deviation of the noise in counts of pairs of columns, if as many are bought as there are edges.
    """

    events: Events
    descent: Descent | None
    pair_deviation: float


def _shared(rho: float, share: float) -> Any:
    from synthx_privacy.events import gaussian

    return gaussian(math.sqrt(1 / (2 * rho * share)))


def _counts_at(schema: Schema, rho: float) -> Events:
    """Return the phases that count cells and fit the tree, together `rho` less the count of rows."""
    from synthx_privacy.marginals import plan_marginals

    columns = histogram_phases(schema)
    learned = sum(column.kind.is_modelled for column in schema)
    events = {phase: _shared(rho, HISTOGRAM_SHARE / (learned * levels)) for phase, levels in columns.items()}
    details = [CLAMPED, *missing_phases(schema)]
    events.update({phase: _shared(rho, DETAIL_SHARE / len(details)) for phase in details})
    left = rho * (1 - COUNT_SHARE - DETAIL_SHARE - HISTOGRAM_SHARE)
    has_target = target_of(schema) is not None
    events.update(plan_marginals(learned, rho=left, target=has_target, have_histograms=True))
    return events


def target_of(schema: Schema) -> str | None:
    """Return the target's name, where it is a discrete column of few levels; as declared."""
    target = schema.target
    if target is None or not target.kind.is_discrete:
        return None
    levels = 2 if target.kind is Kind.BOOLEAN and not target.levels else len(target.levels or ())
    return target.name if 0 < levels <= MOST_TARGET_LEVELS else None


def plan_count(privacy: Privacy, delta: float) -> Events:
    """Return the phase that counts rows, as if counts had the whole budget."""
    return {COUNT: _shared(_whole_rho(privacy.epsilon, delta), COUNT_SHARE)}


def _whole_rho(epsilon: float, delta: float) -> float:
    """Return the rho that Gaussians of that epsilon and delta have together."""
    from synthx_privacy.accounting import calibrate
    from synthx_privacy.events import gaussian

    return 1 / (2 * calibrate(lambda scale: [gaussian(scale)], epsilon, delta) ** 2)


def plan_domain(schema: Schema, privacy: Privacy, delta: float) -> Events:
    """Return the phases that buy bounds and levels; none where all are declared, or nothing is set aside."""
    from synthx_privacy.events import noise_of, stable_histogram

    wanted = [(column, what) for column in schema if (what := what_is_open(column)) is not None]
    if not wanted or not privacy.domain_share:
        return {}
    rho = _whole_rho(privacy.epsilon, delta) * privacy.domain_share
    slack = delta / (10 * len(wanted))
    event = _shared(rho, 1 / len(wanted))
    return {
        domain_phase(column.name, what): stable_histogram(noise_of(event), slack) if what == "levels" else event
        for column, what in wanted
    }


def domain_phase(name: str, what: str) -> str:
    """Return the phase that buys the bounds, or the levels, of a column."""
    return f"search for {what} of {name!r}"


def plan_rest(
    schema: Schema, privacy: Privacy, delta: float, *, spent: list[Any], count: float, gradients: GradientPlan | None
) -> Budgeted:
    """Plan what follows, so that together with what is spent it costs the whole budget and no more.

    Parameters
    ----------
    schema : Schema
        Declares everything by now.
    privacy : Privacy
    delta : float
    spent : list of event
    count : float
        The noisy count of rows.
    gradients : GradientPlan, optional
        Of networks.

    Raises
    ------
    PrivacyError
        If nothing is left for it.
    """
    from synthx_privacy.accounting import calibrate
    from synthx_privacy.events import sampled_gaussian

    def counts_at(scale: float) -> list[Any]:
        return [*spent, *_counts_at(schema, 1 / (2 * scale**2)).values()]

    if not any(column.kind.is_modelled for column in schema):
        raise PrivacyError("the schema has no column to learn", remedy="change a column's kind in it")
    scale = calibrate(counts_at, privacy.epsilon, delta)
    if gradients is None:
        events = _counts_at(schema, 1 / (2 * scale**2))
        return Budgeted(events=events, descent=None, pair_deviation=_pair_deviation(schema, events))
    events = _counts_at(schema, COUNTS_SHARE / (2 * scale**2))
    rate = min(1.0, gradients.batch / max(count, 1.0))

    def descent_at(noise: float) -> list[Any]:
        return [*spent, *events.values(), sampled_gaussian(rate, noise, gradients.steps)]

    noise = calibrate(descent_at, privacy.epsilon, delta)
    events[DESCENT] = sampled_gaussian(rate, noise, gradients.steps)
    descent = Descent(plan=gradients, rate=rate, noise=noise)
    return Budgeted(events=events, descent=descent, pair_deviation=_pair_deviation(schema, events))


def _pair_deviation(schema: Schema, events: Events) -> float:
    from synthx_privacy.events import noise_of
    from synthx_privacy.marginals import PAIRS

    learned = sum(column.kind.is_modelled for column in schema) - (target_of(schema) is not None)
    return noise_of(events[PAIRS]) * math.sqrt(learned - 1) if PAIRS in events else 1.0
