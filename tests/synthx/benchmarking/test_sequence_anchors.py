"""The anchors of sequences: what they keep of the entities, and what they lose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.benchmarking.sequence_anchors import SEQUENCE_ANCHORS, bootstrap_entities, independent_steps
from synthx.schema import Column, Kind, Role, Schema

from .conftest import stays

THREE = pd.DataFrame(
    {"who": [7, 7, 3, 3, 3, 5], "t": [2, 1, 1, 2, 3, 1], "sex": list("FFMMMF"), "x": [1, 2, 3, 4, 5, 6]}
)
SCHEMA = Schema(
    (
        Column(name="who", kind=Kind.IDENTIFIER, role=Role.ENTITY, dtype="int64"),
        Column(name="t", kind=Kind.INTEGER, role=Role.TIME, dtype="int64"),
        Column(name="sex", kind=Kind.CATEGORICAL, static=True),
        Column(name="x", kind=Kind.INTEGER, dtype="int64"),
    )
)


@pytest.mark.parametrize("name", SEQUENCE_ANCHORS)
def test_entities_columns_and_dtypes_are_kept(name: str) -> None:
    frame = stays(40).astype({"state": "category"})
    schema = Schema.detect(frame, entity=("ward", "patient"), time="hour")
    drawn = SEQUENCE_ANCHORS[name](frame, schema, 90, np.random.default_rng(0))
    groups = drawn.groupby(["ward", "patient"])
    assert groups.ngroups == 90
    assert drawn.dtypes.equals(frame.dtypes)
    assert drawn.index.equals(pd.RangeIndex(len(drawn)))
    assert groups.size().between(3, 11).all()
    assert (groups[["sex", "died"]].nunique() == 1).all(axis=None)
    assert groups["hour"].is_monotonic_increasing.all()


@pytest.mark.parametrize("name", SEQUENCE_ANCHORS)
def test_the_same_chance_gives_the_same_rows(name: str) -> None:
    one, same, other = (SEQUENCE_ANCHORS[name](THREE, SCHEMA, 30, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_a_bootstrap_holds_every_entity_equally_often_and_in_order() -> None:
    drawn = bootstrap_entities(THREE, SCHEMA, 6, np.random.default_rng(0))
    histories = drawn.groupby("who").agg(x=("x", list), t=("t", list), sex=("sex", "first"))
    assert sorted(histories["x"]) == [[2, 1], [2, 1], [3, 4, 5], [3, 4, 5], [6], [6]]
    assert set(histories["t"].map(tuple)) == {(1, 2), (1, 2, 3), (1,)}
    assert histories["sex"].tolist().count("M") == 2


def test_independent_steps_come_from_anyone_at_their_times() -> None:
    drawn = independent_steps(THREE, SCHEMA, 600, np.random.default_rng(0))
    assert set(zip(drawn["t"], drawn["x"], strict=True)) == set(zip(THREE["t"], THREE["x"], strict=True))
    sizes = drawn.groupby("who").size().value_counts(normalize=True)
    assert sizes.sub(1 / 3).abs().max() < 0.06
    assert drawn.groupby(["sex", "x"]).ngroups == 12  # no step belongs to a sex
    assert drawn.groupby("who")["sex"].first().eq("F").mean() == pytest.approx(2 / 3, abs=0.06)


def test_without_a_time_the_order_of_rows_counts() -> None:
    drawn = bootstrap_entities(THREE.drop(columns="t"), SCHEMA.select(["who", "sex", "x"]), 3, np.random.default_rng(0))
    assert sorted(drawn.groupby("who")["x"].agg(list)) == [[1, 2], [3, 4, 5], [6]]
