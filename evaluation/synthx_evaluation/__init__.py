"""Measures of synthetic tables: each with what real rows would score, and with a reason where it has no value.

>>> from synthx_evaluation import evaluate, split
>>> train, holdout = split(frame, entity="patient")              # doctest: +SKIP
>>> card = evaluate(synthetic, train=train, holdout=holdout)     # doctest: +SKIP
>>> card["FID-SHAPE"].value                                      # doctest: +SKIP
"""

from __future__ import annotations

from synthx_evaluation.membership import shadow_attack
from synthx_evaluation.record import Better, Measure, Status
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.sequences import Judge, evaluate_sequences, plot_sequences
from synthx_evaluation.side_by_side import compare_scorecards, compare_scorecards_text
from synthx_evaluation.split import split
from synthx_evaluation.suite import evaluate

__all__ = [
    "Better",
    "Judge",
    "Measure",
    "Scorecard",
    "Status",
    "compare_scorecards",
    "compare_scorecards_text",
    "evaluate",
    "evaluate_sequences",
    "plot_sequences",
    "shadow_attack",
    "split",
]
