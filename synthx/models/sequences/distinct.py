"""How much sequences hold: windows of one series share their steps, and what is seen often is soon known by heart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.sequence.steps import CodedSteps

__all__ = ["distinct_steps"]

TOGETHER = 3
"""Steps that have to be the same: one alone may well be, where a step has few columns."""


def distinct_steps(steps: CodedSteps, starts: NDArray[np.int64]) -> int:
    """Return how many of some steps tell something of their own.

    A step tells nothing new if it and the next two stand in another place, too. Twenty-four windows that hold the same
    steps, each a step later than the one before, hold little more than one of them.

    Parameters
    ----------
    steps : CodedSteps
    starts : int array, shape (sequences,)
        The first step of each sequence, ascending.
    """
    count = len(steps.codes)
    whole = np.ones(count, bool)
    for back in range(1, TOGETHER):
        whole[(np.append(starts[1:], count) - back).clip(min=0)] = False  # fewer steps follow in the sequence
    first = np.flatnonzero(whole)
    if not len(first):
        return count
    cells = pd.concat([pd.DataFrame(steps.values), pd.DataFrame(steps.codes[:, ~steps.measured.any(axis=0)])], axis=1)
    step = pd.util.hash_pandas_object(cells, index=False).to_numpy()
    runs = pd.DataFrame({place: step[first + place] for place in range(TOGETHER)})
    return max(1, round(count * float((~runs.duplicated()).mean())))
