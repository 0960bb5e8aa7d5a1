"""Whether training rows stand in the synthetic table, beyond what chance puts there.

That a synthetic row equals a training row proves nothing by itself: in a table of few, coarse columns an honest
generator repeats real combinations all the time. So training rows are measured beside holdout rows. Whatever an honest
generator does, it treats both alike, for it saw neither one by one; only copying makes a difference.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import newcombe_interval, wilson_interval

__all__ = ["COPIES", "COPIES_EXCESS", "RowKeys", "copied", "copies", "granular", "row_keys"]

RowKeys = NDArray[np.uint64]

COPIES = Definition("DISC-COPIES", "1.0", "Synthetic rows that equal a training row", Better.LOWER)
COPIES_EXCESS = Definition("DISC-COPIES-EXCESS", "1.0", "Training rows found, beyond holdout rows found", Better.LOWER)

_TIME_STEPS = (86_400.0, 3_600.0, 60.0, 1.0)
_NUMBER_STEPS = tuple(10.0**-digits for digits in range(10))
_DIGITS = 10


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
    found, chance = int(np.isin(train, synthetic).sum()), int(np.isin(holdout, synthetic).sum())
    return COPIES_EXCESS.computed(
        found / len(train) - chance / len(holdout),
        interval=newcombe_interval(found, len(train), chance, len(holdout)),
        anchor=0.0,
        n=len(train),
        seed=seed,
        details={
            "n_is": "training rows",
            "training_rows": len(train),
            "training_rows_found": found,
            "holdout_rows": len(holdout),
            "holdout_rows_found": chance,
        },
    )


# -- rows as keys -----------------------------------------------------------------------------------------------


def row_keys(tables: Tables) -> tuple[RowKeys, RowKeys, RowKeys | None]:
    """Return one 64-bit key a row of the synthetic, training and holdout tables; equal rows have equal keys.

    Two tables of a million rows each share a key by accident with a probability of 5e-8.
    """
    steps = _steps(tables)
    synthetic, train = _hash(tables.synthetic, steps), _hash(tables.train, steps)
    return synthetic, train, None if tables.holdout is None else _hash(tables.holdout, steps)


def granular(tables: Tables) -> tuple[Floats, Floats]:
    """Return the synthetic and the real rows with numbers and times as precise as in training, (rows, d).

    A cell is a whole multiple of its column's step, or ten significant digits of it: equal where the values are.
    """
    steps = _steps(tables)
    return _cells(tables.synthetic, steps), _cells(tables.real, steps)


def _steps(tables: Tables) -> list[float | None]:
    return [
        _step(tables.train[:, j], _TIME_STEPS if column.kind is Kind.DATETIME else _NUMBER_STEPS)
        for j, column in enumerate(tables.columns)
    ]


def _cells(rows: Floats, steps: list[float | None]) -> Floats:
    return np.column_stack([_rounded(rows[:, j], step) for j, step in enumerate(steps)])


def _hash(rows: Floats, steps: list[float | None]) -> RowKeys:
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(_cells(rows, steps)), index=False), dtype=np.uint64)


def _step(values: Floats, steps: tuple[float, ...]) -> float | None:
    """Return the coarsest of `steps` of which all training values are multiples; None if they are finer than all."""
    values = values[~np.isnan(values)]
    for step in steps:
        multiples = values / step
        whole = np.rint(multiples)
        # A value far below the step is near a multiple of it, namely 0, but rounding would erase it.
        if np.allclose(multiples, whole, rtol=1e-12, atol=1e-6) and ((whole != 0) | (values == 0)).all():
            return step
    return None


def _rounded(values: Floats, step: float | None) -> Floats:
    """Return values as whole multiples of `step`, or to ten significant digits; one NaN and one zero each."""
    if step is not None:
        rounded = np.rint(values / step)
    else:
        size = np.abs(np.where((values == 0) | np.isnan(values), 1.0, values))
        scale = 10.0 ** (np.floor(np.log10(size)) - (_DIGITS - 1))
        rounded = np.rint(values / scale) * scale
    return np.where(np.isnan(rounded), np.nan, rounded + 0.0)  # -0.0 + 0.0 is 0.0


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
