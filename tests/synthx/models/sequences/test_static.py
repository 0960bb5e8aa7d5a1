"""The table of entities, and its model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.codec.sequence.long import LENGTH
from synthx.errors import ConditionError
from synthx.models.sequences.static import StaticModel
from synthx.schema import Column, Kind, Schema

from ..made_sequences import few_static_steps

SEX = Column(name="sex", kind=Kind.CATEGORICAL, dtype="object", static=True)
CARD = Column(name="card", kind=Kind.IDENTIFIER, dtype="object", format="C-####", static=True)
NAME = Column(name="name", kind=Kind.PERSONAL, dtype="object", format="name", static=True)
LENGTHS = Column(name=LENGTH, kind=Kind.INTEGER, dtype="int64")
SIX = Column(name=LENGTH, kind=Kind.CONSTANT, dtype="int64", levels=(6,))


def table(*columns: Column, rows: int = 60) -> pd.DataFrame:
    """Return entities: women have six steps, men two."""
    whole = {
        "sex": ["F", "M"] * (rows // 2),
        "card": [f"C-{9_000 + row}" for row in range(rows)],
        "name": [f"Secret {row}" for row in range(rows)],
        LENGTH: [6, 2] * (rows // 2) if SIX not in columns else 6,
    }
    return pd.DataFrame(whole)[[column.name for column in columns]]


def fitted(*columns: Column) -> StaticModel:
    with few_static_steps():
        return StaticModel.fit(
            table(*columns),
            Schema(columns),
            max_minutes=None,
            seed=0,
            device="cpu",
            rare_threshold=5,
            progress=None,
        )


def test_what_is_the_same_for_all_needs_no_model() -> None:
    model, rng = fitted(SIX), np.random.default_rng(0)
    assert model.model is None
    assert model.sample(3, {}, rng).to_dict("list") == {LENGTH: [6, 6, 6]}
    assert model.encode(table(SIX)).shape == (60, 1)


def test_conditions_hold_and_columns_belong_together() -> None:
    model = fitted(SEX, LENGTHS)
    drawn = model.sample(50, model.check({LENGTH: 2}, ()), np.random.default_rng(0))
    assert (drawn[LENGTH] == 2).all()
    assert set(model.sample(50, model.check({"sex": "M"}, ()), np.random.default_rng(0))["sex"]) == {"M"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weight": 5}, r"column 'weight' changes over time, .*; condition on a static column \('sex'\), on length"),
        ({"colour": 5}, r"names column 'colour', which is no static column .*; condition on a static column \('sex'\)"),
        ({"card": "C-9000"}, "column 'card' is identifier and is not learned"),
        ({"sex": "X"}, "no level 'X'"),
    ],
)  # fmt: skip
def test_conditions_that_mean_nothing(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        fitted(SEX, CARD, LENGTHS).check(given, ("weight",))


def test_keys_and_names_are_made_anew() -> None:
    model, real = fitted(SEX, CARD, NAME, LENGTHS), table(SEX, CARD, NAME, LENGTHS)
    renewed = model.renew(real.iloc[[4, 9]], np.random.default_rng(0), first=70)
    assert renewed["card"].tolist() == ["C-0071", "C-0072"]
    assert not renewed["name"].str.startswith("Secret").any()
    assert renewed[["sex", LENGTH]].equals(real[["sex", LENGTH]].iloc[[4, 9]].reset_index(drop=True))
    assert real["card"][4] == "C-9004"


@pytest.mark.parametrize("columns", [(SIX,), (SEX, LENGTHS)])
def test_parts_bring_it_back(columns: tuple[Column, ...]) -> None:
    model = fitted(*columns)
    parts, tensors = model.to_parts()
    again = StaticModel.from_parts(parts, tensors)
    drawn = [found.sample(20, {}, np.random.default_rng(3)) for found in (model, again)]
    pd.testing.assert_frame_equal(drawn[0], drawn[1])
    assert (model.encode(drawn[0]) == again.encode(drawn[0])).all()
