"""The search for rules in a training frame.

Candidates are screened on a sample of rows, all pairs at once, and confirmed on all rows. Rules are sought in the order
duplicate, affine, lookup, sum, each among the columns that are still modelled; so a derived column rests on columns
that are modelled, or are derived by a later kind of rule, and there is no cycle. `Order` and `SharedMissing` are sought
last, among the columns that remain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.structure.affine import find_affine
from synthx.codec.structure.choice import choose
from synthx.codec.structure.evidence import MIN_ROWS, Evidence
from synthx.codec.structure.lookups import find_lookups
from synthx.codec.structure.orders import find_orders
from synthx.codec.structure.rules import DerivingRule, Duplicate, Rule, SharedMissing, same_cells
from synthx.codec.structure.sums import find_sums
from synthx.schema import Kind, Role, Schema

__all__ = ["discover_rules"]


def discover_rules(
    frame: pd.DataFrame, schema: Schema, rare_threshold: int, holders: NDArray[np.int64] | None = None
) -> tuple[tuple[Rule, ...], Schema]:
    """Return the rules in the order in which they rebuild a row, and the schema with the decimals that they rely on."""
    if len(frame) < MIN_ROWS:
        return (), schema
    evidence = Evidence(frame, schema, rare_threshold, holders)
    names = list(evidence.names)
    deriving: list[DerivingRule] = []
    for find in (_find_duplicates, find_affine, find_lookups, find_sums):
        found: Sequence[DerivingRule] = find(evidence, names)
        deriving = [*found, *deriving]
        derived = {rule.column for rule in found}
        names = [name for name in names if name not in derived]
    restraining: list[Rule] = [*_find_shared_missing(evidence, names), *find_orders(evidence, names)]
    return (*restraining, *deriving), evidence.schema


def _find_duplicates(evidence: Evidence, names: list[str]) -> list[Duplicate]:
    rows = evidence.sample()
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in names:
        key = (evidence.pattern(name), evidence.column(name).static, *_glimpse(evidence, name, rows))
        groups.setdefault(key, []).append(name)
    edges = {(a, b) for group in groups.values() for a in group for b in group if a != b and _can_copy(evidence, a, b)}
    return choose(evidence, edges, lambda source, name: _confirm_duplicate(evidence, source, name))


def _glimpse(evidence: Evidence, name: str, rows: NDArray[np.int64]) -> tuple[object, ...]:
    """Return what two columns must share to be equal in the given rows."""
    numbers = evidence.numbers(name)
    if numbers is not None:
        return (evidence.column(name).kind is Kind.DATETIME, (np.nan_to_num(numbers[rows]) + 0.0).tobytes())
    cells = evidence.frame[name].iloc[rows]
    return ("cells", tuple(cells.astype(object).where(cells.notna(), None).tolist()))


def _can_copy(evidence: Evidence, source: str, name: str) -> bool:
    """Whether the cells of `source` can be spelled as those of `name` are."""
    first, second = evidence.column(source), evidence.column(name)
    alike = (first.dtype, first.format) == (second.dtype, second.format)
    return alike or evidence.numbers(name) is None or evidence.is_writable(name)


def _confirm_duplicate(evidence: Evidence, source: str, name: str) -> Duplicate | None:
    rule = Duplicate(name, source)
    if not evidence.is_supported(name):
        return None
    if evidence.numbers(source) is not None and not rule.holds(evidence.frame[[source, name]], evidence.schema).all():
        return None
    rebuilt = rule.apply(evidence.frame[[source]], evidence.schema)
    return rule if same_cells(rebuilt, evidence.frame[name]).all() else None


def _find_shared_missing(evidence: Evidence, names: list[str]) -> list[SharedMissing]:
    rules = []
    for group in evidence.by_pattern(name for name in names if evidence.column(name).role is not Role.TIME).values():
        missing = int(evidence.missing(group[0]).sum())
        if missing < evidence.rare_threshold or len(evidence.frame) - missing < evidence.rare_threshold:
            continue
        static = [name for name in group if evidence.column(name).static]
        moving = [name for name in group if name not in static]
        rules += [SharedMissing(tuple(part)) for part in (static, moving) if len(part) > 1]
    return rules
