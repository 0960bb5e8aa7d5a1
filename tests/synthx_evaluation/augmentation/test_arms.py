"""SMOTE at its best: tables of any mixture of columns, with gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Schema
from synthx_evaluation.augmentation.arms import smote
from synthx_evaluation.augmentation.preparation import Preparation


@pytest.mark.parametrize(
    ("columns", "discrete"),
    [(["size", "age"], 0), (["size", "shop"], 1), (["size", "age", "shop", "entry"], 2), (["shop", "entry"], 2)],
    ids=["SMOTE", "SMOTENC of one", "SMOTENC of two", "SMOTEN"],
)
def test_any_mixture_of_columns_is_interpolated(columns: list[str], discrete: int) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": generator.normal(size=80).round(3),
            "age": generator.integers(18, 90, 80).astype(float),
            "shop": pd.Series(generator.choice(["a", "b", "c"], 80)).where(generator.random(80) < 0.8),
            "entry": generator.choice(["chip", "web"], 80),
        }
    )[columns]
    rare = np.arange(80) < 12
    prepared = Preparation.fit(frame, Schema.detect(frame))
    made = smote(prepared, prepared.tables.train, rare, 30, seed=0)
    assert made.shape == (30, len(columns))
    assert prepared.discrete.sum() == discrete
    real = prepared.tables.train[rare]
    for place, is_level in enumerate(prepared.discrete):
        if is_level:
            assert set(made[~np.isnan(made[:, place]), place]) <= set(real[~np.isnan(real[:, place]), place])
        else:
            assert real[:, place].min() - 1e-9 <= made[:, place].min()
            assert made[:, place].max() <= real[:, place].max() + 1e-9
