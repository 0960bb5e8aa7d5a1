from __future__ import annotations

import numpy as np
import pytest

from synthx_evaluation.permutation import noticeable, permutation_p


def test_p_is_never_zero() -> None:
    null = np.array([0.0, 1.0, 2.0])
    assert permutation_p(5.0, null) == 0.25
    assert permutation_p(1.0, null) == 0.75  # as large counts
    assert permutation_p(-1.0, null) == 1.0


def test_what_would_be_noticed() -> None:
    null = np.random.default_rng(0).normal(size=100_000)
    assert noticeable(null) == pytest.approx(1.645 + 0.842, abs=0.02)
