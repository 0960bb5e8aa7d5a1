"""A table codec that has seen no cell: its levels and bounds are declared, its cuts follow from noisy counts.

What a schema declares is public: kinds, nullability, decimals, levels and bounds. Cells that contradict it are taken
to the nearest thing that does not: a number beyond a bound to the bound, an unknown level or a missing cell that may
not be missing to a code that is never drawn. That happens row by row, without an error that would tell; how many rows
it concerned is counted with noise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.knots import positions_of
from synthx.codec.numeric import NumericCodec
from synthx.codec.private.declared import CLAMPED
from synthx.codec.private.places import Places
from synthx.codec.private.reading import level_codes, read_each
from synthx.codec.structure import Structure
from synthx.codec.table import ColumnCodec, TableCodec
from synthx.schema import Column, Kind, Schema

if TYPE_CHECKING:
    from synthx_privacy.intervals import Intervals
    from synthx_privacy.ledger import Account

__all__ = ["PrivateTable", "measure_table"]

MOST_BINS, FEWEST_BINS = 32, 4
SPIKE_SHARE = 1 / 100
"""A value has a code of its own where it holds at least this share of the rows, by a noisy count …"""
STANDS_OUT = 3.0
"""… and this many times as many as values near it, on average."""
NEAR = 4
"""Parts of the histogram on either side that count as near."""


@dataclasses.dataclass(frozen=True)
class PrivateTable:
    """A table as codes, and what was measured on the way.

    Parameters
    ----------
    codec : TableCodec
        Made of declarations and noisy counts alone.
    codes : int32 array, shape (rows, columns)
        Private: every use of them has to be paid for.
    histograms : tuple of float arrays
        A noisy count for each code of each column.
    deviations : tuple of float arrays
        The standard deviations of their noise, about.
    clamped : float
        The noisy count of rows with a cell outside the declared domain.
    """

    codec: TableCodec
    codes: np.ndarray
    histograms: tuple[np.ndarray, ...]
    deviations: tuple[np.ndarray, ...]
    clamped: float


def measure_table(
    account: Account,
    frame: pd.DataFrame,
    schema: Schema,
    *,
    total: float,
    total_deviation: float,
    pair_deviation: float,
) -> PrivateTable:
    """Make a codec from noisy counts, and code the table by it.

    Parameters
    ----------
    account : Account
        Has the phases of `histogram_phases`, `missing_phases` and `CLAMPED` reserved.
    frame : DataFrame, shape (rows, columns)
    schema : Schema
        Declares all that `check_declared` asks for.
    total, total_deviation : float
        The noisy count of rows and the standard deviation of its noise.
    pair_deviation : float
        The noise of the counts that pairs of columns will be measured with; it decides how finely numbers are cut.
    """
    from synthx_privacy.mechanisms import noisy_counts

    most = int(np.clip(round((max(total, 1.0) / max(pair_deviation, 1e-9)) ** 0.5), FEWEST_BINS, MOST_BINS))
    codecs: dict[str, ColumnCodec] = {}
    codes, histograms, deviations, beyond = [], [], [], np.zeros(len(frame), bool)
    for column in schema:
        if not column.kind.is_modelled:
            continue
        codec, code, histogram, deviation, outside = (
            _measure_levels(account, frame[column.name], column)
            if column.kind.is_discrete
            else _measure_numbers(account, frame[column.name], column, most, total, total_deviation)
        )
        codecs[column.name] = codec
        codes.append(code)
        histograms.append(histogram)
        deviations.append(deviation)
        beyond |= outside
    clamped = float(noisy_counts(account, CLAMPED, np.array([int(beyond.sum())]))[0])
    shares = _missing_shares(account, frame, schema, total)
    never = frozenset(name for name, codec in codecs.items() if codec.nullable and not schema[name].nullable)
    codec_of_table = TableCodec(schema, Structure((), schema), codecs, shares, never)
    stacked = np.stack(codes, axis=1) if codes else np.empty((len(frame), 0), np.int32)
    return PrivateTable(codec_of_table, stacked, tuple(histograms), tuple(deviations), max(0.0, clamped))


Measured = tuple[ColumnCodec, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Codec, codes, noisy counts and their deviations by code, and which rows lie outside the declared domain."""


def _measure_levels(account: Account, series: pd.Series[Any], column: Column) -> Measured:
    from synthx_privacy.mechanisms import noisy_counts

    levels = column.levels or (False, True)
    text = all(isinstance(level, str) for level in levels)
    codec = CategoricalCodec(column.nullable, tuple(levels), True, column.kind is Kind.ORDINAL, text)
    codes = level_codes(series, codec)
    phase = f"levels of {column.name!r}"
    noisy = noisy_counts(account, phase, np.bincount(codes, minlength=codec.size))
    outside = codes == codec.size - 1
    return codec, codes, np.maximum(noisy, 0.0), np.full(codec.size, account.deviation(phase)), outside


def _measure_numbers(
    account: Account, series: pd.Series[Any], column: Column, most: int, total: float, total_deviation: float
) -> Measured:
    from synthx_privacy.intervals import cuts_of, measure_intervals

    grid = Places.of(column)
    places = grid.read(series, column)
    phases = [f"values of {column.name!r}, cut {index + 1}" for index in range(len(cuts_of(grid.size)))]
    measured = measure_intervals(
        account, phases, places, grid.size, origin=grid.origin, total=total, total_deviation=total_deviation
    )
    codec, of_part = _cut(measured, grid, most)
    values = np.where(places < 0, np.nan, grid.edges(places) + grid.step / 2)
    codes, _ = codec.encode(values)
    counts = np.bincount(of_part, measured.counts, minlength=codec.size)
    spread = np.bincount(of_part, measured.deviations**2, minlength=codec.size)
    counts[0], spread[0] = measured.missing, measured.deviations.mean() ** 2
    raw = read_each(series, column)
    with np.errstate(invalid="ignore"):
        outside = (raw < cells.point(column.lower, column)) | (raw > cells.point(column.upper, column))
    if not column.nullable:
        outside |= np.isnan(raw)
    return codec, codes, counts, np.sqrt(spread), outside


def _cut(measured: Intervals, grid: Places, most: int) -> tuple[NumericCodec, np.ndarray]:
    """Choose spikes and bins from a noisy histogram; return the codec, and the code of each part of the histogram."""
    total = max(float(measured.counts.sum()), 1.0)
    spike = _spikes(measured, total, few=grid.size <= most) if grid.grid.step else np.zeros(len(measured.counts), bool)
    spikes = grid.grid.snap(grid.low + measured.edges[:-1][spike] * grid.step)
    rest = np.where(spike, 0.0, measured.counts)
    held = np.flatnonzero(rest > 0)
    if not len(held) and len(spikes):
        codec = NumericCodec(True, spikes, np.empty(0), np.empty(0), grid.grid)
        middles = grid.low + (measured.edges[:-1] + measured.edges[1:] - 1) / 2 * grid.step
        return codec, codec.encode(middles)[0]
    first, end = (held[0], held[-1] + 1) if len(held) else (0, len(rest))  # what is beyond holds nothing
    floor = 1e-6 * total / len(rest)  # positions increase along every part
    mass = np.cumsum(np.append(0.0, np.maximum(rest[first:end], floor)))
    bins = int(np.clip(round(most * rest.sum() / total), 1, end - first))
    knots = grid.edges(measured.edges[first : end + 1].astype(np.float64))
    codec = NumericCodec(True, spikes, knots, positions_of(mass / mass[-1], bins), grid.grid)
    middles = np.interp(np.arange(len(rest)), np.arange(first, end), (codec.positions[:-1] + codec.positions[1:]) / 2)
    of_part = codec.first_bin + np.clip(middles, 0, codec.bins - 1e-9).astype(np.int64)
    of_part[spike] = codec.first_spike + np.arange(int(spike.sum()))
    return codec, of_part


def _spikes(measured: Intervals, total: float, *, few: bool) -> np.ndarray:
    """Return which parts of a histogram are single values that stand out; all single values of a column of few."""
    single: np.ndarray = measured.widths == 1
    if few:
        return single
    density = measured.counts / measured.widths
    near = np.array(
        [
            np.delete(density[max(0, index - NEAR) : index + NEAR + 1], min(index, NEAR)).mean()
            if len(density) > 1
            else 0.0
            for index in range(len(density))
        ]
    )
    clear = measured.counts > STANDS_OUT * measured.deviations
    found: np.ndarray = single & clear & (measured.counts > SPIKE_SHARE * total) & (density > STANDS_OUT * near)
    return found


def _missing_shares(account: Account, frame: pd.DataFrame, schema: Schema, total: float) -> Mapping[str, float]:
    from synthx_privacy.mechanisms import noisy_counts

    shares = {}
    for column in schema:
        if not column.kind.is_modelled and column.nullable:
            missing = np.array([int(frame[column.name].isna().sum())])
            noisy = float(noisy_counts(account, f"missing cells of {column.name!r}", missing)[0])
            shares[column.name] = float(np.clip(noisy / max(total, 1.0), 0.0, 1.0))
    return shares
