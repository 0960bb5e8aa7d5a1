"""The account of one fit: its plan, charged phase by phase."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING

from synthx.errors import PrivacyError
from synthx_privacy.events import gaussian, noise_of, steps_of, with_steps

if TYPE_CHECKING:
    from synthx_privacy.events import Event
    from synthx_privacy.ledger import Entry, Ledger

__all__ = ["Account", "Charge"]


class Account:
    """What one fit may spend; made by `Ledger.open`.

    As a context manager it closes itself.

    Parameters
    ----------
    ledger : Ledger
        Where the plan is reserved.
    fit : str
        Name of the fit.
    plan : mapping of str to Event
        Cost of each phase.
    """

    def __init__(self, ledger: Ledger, fit: str, plan: Mapping[str, Event]) -> None:
        self.ledger = ledger
        self.fit = fit
        self._plan = dict(plan)
        self._begun: set[str] = set()
        self._closed = False

    @property
    def plan(self) -> Mapping[str, Event]:
        """Event of each phase."""
        return MappingProxyType(self._plan)

    def charge(self, phase: str, steps: Callable[[], int] | None = None) -> Charge:
        """Return the context in which a phase may touch the data.

        Its entry stands in the ledger before the body runs, and stays there whether the body ends well or not.

        Parameters
        ----------
        phase : str
            One of the plan, not charged before.
        steps : callable, optional
            For a phase of repeated steps: tells how many were begun. Instead, the body may call `Charge.step` before
            each. When the body ends, or is interrupted from the keyboard, the steps not begun are given back; when it
            fails, the whole plan counts.

        Raises
        ------
        PrivacyError
            On entering, if the phase was not planned or is charged twice, or the account is closed.
        """
        return Charge(self, phase, steps)

    def deviation(self, phase: str, sensitivity: float = 1.0) -> float:
        """Return the standard deviation of a phase's Gaussian noise for a query of that L2 sensitivity.

        Raises
        ------
        PrivacyError
            If the phase was not planned, or has no Gaussian noise.
        """
        return noise_of(self.event(phase)) * sensitivity

    def event(self, phase: str) -> Event:
        """Return the planned event of a phase; raises `PrivacyError` if there is none."""
        if phase not in self._plan:
            raise PrivacyError(
                f"{phase!r} is not in the plan of {self.fit!r}", remedy="plan each query before the data is touched"
            )
        return self._plan[phase]

    def split(self, phase: str, parts: int) -> tuple[str, ...]:
        """Replace a planned Gaussian by several that cost the same together; return their names.

        Each has noise larger by the root of their number, since 1/noise² adds up.

        Raises
        ------
        PrivacyError
            If the phase is no plain Gaussian, was not planned, or is charged already.
        """
        event = self.event(phase)
        self._check_open(phase)
        smaller = gaussian(noise_of(event) * math.sqrt(parts) * (1 + 1e-12))  # rounding must not add cost
        names = tuple(f"{phase}/{part + 1}" for part in range(parts))
        if type(event) is not type(smaller) or set(names) & set(self._plan):
            raise PrivacyError(f"{phase!r} cannot be split", remedy="split a plain Gaussian phase, once")

        def cut(entry: Entry) -> tuple[Entry, ...]:
            return tuple(dataclasses.replace(entry, phase=name, event=smaller) for name in names)

        self.ledger._replace(self.fit, phase, cut)
        del self._plan[phase]
        self._plan.update(dict.fromkeys(names, smaller))
        return names

    def close(self) -> None:
        """Free what was never charged; nothing can be charged afterwards."""
        if self._closed:
            return
        self._closed = True
        for phase in self._plan:
            if phase not in self._begun:
                self.ledger._replace(self.fit, phase, lambda entry: ())

    def __enter__(self) -> Account:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _check_open(self, phase: str) -> None:
        """Refuse a phase that cannot be charged."""
        self.event(phase)
        if self._closed:
            raise PrivacyError(f"the account of {self.fit!r} is closed", remedy="open another within the budget")
        if phase in self._begun:
            raise PrivacyError(f"{phase!r} of {self.fit!r} is charged already", remedy="plan a phase for each query")


class Charge:
    """One phase while it touches the data; made by `Account.charge`, and entered once.

    Attributes
    ----------
    event : Event
        What was planned.
    begun : int
        Steps begun so far, by calls of `step`.
    """

    def __init__(self, account: Account, phase: str, steps: Callable[[], int] | None) -> None:
        self.event = account.event(phase)
        self.begun = 0
        self._account = account
        self._phase = phase
        self._steps = steps
        self._counts = steps is not None

    def __enter__(self) -> Charge:
        self._account._check_open(self._phase)
        self._account._begun.add(self._phase)  # from here on nothing frees it
        return self

    def step(self) -> None:
        """Count one more step, before it touches the data.

        Raises
        ------
        PrivacyError
            If all planned steps were taken.
        """
        planned = steps_of(self.event)
        if planned is None or self.begun >= planned:
            raise PrivacyError(f"{self._phase!r} has taken all its planned steps", remedy="plan more steps")
        self._counts = True
        self.begun += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = kind is None
        if self._counts and (ended or (kind is not None and issubclass(kind, KeyboardInterrupt))):
            taken = self._steps() if self._steps is not None else self.begun
            event = with_steps(self.event, taken)
        else:
            event = self.event
        self._settle(event, spent=ended)

    def _settle(self, event: Event, *, spent: bool) -> None:
        def settled(entry: Entry) -> tuple[Entry, ...]:
            return (dataclasses.replace(entry, event=event, spent=spent),)

        self._account.ledger._replace(self._account.fit, self._phase, settled)
