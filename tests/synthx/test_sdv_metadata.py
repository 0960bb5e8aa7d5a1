from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from synthx.adapters.sdv_metadata import from_sdv, to_sdv
from synthx.adapters.sdv_patterns import read_regex, write_regex
from synthx.errors import SchemaError, UnsupportedError
from synthx.schema import Column, Kind, Role, Schema

if TYPE_CHECKING:
    from sdv.metadata import Metadata

ROWS = 60

SCHEMA = Schema(
    (
        Column(name="person", kind=Kind.IDENTIFIER, format="AC-######", role=Role.ENTITY),
        Column(name="token", kind=Kind.IDENTIFIER, format="uuid4"),
        Column(name="row", kind=Kind.IDENTIFIER, format="sequence"),
        Column(
            name="day", kind=Kind.DATETIME, format="%d/%m/%Y", role=Role.TIME, lower="2020-01-02", upper="2020-12-31"
        ),
        Column(name="stamp", kind=Kind.DATETIME, dtype="datetime64[ns]"),
        Column(name="count", kind=Kind.INTEGER, dtype="int64", lower=0.0, upper=9.0),
        Column(name="money", kind=Kind.DECIMAL, dtype="float64", decimals=2, nullable=True),
        Column(name="noise", kind=Kind.DECIMAL, dtype="float64"),
        Column(name="sex", kind=Kind.CATEGORICAL, levels=("f", "m", "x")),
        Column(name="city", kind=Kind.CATEGORICAL),
        Column(name="grade", kind=Kind.ORDINAL, dtype="category", levels=("lo", "mid", "hi")),
        Column(name="dead", kind=Kind.BOOLEAN, dtype="bool", levels=(False, True)),
        Column(name="paid", kind=Kind.BOOLEAN, levels=("N", "Y")),
        Column(name="mail", kind=Kind.PERSONAL, format="email"),
        Column(name="address", kind=Kind.PERSONAL, format="ipv4"),
        Column(name="note", kind=Kind.TEXT, nullable=True),
        Column(name="same", kind=Kind.CONSTANT, levels=("a",)),
    )
)


def described(**columns: dict[str, Any]) -> Metadata:
    """Return something that describes itself as sdv's Metadata does; loading sdv takes seconds."""
    return as_metadata({"tables": {"table": {"columns": columns}}})


def as_metadata(values: dict[str, Any]) -> Any:
    return SimpleNamespace(to_dict=lambda: values)


# -- round trip (with sdv itself) -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    pytest.importorskip("sdv")
    return to_sdv(SCHEMA, table="visits")


def test_sdv_accepts_the_metadata(metadata: Metadata) -> None:
    metadata.validate()
    table = metadata.to_dict()["tables"]["visits"]
    assert (table["sequence_key"], table["sequence_index"]) == ("person", "day")
    assert table["columns"]["person"] == {
        "sdtype": "id",
        "regex_format": r"AC\-[0-9]{6}",
        "range_is_nullable": False,
    }
    assert table["columns"]["address"]["sdtype"] == "ipv4_address"
    assert table["columns"]["day"]["range_min"] == "02/01/2020"
    assert table["columns"]["money"] == {"sdtype": "numerical", "decimal_places": 2, "range_is_nullable": True}


def test_round_trip_keeps_kinds_roles_formats_and_missing(metadata: Metadata) -> None:
    again = Schema.from_sdv(metadata)
    for ours, theirs in zip(SCHEMA, again, strict=True):
        assert (theirs.name, theirs.kind, theirs.role) == (ours.name, ours.kind, ours.role)
        assert theirs.nullable == ours.nullable, ours.name
        assert (theirs.format or "sequence") == (ours.format or "sequence"), ours.name


def test_round_trip_with_declarations(metadata: Metadata) -> None:
    again = from_sdv(metadata, assume_public=True)
    for ours, theirs in zip(SCHEMA, again, strict=True):
        assert theirs.levels == ours.levels, ours.name
        assert theirs.decimals == ours.decimals, ours.name
    assert (again["count"].lower, again["count"].upper) == (0.0, 9.0)
    assert (again["day"].lower, again["day"].upper) == ("2020-01-02T00:00:00", "2020-12-31T00:00:00")


def test_sdvs_own_detection(metadata: Metadata) -> None:
    frame = pd.DataFrame(
        {
            "key": range(ROWS),
            "day": pd.date_range("2020-01-01", periods=ROWS),
            "sex": ["f", "m"] * (ROWS // 2),
            "amount": np.linspace(0.25, 9.5, ROWS),
        }
    )
    schema = Schema.from_sdv(type(metadata).detect_from_dataframes({"t": frame}), frame=frame)
    assert [column.kind for column in schema] == [Kind.IDENTIFIER, Kind.DATETIME, Kind.CATEGORICAL, Kind.DECIMAL]
    assert all(column.levels is None and column.lower is None for column in schema)  # sdv read these off the data


def test_sdv_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sdv.metadata", None)
    with pytest.raises(UnsupportedError, match="sdv, which defines Metadata, is not installed; pip install"):
        to_sdv(SCHEMA)


def test_an_empty_table_name() -> None:
    with pytest.raises(SchemaError, match="name is empty"):
        to_sdv(SCHEMA, table="")


# -- from SDV ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "kind", "dtype"),
    [
        ({"sdtype": "numerical"}, Kind.DECIMAL, "float64"),
        ({"sdtype": "numerical", "decimal_places": 0}, Kind.INTEGER, "Int64"),
        ({"sdtype": "numerical", "decimal_places": 0, "range_is_nullable": False}, Kind.INTEGER, "int64"),
        ({"sdtype": "numerical", "computer_representation": "Float"}, Kind.DECIMAL, "float64"),  # as sdv 1 writes it
        ({"sdtype": "categorical"}, Kind.CATEGORICAL, "object"),
        ({"sdtype": "categorical", "range_values": [3, 4]}, Kind.CATEGORICAL, "Int64"),
        ({"sdtype": "categorical", "range_values": ["N", "Y"]}, Kind.BOOLEAN, "object"),
        ({"sdtype": "ordinal"}, Kind.CATEGORICAL, "object"),
        ({"sdtype": "boolean"}, Kind.BOOLEAN, "boolean"),
        ({"sdtype": "datetime"}, Kind.DATETIME, "datetime64[ns]"),
        ({"sdtype": "datetime", "datetime_format": "%Y"}, Kind.DATETIME, "object"),
        ({"sdtype": "id"}, Kind.IDENTIFIER, "object"),
        ({"sdtype": "unknown", "pii": True}, Kind.TEXT, "object"),
        ({"sdtype": "first_name", "pii": True}, Kind.PERSONAL, "object"),
        ({"sdtype": "city", "pii": False}, Kind.CATEGORICAL, "object"),
    ],
)
def test_sdtypes(spec: dict[str, Any], kind: Kind, dtype: str) -> None:
    column = from_sdv(described(x=spec))["x"]
    assert (column.kind, column.dtype) == (kind, dtype)
    assert column.reason == f"SDV metadata says {spec['sdtype']}: {kind}"


def test_a_frame_supplies_dtypes_and_formats() -> None:
    frame = pd.DataFrame(
        {
            "code": list(range(10, 40)) * 2,
            "flag": [0, 1] * 30,
            "few": [1, 2, None] * 20,
            "day": ["2020-01-02", "2020-02-03"] * 30,
            "key": [f"C{i:03d}" for i in range(ROWS)],
            "mail": ["a", "b"] * 30,
        }
    )
    specs: dict[str, dict[str, Any]] = {
        "mail": {"sdtype": "email", "pii": True},
        "code": {"sdtype": "categorical"},
        "flag": {"sdtype": "categorical"},
        "few": {"sdtype": "numerical"},
        "day": {"sdtype": "datetime"},
        "key": {"sdtype": "id"},
    }
    schema = from_sdv(described(**specs), frame=frame)
    assert schema.names == tuple(frame.columns)
    assert (schema["code"].kind, schema["code"].dtype) == (Kind.CATEGORICAL, "int64")
    assert (schema["flag"].kind, schema["flag"].levels) == (Kind.BOOLEAN, (0, 1))
    assert (schema["few"].kind, schema["few"].nullable) == (Kind.DECIMAL, True)
    assert schema["day"].format == "%Y-%m-%d"
    assert schema["key"].format == "C###"
    assert (schema["mail"].kind, schema["mail"].format) == (Kind.PERSONAL, "email")


def test_the_frame_must_have_the_same_columns() -> None:
    with pytest.raises(SchemaError, match="does not describe column 'b'"):
        from_sdv(described(a={"sdtype": "id"}), frame=pd.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(SchemaError, match="table lacks column 'a'"):
        from_sdv(described(a={"sdtype": "id"}, b={"sdtype": "id"}), frame=pd.DataFrame({"b": [2]}))


def test_tables() -> None:
    column = {"columns": {"a": {"sdtype": "id"}}}
    two = as_metadata({"tables": {"t": column, "u": {"columns": {"b": {"sdtype": "id"}}}}})
    assert from_sdv(two, table="u").names == ("b",)
    assert from_sdv(as_metadata(column)).names == ("a",)  # the metadata of a single table, as sdv 1 has it
    with pytest.raises(SchemaError, match="has 2 tables; name one of 't', 'u'"):
        from_sdv(two)
    with pytest.raises(SchemaError, match="no table 'v'"):
        from_sdv(two, table="v")


def test_ranges_are_declared_only_when_public() -> None:
    specs: dict[str, dict[str, Any]] = {
        "n": {"sdtype": "numerical", "range_min": 1, "range_max": 9, "decimal_places": 1},
        "c": {"sdtype": "categorical", "range_values": ["a", "b", "c"]},
    }
    private = from_sdv(described(**specs))
    assert (private["n"].lower, private["n"].decimals, private["c"].levels) == (None, None, None)
    public = from_sdv(described(**specs), assume_public=True)
    assert (public["n"].lower, public["n"].upper, public["n"].decimals) == (1.0, 9.0, 1)
    assert public["c"].levels == ("a", "b", "c")


# -- patterns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["AC-######", "?##", "^^~~", "a.b(#)", "uuid4", "##/##"])
def test_patterns_round_trip(pattern: str) -> None:
    regex = write_regex(pattern)
    assert regex is not None
    assert read_regex(regex) == pattern


@pytest.mark.parametrize(
    ("regex", "pattern"),
    [
        (r"AC-\d{3}", "AC-###"),
        (r"[A-Z]{2}\d", "??#"),
        ("[A-Za-z]{5}", "sequence"),
        (r"\d{2,5}", "sequence"),
        ("A+", "sequence"),
        ("(a|b)", "sequence"),
        ("A#", "sequence"),
    ],
)
def test_regexes(regex: str, pattern: str) -> None:
    assert read_regex(regex) == pattern
    assert write_regex("sequence") is None
