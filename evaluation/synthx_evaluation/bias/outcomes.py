"""What models of synthetic rows, and models of training rows, decide about the holdout rows.

Both kinds of model choose as many holdout rows as the outcome's share among training rows demands, those they find
likeliest: so they differ in whom they choose, not in how many, and a rare outcome is chosen at all.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.learners import LEARNERS, Learner

__all__ = ["PARTS", "Decisions", "Outcome", "decisions", "outcome_of"]

Truths: TypeAlias = NDArray[np.bool_]

PARTS = 4
"""Disjoint parts of the rows, of which models are trained to see how much training rows matter."""

_FEWEST_CLASS = 20
_MOST = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome that is decided about: one class of the target against the rest.

    Parameters
    ----------
    target, label : str
        The column and the class; of two classes the rarer, of more the rarest.
    classes : int
        Classes of the target among training rows.
    place : int
        The target's place among the columns.
    synthetic, train, holdout : array (rows, d)
        Rows whose target is known.
    level : int
        The class as a level number.
    """

    target: str
    label: str
    classes: int
    place: int
    level: int
    synthetic: Floats
    train: Floats
    holdout: Floats

    def truth(self, rows: Floats) -> Truths:
        """Return which rows have the outcome, (rows,)."""
        return np.asarray(rows[:, self.place] == self.level)

    @property
    def share(self) -> float:
        """The outcome's share among training rows."""
        return float(self.truth(self.train).mean())

    @property
    def description(self) -> str:
        rest = "" if self.classes == 2 else f", one against the rest: the rarest of {self.classes} classes"
        return f"{self.target} = {self.label}{rest}"


@dataclasses.dataclass(frozen=True, slots=True)
class Decisions:
    """What two models of one kind decide about the holdout rows.

    Parameters
    ----------
    learner : str
    chance : tuple of arrays
        The probability of the outcome by the model of synthetic rows and by that of training rows, each (rows,).
    chosen : tuple of arrays
        Whether either chooses the row, each (rows,).
    by_parts : tuple of lists
        What models of disjoint quarters of the synthetic, and of the training rows, choose; each (rows,).
    """

    learner: str
    chance: tuple[Floats, Floats]
    chosen: tuple[Truths, Truths]
    by_parts: tuple[list[Truths], list[Truths]]


def outcome_of(comparison: Comparison) -> Outcome | tuple[bool, str]:
    """Return the outcome, or whether the question arises at all and why it has no answer."""
    tables, target = comparison.equal, comparison.target
    if target is None:
        return False, "no target is named"
    if target.name not in tables.names or not target.kind.is_discrete:
        return False, f"the target {target.name!r} is {target.kind}, and only a class can be granted or refused"
    if tables.holdout is None:
        return False, "needs a holdout to judge models on"
    if len(tables.names) < 2:
        return False, f"the target {target.name!r} is the only column to learn"
    place = tables.names.index(target.name)
    synthetic, train, holdout = (
        rows[~np.isnan(rows[:, place])] for rows in (tables.synthetic, tables.train, tables.holdout)
    )
    labels = tables.levels[place]
    for table, rows in (("synthetic", synthetic), ("train", train), ("holdout", holdout)):
        levels = np.unique(rows[:, place])
        if len(levels) < 2:
            only = f"hold {labels[int(levels[0])]!r} in" if len(levels) else "lack"
            return True, f"all {table} rows {only} {target.name!r}: nothing can be learned or judged"
    counts = np.bincount(train[:, place].astype(np.intp), minlength=len(labels))
    held = np.bincount(holdout[:, place].astype(np.intp), minlength=len(labels))
    enough = np.flatnonzero((counts >= _FEWEST_CLASS) & (held >= _FEWEST_CLASS))
    if not len(enough):
        return True, f"no class of {target.name!r} has {_FEWEST_CLASS} training and {_FEWEST_CLASS} holdout rows"
    level = int(enough[np.argmin(counts[enough])])
    outcome = Outcome(
        target.name, labels[level], int((counts > 0).sum()), place, level, synthetic[:_MOST], train[:_MOST], holdout
    )
    return _checked(outcome)


def _checked(outcome: Outcome) -> Outcome | tuple[bool, str]:
    for table, rows in (("synthetic", outcome.synthetic), ("train", outcome.train), ("holdout", outcome.holdout)):
        having = int(outcome.truth(rows).sum())
        if min(having, len(rows) - having) < _FEWEST_CLASS:
            shown = having if having >= _FEWEST_CLASS or not having else f"fewer than {_FEWEST_CLASS}"
            return True, (
                f"needs {_FEWEST_CLASS} {table} rows with and without {outcome.target} = {outcome.label}, there are "
                f"{shown} with it among {len(rows)}"
            )
    return outcome


def decisions(comparison: Comparison, outcome: Outcome) -> list[Decisions]:
    """Train a linear and a boosted model on synthetic and on training rows, and let them decide."""
    names = comparison.tables.names
    features = np.flatnonzero(np.arange(len(names)) != outcome.place)
    learners = [learner(comparison.equal, features, comparison.seed) for learner in LEARNERS]
    return [_decide(learner, outcome) for learner in learners]


def _decide(learner: Learner, outcome: Outcome) -> Decisions:
    def chances(rows: Floats) -> Floats:
        truth = outcome.truth(rows).astype(np.float64)
        return np.asarray(learner.class_shares(rows, truth, outcome.holdout, [1.0])[:, 0])

    sides = (outcome.synthetic, outcome.train)
    chance = (chances(sides[0]), chances(sides[1]))
    parts = tuple([_likeliest(chances(part), outcome.share) for part in _split(outcome, rows)] for rows in sides)
    return Decisions(
        learner.name,
        chance,
        (_likeliest(chance[0], outcome.share), _likeliest(chance[1], outcome.share)),
        (parts[0], parts[1]),
    )


def _split(outcome: Outcome, rows: Floats) -> list[Floats]:
    """Deal rows, which are in random order, into four parts with the outcome as frequent in each."""
    truth = outcome.truth(rows)
    part = np.empty(len(rows), dtype=np.intp)
    for side in (truth, ~truth):
        part[side] = np.arange(int(side.sum())) % PARTS
    return [rows[part == i] for i in range(PARTS)]


def _likeliest(chance: Floats, share: float) -> Truths:
    """Choose the share of rows with the highest chances; rows of one chance are chosen or left together."""
    wanted = round(share * len(chance))
    if not wanted:
        return np.zeros(len(chance), dtype=bool)
    least = np.partition(chance, -wanted)[-wanted]
    with_ties, without = chance >= least, chance > least
    choice: Truths = with_ties if int(with_ties.sum()) - wanted <= wanted - int(without.sum()) else without
    return choice
