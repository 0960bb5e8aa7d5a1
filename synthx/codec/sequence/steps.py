"""The steps of sequences as codes, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec import cells
from synthx.codec.numeric import NumericCodec
from synthx.codec.sequence.history import History, sequence_of
from synthx.codec.sequence.kinds import Kinds, choose_kinds, last_of_kind
from synthx.codec.sequence.moves import Corners, NumberCodec
from synthx.codec.sequence.reference_choice import choose_references
from synthx.codec.sequence.references import Reference, Source
from synthx.codec.sequence.rhythm import Rhythm
from synthx.codec.table import TableCodec
from synthx.schema import Kind, Role, Schema

__all__ = ["CodedSteps", "StepCodec"]

Floats = NDArray[np.float64]


class CodedSteps(NamedTuple):
    """Coded steps of sequences that stand one after the other.

    Parameters
    ----------
    codes : int32 array, shape (steps, columns)
    values : float array, shape (steps, numbers)
        What the columns of numbers hold, NaN where missing.
    history : History
        What is known of them before each step.
    clock : float array, shape (steps,)
        The time; the number of the step where there is no time column.
    measured : bool array, shape (steps, columns)
        Where a number's reference is known, so that it is coded as a distance from it (or is missing).
    recalled : int array, shape (steps,)
        The last step of the same sequence and kind; -1 where there is none, or steps are of one kind only.
    turns : int array, shape (steps, beats)
        How many steps ago the numbers of each beat last turned; see `Rhythm.since`.
    """

    codes: NDArray[np.int32]
    values: Floats
    history: History
    clock: Floats
    measured: NDArray[np.bool_]
    recalled: NDArray[np.int64]
    turns: NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class StepCodec:
    """Codes of the columns that change from step to step, in the order in which they are drawn.

    Parameters
    ----------
    table : TableCodec
        Of the steps, each taken by itself; its columns stand in the order in which they are drawn: the time first, and
        what is measured from another column after that one.
    numbers : mapping of str to NumberCodec
        The codecs of the columns of numbers, in that order; references count among these.
    kinds : Kinds, optional
        What tells steps of different kinds apart, where that helps. Its columns are drawn right after the time.
    rhythm : Rhythm
        Which numbers turn at even intervals, and together.
    """

    table: TableCodec
    numbers: Mapping[str, NumberCodec]
    kinds: Kinds | None
    rhythm: Rhythm

    # -- fitting ------------------------------------------------------------------------------------------------

    @classmethod
    def fit(cls, frame: pd.DataFrame, schema: Schema, starts: NDArray[np.int64], *, rare_threshold: int) -> StepCodec:
        """Learn the codes of steps.

        Parameters
        ----------
        frame : DataFrame, shape (steps, columns)
            The columns that change, sorted by sequence and time.
        schema : Schema
            Of these columns.
        starts : int array, shape (sequences,)
            The first step of each sequence, ascending.
        rare_threshold : int
            Nothing that fewer sequences share is stored, unless the schema declares it.

        Raises
        ------
        DataError
            If a cell contradicts the schema.
        """
        holders = sequence_of(starts, len(frame))
        table = TableCodec.fit(frame, schema, rare_threshold=rare_threshold, holders=holders)
        names = [name for name, codec in table.columns.items() if isinstance(codec, NumericCodec)]
        time = next((names.index(column.name) for column in schema.with_role(Role.TIME)), None)
        values = _values(frame, schema, names)
        kinds, kind = _kinds_of(table, frame, values, names, time, holders, rare_threshold)
        history = History.before_steps(
            values, _clock(values, time, starts), starts, kind, 0 if kinds is None else len(kinds)
        )
        grids = [table.columns[name].grid.step for name in names]  # type: ignore[union-attr]
        times = [schema[name].kind is Kind.DATETIME for name in names]
        references = choose_references(values, history, grids, times, time=time)
        order = _drawing_order(references, time)
        place = {column: position for position, column in enumerate(order)}
        numbers, turned = {}, np.zeros(values.shape, bool)
        for column in order:
            level, reference = table.columns[names[column]], references[column]
            assert isinstance(level, NumericCodec)
            number, source = NumberCodec(level), Source.unknown(len(values))
            if reference is not None:
                other = table.columns[names[reference.column]]
                assert isinstance(other, NumericCodec)
                source = reference.source(values, history)
                number = NumberCodec.fit(
                    values[:, column],
                    source,
                    level,
                    reference.moved(place),
                    measured_from=other.grid,
                    bounded=column != time,
                    rare_threshold=rare_threshold,
                    holders=holders,
                )
            numbers[names[column]] = number
            turned[:, place[column]] = number.turns(values[:, column], source, history, column)
        timed = [names[time]] if time is not None else []
        telling = () if kinds is None else kinds.columns
        others = [name for name in table.columns if name not in numbers and name not in telling]
        drawn = [*timed, *telling, *others, *(name for name in numbers if name not in timed)]
        table = dataclasses.replace(table, columns={name: table.columns[name] for name in drawn})
        rhythm = Rhythm.of(turned, starts, rare_threshold=rare_threshold)
        for column in order:
            name, turns = names[column], turned[:, place[column]]
            if rhythm.strict(place[column]) is not None and numbers[name].straight:  # it turned at the value before
                corners = Corners.of(history.values[turns, column], holders[turns], rare_threshold=rare_threshold)
                numbers[name] = numbers[name].with_corners(corners)
        return cls(table, numbers, kinds, rhythm)

    # -- shape --------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.table.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of codes of each column."""
        return tuple(
            self.numbers[name].size if name in self.numbers else codec.size
            for name, codec in self.table.columns.items()
        )

    @property
    def ranks(self) -> tuple[NDArray[np.float64] | None, ...]:
        """Where each code stands in its column's order; see `TableCodec.ranks`."""
        return tuple(
            self.numbers[name].ranks if name in self.numbers else codec.ranks
            for name, codec in self.table.columns.items()
        )

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """Which codes may be drawn, for all columns in a row; bool, shape (sum of sizes,)."""
        parts = np.split(self.table.drawn, np.cumsum(self.table.domain.sizes)[:-1])
        whole = []
        for name, part in zip(self.names, parts, strict=True):
            number = self.numbers.get(name)
            if number is not None:
                missing = part[: number.level.first_spike]
                part = np.concatenate([missing, np.ones(number.size - len(missing), bool)])
            whole.append(part)
        return np.concatenate(whole)

    @property
    def missing(self) -> tuple[int, ...]:
        """How many codes of each column mean missing: 1 or none."""
        return tuple(
            codec.first_spike if isinstance(codec, NumericCodec) else codec.first_level
            for codec in (
                self.numbers[name].level if name in self.numbers else codec
                for name, codec in self.table.columns.items()
            )
        )

    @property
    def sorts(self) -> tuple[tuple[int, int] | None, ...]:
        """The first level and the first distance among the codes of each column; None where there are no distances."""
        numbers = [self.numbers.get(name) for name in self.names]
        return tuple(
            None if number is None or number.move is None else (number.level.first_spike, number.level.size)
            for number in numbers
        )

    @property
    def told_apart(self) -> int:
        """How many kinds of steps are told apart; 0 if none are."""
        return 0 if self.kinds is None else len(self.kinds)

    @property
    def telling(self) -> int:
        """How many columns come first and tell the time and the kind of a step; 0 if no kinds are told apart."""
        return 0 if self.kinds is None else len(self.kinds.columns) + (self.time is not None)

    @property
    def time(self) -> int | None:
        """The index of the time among the numbers (it is the first, where there is one)."""
        return 0 if self.table.schema.time is not None else None

    # -- coding -------------------------------------------------------------------------------------------------

    def encode(self, frame: pd.DataFrame, starts: NDArray[np.int64]) -> CodedSteps:
        """Return the codes of steps that are sorted by sequence and time."""
        values = _values(frame, self.table.schema, list(self.numbers))
        return self.describe(self.table.encode(frame).codes, values, starts)

    def describe(self, codes: NDArray[np.int32], values: Floats, starts: NDArray[np.int64]) -> CodedSteps:
        """Return the codes of steps, and what is known before each.

        Parameters
        ----------
        codes : int32 array, shape (steps, columns)
            Those of numbers are found anew.
        values : float array, shape (steps, numbers)
        starts : int array, shape (sequences,)
            The first step of each sequence, ascending.
        """
        clock, codes = _clock(values, self.time, starts), codes.copy()
        kind, recalled = self.kind(codes), np.full(len(codes), -1)
        if self.kinds is not None:
            recalled = last_of_kind(kind, sequence_of(starts, len(codes)))
        history = History.before_steps(values, clock, starts, kind, self.told_apart)
        measured = np.zeros(codes.shape, bool)
        for index, (name, number) in enumerate(self.numbers.items()):
            source = number.source(values, history)
            column = self.names.index(name)
            codes[:, column] = number.encode(values[:, index], source)[0]
            measured[:, column] = source.known
        turns = self.rhythm.since(self.turned(values, history), starts)
        return CodedSteps(codes, values, history, clock, measured, recalled, turns)

    def unturned(
        self, number: int, source: Source, history: History, turns: NDArray[np.int64]
    ) -> tuple[int, NDArray[np.bool_]] | None:
        """Return the code of a number where it is not to turn, and where that is; None if it may turn anywhere.

        Parameters
        ----------
        number : int
        source : Source
            What it is measured from, of n steps.
        history : History
            What is known before them.
        turns : int array, shape (n, beats)
            How many steps before them the numbers of each beat last turned.
        """
        off = self.rhythm.off(number, turns)
        found = list(self.numbers.values())[number].unturned(source, history, number) if off.any() else None
        return None if found is None else (found[0], off & found[1])

    def turned(self, values: Floats, history: History) -> NDArray[np.bool_]:
        """Return where numbers that follow a beat turn, given what is known before the steps; (steps, numbers)."""
        turned = np.zeros(values.shape, bool)
        numbers = list(self.numbers.values())
        for index in self.rhythm.columns:
            number = numbers[index]
            turned[:, index] = number.turns(values[:, index], number.source(values, history), history, index)
        return turned

    def kind(self, codes: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return the kind of each step by its codes; (steps, columns) -> (steps,)."""
        if self.kinds is None:
            return np.zeros(len(codes), np.int64)
        return self.kinds.of(codes[:, [self.names.index(name) for name in self.kinds.columns]])

    def decode_numbers(self, codes: NDArray[np.int32], offsets: Floats, history: History) -> Floats:
        """Return the values of the columns of numbers at one step of some sequences; (sequences, numbers)."""
        values = np.full((len(codes), len(self.numbers)), np.nan)
        for index, (name, number) in enumerate(self.numbers.items()):
            column = self.names.index(name)
            values[:, index] = number.decode(codes[:, column], offsets[:, column], number.source(values, history))
        return values

    # -- files --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "table": self.table.to_dict(),
            "order": list(self.names),
            "numbers": {name: number.to_dict() for name, number in self.numbers.items()},
            "numbered": list(self.numbers),
            "kinds": None if self.kinds is None else self.kinds.to_dict(),
            "rhythm": self.rhythm.to_list(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StepCodec:
        """Build a codec from JSON values."""
        table = TableCodec.from_dict(values["table"])
        table = dataclasses.replace(table, columns={name: table.columns[name] for name in values["order"]})
        numbers = {name: NumberCodec.from_dict(values["numbers"][name]) for name in values["numbered"]}
        kinds = values["kinds"]
        kinds = None if kinds is None else Kinds.from_dict(kinds)
        return cls(table, numbers, kinds, Rhythm.from_list(values["rhythm"]))


def _values(frame: pd.DataFrame, schema: Schema, names: list[str]) -> Floats:
    columns = [cells.read_strictly(frame[name], schema[name]) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))


def _kinds_of(
    table: TableCodec,
    frame: pd.DataFrame,
    values: Floats,
    names: list[str],
    time: int | None,
    holders: NDArray[np.int64],
    rare_threshold: int,
) -> tuple[Kinds | None, NDArray[np.int64]]:
    """Return what tells the kinds of steps apart, and the kind of each."""
    codes = dict(zip(table.columns, table.encode(frame).codes.T.astype(np.int64), strict=True))
    discrete = {name: codes[name] for name in table.columns if name not in names}
    numbers = [(values[:, place], codes[name]) for place, name in enumerate(names) if place != time]
    kinds = choose_kinds(discrete, numbers, holders, rare_threshold=rare_threshold)
    if kinds is None:
        return None, np.zeros(len(frame), np.int64)
    return kinds, kinds.of(np.stack([codes[name] for name in kinds.columns], axis=1))


def _clock(values: Floats, time: int | None, starts: NDArray[np.int64]) -> Floats:
    """Return the time of each step: that of the time column, or else the number of the step."""
    if time is not None:
        return values[:, time]
    clock: Floats = (np.arange(len(values)) - starts[sequence_of(starts, len(values))]).astype(np.float64)
    return clock


def _drawing_order(references: tuple[Reference | None, ...], time: int | None) -> list[int]:
    """Return the columns so that each comes after the one it is measured from at the same step, the time first."""
    order: list[int] = []

    def visit(column: int) -> None:
        reference = references[column]
        for needed in () if reference is None else reference.needed:
            if needed not in order:
                visit(needed)
        if column not in order:
            order.append(column)

    for column in ([] if time is None else [time]) + list(range(len(references))):
        visit(column)
    return order
