"""A population of two sexes, four towns and five ages in which men earn more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.comparison import Comparison, compare

SCHEMA = Schema(
    (
        Column(name="sex", kind=Kind.CATEGORICAL, dtype="object", nullable=True),
        Column(name="town", kind=Kind.CATEGORICAL, dtype="object"),
        Column(name="age", kind=Kind.INTEGER, dtype="int64", nullable=True),
        Column(name="skill", kind=Kind.DECIMAL, dtype="float64"),
        Column(name="hours", kind=Kind.INTEGER, dtype="int64"),
        Column(name="rich", kind=Kind.CATEGORICAL, dtype="object", role=Role.TARGET),
        Column(name="note", kind=Kind.TEXT, dtype="object"),
    )
)


def people(rows: int, seed: int, *, bias: float = 1.0, women: float = 0.4) -> pd.DataFrame:
    """Draw rows: whether someone is rich depends on skill, hours and, as far as `bias` goes, on sex."""
    rng = np.random.default_rng(seed)
    woman = rng.random(rows) < women
    skill = rng.normal(size=rows)
    hours = np.clip(np.round(rng.normal(40 - 3 * woman, 8, size=rows)), 5, 80)
    chance = 1 / (1 + np.exp(-(1.5 * skill + 0.05 * (hours - 40) - 1 + bias * (0.4 - woman))))
    return pd.DataFrame(
        {
            "sex": np.where(woman, "F", "M"),
            "town": rng.choice(["Ayr", "Bath", "Cork", "Deal"], p=[0.4, 0.3, 0.2, 0.1], size=rows),
            "age": rng.integers(20, 70, size=rows),
            "skill": skill,
            "hours": hours.astype(int),
            "rich": np.where(rng.random(rows) < chance, "yes", "no"),
            "note": "text",
        }
    )


@pytest.fixture
def compared() -> Callable[..., Comparison]:
    """A function that compares frames of such people; sex is protected."""

    def made(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None, **changes: Any) -> Comparison:
        given: dict[str, Any] = {"schema": SCHEMA, "target": None, "protected": ("sex",), "seed": 0, **changes}
        return compare(synthetic, train=train, holdout=holdout, **given)

    return made
