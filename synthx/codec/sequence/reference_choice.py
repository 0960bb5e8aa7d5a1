"""The choice of what each number of a sequence is measured from: whichever leaves the least entropy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthx.codec.sequence.history import History
from synthx.codec.sequence.references import Reference, crookedness

__all__ = ["choose_references", "entropy"]

Floats = NDArray[np.float64]

SAMPLE = 20_000
PIECES = 100
LEAST_NEARNESS = 1.2
"""The logarithm of how many times nearer values must be to their column's last value than to its median, on average.
Where they are not, the series is mostly noise around what moves slowly: levels then keep it where it belongs, and sums
of distances would drift."""
STICKY = 0.3
"""The share of values that repeat the last one exactly from which on a series is measured from it all the same."""
LEAST_GAIN_OF_SHAPE = 0.1
"""Nats that moving the last value on must save beyond that value, or a ratio beyond a difference."""
LEAST_GAIN_OF_ANOTHER = 0.25
"""Nats that a reference to another column must save beyond one to the column itself."""
ALIKE = 0.9
"""The least correlation of two columns that may be measured from each other."""
FINEST = 1e-6
"""What counts as equal, as a share of a column's range."""


def entropy(values: Floats, finest: float) -> float:
    """Return the differential entropy of values in nats, by pieces that hold equally many (Vasicek 1976).

    Parameters
    ----------
    values : float array, shape (n,)
        Without missing ones.
    finest : float
        The least width of a piece: the step of a grid, or what counts as equal.
    """
    if len(values) == 0:
        return 0.0
    ordered = np.sort(values)
    pieces = min(PIECES, len(ordered))
    ends = np.linspace(0, len(ordered), pieces + 1).astype(int)
    edges = np.concatenate([ordered[ends[:-1]], ordered[-1:]])
    widths, shares = np.diff(edges), np.diff(ends) / len(ordered)
    single = widths == 0
    goes_on = single[1:] & single[:-1] & (edges[1:-1] == edges[:-2])  # one value fills several pieces
    piece = np.concatenate([[0], np.cumsum(~goes_on)])
    joined, breadths = np.bincount(piece, shares), np.maximum(np.bincount(piece, widths), finest)
    return float((joined * np.log(breadths / joined)).sum())


def choose_references(
    values: Floats,
    history: History,
    steps: Sequence[float],
    times: Sequence[bool],
    *,
    time: int | None,
) -> tuple[Reference | None, ...]:
    """Choose for each column what it is measured from.

    Parameters
    ----------
    values : float array, shape (steps, columns)
        NaN where missing.
    history : History
        What is known before each step.
    steps : sequence of float
        The step of each column's grid; 0 for any number.
    times : sequence of bool
        Which columns are points in time; these are only measured from each other.
    time : int, optional
        The column of the time, which is always measured from the last step's.

    Returns
    -------
    tuple of Reference or None
        None for a column that is coded as it stands. References at the same step form no circle.
    """
    rows = np.unique(np.linspace(0, len(values) - 1, min(SAMPLE, len(values))).astype(int))
    positive = np.asarray(~(values <= 0).any(axis=0))
    search = _Search(values[rows], history.pick(rows), steps, times, positive)
    chosen: list[Reference | None] = [search.itself(column) for column in range(values.shape[1])]
    if time is not None:
        chosen[time] = Reference(time)
    others = [column for column in range(values.shape[1]) if column != time]
    gains = []
    for column in others:
        candidates = [
            reference
            for other in search.alike(column)
            if times[other] == times[column]
            for reference in (Reference(other, now=True), Reference(other))
            if not (other == time and not reference.now)
        ]
        candidates += search.totals(column, [other for other in others if not times[other]])
        gains += [(search.saved(column, reference, chosen[column]), column, reference) for reference in candidates]
    settled: set[int] = set()
    for gain, column, reference in sorted(gains, key=lambda found: -found[0]):
        circle = any(column in _followed(other, chosen) for other in reference.needed)
        if gain >= LEAST_GAIN_OF_ANOTHER and column not in settled and not circle:
            chosen[column] = reference
            settled.add(column)
    for column in others:
        if column not in settled:
            chosen[column] = search.recurring(column, chosen[column])
    return tuple(
        reference if column == time else search.as_ratio(column, reference) for column, reference in enumerate(chosen)
    )


def _followed(column: int, chosen: Sequence[Reference | None]) -> set[int]:
    """Return a column and all that it is measured from at the same step."""
    seen, open_ended = {column}, [column]
    while open_ended:
        reference = chosen[open_ended.pop()]
        more = [] if reference is None else [other for other in reference.needed if other not in seen]
        seen.update(more)
        open_ended += more
    return seen


def _nats(distances: Floats, values: Floats, reference: Reference | None, finest: float) -> float:
    """Return the entropy of values, shape (n,), by their distances from a reference, or their own."""
    if reference is None or not reference.ratio or not len(values):
        return entropy(distances, finest)
    scale = float(np.log(values).mean())  # a distance of d is one of d times the value
    return entropy(distances, finest * math.exp(-scale)) + scale


def _near(values: Floats, distances: Floats, finest: float) -> bool:
    """Return whether values are near enough to be measured by these distances, and not mostly noise about a level."""
    spread = float(np.abs(values - np.median(values)).mean())
    near = float(distances.mean()) * math.exp(LEAST_NEARNESS) <= spread
    sticky = float((distances <= finest / 2).mean()) >= STICKY
    return spread > 0 and (near or sticky)


class _Search:
    def __init__(
        self,
        values: Floats,
        history: History,
        steps: Sequence[float],
        times: Sequence[bool],
        positive: NDArray[np.bool_],
    ) -> None:
        self.values, self.history = values, history
        self.steps, self.times, self.positive = steps, times, positive
        self.kinds = max(1, history.happened.shape[1])
        ranges = np.array(
            [np.ptp(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0 for column in values.T]
        )
        self.finest = np.maximum(np.array(steps), FINEST * np.maximum(ranges, 1e-300))
        self.levels = [entropy(column[~np.isnan(column)], self.finest[i]) for i, column in enumerate(values.T)]

    def itself(self, column: int) -> Reference | None:
        """Return the column's own last value, or that moved on, where it is near enough."""
        last, onward = Reference(column), Reference(column, onward=True)
        chosen = onward if self.saved(column, onward, last) >= LEAST_GAIN_OF_SHAPE else last
        values = self.values[:, column]
        distances = np.abs(values - chosen.of(self.values, self.history))
        known = ~np.isnan(distances)
        if not known.any():
            return None
        if not _near(values[known], distances[known], self.finest[column]):
            return None
        off = crookedness(values - last.of(self.values, self.history), self.steps[column])
        bends = chosen.onward and float((distances[known] <= off).mean()) >= STICKY
        return Reference(column, straight=True) if bends else chosen

    def saved(self, column: int, reference: Reference, instead_of: Reference | None) -> float:
        """Return how many nats a filled cell saves by a reference, compared with another or with none."""
        return self._cost(column, instead_of) - self._cost(column, reference)

    def _cost(self, column: int, reference: Reference | None) -> float:
        if reference is None:
            return self.levels[column]
        values = self.values[:, column]
        filled = ~np.isnan(values)
        difference = reference.distance(values, reference.of(self.values, self.history))[filled]
        known = ~np.isnan(difference)
        share = float(known.mean()) if len(known) else 0.0
        finest = max(self.finest[column], self.steps[reference.column])
        told = _nats(difference[known], values[filled][known], reference, finest)
        return share * told + (1 - share) * self.levels[column]

    def totals(self, column: int, others: Sequence[int]) -> list[Reference]:
        """Return references to the last value plus or minus another column, where many values are just that."""
        values, last = self.values[:, column], self.history.values[:, column]
        move = values - last
        known = ~np.isnan(move)
        if self.times[column] or not known.any():
            return []
        found = []
        for other in others:
            added = np.nan_to_num(self.values[:, other])
            filled = known & (added != 0)
            if other == column or filled.sum() < PIECES:
                continue
            finest = min(self.finest[column], self.finest[other])
            exact = {sign: np.abs(move - sign * added) < finest / 2 for sign in (1, -1, 0)}
            counts = [
                {sign: int((hits & filled & (self.history.kind == kind)).sum()) for sign, hits in exact.items()}
                for kind in range(self.kinds)
            ]
            signs = tuple(max(count, key=count.__getitem__) for count in counts)
            hits = sum(count[sign] for count, sign in zip(counts, signs, strict=True) if sign)
            if hits >= STICKY * filled.sum():
                found.append(Reference(column, plus=other, signs=signs))
        return found

    def recurring(self, column: int, chosen: Reference | None) -> Reference | None:
        """Return a reference to the last step of the same kind, for the kinds in which that saves enough, or `chosen`.

        Of each kind by itself: what kind a step is is known by then, and levels differ from kind to kind. By ratio
        among positive numbers, unless differences are clearly better: sums differ in size from kind to kind, and a
        ratio never leads below zero.
        """
        if self.times[column] or np.isnan(self.history.recalled[:, column]).all():
            return chosen
        everywhere = Reference(column, recurring=(True,) * self.kinds)
        best, saved, useful = everywhere, *self._saved_by_kind(column, everywhere, chosen)
        if self.positive[column]:
            ratio = everywhere._replace(ratio=True)
            more, where = self._saved_by_kind(column, ratio, chosen)
            if more >= saved - LEAST_GAIN_OF_SHAPE:
                best, saved, useful = ratio, more, where
        enough = LEAST_GAIN_OF_SHAPE if chosen is None else LEAST_GAIN_OF_ANOTHER
        return best._replace(recurring=useful) if any(useful) and saved >= enough else chosen

    def _saved_by_kind(
        self, column: int, reference: Reference, chosen: Reference | None
    ) -> tuple[float, tuple[bool, ...]]:
        """Return the nats that a cell saves by a reference in the kinds where it does, and in which; else by levels."""
        values, kind, finest = self.values[:, column], self.history.kind, self.finest[column]
        before = values if chosen is None else chosen.distance(values, chosen.of(self.values, self.history))
        distances = reference.distance(values, reference.of(self.values, self.history))
        known = ~np.isnan(distances) & ~np.isnan(before)
        useful, saved = [False] * self.kinds, 0.0
        for each in np.unique(kind[known]).tolist():
            here = known & (kind == each)
            cost = _nats(before[here], values[here], chosen, finest)
            gain = cost - _nats(distances[here], values[here], reference, finest)
            scaled = np.log(values[here]) if reference.ratio else values[here]
            kept = _near(scaled, np.abs(distances[here]), 0.0 if reference.ratio else finest)
            useful[each] = bool(here.sum() >= PIECES and gain >= LEAST_GAIN_OF_SHAPE and kept)
            saved += float(here.sum()) * (gain if useful[each] else min(0.0, cost - entropy(values[here], finest)))
        return saved / max(1, int(known.sum())), tuple(useful)

    def as_ratio(self, column: int, reference: Reference | None) -> Reference | None:
        """Return a reference as one by ratio, where that saves enough."""
        if (
            reference is None
            or reference.onward
            or reference.straight
            or reference.recurring
            or reference.plus is not None
        ):
            return reference
        if self.times[column] or not self.positive[[column, reference.column]].all():
            return reference
        ratio = reference._replace(ratio=True)
        return ratio if self.saved(column, ratio, reference) >= LEAST_GAIN_OF_SHAPE else reference

    def alike(self, column: int) -> list[int]:
        """Return the columns that correlate with a column where both are filled."""
        found = []
        for other in range(self.values.shape[1]):
            both = ~np.isnan(self.values[:, column]) & ~np.isnan(self.values[:, other])
            if other == column or both.sum() < PIECES:
                continue
            a, b = self.values[both, column], self.values[both, other]
            spread = a.std() * b.std()
            if spread > 0 and ((a - a.mean()) * (b - b.mean())).mean() >= ALIKE * spread:
                found.append(other)
        return found
