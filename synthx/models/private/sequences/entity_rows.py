"""One row for each entity: so a row is a unit, and what is made for tables holds for sequences.

Three tables are made: of cells, from which codes are made; of beginnings (static columns, how far a sequence goes, what
comes first); and of one step of each entity, picked by lot, with what is known before it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.categorical import CategoricalCodec
from synthx.codec.numeric import NumericCodec
from synthx.codec.private.reading import level_codes
from synthx.codec.sequence.long import END, LENGTH, START
from synthx.codec.table import TableCodec
from synthx.models.private.sequences.layout import GAP, Layout
from synthx.models.private.sequences.runs import Runs, pick
from synthx.models.private.sequences.steps import STANDS, Steps, gaps_before

__all__ = ["Coding", "beginnings", "cells_of", "level_codec", "number_codec", "place_code", "transitions"]

Codes = NDArray[np.int64]
TRANSITION, SOME_GAP, LONGEST_GAP, SOME_LEVEL, SOME_VALUE = 0, 1, 2, 1_000, 2_000_000
"""Turns of the lots; the last two are the first of one for each column."""


def cells_of(frame: pd.DataFrame, steps: Steps, layout: Layout) -> pd.DataFrame:
    """Return a cell of each entity for each column, picked by lot; the first one of static columns."""
    runs = steps.runs
    firsts = frame.iloc[runs.rows[runs.starts]]
    table = {column.name: firsts[column.name].reset_index(drop=True) for column in layout.static}
    table[LENGTH] = pd.Series(runs.lengths)
    if layout.time is not None:
        table[START] = pd.Series(runs.clock[runs.starts])
        table[END] = pd.Series(runs.clock[runs.starts + runs.lengths - 1])
        table[GAP] = pd.Series(_usual_or_longest(runs))
    for index, number in enumerate(layout.numbers):
        table[number.column.name] = pd.Series(steps.some(index, SOME_VALUE + index))
    everything = np.ones(len(runs.rows), bool)
    for index, column in enumerate((*layout.levels, *layout.made)):
        places = pick(runs, everything, runs.lots.draw(SOME_LEVEL + index))
        table[column.name] = frame[column.name].iloc[runs.rows[places]].reset_index(drop=True)
    return pd.DataFrame(table, columns=list(layout.cells.names))


def _usual_or_longest(runs: Runs) -> NDArray[np.float64]:
    """Return a gap of each entity, its longest of about every other one: so long gaps, too, get codes of their own."""
    gaps = gaps_before(runs)
    places = pick(runs, ~np.isnan(gaps), runs.lots.draw(SOME_GAP))
    if not len(runs):
        return np.empty(0)
    longest = np.fmax.reduceat(gaps, runs.starts)
    return np.where(runs.lots.draw(LONGEST_GAP) < 0.5, longest, np.where(places < 0, np.nan, gaps[places]))


@dataclasses.dataclass(frozen=True)
class Coding:
    """Which columns a coded table has.

    Parameters
    ----------
    names : tuple of str
        As the ledger and measurements call them.
    sizes : tuple of int
    target : int or None
    known : frozenset of int
        Columns that are known before the others are drawn.
    ordered : frozenset of int
        Columns whose codes are like their neighbours.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    target: int | None = None
    known: frozenset[int] = frozenset()
    ordered: frozenset[int] = frozenset()

    def index(self, name: str) -> int:
        return self.names.index(name)


@dataclasses.dataclass
class _Coded:
    """A coded table that grows column by column."""

    names: list[str] = dataclasses.field(default_factory=list)
    sizes: list[int] = dataclasses.field(default_factory=list)
    known: list[int] = dataclasses.field(default_factory=list)
    ordered: list[int] = dataclasses.field(default_factory=list)
    codes: list[NDArray[np.int32]] = dataclasses.field(default_factory=list)

    def add(
        self, name: str, size: int, codes: NDArray[np.integer[Any]], *, known: bool = False, ordered: bool = False
    ) -> None:
        self.known += [len(self.names)] * known
        self.ordered += [len(self.names)] * ordered
        self.names.append(name)
        self.sizes.append(size)
        self.codes.append(codes.astype(np.int32))

    def done(self, target: str | None) -> tuple[Coding, NDArray[np.int32]]:
        index = None if target is None else self.names.index(target)
        columns = frozenset(self.known), frozenset(self.ordered)
        coding = Coding(tuple(self.names), tuple(self.sizes), index, *columns)
        return coding, np.stack(self.codes, axis=1)


def number_codec(codec: TableCodec, name: str) -> NumericCodec:
    """Return the codec of a number."""
    found = codec.columns[name]
    assert isinstance(found, NumericCodec)
    return found


def level_codec(codec: TableCodec, name: str) -> CategoricalCodec:
    """Return the codec of a discrete column."""
    found = codec.columns[name]
    assert isinstance(found, CategoricalCodec)
    return found


def beginnings(
    frame: pd.DataFrame, steps: Steps, layout: Layout, codec: TableCodec, cell_codes: NDArray[np.int32]
) -> tuple[Coding, NDArray[np.int32]]:
    """Return the table of beginnings, coded, shape (entities, columns).

    Parameters
    ----------
    frame : DataFrame
    steps : Steps
    layout : Layout
    codec : TableCodec
        Of the table of cells.
    cell_codes : int array, shape (entities, columns)
        That table.
    """
    runs, table, place = steps.runs, _Coded(), {name: index for index, name in enumerate(codec.columns)}
    static = [column.name for column in layout.static if column.kind.is_modelled]
    for name in [*static, LENGTH, *([START, END] if layout.time is not None else [])]:
        table.add(name, codec.columns[name].size, cell_codes[:, place[name]])
    if layout.time is not None:
        second = np.where(runs.lengths > 1, runs.starts + 1, -1)
        gap = np.where(second < 0, np.nan, gaps_before(runs)[second])
        table.add(GAP, codec.columns[GAP].size, number_codec(codec, GAP).encode(gap)[0])
    for index, number in enumerate(layout.numbers):
        own = number_codec(codec, number.column.name)
        table.add(f"first {number.column.name}", own.size, own.encode(steps.first(index))[0])
    for index in layout.sparse:
        name = layout.numbers[index].column.name
        table.add(f"{name} is there at first", 2, steps.observed[runs.starts, index])
    for column in layout.levels:
        own_levels = level_codec(codec, column.name)
        cells = frame[column.name].iloc[runs.rows[runs.starts]]
        table.add(f"first {column.name}", own_levels.size, level_codes(cells, own_levels))
    return table.done(layout.target)


def place_code(place: Codes) -> Codes:
    """Return the code of how many steps came before: 1, 2, 3 to 4, 5 to 8 and so on."""
    return np.ceil(np.log2(np.maximum(place, 1))).astype(np.int64)


def transitions(
    frame: pd.DataFrame, steps: Steps, layout: Layout, codec: TableCodec
) -> tuple[Coding, NDArray[np.int32]]:
    """Return a step of each entity but the first, picked by lot, and what was known before it; (entities, columns).

    Every column has one code more, the last, for entities of one step.
    """
    runs, table = steps.runs, _Coded()
    many = runs.lengths - 1
    before = runs.starts + (runs.lots.draw(TRANSITION) * many).astype(np.int64)
    there, after = many > 0, np.minimum(before + 1, len(runs.rows) - 1)

    def add(
        name: str, size: int, codes: NDArray[np.integer[Any]], *, known: bool = False, ordered: bool = False
    ) -> None:
        table.add(name, size + 1, np.where(there, codes, size), known=known, ordered=ordered)

    places = int(place_code(np.array([layout.horizon]))[0]) + 1
    add("steps before", places, place_code(before + 1 - runs.starts), known=True, ordered=True)
    if layout.time is not None:
        own, gaps = number_codec(codec, GAP), gaps_before(runs)
        add("last gap", own.size, own.encode(gaps[before])[0], known=True)
        add("gap", own.size, own.encode(gaps[after])[0])
    for index in layout.sparse:
        name = layout.numbers[index].column.name
        add(f"when {name} was there", STANDS, steps.stands(index, before), known=True, ordered=True)
        add(f"{name} is there", 2, steps.observed[after, index])
    for column in layout.levels:
        own_levels = level_codec(codec, column.name)
        for what, at, known in (("last", before, True), ("next", after, False)):
            cells = frame[column.name].iloc[runs.rows[at]]
            add(f"{what} {column.name}", own_levels.size, level_codes(cells, own_levels), known=known)
    return table.done(None)
