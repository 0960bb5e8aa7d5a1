"""A scorecard as a few cells of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from synthx.schema import Schema
from synthx_evaluation import Scorecard, evaluate

__all__ = ["score"]

_WITH_ANCHOR = {"shape": "FID-SHAPE", "trend": "FID-PAIRS", "association": "FID-PAIRS-ASSOC", "c2st": "FID-C2ST"}
_UTILITY = {"UTIL-AUC-BOOSTED": "auc", "UTIL-R2-BOOSTED": "r2"}
_SEED = 0
"""Of the measures, whatever the model's seed: all models meet the same draws of real rows."""


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
    card = evaluate(synthetic, train=train, holdout=holdout, schema=schema, seed=_SEED, progress=progress)
    cells: dict[str, Any] = {}
    for cell, code in _WITH_ANCHOR.items():
        cells[cell], cells[f"{cell}_real"] = card[code].value, card[code].anchor
    for code, name in _UTILITY.items():
        if card[code].value is not None:
            cells |= {"score": card[code].value, "score_real": card[code].anchor, "score_is": name}
    cells |= {"copies": card["DISC-COPIES"].value, "copies_holdout": card["DISC-COPIES"].anchor}
    return cells | {"reason": _absences(card)}


def _absences(card: Scorecard) -> str:
    """Say why a cell is empty although the run went well; a target that nobody named needs no reason."""
    reasons = {cell: card[code].reason for cell, code in _WITH_ANCHOR.items()}
    if card.context["target"] is not None and all(card[code].value is None for code in _UTILITY):
        reasons["score"] = card["UTIL-AUC-BOOSTED"].reason
    return "; ".join(f"no {cell}: {reason}" for cell, reason in reasons.items() if reason)
