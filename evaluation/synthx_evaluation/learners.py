"""The two kinds of model that measures train: a linear one and a boosted one.

Scales, medians and frequent levels are taken from the real rows once and shared by every model, so that a model of
synthetic rows and a model of real rows see the same inputs.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats, LevelCap, Tables

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["BOOSTED_LEVELS", "LEARNERS", "Learner", "LinearInputs", "boosted", "fit_boosted_classifier", "linear"]

BOOSTED_LEVELS = 254
"""Levels of a discrete column that a boosted model tells apart; scikit-learn's bins hold 255 with missing."""

_LINEAR_LEVELS = 30
"""Levels of a discrete column that get an indicator of their own in a linear model."""

_CLIP = 5.0
"""Standard deviations at which a linear model's numbers are cut: one absurd value must not decide a score."""

_FEWEST_TREES, _MOST_TREES = 30, 120
_ROWS_A_TREE = 40
_MANY_COLUMNS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Learner:
    """A kind of model, made ready for the columns it may look at.

    Parameters
    ----------
    name : str
        ``linear`` or ``boosted``.
    inputs : callable
        From encoded rows (rows, d) to what the models take.
    fit_classifier, fit_regressor : callable
        Each trains a fresh scikit-learn estimator on such inputs and a target.
    """

    name: str
    inputs: Callable[[Floats], Any]
    fit_classifier: Callable[[Any, NDArray[Any]], Any]
    fit_regressor: Callable[[Any, NDArray[Any]], Any]

    def class_shares(self, rows: Floats, target: Floats, test: Floats, classes: Sequence[float]) -> Floats:
        """Train on `rows` and return the probability of each of `classes` for every row of `test`, (test, classes).

        A class that `target` lacks gets probability 0 everywhere.
        """
        model = self.fit_classifier(self.inputs(rows), target.astype(np.intp))
        shares = model.predict_proba(self.inputs(test))
        known = {int(level): share for level, share in zip(model.classes_, shares.T, strict=True)}
        return np.column_stack([known.get(int(level), np.zeros(len(test))) for level in classes])

    def numbers(self, rows: Floats, target: Floats, test: Floats) -> Floats:
        """Train on `rows` and return the predicted number for every row of `test`, (test,)."""
        return np.asarray(self.fit_regressor(self.inputs(rows), target).predict(self.inputs(test)))


# -- boosted ----------------------------------------------------------------------------------------------------


def boosted(tables: Tables, columns: NDArray[np.intp], seed: int) -> Learner:
    """Return gradient-boosted trees that look at `columns` of rows encoded like `tables`."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    cap, discrete = tables.cap(BOOSTED_LEVELS), tables.discrete[columns]

    def fit_classifier(rows: Floats, target: NDArray[Any]) -> Any:
        return fit_boosted_classifier(rows, target, discrete, seed)

    def fit_regressor(rows: Floats, target: NDArray[Any]) -> Any:
        return _fit_boosted(HistGradientBoostingRegressor, rows, target, discrete, seed)

    return Learner("boosted", lambda rows: cap(rows)[:, columns], fit_classifier, fit_regressor)


def fit_boosted_classifier(
    rows: Floats, target: NDArray[Any], discrete: NDArray[np.bool_], seed: int
) -> HistGradientBoostingClassifier:
    """Train gradient-boosted trees on a matrix of which the `discrete` columns hold at most 254 level numbers."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _fit_boosted(HistGradientBoostingClassifier, rows, target, discrete, seed)


def _fit_boosted(
    model: Callable[..., Any], rows: Floats, target: NDArray[Any], discrete: NDArray[np.bool_], seed: int
) -> Any:
    # scikit-learn cannot bin a column without a value; one value that never varies says as much.
    filled = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    trees = _trees(*rows.shape)
    return model(max_iter=trees, categorical_features=discrete, early_stopping=False, random_state=seed).fit(
        filled, target
    )


def _trees(rows: int, columns: int) -> int:
    """Return fewer trees for few rows, where more only learn the noise, and for many columns, where each takes long."""
    wanted = min(_MOST_TREES, rows // _ROWS_A_TREE)
    return max(_FEWEST_TREES, wanted if columns <= _MANY_COLUMNS else wanted * _MANY_COLUMNS // columns)


# -- linear -----------------------------------------------------------------------------------------------------


def linear(tables: Tables, columns: NDArray[np.intp], seed: int) -> Learner:
    """Return logistic and ridge regression that look at `columns` of rows encoded like `tables`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    def fit_classifier(inputs: Any, target: NDArray[Any]) -> Any:
        with warnings.catch_warnings():
            # A model that has not fully converged scores the same to three digits; both sides stop alike.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return LogisticRegression(max_iter=300, random_state=seed).fit(inputs, target)

    def fit_regressor(inputs: Any, target: NDArray[Any]) -> Any:
        return Ridge(alpha=1.0, solver="sparse_cg", random_state=seed).fit(inputs, target)

    return Learner("linear", LinearInputs.fit(tables, columns), fit_classifier, fit_regressor)


LEARNERS: tuple[Callable[[Tables, NDArray[np.intp], int], Learner], ...] = (linear, boosted)


@dataclasses.dataclass(frozen=True, slots=True)
class LinearInputs:
    """Turns encoded rows into indicators and standard scores.

    Parameters
    ----------
    columns : array (k,)
        The columns to look at.
    cap : LevelCap
        Joins rare levels.
    sizes : array (k,)
        Indicators of a discrete column; 0 for a number.
    median, mean, scale : array (k,)
        Of the real rows' numbers; without meaning for discrete columns.
    """

    columns: NDArray[np.intp]
    cap: LevelCap
    sizes: NDArray[np.intp]
    median: Floats
    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, tables: Tables, columns: NDArray[np.intp]) -> LinearInputs:
        """Take the scales from the real rows."""
        discrete = tables.discrete
        sizes = [min(len(tables.levels[j]), _LINEAR_LEVELS) if discrete[j] else 0 for j in columns]
        real = tables.real[:, columns]
        # An all-missing column says nothing, but must not stop the others.
        real = np.where(np.isnan(real).all(axis=0), 0.0, real)
        median = np.nanmedian(real, axis=0)
        filled = np.where(np.isnan(real), median, real)
        deviation = filled.std(axis=0)
        return cls(
            columns=columns,
            cap=tables.cap(_LINEAR_LEVELS),
            sizes=np.array(sizes, dtype=np.intp),
            median=median,
            mean=filled.mean(axis=0),
            scale=np.where(deviation > 0, deviation, 1.0),
        )

    def __call__(self, rows: Floats) -> csr_array:
        """Return (rows, inputs): a number becomes its score and a flag for missing, a level an indicator."""
        from scipy.sparse import csr_array, hstack

        rows = self.cap(rows)[:, self.columns]
        parts: list[csr_array] = []
        numbers = np.flatnonzero(self.sizes == 0)
        if len(numbers):
            missing = np.isnan(rows[:, numbers])
            filled = np.where(missing, self.median[numbers], rows[:, numbers])
            scores = np.clip((filled - self.mean[numbers]) / self.scale[numbers], -_CLIP, _CLIP)
            parts += [csr_array(scores), csr_array(missing.astype(float))]
        for j in np.flatnonzero(self.sizes):
            seen = np.flatnonzero(~np.isnan(rows[:, j]))
            cells = (np.ones(len(seen)), (seen, rows[seen, j].astype(np.intp)))
            parts.append(csr_array(cells, shape=(len(rows), int(self.sizes[j]))))
        return csr_array(hstack(parts, format="csr"))
