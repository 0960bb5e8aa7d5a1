"""What can be done about a rare class: where more rows of it come from, and how many.

A source is fitted on a training part, once, and asked for its largest number of rows, once; a milder ratio takes the
first of them. All ratios of a source thus differ in nothing but how many.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthx.errors import DataError, ParameterError, UserError
from synthx_evaluation.augmentation.cases import Bools, Cases
from synthx_evaluation.augmentation.folds import Places
from synthx_evaluation.augmentation.preparation import Preparation
from synthx_evaluation.encoding import Floats

__all__ = [
    "COPIES",
    "NOTHING",
    "RATIOS",
    "REAL",
    "SMOTE",
    "THRESHOLD",
    "WEIGHTS",
    "Draw",
    "Learn",
    "check_generators",
    "check_ratios",
    "random_copies",
    "smote",
    "synthetic",
    "wanted_rows",
]

Draw = Callable[[Hashable, int], pd.DataFrame]
"""From a class and a number to so many new rows of it, without the target."""

Learn = Callable[[pd.DataFrame, pd.Series, int], Draw]
"""From features, target and a seed to a generator that is fitted on them."""

NOTHING, WEIGHTS, THRESHOLD = "nothing", "class weights", "threshold tuning"
COPIES, SMOTE, REAL = "random over-sampling", "SMOTE", "more real rows"

RATIOS: tuple[float | str, ...] = ("x2", 0.05, 0.1, 0.5, 1.0)
"""Rows of the rare class for every other row, afterwards; ``x2`` is twice as many as there are."""

_NEIGHBOURS = 5


# -- how many ---------------------------------------------------------------------------------------------------


def check_ratios(ratios: Sequence[float | str]) -> dict[str, float | str]:
    """Return the ratios by name.

    Raises
    ------
    ParameterError
        If one is neither a number above 0 nor a multiple such as "x2".
    """
    remedy = 'give numbers above 0 such as 0.1, or multiples of the natural ratio above 1 such as "x2"'
    if not ratios:
        raise ParameterError("no ratio is named", remedy=remedy)
    for ratio in ratios:
        try:
            fine = float(ratio[1:]) > 1 if isinstance(ratio, str) and ratio[:1] == "x" else 0 < float(ratio) < np.inf
        except ValueError:
            fine = False
        if not fine:
            raise ParameterError(f"the ratio {ratio!r} asks for no row", remedy=remedy)
    return {ratio if isinstance(ratio, str) else f"{ratio:g}": ratio for ratio in ratios}


def wanted_rows(ratio: float | str, rare: int, rest: int) -> int:
    """Return how many rows a ratio adds; none where there are more already.

    >>> wanted_rows(0.1, 50, 1_000), wanted_rows("x2", 50, 1_000), wanted_rows(0.01, 50, 1_000)
    (50, 50, 0)
    """
    total = float(ratio[1:]) * rare if isinstance(ratio, str) else ratio * rest
    return max(0, round(total) - rare)


# -- from where -------------------------------------------------------------------------------------------------


def random_copies(rows: Floats, count: int, seed: int) -> Floats:
    """Return copies of rare rows (n, d), drawn with replacement."""
    return rows[np.random.default_rng(seed).integers(len(rows), size=count)]


def smote(preparation: Preparation, rows: Floats, rare: Bools, count: int, seed: int) -> Floats:
    """Return points between rare rows and their neighbours, by imbalanced-learn's SMOTE, SMOTENC or SMOTEN.

    N. V. Chawla et al., "SMOTE: synthetic minority over-sampling technique", JAIR 16 (2002), 321-357. It refuses
    missing cells and levels that are text, and any unit counts; so a missing number becomes the median, a missing level
    a level of its own, and numbers have deviation 1 while it looks for neighbours. With fewer than six rare rows it
    takes as many neighbours as there are.
    """
    discrete = preparation.discrete
    blank = np.where(discrete, [float(len(labels)) for labels in preparation.tables.levels], 0.0)
    with np.errstate(invalid="ignore"):
        numbers = rows[:, ~discrete]
        empty = np.isnan(numbers).all(axis=0)
        blank[~discrete] = np.nanmedian(np.where(empty, 0.0, numbers), axis=0)
        deviation = np.nanstd(np.where(empty, 0.0, numbers), axis=0)
    scale = np.ones(len(discrete))
    scale[~discrete] = np.where(deviation > 0, deviation, 1.0)
    filled = np.where(np.isnan(rows), blank, rows) / scale
    made = _interpolated(filled, rare, discrete, count, seed) * scale
    # A number between neighbours stays one; the level that stands for missing is missing again.
    return np.where(discrete & (made >= blank), np.nan, made)


def _interpolated(rows: Floats, rare: Bools, discrete: Bools, count: int, seed: int) -> Floats:
    from imblearn import over_sampling

    settings: dict[str, Any] = {
        "sampling_strategy": {True: int(rare.sum()) + count},
        "random_state": seed,
        "k_neighbors": min(_NEIGHBOURS, int(rare.sum()) - 1),
    }
    if discrete.all():
        sampler = over_sampling.SMOTEN(**settings)
    elif discrete.any():
        sampler = over_sampling.SMOTENC(np.flatnonzero(discrete).tolist(), **settings)  # an array is compared to a name
    else:
        sampler = over_sampling.SMOTE(**settings)
    made, _ = sampler.fit_resample(rows, rare)
    return np.asarray(made[len(rows) :], dtype=np.float64)


def synthetic(cases: Cases, train: Places, learn: Learn, name: str, count: int, seed: int) -> pd.DataFrame | str:
    """Fit a generator on the rows of a training part and draw from it; or return why it gave up.

    Raises
    ------
    DataError
        If it draws other columns or another number of rows than it was asked for.
    """
    features, labels = cases.features.iloc[train], cases.labels.iloc[train]
    try:
        drawn = learn(features.reset_index(drop=True), labels.reset_index(drop=True), seed)(cases.positive, count)
    except UserError as error:
        return error.problem
    lacking = [column for column in features if column not in drawn.columns]
    if lacking or len(drawn) != count:
        problem = f"lack column {lacking[0]!r}" if lacking else f"are {len(drawn):,} instead of {count:,}"
        raise DataError(f"the rows that the generator {name!r} draws {problem}", remedy="correct its draw function")
    return drawn[list(features.columns)]


def check_generators(generators: Mapping[str, Learn]) -> None:
    """Raise unless the names are free."""
    for name in generators:
        if name in (NOTHING, WEIGHTS, THRESHOLD, COPIES, SMOTE, REAL):
            raise ParameterError(f"a generator is called {name!r}", remedy="give it a name that no other arm has")
