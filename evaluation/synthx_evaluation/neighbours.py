"""Exact nearest neighbours among rows of numbers and levels, chunk by chunk.

A distance adds up what the numbers differ by and what the levels differ in. Of a chunk of query rows all distances are
computed, the smallest are kept, and the rest is dropped: the full matrix never exists, and no row is left out.

The scales come from training and holdout rows together, so that both are measured with one ruler. They are made such
that a unit does not count (grams or pounds), nor does one absurd value, nor a column that never changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from synthx.errors import ParameterError
from synthx_evaluation.encoding import Floats, Tables

__all__ = ["GEOMETRIES", "Geometry", "Neighbours", "Points", "bandwidth", "gower", "nearest", "ranked", "standard"]

_PAIRS = 200_000
"""Distances that are held at a time: few enough for a processor's cache."""

_TAILS = (0.01, 0.99)
_STRETCH = 6.0
"""Standard deviations beyond which a number counts by its logarithm."""

_NEIGHBOUR = 5
_PROBED = 1_000


# -- rows as points ---------------------------------------------------------------------------------------------


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
    centre = float(np.median(cells))
    # A column whose inner part is constant (rare events) has no deviation but the full one.
    width = float(np.clip(cells, *np.quantile(cells, _TAILS)).std()) or float(cells.std())

    def scaled(values: Floats) -> Floats:
        score = (values - centre) / width
        size = np.abs(score)
        return np.where(size <= _STRETCH, score, np.sign(score) * (_STRETCH + np.log1p(np.maximum(size - _STRETCH, 0))))

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


# -- search -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Neighbours:
    """What was found near each of m query points.

    Parameters
    ----------
    distance, index : array (m, k)
        Distances, smallest first, and the places of those points in the index. Which of equally distant points is
        named is left open.
    log_kernel : array (m,), optional
        Logarithm of the sum of kernels over all points of the index.
    """

    distance: Floats
    index: NDArray[np.intp]
    log_kernel: Floats | None = None


def nearest(
    queries: Points, index: Points, geometry: Geometry, k: int, *, width: float | None = None, device: str | None = None
) -> Neighbours:
    """Return the `k` points of `index` nearest to each query point, all of them if it has fewer.

    Parameters
    ----------
    queries, index : Points
        Points of `geometry`.
    k : int
        At least 1.
    width : float, optional
        Bandwidth of a kernel that is summed over the whole index in the same pass.
    device : str, optional
        Where torch computes, e.g. ``cuda``; numpy by default.

    Raises
    ------
    ParameterError
        If `k` is below 1 or the index is empty.
    """
    if k < 1 or not len(index):
        raise ParameterError(
            f"{k} neighbours among {len(index)} points cannot be found", remedy="give at least one of either"
        )
    k = min(k, len(index))
    distance, place = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.intp)
    log_kernel = np.empty(len(queries)) if width is not None else None
    blocks = _blocks(queries, index, geometry) if device is None else _torch_blocks(queries, index, geometry, device)
    for rows, totals in blocks:  # (chunk, index)
        found = _smallest(totals, k)
        exact = _totals(queries, rows, index, found, geometry)
        order = np.argsort(exact, axis=1, kind="stable")
        smallest = np.take_along_axis(exact, order, axis=1)
        place[rows] = np.take_along_axis(found, order, axis=1)
        distance[rows] = np.sqrt(smallest) if geometry.power == 2 else smallest
        if log_kernel is not None and width is not None:
            log_kernel[rows] = _log_kernel(totals, smallest[:, :1], geometry.rate(width))
    return Neighbours(distance, place, log_kernel)


def bandwidth(points: Points, geometry: Geometry, generator: np.random.Generator, *, device: str | None = None) -> float:
    """Return a kernel's bandwidth: a part of the median distance to the fifth nearest other point.

    A half for the Gaussian and a quarter for the Laplace kernel, so that the fifth neighbour counts e^-2 or e^-4 of
    the point itself and the crowd far away nothing. Silverman's rule is so wide in ten dimensions that the crowd is
    all one sees, and a copied row leaves no trace.
    """
    probed = generator.permutation(len(points))[:_PROBED]
    found = nearest(points.take(probed), points, geometry, _NEIGHBOUR + 1, device=device).distance[:, -1]
    typical = float(np.median(found))
    if typical == 0:  # coarse data: most rows have equals; then one level that differs is far
        typical = geometry.mismatch ** (1 / geometry.power)
    return typical / 2 if geometry.power == 2 else typical / 4


def _smallest(totals: Floats, k: int) -> NDArray[np.intp]:
    """Return the places of the `k` smallest of each row, in any order, (chunk, k)."""
    if k == 1:
        return np.asarray(totals.argmin(axis=1)[:, None])
    if k == totals.shape[1]:
        return np.broadcast_to(np.arange(k), totals.shape)
    return np.asarray(np.argpartition(totals, k - 1, axis=1)[:, :k])


def _log_kernel(totals: Floats, smallest: Floats, rate: float) -> Floats:
    """Sum kernels relative to the nearest point's: far from all points they would underflow, their logarithm not."""
    shares = np.subtract(totals, smallest, dtype=np.float32, casting="same_kind")  # enough digits for a sum
    shares *= -rate
    np.exp(shares, out=shares)
    return np.asarray(np.log(shares.sum(axis=1, dtype=np.float64)) - rate * smallest[:, 0])


def _totals(
    queries: Points, rows: slice, index: Points, found: NDArray[np.intp], geometry: Geometry
) -> Floats:
    """Return the sums of differences to the points that were found, without the rounding of a matrix product.

    A copy is at distance 0 and not at 1e-7, which decides every ratio of distances.
    """
    gaps = np.abs(queries.numbers[rows][:, None, :] - index.numbers[found])  # (chunk, k, p)
    unlike = queries.codes[:, rows, None] != index.codes[:, found]  # (q, chunk, k)
    return np.asarray((gaps**geometry.power).sum(axis=2) + geometry.mismatch * unlike.sum(axis=0))


def _blocks(queries: Points, index: Points, geometry: Geometry) -> Iterator[tuple[slice, Floats]]:
    """Yield chunks of query rows with their sums of differences to all points of the index, (chunk, index)."""
    from scipy.spatial.distance import cdist

    metric = "sqeuclidean" if geometry.power == 2 else "cityblock"
    for rows in _chunks(len(queries), len(index)):
        size = rows.stop - rows.start
        if index.numbers.shape[1]:
            totals = cdist(queries.numbers[rows], index.numbers, metric)
        else:
            totals = np.zeros((size, len(index)))
        if len(index.codes):
            unlike = np.zeros((size, len(index)), dtype=np.uint8 if len(index.codes) < 256 else np.uint16)
            for mine, theirs in zip(queries.codes[:, rows], index.codes, strict=True):
                unlike += mine[:, None] != theirs
            totals += geometry.mismatch * unlike
        yield rows, totals


def _torch_blocks(
    queries: Points, index: Points, geometry: Geometry, device: str
) -> Iterator[tuple[slice, Floats]]:
    """Yield what `_blocks` yields, computed by torch on `device`."""
    import torch

    numbers, codes = torch.as_tensor(index.numbers, device=device), torch.as_tensor(index.codes, device=device)
    for rows in _chunks(len(queries), len(index)):
        mine = torch.as_tensor(queries.numbers[rows], device=device)
        totals = torch.cdist(mine, numbers, p=geometry.power, compute_mode="donot_use_mm_for_euclid_dist")
        totals = totals**geometry.power
        for one, theirs in zip(torch.as_tensor(queries.codes[:, rows], device=device), codes, strict=True):
            totals += geometry.mismatch * (one[:, None] != theirs)
        yield rows, totals.cpu().numpy()


def _chunks(rows: int, index: int) -> Iterator[slice]:
    size = max(1, _PAIRS // index)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
