"""Whether a model that learned from synthetic rows works on real ones (train on synthetic, test on real).

Each score stands beside that of a model of as many real rows (the anchor) and that of a model that knows nothing
(``trivial`` in the details); ``position`` tells where between the two it lies, 0 being trivial and 1 as good as real.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.learners import LEARNERS, Learner
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import average_precision, r_squared, roc_auc, score_counts

__all__ = ["AUC", "AVERAGE_PRECISION", "R_SQUARED", "utility"]

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

_RESAMPLES = 200
_FEWEST = 50
_FEWEST_OF_A_CLASS = 5
_MOST_CLASSES = 20
_MOST = 50_000
"""Rows to train on: more make a model slower than better."""


def utility(comparison: Comparison) -> list[Measure]:
    """Train a linear and a boosted model on synthetic rows and score them on the holdout.

    A discrete target gives the area under the ROC curve and the average precision: of the rarer class of two, or the
    mean over classes, each against the rest, of three to twenty. A number gives R². Intervals resample the holdout
    rows 200 times.
    """
    seed = comparison.seed
    of_classes, of_numbers = [*AUC.values(), *AVERAGE_PRECISION.values()], [*R_SQUARED.values()]
    needless = _needless(comparison)
    target = comparison.target
    if target is None or needless:
        return [item.not_applicable(needless, seed=seed) for item in (*of_classes, *of_numbers)]
    asked, other = (of_classes, of_numbers) if target.kind.is_discrete else (of_numbers, of_classes)
    rest = [item.not_applicable(f"the target {target.name!r} is {target.kind}", seed=seed) for item in other]
    names = comparison.tables.names
    data = _data(comparison, names.index(target.name))
    problem = data.problem(comparison, target.name)
    if problem:
        return _in_order([*(item.skipped(problem, seed=seed) for item in asked), *rest])
    score = _classification if target.kind.is_discrete else _regression
    features = np.flatnonzero(np.arange(len(names)) != data.place)
    learners = [learner(comparison.equal, features, seed) for learner in LEARNERS]
    return _in_order([*score(comparison, data, learners), *rest])


def _in_order(measures: Sequence[Measure]) -> list[Measure]:
    """Return the measures in one order, whatever kind the target is."""
    order = [item.id for item in (*AUC.values(), *AVERAGE_PRECISION.values(), *R_SQUARED.values())]
    return sorted(measures, key=lambda measure: order.index(measure.id))


def _needless(comparison: Comparison) -> str:
    """Return why the question does not arise; empty where it does."""
    target, names = comparison.target, comparison.tables.names
    if target is None:
        return "no target is named"
    if target.name not in names or not (target.kind.is_discrete or target.kind.is_number):
        return f"the target {target.name!r} is {target.kind}, neither discrete nor a number"
    if comparison.tables.holdout is None:
        return "needs a holdout to test on"
    if len(names) < 2:
        return f"the target {target.name!r} is the only column to learn"
    return ""


# -- what is learned and tested ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Data:
    """Rows whose target is known; the target is column `place` of each matrix."""

    place: int
    synthetic: Floats
    train: Floats
    holdout: Floats

    def target(self, rows: Floats) -> Floats:
        return np.asarray(rows[:, self.place])

    def problem(self, comparison: Comparison, name: str) -> str:
        """Return why these rows cannot answer; empty where they can."""
        for table, rows in (("synthetic", self.synthetic), ("train", self.train), ("holdout", self.holdout)):
            if len(rows) < _FEWEST:
                return f"needs {_FEWEST} {table} rows whose {name!r} is known, there are {len(rows)}"
            distinct = np.unique(self.target(rows))
            labels = comparison.tables.levels[self.place]
            if len(distinct) == 1:
                only = labels[int(distinct[0])] if labels else format(distinct[0], "g")
                return f"all {table} rows hold {only!r} in {name!r}: nothing can be learned or tested"
            if labels and len(distinct) > _MOST_CLASSES:
                return f"{name!r} has {len(distinct)} levels in the {table} rows, more than {_MOST_CLASSES}"
        if comparison.tables.levels[self.place] and not self.scored():
            return f"no class of {name!r} has {_FEWEST_OF_A_CLASS} training and {_FEWEST_OF_A_CLASS} holdout rows"
        return ""

    def scored(self) -> list[float]:
        """Return the classes to score: the rarer of two, or all of more; those with enough real rows."""
        trained, counts = np.unique(self.target(self.train), return_counts=True)
        rare_first = trained[np.argsort(counts, kind="stable")]
        wanted = rare_first[:1] if len(trained) == 2 else trained
        tested = self.target(self.holdout)
        found = {level: int((tested == level).sum()) for level in wanted.tolist()}
        known = dict(zip(trained.tolist(), counts.tolist(), strict=True))
        return [
            level for level, rows in found.items() if min(rows, len(tested) - rows, known[level]) >= _FEWEST_OF_A_CLASS
        ]


def _data(comparison: Comparison, place: int) -> _Data:
    tables = comparison.equal
    assert tables.holdout is not None
    parts = (tables.synthetic, tables.train, tables.holdout)
    known = [rows[~np.isnan(rows[:, place])] for rows in parts]
    return _Data(place, known[0][:_MOST], known[1][:_MOST], known[2])


# -- classification ---------------------------------------------------------------------------------------------


def _classification(comparison: Comparison, data: _Data, learners: Sequence[Learner]) -> list[Measure]:
    classes = data.scored()
    labels = comparison.tables.levels[data.place]
    prevalence = float(np.mean([(data.target(data.holdout) == level).mean() for level in classes]))
    common: dict[str, Any] = {"classes": [labels[int(level)] for level in classes]}
    counters = {learner.name: _counters(data, learner, classes) for learner in learners}
    return [
        _record(comparison, definition, data, [_mean_over_classes(part, area) for part in counters[name]], low, common)
        for definitions, area, low in ((AUC, roc_auc, 0.5), (AVERAGE_PRECISION, average_precision, prevalence))
        for name, definition in definitions.items()
    ]


def _counters(data: _Data, learner: Learner, classes: Sequence[float]) -> list[list[_Counter]]:
    """Train on synthetic and on real rows; return for either the scores of the holdout, class by class."""
    truth = data.target(data.holdout)
    found = []
    for rows in (data.synthetic, data.train):
        shares = learner.class_shares(rows, data.target(rows), data.holdout, classes)
        found.append([_Counter(truth == level, share) for level, share in zip(classes, shares.T, strict=True)])
    return found


class _Counter:
    """One class against the rest: sorts the scores once, so that a resample costs a count."""

    def __init__(self, truth: NDArray[np.bool_], score: Floats) -> None:
        distinct, self._levels = np.unique(score, return_inverse=True)
        self._truth, self._size = truth, len(distinct)

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        return score_counts(self._truth, self._levels, self._size, weights)


def _mean_over_classes(
    counters: Sequence[_Counter], area: Callable[[Floats, Floats], float]
) -> Callable[[Floats], float]:
    def score(weights: Floats) -> float:
        found = [counter.counts(weights) for counter in counters]
        # A resample may lack a class; the mean is then over the others.
        areas = [area(positive, negative) for positive, negative in found if positive.any() and negative.any()]
        return float(np.mean(areas)) if areas else float("nan")

    return score


# -- regression -------------------------------------------------------------------------------------------------


def _regression(comparison: Comparison, data: _Data, learners: Sequence[Learner]) -> list[Measure]:
    truth = data.target(data.holdout)
    return [
        _record(
            comparison,
            R_SQUARED[learner.name],
            data,
            [
                _explained(truth, learner.numbers(rows, data.target(rows), data.holdout))
                for rows in (data.synthetic, data.train)
            ],
            0.0,
            {},
        )
        for learner in learners
    ]


def _explained(truth: Floats, predicted: Floats) -> Callable[[Floats], float]:
    def score(weights: Floats) -> float:
        if np.ptp(truth[weights > 0]) == 0:
            return float("nan")  # a resample of one value explains nothing
        return r_squared(truth, predicted, weights)

    return score


# -- records ----------------------------------------------------------------------------------------------------


def _record(
    comparison: Comparison,
    definition: Definition,
    data: _Data,
    scorers: Sequence[Callable[[Floats], float]],
    trivial: float,
    common: dict[str, Any],
) -> Measure:
    """Score the model of synthetic rows and the model of real rows on the same resamples of the holdout."""
    synthetic, real = scorers
    ones = np.ones(len(data.holdout))
    value, anchor = synthetic(ones), real(ones)
    generator = comparison.generator(definition.id)
    draws = [_resample(len(data.holdout), generator) for _ in range(_RESAMPLES)]
    pairs = np.array([(synthetic(weights), real(weights)) for weights in draws])
    pairs = pairs[~np.isnan(pairs).any(axis=1)]
    position, position_interval = None, None
    if anchor > trivial and (pairs[:, 1] > trivial).mean() > 0.975:  # else there is no scale to place it on
        position = (value - trivial) / (anchor - trivial)
        scaled = pairs[pairs[:, 1] > trivial]
        position_interval = _middle((scaled[:, 0] - trivial) / (scaled[:, 1] - trivial))
    return definition.computed(
        value,
        interval=_middle(pairs[:, 0]),
        anchor=anchor,
        n=len(data.synthetic),
        seed=comparison.seed,
        details={
            "target": comparison.tables.names[data.place],
            "trivial": trivial,
            "position": position,
            "position_interval": position_interval,
            "behind_real": anchor - value,
            "behind_real_interval": _middle(pairs[:, 1] - pairs[:, 0]),
            "train_rows": len(data.train),
            "holdout_rows": len(data.holdout),
            **common,
        },
    )


def _resample(rows: int, generator: np.random.Generator) -> Floats:
    """Return how often each row is drawn when as many are drawn with replacement."""
    return np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64)


def _middle(values: Floats) -> tuple[float, float] | None:
    """Return the middle 95% of resampled values."""
    if len(values) < _RESAMPLES // 2:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
