from __future__ import annotations

import copy
import math
import subprocess
import sys
from typing import Any

import pytest

import synthx_privacy
from synthx.errors import ParameterError, PrivacyError
from synthx_privacy.ledger import Ledger
from synthx_privacy.privacy import Privacy, check_delta, delta_for


@pytest.mark.parametrize("epsilon", [0, -1.0, math.inf, math.nan, "1", True, None])
def test_epsilon_is_a_finite_number_above_zero(epsilon: Any) -> None:
    with pytest.raises(ParameterError, match=r"epsilon is .*; give a"):
        Privacy(epsilon=epsilon)


@pytest.mark.parametrize("delta", [0, -1e-6, 0.011, 1, math.nan, "1e-6"])
def test_delta_is_above_zero_and_at_most_a_hundredth(delta: Any) -> None:
    with pytest.raises(ParameterError, match=r"delta is .*; give a"):
        Privacy(epsilon=1, delta=delta)
    assert Privacy(epsilon=1, delta=0.01).delta == 0.01


@pytest.mark.parametrize("unit", ["", "  ", (), ("a", ""), ("a", "a"), ("a", 1), None, 3])
def test_the_unit_names_something(unit: Any) -> None:
    with pytest.raises(ParameterError, match="the unit of privacy is"):
        Privacy(epsilon=1, unit=unit)


@pytest.mark.parametrize("share", [-0.1, 0.51, math.nan])
def test_at_most_half_of_the_budget_buys_the_domain(share: float) -> None:
    with pytest.raises(ParameterError, match="domain_share is"):
        Privacy(epsilon=1, domain_share=share)


def test_names_of_the_unit() -> None:
    assert Privacy(epsilon=1).names == ()
    assert Privacy(epsilon=1, unit="patient").names == ("patient",)
    assert Privacy(epsilon=1, unit=["ward", "patient"]).names == ("ward", "patient")  # type: ignore[arg-type]


def test_usual_delta() -> None:
    assert delta_for(100) == 1e-6
    assert delta_for(1_000_000) == 1e-7
    assert delta_for(-3) == 1e-6
    assert Privacy(epsilon=1).delta_for(1e7) == 1e-8
    assert Privacy(epsilon=1, delta=1e-5).delta_for(1000) == 1e-5


def test_a_delta_of_one_over_n_is_refused() -> None:
    check_delta(1e-3, 999)
    with pytest.raises(PrivacyError, match=r"delta 0.001 allows one of about 1000 units .*; give at most 1.0e-06"):
        check_delta(1e-3, 1000)
    with pytest.raises(PrivacyError):
        Privacy(epsilon=1, delta=1e-3).delta_for(2000)


def test_round_trip_leaves_the_ledger_out() -> None:
    privacy = Privacy(epsilon=3, delta=1e-7, unit=("ward", "patient"), domain_share=0.1, ledger=Ledger())
    again = Privacy.from_dict(privacy.to_dict())
    assert again == privacy
    assert again.ledger is None
    with pytest.raises(ParameterError, match="'ledger'"):
        Privacy.from_dict({"epsilon": 1, "ledger": None})


def test_a_copy_spends_from_the_same_ledger() -> None:
    privacy = Privacy(epsilon=1, ledger=Ledger())
    assert copy.deepcopy(privacy).ledger is privacy.ledger


def test_public_names() -> None:
    assert synthx_privacy.__all__ == ["Ledger", "Privacy"]
    assert synthx_privacy.Privacy is Privacy
    assert synthx_privacy.Ledger is Ledger
    with pytest.raises(AttributeError):
        synthx_privacy.Nothing  # noqa: B018


def test_importing_and_asking_loads_nothing_heavy() -> None:
    code = (
        "import sys; from synthx_privacy import Privacy, Ledger; Privacy(epsilon=1, ledger=Ledger());"
        "print(sorted({'torch', 'opacus', 'dp_accounting', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
