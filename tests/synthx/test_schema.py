from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.errors import DataError, SchemaError
from synthx.schema import FORMAT_VERSION, Column, Kind, Role, Schema

SEX = Column(name="sex", kind=Kind.CATEGORICAL, role=Role.PROTECTED, levels=("f", "m"), reason="text")
FRAUD = Column(name="fraud", kind=Kind.BOOLEAN, dtype="int64", role=Role.TARGET, levels=(0, 1))
AMOUNT = Column(name="amount", kind=Kind.DECIMAL, dtype="float64", nullable=True, lower=0.0, upper=9.5, decimals=2)
SCHEMA = Schema((SEX, FRAUD, AMOUNT))

LEVELS = st.lists(st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False)), max_size=5)
COLUMNS = st.builds(
    Column,
    name=st.text(),
    kind=st.sampled_from(Kind),
    dtype=st.sampled_from(["object", "int64", "string[pyarrow]", "datetime64[ns, UTC]"]),
    role=st.sampled_from([None, *Role]),
    nullable=st.booleans(),
    levels=st.one_of(st.none(), LEVELS.map(lambda levels: tuple({repr(level): level for level in levels}.values()))),
    lower=st.one_of(st.none(), st.floats(-9, 0)),
    upper=st.one_of(st.none(), st.floats(0, 9)),
    decimals=st.one_of(st.none(), st.integers(0, 9)),
    format=st.one_of(st.none(), st.text()),
    reason=st.text(),
)


@settings(max_examples=60)
@given(st.lists(COLUMNS, max_size=5, unique_by=lambda column: column.name))
def test_json_round_trip_keeps_values_and_types(columns: list[Column]) -> None:
    schema = Schema(tuple(columns))
    again = Schema.from_dict(json.loads(schema.to_json()))
    assert again == schema
    assert repr(again.columns) == repr(schema.columns)  # 1, 1.0 and True are equal, and must not be exchanged


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    text = SCHEMA.to_json(path)
    assert path.read_text(encoding="utf-8") == text
    assert Schema.from_json(path) == SCHEMA


def test_json_leaves_defaults_out() -> None:
    assert SCHEMA.to_dict()["columns"][1] == {
        "name": "fraud",
        "kind": "boolean",
        "dtype": "int64",
        "role": "target",
        "levels": [0, 1],
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, r"wrong at columns\.0\.colour: .* \(got 'red'\)"),
        ({"kind": "colour"}, r"wrong at columns\.0\.kind"),
        ({"nullable": "perhaps"}, r"wrong at columns\.0\.nullable"),
        ({"decimals": 1.5}, r"wrong at columns\.0\.decimals"),
        ({"levels": ["a", "a"]}, "declares a level twice"),
    ],
)
def test_wrong_fields(change: dict[str, Any], message: str) -> None:
    column = {"name": "sex", "kind": "categorical", "dtype": "object", **change}
    with pytest.raises(SchemaError, match=message):
        Schema.from_dict({"columns": [column]})


def test_a_missing_field() -> None:
    with pytest.raises(SchemaError, match=r"wrong at columns\.0\.kind: Field required"):
        Schema.from_dict({"columns": [{"name": "sex"}]})


@pytest.mark.parametrize("values", [{}, [], {"format": FORMAT_VERSION}])
def test_no_columns(values: Any) -> None:
    with pytest.raises(SchemaError, match="no 'columns'"):
        Schema.from_dict(values)


def test_a_newer_format() -> None:
    with pytest.raises(SchemaError, match=f"format {FORMAT_VERSION + 1}, this version reads {FORMAT_VERSION}; upgrade"):
        Schema.from_dict({"format": FORMAT_VERSION + 1, "columns": []})


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        Schema.from_json(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text('{"columns":\n [}', encoding="utf-8")
    with pytest.raises(SchemaError, match=r"not JSON \(line 2\)"):
        Schema.from_json(broken)
    broken.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SchemaError, match="cannot be read"):
        Schema.from_json(broken)


def test_duplicates() -> None:
    with pytest.raises(SchemaError, match="column 'sex' appears twice"):
        Schema((SEX, SEX))


def test_levels_and_bounds_must_agree() -> None:
    with pytest.raises(SchemaError, match="'x' declares a level twice"):
        Column(name="x", kind=Kind.CATEGORICAL, levels=("a", "b", "a"))
    assert Column(name="x", kind=Kind.CATEGORICAL, levels=(1, "1")).levels == (1, "1")
    with pytest.raises(SchemaError, match="lower bound 3.0 above its upper bound 1.0"):
        Column(name="x", kind=Kind.DECIMAL, lower=3.0, upper=1.0)
    with pytest.raises(SchemaError, match="mixes a text bound and a number bound"):
        Column(name="x", kind=Kind.DATETIME, lower="2020-01-01", upper=1.0)


def test_schemas_and_columns_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SEX.name = "gender"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCHEMA.columns = ()  # type: ignore[misc]
    changed = SCHEMA.replace("sex", kind=Kind.TEXT, levels=None)
    assert (changed["sex"].kind, SCHEMA["sex"].kind) == (Kind.TEXT, Kind.CATEGORICAL)
    assert changed.names == SCHEMA.names


def test_reading() -> None:
    assert SCHEMA.names == ("sex", "fraud", "amount")
    assert len(SCHEMA) == 3
    assert "sex" in SCHEMA
    assert "age" not in SCHEMA
    assert SCHEMA.target is FRAUD
    assert Schema((SEX,)).target is None
    assert SCHEMA.with_role(Role.PROTECTED) == (SEX,)
    assert SCHEMA.select(["amount", "sex"]).names == ("amount", "sex")
    with pytest.raises(SchemaError, match="column 'age' is not in the schema; choose from 'sex'"):
        SCHEMA["age"]


LONG = Schema(
    (
        Column(name="ward", kind=Kind.IDENTIFIER, role=Role.ENTITY),
        Column(name="hour", kind=Kind.INTEGER, role=Role.TIME),
        Column(name="bed", kind=Kind.IDENTIFIER, role=Role.ENTITY),
        Column(name="sex", kind=Kind.CATEGORICAL, role=Role.PROTECTED, static=True),
        Column(name="pulse", kind=Kind.INTEGER, role=Role.TARGET),
    )
)


def test_a_long_table_has_a_key_a_time_and_static_columns() -> None:
    assert LONG.entity == ("ward", "bed")
    assert LONG.static == ("sex",)
    assert LONG.time is LONG["hour"]
    assert (SCHEMA.entity, SCHEMA.static, SCHEMA.time) == ((), (), None)
    assert Schema.from_dict(json.loads(LONG.to_json())) == LONG
    assert LONG.to_dict()["columns"][3]["static"] is True
    assert "sex    categorical [protected, static]" in repr(LONG)


@pytest.mark.parametrize("role", [Role.ENTITY, Role.TIME])
def test_a_key_and_a_time_are_not_static(role: Role) -> None:
    with pytest.raises(SchemaError, match=f"column 'x' is the {role} and cannot be static; leave one of the two out"):
        Column(name="x", kind=Kind.INTEGER, role=role, static=True)


def test_a_column_may_become_the_target() -> None:
    schema = LONG.with_target("sex")
    assert schema.target is schema["sex"]
    assert schema["sex"].static
    assert schema["pulse"].role is None
    assert LONG["pulse"].role is Role.TARGET
    with pytest.raises(SchemaError, match="column 'nothing' is not in the schema"):
        LONG.with_target("nothing")
    with pytest.raises(SchemaError, match="column 'bed' is the entity and cannot be the target; choose another"):
        LONG.with_target("bed")
    with pytest.raises(SchemaError, match="column 'hour' is the time and cannot be the target"):
        LONG.with_target("hour")


def test_repr_shows_kind_role_dtype_and_reason() -> None:
    assert repr(SCHEMA).splitlines() == [
        "Schema of 3 columns",
        "  sex     categorical [protected] (object)  — text",
        "  fraud   boolean [target] (int64)",
        "  amount  decimal (float64, may be missing)",
    ]


def test_check_names() -> None:
    SCHEMA.check_names(["amount", "sex", "fraud"])
    with pytest.raises(DataError, match="the table lacks column 'fraud'"):
        SCHEMA.check_names(["amount", "sex"])
    with pytest.raises(DataError, match="the table has column 'age', which the schema does not know"):
        SCHEMA.check_names(["amount", "sex", "fraud", "age"])


def test_kinds() -> None:
    assert [kind.value for kind in Kind if kind.is_number] == ["integer", "decimal"]
    assert [kind.value for kind in Kind if kind.is_discrete] == ["categorical", "ordinal", "boolean"]
    assert [kind.value for kind in Kind if not kind.is_modelled] == ["identifier", "personal", "text", "constant"]


def test_import_is_light() -> None:
    heavy = "'torch', 'sdv', 'faker', 'sklearn', 'pandas', 'pyarrow', 'pydantic'"
    code = f"import sys, synthx.schema; print([name for name in ({heavy}) if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
