"""How much real rare rows are worth, and how many of them a gain stands for."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.encoding import Floats

__all__ = ["CURVE", "Curve", "Worth"]

CURVE = (25, 50, 100, 200)
"""Numbers of real rare rows to learn from."""


@dataclasses.dataclass(frozen=True, slots=True)
class Worth:
    """How many more real cases would have done as much.

    Parameters
    ----------
    cases : float
        At least 0.
    at_least : bool
        Whether the curve ends before the score is reached, so that it may be more.
    """

    cases: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'more than' if self.at_least else 'about'} {round(self.cases):,}"


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """The mean score of a learner by the number of real rare rows that it learned from, nothing else being done.

    Parameters
    ----------
    rows : array (k,)
        Ascending.
    scores : array (k,)
    """

    rows: Floats
    scores: Floats

    def worth(self, score: float, rows: int) -> Worth:
        """Return how many rare rows beyond `rows` the curve needs to reach `score`.

        The curve is made never to fall, and is straight between its points where rows are on a logarithmic scale. A
        score below that of `rows` rows is worth nothing.
        """
        rising = np.maximum.accumulate(self.scores)
        here = float(np.interp(np.log(rows), np.log(self.rows), rising))
        if score <= here:
            return Worth(0.0)
        if score > rising[-1]:
            return Worth(max(0.0, float(self.rows[-1]) - rows), at_least=True)
        above = int(np.argmax(rising >= score))
        low, high = np.log(self.rows[above - 1]), np.log(self.rows[above])
        share = (score - rising[above - 1]) / (rising[above] - rising[above - 1])
        return Worth(max(0.0, float(np.exp(low + share * (high - low))) - rows))
