"""How far apart two sequences are when their steps may shift a little against each other.

H. Sakoe, S. Chiba, "Dynamic programming algorithm optimization for spoken word recognition", IEEE Transactions on
Acoustics, Speech, and Signal Processing 26 (1978), 43-49; distances by tslearn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.tensor import Places, Sequences

__all__ = ["MOST_STEPS", "standard_steps", "warped"]

MOST_STEPS = 200
"""Steps that time warping looks at: the first ones."""

BAND = 0.1
"""Radius of the Sakoe-Chiba band, as a share of the longer sequence; at least 1 step."""


def standard_steps(comparison: SequenceComparison, part: Sequences) -> list[Floats]:
    """Return the first steps of each sequence, numbers as standard scores of the real ones, each (steps, numbers).

    Missing cells lie at the mean.
    """
    numbers = part.numbers
    real = comparison.real[:, numbers]
    known = np.where(np.isnan(real).all(axis=0), 0.0, real)
    centre, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    # One memory layout, lest the compiled distance be compiled again for another.
    scores = np.ascontiguousarray(np.nan_to_num((part.cells[:, numbers] - centre) / scale))
    ends = part.starts + np.minimum(part.lengths, MOST_STEPS)
    return [scores[low:high] for low, high in zip(part.starts, ends, strict=True)]


def warped(queries: Sequence[Floats], others: Sequence[Floats], candidates: Places) -> Floats:
    """Return the time-warping distances of each query to its candidates among the others, (queries, candidates).

    A tenth of a millisecond for 24 steps of 28 numbers, after ten seconds of compilation.
    """
    from tslearn.metrics import dtw

    found = np.empty(candidates.shape)
    for i, one in enumerate(queries):
        for j, place in enumerate(candidates[i]):
            other = others[place]
            radius = max(1, round(BAND * max(len(one), len(other))))
            # A backend that is named is not looked for in the arrays, which would take a hundred times as long.
            found[i, j] = dtw(one, other, global_constraint="sakoe_chiba", sakoe_chiba_radius=radius, be="numpy")
    return found
