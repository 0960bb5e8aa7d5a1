"""Tests of record and replay: exact, so none of them can fail by chance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from synthx.errors import PrivacyError
from synthx_privacy import Ledger, Privacy, clipping
from synthx_privacy.audit import audit_neighbours, audit_strangers, record, replay
from synthx_privacy.audit.chance import repeatable
from synthx_privacy.audit.replay import distance_of
from synthx_privacy.dpsgd import PoissonSampler
from synthx_privacy.events import gaussian
from synthx_privacy.mechanisms import noisy_counts
from synthx_privacy.noise import SecureRandom
from synthx_privacy.tape import Release


def faults(findings: list[Any]) -> list[str]:
    return [finding.message for finding in findings if finding.is_failure]


def test_a_sound_fit_passes(fit: Any, data: Any, neighbours: Any, strangers: Any) -> None:
    findings = [*audit_neighbours(fit, data, neighbours), *audit_strangers(fit, data, strangers)]
    assert faults(findings) == []
    assert len(findings) == 5
    assert "14 queries are within their sensitivities" in findings[0].message  # rows, levels, 12 steps


def test_a_row_that_is_drawn_moves_the_sum_of_its_step_and_no_other(fit: Any, data: Any, neighbours: Any) -> None:
    tape = record(fit, data).tape
    usual, other = (replay(fit, one, tape).tape for one in (data, neighbours["an ordinary unit more"]))
    moved = [distance_of(*pair) for pair in zip(usual, other, strict=True)]
    assert moved[:2] == [1.0, 1.0]
    drawn = [distance for distance in moved[2:] if distance > 1e-3]
    assert 1 <= len(drawn) <= 8  # of 12 steps at rate 0.2, in a run that always draws the same
    assert max(drawn) == pytest.approx(0.5, rel=1e-3)  # the clip


# -- planted faults ---------------------------------------------------------------------------------------------------


def test_levels_read_off_the_data_are_found(
    fit: Any, data: Any, neighbours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(fit), "known_levels", lambda self, data: sorted(set(data.levels.tolist())))
    found = faults(audit_neighbours(fit, data, neighbours))
    assert len(found) == 1
    assert found[0].startswith("with an unseen level, query 2, 'levels', moves by inf")


def test_bounds_read_off_the_data_are_found(
    fit: Any, data: Any, neighbours: Any, strangers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(fit), "bounds", lambda self, data: (float(data.numbers.min()), float(data.numbers.max())))
    assert faults(audit_neighbours(fit, data, neighbours)) == ["with an extreme, 'bounds' is published differently"]
    assert faults(audit_strangers(fit, data, strangers)) == ["with other units, 'bounds' is published differently"]


def test_a_checkpoint_chosen_on_raw_loss_is_found(
    fit: Any, data: Any, neighbours: Any, strangers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raw(self: Any, network: nn.Linear, numbers: torch.Tensor) -> float:
        return float((network(numbers) - 3).detach().square().mean())

    monkeypatch.setattr(type(fit), "judge", raw)
    assert len(faults(audit_neighbours(fit, data, neighbours))) == 4  # the loss that is told
    assert faults(audit_strangers(fit, data, strangers)) == ["with other units, 'told' is published differently"]


def test_a_silent_choice_on_raw_loss_is_found_with_strangers(
    fit: Any, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: Any, network: nn.Linear, numbers: torch.Tensor) -> float:
        return float(round(float((network(numbers) - 3).detach().square().mean()) * 1e3))

    def weights_alone(data: Any) -> dict[str, Any]:
        return {"weights": fit(data)["weights"]}

    monkeypatch.setattr(type(fit), "judge", silent)
    turned = type(data)(data.levels, -5 * np.abs(data.numbers))
    upright = type(data)(data.levels, 5 * np.abs(data.numbers))
    assert faults(audit_strangers(weights_alone, turned, {"their opposites": upright})) == [
        "with their opposites, 'weights' is published differently"
    ]


def test_clipping_doubled_is_found(fit: Any, data: Any, neighbours: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = clipping.Clipper.__init__

    def doubled(self: Any, module: nn.Module, clip: float, **settings: Any) -> None:
        made(self, module, 2 * clip, **settings)
        booked = property(lambda _: clip)
        monkeypatch.setattr("synthx_privacy.dpsgd.PrivateDescent.clip", booked)

    monkeypatch.setattr(clipping.Clipper, "__init__", doubled)
    found = faults(audit_neighbours(fit, data, neighbours))
    assert len(found) == 4
    assert all("'descent', moves by 1" in message and "sensitivity 0.5" in message for message in found)


def test_a_query_that_counts_twice_is_found() -> None:
    def fit(cells: np.ndarray) -> dict[str, Any]:
        with Ledger().open(Privacy(epsilon=9.0), {"cells": gaussian(2.0)}, fit="f", delta=1e-6) as account:
            both = np.concatenate([np.bincount(cells, minlength=3)] * 2)
            return {"counts": noisy_counts(account, "cells", both)}  # its sensitivity is the root of two

    cells = np.array([0, 1, 2, 2])
    assert faults(audit_neighbours(fit, cells, {"one more": np.array([0, 1, 2, 2, 1])})) == [
        "with one more, query 1, 'cells', moves by 1.414, more than its sensitivity 1"
    ]


def _fails(cells: np.ndarray) -> object:
    return 1 // (3 - int(cells.max())) * 0


def _warns(cells: np.ndarray) -> object:
    return warnings.warn(f"saw {cells.max()}", stacklevel=1) if cells.max() > 2 else None


@pytest.mark.parametrize(
    ("show", "message"),
    [
        (_fails, "the fit fails: ZeroDivisionError: integer division or modulo by zero"),
        (_warns, "other warnings are given (UserWarning: saw 3)"),
        (lambda cells: bool(cells.max() > 2), "'shown' is published differently"),
        (lambda cells: 1 if cells.max() > 2 else 1.0, "'shown' is published differently"),
    ],
)
def test_errors_warnings_and_types_tell_too(show: Callable[[Any], Any], message: str) -> None:
    data, more = np.array([0, 1, 2]), np.array([0, 1, 2, 3])
    assert faults(audit_neighbours(lambda cells: {"shown": show(cells)}, data, {"a three": more})) == [
        f"with a three, {message}"
    ]


def test_a_course_that_depends_on_the_data_is_found() -> None:
    def fit(cells: np.ndarray) -> dict[str, Any]:
        plan = {"small": gaussian(9.0), "large": gaussian(9.0)}
        with Ledger().open(Privacy(epsilon=9.0), plan, fit="f", delta=1e-6) as account:
            noisy_counts(account, "large" if len(cells) > 3 else "small", [len(cells)])
        return {}

    found = faults(audit_neighbours(fit, np.zeros(3), {"one more": np.zeros(4)}))
    assert len(found) == 1
    assert "the fit fails: PrivacyError: query 1 is for 'large' where the tape has 'small'" in found[0]


# -- the tools ---------------------------------------------------------------------------------------------------------


def test_a_fit_that_fails_or_does_not_repeat_itself_cannot_be_audited(data: Any) -> None:
    with pytest.raises(PrivacyError, match="fails \\(ValueError: no\\)"):
        audit_neighbours(_failing, data, {})
    counted = iter(range(10))
    with pytest.raises(PrivacyError, match="does not repeat itself on the same data: 'turn'"):
        audit_neighbours(lambda _: {"turn": next(counted)}, data, {})


def _failing(_: object) -> dict[str, Any]:
    raise ValueError("no")


def test_distances_are_in_the_norm_of_the_sensitivity() -> None:
    def release(kind: str, query: Any) -> Release:
        return Release("p", kind, query, 1.0, None)

    assert distance_of(release("counts", np.array([0, 0])), release("counts", np.array([3, 4]))) == 5
    assert distance_of(release("selection", np.array([0.0, 0.0])), release("selection", np.array([3.0, 4.0]))) == 4
    assert distance_of(release("levels", {"a": 3}), release("levels", {"a": 3, "b": 1})) == 1
    assert distance_of(release("levels", {1: 3}), release("levels", {1.0: 3})) == pytest.approx(3 * math.sqrt(2))
    assert distance_of(release("counts", np.zeros(2)), release("counts", np.zeros(3))) == math.inf


def test_repeatable_chance_is_common_to_the_units_that_are_common() -> None:
    drawn = []
    for units in (100, 101):
        with repeatable(3):
            drawn.append([batch.tolist() for batch in PoissonSampler(units, 0.3, 5)])
    assert [[unit for unit in batch if unit < 100] for batch in drawn[1]] == drawn[0]
    assert drawn[0][0] != drawn[0][1]
    assert SecureRandom().bits(2).tolist() != SecureRandom().bits(2).tolist()  # chance is back
