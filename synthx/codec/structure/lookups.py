"""Finding columns that are a function of a discrete column."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.structure.choice import choose
from synthx.codec.structure.evidence import Evidence
from synthx.codec.structure.rules import Cell, Lookup

__all__ = ["find_lookups"]

_LEAST_ROWS_A_LEVEL = 20
"""Average rows that a source level must have: a column of nearly unique levels determines everything, and means nothing
by it."""

_LEAST_LISTED = 0.99
"""Share of rows whose source level must be common enough to be listed."""

_SCREENED_CELLS = 500_000
"""Cells of the sample on which pairs are screened; bounds the time that hundreds of columns take."""

Codes = NDArray[np.int64]


def find_lookups(evidence: Evidence, names: list[str]) -> list[Lookup]:
    """Return the lookups among the named columns.

    Of columns that determine each other, the one that is no number stays. A column is derived from the source with the
    fewest levels.
    """
    edges = _screen(evidence, [name for name in names if _is_plain(evidence, name)])
    solid = {source: _is_solid(evidence, source) for source in sorted({source for source, _ in edges})}
    edges = {(source, name) for source, name in edges if solid[source]}
    return choose(
        evidence,
        edges,
        lambda source, name: _confirm(evidence, source, name),
        leader=lambda name: (evidence.numbers(name) is not None, evidence.rank[name]),
        source=lambda name: (len(evidence.codes(name)[1]) if name in solid else 0, evidence.rank[name]),
    )


def _is_plain(evidence: Evidence, name: str) -> bool:
    """Whether the column's levels can be written in a table."""
    kind = evidence.column(name).kind
    if not (kind.is_discrete or kind.is_number):
        return False
    cells = evidence.frame[name].iloc[evidence.sample(name)[:50]]
    return all(isinstance(cell, str | int | float | bool) for cell in cells.tolist())


def _screen(evidence: Evidence, names: list[str]) -> set[tuple[str, str]]:
    """Return (source, column) where, in a sample, rows of one source level share one column level."""
    sources = [name for name in names if evidence.column(name).kind.is_discrete]
    if not sources or len(names) < 2:
        return set()
    rows = evidence.sample(rows=max(500, min(5_000, _SCREENED_CELLS // len(names))))
    levels = np.column_stack([_levels(evidence, name, rows) for name in names])  # (rows, names)
    varies = (levels != levels[0]).any(axis=0)
    edges: set[tuple[str, str]] = set()
    for source in sources:
        at = names.index(source)
        ordered = levels[np.argsort(levels[:, at], kind="stable")]
        together = ordered[1:, at] == ordered[:-1, at]
        fixed = ~((ordered[1:] != ordered[:-1])[together]).any(axis=0)
        determined = [names[i] for i in np.flatnonzero(fixed & varies) if i != at]
        edges |= {(source, name) for name in determined if evidence.are_alike(source, name)}
    return edges


def _levels(evidence: Evidence, name: str, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    return pd.factorize(evidence.frame[name].iloc[rows])[0].astype(np.int32)


def _is_solid(evidence: Evidence, source: str) -> bool:
    """Whether the source's levels are common enough to be listed."""
    codes, levels = evidence.codes(source)
    counts = np.bincount(codes, minlength=len(levels))
    listed = counts[evidence.held(source) >= evidence.rare_threshold].sum()
    return bool(
        (counts > 0).sum() * _LEAST_ROWS_A_LEVEL <= len(codes)
        and listed >= _LEAST_LISTED * len(codes)
        and all(isinstance(level, str | int | float | bool) for level in levels[1:])
    )


def _confirm(evidence: Evidence, source: str, name: str) -> Lookup | None:
    sources, source_levels = evidence.codes(source)
    codes, levels = evidence.codes(name)
    table = np.zeros(len(source_levels), dtype=np.int64)
    table[sources] = codes
    if not np.array_equal(table[sources], codes):
        return None
    if any(not isinstance(level, str | int | float | bool) for level in levels[1:]):
        return None
    held = evidence.held(source)
    listed = np.flatnonzero(held >= evidence.rare_threshold)
    if len(np.unique(table[listed])) < 2:
        return None
    rows: tuple[tuple[Cell, Cell], ...] = tuple((source_levels[i], levels[table[i]]) for i in listed)
    unlisted = codes[held[sources] < evidence.rare_threshold]
    return Lookup(name, source, rows, _default(evidence, name, unlisted))


def _default(evidence: Evidence, name: str, unlisted: Codes) -> Cell:
    """Return the most common cell of the unlisted rows where it is no rare one, else that of all rows."""
    held = evidence.held(name)
    levels: list[Cell] = evidence.codes(name)[1]
    if unlisted.size:
        common = int(np.bincount(unlisted).argmax())
        if held[common] >= evidence.rare_threshold:
            return levels[common]
    return levels[int(held.argmax())]
