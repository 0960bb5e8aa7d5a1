"""Which values of a column of numbers get codes of their own, and where the others are cut."""

from __future__ import annotations

import numpy as np

from synthx.codec.holders import Sharing

__all__ = ["choose_knots", "choose_spikes", "positions_of"]

KNOTS_PER_BIN = 8
SPIKE_SHARE = 1 / 2_000
"""A value is a spike where it holds at least this share of the filled cells, and at least `rare_threshold` rows."""
NEIGHBOURS = 10
STANDS_OUT = 3
"""A value stands out where it is this many times as frequent as its 10 neighbours on either side (their median)."""


def choose_spikes(counts: np.ndarray, sharing: Sharing, most: int) -> np.ndarray:
    """Return which distinct values get codes of their own, from their counts in ascending order; shape (distinct,).

    All frequent values of a column with few values do. Of a column with many, those that stand out from their
    neighbours: a smooth histogram has no spikes, however many rows it counts.
    """
    if len(counts) <= most:
        return _only_shared(counts >= sharing.least, counts, sharing)
    neighbours = np.lib.stride_tricks.sliding_window_view(
        np.pad(counts, NEIGHBOURS, mode="reflect"), 2 * NEIGHBOURS + 1
    )
    spikes: np.ndarray = counts >= np.maximum(STANDS_OUT * np.median(neighbours, axis=1), sharing.rows * SPIKE_SHARE)
    spikes = _only_shared(spikes & (counts >= sharing.least), counts, sharing)
    if spikes.sum() > most:
        spikes &= counts > np.partition(counts[spikes], -most - 1)[-most - 1]
    return spikes


def _only_shared(spikes: np.ndarray, counts: np.ndarray, sharing: Sharing) -> np.ndarray:
    """Return those of the chosen values that enough holders share; shape (distinct,)."""
    if sharing.holders is not None:
        ends = np.cumsum(counts)
        for value in np.flatnonzero(spikes):
            spikes[value] = sharing.is_enough(int(ends[value] - counts[value]), int(ends[value]))
    return spikes


def choose_knots(
    distinct: np.ndarray, counts: np.ndarray, sharing: Sharing, max_bins: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the values that are not spikes into pieces of equally many rows; return knots and positions.

    The candidates for a cut are the midpoints between neighbouring distinct values.
    """
    rest, rare_threshold = sharing.rows, sharing.least
    if not sharing.is_enough():
        return np.empty(0), np.empty(0)
    midpoints = (distinct[1:] + distinct[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    apart = (midpoints > distinct[:-1]) & (midpoints < distinct[1:])  # False where floats are too close to part
    midpoints, below = midpoints[apart], below[apart]
    lowest = int(np.searchsorted(below, sharing.end_from(0)))
    highest = int(np.searchsorted(below, sharing.start_to(rest), side="right")) - 1
    # Where rows count, those beyond the outermost cuts suffice; an entity may have rows on either side of them.
    alone = sharing.holders is not None and highest > lowest and not sharing.is_enough(*below[[lowest, highest]])
    if highest <= lowest or alone:
        centre = (
            float(np.average(distinct, weights=counts))
            if len(midpoints) == 0
            else float(midpoints[len(midpoints) // 2])
        )
        return np.array([centre, centre]), np.array([0.0, 1.0])
    bins = int(np.clip(round(max_bins * rest / rows), min(8, rest // (2 * rare_threshold)), rest // rare_threshold))
    pieces = int(np.clip(rest // rare_threshold, 1, max(bins, 1) * KNOTS_PER_BIN))
    wanted = np.linspace(below[lowest], below[highest], pieces + 1)
    cuts = np.unique(np.clip(np.searchsorted(below, wanted), lowest, highest))
    cuts = _drop_light(cuts, below, sharing)
    mass = (below[cuts] - below[cuts[0]]) / (below[cuts[-1]] - below[cuts[0]])
    return midpoints[cuts], positions_of(mass, max(bins, 1))


def _drop_light(cuts: np.ndarray, below: np.ndarray, sharing: Sharing) -> np.ndarray:
    """Drop cuts until enough share each piece; the two outermost stay."""
    kept = [int(cuts[0])]
    end, last = sharing.end_from(int(below[cuts[0]])), sharing.start_to(int(below[cuts[-1]]))
    for cut in map(int, cuts[1:-1]):
        if end <= below[cut] <= last:
            kept.append(cut)
            end = sharing.end_from(int(below[cut]))
    return np.array([*kept, int(cuts[-1])])


def positions_of(mass: np.ndarray, bins: int) -> np.ndarray:
    """Turn cumulative shares of rows, from 0 to 1, into positions so that whole positions fall on knots.

    A bin is a run of pieces; a heavy piece is a bin of its own, so there may be fewer bins than asked for.
    """
    ends = np.unique(np.searchsorted(mass, np.arange(1, bins + 1) / bins - 1e-12))  # last knot of each bin
    starts = np.concatenate([[0], ends[:-1]])
    bin_of = np.searchsorted(ends, np.arange(len(mass)))
    inside = (mass - mass[starts[bin_of]]) / (mass[ends[bin_of]] - mass[starts[bin_of]])
    positions: np.ndarray = bin_of + inside
    return positions
