"""Hold rows back from the generator, so that what it learned can be told from what it copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError, ParameterError

__all__ = ["split"]

_STRATA_OF_A_NUMBER = 10


def split(
    frame: pd.DataFrame,
    *,
    holdout: float = 0.2,
    entity: str | Sequence[str] | None = None,
    stratify: str | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a table into rows to train on and rows that no generator may see.

    Parameters
    ----------
    frame : DataFrame
        The real rows.
    holdout : float
        Share of rows to hold back, between 0 and 1.
    entity : str or sequence of str, optional
        Column that names whom a row is about, or the columns that name it together: all rows of one entity fall on
        the same side, since a person seen in training would not be a stranger in the holdout.
    stratify : str, optional
        Column whose distribution both sides keep, usually the target. Numbers with more than ten distinct values are
        cut into ten quantile bins; an entity counts by its first row.
    seed : int
        Seed of the draw.

    Returns
    -------
    train, holdout : DataFrame
        Rows in their order and with their index.

    Raises
    ------
    ParameterError
        If the share is not between 0 and 1, or a named column does not exist.
    DataError
        If a row names no entity, or a side would stay empty.
    """
    if not 0.0 < holdout < 1.0:
        raise ParameterError(f"holdout is {holdout!r}", remedy="give a share between 0 and 1, such as 0.2")
    key = (entity,) if isinstance(entity, str) else tuple(entity or ())
    for name in (*key, *(() if stratify is None else (stratify,))):
        if name not in frame.columns:
            raise ParameterError(
                f"the table has no column {name!r}", remedy=f"choose one of {', '.join(map(repr, frame.columns[:12]))}"
            )
    units = _entities(frame, key) if key else np.arange(len(frame))
    first = np.unique(units, return_index=True)[1]  # the first row of every unit
    strata = np.zeros(len(first), dtype=np.intp) if stratify is None else _strata(frame[stratify])[first]
    held = _draw(np.bincount(units), strata, holdout, np.random.default_rng(seed))[units]
    if held.all() or not held.any():
        raise DataError(
            f"{len(frame)} rows of {len(first)} entities leave one side of a {holdout:g} split empty",
            remedy="give more rows, another share, or no stratification",
        )
    return frame[~held], frame[held]


def _entities(frame: pd.DataFrame, key: Sequence[str]) -> NDArray[np.intp]:
    """Return the number of each row's entity, from 0."""
    units = np.zeros(len(frame), dtype=np.intp)
    for name in key:
        codes, uniques = pd.factorize(frame[name])
        if (codes < 0).any():
            raise DataError(
                f"column {name!r} names no entity in {int((codes < 0).sum())} rows, such as row {np.argmin(codes)}",
                remedy="drop these rows or give each an entity of its own",
            )
        units = np.asarray(pd.factorize(units * len(uniques) + codes)[0], dtype=np.intp)
    return units


def _strata(column: pd.Series) -> NDArray[np.intp]:
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > _STRATA_OF_A_NUMBER:
        column = pd.qcut(column, _STRATA_OF_A_NUMBER, labels=False, duplicates="drop")
    return pd.factorize(column, use_na_sentinel=False)[0]


def _draw(
    rows: NDArray[np.intp], strata: NDArray[np.intp], holdout: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Mark the units to hold back: in every stratum, shuffled, those whose middle row lies before the wanted count."""
    order = np.lexsort((generator.random(len(rows)), strata))
    sizes, before = rows[order], np.cumsum(rows[order]) - rows[order]
    totals = np.bincount(strata, weights=rows)
    starts = np.cumsum(totals) - totals
    place = before - starts[strata[order]] + 0.5 * sizes
    held = np.zeros(len(rows), dtype=bool)
    held[order] = place < holdout * totals[strata[order]]
    if len(order) > 1 and not held.any():
        held[order[0]] = True
    if len(order) > 1 and held.all():
        held[order[-1]] = False
    return held
