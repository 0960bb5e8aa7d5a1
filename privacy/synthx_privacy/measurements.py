"""Noisy marginals of a coded table: what a private model may know.

Everything in a `Measurements` has passed through a mechanism or was public before, so it may be published.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["Marginal", "Measurements", "as_distribution", "count", "distance", "floored"]

FLOOR = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Marginal:
    """Noisy counts over some columns, whose levels may have been merged.

    Parameters
    ----------
    columns : tuple of int
        Which columns; a target comes first.
    groups : tuple of np.ndarray
        For each column the group of each of its codes, shape (size of the column,).
    counts : np.ndarray
        Noisy counts, one axis a column, shape (groups of the first, groups of the second, ...).
    sigma : float
        Standard deviation of the noise in each cell, in rows.
    """

    columns: tuple[int, ...]
    groups: tuple[np.ndarray, ...]
    counts: np.ndarray
    sigma: float


@dataclasses.dataclass(frozen=True, eq=False)
class Measurements:
    """All noisy marginals of a table.

    Parameters
    ----------
    sizes : tuple of int
        How many codes each column has.
    names : tuple of str
        What people call the columns.
    target : int or None
        The column that stands in every marginal of two or three columns.
    marginals : tuple of Marginal
        One-way marginals, pairs with the target, and pairs (with the target, if there is one).
    """

    sizes: tuple[int, ...]
    names: tuple[str, ...]
    target: int | None
    marginals: tuple[Marginal, ...]

    @property
    def rows(self) -> float:
        """Estimated number of rows: the totals of all marginals, weighted by their precision; at least 1."""
        totals = np.array([marginal.counts.sum() for marginal in self.marginals], dtype=np.float64)
        precision = np.array([1.0 / (marginal.counts.size * marginal.sigma**2) for marginal in self.marginals])
        return max(1.0, float(totals @ precision / precision.sum()))

    @property
    def features(self) -> tuple[int, ...]:
        """All columns but the target."""
        return tuple(column for column in range(len(self.sizes)) if column != self.target)

    def one_way(self, column: int) -> Marginal:
        """Return the one-way marginal of a column."""
        return next(marginal for marginal in self.marginals if marginal.columns == (column,))

    def with_target(self, column: int) -> Marginal | None:
        """Return the marginal of the target and a column, or None where there is no target."""
        wanted = (self.target, column)
        return next((marginal for marginal in self.marginals if marginal.columns == wanted), None)

    @property
    def pairs(self) -> tuple[Marginal, ...]:
        """The marginals of two columns beside the target: the edges of the tree."""
        depth = 2 if self.target is None else 3
        return tuple(marginal for marginal in self.marginals if len(marginal.columns) == depth)

    def to_dict(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what is JSON, and the arrays by name."""
        arrays: dict[str, np.ndarray] = {}
        parts: list[dict[str, Any]] = []
        for index, marginal in enumerate(self.marginals):
            arrays[f"marginal/{index}/counts"] = marginal.counts
            for axis, groups in enumerate(marginal.groups):
                arrays[f"marginal/{index}/groups/{axis}"] = groups
            parts.append({"columns": list(marginal.columns), "sigma": marginal.sigma})
        plain = {"sizes": list(self.sizes), "names": list(self.names), "target": self.target, "marginals": parts}
        return plain, arrays

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Measurements:
        """Rebuild what `to_dict` returned."""
        marginals = tuple(
            Marginal(
                tuple(part["columns"]),
                tuple(arrays[f"marginal/{index}/groups/{axis}"] for axis in range(len(part["columns"]))),
                arrays[f"marginal/{index}/counts"],
                float(part["sigma"]),
            )
            for index, part in enumerate(parts["marginals"])
        )
        return cls(tuple(parts["sizes"]), tuple(parts["names"]), parts["target"], marginals)


def as_distribution(counts: np.ndarray) -> np.ndarray:
    """Return the nearest probabilities to each row of noisy counts.

    **Shape**: (..., levels) to the same.

    Euclidean projection onto the simplex of the row's total: the same number is taken off every positive count until
    the total is right (Hay et al. 2010, 10.14778/1920841.1920970, call it non-negative least squares; "norm-sub" in
    Wang et al. 2020, 10.14722/ndss.2020.24186). A row that holds nothing becomes uniform.
    """
    flat = np.asarray(counts, dtype=np.float64).reshape(-1, counts.shape[-1])
    total = np.maximum(flat.sum(axis=1), 0.0)
    falling = -np.sort(-flat, axis=1)
    ranks = np.arange(1, flat.shape[1] + 1)
    excess = (np.cumsum(falling, axis=1) - total[:, None]) / ranks
    held = np.maximum((falling > excess).sum(axis=1), 1)
    kept = np.maximum(flat - excess[np.arange(len(flat)), held - 1][:, None], 0.0)
    kept[total <= 0] = 1.0
    kept /= kept.sum(axis=1, keepdims=True)
    shaped: np.ndarray = kept.reshape(counts.shape)
    return shaped


def floored(probabilities: np.ndarray) -> np.ndarray:
    """Keep every probability positive, so that every code can be conditioned on; the last axis sums to 1."""
    raised = probabilities + FLOOR
    scaled: np.ndarray = raised / raised.sum(axis=-1, keepdims=True)
    return scaled


def distance(measurements: Measurements, codes: np.ndarray) -> float:
    """Return how far a coded sample is from the noisy marginals, in units of their noise.

    Mean over all cells of the squared difference between the sample's count, scaled to the estimated number of rows,
    and the noisy count, divided by the variance of the noise. About 1 means as near as the noise lets one tell; use it
    to choose among checkpoints, which reads no data.

    Parameters
    ----------
    measurements : Measurements
        Noisy marginals.
    codes : np.ndarray
        A sample, shape (rows, columns).
    """
    scale = measurements.rows / max(1, len(codes))
    squares, cells = 0.0, 0
    for marginal in measurements.marginals:
        counts = count(codes, marginal.columns, marginal.groups)
        squares += float(np.square(counts * scale - marginal.counts).sum()) / marginal.sigma**2
        cells += counts.size
    return squares / cells


def count(codes: np.ndarray, columns: tuple[int, ...], groups: tuple[np.ndarray, ...]) -> np.ndarray:
    """Count rows by the groups of some columns; codes out of range count as the nearest code.

    Returns
    -------
    np.ndarray
        int64 counts, one axis a column.
    """
    shape = tuple(int(group.max()) + 1 for group in groups)
    cell = np.zeros(len(codes), dtype=np.int64)
    for column, group, size in zip(columns, groups, shape, strict=True):
        # Clipped and not refused: an error would tell something about a row.
        cell = cell * size + group[np.clip(codes[:, column], 0, len(group) - 1)]
    return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
