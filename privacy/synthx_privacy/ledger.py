"""What was spent: an append-only list of entries, reserved before the data is touched.

A fit opens an account with its whole plan, which is refused unless it fits into the budget. Each phase is then charged
once. What was begun stays charged, whether it ended well or not; what was never begun is freed when the account is
closed. So at any moment, also after a crash or an interrupt, what stands in the ledger is at least what was spent and
at most what was asked for.
"""

from __future__ import annotations

import math
import os
import threading
from typing import TYPE_CHECKING, Any

from synthx.errors import ArtifactError, ParameterError, PrivacyError
from synthx_privacy.account import Account
from synthx_privacy.entry import Entry
from synthx_privacy.fingerprints import fingerprint
from synthx_privacy.ledger_file import LedgerFile
from synthx_privacy.privacy import MOST_DELTA, check_epsilon, delta_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from synthx_privacy.events import Event
    from synthx_privacy.privacy import Privacy

__all__ = ["Account", "Entry", "Ledger"]

FORMAT = 1


class Ledger:
    """The account book of one data set.

    Parameters
    ----------
    epsilon : float, optional
        Limit over all fits; none by default.
    delta : float, optional
        At which the limit holds; by default the smallest delta of the fits.

    Attributes
    ----------
    of_data : str or None
        Random key and keyed digest of the data it belongs to, once `check_data` has seen them. A ledger that has it
        is as private as the data; `public` returns one without it.

    Notes
    -----
    A copy of a ledger would spend the same money twice, so ``copy.copy`` and ``copy.deepcopy`` return the ledger
    itself and pickling is refused.
    """

    def __init__(self, epsilon: float | None = None, delta: float | None = None) -> None:
        if epsilon is not None:
            check_epsilon(epsilon)
        if delta is not None and not 0 < delta <= MOST_DELTA:
            raise ParameterError(f"the ledger's delta is {delta}", remedy=f"give above 0, at most {MOST_DELTA:g}")
        self.epsilon_limit = epsilon
        self.delta_limit = delta
        self.of_data: str | None = None
        self._entries: tuple[Entry, ...] = ()
        self._deltas: dict[str, float] = {}
        self._lock = threading.RLock()
        self._file: LedgerFile | None = None

    # -- reading -------------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that was spent or is reserved, in order."""
        return self._entries

    @property
    def deltas(self) -> dict[str, float]:
        """Delta of each fit."""
        return dict(self._deltas)

    def epsilon(self, delta: float | None = None, *, fit: str | None = None) -> float:
        """Return what all entries cost together, or those of one fit.

        Parameters
        ----------
        delta : float, optional
            By default the ledger's limit, or else the smallest delta of the fits asked about.
        fit : str, optional
            One fit alone.
        """
        from synthx_privacy.accounting import epsilon_of

        events = [entry.event for entry in self._entries if fit is None or entry.fit == fit]
        return epsilon_of(events, self._delta(fit) if delta is None else delta) if events else 0.0

    @property
    def remaining(self) -> float:
        """How far epsilon is below the ledger's limit, not below zero; infinite without one."""
        return math.inf if self.epsilon_limit is None else max(0.0, self.epsilon_limit - self.epsilon())

    def _delta(self, fit: str | None = None, also: float = math.inf) -> float:
        if fit is not None and fit in self._deltas:
            return self._deltas[fit]
        if self.delta_limit is not None:
            return self.delta_limit
        smallest = min([*self._deltas.values(), also])
        return smallest if math.isfinite(smallest) else delta_for(1)

    # -- spending ------------------------------------------------------------------------------------------------------

    def fit_name(self, base: str) -> str:
        """Return `base`, or "base 2" and so on, whichever no fit here has."""
        taken, number = {entry.fit for entry in self._entries} | set(self._deltas), 2
        name = base
        while name in taken:
            name, number = f"{base} {number}", number + 1
        return name

    def open(self, privacy: Privacy, plan: Mapping[str, Event], *, fit: str, delta: float) -> Account:
        """Reserve a plan.

        Parameters
        ----------
        privacy : Privacy
            The fit's budget and unit.
        plan : mapping of str to Event
            What each phase costs. A fit may open several accounts, one after the other, with phases of other names;
            they share its budget.
        fit : str
            Name of the fit, `fit_name` of a model's name.
        delta : float
            At which the budget holds.

        Raises
        ------
        PrivacyError
            If the plan exceeds the fit's budget, or the ledger's limit with what is in it already; if the ledger is
            of another unit; or if a phase of the fit is there already.
        """
        with self._lock:
            self._check_plan(privacy, plan, fit)
            self._check_budget(privacy, plan, fit, delta)
            added = tuple(Entry(fit, phase, event, privacy.unit) for phase, event in plan.items())
            self._deltas[fit] = min(delta, self._deltas.get(fit, delta))
            self._change(self._entries + added)
            return Account(self, fit, plan)

    def _check_plan(self, privacy: Privacy, plan: Mapping[str, Event], fit: str) -> None:
        if not plan:
            raise PrivacyError(f"the plan of {fit!r} is empty", remedy="plan each query before the fit")
        others = {entry.unit for entry in self._entries} - {privacy.unit}
        if others:
            raise PrivacyError(
                f"the ledger keeps the privacy of {others.pop()!r} and the fit that of {privacy.unit!r}",
                remedy="use one unit for all fits on the data",
            )
        twice = sorted({entry.phase for entry in self._entries if entry.fit == fit} & set(plan))
        if twice:
            raise PrivacyError(
                f"phase {twice[0]!r} of {fit!r} is in the ledger already", remedy="name the fit by Ledger.fit_name"
            )

    def _check_budget(self, privacy: Privacy, plan: Mapping[str, Event], fit: str, delta: float) -> None:
        from synthx_privacy.accounting import epsilon_of

        if not 0 < delta <= MOST_DELTA:
            raise PrivacyError(f"delta is {delta}", remedy=f"give above 0, at most {MOST_DELTA:g}")
        own = [entry.event for entry in self._entries if entry.fit == fit]
        least = min(delta, self._deltas.get(fit, delta))
        wanted = epsilon_of([*own, *plan.values()], least)
        if wanted > privacy.epsilon:
            raise PrivacyError(
                f"the plan of {fit!r} costs epsilon {wanted:.6g}, more than the budget of {privacy.epsilon:g}",
                remedy="plan more noise or fewer queries, or raise epsilon",
            )
        if self.epsilon_limit is None:
            return
        everything = [*(entry.event for entry in self._entries), *plan.values()]
        total = epsilon_of(everything, self._delta(also=delta))
        if total > self.epsilon_limit:
            raise PrivacyError(
                f"with {fit!r} the ledger would stand at epsilon {total:.6g}, above its limit {self.epsilon_limit:g}",
                remedy=f"ask for less (about {self.remaining:.3g} is left), or raise the ledger's limit",
            )

    def _change(self, entries: tuple[Entry, ...]) -> None:
        """Replace the entries; a ledger that has a file writes it first, so that no crash forgets a reservation."""
        before, self._entries = self._entries, entries
        if self._file is not None:
            try:
                self._file.write(self.to_dict())
            except BaseException:
                self._entries = before
                raise

    def _replace(self, fit: str, phase: str, by: Callable[[Entry], tuple[Entry, ...]]) -> None:
        """Replace the one entry of a phase, in its place."""
        with self._lock:
            changed: list[Entry] = []
            for entry in self._entries:
                changed.extend(by(entry) if (entry.fit, entry.phase) == (fit, phase) else (entry,))
            self._change(tuple(changed))

    # -- recognising the data ------------------------------------------------------------------------------------------

    def check_data(self, chunks: Iterable[bytes | bytearray | memoryview]) -> None:
        """Bind the ledger to its data at the first call, and refuse other data later.

        Parameters
        ----------
        chunks : iterable of bytes-like
            The data, in an order that does not change from fit to fit.

        Raises
        ------
        PrivacyError
            If the ledger belongs to other data: budgets of different data do not add up, and a ledger that was
            passed by mistake would leave the right one untouched.
        """
        with self._lock:
            if self.of_data is None:
                key = os.urandom(32)
                self.of_data = f"{key.hex()}:{fingerprint(chunks, key)}"
                self._change(self._entries)
                return
            key_text, _, digest = self.of_data.partition(":")
            if fingerprint(chunks, bytes.fromhex(key_text)) != digest:
                raise PrivacyError(
                    "the ledger belongs to other data",
                    remedy="pass the ledger of this data, or a new Ledger() if it was never fitted before",
                )

    def public(self) -> Ledger:
        """Return a ledger with the same entries and no digest of the data; what a model file may show."""
        return Ledger.from_dict({**self.to_dict(), "of_data": None})

    # -- files ---------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "format": FORMAT,
            "epsilon": self.epsilon_limit,
            "delta": self.delta_limit,
            "deltas": dict(self._deltas),
            "of_data": self.of_data,
            "entries": [entry.to_dict() for entry in self._entries],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Ledger:
        """Return the ledger that `to_dict` described.

        Raises
        ------
        ArtifactError
            If the values describe no ledger, or one of a newer format.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ArtifactError("this is no ledger that can be read", remedy="use a file that Ledger.save wrote")
        try:
            ledger = cls(values["epsilon"], values["delta"])
            ledger.of_data = None if values["of_data"] is None else str(values["of_data"])
            ledger._deltas = {str(fit): float(delta) for fit, delta in values["deltas"].items()}
            ledger._entries = tuple(Entry.from_dict(entry) for entry in values["entries"])
        except (AttributeError, KeyError, TypeError) as error:
            raise ArtifactError("the ledger is damaged", remedy="use a file that Ledger.save wrote") from error
        return ledger

    def save(self, path: Path | str) -> None:
        """Write the ledger to a JSON file, which it keeps up to date from then on.

        Every reservation is on disk before its query runs, so that no crash forgets it. The file holds a keyed digest
        of the data once `check_data` has run; keep it as private as the data.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        with self._lock:
            file = LedgerFile(path)
            file.write(self.to_dict(), anew=True)
            self._file = file

    @classmethod
    def load(cls, path: Path | str) -> Ledger:
        """Read a ledger from a file, which it keeps up to date from then on.

        What was reserved when the file was last written, and never freed, counts as spent.

        Raises
        ------
        ArtifactError
            If the file holds no ledger.
        DataError
            If there is no such file.
        """
        file = LedgerFile(path)
        ledger = cls.from_dict(file.read())
        ledger._file = file
        return ledger

    # -- one ledger, never two -----------------------------------------------------------------------------------------

    def __copy__(self) -> Ledger:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Ledger:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise PrivacyError(
            "a ledger cannot be pickled, since both copies would spend the same budget",
            remedy="fit private models in one process, or use Ledger.save and Ledger.load",
        )

    def __repr__(self) -> str:
        limit = "" if self.epsilon_limit is None else f" of {self.epsilon_limit:g}"
        return f"<Ledger: epsilon {self.epsilon():.4g}{limit}, {len(self._entries)} entries>"
