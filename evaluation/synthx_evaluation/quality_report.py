"""The figures of SDMetrics' quality report, for those who know them, beside ours."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Tables
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["SDM_QUALITY", "SDM_SHAPES", "SDM_TRENDS", "quality_report"]

SDM_QUALITY = Definition("SDM-QUALITY", "1.0", "SDMetrics: quality score", Better.HIGHER)
SDM_SHAPES = Definition("SDM-SHAPES", "1.0", "SDMetrics: column shapes", Better.HIGHER)
SDM_TRENDS = Definition("SDM-TRENDS", "1.0", "SDMetrics: column pair trends", Better.HIGHER)

_ALL = (SDM_QUALITY, SDM_SHAPES, SDM_TRENDS)
_MOST = 50_000
"""Rows of a table: the report is slow."""


def quality_report(
    comparison: Comparison, *, synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None
) -> list[Measure]:
    """Return the three scores of SDMetrics' `QualityReport` of the assessed columns.

    Its real rows are the holdout, as everywhere here, or the training rows where there is none; the anchor has training
    rows in the place of the synthetic ones. SDMetrics gives no interval. It leaves missing cells out of its distances,
    and pairs of unrelated columns raise its score of trends.

    Parameters
    ----------
    comparison : Comparison
        Of the same frames.
    synthetic, train, holdout : DataFrame
        As given to `compare`.
    """
    tables, seed = comparison.tables, comparison.seed
    if not tables.columns:
        return [item.not_applicable("the schema has no column to learn", seed=seed) for item in _ALL]
    real = train if holdout is None else holdout
    generator = comparison.generator("quality report")
    frames = [_readable(_drawn(frame, generator), tables) for frame in (synthetic, real, train)]
    values = _scores(frames[1], frames[0], tables)
    anchors = None if holdout is None else _scores(frames[1], frames[2], tables)
    found = []
    for i, item in enumerate(_ALL):
        if not np.isfinite(values[i]):
            found.append(item.skipped("SDMetrics gives no figure for these tables", seed=seed))
            continue
        anchor = None if anchors is None or not np.isfinite(anchors[i]) else anchors[i]
        details = {"reference": comparison.reference_name}
        found.append(item.computed(values[i], anchor=anchor, n=len(frames[0]), seed=seed, details=details))
    return found


def _drawn(frame: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    return frame if len(frame) <= _MOST else frame.iloc[np.sort(generator.permutation(len(frame))[:_MOST])]


def _readable(frame: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return the assessed columns in types that SDMetrics reads: text, floats and times."""
    columns: dict[str, pd.Series[Any]] = {}
    for column in tables.columns:
        cells = frame[column.name]
        if column.kind.is_discrete:
            columns[column.name] = cells.astype(object).map(str, na_action="ignore")
        elif column.kind.is_number:
            columns[column.name] = pd.to_numeric(cells.astype(object), errors="coerce").astype("float64")
        else:
            times = pd.to_datetime(cells.astype(object), errors="coerce", utc=True, format="mixed")
            columns[column.name] = times.dt.tz_localize(None)
    return pd.DataFrame(columns).reset_index(drop=True)


def _scores(real: pd.DataFrame, synthetic: pd.DataFrame, tables: Tables) -> tuple[float, float, float]:
    """Return the overall score, that of shapes and that of trends; NaN where SDMetrics gives none."""
    kinds = {
        column.name: {"sdtype": _sdtype(column.kind.is_discrete, column.kind.is_number)} for column in tables.columns
    }
    with warnings.catch_warnings():
        # About its own import, and about constant and missing columns: ours say so in records.
        warnings.simplefilter("ignore")
        from sdmetrics.reports.single_table import QualityReport

        report = QualityReport()
        report.generate(real, synthetic, {"columns": kinds}, verbose=False)
    properties = report.get_properties().set_index("Property")["Score"]
    return float(report.get_score()), float(properties["Column Shapes"]), float(properties["Column Pair Trends"])


def _sdtype(discrete: bool, number: bool) -> str:
    return "categorical" if discrete else "numerical" if number else "datetime"
