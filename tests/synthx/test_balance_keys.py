"""Keys of new entities, and one formula that stands in two places."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.balance import correct_prior
from synthx.balancing.entities import new_keys, with_new_entities
from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.augmentation.scores import corrected_chance


def keys(real: list[object], count: int, form: str | None) -> list[object]:
    column = Column(name="key", kind=Kind.IDENTIFIER, format=form)
    return new_keys(pd.Series(real), column, count, np.random.default_rng(0)).tolist()


def test_numbers_go_on_and_text_follows_its_pattern_around_what_is_taken() -> None:
    assert keys([7, 3], 2, "sequence") == [8, 9]
    assert keys(["C-2", "C-9"], 3, "C-#") == ["C-1", "C-3", "C-4"]
    assert keys(["C-2"], 11, "C-#")[-2:] == ["C-10", "C-11"]  # the pattern grows
    assert keys(["ann", "2"], 2, None) == ["1", "3"]


def test_random_keys_are_those_of_the_seed() -> None:
    made = keys(["0b5c2a52-0000-4000-8000-000000000000"], 3, "uuid4")
    assert len(set(made)) == 3
    assert made == keys(["0b5c2a52-0000-4000-8000-000000000000"], 3, "uuid4")


def test_parts_do_not_share_entities() -> None:
    schema = Schema(
        (
            Column(name="key", kind=Kind.IDENTIFIER, format="A#", role=Role.ENTITY),
            Column(name="x", kind=Kind.INTEGER, dtype="int64"),
        )
    )
    frame = pd.DataFrame({"key": ["A1", "A1", "A4"], "x": [1, 2, 3]})
    parts = [(pd.DataFrame({"x": [5, 6, 7]}), np.array([0, 0, 1])), (pd.DataFrame({"x": [8]}), np.array([0]))]
    made = with_new_entities(frame, parts, schema)
    assert made["key"].tolist() == ["A1", "A1", "A4", "A2", "A2", "A3", "A5"]
    assert made["x"].tolist() == [1, 2, 3, 5, 6, 7, 8]


@given(
    chances=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
    learned=st.floats(0.01, 0.99),
    true=st.floats(0.001, 0.99),
)
def test_the_evidence_corrects_chances_as_users_do(chances: list[float], learned: float, true: float) -> None:
    ours = correct_prior(chances, resampled=learned, original=true)
    assert corrected_chance(np.array(chances), learned, true) == pytest.approx(ours, abs=1e-12)
