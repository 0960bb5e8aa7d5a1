"""Whether all columns together lie where real rows lie: maximum mean discrepancy with a permutation test."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, LevelCap, Tables
from synthx_evaluation.fidelity import GROUPS
from synthx_evaluation.permutation import noticeable, permutation_p
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, normal_interval

__all__ = ["MMD", "RandomFeatures", "joint_distance", "squared_discrepancy"]

MMD = Definition("FID-MMD", "1.0", "Joint distance (squared MMD)", Better.LOWER)

PERMUTATIONS = 199
FREQUENCIES = 256
"""Random frequencies; each makes a cosine and a sine."""

_FEWEST = 50
_MOST = 5_000
_LEVELS = 50
_PAIRS = 2_000
_AT_A_TIME = 50


def joint_distance(comparison: Comparison) -> list[Measure]:
    """Return the unbiased squared maximum mean discrepancy between synthetic and holdout rows.

    A. Gretton et al., "A kernel two-sample test", J. Mach. Learn. Res. 13 (2012), 723-773, with a Gaussian kernel of
    the median distance, approximated by random Fourier features (A. Rahimi, B. Recht, "Random features for large-scale
    kernel machines", NeurIPS 2007). It is near 0, and may be below, for rows of the same population; p_value comes
    from 199 permutations of synthetic and holdout rows.
    """
    tables, seed = comparison.equal, comparison.seed
    if not tables.columns:
        return [MMD.not_applicable("the schema has no column to learn", seed=seed)]
    if tables.holdout is None:
        return [MMD.not_applicable("needs a holdout to compare with", seed=seed)]
    rows = min(len(tables.synthetic), len(tables.holdout), _MOST)
    if rows < _FEWEST:
        return [MMD.skipped(f"needs {_FEWEST} rows of each table, the smallest has {rows}", seed=seed)]
    generator = comparison.generator(MMD.id)
    features = RandomFeatures.fit(tables, FREQUENCIES, generator)
    s, r, t = (features(part[:rows]) for part in (tables.synthetic, tables.holdout, tables.train))
    value = _between(s, r)
    null = _permuted(np.concatenate([s, r]), len(s), generator)
    variance = float(jackknife_variance(_without(s, r))) + float(jackknife_variance(_without(r, s)))
    return [
        MMD.computed(
            value,
            interval=normal_interval(value, variance, low=-2.0, high=2.0),
            anchor=_between(t, r),
            p_value=permutation_p(value, null),
            detectable=noticeable(null),
            n=rows,
            seed=seed,
            details={"permutations": PERMUTATIONS, "features": 2 * FREQUENCIES, "bandwidth": features.bandwidth},
        )
    ]


def squared_discrepancy(x: Floats, y: Floats, n: Floats | int, m: Floats | int) -> Floats:
    """Return the unbiased squared discrepancy from sums of unit feature vectors.

    Parameters
    ----------
    x, y : array (..., features)
        Sums over the rows of each side.
    n, m : int or array (...)
        Rows of each side, at least two.
    """
    within_x = ((x**2).sum(axis=-1) - n) / (n * (n - 1.0))
    within_y = ((y**2).sum(axis=-1) - m) / (m * (m - 1.0))
    return np.asarray(within_x + within_y - 2.0 * (x * y).sum(axis=-1) / (n * m * 1.0))


def _between(x: Floats, y: Floats) -> float:
    return float(squared_discrepancy(x.sum(axis=0), y.sum(axis=0), len(x), len(y)))


def _permuted(rows: Floats, first: int, generator: np.random.Generator) -> Floats:
    """Return the discrepancy of random halves of `rows`, (permutations,)."""
    total, found = rows.sum(axis=0), []
    for start in range(0, PERMUTATIONS, _AT_A_TIME):
        count = min(_AT_A_TIME, PERMUTATIONS - start)
        chosen = np.zeros((count, len(rows)))
        for line in chosen:
            line[generator.permutation(len(rows))[:first]] = 1.0
        sums = chosen @ rows  # (count, features)
        found.append(squared_discrepancy(sums, total - sums, first, len(rows) - first))
    return np.concatenate(found)


def _without(rows: Floats, others: Floats) -> Floats:
    """Return the discrepancy with one group of `rows` left out in turn, (groups,)."""
    parts = np.array_split(rows, GROUPS)
    left = len(rows) - np.array([len(part) for part in parts], dtype=np.float64)
    sums = rows.sum(axis=0) - np.stack([part.sum(axis=0) for part in parts])
    return squared_discrepancy(sums, others.sum(axis=0), left, len(others))


@dataclasses.dataclass(frozen=True, slots=True)
class RandomFeatures:
    """Unit vectors whose products approximate a Gaussian kernel of encoded rows.

    A number enters by its rank among the real rows, so that units do not count, with a flag where it is missing; two
    different levels are as far apart as two random numbers.

    Parameters
    ----------
    cap : LevelCap
        Joins rare levels.
    sorted_real : tuple
        Per column the sorted real numbers, or None for a discrete column.
    weights : tuple
        Per column the random frequencies: (2, frequencies) of rank and flag, or (levels + 1, frequencies).
    bandwidth : float
        Standard deviation of the kernel.
    """

    cap: LevelCap
    sorted_real: tuple[Floats | None, ...]
    weights: tuple[Floats, ...]
    bandwidth: float

    @classmethod
    def fit(cls, tables: Tables, frequencies: int, generator: np.random.Generator) -> RandomFeatures:
        """Take ranks and the median distance from the real rows, and draw the frequencies."""
        cap, real, discrete = tables.cap(_LEVELS), tables.real, tables.discrete
        sorted_real = tuple(None if discrete[j] else _known(real[:, j]) for j in range(real.shape[1]))
        sizes = [
            min(len(labels), _LEVELS) + 1 if labels or discrete[j] else 2 for j, labels in enumerate(tables.levels)
        ]
        weights = tuple(generator.normal(size=(size, frequencies)) for size in sizes)
        unscaled = cls(cap, sorted_real, weights, 1.0)
        bandwidth = unscaled._median_distance(real, generator)
        return dataclasses.replace(unscaled, bandwidth=bandwidth)

    def __call__(self, rows: Floats) -> Floats:
        """Return (rows, 2 * frequencies)."""
        capped = self.cap(rows)
        angles = np.zeros((len(rows), self.weights[0].shape[1]))
        for j, weight in enumerate(self.weights):
            part = self._column(capped[:, j], j)
            angles += weight[part.astype(np.intp)] if part.ndim == 1 else part @ weight
        angles /= self.bandwidth
        waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        return np.asarray(waves / np.sqrt(angles.shape[1]))

    def _column(self, cells: Floats, j: int) -> Floats:
        """Return level numbers (rows,), missing last; or rank and flag of a number (rows, 2)."""
        missing, known = np.isnan(cells), self.sorted_real[j]
        if known is None:
            return np.where(missing, len(self.weights[j]) - 1, cells)
        below, upto = (np.searchsorted(known, cells, side=side) for side in ("left", "right"))
        rank = 0.5 * (below + upto) / max(len(known), 1) - 0.5  # uniform on [-1/2, 1/2] for real rows
        return np.column_stack([np.where(missing, 0.0, rank * np.sqrt(12.0)), missing])

    def _median_distance(self, real: Floats, generator: np.random.Generator) -> float:
        one, other = generator.integers(len(real), size=(2, _PAIRS))
        first, second = self.cap(real[one]), self.cap(real[other])
        squares = np.zeros(_PAIRS)
        for j in range(real.shape[1]):
            x, y = self._column(first[:, j], j), self._column(second[:, j], j)
            squares += 2.0 * (x != y) if x.ndim == 1 else ((x - y) ** 2).sum(axis=1)
        return float(np.sqrt(np.median(squares))) or 1.0


def _known(values: Floats) -> NDArray[np.float64]:
    return np.sort(values[~np.isnan(values)])
