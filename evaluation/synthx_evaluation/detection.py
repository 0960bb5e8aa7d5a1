"""Whether a classifier can tell synthetic rows from real ones.

D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017, arXiv:1610.06545. The real rows are the
holdout: told apart from training rows, a generator that copies them would look perfect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.learners import BOOSTED_LEVELS, fit_boosted_classifier
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import delong_variance, normal_interval, roc_auc, score_counts

__all__ = ["DETECTION", "detection"]

DETECTION = Definition("FID-C2ST", "1.0", "Told apart from real rows (AUC)", Better.HALF)

FOLDS = 5
_FEWEST = 50
_MOST = 20_000
"""Rows of either side: more make the test slower than it gets sharper."""

_MOST_CELLS = 2_000_000
"""Cells of either side: a wide table is told apart by fewer rows."""

_PROBED = 1_000
_NAMED = 5


def detection(comparison: Comparison) -> list[Measure]:
    """Train a boosted classifier to tell synthetic rows from as many real ones, five-fold cross-fitted.

    The value is the mean area under the ROC curve of the held-out folds: 0.5 cannot be told apart, 1 always can. The
    interval takes DeLong's variance of a fold and corrects for folds that share training rows (C. Nadeau, Y. Bengio,
    "Inference for the generalization error", Machine Learning 52 (2003), 239-281). As if the folds were independent,
    it would hold 0.5 for only 75 to 85% of fresh draws.
    """
    tables = comparison.equal.capped(BOOSTED_LEVELS)
    if not tables.columns:
        return [DETECTION.not_applicable("the schema has no column to learn", seed=comparison.seed)]
    if tables.holdout is None:
        return [DETECTION.not_applicable("needs a holdout to compare with", seed=comparison.seed)]
    most = min(_MOST, _MOST_CELLS // len(tables.columns))
    rows = min(len(tables.synthetic), len(tables.holdout), most)
    if rows < _FEWEST:
        reason = f"needs {_FEWEST} rows of each table, the smallest has {rows}"
        return [DETECTION.skipped(reason, seed=comparison.seed)]
    synthetic, train, holdout = (part[:rows] for part in (tables.synthetic, tables.train, tables.holdout))
    value, variance, drops = _told_apart(comparison, synthetic, holdout, tables.discrete, probe=True)
    return [
        DETECTION.computed(
            value,
            interval=normal_interval(value, variance),
            anchor=_told_apart(comparison, train, holdout, tables.discrete, probe=False)[0],
            n=rows,
            seed=comparison.seed,
            details={"giveaways": _giveaways(tables.names, drops)},
        )
    ]


def _told_apart(
    comparison: Comparison, candidate: Floats, reference: Floats, discrete: NDArray[np.bool_], *, probe: bool
) -> tuple[float, float, Floats]:
    """Return the cross-fitted AUC of two tables of as many rows, its variance, and what each column gives away.

    The last only where `probe` is set (else zeros).
    """
    rows = np.concatenate([candidate, reference])
    truth = np.arange(len(rows)) < len(candidate)
    generator = comparison.generator(DETECTION.id)
    fold = np.concatenate([generator.permutation(len(part)) % FOLDS for part in (candidate, reference)])
    areas, variances = np.empty(FOLDS), np.empty(FOLDS)
    drops = np.zeros(rows.shape[1])
    for k in range(FOLDS):
        model = fit_boosted_classifier(rows[fold != k], truth[fold != k], discrete, comparison.seed)
        held, labels = rows[fold == k], truth[fold == k]
        score = model.predict_proba(held)[:, 1]
        areas[k], variances[k] = _auc(labels, score), delong_variance(labels, score)
        if probe and k == 0:
            drops = _drops(model, held, labels, generator)
    correction = 1 / FOLDS + 1 / (FOLDS - 1)  # 1 / J + test rows / training rows
    return float(areas.mean()), float(variances.mean() * correction), drops


def _auc(truth: NDArray[np.bool_], score: Floats) -> float:
    distinct, levels = np.unique(score, return_inverse=True)
    return roc_auc(*score_counts(truth, levels, len(distinct)))


def _drops(model: Any, rows: Floats, truth: NDArray[np.bool_], generator: np.random.Generator) -> Floats:
    """Return by how much the AUC drops when one column is shuffled (L. Breiman, Machine Learning 45 (2001), 5-32)."""
    probe = generator.permutation(len(rows))[:_PROBED]
    rows, truth = rows[probe], truth[probe]
    if truth.all() or not truth.any():
        return np.zeros(rows.shape[1])
    full = _auc(truth, model.predict_proba(rows)[:, 1])
    drops = np.empty(rows.shape[1])
    for j in range(rows.shape[1]):
        shuffled = rows.copy()
        shuffled[:, j] = generator.permutation(rows[:, j])
        drops[j] = full - _auc(truth, model.predict_proba(shuffled)[:, 1])
    return drops


def _giveaways(names: tuple[str, ...], drops: Floats) -> list[dict[str, Any]]:
    """Return the columns without which the classifier would do worst."""
    order = [int(j) for j in np.argsort(-drops, kind="stable")[:_NAMED] if drops[j] > 0]
    return [{"column": names[j], "auc_drop": drops[j]} for j in order]
