"""Metadata of the synthetic set for catalogues: Croissant 1.0 (MLCommons), as JSON-LD.

Source: M. Akhtar et al., "Croissant: A Metadata Format for ML-Ready Datasets", 2024, arXiv:2403.19546; the format's
specification 1.0, https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
"""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import Any

from synthx_evaluation.report.record import ColumnEntry, Report

__all__ = ["CONTEXT", "croissant"]

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes."""

_TYPES = {"integer": "sc:Integer", "decimal": "sc:Float", "boolean": "sc:Boolean", "datetime": "sc:DateTime"}
_FORMATS = {".parquet": "application/vnd.apache.parquet", ".csv": "text/csv", ".gz": "application/gzip"}


def croissant(report: Report, *, file: str = "synthetic.csv", sha256: str | None = None) -> dict[str, Any]:
    """Return the Croissant metadata of the synthetic table: its columns, never a value of them.

    Parameters
    ----------
    report : Report
        What was evaluated.
    file : str
        Name of the synthetic table's file, relative to where the metadata will lie.
    sha256 : str, optional
        Its hash; the format wants one, so without it the metadata are a draft.
    """
    header, scope = report.header, report.scope
    file_object = {
        "@type": "cr:FileObject",
        "@id": "synthetic-table",
        "name": PurePath(file).name,
        "contentUrl": file,
        "encodingFormat": _format(file),
        "sha256": sha256,
    }
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": header.title,
        "description": " ".join(filter(None, ("Synthetic data.", scope.purpose, report.summary.headline))),
        "creator": {"@type": "sc:Organization", "name": header.owner} if header.owner else None,
        "datePublished": header.date,
        "expires": header.valid_until,
        "isLiveDataset": False,
        "rai:dataUseCases": scope.purpose,
        "rai:dataLimitations": [statement.text for statement in report.summary.may_not],
        "rai:personalSensitiveInformation": [c.name for c in report.source.columns if c.disclosure == "sensitive"],
        "distribution": [_known(file_object)],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "rows",
                "name": "rows",
                "description": "One synthetic row each.",
                "field": [_field(column, place) for place, column in enumerate(report.source.columns)],
            }
        ],
    }
    return _known(described)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that say something."""
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _field(column: ColumnEntry, place: int) -> dict[str, Any]:
    """Return one column; its id is a number, since a name may hold any character."""
    return {
        "@type": "cr:Field",
        "@id": f"rows/{place}",
        "name": column.name,
        "dataType": _TYPES.get(column.kind, "sc:Text"),
        "source": {"fileObject": {"@id": "synthetic-table"}, "extract": {"column": column.name}},
    }


def _format(file: str) -> str:
    suffix = PurePath(file).suffix.lower()
    return _FORMATS.get(suffix) or mimetypes.guess_type(file)[0] or "application/octet-stream"
