"""The groups of protected columns: levels, bands of numbers, and their intersections.

Groups are made once, of the real rows, and any table's rows are then put into them. No group that is named has fewer
than ten training or ten holdout rows; smaller ones, and levels that only the synthetic table holds, are ``other``.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, Tables

__all__ = ["BANDS", "FEWEST_ROWS", "MISSING", "MOST_LEVELS", "OTHER", "Codes", "Groups", "crossed", "protected_groups"]

Codes: TypeAlias = NDArray[np.intp]

FEWEST_ROWS = 10
"""Training rows, and holdout rows, of a group that is named."""

MOST_LEVELS = 10
"""Levels of one column that are groups of their own, the largest."""

BANDS = 5
"""Bands that numbers and times are cut into, at quantiles of the real rows."""

OTHER, MISSING = "other", "missing"

_DIGITS = 4
_DAY = 86_400.0


@dataclasses.dataclass(frozen=True, slots=True)
class Groups:
    """The groups of one protected column, or of several crossed.

    Parameters
    ----------
    columns : tuple of str
        One column, or those that are crossed.
    labels : tuple of str
        The name of every group; `OTHER`, where there is one, stands last.
    pooled : int
        Levels, or combinations, that are in `OTHER`; those that only the synthetic table holds count. 0 without it.
    place : array (cells,)
        The group of every cell: of a level, of a band, of a combination.
    cells : callable
        From encoded rows (rows, d) to the cell of each.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    pooled: int
    place: Codes
    cells: Callable[[Floats], Codes]

    @property
    def name(self) -> str:
        return " × ".join(self.columns)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def named(self) -> NDArray[np.bool_]:
        """Which groups are one level, band or combination each, (groups,): all but `OTHER`."""
        return np.arange(len(self.labels)) < len(self.labels) - (self.pooled > 0)

    def of(self, rows: Floats) -> Codes:
        """Return the group of each of the encoded rows (rows, d), from 0; shape (rows,).

        This is what other measures (attacks, by group) split rows by.
        """
        return np.asarray(self.place[self.cells(rows)], dtype=np.intp)

    def counts(self, rows: Floats) -> Codes:
        """Return how many of the rows are in each group, (groups,)."""
        return np.bincount(self.of(rows), minlength=len(self))


def protected_groups(comparison: Comparison) -> tuple[list[Groups], dict[str, str]]:
    """Return the groups of every protected column, and why the other protected columns have none.

    A discrete column's groups are its ten largest levels; a number or a time is cut into at most five bands at
    quantiles of training and holdout rows; missing cells are a group.

    Returns
    -------
    groups, left_out
        One `Groups` a column in the order given; and reasons by column.
    """
    tables = comparison.tables
    found: list[Groups] = []
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(comparison.protected):
        if name not in tables.names:
            left_out[name] = f"{name!r} is {comparison.schema[name].kind}, whose cells are not compared"
            continue
        groups = _of_column(tables, tables.names.index(name))
        if len(groups) < 2:
            left_out[name] = f"{name!r} has a single group of {FEWEST_ROWS} training and {FEWEST_ROWS} holdout rows"
        else:
            found.append(groups)
    return found, left_out


def crossed(tables: Tables, parts: Sequence[Groups]) -> Groups:
    """Return the intersections of the groups of several columns."""
    sizes = [len(part) for part in parts]

    def cells(rows: Floats) -> Codes:
        return np.asarray(np.ravel_multi_index([part.of(rows) for part in parts], sizes), dtype=np.intp)

    labels = [" × ".join(part.labels[i] for part, i in zip(parts, index, strict=True)) for index in np.ndindex(*sizes)]
    columns = tuple(name for part in parts for name in part.columns)
    return _pooled(tables, columns, labels, cells, most=len(labels))


# -- one column ---------------------------------------------------------------------------------------------------


def _of_column(tables: Tables, j: int) -> Groups:
    column = tables.columns[j]
    if column.kind.is_discrete:
        labels = [*tables.levels[j], _unused(MISSING, tables.levels[j])]
        return _pooled(tables, (column.name,), labels, lambda rows: _levels(rows[:, j], len(labels)), MOST_LEVELS)
    edges = _edges(tables.real[:, j], is_time=column.kind is Kind.DATETIME)
    labels = [*_band_names(edges, is_time=column.kind is Kind.DATETIME), MISSING]
    return _pooled(tables, (column.name,), labels, lambda rows: _banded(rows[:, j], edges), BANDS + 1)


def _levels(cells: Floats, size: int) -> Codes:
    return np.where(np.isnan(cells), size - 1, cells).astype(np.intp)


def _banded(cells: Floats, edges: Floats) -> Codes:
    bands = np.searchsorted(edges, cells, side="right")
    return np.where(np.isnan(cells), len(edges) + 1, bands).astype(np.intp)


def _edges(real: Floats, *, is_time: bool) -> Floats:
    """Return where bands begin, the first apart: quantiles, coarse enough that they are nobody's exact figure."""
    known = real[~np.isnan(real)]
    if not len(known):
        return np.empty(0)
    cuts = np.quantile(known, np.arange(1, BANDS) / BANDS, method="inverted_cdf")
    cuts = np.floor(cuts / _DAY) * _DAY if is_time else np.array([float(f"{cut:.{_DIGITS}g}") for cut in cuts])
    return np.asarray(np.unique(cuts[(cuts > known.min()) & (cuts <= known.max())]))


def _band_names(edges: Floats, *, is_time: bool) -> list[str]:
    shown = [str(pd.Timestamp(edge, unit="s").date()) if is_time else f"{edge:.10g}" for edge in edges.tolist()]
    if not shown:
        return ["all"]
    middle = [f"{low} to below {high}" for low, high in itertools.pairwise(shown)]
    return [f"below {shown[0]}", *middle, f"{shown[-1]} and above"]


def _pooled(
    tables: Tables, columns: tuple[str, ...], labels: Sequence[str], cells: Callable[[Floats], Codes], most: int
) -> Groups:
    """Return groups of the largest cells that have rows enough; the rest, if any row is in it, is one group more."""
    count = [np.bincount(cells(rows), minlength=len(labels)) for rows in (tables.train, tables.synthetic)]
    enough = count[0] >= FEWEST_ROWS
    real, seen = count[0].copy(), count[0] + count[1]
    if tables.holdout is not None:
        held = np.bincount(cells(tables.holdout), minlength=len(labels))
        enough, real, seen = enough & (held >= FEWEST_ROWS), real + held, seen + held
    largest = np.argsort(-np.where(enough, real, -1), kind="stable")[:most]
    kept = np.sort(largest[enough[largest]])
    place = np.full(len(labels), len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    rest = int(((seen > 0) & (place == len(kept))).sum())
    names = [labels[i] for i in kept]
    return Groups(columns, (*names, *([_unused(OTHER, names)] if rest else [])), rest, place, cells)


def _unused(name: str, taken: Sequence[str]) -> str:
    """Return a name that no level has."""
    return name if name not in taken else _unused(f"({name})", taken)
