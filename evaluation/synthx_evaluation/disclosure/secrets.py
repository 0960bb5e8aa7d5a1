"""The columns that an attacker wants to know of a person, and when a guess at one is right."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthx.errors import ParameterError, listed
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, Tables

__all__ = ["TOLERANCE", "Secret", "choose"]

MOST_SECRETS = 10

TOLERANCE = 0.1
"""How far a guess at a number may lie from the truth, as a share of the distance between the quartiles."""

_BINS = 10
_MOST_LEVELS = 8
"""Levels that a model tells apart: each costs as much to learn as a secret of two."""


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A column whose cells are guessed from the other columns.

    Parameters
    ----------
    name : str
        The column's name.
    place : int
        Its place among the assessed columns.
    discrete : bool
        Whether the guess must be the level itself; of a number it must be near.
    tolerance : float
        How near: an absolute distance, so that negative truths are judged like positive ones.
    """

    name: str
    place: int
    discrete: bool
    tolerance: float

    def right(self, guesses: Floats, truth: Floats) -> Floats:
        """Return 1 where a guess is right, 0 where not; that a cell is missing must be guessed as well.

        Parameters
        ----------
        guesses, truth : array
            Cells; NaN is missing. They broadcast.
        """
        both = np.isnan(guesses) & np.isnan(truth)
        return (both | (np.abs(guesses - truth) <= self.tolerance)).astype(np.float64)

    def majority(self, cells: Floats) -> float:
        """Return the best guess of one who knows nothing of a person: the most frequent level, or the median."""
        missing = np.isnan(cells)
        if self.discrete:
            levels, counts = np.unique(cells, return_counts=True)  # NaN counts as a level
            return float(levels[counts.argmax()])
        return float("nan") if missing.mean() > 0.5 else float(np.median(cells[~missing]))

    def frequent(self, cells: Floats) -> Floats:
        """Return the levels that a model tells apart, the most frequent first; missing is not one of them."""
        levels, counts = np.unique(cells[~np.isnan(cells)], return_counts=True)
        return np.asarray(levels[np.argsort(-counts, kind="stable")[:_MOST_LEVELS]])


def choose(comparison: Comparison, names: Sequence[str] = ()) -> tuple[Secret, ...]:
    """Return the secrets: the columns named, or all that vary, or, if these are many, ten of them.

    The ten are the target and the columns of the greatest entropy among real rows, numbers in ten bins.

    Raises
    ------
    ParameterError
        If a named column is none that a generator learns.
    """
    tables = comparison.tables
    for name in names:
        if name not in tables.names:
            raise ParameterError(
                f"the secret {name!r} is no column that a generator learns",
                remedy=f"choose from {listed(tables.names, name)}",
            )
    entropy = np.array([_entropy(tables, j) for j in range(len(tables.columns))])
    target = None if comparison.target is None else comparison.target.name
    # A stable order: the target first, then by entropy; a column that never varies is no secret.
    wanted = np.where((np.array(tables.names, dtype=object) == target) & (entropy > 0), np.inf, entropy)
    places: NDArray[np.intp] = np.argsort(-wanted, kind="stable")[:MOST_SECRETS]
    chosen = [tables.names.index(name) for name in names] if names else sorted(int(j) for j in places)
    return tuple(_secret(tables, j) for j in chosen if entropy[j] > 0)


def _entropy(tables: Tables, j: int) -> float:
    """Return the entropy of a column among real rows, in nats."""
    cells = tables.real[:, j]
    if not tables.discrete[j] and not np.isnan(cells).all():
        edges = np.unique(np.nanquantile(cells, np.linspace(0, 1, _BINS + 1)[1:-1]))
        cells = np.where(np.isnan(cells), np.nan, np.searchsorted(edges, cells).astype(np.float64))
    _, counts = np.unique(cells, return_counts=True)
    shares = counts / len(cells)
    return float(-(shares * np.log(shares)).sum()) if len(counts) > 1 else 0.0


def _secret(tables: Tables, j: int) -> Secret:
    discrete, tolerance = bool(tables.discrete[j]), 0.0
    if not discrete:
        known = tables.real[~np.isnan(tables.real[:, j]), j]
        low, high = np.quantile(known, [0.25, 0.75]) if len(known) else (0.0, 0.0)
        tolerance = TOLERANCE * float(high - low)  # 0 where half of the rows are alike: then only the value counts
    return Secret(tables.names[j], j, discrete, tolerance)
