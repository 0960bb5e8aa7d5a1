"""Tables whose answers are known, and the schema that describes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.comparison import Comparison, compare

_SCHEMA = Schema(
    (
        Column(name="key", kind=Kind.IDENTIFIER, dtype="int64"),
        Column(name="age", kind=Kind.INTEGER, dtype="int64"),
        Column(name="income", kind=Kind.DECIMAL, dtype="float64", nullable=True),
        Column(name="town", kind=Kind.CATEGORICAL, dtype="object"),
        Column(name="since", kind=Kind.DATETIME, dtype="datetime64[ns]"),
        Column(name="ill", kind=Kind.BOOLEAN, dtype="bool", role=Role.TARGET),
    )
)


@pytest.fixture
def schema() -> Schema:
    return _SCHEMA


@pytest.fixture
def draw() -> Callable[..., pd.DataFrame]:
    """A function that draws fresh rows of one population: income and town follow age, illness follows both."""

    def rows(n: int, seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        age = generator.integers(18, 90, size=n)
        income = np.round(1000 + 40 * age + generator.normal(0, 300, size=n), 2)
        town = np.where(age + generator.normal(0, 15, size=n) > 55, "Ayr", generator.choice(["Bath", "Cork"], size=n))
        risk = 1 / (1 + np.exp(-(age - 60) / 8 - (town == "Ayr")))
        return pd.DataFrame(
            {
                "key": np.arange(n) + 1_000_000 * seed,
                "age": age,
                "income": np.where(generator.random(n) < 0.1, np.nan, income),
                "town": town,
                "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 900, size=n), unit="D"),
                "ill": generator.random(n) < risk,
            }
        )

    return rows


@pytest.fixture
def shuffle() -> Callable[[pd.DataFrame, int], pd.DataFrame]:
    """A function that keeps every column's values and breaks every relation between columns."""

    def shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        return pd.DataFrame({name: frame[name].to_numpy()[generator.permutation(len(frame))] for name in frame})

    return shuffled


@pytest.fixture
def comparison(schema: Schema) -> Callable[..., Comparison]:
    """A function that compares frames of the schema above."""

    def compared(
        synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None, **changes: Any
    ) -> Comparison:
        given: dict[str, Any] = {"schema": schema, "target": None, "protected": (), "seed": 0, **changes}
        return compare(synthetic, train=train, holdout=holdout, **given)

    return compared
