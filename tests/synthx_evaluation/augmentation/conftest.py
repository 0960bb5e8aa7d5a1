"""A table with a rare class, and a generator that draws from what it was shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.augmentation.arms import Draw, Learn

Rows = Callable[..., pd.DataFrame]


@pytest.fixture
def schema() -> Schema:
    """`id` is declared a number, so that every fit can be seen to know which rows it is given."""
    kinds = {"id": Kind.DECIMAL, "size": Kind.DECIMAL, "place": Kind.CATEGORICAL}
    return Schema(tuple(Column(name=name, kind=kind, nullable=True) for name, kind in kinds.items()))


@pytest.fixture
def draw_rows() -> Rows:
    """A function that draws a table in which one row in ten is bad: large, and often at C."""

    def rows(n: int = 300, seed: int = 0) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        bad = np.arange(n) % 10 == 0
        size = generator.normal(size=n) + 1.5 * bad
        place = np.where(bad & (generator.random(n) < 0.5), "C", generator.choice(["A", "B"], size=n))
        return pd.DataFrame(
            {"id": np.arange(n, dtype=float), "size": size, "place": place, "bad": np.where(bad, "yes", "no")}
        )

    return rows


@pytest.fixture
def shaking() -> Learn:
    """A generator that moves the rows of a class a little."""

    def learn(X: pd.DataFrame, y: pd.Series, seed: int) -> Draw:
        def draw(level: Hashable, n: int) -> pd.DataFrame:
            generator = np.random.default_rng(seed)
            rows = X[y == level].sample(n, replace=True, random_state=seed).reset_index(drop=True)
            return rows.assign(size=rows["size"] + 0.1 * generator.normal(size=n))

        return draw

    return learn
