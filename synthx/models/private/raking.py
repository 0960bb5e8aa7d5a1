"""Weights on drawn rows that bring them to the noisy counts.

Gradient descent with clipped gradients learns how columns depend on each other, and at a price: rows with long
gradients, the rare ones, count for less than their share. What was counted is known better. Weights on rows drawn from
the network repair that (raking, or iterative proportional fitting: Deming & Stephan 1940, doi:10.1214/aoms/1177731829),
and touch nothing private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from synthx_privacy.measurements import Marginal, Measurements

__all__ = ["raked", "raking_weights"]

SWEEPS = 5
MOST_WEIGHT = 20.0
"""Of a row, in mean weights; a few rows must not stand for all."""
MOST_RATIO = 5.0


def raked(measurements: Measurements, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return as many of the rows, drawn by their weights; shape (rows, columns) to the same."""
    weights = raking_weights(measurements, codes)
    positions = (np.arange(len(codes)) + rng.random()) / len(codes)  # evenly spaced draws: no row is missed by chance
    picked = np.searchsorted(np.cumsum(weights), positions)
    return rng.permutation(codes[np.minimum(picked, len(codes) - 1)])


def raking_weights(measurements: Measurements, codes: np.ndarray, sweeps: int = SWEEPS) -> np.ndarray:
    """Return weights under which rows have about the noisy counts.

    One set of counts after the other, each cell's rows are multiplied by the ratio of the share that is wanted to the
    share that they have. Wanted is the measured share, shrunk towards the share in the rows as they were drawn, as far
    as the two differ by no more than noise (James & Stein 1961, the positive part).

    Parameters
    ----------
    measurements : Measurements
    codes : int array, shape (rows, columns)
    sweeps : int
        How often every set of counts has its turn.

    Returns
    -------
    float array, shape (rows,)
        Their sum is one.
    """
    tables = []
    for marginal in measurements.marginals:
        cells = _cells(codes, marginal)
        tables.append((cells, _wanted(cells, marginal, measurements.rows)))
    even = 1.0 / max(1, len(codes))
    weights = np.full(len(codes), even)
    for _ in range(sweeps):
        for cells, wanted in tables:
            held = np.bincount(cells, weights, minlength=len(wanted))
            ratio = np.divide(wanted, held, out=np.ones_like(wanted), where=held > 0)
            weights *= ratio.clip(1 / MOST_RATIO, MOST_RATIO)[cells]
            weights = np.minimum(weights / weights.sum(), MOST_WEIGHT * even)
    scaled: np.ndarray = weights / weights.sum()
    return scaled


def _wanted(cells: np.ndarray, marginal: Marginal, rows: float) -> np.ndarray:
    """Return the share that each cell of a marginal shall have, where drawn rows lie in the given cells."""
    from synthx_privacy.measurements import as_distribution

    measured = as_distribution(np.asarray(marginal.counts, dtype=np.float64).ravel())
    drawn = np.bincount(cells, minlength=len(measured)) / max(1, len(cells))
    noise = len(measured) * (marginal.sigma / rows) ** 2
    trust = max(0.0, 1 - noise / max(float(np.square(measured - drawn).sum()), 1e-300))
    wanted: np.ndarray = drawn + trust * (measured - drawn)
    return wanted


def _cells(codes: np.ndarray, marginal: Marginal) -> np.ndarray:
    """Return the cell of a marginal's flat counts that each row lies in."""
    cells = np.zeros(len(codes), np.int64)
    for column, groups, size in zip(marginal.columns, marginal.groups, marginal.counts.shape, strict=True):
        cells = cells * size + groups[codes[:, column]]
    return cells
