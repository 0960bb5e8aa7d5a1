"""A noisy histogram of one column of numbers that is finer where the numbers are.

The numbers are places on a grid, 0 to ``size - 1``. The grid is cut into a few parts; each part that holds enough,
by its noisy count, is cut again, and so on for a fixed number of levels. A number lies in at most one part of a level,
so each level is one query of L2 sensitivity 1, and which parts a level asks about follows from the noisy counts before
it (the idea of hierarchical histograms, Hay et al. 2010, arXiv:0904.0942, and of PrivTree, Zhang et al. 2016,
arXiv:1601.03229). Counts of a part and of its parts are then made to agree by weighted least squares, which costs
nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synthx_privacy.ledger import Account

__all__ = ["Intervals", "cuts_of", "measure_intervals", "round_places", "without_negatives"]

AT_ONCE = 64
"""A grid of so many places is measured in one level, place by place."""
FULLY = 48
"""A grid is cut down to single places in up to three levels if that takes no more than so many parts a part …"""
ROUGHLY = 24
"""… else it is cut three times into about so many, and then round values are told from what is around them."""
LEVELS = 3
STANDS_OUT = 4.0
"""A part is cut further where its noisy count exceeds this many standard deviations of the noise …"""
LEAST_SHARE = 1 / 400
"""… and this share of all."""
ABOVE_NOISE = 3.0
"""Parts at the ends count where together they exceed this many standard deviations of their noise."""


@dataclasses.dataclass(frozen=True)
class Intervals:
    """A noisy histogram; all of it may be published.

    Parameters
    ----------
    edges : int array, shape (parts + 1,)
        Part i holds the places from ``edges[i]`` to before ``edges[i + 1]``.
    counts : float array, shape (parts,)
        Noisy counts, none negative.
    deviations : float array, shape (parts,)
        Standard deviations of their noise, about.
    missing : float
        The noisy count of missing numbers, not negative.
    """

    edges: np.ndarray
    counts: np.ndarray
    deviations: np.ndarray
    missing: float

    @property
    def widths(self) -> np.ndarray:
        return np.diff(self.edges)


def cuts_of(size: int) -> tuple[int, ...]:
    """Return how many places a part has on each level, from the coarsest to the finest; of the grid's size alone.

    A last 0 stands for the level on which round values are told from what is around them.
    """
    if size <= AT_ONCE:
        return (1,)
    levels = min(LEVELS, math.ceil(math.log(size) / math.log(FULLY)))
    in_full = size <= FULLY**LEVELS
    parts = math.ceil(size ** (1 / levels)) if in_full else ROUGHLY
    widths = [size]
    for _ in range(levels):
        widths.append(-(-widths[-1] // parts))
    return tuple(widths[1:]) if in_full else (*widths[1:], 0)


@dataclasses.dataclass
class _Level:
    """The parts of one level, in the order of their places; the last of the first level stands for missing."""

    starts: np.ndarray
    ends: np.ndarray
    parent: np.ndarray
    estimates: np.ndarray
    variances: np.ndarray
    is_cut: np.ndarray


def measure_intervals(
    account: Account,
    phases: Sequence[str],
    places: np.ndarray,
    size: int,
    *,
    origin: int,
    total: float,
    total_deviation: float,
) -> Intervals:
    """Measure one column.

    Parameters
    ----------
    account : Account
        Pays for the levels.
    phases : sequence of str
        One planned phase a level, as many as `cuts_of` gives.
    places : int array, shape (rows,)
        Of the numbers on the grid; -1 for missing.
    size : int
        Of the grid.
    origin : int
        The number that the first place stands for, in steps of the grid; it says which places are round.
    total, total_deviation : float
        The noisy count of rows and the standard deviation of its noise.
    """
    from synthx_privacy.mechanisms import noisy_counts

    levels: list[_Level] = []
    starts, ends = np.array([0], np.int64), np.array([size], np.int64)
    cut = np.array([True])
    for phase, width in zip(phases, cuts_of(size), strict=True):
        first = not levels
        parts = np.flatnonzero(cut)
        level = (
            _children(starts, ends, parts, width, with_missing=first)
            if width
            else _around(starts, ends, parts, round_places(starts[parts], ends[parts], origin))
        )
        sigma = account.deviation(phase)
        query = _count(places, level, missing=first)
        level.estimates = noisy_counts(account, phase, query).astype(np.float64)
        level.variances = np.full(len(query), sigma**2)
        enough = level.estimates > max(STANDS_OUT * sigma, LEAST_SHARE * total)
        level.is_cut = enough & (level.ends - level.starts > 1)
        levels.append(level)
        starts, ends, cut = level.starts, level.ends, level.is_cut
    levels[-1].is_cut[:] = False
    _agree(levels, total, total_deviation**2)
    return _leaves(levels, size, total)


def _children(starts: np.ndarray, ends: np.ndarray, cut: np.ndarray, width: int, *, with_missing: bool) -> _Level:
    """Cut parts into parts of `width` places."""
    counts = -(-(ends[cut] - starts[cut]) // width)
    parent = np.repeat(cut, counts)
    inside = np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[parent] + inside * width
    last = np.minimum(first + width, ends[parent])
    if with_missing:
        first, last, parent = np.append(first, -1), np.append(last, 0), np.append(parent, 0)
    nothing = np.empty(0)
    return _Level(first, last, parent, nothing, nothing, np.empty(0, bool))


def _around(starts: np.ndarray, ends: np.ndarray, cut: np.ndarray, middle: np.ndarray) -> _Level:
    """Cut parts into what is below a place, the place, and what is above it; what would be empty is left out."""
    edges = np.stack([starts[cut], middle, middle + 1, ends[cut]], axis=1)
    filled = edges[:, 1:] > edges[:, :-1]
    nothing = np.empty(0)
    parent = np.repeat(cut[:, None], 3, axis=1)[filled]
    return _Level(edges[:, :-1][filled], edges[:, 1:][filled], parent, nothing, nothing, np.empty(0, bool))


def round_places(starts: np.ndarray, ends: np.ndarray, origin: int) -> np.ndarray:
    """Return the roundest place from each start to before each end: the multiple of the highest power of ten.

    Examples
    --------
    >>> round_places(np.array([0, 960, 7]), np.array([5, 1_040, 9]), origin=0)
    array([   0, 1000,    7])
    """
    found = starts.copy()
    undecided = np.ones(len(starts), bool)
    for power in range(17, 0, -1):
        ten = 10**power
        first = -(-(starts + origin) // ten) * ten - origin
        fits = undecided & (first < ends)
        found[fits] = first[fits]
        undecided &= ~fits
    return found


def _count(places: np.ndarray, level: _Level, *, missing: bool) -> np.ndarray:
    """Return how many numbers lie in each part of a level."""
    starts, ends = (level.starts[:-1], level.ends[:-1]) if missing else (level.starts, level.ends)
    counts = np.zeros(len(starts) + int(missing), np.int64)
    if len(starts):
        filled = places[places >= 0]
        part = np.searchsorted(starts, filled, side="right") - 1
        inside = (part >= 0) & (filled < ends[part])
        counts[: len(starts)] = np.bincount(part[inside], minlength=len(starts))
    if missing:
        counts[-1] = int((places < 0).sum())
    return counts


def _agree(levels: list[_Level], total: float, total_variance: float) -> None:
    """Make the counts of parts and of their parts agree: the least-squares estimate, up the tree and down again."""
    for below, level in zip(levels[:0:-1], levels[-2::-1], strict=True):
        sums = np.bincount(below.parent, below.estimates, minlength=len(level.starts))
        spread = np.bincount(below.parent, below.variances, minlength=len(level.starts))
        cut = level.is_cut
        weight = level.variances[cut] / (level.variances[cut] + spread[cut])  # of the sum of its parts
        level.estimates[cut] += weight * (sums[cut] - level.estimates[cut])
        level.variances[cut] *= 1 - weight
    top = levels[0]
    spread_of_all = top.variances.sum()
    gap = (total - top.estimates.sum()) * spread_of_all / (spread_of_all + total_variance)
    top.estimates += gap * top.variances / spread_of_all
    for above, level in itertools.pairwise(levels):
        sums = np.bincount(level.parent, level.estimates, minlength=len(above.starts))
        spread = np.bincount(level.parent, level.variances, minlength=len(above.starts))
        gaps = above.estimates - sums
        level.estimates += gaps[level.parent] * level.variances / np.maximum(spread[level.parent], 1e-300)


def _leaves(levels: list[_Level], size: int, total: float) -> Intervals:
    """Return the parts that are not cut further."""
    starts, counts, variances = [], [], []
    for index, level in enumerate(levels):
        kept = ~level.is_cut
        if index == 0:
            kept[-1] = False
        starts.append(level.starts[kept])
        counts.append(level.estimates[kept])
        variances.append(level.variances[kept])
    order = np.argsort(np.concatenate(starts), kind="stable")
    missing = max(0.0, float(levels[0].estimates[-1]))
    estimates = np.concatenate(counts)[order]
    deviations = np.sqrt(np.concatenate(variances)[order])
    low, high = _outer_ends(levels[0])
    inside = (np.concatenate(starts)[order] >= low) & (np.concatenate(starts)[order] < high)
    filled = np.zeros(len(estimates))
    filled[inside] = without_negatives(estimates[inside], max(1.0, total - missing), deviations[inside])
    return Intervals(np.append(np.concatenate(starts)[order], size), filled, deviations, missing)


def _outer_ends(level: _Level) -> tuple[int, int]:
    """Return where the outermost parts begin and end of which all beyond hold no more than noise explains.

    Wide bounds leave much room for noise: a count here and there far from all numbers would stretch the column.
    """
    counts, spread = level.estimates[:-1], level.variances[:-1]  # without the part for missing numbers
    first, last = 0, len(counts) - 1
    above = np.cumsum(counts) > ABOVE_NOISE * np.sqrt(np.cumsum(spread))
    below = np.cumsum(counts[::-1]) > ABOVE_NOISE * np.sqrt(np.cumsum(spread[::-1]))
    if above.any() and below.any():
        first, last = int(above.argmax()), len(counts) - 1 - int(below.argmax())
    if first > last:
        first, last = 0, len(counts) - 1
    return int(level.starts[first]), int(level.ends[last])


def without_negatives(counts: np.ndarray, total: float, deviations: np.ndarray | None = None) -> np.ndarray:
    """Return counts of the given total, none negative, nearest to the noisy ones by least squares.

    The nearest point of a simplex lowers all counts by a multiple of their variances and cuts off at zero.
    """
    weights: Any = np.ones(len(counts)) if deviations is None else np.maximum(deviations, 1e-9) ** 2
    breaks = counts / weights
    order = np.argsort(-breaks)
    above = (np.cumsum(counts[order]) - total) / np.cumsum(weights[order])  # the multiple, if so many stay above zero
    stay = int(np.flatnonzero(breaks[order] > above)[-1]) if (breaks[order] > above).any() else 0
    lowered: np.ndarray = np.maximum(0.0, counts - above[stay] * weights)
    return lowered
