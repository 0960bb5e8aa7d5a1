"""Audits of private descent as it is planned: canaries at its noise, rate and steps, and the sampler at its rate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from synthx.models.tabular import TableSynthesizer
    from synthx.schema import Schema
    from synthx_privacy.audit import AuditReport
    from synthx_privacy.ledger import Ledger

__all__ = ["DescentPlan", "audit_descent", "descent_of", "planned"]

CANARIES, GUESSES = 1_000, 100
MOST_STEPS = 400
"""Steps of descent with canaries; a longer plan is cut to so many, and so is what it should show."""
SAMPLED_UNITS, SAMPLED_STEPS = 1_000, 300


@dataclasses.dataclass(frozen=True)
class DescentPlan:
    """A private descent: the chance to be drawn in a step, the noise multiplier, and the steps."""

    rate: float
    noise: float
    steps: int


def descent_of(ledger: Ledger) -> DescentPlan | None:
    """Return the last descent that a ledger books; None if there is none."""
    from synthx_privacy.events import steps_of

    events = [entry.event for entry in ledger.entries if steps_of(entry.event)]
    if not events:
        return None
    step = events[-1].event
    return DescentPlan(float(step.sampling_probability), float(step.event.noise_multiplier), int(events[-1].count))


def audit_descent(plan: DescentPlan, proved: float, delta: float) -> AuditReport:
    """Put canaries through the real descent at the noise, rate and steps of a plan, and test the sampler at its rate.

    Parameters
    ----------
    plan : DescentPlan
    proved, delta : float
        What the plan as a whole costs.
    """
    from synthx_privacy.audit import AuditReport, audit_inclusion, ceiling, release_canaries
    from synthx_privacy.dpsgd import PoissonSampler

    findings = []
    if plan.rate < 1:
        sampler = PoissonSampler(SAMPLED_UNITS, plan.rate, SAMPLED_STEPS)
        tenth = {"the first tenth": np.arange(SAMPLED_UNITS // 10)}
        findings += audit_inclusion(sampler, SAMPLED_UNITS, plan.rate, groups=tenth)
    steps = min(plan.steps, MOST_STEPS)
    canaries = release_canaries(rate=plan.rate, noise=plan.noise, steps=steps, canaries=CANARIES)
    findings += [canaries.audit_signal(), canaries.audit_bound(GUESSES, proved, delta=delta)]
    return AuditReport(
        findings=tuple(findings),
        proved=proved,
        delta=delta,
        bound=canaries.lower_bound(GUESSES, delta=delta),
        ceiling=ceiling(2 * GUESSES),
    )


def planned(model: TableSynthesizer, schema: Schema, rows: int) -> tuple[float, float, DescentPlan | None]:
    """Return the epsilon and delta that a private fit of so many rows would cost, and its descent if it has one.

    Parameters
    ----------
    model : TableSynthesizer
        With a budget.
    schema : Schema
        Declares bounds and levels.
    rows : int
        About; for the audit only.
    """
    from synthx.models.private.budget import plan_count, plan_rest
    from synthx_privacy.accounting import epsilon_of

    assert model.privacy is not None
    delta = model.privacy.delta_for(rows)
    first = plan_count(model.privacy, delta)
    budgeted = plan_rest(
        schema,
        model.privacy,
        delta,
        spent=list(first.values()),
        count=rows,
        gradients=model._gradient_plan(rows),
    )
    proved = epsilon_of([*first.values(), *budgeted.events.values()], delta)
    descent = budgeted.descent
    plan = None if descent is None else DescentPlan(descent.rate, descent.noise, descent.plan.steps)
    return proved, delta, plan
