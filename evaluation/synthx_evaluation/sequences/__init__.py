"""Measures of synthetic sequences: hospital stays, accounts, windows of prices.

>>> from synthx_evaluation import evaluate_sequences, split
>>> train, holdout = split(frame, entity="patient")                                        # doctest: +SKIP
>>> card = evaluate_sequences(synthetic, train=train, holdout=holdout, schema=schema)      # doctest: +SKIP
>>> card["SEQ-C2ST"].details["giveaways"]                                                  # doctest: +SKIP
"""

from __future__ import annotations

from synthx_evaluation.sequences.judges import Judge
from synthx_evaluation.sequences.plots import plot_sequences
from synthx_evaluation.sequences.suite import evaluate_sequences

__all__ = ["Judge", "evaluate_sequences", "plot_sequences"]
