"""Whether a model that learned from synthetic rows works on real ones (train on synthetic, test on real).

Each score stands beside that of a model of as many real rows (the anchor) and that of a model that knows nothing
(``trivial`` in the details); ``position`` tells where between the two it lies, 0 being trivial and 1 as good as real.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.learners import LEARNERS, Learner
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.scoring import (
    RESAMPLES,
    Counter,
    absolute_error,
    explained,
    mean_over_classes,
    middle,
    resample,
)
from synthx_evaluation.statistics import average_precision, roc_auc
from synthx_evaluation.target_rows import TargetRows, needless, target_rows

__all__ = ["ABSOLUTE_ERROR", "AUC", "AVERAGE_PRECISION", "R_SQUARED", "utility"]

AUC = {
    "linear": Definition("UTIL-AUC-LINEAR", "1.0", "Trained on synthetic: AUC, linear", Better.HIGHER),
    "boosted": Definition("UTIL-AUC-BOOSTED", "1.0", "Trained on synthetic: AUC, boosted", Better.HIGHER),
}
AVERAGE_PRECISION = {
    "linear": Definition("UTIL-AP-LINEAR", "1.0", "Trained on synthetic: average precision, linear", Better.HIGHER),
    "boosted": Definition("UTIL-AP-BOOSTED", "1.0", "Trained on synthetic: average precision, boosted", Better.HIGHER),
}
R_SQUARED = {
    "linear": Definition("UTIL-R2-LINEAR", "1.0", "Trained on synthetic: R2, linear", Better.HIGHER),
    "boosted": Definition("UTIL-R2-BOOSTED", "1.0", "Trained on synthetic: R2, boosted", Better.HIGHER),
}
ABSOLUTE_ERROR = {
    "linear": Definition("UTIL-MAE-LINEAR", "1.0", "Trained on synthetic: absolute error, linear", Better.LOWER),
    "boosted": Definition("UTIL-MAE-BOOSTED", "1.0", "Trained on synthetic: absolute error, boosted", Better.LOWER),
}


def utility(comparison: Comparison) -> list[Measure]:
    """Train a linear and a boosted model on synthetic rows and score them on the holdout.

    A discrete target gives the area under the ROC curve and the average precision: of the rarer class of two, or the
    mean over classes, each against the rest, of three to twenty. A number gives R² and the mean absolute error (trivial
    is the error of the training rows' median, in the units of the target). Intervals resample the holdout rows 200
    times, the same rows for the model of synthetic and the model of real rows.
    """
    seed = comparison.seed
    of_classes = [*AUC.values(), *AVERAGE_PRECISION.values()]
    of_numbers = [*R_SQUARED.values(), *ABSOLUTE_ERROR.values()]
    reason = needless(comparison)
    target = comparison.target
    if target is None or reason:
        return [item.not_applicable(reason, seed=seed) for item in (*of_classes, *of_numbers)]
    asked, other = (of_classes, of_numbers) if target.kind.is_discrete else (of_numbers, of_classes)
    rest = [item.not_applicable(f"the target {target.name!r} is {target.kind}", seed=seed) for item in other]
    names = comparison.tables.names
    data = target_rows(comparison, names.index(target.name))
    problem = data.problem(comparison, target.name)
    if problem:
        return _in_order([*(item.skipped(problem, seed=seed) for item in asked), *rest])
    score = _classification if target.kind.is_discrete else _regression
    features = np.flatnonzero(np.arange(len(names)) != data.place)
    learners = [learner(comparison.equal, features, seed) for learner in LEARNERS]
    return _in_order([*score(comparison, data, learners), *rest])


def _in_order(measures: Sequence[Measure]) -> list[Measure]:
    """Return the measures in one order, whatever kind the target is."""
    definitions = (AUC, AVERAGE_PRECISION, R_SQUARED, ABSOLUTE_ERROR)
    order = [item.id for group in definitions for item in group.values()]
    return sorted(measures, key=lambda measure: order.index(measure.id))


# -- classification ---------------------------------------------------------------------------------------------


def _classification(comparison: Comparison, data: TargetRows, learners: Sequence[Learner]) -> list[Measure]:
    classes = data.scored()
    labels = comparison.tables.levels[data.place]
    prevalence = float(np.mean([(data.target(data.holdout) == level).mean() for level in classes]))
    common: dict[str, Any] = {"classes": [labels[int(level)] for level in classes]}
    counters = {learner.name: _counters(data, learner, classes) for learner in learners}
    return [
        _record(comparison, definition, data, [mean_over_classes(part, area) for part in counters[name]], low, common)
        for definitions, area, low in ((AUC, roc_auc, 0.5), (AVERAGE_PRECISION, average_precision, prevalence))
        for name, definition in definitions.items()
    ]


def _counters(data: TargetRows, learner: Learner, classes: Sequence[float]) -> list[list[Counter]]:
    """Train on synthetic and on real rows; return for either the scores of the holdout, class by class."""
    truth = data.target(data.holdout)
    found = []
    for rows in (data.synthetic, data.train):
        shares = learner.class_shares(rows, data.target(rows), data.holdout, classes)
        found.append([Counter(truth == level, share) for level, share in zip(classes, shares.T, strict=True)])
    return found


# -- regression -------------------------------------------------------------------------------------------------


def _regression(comparison: Comparison, data: TargetRows, learners: Sequence[Learner]) -> list[Measure]:
    truth = data.target(data.holdout)
    guess = float(np.abs(truth - np.median(data.target(data.train))).mean())
    found = []
    for learner in learners:
        predicted = [learner.numbers(rows, data.target(rows), data.holdout) for rows in (data.synthetic, data.train)]
        scores = [explained(truth, part) for part in predicted]
        errors = [absolute_error(truth, part) for part in predicted]
        found += [
            _record(comparison, R_SQUARED[learner.name], data, scores, 0.0, {}),
            _record(comparison, ABSOLUTE_ERROR[learner.name], data, errors, guess, {}),
        ]
    return found


# -- records ----------------------------------------------------------------------------------------------------


def _record(
    comparison: Comparison,
    definition: Definition,
    data: TargetRows,
    scorers: Sequence[Callable[[Floats], float]],
    trivial: float,
    common: dict[str, Any],
) -> Measure:
    """Score the model of synthetic rows and the model of real rows on the same resamples of the holdout."""
    synthetic, real = scorers
    ones = np.ones(len(data.holdout))
    value, anchor = synthetic(ones), real(ones)
    generator = comparison.generator(definition.id)
    draws = [resample(len(data.holdout), generator) for _ in range(RESAMPLES)]
    pairs = np.array([(synthetic(weights), real(weights)) for weights in draws])
    pairs = pairs[~np.isnan(pairs).any(axis=1)]
    sign = -1.0 if definition.better is Better.LOWER else 1.0
    return definition.computed(
        value,
        interval=middle(pairs[:, 0]),
        anchor=anchor,
        n=len(data.synthetic),
        seed=comparison.seed,
        details={
            "target": comparison.tables.names[data.place],
            "trivial": trivial,
            **_position(value, anchor, pairs, trivial, sign),
            "behind_real": sign * (anchor - value),
            "behind_real_interval": middle(sign * (pairs[:, 1] - pairs[:, 0])),
            "train_rows": len(data.train),
            "holdout_rows": len(data.holdout),
            **common,
        },
    )


def _position(value: float, anchor: float, pairs: Floats, trivial: float, sign: float) -> dict[str, Any]:
    """Return where the value lies between trivial (0) and as good as real (1); None where real is no better."""
    better = sign * (pairs[:, 1] - trivial) > 0
    if sign * (anchor - trivial) <= 0 or better.mean() <= 0.975:
        return {"position": None, "position_interval": None}
    scaled = pairs[better]
    return {
        "position": (value - trivial) / (anchor - trivial),
        "position_interval": middle((scaled[:, 0] - trivial) / (scaled[:, 1] - trivial)),
    }
