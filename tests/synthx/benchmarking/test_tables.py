"""Tables: how they are parted, what is refused, and what tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.benchmarking.tables import Tables
from synthx.errors import DataError, ParameterError, SchemaError
from synthx.io import read_table
from synthx.schema import Role, Schema

from .conftest import correlated, stays


def make(frame: pd.DataFrame, **settings: Any) -> Tables:
    return Tables.make(frame, **{"target": None, "schema": None, "holdout": None, "rows": None, **settings})


def test_a_fifth_is_held_back_with_the_shares_of_the_target() -> None:
    frame = correlated(500)
    tables = make(frame, target="label")
    assert (len(tables.train), len(tables.holdout), tables.rows) == (400, 100, 400)
    shares = [(part["label"] == "yes").mean() for part in (tables.train, tables.holdout)]
    assert abs(shares[0] - shares[1]) < 0.01
    both = pd.concat([tables.train, tables.holdout])
    assert sorted(both["number"]) == sorted(frame["number"])


def test_an_entity_stays_on_one_side() -> None:
    frame = correlated(300).assign(person=np.arange(300) // 3)
    schema = Schema.detect(frame, entity="person")
    tables = make(frame, schema=schema, holdout=0.3)
    assert not set(tables.train["person"]) & set(tables.holdout["person"])


def test_entities_of_several_rows_are_sequences_and_counted() -> None:
    frame = stays(50)
    schema = Schema.detect(frame, entity=("ward", "patient"), time="hour")
    tables = make(frame.sample(frac=1, random_state=0), schema=schema, target="died")
    sides = [set(part[["ward", "patient"]].agg(tuple, axis=1)) for part in (tables.train, tables.holdout)]
    assert tables.sequences
    assert len(sides[0] | sides[1]) == 50
    assert not sides[0] & sides[1]
    assert tables.rows == len(sides[0])
    assert tables.schema["died"].static
    single = frame.drop_duplicates(["ward", "patient"])
    assert not make(single, schema=schema).sequences
    assert make(single, schema=schema).rows == 40


def test_an_entity_on_both_sides_is_refused() -> None:
    frame = stays(20)
    schema = Schema.detect(frame, entity=("ward", "patient"))
    with pytest.raises(DataError, match="holdout"):
        make(frame, schema=schema, holdout=frame.head(30))


def test_a_given_holdout_and_target_are_taken() -> None:
    frame, holdout = correlated(300), correlated(80, seed=1)
    schema = Schema.detect(frame, target="level")
    tables = make(frame, schema=schema, target="label", holdout=holdout, rows=50)
    assert (len(tables.train), len(tables.holdout), tables.rows) == (300, 80, 50)
    assert [column.name for column in tables.schema.with_role(Role.TARGET)] == ["label"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"target": "lable"}, ParameterError, "no column 'lable'"),
        ({"holdout": 1.5}, ParameterError, "holdout is 1.5"),
        ({"holdout": "a fifth"}, ParameterError, "holdout is a str"),
        ({"rows": 0}, ParameterError, "rows is 0"),
        ({"holdout": correlated(50).drop(columns="count")}, DataError, "the holdout table lacks column 'count'"),
        ({"holdout": correlated(50).iloc[:0]}, DataError, "the holdout table has no rows"),
        ({"schema": Schema.detect(correlated(100)).select(["number"])}, DataError, "column 'count'"),
        ({"schema": Schema.detect(correlated(100)), "target": "none"}, (ParameterError, SchemaError), "'none'"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(correlated(200), **settings)


def test_no_frame_is_refused() -> None:
    with pytest.raises(DataError, match="given a list"):
        make([1, 2])  # type: ignore[arg-type]


def test_workers_read_what_was_written(tmp_path: Path) -> None:
    frame = correlated(200).assign(day=pd.Timestamp("2020-02-29"), flag=pd.array([True, None] * 100, dtype="boolean"))
    tables = make(frame.astype({"level": "category"}), target="label")
    tables.write(tmp_path)
    schema = Schema.from_json(tmp_path / "schema.json")
    assert schema == tables.schema
    assert read_table(tmp_path / "train.parquet", schema=schema).equals(tables.train)
    assert read_table(tmp_path / "holdout.parquet", schema=schema).equals(tables.holdout)


def test_a_column_of_mixed_types_is_refused_by_name(tmp_path: Path) -> None:
    frame = correlated(100).assign(mixed=[1, "a"] * 50)
    with pytest.raises(DataError, match=r"column 'mixed' mixes types .*give it cells of one type"):
        make(frame).write(tmp_path)


def test_the_fingerprint_knows_what_figures_depend_on() -> None:
    frame, holdout = correlated(200), correlated(60, seed=1)
    schema = Schema.detect(frame)
    first = make(frame, holdout=holdout, schema=schema).fingerprint
    changed = frame.copy()
    changed.loc[7, "number"] += 0.001
    others = [
        make(changed, holdout=holdout, schema=schema),
        make(frame, holdout=holdout.iloc[1:], schema=schema),
        make(frame, holdout=holdout, schema=schema, target="label"),
        make(frame, holdout=holdout, schema=schema, rows=100),
        make(frame, holdout=holdout, schema=schema.replace("number", decimals=2)),
        make(frame.iloc[::-1], holdout=holdout, schema=schema),
    ]
    assert len({first, *(tables.fingerprint for tables in others)}) == 7
    alike = make(frame.set_axis(frame.index + 5), holdout=holdout, schema=schema.replace("number", reason="I say so"))
    assert alike.fingerprint == first
    assert len(first) == 16
