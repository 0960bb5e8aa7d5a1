"""Two halves of the training rows, and as many synthetic ones: how far would two real samples agree?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Definition, Measure
from synthx_evaluation.target_rows import TargetRows, needless, target_rows

__all__ = ["Halves", "halves"]

_MOST = 5_000
"""Rows that a model learns from or is tested on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Halves:
    """As many synthetic rows as there are in either half of the training rows.

    Agreement of the synthetic rows with the first half is compared with that of the second half (the anchor): two real
    samples never agree fully.

    Parameters
    ----------
    data : TargetRows
        The synthetic rows, the first half as `train`, and the holdout.
    second : array (rows, d)
        The second half.
    """

    data: TargetRows
    second: Floats

    @property
    def sources(self) -> tuple[Floats, Floats, Floats]:
        """The first half, the synthetic rows, the second half."""
        return self.data.train, self.data.synthetic, self.second

    @property
    def features(self) -> NDArray[np.intp]:
        """The columns other than the target."""
        return np.flatnonzero(np.arange(self.second.shape[1]) != self.data.place)


def halves(comparison: Comparison, definitions: Sequence[Definition]) -> Halves | list[Measure]:
    """Return the rows, or a record for each definition of why there are none."""
    seed, reason = comparison.seed, needless(comparison)
    target = comparison.target
    if target is None or reason:
        return [item.not_applicable(reason, seed=seed) for item in definitions]
    whole = target_rows(comparison, comparison.tables.names.index(target.name))
    rows = min(len(whole.train) // 2, len(whole.synthetic), _MOST)
    data = TargetRows(whole.place, whole.synthetic[:rows], whole.train[:rows], whole.holdout[:_MOST])
    second = whole.train[rows : 2 * rows]
    again = dataclasses.replace(data, train=second)
    problem = data.problem(comparison, target.name) or again.problem(comparison, target.name)
    if problem:
        problem = problem.replace("train rows", "rows of half of the training table")
        return [item.skipped(problem, seed=seed) for item in definitions]
    return Halves(data, second)
