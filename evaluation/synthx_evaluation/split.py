"""Hold rows back from the generator, so that what it learned can be told from what it copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError, ParameterError, listed

__all__ = ["split"]

_STRATA_OF_A_NUMBER = 10


def split(
    frame: pd.DataFrame,
    *,
    holdout: float = 0.2,
    entity: str | Sequence[str] | None = None,
    stratify: str | None = None,
    time: str | None = None,
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
    time : str, optional
        Column of numbers or dates: the latest rows are held back instead of random ones, as a model that is to be
        used tomorrow is tried. Rows of one time stay together; an entity counts by its first row in time.
    seed : int
        Seed of the draw; without meaning where `time` decides.

    Returns
    -------
    train, holdout : DataFrame
        Rows in their order and with their index.

    Raises
    ------
    ParameterError
        If the share is not between 0 and 1, a named column does not exist, or both a time and strata are named.
    DataError
        If a row names no entity or no time, or a side would stay empty.
    """
    if not 0.0 < holdout < 1.0:
        raise ParameterError(f"holdout is {holdout!r}", remedy="give a share between 0 and 1, such as 0.2")
    key = (entity,) if isinstance(entity, str) else tuple(entity or ())
    if time is not None and stratify is not None:
        raise ParameterError(
            f"both time {time!r} and stratify {stratify!r} are named, and only one can decide who is held back",
            remedy="leave one of them out",
        )
    for name in (*key, *(each for each in (stratify, time) if each is not None)):
        if name not in frame.columns:
            raise ParameterError(
                f"the table has no column {name!r}", remedy=f"choose from {listed(frame.columns, name)}"
            )
    units = _entities(frame, key) if key else np.arange(len(frame))
    first = np.unique(units, return_index=True)[1]  # the first row of every unit
    if time is not None:
        held = _latest(_times(frame[time]), units, holdout)
    else:
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


def _times(column: pd.Series) -> NDArray[np.intp]:
    """Return the rank of each row's time; texts are read as dates."""
    values = column
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
        values = pd.to_datetime(column, errors="coerce", format="ISO8601")
    missing = values.isna()
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(
            f"column {column.name!r} holds no time in {int(missing.sum())} rows, such as row {row}",
            remedy="drop these rows, or write numbers or dates like 2024-01-31",
        )
    return np.asarray(pd.factorize(values, sort=True)[0], dtype=np.intp)


def _latest(times: NDArray[np.intp], units: NDArray[np.intp], holdout: float) -> NDArray[np.bool_]:
    """Mark the rows of the units that begin last: as near to the share as whole moments come."""
    begins = np.full(units.max() + 1, np.iinfo(np.intp).max)
    np.minimum.at(begins, units, times)
    rows = np.bincount(begins[units])  # rows by the moment at which their unit begins
    later = len(times) - np.cumsum(rows) + rows  # rows of units that begin at this moment or later
    # Of two moments that are as near, the later one: more is left to learn from.
    first_held = len(later) - 1 - int(np.abs(later - holdout * len(times))[::-1].argmin())
    return np.asarray(begins[units] >= max(first_held, 1))


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
