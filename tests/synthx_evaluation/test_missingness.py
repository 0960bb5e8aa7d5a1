from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.missingness import missingness, phi
from synthx_evaluation.record import Status

TWO = Schema((Column(name="a", kind=Kind.DECIMAL), Column(name="b", kind=Kind.DECIMAL)))


def of(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None) -> Comparison:
    return compare(synthetic, train=train, holdout=holdout, schema=TWO, target=None, protected=(), seed=0)


def test_phi_by_hand() -> None:
    # 2 of 4 rows have a, the same 2 have b: 1; a and c share 1 of 4 rows, as independent ones would: 0.
    rows = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=float)
    found = phi(rows.mean(axis=0), rows.T @ rows / 4)
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == pytest.approx(0)
    assert phi(np.array([1.0, 0.5]), np.array([[1.0, 0.5], [0.5, 0.5]]))[0, 1] == 0  # one is constant


def test_shares_and_patterns_by_hand() -> None:
    nan = float("nan")
    real = pd.DataFrame({"a": [nan, nan, 1.0, 1.0] * 10, "b": [nan, nan, 1.0, 1.0] * 10})
    apart = pd.DataFrame({"a": [nan, nan, 1.0, 1.0] * 10, "b": [1.0, 1.0, nan, 1.0] * 10})
    share, pattern = missingness(of(apart, real, real))
    assert share.value == pytest.approx(0.125)  # (0 + 1/4) / 2
    assert share.anchor == 0
    assert share.details["worst"][0] == {"column": "b", "synthetic": 0.25, "real": 0.5}
    # phi of the synthetic indicators: (0 - 1/2 * 1/4) / sqrt(1/4 * 3/16) = -0.577; of the real ones 1.
    assert pattern.value == pytest.approx(1 + 1 / np.sqrt(3))
    assert pattern.interval is not None
    assert pattern.interval[0] <= pattern.value <= pattern.interval[1]


def test_shuffling_keeps_shares_and_loses_patterns(shuffle: Callable[[pd.DataFrame, int], pd.DataFrame]) -> None:
    generator = np.random.default_rng(0)
    gone = generator.random(2000) < 0.3
    real = pd.DataFrame({"a": np.where(gone, np.nan, 1.0), "b": np.where(gone, np.nan, 2.0)})
    share, pattern = missingness(of(shuffle(real[:1000], 1), real[:1000], real[1000:]))
    assert share.value == pytest.approx(share.anchor)
    assert pattern.value is not None
    assert pattern.value > 0.9
    assert pattern.anchor == pytest.approx(0, abs=1e-9)


def test_nothing_is_missing() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert [measure.reason for measure in missingness(of(table, table, table))] == ["no column misses a cell"] * 2
    share, pattern = missingness(of(table.assign(a=np.nan), table, table))
    assert share.value == 1.0
    assert pattern.status is Status.NOT_APPLICABLE
