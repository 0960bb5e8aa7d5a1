"""What a sequence is like in a row of figures: level, spread, trend, roughness, changes, length, gaps.

Sums and extremes of ragged runs by `ufunc.reduceat`: 180,550 rows of 28 numbers take about a second on one core.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx.schema import Column, Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.tensor import Places, Sequences

__all__ = ["Features", "features_of", "joined", "static_rows"]

TOP_LEVELS = 10
"""Levels of a discrete column whose shares are features: the most frequent ones of the real rows."""

_TINY = 1e-9
"""Below this share of a column's own scale a spread is rounding, and taken as 0."""

_OF_NUMBERS = (
    "mean", "deviation", "lowest", "highest", "first", "last", "slope", "missing", "lag-1 autocorrelation",
    "mean step",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """Figures of sequences, one row an entity.

    Parameters
    ----------
    names : tuple of str
        E.g. ``"HR: slope"``; f of them.
    parts : list of array (entities, f)
        Of the synthetic, the training and, where there are any, the holdout sequences. NaN: cannot be told, such as
        the slope of one step.
    """

    names: tuple[str, ...]
    parts: list[Floats]

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name=name, kind=Kind.DECIMAL, dtype="float64", nullable=True) for name in self.names)

    def comparison(self, comparison: SequenceComparison) -> Comparison:
        """Return the features as tables."""
        return comparison.of_rows(self.columns, ((),) * len(self.names), self.parts)


def features_of(comparison: SequenceComparison) -> Features:
    """Compute the features of every sequence.

    Of every number of the steps: mean, standard deviation, extremes, first and last value, slope on elapsed time,
    share of missing cells, lag-1 autocorrelation about the sequence's mean, mean absolute step between neighbours. Of
    every discrete column: shares of the ten most frequent levels (and of missing cells), number of changes. Besides:
    the number of steps and, where there is a time column, first time, span, mean and longest gap.
    """
    first = comparison.synthetic
    real = comparison.real
    top = {int(j): _top(real[:, j]) for j in first.discrete}
    scale = np.nanstd(np.where(np.isnan(real).all(axis=0), 0.0, real), axis=0)[first.numbers]
    names = [f"{name}: {what}" for what in _OF_NUMBERS for name in first.names(first.numbers)]
    for j, levels in top.items():
        name, labels = first.columns[j].name, first.levels[j]
        names += [f"{name}: share of {labels[int(level)]}" for level in levels]
        names += [f"{name}: missing", f"{name}: changes"]
    names += ["steps", *(["first time", "span", "mean gap", "longest gap"] if first.timed else [])]
    return Features(tuple(names), [_matrix(part, top, scale) for part in comparison.parts])


def _top(values: Floats) -> Floats:
    levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return np.asarray(levels[np.argsort(-counts, kind="stable")[:TOP_LEVELS]])


def _matrix(sequences: Sequences, top: dict[int, Floats], scale: Floats) -> Floats:
    blocks = [*_of_numbers(sequences, scale)]
    for j, levels in top.items():
        blocks.append(_of_levels(sequences, sequences.cells[:, j], levels))
    blocks.append(_of_times(sequences))
    return np.concatenate(blocks, axis=1)


# -- numbers ----------------------------------------------------------------------------------------------------


def _of_numbers(sequences: Sequences, scale: Floats) -> list[Floats]:
    """Return ten blocks (entities, numbers), in the order of `_OF_NUMBERS`."""
    x = sequences.cells[:, sequences.numbers]
    seen = ~np.isnan(x)
    starts = sequences.starts
    count = _sum(seen.astype(np.float64), starts)
    mean = _over(_sum(np.where(seen, x, 0.0), starts), count)
    centred = np.where(seen, x - mean[sequences.owners], 0.0)
    squares = _sum(centred**2, starts)
    squares[squares <= count * (_TINY * scale) ** 2] = 0.0
    lowest = np.minimum.reduceat(np.where(seen, x, np.inf), starts, axis=0)
    highest = np.maximum.reduceat(np.where(seen, x, -np.inf), starts, axis=0)
    first, last = _ends(x, seen, starts)
    rows = sequences.pairs(1)
    both = (seen[rows] & seen[rows + 1]).astype(np.float64)
    owners = sequences.owners[rows]
    products = _sum_by(centred[rows] * centred[rows + 1], owners, len(sequences))
    rise = _sum_by(np.where(both > 0, np.abs(x[rows + 1] - x[rows]), 0.0), owners, len(sequences))
    neighbours = _sum_by(both, owners, len(sequences))
    return [
        mean,
        np.sqrt(_over(squares, count)),
        np.where(count > 0, lowest, np.nan),
        np.where(count > 0, highest, np.nan),
        first,
        last,
        _slope(sequences, centred, seen, count, squares),
        1.0 - count / sequences.lengths[:, None],
        np.where(neighbours > 0, _over(products, squares), np.nan),
        _over(rise, neighbours),
    ]


def _slope(sequences: Sequences, centred: Floats, seen: NDArray[np.bool_], count: Floats, squares: Floats) -> Floats:
    """Return the least-squares slope on elapsed time, of the cells that are there, (entities, numbers)."""
    starts, owners = sequences.starts, sequences.owners
    elapsed = np.nan_to_num(sequences.times - sequences.times[starts][owners])[:, None]
    mean = _over(_sum(elapsed * seen, starts), count)
    away = np.where(seen, elapsed - mean[owners], 0.0)
    slope = _over(_sum(away * centred, starts), _sum(away**2, starts))
    return np.where((squares == 0) & ~np.isnan(slope), 0.0, slope)


def _ends(x: Floats, seen: NDArray[np.bool_], starts: Places) -> tuple[Floats, Floats]:
    """Return the first and the last value that is there, each (entities, columns)."""
    rows = np.arange(len(x))[:, None]
    first = np.minimum.reduceat(np.where(seen, rows, len(x)), starts, axis=0)
    last = np.maximum.reduceat(np.where(seen, rows, -1), starts, axis=0)
    across = np.arange(x.shape[1])
    none = last < 0
    return (
        np.where(none, np.nan, x[np.minimum(first, len(x) - 1), across]),
        np.where(none, np.nan, x[np.maximum(last, 0), across]),
    )


def _sum(values: Floats, starts: Places) -> Floats:
    return np.asarray(np.add.reduceat(values, starts, axis=0))


def _sum_by(values: Floats, owners: Places, count: int) -> Floats:
    """Sum rows by owner, where some owners may have none; `owners` ascend, (count, columns)."""
    total = np.zeros((count, values.shape[1]))
    if len(owners):
        present, first = np.unique(owners, return_index=True)
        total[present] = np.add.reduceat(values, first, axis=0)
    return total


def _over(a: Floats, b: Floats) -> Floats:
    """Divide; NaN where the divisor is 0."""
    return np.asarray(np.divide(a, b, out=np.full_like(a, np.nan), where=b > 0))


# -- levels and times -------------------------------------------------------------------------------------------


def _of_levels(sequences: Sequences, values: Floats, levels: Floats) -> Floats:
    """Return shares of levels, of missing cells, and the number of changes, (entities, levels + 2)."""
    indicators = np.column_stack([*(values == level for level in levels), np.isnan(values)]).astype(np.float64)
    shares = _sum(indicators, sequences.starts) / sequences.lengths[:, None]
    rows = sequences.pairs(1)
    now, then = np.nan_to_num(values[rows], nan=-1.0), np.nan_to_num(values[rows + 1], nan=-1.0)
    changes = np.bincount(sequences.owners[rows], weights=now != then, minlength=len(sequences))
    return np.column_stack([shares, changes])


def _of_times(sequences: Sequences) -> Floats:
    """Return steps and, with a time column, first time, span, mean and longest gap, (entities, 1 or 5)."""
    steps = sequences.lengths.astype(np.float64)[:, None]
    if not sequences.timed:
        return steps
    starts = sequences.starts
    first, last = sequences.times[starts], sequences.times[starts + sequences.lengths - 1]
    longest = np.full(len(sequences), np.nan)
    rows = sequences.pairs(1)
    if len(rows):
        present, begin = np.unique(sequences.owners[rows], return_index=True)
        longest[present] = np.maximum.reduceat(sequences.gaps(), begin)
    span = last - first
    mean = _over(span[:, None], steps - 1)
    return np.column_stack([steps, first, span, mean, longest])


# -- static columns beside features -----------------------------------------------------------------------------


def static_rows(sequences: Sequences) -> Floats:
    """Return the static columns' cells in each entity's first row, (entities, static columns)."""
    return np.asarray(sequences.cells[sequences.starts][:, sequences.static])


def joined(comparison: SequenceComparison, features: Features) -> Comparison:
    """Return tables of one row an entity: static columns first, then features; the target if it is static."""
    first = comparison.synthetic
    columns = (*(first.columns[j] for j in first.static), *features.columns)
    levels = (*(first.levels[j] for j in first.static), *((),) * len(features.names))
    parts = [
        np.concatenate([static_rows(part), figures], axis=1)
        for part, figures in zip(comparison.parts, features.parts, strict=True)
    ]
    return comparison.of_rows(columns, levels, parts, target=True)
