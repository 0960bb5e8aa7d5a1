"""Fresh keys: one an entity, in every key column, in its pattern and dtype."""

from __future__ import annotations

import numpy as np

from synthx.codec.keys import fresh_keys
from synthx.schema import Column, Kind, Role, Schema

SCHEMA = Schema(
    (
        Column(name="ward", kind=Kind.IDENTIFIER, role=Role.ENTITY, format="W-##"),
        Column(name="patient", kind=Kind.INTEGER, role=Role.ENTITY, dtype="int32"),
        Column(name="x", kind=Kind.DECIMAL, dtype="float64"),
    )
)


def test_rows_of_an_entity_share_its_keys() -> None:
    keys = fresh_keys(SCHEMA, np.array([0, 0, 2, 1]), np.random.default_rng(0))
    assert list(keys) == ["ward", "patient"]
    assert keys["ward"].tolist() == ["W-01", "W-01", "W-03", "W-02"]
    assert keys["patient"].tolist() == [1, 1, 3, 2]
    assert str(keys["patient"].dtype) == "int32"


def test_no_rows_need_no_keys() -> None:
    keys = fresh_keys(SCHEMA, np.array([], dtype=np.int64), np.random.default_rng(0))
    assert [len(cells) for cells in keys.values()] == [0, 0]
