from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthx.schema import Schema
from synthx_evaluation import Scorecard, evaluate
from synthx_evaluation.scorecard_schema import SCHEMA_FILE, scorecard_schema, scorecard_schema_text

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "null": (type(None),),
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], place: str = "") -> list[str]:
    """Return where `value` breaks `schema`; knows the keywords that our schema uses."""
    if "const" in schema or "enum" in schema:
        return [] if value in schema.get("enum", [schema.get("const")]) else [f"{place}: {value!r}"]
    names = schema.get("type", [])
    allowed = tuple(kind for name in ([names] if isinstance(names, str) else names) for kind in TYPES[name])
    if isinstance(value, bool) or not isinstance(value, allowed):
        return [f"{place}: {value!r} is no {names}"]
    found = [f"{place}: lacks {name}" for name in schema.get("required", []) if name not in value]
    if isinstance(value, dict):
        rest = schema.get("additionalProperties", True)
        for name, item in value.items():
            part = schema.get("properties", {}).get(name, rest)
            if part is False:
                found.append(f"{place}: {name}")
            elif part is not True:
                found += faults(item, part, f"{place}.{name}")
    if isinstance(value, list):
        wanted = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        found += [] if wanted else [f"{place}: {len(value)} items"]
        items = schema.get("items")
        found += [fault for i, item in enumerate(value) if items for fault in faults(item, items, f"{place}[{i}]")]
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        found.append(f"{place}: {value!r}")
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{place}: {value!r}")
    return found


def test_the_published_file_is_made_by_the_code() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == scorecard_schema_text()


def test_real_output_keeps_the_schema(draw: Callable[[int, int], pd.DataFrame], schema: Schema) -> None:
    card = evaluate(draw(120, 1), train=draw(120, 2), holdout=draw(120, 3), schema=schema, only=["fidelity"])
    document = json.loads(card.to_json())
    assert faults(document, scorecard_schema()) == []
    document["measures"][0]["value"] = "high"
    document["measures"][1]["more"] = 1
    assert faults(document, scorecard_schema()) == [
        ".measures[0].value: 'high' is no ['number', 'null']", ".measures[1]: more",
    ]  # fmt: skip


def test_older_files_still_load(draw: Callable[[int, int], pd.DataFrame], schema: Schema, tmp_path: Path) -> None:
    card = evaluate(draw(60, 1), train=draw(60, 2), schema=schema, only="disclosure")
    document = json.loads(card.to_json())
    for measure in document["measures"]:
        del measure["p_value"], measure["detectable"]
    assert faults(document, scorecard_schema()) == []
    (tmp_path / "old.json").write_text(json.dumps(document), encoding="utf-8")
    assert [measure.p_value for measure in Scorecard.from_json(tmp_path / "old.json")] == [None] * len(card)


def test_jsonschema_agrees(draw: Callable[[int, int], pd.DataFrame], schema: Schema) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    card = evaluate(draw(60, 1), train=draw(60, 2), schema=schema, only="disclosure")
    jsonschema.validate(json.loads(card.to_json()), scorecard_schema())
