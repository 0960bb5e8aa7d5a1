"""Which rhythms sequences have: normalised periodograms of complete, evenly spaced runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.contrast import GROUPS, contrast, group_sums
from synthx_evaluation.sequences.tensor import Places, Sequences, positions

__all__ = ["SPECTRUM", "spectrum"]

SPECTRUM = Definition("SEQ-SPECTRUM", "1.0", "Spectrum, difference", Better.LOWER)

_SHORTEST, _LONGEST = 16, 64
_FEWEST = 20
"""Segments of either table below which a column's spectrum is not compared."""

_FLAT = 1e-18
"""Power, in squared standard deviations of the real cells, below which a segment is constant."""


def spectrum(comparison: SequenceComparison) -> list[Measure]:
    """Compare the mean normalised periodogram of every number.

    Only runs of at least 16 steps without missing cells and with the most frequent time between steps are used; they
    are cut into segments of one length (the median run of the real sequences, between 16 and 64 steps), each freed of
    its mean and its power scaled to sum to 1. The value is the total variation distance of the mean periodograms,
    averaged over columns; columns with fewer than 20 segments that vary in a table are left out.
    """
    first = comparison.synthetic
    if not len(first.numbers):
        return [SPECTRUM.not_applicable("no step column holds numbers", seed=comparison.seed)]
    pace = _pace(comparison)
    size = _segment(comparison, pace)
    scale = np.nanstd(np.where(np.isnan(comparison.real).all(axis=0), 0.0, comparison.real), axis=0)

    def sums(sequences: Sequences) -> Floats:
        return _powers(sequences, scale, size, pace)

    def distance(a: Floats, b: Floats) -> Floats:
        (p, n), (q, m) = ((part[..., :-1], part[..., -1:]) for part in (a, b))
        found = 0.5 * np.abs(p / np.maximum(n, 1.0) - q / np.maximum(m, 1.0)).sum(axis=-1)
        return np.where(np.minimum(n, m)[..., 0] >= _FEWEST, found, np.nan)

    reason = f"no number has {_FEWEST} complete, evenly spaced runs of {_SHORTEST} steps that vary in each table"
    names = dict(enumerate(first.names(first.numbers)))
    details = {"segment_steps": size, "time_between_steps": pace}
    return [contrast(comparison, SPECTRUM, sums, distance, names, reason=reason, details=details)]


def _pace(comparison: SequenceComparison) -> float:
    """Return the most frequent time between real steps."""
    gaps = np.concatenate([part.gaps() for part in comparison.parts[1:]])
    gaps = gaps[~np.isnan(gaps)]
    if not len(gaps):
        return 1.0
    distinct, counts = np.unique(gaps, return_counts=True)
    return float(distinct[counts.argmax()])


def _segment(comparison: SequenceComparison, pace: float) -> int:
    """Return the length of the segments."""
    lengths: list[Places] = []
    for part in comparison.parts[1:]:
        lengths += [_runs(part, int(j), pace)[1] for j in part.numbers]
    joined = np.concatenate(lengths)
    long = joined[joined >= _SHORTEST]
    return int(np.clip(np.median(long), _SHORTEST, _LONGEST)) if len(long) else _SHORTEST


def _runs(sequences: Sequences, column: int, pace: float) -> tuple[Places, Places]:
    """Return first row and length of each run of a column without a missing cell or an odd gap."""
    seen = ~np.isnan(sequences.cells[:, column])
    even = np.zeros(len(seen), dtype=bool)  # whether a row goes on from the one before
    rows = sequences.pairs(1)
    even[rows + 1] = np.isclose(sequences.times[rows + 1] - sequences.times[rows], pace, rtol=1e-6, atol=0.0)
    begins: NDArray[np.bool_] = seen.copy()
    begins[1:] &= ~(even[1:] & seen[:-1])
    first = np.flatnonzero(begins)
    if not len(first):
        return first, first
    number = np.cumsum(begins) - 1
    return first, np.bincount(number[seen], minlength=len(first)).astype(np.intp)


def _powers(sequences: Sequences, scale: Floats, size: int, pace: float) -> Floats:
    """Add up normalised periodograms and their number, (groups, numbers, frequencies + 1)."""
    groups = sequences.groups(GROUPS)
    sums = np.zeros((GROUPS, len(sequences.numbers), size // 2 + 1))
    for i, j in enumerate(sequences.numbers):
        first, lengths = _runs(sequences, int(j), pace)
        pieces = lengths // size
        begin = np.repeat(first, pieces) + positions(pieces) * size
        values = sequences.cells[begin[:, None] + np.arange(size), j]  # (segments, size)
        power = np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True), axis=1))[:, 1:] ** 2
        total = power.sum(axis=1, keepdims=True)
        varies = total[:, 0] > _FLAT * max(float(scale[j]), 1e-300) ** 2 * size**2
        shares = power[varies] / total[varies]
        rows = np.concatenate([shares, np.ones((len(shares), 1))], axis=1)
        sums[:, i] = group_sums(rows, groups[begin[varies]])
    return sums
