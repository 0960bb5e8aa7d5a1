"""The rows that models of the target learn from and are tested on, and why there may be none."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats

__all__ = ["TargetRows", "needless", "target_rows"]

_FEWEST = 50
_FEWEST_OF_A_CLASS = 5
_MOST_CLASSES = 20
_MOST = 50_000
"""Rows to train on: more make a model slower than better."""


def needless(comparison: Comparison) -> str:
    """Return why the question does not arise; empty where it does."""
    target, names = comparison.target, comparison.tables.names
    if target is None:
        return "no target is named"
    if target.name not in names or not (target.kind.is_discrete or target.kind.is_number):
        return f"the target {target.name!r} is {target.kind}, neither discrete nor a number"
    if comparison.tables.holdout is None:
        return "needs a holdout to test on"
    if len(names) < 2:
        return f"the target {target.name!r} is the only column to learn"
    return ""


@dataclasses.dataclass(frozen=True, slots=True)
class TargetRows:
    """Rows whose target is known; the target is column `place` of each matrix."""

    place: int
    synthetic: Floats
    train: Floats
    holdout: Floats

    def target(self, rows: Floats) -> Floats:
        return np.asarray(rows[:, self.place])

    def problem(self, comparison: Comparison, name: str) -> str:
        """Return why these rows cannot answer; empty where they can."""
        for table, rows in (("synthetic", self.synthetic), ("train", self.train), ("holdout", self.holdout)):
            if len(rows) < _FEWEST:
                return f"needs {_FEWEST} {table} rows whose {name!r} is known, there are {len(rows)}"
            distinct = np.unique(self.target(rows))
            labels = comparison.tables.levels[self.place]
            if len(distinct) == 1:
                only = labels[int(distinct[0])] if labels else format(distinct[0], "g")
                return f"all {table} rows hold {only!r} in {name!r}: nothing can be learned or tested"
            if labels and len(distinct) > _MOST_CLASSES:
                return f"{name!r} has {len(distinct)} levels in the {table} rows, more than {_MOST_CLASSES}"
        if comparison.tables.levels[self.place] and not self.scored():
            return f"no class of {name!r} has {_FEWEST_OF_A_CLASS} training and {_FEWEST_OF_A_CLASS} holdout rows"
        return ""

    def scored(self) -> list[float]:
        """Return the classes to score: the rarer of two, or all of more; those with enough real rows."""
        trained, counts = np.unique(self.target(self.train), return_counts=True)
        rare_first = trained[np.argsort(counts, kind="stable")]
        wanted = rare_first[:1] if len(trained) == 2 else trained
        tested = self.target(self.holdout)
        found = {level: int((tested == level).sum()) for level in wanted.tolist()}
        known = dict(zip(trained.tolist(), counts.tolist(), strict=True))
        return [
            level for level, rows in found.items() if min(rows, len(tested) - rows, known[level]) >= _FEWEST_OF_A_CLASS
        ]


def target_rows(comparison: Comparison, place: int) -> TargetRows:
    """Return the rows of each table whose cell in column `place` is known; as many synthetic as training ones drawn."""
    tables = comparison.equal
    assert tables.holdout is not None
    parts = (tables.synthetic, tables.train, tables.holdout)
    known = [rows[~np.isnan(rows[:, place])] for rows in parts]
    return TargetRows(place, known[0][:_MOST], known[1][:_MOST], known[2])
