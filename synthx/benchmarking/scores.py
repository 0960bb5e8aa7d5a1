"""A scorecard as a few cells of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from synthx.schema import Schema
from synthx_evaluation import Judge, Scorecard, evaluate, evaluate_sequences

__all__ = ["score", "score_sequences"]

_TABLE = {"shape": "FID-SHAPE", "trend": "FID-PAIRS", "association": "FID-PAIRS-ASSOC", "c2st": "FID-C2ST"}
_SEQUENCES = {
    "steps": "SEQ-STEPS",
    "features": "SEQ-FEATURES",
    "lengths": "SEQ-LENGTHS",
    "gaps": "SEQ-GAPS",
    "static": "SEQ-STATIC",
    "association": "SEQ-ASSOCIATION",
    "autocorrelation": "SEQ-AUTOCORRELATION",
    "cross_correlation": "SEQ-CROSS-CORRELATION",
    "transitions": "SEQ-TRANSITIONS",
    "c2st": "SEQ-C2ST",
    "discriminative": "SEQ-DISCRIMINATIVE",
    "predictive": "SEQ-PREDICTIVE",
    "nearest": "SEQ-NEAREST",
}
"""Cell -> measure; what real training rows score goes into the cell with ``_real`` behind its name."""

_DISPENSABLE = frozenset({"gaps", "static", "association", "autocorrelation", "cross_correlation", "transitions"})
"""Measures of what sequences may lack without a fault: a time, static columns, numbers, levels."""

_UTILITY = {"UTIL-AUC-BOOSTED": "auc", "UTIL-R2-BOOSTED": "r2"}
_SEED = 0
"""Of the measures, whatever the model's seed: all models meet the same draws of real rows."""

_GROUPS = ("fidelity", "utility", "disclosure")

_JUDGE = Judge(runs=1, discriminative_steps=500, predictive_steps=500)
"""A tenth of the default work, which takes minutes a model: enough to rank models beside the same real sequences."""


def score(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    schema: Schema,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Measure synthetic rows against a holdout; `progress` is told what is measured next.

    Returns
    -------
    dict
        Cells of a row of `synthx.benchmarking.results`; ``reason`` says which measures are absent, and why.
    """
    card = evaluate(synthetic, train=train, holdout=holdout, schema=schema, seed=_SEED, only=_GROUPS, progress=progress)
    return _cells(card, _TABLE, prefix="", copies="DISC-COPIES", optional=frozenset())


def score_sequences(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    schema: Schema,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Measure synthetic sequences against those of entities held back; as `score`."""
    card = evaluate_sequences(
        synthetic, train=train, holdout=holdout, schema=schema, seed=_SEED, judge=_JUDGE, progress=progress
    )
    cells = _cells(card, _SEQUENCES, prefix="SEQ-", copies="SEQ-COPIES", optional=_DISPENSABLE)
    return cells | {"entities": synthetic.groupby(list(schema.entity), observed=True).ngroups}


def _cells(
    card: Scorecard, codes: Mapping[str, str], *, prefix: str, copies: str, optional: frozenset[str]
) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for cell, code in codes.items():
        cells[cell], cells[f"{cell}_real"] = card[code].value, card[code].anchor
    for code, name in _UTILITY.items():
        found = card[prefix + code]
        if found.value is not None:
            cells |= {"score": found.value, "score_real": found.anchor, "score_is": name}
    cells |= {"copies": card[copies].value, "copies_holdout": card[copies].anchor}
    return cells | {"reason": _absences(card, {cell: codes[cell] for cell in codes if cell not in optional}, prefix)}


def _absences(card: Scorecard, codes: Mapping[str, str], prefix: str) -> str:
    """Say why a cell is empty although the run went well; a target that nobody named needs no reason."""
    reasons = {cell: card[code].reason for cell, code in codes.items()}
    if card.context["target"] is not None and all(card[prefix + code].value is None for code in _UTILITY):
        reasons["score"] = card[f"{prefix}UTIL-AUC-BOOSTED"].reason
    return "; ".join(f"no {cell}: {reason}" for cell, reason in reasons.items() if reason)
