"""Which arm wins with a learner, told on folds that did not choose it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx_evaluation.augmentation.arms import NOTHING, REAL, WEIGHTS
from synthx_evaluation.augmentation.curve import Curve, Worth
from synthx_evaluation.augmentation.intervals import Difference, chosen_elsewhere, corrected_difference
from synthx_evaluation.encoding import Floats

__all__ = ["Contest", "Field", "Gain", "contest", "label"]

Arm = tuple[str, str]
"""A family and a ratio; the ratio is empty where there is none."""


def label(arm: Arm) -> str:
    """Return an arm in words.

    >>> label(("SMOTE", "0.1")), label(("nothing", ""))
    ('SMOTE at 0.1', 'nothing')
    """
    return f"{arm[0]} at {arm[1]}" if arm[1] else arm[0]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """The values of one score of all arms with one learner.

    Parameters
    ----------
    arms : tuple
        k of them.
    values : array (k, folds)
        The higher, the better.
    repeat : array (folds,)
        To which repeat each fold belongs.
    test_share : float
        Rows of a test part over rows of a training part.
    """

    arms: tuple[Arm, ...]
    values: Floats
    repeat: NDArray[np.intp]
    test_share: float

    @classmethod
    def of(cls, scores: pd.DataFrame, learner: str, score: str, test_share: float) -> Field:
        """Return the field of one learner and one score, arms in the order in which they were tried."""
        part = scores[(scores["learner"] == learner) & (scores["score"] == score)]
        table = part.pivot_table(
            index=["family", "ratio"], columns=["repeat", "fold"], values="value", sort=False, observed=True
        )
        repeat = table.columns.get_level_values("repeat").to_numpy(dtype=np.intp)
        return cls(tuple(table.index), table.to_numpy(dtype=np.float64), repeat, test_share)

    def best_of(self, wanted: Callable[[Arm], bool]) -> tuple[Floats, str] | None:
        """Return on each fold the value of the arm that is best on the others, and the arm chosen most often."""
        places = [place for place, arm in enumerate(self.arms) if wanted(arm)]
        if not places:
            return None
        values = self.values[places]
        chosen = chosen_elsewhere(values, self.repeat)
        usual = Counter(self.arms[places[place]] for place in chosen.tolist()).most_common(1)[0][0]
        return values[chosen, np.arange(values.shape[1])], label(usual)

    def values_of(self, arm: Arm) -> Floats:
        return np.asarray(self.values[self.arms.index(arm)])

    def difference(self, values: Floats, others: Floats) -> Difference:
        return corrected_difference(values - others, self.test_share)


@dataclasses.dataclass(frozen=True, slots=True)
class Gain:
    """What rows of a generator are worth with one learner.

    Parameters
    ----------
    arm : str
        The generator and ratio chosen most often.
    score : float
        Mean over folds of what was chosen without the fold.
    over_best, over_nothing : Difference
        Against the best arm without a generator, and against doing nothing.
    worth, worth_low, worth_high : Worth
        The gain over nothing in real cases; at the mean and at the ends of its interval.
    """

    arm: str
    score: float
    over_best: Difference
    over_nothing: Difference
    worth: Worth
    worth_low: Worth
    worth_high: Worth

    @property
    def wins(self) -> bool:
        """Whether the interval against the best other arm excludes 0."""
        return self.over_best.low > 0


@dataclasses.dataclass(frozen=True, slots=True)
class Contest:
    """How the arms fared with one learner.

    Parameters
    ----------
    learner : str
    nothing : float
        The mean score of doing nothing.
    best_other : str
        The arm without a generator that was chosen most often.
    other_score : float
        Mean over folds of what was chosen without the fold.
    over_weights : Difference
        The best of all arms against class weights.
    gain : Gain, optional
        Where there is a generator.
    """

    learner: str
    nothing: float
    best_other: str
    other_score: float
    over_weights: Difference
    gain: Gain | None


def contest(field: Field, learner: str, generators: Collection[str], curve: Curve, rare_learned: int) -> Contest:
    """Let the arms of one learner compete; more real rows are what they are measured by, and do not."""
    nothing = field.values_of((NOTHING, ""))
    other = field.best_of(lambda arm: arm[0] not in (*generators, REAL))
    rest = field.best_of(lambda arm: arm[0] not in (WEIGHTS, REAL))
    assert other is not None and rest is not None  # nothing is among either
    ours = field.best_of(lambda arm: arm[0] in generators)
    gain = None
    if ours is not None:
        values, arm = ours
        over_nothing, base = field.difference(values, nothing), float(nothing.mean())
        worth, low, high = (
            curve.worth(base + gap, rare_learned) for gap in (over_nothing.mean, over_nothing.low, over_nothing.high)
        )
        gain = Gain(arm, float(values.mean()), field.difference(values, other[0]), over_nothing, worth, low, high)
    return Contest(
        learner=learner,
        nothing=float(nothing.mean()),
        best_other=other[1],
        other_score=float(other[0].mean()),
        over_weights=field.difference(rest[0], field.values_of((WEIGHTS, ""))),
        gain=gain,
    )
