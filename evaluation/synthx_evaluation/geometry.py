"""How far apart two rows of numbers and levels are.

The scales come from training and holdout rows together, so that both are measured with one ruler. They are made such
that a unit does not count (grams or pounds), nor does one absurd value, nor a column that never changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats, Tables

__all__ = ["GEOMETRIES", "Geometry", "Points", "gower", "ranked", "standard"]

_TAILS = (0.01, 0.99)
_STRETCH = 6.0
"""Standard deviations beyond which a number counts by its logarithm."""


@dataclasses.dataclass(frozen=True, slots=True)
class Points:
    """Rows in a geometry.

    Parameters
    ----------
    numbers : array (n, p)
        Scaled numbers without NaN: a missing one lies at the median, and differs by its mark in `codes` as well.
    codes : array (q, n)
        Level numbers, -1 for missing; then, of each number column with missing cells, which are missing.
    """

    numbers: Floats
    codes: NDArray[np.signedinteger]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: NDArray[np.intp]) -> Points:
        """Return some of the points."""
        return Points(np.ascontiguousarray(self.numbers[rows]), np.ascontiguousarray(self.codes[:, rows]))


@dataclasses.dataclass(frozen=True, slots=True)
class Geometry:
    """How far apart two rows are.

    Parameters
    ----------
    name : str
        Stable name, e.g. ``standard``.
    power : int
        2: root of the sum of squared differences; 1: sum of absolute differences.
    mismatch : float
        What a level that differs adds to that sum.
    scales : tuple
        Pairs of a number column and the map of its cells, of columns that vary.
    discrete, flagged : array
        Columns of levels, and number columns of which some cells are missing.
    """

    name: str
    power: int
    mismatch: float
    scales: tuple[tuple[int, Callable[[Floats], Floats]], ...]
    discrete: NDArray[np.intp]
    flagged: NDArray[np.intp]

    def points(self, rows: Floats) -> Points:
        """Return encoded rows (n, d) as points."""
        numbers = np.zeros((len(rows), len(self.scales)))
        for place, (j, scale) in enumerate(self.scales):
            seen = ~np.isnan(rows[:, j])
            numbers[seen, place] = scale(rows[seen, j])
        levels = np.where(np.isnan(rows[:, self.discrete]), -1, rows[:, self.discrete])
        codes = np.concatenate([levels, np.isnan(rows[:, self.flagged])], axis=1)
        small = codes.max(initial=0) <= np.iinfo(np.int16).max
        return Points(numbers, np.ascontiguousarray(codes.T, dtype=np.int16 if small else np.int32))

    def rate(self, width: float) -> float:
        """Return what turns a sum of differences into the negative logarithm of a kernel of bandwidth `width`.

        The Gaussian kernel for power 2, the Laplace kernel for power 1.
        """
        return 1 / (2 * width**2) if self.power == 2 else 1 / width


def standard(tables: Tables) -> Geometry:
    """Numbers as standard scores, levels as indicators, Euclidean.

    Scores are (x - median) / deviation, where the deviation leaves out the outer hundredths; beyond 6 they grow by
    the logarithm. Levels that differ add 2, as two indicators do, and as two independent standard scores do on average.
    """
    return _geometry(tables, "standard", 2, 2.0, _standard_scale)


def ranked(tables: Tables) -> Geometry:
    """Numbers as ranks among the real rows, with deviation 1; levels as indicators; Euclidean."""
    return _geometry(tables, "ranked", 2, 2.0, _rank_scale)


def gower(tables: Tables) -> Geometry:
    """Differences as a share of the range, levels that differ add 1, all summed up.

    J. C. Gower, "A general coefficient of similarity and some of its properties", Biometrics 27 (1971), 857-871. The
    range leaves out the outer hundredths: by the full range, one outlier would put all other rows into one place.
    """
    return _geometry(tables, "gower", 1, 1.0, _range_scale)


GEOMETRIES: tuple[Callable[[Tables], Geometry], ...] = (standard, ranked, gower)


def _geometry(
    tables: Tables, name: str, power: int, mismatch: float, scale: Callable[[Floats], Callable[[Floats], Floats] | None]
) -> Geometry:
    real = tables.real
    numbers = np.flatnonzero(~tables.discrete)
    found = [(int(j), scale(real[~np.isnan(real[:, j]), j])) for j in numbers]
    missing = np.isnan(real).any(axis=0)
    return Geometry(
        name=name,
        power=power,
        mismatch=mismatch,
        scales=tuple((j, one) for j, one in found if one is not None),
        discrete=np.flatnonzero(tables.discrete),
        flagged=np.flatnonzero(~tables.discrete & missing),
    )


def _standard_scale(cells: Floats) -> Callable[[Floats], Floats] | None:
    if not len(cells) or cells.min() == cells.max():
        return None
    size = float(np.abs(cells).max())  # by which all is divided, lest squares of huge numbers overflow
    centre = float(np.median(cells / size))
    # A column whose inner part is constant (rare events) has no deviation but the full one.
    inner = np.clip(cells / size, *np.quantile(cells / size, _TAILS))
    width = float(inner.std()) if inner.min() < inner.max() else float((cells / size).std())
    if width == 0:
        return None

    def scaled(values: Floats) -> Floats:
        score = (values / size - centre) / width
        beyond = np.maximum(np.abs(score) - _STRETCH, 0.0)
        return np.where(beyond == 0, score, np.sign(score) * (_STRETCH + np.log1p(beyond)))

    return scaled


def _range_scale(cells: Floats) -> Callable[[Floats], Floats] | None:
    plain = _standard_scale(cells)
    if plain is None:
        return None
    low, high = np.quantile(plain(cells), _TAILS)
    width = float(high - low) or 1.0
    return lambda values: plain(values) / width


def _rank_scale(cells: Floats) -> Callable[[Floats], Floats] | None:
    distinct, counts = np.unique(cells, return_counts=True)
    if len(distinct) < 2:
        return None
    share = (np.cumsum(counts) - 0.5 * counts) / len(cells) - 0.5
    # Between two real values a synthetic one lies in between: a step would lose who is near whom.
    return lambda values: np.interp(values, distinct, share * np.sqrt(12.0))
