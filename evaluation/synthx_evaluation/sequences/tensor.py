"""Sequences as one matrix of rows that lie entity by entity; everything else is computed from it.

A ragged matrix (rows, where each entity begins, how many rows it has) costs what the rows cost, however unequal the
lengths; a padded tensor is made only for what needs one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError
from synthx.schema import Column
from synthx_evaluation.encoding import Floats

__all__ = ["Places", "Sequences", "entity_codes"]

Places = NDArray[np.intp]


@dataclasses.dataclass(frozen=True, slots=True)
class Sequences:
    """The rows of many entities, each entity's in the order of time.

    Parameters
    ----------
    columns : tuple of Column
        The assessed columns but for key and time, d of them.
    levels : tuple
        Per column the labels of its level numbers; empty for numbers and times.
    cells : array (rows, d)
        Level numbers, numbers, or seconds since 1970; NaN is missing.
    times : array (rows,)
        Value of the time column (seconds since 1970 for datetimes); the number of the step where there is none.
    lengths : array (entities,)
        Rows of each entity, at least 1.
    timed : bool
        Whether there is a time column.
    """

    columns: tuple[Column, ...]
    levels: tuple[tuple[str, ...], ...]
    cells: Floats
    times: Floats
    lengths: Places
    timed: bool

    @classmethod
    def of(
        cls,
        columns: tuple[Column, ...],
        levels: tuple[tuple[str, ...], ...],
        cells: Floats,
        codes: Places,
        times: Floats | None,
    ) -> Sequences:
        """Sort rows into sequences.

        Parameters
        ----------
        columns, levels
            As above.
        cells : array (rows, d)
            In any order of rows.
        codes : array (rows,)
            Number of each row's entity, 0 to entities - 1, all in use.
        times : array (rows,), optional
            By which an entity's rows are ordered, stably; missing is last. Without it the order of rows counts.
        """
        order = np.argsort(codes, kind="stable") if times is None else np.lexsort((times, codes))
        lengths = np.bincount(codes).astype(np.intp)
        when = positions(lengths).astype(np.float64) if times is None else times[order]
        return cls(columns, levels, cells[order], when, lengths, times is not None)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def starts(self) -> Places:
        """The first row of each entity, (entities,)."""
        return np.asarray(np.cumsum(self.lengths) - self.lengths)

    @property
    def owners(self) -> Places:
        """The entity of each row, (rows,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def positions(self) -> Places:
        """The number of each row within its entity, from 0, (rows,)."""
        return positions(self.lengths)

    @property
    def static(self) -> Places:
        """Places of the columns that are constant within an entity."""
        return np.array([j for j, column in enumerate(self.columns) if column.static], dtype=np.intp)

    @property
    def numbers(self) -> Places:
        """Places of the step columns that hold numbers or times."""
        found = [j for j, column in enumerate(self.columns) if not (column.static or column.kind.is_discrete)]
        return np.array(found, dtype=np.intp)

    @property
    def discrete(self) -> Places:
        """Places of the step columns that hold levels."""
        found = [j for j, column in enumerate(self.columns) if not column.static and column.kind.is_discrete]
        return np.array(found, dtype=np.intp)

    @property
    def steps(self) -> Places:
        """Places of the columns that are observed at each step."""
        return np.sort(np.concatenate([self.numbers, self.discrete]))

    def names(self, places: Places) -> tuple[str, ...]:
        return tuple(self.columns[j].name for j in places)

    # -- parts --------------------------------------------------------------------------------------------------

    def take(self, entities: Places) -> Sequences:
        """Return the sequences of the given entities, in the given order."""
        lengths = self.lengths[entities]
        rows = np.repeat(self.starts[entities], lengths) + positions(lengths)
        return dataclasses.replace(self, cells=self.cells[rows], times=self.times[rows], lengths=lengths)

    def cut(self, most: int, generator: np.random.Generator) -> Sequences:
        """Return of every longer sequence `most` steps in a row, from a place drawn at random."""
        kept = np.minimum(self.lengths, most)
        first = self.starts + generator.integers(0, self.lengths - kept + 1)
        rows = np.repeat(first, kept) + positions(kept)
        return dataclasses.replace(self, cells=self.cells[rows], times=self.times[rows], lengths=kept)

    def pairs(self, lag: int) -> Places:
        """Return the rows that have a row of the same entity `lag` steps later, (pairs,)."""
        return np.flatnonzero(self.positions < np.repeat(self.lengths - lag, self.lengths))

    def gaps(self) -> Floats:
        """Return the time from each row to the next of its entity, (rows - entities,)."""
        rows = self.pairs(1)
        return np.asarray(self.times[rows + 1] - self.times[rows])

    def groups(self, count: int) -> Places:
        """Return each row's group when entities are shared out to `count` groups of as many entities, (rows,)."""
        return np.repeat(np.arange(len(self)) * count // len(self), self.lengths)

    def padded(self, places: Places, steps: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return columns as a tensor of so many steps, those beyond an entity's last filled with NaN.

        Returns
        -------
        values : array (entities, steps, columns)
        present : array (entities, steps)
            Whether the step exists.
        """
        values = np.full((len(self), steps, len(places)), np.nan)
        present = np.arange(steps) < self.lengths[:, None]
        values[present] = self.cells[:, places]
        return values, present


def positions(lengths: Places) -> Places:
    """Return 0, 1, … within each run of the given lengths, (sum of lengths,)."""
    ends = np.cumsum(lengths)
    return np.asarray(np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths))


def entity_codes(frame: pd.DataFrame, key: Sequence[str], table: str) -> tuple[Places, pd.MultiIndex]:
    """Number the entities of a long table.

    Returns
    -------
    codes : array (rows,)
        The entity of each row, from 0 in the order of first rows.
    keys : MultiIndex
        The key of each entity, as text: ``7``, ``7.0`` and ``"7"`` are one key.

    Raises
    ------
    DataError
        If a row names no entity.
    """
    labels = []
    for name in key:
        parts, uniques = pd.factorize(frame[name])
        if (parts < 0).any():
            raise DataError(
                f"column {name!r} of the {table} table names no entity in {int((parts < 0).sum())} rows, such as row "
                f"{int(np.argmin(parts))}",
                remedy="drop these rows or give each an entity of its own",
            )
        labels.append(np.array([_text(value) for value in uniques], dtype=object)[parts])
    codes, keys = pd.factorize(pd.MultiIndex.from_arrays(labels, names=list(key)))
    assert isinstance(keys, pd.MultiIndex)
    return np.asarray(codes, dtype=np.intp), keys.set_names(list(key))


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, (float, np.floating)) and float(value).is_integer() else str(value)
