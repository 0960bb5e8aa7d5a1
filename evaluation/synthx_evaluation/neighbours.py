"""Exact nearest neighbours among rows of numbers and levels, chunk by chunk.

Of a chunk of query rows all distances are computed, the smallest are kept, and the rest is dropped: the full matrix
never exists, and no row is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthx.errors import ParameterError
from synthx_evaluation.encoding import Floats
from synthx_evaluation.geometry import GEOMETRIES, Geometry, Points, gower, ranked, standard

__all__ = ["GEOMETRIES", "Geometry", "Neighbours", "Points", "bandwidth", "gower", "nearest", "ranked", "standard"]

_PAIRS = 200_000
"""Distances that are held at a time: few enough for a processor's cache."""

_NEIGHBOUR = 5
_PROBED = 1_000


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


def bandwidth(
    points: Points, geometry: Geometry, generator: np.random.Generator, *, device: str | None = None
) -> float:
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


def _totals(queries: Points, rows: slice, index: Points, found: NDArray[np.intp], geometry: Geometry) -> Floats:
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


def _torch_blocks(queries: Points, index: Points, geometry: Geometry, device: str) -> Iterator[tuple[slice, Floats]]:
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
