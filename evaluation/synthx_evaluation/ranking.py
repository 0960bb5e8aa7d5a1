"""Whether synthetic rows tell which kind of model is best: they need not make it as good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.halves import Halves, halves
from synthx_evaluation.learners import LEARNERS, Learner, LinearInputs
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.scoring import RESAMPLES, Counter, explained, mean_over_classes, middle, resample
from synthx_evaluation.statistics import roc_auc

__all__ = ["RANKING", "ranking", "spearman"]

RANKING = Definition("UTIL-RANKING", "1.0", "Same order of models (Spearman)", Better.HIGHER)

_NEIGHBOURS = 25
_FOREST = 50


def ranking(comparison: Comparison) -> list[Measure]:
    """Return Spearman's correlation of the scores of five kinds of model, trained on real and on synthetic rows.

    The kinds are linear, boosted trees, a tree, a forest and nearest neighbours; the score is the area under the ROC
    curve, or R² for a number. Both sides learn from as many rows, at most half of the training table: the other half
    gives the anchor. The interval resamples the holdout rows 200 times, the same for all models. Models that are all
    alike give a low value even for real rows: look at the anchor, and at the scores in the details.
    """
    rows = halves(comparison, [RANKING])
    if isinstance(rows, list):
        return rows
    learners = [make(comparison.equal, rows.features, comparison.seed) for make in (*LEARNERS, *_MORE)]
    scorers = [_scorers(comparison, rows, learners, source) for source in rows.sources]
    ones = np.ones(len(rows.data.holdout))
    first, synthetic, second = ([score(ones) for score in part] for part in scorers)
    generator = comparison.generator(RANKING.id)
    drawn = []
    for _ in range(RESAMPLES):
        weights = resample(len(ones), generator)
        pair = np.array([[score(weights) for score in part] for part in scorers[:2]])
        if not np.isnan(pair).any():
            drawn.append(spearman(pair[0], pair[1]))
    return [
        RANKING.computed(
            spearman(np.array(first), np.array(synthetic)),
            interval=middle(np.array(drawn)),
            anchor=spearman(np.array(first), np.array(second)),
            n=len(rows.data.synthetic),
            seed=comparison.seed,
            details={
                "target": comparison.tables.names[rows.data.place],
                "score": "AUC" if comparison.tables.discrete[rows.data.place] else "R2",
                "models": {
                    learner.name: {"real": first[i], "synthetic": synthetic[i], "other_real": second[i]}
                    for i, learner in enumerate(learners)
                },
                "best_of_real": learners[int(np.argmax(first))].name,
                "best_of_synthetic": learners[int(np.argmax(synthetic))].name,
            },
        )
    ]


def spearman(x: Floats, y: Floats) -> float:
    """Return the rank correlation of two lists, ties sharing ranks; 0 where either is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / scale, -1.0, 1.0)) if scale > 0 else 0.0


def _scorers(
    comparison: Comparison, rows: Halves, learners: Sequence[Learner], source: Floats
) -> list[Callable[[Floats], float]]:
    """Train every kind of model on `source`; return for each a function from weights of the holdout to a score."""
    data = rows.data
    truth = data.target(data.holdout)
    if not comparison.tables.discrete[data.place]:
        return [explained(truth, model.numbers(source, data.target(source), data.holdout)) for model in learners]
    classes, found = data.scored(), []
    for model in learners:
        shares = model.class_shares(source, data.target(source), data.holdout, classes)
        counters = [Counter(truth == level, share) for level, share in zip(classes, shares.T, strict=True)]
        found.append(mean_over_classes(counters, roc_auc))
    return found


# -- three more kinds of model ----------------------------------------------------------------------------------


def _dense(tables: Tables, columns: NDArray[np.intp]) -> Callable[[Floats], Any]:
    inputs = LinearInputs.fit(tables, columns)
    return lambda rows: inputs(rows).toarray().astype(np.float32)


def _tree(tables: Tables, columns: NDArray[np.intp], seed: int) -> Learner:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    given = {"max_depth": 6, "min_samples_leaf": 10, "random_state": seed}
    return _learner("tree", _dense(tables, columns), DecisionTreeClassifier, DecisionTreeRegressor, given)


def _forest(tables: Tables, columns: NDArray[np.intp], seed: int) -> Learner:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    given = {"n_estimators": _FOREST, "min_samples_leaf": 3, "max_features": "sqrt", "random_state": seed}
    return _learner("forest", _dense(tables, columns), RandomForestClassifier, RandomForestRegressor, given)


def _neighbours(tables: Tables, columns: NDArray[np.intp], seed: int) -> Learner:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    given = {"n_neighbors": _NEIGHBOURS, "algorithm": "brute"}
    return _learner("neighbours", _dense(tables, columns), KNeighborsClassifier, KNeighborsRegressor, given)


_MORE = (_tree, _forest, _neighbours)


def _learner(
    name: str,
    inputs: Callable[[Floats], Any],
    classifier: Callable[..., Any],
    regressor: Callable[..., Any],
    given: dict[str, Any],
) -> Learner:
    return Learner(
        name,
        inputs,
        lambda rows, target: classifier(**given).fit(rows, target),
        lambda rows, target: regressor(**given).fit(rows, target),
    )
