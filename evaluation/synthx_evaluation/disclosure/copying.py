"""Whether training rows stand in the synthetic table, beyond what chance puts there.

That a synthetic row equals a training row proves nothing by itself: in a table of few, coarse columns an honest
generator repeats real combinations all the time. So training rows are measured beside holdout rows. Whatever an honest
generator does, it treats both alike, for it saw neither one by one; only copying makes a difference.
"""

from __future__ import annotations

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure.excess import COPIES_EXCESS, Copies
from synthx_evaluation.disclosure.keys import RowKeys, row_keys
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import wilson_interval

__all__ = ["COPIES", "copied", "copies"]

COPIES = Definition("DISC-COPIES", "1.0", "Synthetic rows that equal a training row", Better.LOWER)


def copies(comparison: Comparison) -> list[Measure]:
    """Count exact copies over all columns that a generator learns; numbers and times as precise as in training.

    DISC-COPIES is the share of synthetic rows that equal some training row; its anchor is the share of holdout rows
    that do (what fresh real rows score). DISC-COPIES-EXCESS is the share of training rows that stand in the synthetic
    table minus the share of holdout rows that do. Every training row is looked at, and the two shares need no
    correction for the tables' sizes, since each row is looked up in the same synthetic table. It is 0 on average for
    a generator that is blind to single rows, and 1 for a copy of the training table.
    """
    tables, seed = comparison.tables, comparison.seed
    if not tables.columns:
        reason = "the schema has no column to learn"
        return [item.not_applicable(reason, seed=seed) for item in (COPIES, COPIES_EXCESS)]
    return copied(*row_keys(tables), seed=seed)


def copied(synthetic: RowKeys, train: RowKeys, holdout: RowKeys | None, *, seed: int) -> list[Measure]:
    """Return both records from one key for each thing that may be a copy, as `copies` describes them."""
    return [_copies(synthetic, train, holdout, seed), _excess(synthetic, train, holdout, seed)]


def _copies(synthetic: RowKeys, train: RowKeys, holdout: RowKeys | None, seed: int) -> Measure:
    hits = int(np.isin(synthetic, train).sum())
    details: dict[str, float] = {"equal_a_training_row": hits}
    if holdout is not None:
        sample = min(len(train), len(holdout))
        details |= {
            "sample_rows": sample,
            "equal_a_row_of_a_training_sample": _found_in_sample(synthetic, train, sample),
            "equal_a_row_of_a_holdout_sample": _found_in_sample(synthetic, holdout, sample),
        }
    return COPIES.computed(
        hits / len(synthetic),
        interval=wilson_interval(hits, len(synthetic)),
        anchor=None if holdout is None else float(np.isin(holdout, train).mean()),
        n=len(synthetic),
        seed=seed,
        details=details,
    )


def _excess(synthetic: RowKeys, train: RowKeys, holdout: RowKeys | None, seed: int) -> Measure:
    if holdout is None:
        return COPIES_EXCESS.not_applicable("not assessable without holdout", seed=seed)
    return Copies.of(synthetic, train, holdout).measure(seed)


def _found_in_sample(synthetic: RowKeys, real: RowKeys, rows: int) -> float:
    """Return the share of synthetic rows that would equal some row of a random sample of the real ones.

    The mean over all samples of `rows` rows, exactly: a key that `c` of `n` rows hold is missed by a sample with
    probability C(n - c, rows) / C(n, rows).
    """
    distinct, counts = np.unique(real, return_counts=True)
    place = np.minimum(np.searchsorted(distinct, synthetic), len(distinct) - 1)
    held = np.where(distinct[place] == synthetic, counts[place], 0)
    levels, inverse = np.unique(held, return_inverse=True)
    missed = np.array([_missed(int(count), len(real), rows) for count in levels])
    return float(1.0 - missed[inverse].mean())


def _missed(held: int, n: int, rows: int) -> float:
    if held > n - rows:
        return 0.0
    taken = np.arange(held)
    return float(np.prod((n - rows - taken) / (n - taken)))
