"""Whether a model of synthetic rows relies on the same columns as a model of real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.halves import Halves, halves
from synthx_evaluation.learners import Learner, boosted
from synthx_evaluation.ranking import spearman
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.scoring import RESAMPLES, middle, resample

__all__ = ["IMPORTANCE", "importance"]

IMPORTANCE = Definition("UTIL-IMPORTANCE", "1.0", "Same columns matter (Spearman)", Better.HIGHER)

_FEWEST_COLUMNS = 3
_PROBED = 2_000
_NAMED = 5


def importance(comparison: Comparison) -> list[Measure]:
    """Return Spearman's correlation of the permutation importance of columns, in models of real and of synthetic rows.

    The models are boosted trees. The importance of a column is the rise of the mean squared error (of the class
    probabilities, or of the number in units of its variance) on holdout rows in which the column is shuffled (L.
    Breiman, "Random forests", Machine Learning 45 (2001), 5-32). Both models learn from as many rows, at most half of
    the training table, and meet the same shuffled rows: the other half gives the anchor. The interval resamples the
    holdout rows 200 times.
    """
    rows = halves(comparison, [IMPORTANCE])
    if isinstance(rows, list):
        return rows
    places, seed = rows.features, comparison.seed
    if len(places) < _FEWEST_COLUMNS:
        reason = f"needs {_FEWEST_COLUMNS} columns beside the target, there are {len(places)}"
        return [IMPORTANCE.not_applicable(reason, seed=seed)]
    generator = comparison.generator(IMPORTANCE.id)
    probe = rows.data.holdout[:_PROBED]
    shuffles = [generator.permutation(len(probe)) for _ in places]
    learner = boosted(comparison.equal, places, seed)
    predictors = [_predictor(comparison, rows, learner, source) for source in rows.sources]
    truth = _truth(comparison, rows, probe)
    first, synthetic, second = (_rises(predict, probe, truth, places, shuffles) for predict in predictors)
    draws = np.stack([resample(len(probe), generator) for _ in range(RESAMPLES)])
    drawn = [spearman(x, y) for x, y in zip(draws @ first, draws @ synthetic, strict=True)]
    real, made = first.mean(axis=0), synthetic.mean(axis=0)
    names = [comparison.tables.names[j] for j in places]
    return [
        IMPORTANCE.computed(
            spearman(real, made),
            interval=middle(np.array(drawn)),
            anchor=spearman(real, second.mean(axis=0)),
            n=len(rows.data.synthetic),
            seed=seed,
            details={
                "target": comparison.tables.names[rows.data.place],
                "most_important_of_real": _most(names, real),
                "most_important_of_synthetic": _most(names, made),
            },
        )
    ]


def _truth(comparison: Comparison, rows: Halves, probe: Floats) -> Floats:
    """Return what models should predict, (rows, classes) or (rows, 1), in units in which mistakes are comparable."""
    target = rows.data.target(probe)
    if comparison.tables.discrete[rows.data.place]:
        return np.asarray(target[:, None] == np.array(_classes(rows)), dtype=np.float64)
    return np.asarray(target[:, None])


def _classes(rows: Halves) -> list[float]:
    return [float(level) for level in np.unique(rows.data.target(rows.data.train))]


def _predictor(comparison: Comparison, rows: Halves, learner: Learner, source: Floats) -> Callable[[Floats], Floats]:
    """Train on `source`; return a function from rows to predictions (rows, classes) or (rows, 1)."""
    target = rows.data.target(source)
    if not comparison.tables.discrete[rows.data.place]:
        regressor = learner.fit_regressor(learner.inputs(source), target)
        return lambda asked: np.asarray(regressor.predict(learner.inputs(asked)))[:, None]
    classifier = learner.fit_classifier(learner.inputs(source), target.astype(np.intp))
    classes = _classes(rows)

    def predict(asked: Floats) -> Floats:
        shares = classifier.predict_proba(learner.inputs(asked))
        known = {int(level): share for level, share in zip(classifier.classes_, shares.T, strict=True)}
        return np.column_stack([known.get(int(level), np.zeros(len(asked))) for level in classes])

    return predict


def _rises(
    predict: Callable[[Floats], Floats],
    probe: Floats,
    truth: Floats,
    places: NDArray[np.intp],
    shuffles: list[NDArray[np.intp]],
) -> Floats:
    """Return by how much each row's squared error rises when one column is shuffled, (rows, columns)."""
    scale = float(np.var(truth, axis=0).sum()) or 1.0
    before = ((predict(probe) - truth) ** 2).sum(axis=1)
    rises = np.empty((len(probe), len(places)))
    for i, (j, shuffle) in enumerate(zip(places, shuffles, strict=True)):
        changed = probe.copy()
        changed[:, j] = probe[shuffle, j]
        rises[:, i] = (((predict(changed) - truth) ** 2).sum(axis=1) - before) / scale
    return rises


def _most(names: list[str], values: Floats) -> list[dict[str, Any]]:
    order = np.argsort(-values, kind="stable")[:_NAMED]
    return [{"column": names[i], "importance": values[i]} for i in order]
