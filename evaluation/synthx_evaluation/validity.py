"""Whether synthetic rows keep the rules that all real rows keep: bounds, levels, unique keys, order of columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.schema import Column, Kind, Role
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import wilson_interval

__all__ = ["DOMAINS", "KEYS", "ORDER", "order_rules", "validity"]

DOMAINS = Definition("FID-VALID-CELLS", "1.0", "Rows within bounds and levels", Better.HIGHER)
KEYS = Definition("FID-VALID-KEYS", "1.0", "Rows whose keys are unique", Better.HIGHER)
ORDER = Definition("FID-VALID-ORDER", "1.0", "Rows that keep the order of columns", Better.HIGHER)

CHANCE = 20.0
"""Rows that would break a rule if its columns were independent: else it may hold by chance."""

_FEWEST = 50
_WORST = 10

Flags = NDArray[np.bool_]


def validity(comparison: Comparison) -> list[Measure]:
    """Count the synthetic rows that break no rule, in three ways.

    FID-VALID-CELLS: numbers and times lie within the bounds that the schema declares, levels are declared or held by a
    real row, whole numbers are whole, and a cell is missing only where real ones are or the schema allows it.
    FID-VALID-KEYS: the cells of each identifier, and of the key of an entity, are present and unique, where they are in
    the training table. FID-VALID-ORDER: rules ``a <= b`` between two numbers or two times that hold in all training and
    holdout rows, and that 20 of these rows would break if the columns were independent. Rows without a value keep it.
    """
    return [_cells(comparison), _keys(comparison), _order(comparison)]


# -- cells ------------------------------------------------------------------------------------------------------


def _cells(comparison: Comparison) -> Measure:
    tables = comparison.tables
    if not tables.columns:
        return DOMAINS.not_applicable("the schema has no column to learn", seed=comparison.seed)
    wrong = _broken(tables, tables.synthetic)  # (rows, d)
    valid: Flags = np.logical_not(wrong.any(axis=1))
    shares = wrong.mean(axis=0)
    hits, n = int(valid.sum()), len(valid)
    return DOMAINS.computed(
        hits / n,
        interval=wilson_interval(hits, n),
        anchor=None if tables.holdout is None else float(1.0 - _broken(tables, tables.train).any(axis=1).mean()),
        n=n,
        seed=comparison.seed,
        details={
            "broken": [
                {"column": tables.names[j], "share": shares[j]}
                for j in np.argsort(-shares, kind="stable")[:_WORST]
                if shares[j] > 0
            ]
        },
    )


def _broken(tables: Tables, rows: Floats) -> Flags:
    """Return which cells break a rule, (rows, d)."""
    real = tables.real
    broken = np.zeros(rows.shape, dtype=bool)
    for j, column in enumerate(tables.columns):
        cells, missing = rows[:, j], np.isnan(rows[:, j])
        if column.kind.is_discrete:
            wrong = ~np.isin(cells, _allowed(column, tables.levels[j], real[:, j]))
        else:
            low, high = _bounds(column)
            wrong = (cells < low) | (cells > high)
            if column.kind is Kind.INTEGER:
                wrong |= cells != np.rint(cells)
        may_miss = column.nullable or bool(np.isnan(real[:, j]).any())
        broken[:, j] = np.where(missing, not may_miss, wrong)
    return broken


def _allowed(column: Column, labels: tuple[str, ...], real: Floats) -> Floats:
    declared = {str(level) for level in column.levels or ()}
    named = [float(number) for number, label in enumerate(labels) if label in declared]
    return np.union1d(np.unique(real[~np.isnan(real)]), np.array(named, dtype=np.float64))


def _bounds(column: Column) -> tuple[float, float]:
    low, high = (_number(bound) for bound in (column.lower, column.upper))
    return -np.inf if low is None else low, np.inf if high is None else high


def _number(bound: float | str | None) -> float | None:
    if isinstance(bound, str):
        stamp = pd.to_datetime(bound, utc=True)
        return float((stamp - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(1, "s"))
    return None if bound is None else float(bound)


# -- keys -------------------------------------------------------------------------------------------------------


def _keys(comparison: Comparison) -> Measure:
    synthetic, train = comparison.keys.get("synthetic"), comparison.keys.get("train")
    keys = list(_key_columns(comparison))
    if synthetic is None or train is None or not keys:
        return KEYS.not_applicable("the schema has no identifier", seed=comparison.seed)
    unique = [names for names in keys if _is_key(train[list(names)]).all()]
    if not unique:
        reason = f"{', '.join(map(repr, keys[0]))} is not unique in the training table either"
        return KEYS.not_applicable(reason, seed=comparison.seed)
    kept = {" and ".join(names): _is_key(synthetic[list(names)]) for names in unique}
    whole = np.logical_and.reduce(list(kept.values()))
    return KEYS.computed(
        float(whole.mean()),
        interval=wilson_interval(int(whole.sum()), len(whole)),
        anchor=1.0,
        n=len(whole),
        seed=comparison.seed,
        details={"keys": {name: float(flags.mean()) for name, flags in kept.items()}},
    )


def _key_columns(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Yield the columns of each key: every identifier outside the entity's key, and the entity's key together."""
    for column in comparison.schema:
        if column.kind is Kind.IDENTIFIER and column.role is not Role.ENTITY:
            yield (column.name,)
    if comparison.schema.entity:
        yield comparison.schema.entity


def _is_key(cells: pd.DataFrame) -> Flags:
    """Return which rows have a key that no other row has."""
    return np.asarray(cells.notna().all(axis=1) & ~cells.duplicated(keep=False), dtype=bool)


# -- order ------------------------------------------------------------------------------------------------------


def order_rules(tables: Tables) -> list[tuple[int, int]]:
    """Return the columns (a, b) of which a <= b in every real row that has both, though chance would break it."""
    real = tables.real
    rules = []
    for times in (False, True):
        alike = [
            j
            for j, column in enumerate(tables.columns)
            if not column.kind.is_discrete and (column.kind is Kind.DATETIME) == times
        ]
        for a in alike:
            held = np.asarray(np.logical_not(real[:, [a]] > real[:, alike]).all(axis=0))
            rules += [(a, b) for b, holds in zip(alike, held, strict=True) if holds and a != b and _telling(real, a, b)]
    return rules


def _telling(real: Floats, a: int, b: int) -> bool:
    """Return whether enough rows have both columns and would break a <= b if these were independent."""
    both = ~np.isnan(real[:, [a, b]]).any(axis=1)
    rows = int(both.sum())
    if rows < _FEWEST:
        return False
    below = np.searchsorted(np.sort(real[both, b]), real[both, a], side="left")  # values of b below each a
    return float(below.sum()) / rows >= CHANCE


def _order(comparison: Comparison) -> Measure:
    tables, seed = comparison.tables, comparison.seed
    rules = order_rules(tables)
    if not rules:
        return ORDER.not_applicable("no order of two columns holds in all real rows other than by chance", seed=seed)
    kept = np.ones(len(tables.synthetic), dtype=bool)
    broken = []
    for a, b in rules:
        breaks = tables.synthetic[:, a] > tables.synthetic[:, b]
        kept &= ~breaks
        broken.append(float(breaks.mean()))
    hits, n = int(kept.sum()), len(kept)
    return ORDER.computed(
        hits / n,
        interval=wilson_interval(hits, n),
        anchor=None if tables.holdout is None else 1.0,
        n=n,
        seed=seed,
        details={
            "rules": len(rules),
            "worst": [
                {"rule": f"{tables.names[rules[i][0]]} <= {tables.names[rules[i][1]]}", "broken": broken[i]}
                for i in np.argsort(-np.array(broken), kind="stable")[:_WORST]
            ],
        },
    )
