"""The JSON schema of a report file, published as ``report.schema.json`` beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthx_evaluation.report.record import SCHEMA_VERSION
from synthx_evaluation.report.sealing.seal import Sealed

__all__ = ["SCHEMA_FILE", "report_schema", "report_schema_text"]

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


def report_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of ``report.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:synthx:report:{SCHEMA_VERSION}",
        **Sealed.model_json_schema(mode="serialization"),
        "title": "synthx report",
    }


def report_schema_text() -> str:
    """Return the schema as the text of `SCHEMA_FILE`."""
    return json.dumps(report_schema(), indent=2, sort_keys=True) + "\n"
