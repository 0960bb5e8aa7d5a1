"""Tests of what a tape tells of the ledger and the noise; chance repeats unless it is what is tested."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from synthx_privacy import Ledger, Privacy, account, dpsgd, noise
from synthx_privacy.audit import audit_booking, audit_freshness, audit_noise, record
from synthx_privacy.audit.booking import _descent_noise
from synthx_privacy.audit.chance import repeatable
from synthx_privacy.events import gaussian, sampled_gaussian
from synthx_privacy.mechanisms import noisy_counts
from synthx_privacy.tape import Tape, recording


def tape_of(fit: Any, data: Any, key: int = 0) -> Tape:
    return record(fit, data, key=key).tape


# -- booked ------------------------------------------------------------------------------------------------------------


def test_all_that_a_sound_fit_asks_is_booked(fit: Any, data: Any) -> None:
    tape = tape_of(fit, data)
    finding = audit_booking(tape, fit.last.entries)
    assert not finding.is_failure
    assert finding.message == "all 2 queries and 12 steps of descent are booked"


def test_one_fit_not_booked_is_found(fit: Any, data: Any) -> None:
    fit.ledger = Ledger()
    with recording() as tape:
        fit(data)
        booked = fit.ledger.entries
        fit(data)
    assert not audit_booking(tape, fit.ledger.entries).is_failure
    assert audit_booking(tape, booked).message == "'rows' was asked 2 times and booked 1 times"


def test_an_account_that_forgets_is_found(fit: Any, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(self: Any, event: Any, *, spent: bool) -> None:
        self._account.ledger._replace(self._account.fit, self._phase, lambda entry: ())

    monkeypatch.setattr(account.Charge, "_settle", forgets)
    tape = tape_of(fit, data)
    assert audit_booking(tape, fit.last.entries).is_failure


def test_more_steps_than_booked_are_found(fit: Any, data: Any) -> None:
    tape = tape_of(fit, data)
    entries = [entry for entry in fit.last.entries if entry.phase != "descent"]
    assert audit_booking(tape, entries).message == "12 steps of descent were taken and 0 booked"


# -- the size of noise -------------------------------------------------------------------------------------------------


def many_counts(cells: int, phases: int = 1) -> tuple[Tape, Ledger]:
    plan = {f"phase {index}": gaussian(5.0) for index in range(phases)}
    ledger = Ledger()
    with ledger.open(Privacy(epsilon=20.0), plan, fit="f", delta=1e-6) as opened, recording() as tape:
        for phase in plan:
            noisy_counts(opened, phase, np.arange(cells), sensitivity=1.5)
    return tape, ledger


def test_noise_as_booked_passes(fit: Any, data: Any) -> None:
    findings = audit_noise(tape_of(fit, data), fit.last.entries)
    assert [finding.is_failure for finding in findings] == [False, False]
    assert findings[0].message == "noise of 'descent': 0.973 of what is booked, by 300 numbers"
    assert findings[1].message.endswith("by 305 numbers")
    assert not any(finding.is_failure for finding in audit_noise(*_entries(many_counts(50, phases=4))))


def _entries(made: tuple[Tape, Ledger]) -> tuple[Tape, Any]:
    return made[0], made[1].entries


@pytest.mark.parametrize("cells", [50, 200])
def test_noise_of_counts_halved_is_found(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = noise.discrete_gaussian
    monkeypatch.setattr(noise, "discrete_gaussian", lambda sigma, count: drawn(sigma / 2, count))
    with repeatable(0):
        findings = audit_noise(*_entries(many_counts(cells, phases=3)))
    assert len(findings) == (1 if cells == 50 else 4)
    assert all(finding.is_failure for finding in findings)


def test_noise_of_gradients_halved_is_found(fit: Any, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dpsgd.PrivateDescent.__init__

    def halved(self: Any, module: Any, *, noise_multiplier: float, **settings: Any) -> None:
        made(self, module, noise_multiplier=noise_multiplier / 2, **settings)

    monkeypatch.setattr(dpsgd.PrivateDescent, "__init__", halved)
    found = [finding for finding in audit_noise(tape_of(fit, data), fit.last.entries) if finding.is_failure]
    assert [finding.message[:24] for finding in found] == ["noise of 'descent': 0.48", "noise of all phases: 0.4"]


def test_noise_that_nobody_added_is_found(fit: Any, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "discrete_gaussian", lambda sigma, count: np.zeros(count, np.int64))
    findings = audit_noise(*_entries(many_counts(30)))
    assert [finding.is_failure for finding in findings] == [True]


def test_without_gaussian_noise_the_test_is_skipped() -> None:
    assert [finding.outcome for finding in audit_noise(Tape(), [])] == ["skipped"]


# -- other noise each time ---------------------------------------------------------------------------------------------


def seeded(run: Callable[[], object]) -> list[Any]:
    """Run with the seeds that a user may set; return the tape."""
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    with recording() as tape:
        run()
    return list(tape)


def test_the_users_seeds_do_not_repeat_the_noise(fit: Any, data: Any) -> None:
    tapes = [seeded(lambda: fit(data)) for _ in range(2)]
    findings = audit_freshness(*tapes)
    assert [finding.outcome for finding in findings] == ["skipped", "passed"]  # eight counts are too few
    many = [seeded(lambda: None) + list(many_counts(50)[0]) for _ in range(2)]
    assert not audit_freshness(*many)[0].is_failure


def test_counts_with_noise_seeded_by_the_user_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthx_privacy.noise._entropy", lambda count: random.randbytes(count))
    tapes = []
    for _ in range(2):
        random.seed(5)
        tapes.append(list(many_counts(50)[0]))
    assert audit_freshness(*tapes)[0].message == "noise of kind 'counts' in two runs with the same seeds: it repeats"


def test_gradients_with_noise_seeded_by_the_user_are_found(
    fit: Any, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dpsgd, "renew", lambda generator: generator.manual_seed(torch.initial_seed()))
    tapes = [seeded(lambda: fit(data)) for _ in range(2)]
    assert [finding.outcome for finding in audit_freshness(*tapes)] == ["skipped", "failed"]


def test_descent_events_tell_their_noise() -> None:
    ledger = Ledger()
    ledger.open(Privacy(epsilon=50.0), {"d": sampled_gaussian(0.1, 3.0, 2)}, fit="f", delta=1e-6)
    assert _descent_noise(ledger.entries[0]) == 3.0
