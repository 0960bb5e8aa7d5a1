"""Descriptions that fit exactly one synthetic row, and which real rows they fit."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.disclosure.keys import granular
from synthx_evaluation.encoding import Floats, Tables

__all__ = ["Matches", "combinations", "single_values"]

MOST = 2_000
"""Predicates of a kind; of one column, spread over the columns."""

MOST_COLUMNS = 6
"""Columns that a predicate of several names at most."""

MARGIN = 0.05
"""How far a number may lie from the synthetic one, as a share of the real rows, to either side."""

_BLOCK = 2_000_000
_UNSEEN = -1_000.0


@dataclasses.dataclass(frozen=True, slots=True)
class Matches:
    """Which rows fit which predicate.

    Parameters
    ----------
    sizes : array (predicates,)
        Rows that fit each.
    rows : array (sizes.sum(),)
        These rows' places, predicate after predicate.
    width : float
        Mean number of columns that a predicate names.
    """

    sizes: NDArray[np.intp]
    rows: NDArray[np.intp]
    width: float

    @property
    def predicates(self) -> int:
        return len(self.sizes)

    def counts(self, members: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return how many of the rows that fit each predicate are members, and how many are not.

        Parameters
        ----------
        members : array (..., rows)
            Which rows are members.

        Returns
        -------
        inside, outside : array (..., predicates)
        """
        total = np.zeros((*members.shape[:-1], len(self.rows) + 1), dtype=np.intp)
        np.cumsum(members[..., self.rows], axis=-1, out=total[..., 1:])
        ends = np.cumsum(self.sizes)
        inside = total[..., ends] - total[..., ends - self.sizes]
        return inside, self.sizes - inside

    def keep(self, which: NDArray[np.bool_]) -> Matches:
        """Return the matches of some of the predicates."""
        return Matches(self.sizes[which], self.rows[np.repeat(which, self.sizes)], self.width)


# -- one column -------------------------------------------------------------------------------------------------


def single_values(tables: Tables, generator: np.random.Generator) -> tuple[Matches, Matches]:
    """Return predicates of one column that fit one synthetic row, and as many random ones.

    A predicate is a range of one column: a single value, as precise as the training values are, from the largest
    value on, or up to the smallest; a missing cell counts as minus infinity. The random ones name values drawn evenly
    from between the extremes, or from all levels.

    Returns
    -------
    found, blind : Matches
        The places among the real rows, training rows first.
    """
    synthetic, real = (np.where(np.isnan(part), -np.inf, part) for part in granular(tables))
    numbers = ~tables.discrete
    all_ranges = [_ranges(synthetic[:, j], generator, number=bool(numbers[j])) for j in range(len(numbers))]
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    blind: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for j, most in enumerate(_shares([len(ranges) for ranges in all_ranges])):
        if numbers[j]:
            values = _between(synthetic[:, j], real[:, j], most, generator)
        else:
            values = generator.integers(0, max(1, len(tables.levels[j])), size=most).astype(np.float64)
        found.append(_inside(real[:, j], all_ranges[j][:most]))
        blind.append(_inside(real[:, j], np.column_stack([values, values])))
    return _joined(found), _joined(blind)


def _shares(available: list[int]) -> list[int]:
    """Return how many predicates to take of each column: as evenly as what there is allows, `MOST` in all."""
    shares, left = [0] * len(available), MOST
    order = sorted(range(len(available)), key=available.__getitem__)
    for done, j in enumerate(order):
        shares[j] = min(available[j], left // (len(order) - done))
        left -= shares[j]
    return shares


def _ranges(values: Floats, generator: np.random.Generator, *, number: bool) -> Floats:
    """Return the ranges that hold exactly one of the values, (ranges, 2): the tails, then the others at random."""
    distinct, counts = np.unique(values, return_counts=True)
    single = distinct[counts == 1]
    ranges = np.column_stack([single, single])[generator.permutation(len(single))]
    known, once = distinct[np.isfinite(distinct)], counts[np.isfinite(distinct)] == 1
    if number and len(known):
        tails = np.array([[np.finfo(float).min, known[0]], [known[-1], np.inf]])[[once[0], once[-1]]]
        ranges = np.concatenate([tails, ranges])
    return ranges


def _between(values: Floats, real: Floats, count: int, generator: np.random.Generator) -> Floats:
    """Return numbers drawn evenly between the smallest and the largest, rounded to a grid as fine as the real one."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    drawn = generator.uniform(low, high, size=count)
    seen = real[np.isfinite(real)]
    whole = bool(len(seen)) and bool((seen == np.rint(seen)).all())
    return np.rint(drawn) if whole else drawn


def _inside(values: Floats, ranges: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return how many values each range holds, and their places, range after range."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first, last = np.searchsorted(ordered, ranges[:, 0]), np.searchsorted(ordered, ranges[:, 1], side="right")
    sizes = np.maximum(last - first, 0)
    start = np.repeat(first - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) if len(sizes) else first
    return sizes, order[start + np.arange(len(start))]


def _joined(parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> Matches:
    return Matches(np.concatenate([size for size, _ in parts]), np.concatenate([rows for _, rows in parts]), 1.0)


# -- several columns --------------------------------------------------------------------------------------------


def combinations(tables: Tables, generator: np.random.Generator) -> tuple[Matches, Matches]:
    """Return predicates of several columns that fit one synthetic row, and random ones of as many columns.

    For a synthetic row, columns are taken in random order until it is the only one that fits, and then a random
    number more, six in all at most: an attacker does not know how precise is precise enough. The random ones take
    each column's cell from another synthetic row.

    Returns
    -------
    found, blind : Matches
        The places among the real rows, training rows first.
    """
    synthetic, real = _scaled(tables, tables.synthetic), _scaled(tables, tables.real)
    d, n = synthetic.shape
    width = min(d, MOST_COLUMNS)
    rows = generator.permutation(n)[:MOST]
    columns = generator.random((len(rows), d)).argsort(axis=1)[:, :width]  # (predicates, width)
    margin = np.where(tables.discrete, 0.25, MARGIN).astype(np.float32)[columns]
    centres = synthetic[columns, rows[:, None]]
    alone = _until_alone(synthetic, columns, centres, margin)
    some = alone > 0
    columns, centres, margin, alone = columns[some], centres[some], margin[some], alone[some]
    lengths = generator.integers(alone, width + 1)
    others = synthetic[columns, generator.integers(0, n, size=columns.shape)]
    return _fitting(real, columns, centres, margin, lengths), _fitting(real, columns, others, margin, lengths)


def _scaled(tables: Tables, rows: Floats) -> NDArray[np.float32]:
    """Return cells (d, rows): level numbers, and for numbers the share of real rows below, ties counting half."""
    real, cells = tables.real, np.empty((rows.shape[1], len(rows)), dtype=np.float32)
    for j, discrete in enumerate(tables.discrete):
        seen = ~np.isnan(rows[:, j])
        cells[j] = _UNSEEN
        cells[j, seen] = rows[seen, j] if discrete else _places(real[:, j], rows[seen, j])
    return cells


def _places(real: Floats, values: Floats) -> Floats:
    known = np.sort(real[~np.isnan(real)])
    both = np.searchsorted(known, values) + np.searchsorted(known, values, side="right")
    return np.asarray(both / (2 * max(1, len(known))))


def _until_alone(
    cells: NDArray[np.float32],
    columns: NDArray[np.intp],
    centres: NDArray[np.float32],
    margin: NDArray[np.float32],
) -> NDArray[np.intp]:
    """Return with how many columns, at least two, each predicate fits one row only; 0 where all do not suffice."""
    found = np.zeros(len(columns), dtype=np.intp)
    for block in _blocks(len(columns), cells.shape[1]):
        fits = np.ones((len(columns[block]), cells.shape[1]), dtype=bool)
        for k in range(columns.shape[1]):
            fits &= _near(cells, columns[block, k], centres[block, k], margin[block, k])
            if k > 0:
                found[block] = np.where((found[block] == 0) & (fits.sum(axis=1) == 1), k + 1, found[block])
    return found


def _fitting(
    cells: NDArray[np.float32],
    columns: NDArray[np.intp],
    centres: NDArray[np.float32],
    margin: NDArray[np.float32],
    lengths: NDArray[np.intp],
) -> Matches:
    """Return which rows fit the first `lengths` columns of each predicate."""
    sizes, rows = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
    for block in _blocks(len(columns), cells.shape[1]):
        fits = np.ones((len(columns[block]), cells.shape[1]), dtype=bool)
        for k in range(int(lengths[block].max())):
            asked = np.flatnonzero(lengths[block] > k)
            fits[asked] &= _near(cells, columns[block, k][asked], centres[block, k][asked], margin[block, k][asked])
        sizes.append(fits.sum(axis=1))
        rows.append(np.nonzero(fits)[1])
    return Matches(np.concatenate(sizes), np.concatenate(rows), float(lengths.mean()) if len(lengths) else 0.0)


def _near(
    cells: NDArray[np.float32], columns: NDArray[np.intp], centres: NDArray[np.float32], margin: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Return which rows' cells lie within the margin of each predicate's centre, (predicates, rows)."""
    return np.asarray(np.abs(cells[columns] - centres[:, None]) <= margin[:, None])


def _blocks(predicates: int, rows: int) -> list[slice]:
    size = max(1, _BLOCK // rows)
    return [slice(start, min(start + size, predicates)) for start in range(0, predicates, size)]
