"""Whether the holdout is one: rows of it that stand in the training table, beyond coincidence."""

from __future__ import annotations

import math

import numpy as np

from synthx.errors import DataError
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import RowKeys, row_keys

__all__ = ["check_disjoint", "check_keys"]

_TOLERATED = 0.02
"""Share of holdout rows that may equal training rows beyond coincidence: people who are in the data twice."""

_DEVIATIONS = 5.0


def check_disjoint(comparison: Comparison) -> None:
    """Refuse a holdout that repeats training rows: every attack would count members as strangers.

    Coarse tables repeat rows honestly. How often, the training table tells: a row of it that equals another of its
    rows is as likely as a holdout row that equals one of them, if both tables are samples of one population.

    Raises
    ------
    DataError
        If more holdout rows equal a training row than that explains; the message counts them.
    """
    if comparison.tables.holdout is None or not comparison.tables.columns:
        return
    _, train, holdout = row_keys(comparison.tables)
    assert holdout is not None
    check_keys(train, holdout, of="rows")


def check_keys(train: RowKeys, holdout: RowKeys, *, of: str) -> None:
    """Refuse equal keys beyond coincidence; `of` says what has the keys, e.g. ``rows``.

    Raises
    ------
    DataError
        See `check_disjoint`.
    """
    _, inverse, counts = np.unique(train, return_inverse=True, return_counts=True)
    repeated = float((counts[inverse] > 1).mean())
    shared, rows = int(np.isin(holdout, train).sum()), len(holdout)
    chance = repeated * rows
    if shared - chance <= _TOLERATED * rows + _DEVIATIONS * math.sqrt(chance):
        return
    raise DataError(
        f"{shared:,} of {rows:,} holdout {of} stand in the training table too, where coincidence explains"
        f" about {chance:,.0f}",
        remedy="give rows that the generator never saw, e.g. split the data with `synthx split` before the fit",
    )
