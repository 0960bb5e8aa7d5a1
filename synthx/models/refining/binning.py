"""Coded rows as bytes: the questions that trees ask are comparisons of bins.

Real and drawn rows must look alike except where they differ in what a reader of the table sees. So a number's bin goes
by its decoded value and not by its offset: real offsets lie where the grid of values lies, drawn ones everywhere. A
column without an order appears several times, its levels ordered by frequency and along the first axes of a
correspondence analysis with the other columns (Benzécri 1973), so that "a higher bin" means like levels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from synthx.codec.numeric import NumericCodec
from synthx.codec.table import Coded, TableCodec

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Binning"]

CELLS = 64
"""Into so many cells a code's inside is cut; a cell has one bin."""
MOST_BINS = 256
STEPS, HEAVY = 150, 1 / 100
"""Bins of about equal mass, and the mass from which a value has a bin of its own: at most 250 bins come of both."""
AXES, FEWEST_LEVELS = 2, 4
COMPARED_COLUMNS, COMPARED_ROWS, COMPARED_GROUPS = 32, 30_000, 8


@dataclasses.dataclass(frozen=True)
class Binning:
    """What turns codes and offsets into bins.

    Parameters
    ----------
    sources : tuple of int
        The coded column that each binned column is made of.
    tables : tuple of uint8 arrays
        The bin of each code of the source, or of each of `CELLS` cells of each code.
    cells : tuple of int
        `CELLS` where offsets count, else 1; by binned column.
    """

    sources: tuple[int, ...]
    tables: tuple[np.ndarray, ...]
    cells: tuple[int, ...]

    @classmethod
    def fit(cls, codec: TableCodec, drawn: Coded) -> Binning:
        """Choose bins for the columns of a codec by rows drawn from a model."""
        sources, tables, cells = [], [], []
        for index, column in enumerate(codec.columns.values()):
            sources.append(index)
            if isinstance(column, NumericCodec):
                cells.append(CELLS)
                tables.append(_bins_of_numbers(column, drawn.codes[:, index], drawn.offsets[:, index]))
            else:
                cells.append(1)
                counts = np.bincount(drawn.codes[:, index], minlength=column.size)
                order = np.arange(column.size) if column.ordered else np.argsort(-counts, kind="stable")
                tables.append(_places(order))
        plain = cls(tuple(sources), tuple(tables), tuple(cells))
        rows = plain(Coded(drawn.codes[:COMPARED_ROWS], drawn.offsets[:COMPARED_ROWS]))
        grouped = _grouped(rows)
        for index, column in enumerate(codec.columns.values()):
            if isinstance(column, NumericCodec) or column.ordered or not FEWEST_LEVELS <= column.size <= MOST_BINS:
                continue
            others = grouped[np.arange(len(grouped)) != index]
            for order in _kindred_orders(drawn.codes[:COMPARED_ROWS, index], column.size, others):
                sources.append(index)
                cells.append(1)
                tables.append(_places(order))
        return cls(tuple(sources), tuple(tables), tuple(cells))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of bins of each binned column."""
        return tuple(int(table.max()) + 1 for table in self.tables)

    def __call__(self, coded: Coded) -> np.ndarray:
        """Return bins, uint8 of shape (binned columns, rows)."""
        binned = np.empty((len(self.sources), len(coded.codes)), np.uint8)
        for place, (source, table, cells) in enumerate(zip(self.sources, self.tables, self.cells, strict=True)):
            at = coded.codes[:, source].astype(np.intp)
            if cells > 1:
                at = at * cells + (coded.offsets[:, source] * cells).astype(np.intp)
            table.take(at, out=binned[place], mode="clip")
        return binned

    # -- files --------------------------------------------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return JSON values and tensors."""
        import torch

        lengths = [len(table) for table in self.tables]
        values = {"sources": list(self.sources), "cells": list(self.cells), "lengths": lengths}
        return values, {"bins": torch.from_numpy(np.concatenate(self.tables))}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Binning:
        tables = np.split(tensors["bins"].numpy(), np.cumsum(values["lengths"])[:-1])
        return cls(tuple(values["sources"]), tuple(tables), tuple(values["cells"]))


def _bins_of_numbers(codec: NumericCodec, codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the bin of each cell of each code: 0 for missing, others in ascending order of value."""
    count = codec.size * CELLS
    values = codec.decode(
        np.repeat(np.arange(codec.size), CELLS), np.tile((np.arange(CELLS) + 0.5) / CELLS, codec.size)
    )
    mass = np.bincount(codes.astype(np.intp) * CELLS + (offsets * CELLS).astype(np.intp), minlength=count)
    filled = ~np.isnan(values)
    distinct, which = np.unique(values[filled], return_inverse=True)
    bins = np.zeros(count, np.uint8)
    bins[filled] = 1 + _joined(np.bincount(which, mass[filled], len(distinct)))[which]
    return bins


def _joined(mass: np.ndarray) -> np.ndarray:
    """Return a bin for each of some values with masses: one each if they are few, else of about equal mass.

    >>> _joined(np.array([3, 0, 5]))
    array([0, 1, 2])
    """
    if len(mass) < MOST_BINS:
        return np.arange(len(mass))
    share = mass / max(mass.sum(), 1)
    step = np.floor((np.cumsum(share) - share) * STEPS)
    heavy = share >= HEAVY
    begins = (np.diff(step, prepend=0) > 0) | heavy
    begins[1:] |= heavy[:-1]
    return np.cumsum(begins)


def _places(order: np.ndarray) -> np.ndarray:
    """Return the bin of each code when codes stand in an order; those beyond the last bin share it."""
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return np.minimum(places, MOST_BINS - 1).astype(np.uint8)


def _grouped(rows: np.ndarray) -> np.ndarray:
    """Return bins as a few groups of about equally many rows; shape (columns, rows)."""
    grouped = np.empty(rows.shape, np.intp)
    for column, bins in enumerate(rows):
        counts = np.bincount(bins, minlength=MOST_BINS)
        middle = (np.cumsum(counts) - counts / 2) / max(1, rows.shape[1])
        grouped[column] = np.minimum(middle * COMPARED_GROUPS, COMPARED_GROUPS - 1).astype(np.intp)[bins]
    return grouped


def _kindred_orders(codes: np.ndarray, size: int, others: np.ndarray) -> list[np.ndarray]:
    """Return orders of the codes of a column in which like codes are neighbours, by their tables with other columns.

    The axes are the singular vectors of the standardised residuals of the tables.
    """
    chosen = others[:: max(1, -(-len(others) // COMPARED_COLUMNS))]
    if len(chosen) == 0:
        return []
    keys = codes.astype(np.intp) * COMPARED_GROUPS
    shape = (size, COMPARED_GROUPS)
    tables = [np.bincount(keys + groups, minlength=size * COMPARED_GROUPS).reshape(shape) for groups in chosen]
    counts = np.concatenate(tables, axis=1).astype(np.float64)
    level, group = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    expected = level * group / max(counts.sum(), 1)
    residuals = (counts - expected) / np.sqrt(expected + 5)  # 5: residuals of rare levels are mostly noise
    axes = np.linalg.svd(residuals, full_matrices=False)[0][:, :AXES]
    return [np.argsort(axis, kind="stable") for axis in (axes / np.sqrt(level + 5)).T]
