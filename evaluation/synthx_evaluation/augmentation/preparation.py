"""Frames as matrices, with levels, medians and scales that come from the real rows of one training part only."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.schema import Schema
from synthx_evaluation.encoding import Floats, LevelCap, Tables, encode
from synthx_evaluation.learners import BOOSTED_LEVELS, LinearInputs

__all__ = ["Preparation"]


@dataclasses.dataclass(frozen=True, slots=True)
class Preparation:
    """What is learned of columns before any model: fitted once a fold, shared by all arms and learners.

    Parameters
    ----------
    schema : Schema
        The columns.
    frame : DataFrame
        The real rows of the training part.
    tables : Tables
        The same as a matrix.
    scores : LinearInputs
        From encoded rows to standard scores and indicators.
    levels : LevelCap
        Leaves trees no more levels than they can tell apart.
    """

    schema: Schema
    frame: pd.DataFrame
    tables: Tables
    scores: LinearInputs
    levels: LevelCap

    @classmethod
    def fit(cls, frame: pd.DataFrame, schema: Schema) -> Preparation:
        """Learn from the real rows of a training part."""
        tables = encode(schema, synthetic=frame.iloc[:0], train=frame)
        columns = np.arange(len(tables.columns))
        return cls(schema, frame, tables, LinearInputs.fit(tables, columns), tables.cap(BOOSTED_LEVELS))

    @property
    def discrete(self) -> NDArray[np.bool_]:
        """Which columns hold level numbers, (d,)."""
        return self.tables.discrete

    def encode(self, frame: pd.DataFrame) -> Floats:
        """Return rows as level numbers and numbers, (n, d); a level that the training part lacks is missing."""
        rows = encode(self.schema, synthetic=frame, train=self.frame).synthetic
        # Training levels come first, so the numbers beyond theirs are levels that only `frame` has.
        for j, labels in enumerate(self.tables.levels):
            if self.discrete[j]:
                rows[rows[:, j] >= len(labels), j] = np.nan
        return rows

    def points(self, rows: Floats) -> Floats:
        """Return standard scores, marks of missing cells, and indicators of levels, (n, inputs)."""
        return np.asarray(self.scores(rows).toarray())
