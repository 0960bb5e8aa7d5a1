"""A population with related columns, and tables that leak more or less of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import Comparison, compare

_KINDS = {
    "a": Kind.DECIMAL,
    "b": Kind.DECIMAL,
    "c": Kind.DECIMAL,
    "d": Kind.DECIMAL,
    "e": Kind.CATEGORICAL,
    "f": Kind.BOOLEAN,
}


@pytest.fixture
def people() -> Callable[..., pd.DataFrame]:
    """A function that draws fresh rows: four related numbers of three digits, a level and a flag that follow them."""

    def rows(n: int, seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        common = generator.normal(size=n)
        numbers = {name: np.round(0.6 * common + generator.normal(size=n), 3) for name in "abcd"}
        level = np.array(list("pqrs"))[np.clip(np.rint(common + generator.normal(size=n) + 1.5), 0, 3).astype(int)]
        return pd.DataFrame(numbers | {"e": level, "f": common + generator.normal(size=n) > 0.5})

    return rows


@pytest.fixture
def judged() -> Callable[..., Comparison]:
    """A function that compares frames whose columns are numbers unless told otherwise."""

    def compared(
        synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None, kind: Kind | None = None
    ) -> Comparison:
        columns = [
            Column(name=name, kind=kind or _KINDS.get(name, Kind.DECIMAL), nullable=True) for name in train.columns
        ]
        return compare(
            synthetic,
            train=train,
            holdout=holdout,
            schema=Schema(tuple(columns)),
            target=None,
            protected=(),
            seed=0,
        )

    return compared
