"""The JSON schema of a scorecard file, published as ``scorecard.schema.json`` beside this file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from synthx_evaluation.record import Better, Measure, Status
from synthx_evaluation.scorecard import FORMAT_VERSION

__all__ = ["SCHEMA_FILE", "scorecard_schema", "scorecard_schema_text"]

SCHEMA_FILE = Path(__file__).with_name("scorecard.schema.json")

_NUMBER_OR_NULL = {"type": ["number", "null"]}
_FIELDS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "pattern": "^[A-Z0-9]+(-[A-Z0-9]+)*$", "description": "Stable code, e.g. FID-SHAPE."},
    "version": {"type": "string", "description": "Of the definition; figures of two versions must not be compared."},
    "title": {"type": "string"},
    "better": {"enum": [str(item) for item in Better], "description": "Which way a good generator moves the value."},
    "status": {"enum": [str(item) for item in Status]},
    "value": {**_NUMBER_OR_NULL, "description": "Present exactly where the status is computed."},
    "interval": {
        "type": ["array", "null"],
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
        "description": "95% confidence interval of the value.",
    },
    "anchor": {**_NUMBER_OR_NULL, "description": "What training rows score in the place of the synthetic ones."},
    "p_value": {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "Where a test was made."},
    "detectable": {**_NUMBER_OR_NULL, "description": "The smallest effect that the test would have noticed."},
    "n": {"type": "integer", "minimum": 0, "description": "Synthetic rows behind the value."},
    "seed": {"type": "integer", "minimum": 0},
    "reason": {"type": "string", "description": "Why there is no value; empty where there is one."},
    "details": {"type": "object"},
}
_LATER = ("p_value", "detectable")
"""Fields that the first files of this format lack."""


def scorecard_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of what `Scorecard.to_json` writes."""
    fields = [field.name for field in dataclasses.fields(Measure)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "synthx scorecard",
        "description": "The measures of one synthetic table, with what they were measured on. Numbers are finite.",
        "type": "object",
        "required": ["format", "context", "measures"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": FORMAT_VERSION},
            "context": {
                "type": "object",
                "required": ["rows", "reference", "seed", "versions"],
                "properties": {
                    "rows": {"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
                    "columns": {"type": "object", "additionalProperties": {"type": "string"}},
                    "left_out": {"type": "object", "additionalProperties": {"type": "string"}},
                    "target": {"type": ["string", "null"]},
                    "protected": {"type": "array", "items": {"type": "string"}},
                    "groups": {"type": "array", "items": {"type": "string"}},
                    "reference": {"enum": ["holdout", "train"]},
                    "seed": {"type": "integer", "minimum": 0},
                    "versions": {"type": "object", "additionalProperties": {"type": "string"}},
                    "seconds": {"type": "object", "additionalProperties": {"type": "number"}},
                },
            },
            "measures": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": [name for name in fields if name not in _LATER],
                    "additionalProperties": False,
                    "properties": {name: _FIELDS[name] for name in fields},
                },
            },
        },
    }


def scorecard_schema_text() -> str:
    """Return the schema as the text of `SCHEMA_FILE`."""
    return json.dumps(scorecard_schema(), indent=2) + "\n"
