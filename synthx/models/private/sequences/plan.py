"""How a private fit of sequences spends its budget.

All shares are of rho, as in `private/budget.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from synthx.codec.private.declared import CLAMPED, histogram_phases, missing_phases
from synthx.models.private.sequences.layout import Layout
from synthx.models.private.sequences.moves import plan_of_moves

if TYPE_CHECKING:
    from synthx_privacy import Privacy
    from synthx_privacy.account import Account, Charge

__all__ = ["BEGINNING", "CUT", "STEP", "Named", "plan_counts"]

CUT = "entities cut to the horizon"
BEGINNING, STEP = "beginning: ", "next step: "
"""What the phases of the two tables begin with."""
DETAIL_SHARE, HISTOGRAM_SHARE, BEGINNING_SHARE, STEP_SHARE, MOVE_SHARE = 0.01, 0.33, 0.29, 0.27, 0.1

Events = dict[str, Any]


class Named:
    """An account in which the phases of a table have a name before their own, so that two tables can be measured.

    Parameters
    ----------
    account : Account
    before : str
    """

    def __init__(self, account: Account, before: str) -> None:
        self.account, self.before = account, before

    @property
    def plan(self) -> Mapping[str, Any]:
        """Event of each of its phases."""
        cut = len(self.before)
        own = {phase[cut:]: event for phase, event in self.account.plan.items() if phase.startswith(self.before)}
        return MappingProxyType(own)

    def charge(self, phase: str, steps: Callable[[], int] | None = None) -> Charge:
        return self.account.charge(self.before + phase, steps)

    def deviation(self, phase: str, sensitivity: float = 1.0) -> float:
        return self.account.deviation(self.before + phase, sensitivity)

    def event(self, phase: str) -> Any:
        return self.account.event(self.before + phase)


def plan_counts(layout: Layout, privacy: Privacy, delta: float, *, spent: list[Any]) -> Events:
    """Plan all counts that follow the count of entities, so that they cost the whole budget and no more.

    Parameters
    ----------
    layout : Layout
    privacy : Privacy
    delta : float
    spent : list of event
    """
    from synthx_privacy.accounting import calibrate

    def at(scale: float) -> list[Any]:
        return [*spent, *_at(layout, 1 / (2 * scale**2)).values()]

    return _at(layout, 1 / (2 * calibrate(at, privacy.epsilon, delta) ** 2))


def _at(layout: Layout, rho: float) -> Events:
    """Return the phases that cost `rho` together."""
    from synthx_privacy.events import gaussian
    from synthx_privacy.marginals import plan_marginals

    beginning, step = sizes(layout)
    shares = {"beginning": BEGINNING_SHARE, "step": STEP_SHARE if step else 0.0}
    shares["moves"] = MOVE_SHARE if layout.numbers else 0.0
    used = rho * (1 - DETAIL_SHARE - HISTOGRAM_SHARE) / sum(shares.values())
    details = [CLAMPED, CUT, *missing_phases(layout.cells)]
    events: Events = {phase: gaussian(math.sqrt(len(details) / (2 * rho * DETAIL_SHARE))) for phase in details}
    columns = histogram_phases(layout.cells)
    learned = sum(column.kind.is_modelled for column in layout.cells)
    for phase, levels in columns.items():
        events[phase] = gaussian(math.sqrt(learned * levels / (2 * rho * HISTOGRAM_SHARE)))
    plans = {BEGINNING: plan_marginals(beginning, rho=used * shares["beginning"], target=layout.target is not None)}
    if step:
        plans[STEP] = plan_marginals(step, rho=used * shares["step"], target=False)
    events.update({before + phase: event for before, plan in plans.items() for phase, event in plan.items()})
    if layout.numbers:
        events.update(plan_of_moves(used * shares["moves"]))
    return events


def sizes(layout: Layout) -> tuple[int, int]:
    """Return how many columns the tables of beginnings and of steps have (`entity_rows`), what is given as one."""
    static = sum(column.kind.is_modelled for column in layout.static)
    timed, sparse, levels = int(layout.time is not None), len(layout.sparse), len(layout.levels)
    beginning = static + 1 + 3 * timed + len(layout.numbers) + sparse + levels
    drawn = timed + sparse + levels
    return beginning, (1 + drawn if drawn else 0)
