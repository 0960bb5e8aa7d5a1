"""The learners that every arm is tried with. Each is a function that fits once and returns a function.

All see rows in the encoding of one `Preparation`, with weights where an arm weighs classes, and return the chance of
the rare class. They are lean on purpose: fixed settings, no search, the same for every arm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.augmentation.cases import Bools
from synthx_evaluation.augmentation.preparation import Preparation
from synthx_evaluation.encoding import Floats

__all__ = ["LEARNERS", "Chance", "Learner", "boosted", "linear", "nearest_neighbours"]

Chance = Callable[[Floats], Floats]
"""From encoded rows (n, d) to the chance of the rare class (n,)."""

Learner = Callable[[Preparation, Floats, Bools, Floats | None, int], Chance]
"""From the preparation, encoded rows (n, d), which are rare, weights where an arm has some, and a seed to a model."""

_TREES = 100
_NEIGHBOURS = 5

_DIGITS = 10
"""Of a share of votes: sums of the same votes in another order must not break ties."""


def linear(preparation: Preparation, rows: Floats, rare: Bools, weights: Floats | None, seed: int) -> Chance:
    """Fit logistic regression on standard scores and indicators."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=300, random_state=seed)
    with _ignoring(ConvergenceWarning):  # all arms stop alike
        model.fit(preparation.points(rows), rare, weights)
    return lambda test: _chance(model, preparation.points(test))


def boosted(preparation: Preparation, rows: Floats, rare: Bools, weights: Floats | None, seed: int) -> Chance:
    """Fit gradient-boosted trees.

    Weights of 1 are left out: scikit-learn 1.9 looks for weighted quantiles, which takes longer than the trees.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    # scikit-learn cannot bin a column without a value; one value that never varies says as much.
    empty = np.isnan(rows).all(axis=0)

    def inputs(cells: Floats) -> Floats:
        return np.where(empty, 0.0, preparation.levels(cells))

    model = HistGradientBoostingClassifier(
        max_iter=_TREES, categorical_features=preparation.discrete, early_stopping=False, random_state=seed
    )
    model.fit(inputs(rows), rare, weights)
    return lambda test: _chance(model, inputs(test))


def nearest_neighbours(
    preparation: Preparation, rows: Floats, rare: Bools, weights: Floats | None, seed: int
) -> Chance:
    """Let the five nearest rows vote, each with its weight; weights thus change no order, only how high chances are."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(rows)), algorithm="brute")
    index.fit(preparation.points(rows))

    def chance(test: Floats) -> Floats:
        near: NDArray[np.intp] = index.kneighbors(preparation.points(test), return_distance=False)
        votes = np.ones(near.shape) if weights is None else weights[near]
        shares = (votes * rare[near]).sum(axis=1) / votes.sum(axis=1)
        return np.asarray(np.round(shares, _DIGITS))

    return chance


LEARNERS: dict[str, Learner] = {"linear": linear, "boosted": boosted, "nearest neighbours": nearest_neighbours}


def _chance(model: Any, rows: Any) -> Floats:
    return np.asarray(model.predict_proba(rows)[:, list(model.classes_).index(True)])


def _ignoring(category: type[Warning]) -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore", category=category)
