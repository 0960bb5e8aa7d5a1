"""Imagining sequences from what was bought; post-processing, so they may be used as one likes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec import cells
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.generated import generate
from synthx.codec.keys import fresh_keys
from synthx.codec.numeric import NumericCodec
from synthx.codec.sequence.long import END, LENGTH, START
from synthx.models.private.sequences.entity_rows import level_codec, number_codec, place_code
from synthx.models.private.sequences.fit import PrivateSequences
from synthx.models.private.sequences.layout import GAP
from synthx.models.private.sequences.steps import NEVER, NOT_YET, seen_code

__all__ = ["imagine"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def imagine(bought: PrivateSequences, entities: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a long table of sequences that the noisy counts make likely.

    Parameters
    ----------
    bought : PrivateSequences
    entities : int
        How many.
    rng : numpy Generator
    """
    coding, tree = bought.beginning
    drawn = tree.draw(entities, _allowed_at_first(bought), rng).astype(np.int64)
    lengths = np.maximum(np.rint(_number(bought, LENGTH, drawn[:, coding.index(LENGTH)], rng)), 1).astype(np.int64)
    order = np.argsort(-lengths, kind="stable")  # the longest first: those that go on stand in front
    walk = _Walk(bought, drawn[order], lengths[order], rng)
    while walk.going:
        walk.step()
    return _frame(bought, drawn[order], walk, rng)


def _allowed_at_first(bought: PrivateSequences) -> dict[int, NDArray[np.float64]]:
    """Return the codes that may be drawn of each column of beginnings, where not all may."""
    coding, _ = bought.beginning
    drawn = dict(
        zip(bought.codec.columns, np.split(bought.codec.drawn, np.cumsum(bought.codec.domain.sizes)[:-1]), strict=True)
    )
    allowed = {}
    for index, name in enumerate(coding.names):
        own = drawn.get(name if name in drawn else name.removeprefix("first "))
        if own is not None and len(own) == coding.sizes[index] and not own.all():
            allowed[index] = own.astype(np.float64)
    return allowed


def _number(bought: PrivateSequences, name: str, codes: Codes, rng: np.random.Generator) -> Floats:
    """Return what codes of a number stand for."""
    return number_codec(bought.codec, name).decode(codes, rng.random(len(codes)))


class _Walk:
    """Sequences under way, the longest first.

    Parameters
    ----------
    bought : PrivateSequences
    drawn : int array, shape (entities, columns)
        Coded beginnings.
    lengths : int array, shape (entities,)
        Falling.
    rng : numpy Generator
    """

    def __init__(self, bought: PrivateSequences, drawn: Codes, lengths: Codes, rng: np.random.Generator) -> None:
        self.bought, self.layout, self.lengths, self.rng = bought, bought.layout, lengths, rng
        self.entities: list[Codes] = []
        self.clocks: list[Floats] = []
        self.numbers: list[Floats] = []
        self.levels: list[Codes] = []
        coding, count = bought.beginning[0], len(drawn)
        self.place = 0
        self.alive = np.ones(count, bool)
        shape = (count, len(self.layout.numbers))
        first = [
            _number(bought, number.column.name, drawn[:, coding.index(f"first {number.column.name}")], rng)
            for number in self.layout.numbers
        ]
        self.first = np.stack(first, axis=1) if first else np.empty(shape)
        self.level, self.sum, self.seen = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape, np.int64)
        self.last = np.full(shape, -1)
        there = np.ones(shape, bool)
        for index in self.layout.sparse:
            there[:, index] = drawn[:, coding.index(f"{self.layout.numbers[index].column.name} is there at first")] == 1
        states = [drawn[:, coding.index(f"first {column.name}")] for column in self.layout.levels]
        self.state = np.stack(states, axis=1) if states else np.empty((count, 0), np.int64)
        self.clock = np.zeros(count)
        self.gap = np.zeros(count, np.int64)  # none yet, coded as missing
        self.next_gap = np.zeros(count, np.int64)
        if self.layout.time is not None:
            self.clock = _number(bought, START, drawn[:, coding.index(START)], rng)
            self.end = _number(bought, END, drawn[:, coding.index(END)], rng)
            self.next_gap = drawn[:, coding.index(GAP)]
            self.usual_gap = float(np.median(np.nan_to_num(_number(bought, GAP, self.next_gap, rng))))
        self._observe(count, there)

    @property
    def going(self) -> int:
        """How many sequences have another step, at most: those that stand in front."""
        return int((self.lengths > self.place).sum())

    def step(self) -> None:
        """Take the next step of all that go on."""
        count = self.going
        there = np.ones((count, len(self.layout.numbers)), bool)
        if self.bought.step is not None:
            coding, _ = self.bought.step
            codes = self._next(count)
            for index in self.layout.sparse:
                there[:, index] = codes[:, coding.index(f"{self.layout.numbers[index].column.name} is there")] == 1
            for index, column in enumerate(self.layout.levels):
                self.state[:count, index] = codes[:, coding.index(f"next {column.name}")]
            if self.layout.time is not None:
                gap = self.next_gap[:count] if self.place == 1 else codes[:, coding.index("gap")]
                self._pass_time(count, gap)
        last = self.lengths[:count] == self.place + 1  # what an entity has some time, it has by its last step
        self._observe(count, there | (last[:, None] & (self.seen[:count] == 0)))

    def _pass_time(self, count: int, gap: Codes) -> None:
        assert self.layout.time is not None
        passed = np.nan_to_num(_number(self.bought, GAP, gap, self.rng))
        left, steps = self.end[:count] - self.clock[:count], self.lengths[:count] - self.place
        # A long gap must leave time for the steps that are to come, each after a usual one.
        most = np.maximum(left / steps, left - (steps - 1) * self.usual_gap)
        passed = np.maximum(np.minimum(passed, cells.floor_to(most, self.layout.time.decimals)), 0.0)
        self.gap[:count] = number_codec(self.bought.codec, GAP).encode(passed)[0]
        self.clock[:count] += passed
        self.alive[:count] &= self.clock[:count] <= self.end[:count]

    def _next(self, count: int) -> Codes:
        """Return codes of the next step, given what is known."""
        assert self.bought.step is not None
        coding, tree = self.bought.step
        codes = np.zeros((count, len(coding.names)), np.int64)
        known = np.zeros(codes.shape, bool)
        known[:, list(coding.known)] = True
        codes[:, coding.index("steps before")] = place_code(np.array([self.place]))[0]
        if self.layout.time is not None:
            codes[:, coding.index("last gap")] = self.gap[:count]
        for index in self.layout.sparse:
            name = self.layout.numbers[index].column.name
            last = self.last[:count, index]
            code = seen_code(np.maximum(self.place - 1 - last, 0), self.seen[:count, index] / self.place)
            ever = ~np.isnan(self.first[:count, index])
            codes[:, coding.index(f"when {name} was there")] = np.where(~ever, NEVER, np.where(last < 0, NOT_YET, code))
        for index, column in enumerate(self.layout.levels):
            codes[:, coding.index(f"last {column.name}")] = self.state[:count, index]
        return tree.complete(codes, known, self._allowed(), self.rng).astype(np.int64)

    def _allowed(self) -> dict[int, NDArray[np.float64]]:
        """Return the codes that may be drawn: not the one of entities without a step, nor levels that are none."""
        assert self.bought.step is not None
        coding, _ = self.bought.step
        allowed = {}
        for index, (name, size) in enumerate(zip(coding.names, coding.sizes, strict=True)):
            if index not in coding.known:
                weights = np.ones(size)
                weights[-1] = 0.0
                if name == "gap":
                    weights[0] = 0.0
                if name.startswith("next "):
                    weights[:-1] = level_codec(self.bought.codec, name.removeprefix("next ")).drawn
                allowed[index] = weights
        return allowed

    def _observe(self, count: int, there: NDArray[np.bool_]) -> None:
        """Let numbers be observed where they are there, and note the step."""
        values = np.full((count, len(self.layout.numbers)), np.nan)
        for index, number in enumerate(self.layout.numbers):
            rows = np.flatnonzero(there[:, index] & ~np.isnan(self.first[:count, index]))
            new = self.seen[rows, index] == 0
            value = self.first[rows, index].copy()
            old = rows[~new]
            if len(old):
                level, mean = self.level[old, index], self.sum[old, index] / self.seen[old, index]
                value[~new] = number.clip(self.bought.moves[index].draw(level, mean, self.rng))
            self.level[rows, index] = values[rows, index] = value
            self.sum[rows, index] += value
            self.seen[rows, index] += 1
            self.last[rows, index] = self.place
        alive = np.flatnonzero(self.alive[:count])
        self.entities.append(alive)
        self.clocks.append(self.clock[alive])
        self.numbers.append(values[alive])
        self.levels.append(self.state[alive])
        self.place += 1


def _frame(bought: PrivateSequences, drawn: Codes, walk: _Walk, rng: np.random.Generator) -> pd.DataFrame:
    """Return the walk as a long table."""
    layout, schema = bought.layout, bought.layout.schema
    entity = np.concatenate(walk.entities)
    order = np.argsort(entity, kind="stable")
    entity = entity[order]
    numbers, levels = np.concatenate(walk.numbers)[order], np.concatenate(walk.levels)[order]
    table: dict[str, pd.Series[Any]] = {**fresh_keys(schema, entity, rng)}
    if layout.time is not None:
        table[layout.time.column.name] = layout.time.write(layout.time.clip(np.concatenate(walk.clocks)[order]))
    for index, number in enumerate(layout.numbers):
        table[number.column.name] = number.write(numbers[:, index])
    for index, column in enumerate(layout.levels):
        own = level_codec(bought.codec, column.name)
        table[column.name] = cells.to_dtype(own.decode(levels[:, index]), column, own.levels)
    for column in layout.made:
        share = bought.codec.missing_shares.get(column.name, 0.0)
        table[column.name] = generate(column, len(entity), rng, first=0, missing_share=share)
    for name, series in _static(bought, drawn, rng).items():
        table[name] = series.iloc[entity].reset_index(drop=True)
    return pd.DataFrame(table, columns=list(schema.names))


def _static(bought: PrivateSequences, drawn: Codes, rng: np.random.Generator) -> dict[str, pd.Series[Any]]:
    """Return the static columns of entities."""
    coding, table = bought.beginning[0], {}
    for column in bought.layout.static:
        if not column.kind.is_modelled:
            share = bought.codec.missing_shares.get(column.name, 0.0)
            table[column.name] = generate(column, len(drawn), rng, first=0, missing_share=share)
            continue
        own, codes = bought.codec.columns[column.name], drawn[:, coding.index(column.name)]
        if isinstance(own, NumericCodec):
            table[column.name] = cells.write(own.decode(codes, rng.random(len(codes))), column)
        else:
            assert isinstance(own, CategoricalCodec)
            table[column.name] = cells.to_dtype(own.decode(codes), column, own.levels)
    return table
