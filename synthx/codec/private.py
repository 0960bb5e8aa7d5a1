"""A table codec that has seen no cell: its levels and bounds are declared, its cuts follow from noisy counts.

What a schema declares is public: kinds, nullability, decimals, levels and bounds. Cells that contradict it are taken
to the nearest thing that does not: a number beyond a bound to the bound, an unknown level or a missing cell that may
not be missing to a code that is never drawn. That happens row by row, without an error that would tell; how many rows
it concerned is counted with noise.
"""

from __future__ import annotations

import dataclasses
import decimal
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.categorical import CategoricalCodec, spell
from synthx.codec.knots import positions_of
from synthx.codec.numeric import Grid, NumericCodec
from synthx.codec.structure import Structure
from synthx.codec.table import ColumnCodec, TableCodec
from synthx.errors import PrivacyError
from synthx.schema import Column, Kind, Schema

if TYPE_CHECKING:
    from synthx_privacy.intervals import Intervals
    from synthx_privacy.ledger import Account

__all__ = [
    "PrivateTable",
    "check_declared",
    "histogram_phases",
    "level_codes",
    "measure_table",
    "missing_phases",
    "read_each",
    "spelled",
    "tells_hours",
    "what_is_open",
]

CLAMPED = "rows with cells outside the declared domain"
"""The phase of the ledger that counts them."""
FINEST = 2**16
"""Numbers without declared decimals are told apart by so many parts of their range."""
MOST_PLACES = 2.0**52
"""Numbers on a finer grid count as if no decimals were declared: their places could not be told apart exactly."""
FARTHEST = 1e300
"""Bounds beyond it are taken to it: their distance would be infinite."""
MOST_BINS, FEWEST_BINS = 32, 4
SPIKE_SHARE = 1 / 100
"""A value has a code of its own where it holds at least this share of the rows, by a noisy count …"""
STANDS_OUT = 3.0
"""… and this many times as many as values near it, on average."""
NEAR = 4
"""Parts of the histogram on either side that count as near."""
MICROSECONDS = 1_000_000.0


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


@dataclasses.dataclass(frozen=True)
class Places:
    """The grid of places on which a column of numbers is measured: place i stands for ``low + i * step``.

    Parameters
    ----------
    low, step : float
    size : int
    grid : Grid
        What decoded numbers snap to.
    """

    low: float
    step: float
    size: int
    grid: Grid

    @classmethod
    def of(cls, column: Column) -> Places:
        """Return the grid that follows from what the schema declares."""
        low, high = np.clip([cells.point(end, column) for end in (column.lower, column.upper)], -FARTHEST, FARTHEST)
        low, high = float(low), float(high)
        if column.kind is Kind.DATETIME:
            unit = MICROSECONDS if tells_hours(column) else 86_400 * MICROSECONDS
            return cls(low, unit, int((high - low) // unit) + 1, Grid(unit, low % unit, 0))
        decimals = 0 if column.kind is Kind.INTEGER else column.decimals
        if decimals is None or (high - low) * 10.0**decimals > MOST_PLACES:
            return cls(low, max((high - low) / FINEST, 1e-300), FINEST, Grid())
        step = 10.0**-decimals
        low = float(cells.ceil_to(np.array([low]), decimals)[0])
        size = round((float(cells.floor_to(np.array([high]), decimals)[0]) - low) / step) + 1
        return cls(low, step, max(1, size), Grid(step, 0.0, decimals))

    @property
    def origin(self) -> int:
        """The number of the first place, in steps."""
        return round(self.low / self.step) if self.grid.step else 0

    def read(self, series: pd.Series[Any], column: Column) -> np.ndarray:
        """Return the place of each cell, the nearest one for numbers beyond the bounds; -1 where missing."""
        values = read_each(series, column)
        missing = np.isnan(values)
        inside = np.clip(np.where(missing, self.low, values), self.low, self.low + self.size * self.step)
        scaled = (inside - self.low) / self.step
        places = np.rint(scaled) if self.grid.step else np.floor(scaled)
        return np.where(missing, -1, np.minimum(places, self.size - 1)).astype(np.int64)

    def edges(self, places: np.ndarray) -> np.ndarray:
        """Return the values where places begin: midway between two of a grid."""
        shift = 0.5 if self.grid.step else 0.0
        ends: np.ndarray = self.low + (places - shift) * self.step
        return ends


def tells_hours(column: Column) -> bool:
    """Whether times of the column are finer than days, as far as the schema says."""
    if column.format is not None:
        return any(mark in column.format for mark in ("%H", "%I", "%M:", "%S", "%X", "%c", "%f"))
    if column.dtype == "object":
        return False  # Python dates
    written = f"{column.lower} {column.upper}"
    return ":" in written and not (str(column.lower).endswith("00:00:00") and str(column.upper).endswith("00:00:00"))


def read_each(series: pd.Series[Any], column: Column) -> np.ndarray:
    """Return cells as numbers; one that is none counts as missing, and none raises an error that would tell of it.

    What one cell holds never changes how another is read: a single row could change the readings of all, otherwise.
    """
    if column.kind is Kind.DATETIME:
        return _read_times(series) if series.dtype.kind == "M" else _read_written_times(series, column)
    if pd.api.types.is_numeric_dtype(series.dtype):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = series.astype(object)
        if pd.api.types.infer_dtype(plain, skipna=True) != "string":
            plain = plain.map(_number_or_text, na_action="ignore")
        plain = pd.Series([*plain.where(plain.notna(), None), "0.5"], dtype=object)  # one of them is no whole number …
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)[:-1]  # … so none is
    bounds = np.finfo(np.float64)
    finite: np.ndarray = np.clip(numbers, bounds.min, bounds.max)
    return finite


def _number_or_text(cell: object) -> float | str | None:
    """Return what can be read as a number without an error; None for anything else."""
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, int | float | np.integer | np.floating | np.bool_ | decimal.Decimal):
        return None
    try:
        return float(cell)
    except OverflowError:
        return math.copysign(math.inf, cell > 0 or -1)
    except ValueError:  # a signalling NaN
        return None


def _read_times(series: pd.Series[Any]) -> np.ndarray:
    """Return microseconds since 1970 (UTC) of a column of times."""
    stamps = pd.DatetimeIndex(series)
    return _ticks(stamps if stamps.tz is None else stamps.tz_convert("UTC").tz_localize(None))


def _read_written_times(series: pd.Series[Any], column: Column) -> np.ndarray:
    """Return microseconds since 1970 (UTC) of times that are text, Python's or numbers; each distinct one is read once.

    pandas reads a time without an offset as if it had that of the time before it, so the two sorts are read apart; and
    it has words for the present.
    """
    which, distinct = pd.factorize(spelled(series))
    text = pd.Series(distinct, dtype=object)
    text = text.where(~text.isin(["now", "today"]), None)
    found = np.full(len(text) + 1, np.nan)  # the last one stands for missing cells
    has_offset = text.str.slice(8).str.contains("[-+zZ]", na=False).to_numpy(dtype=bool)
    for part in (has_offset, ~has_offset):
        if part.any():
            stamps = pd.to_datetime(text[part], format=column.format or "ISO8601", errors="coerce", utc=True)
            found[:-1][part] = _ticks(pd.DatetimeIndex(stamps).tz_localize(None))
    return found[which]


def _ticks(stamps: pd.DatetimeIndex) -> np.ndarray:
    ticks = stamps.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(ticks), np.nan, ticks.astype(np.int64).astype(np.float64))


# -- what has to be declared ----------------------------------------------------------------------------------------


def check_declared(schema: Schema, *, buys: bool) -> None:
    """Refuse a schema that leaves open what would have to be read off the data.

    Parameters
    ----------
    schema : Schema
    buys : bool
        Whether a share of the budget may buy bounds and levels.

    Raises
    ------
    PrivacyError
        Naming the column and the cures.
    """
    for column in schema:
        lacking = what_is_open(column)
        if lacking is None or (buys and column.kind.is_modelled):
            continue
        fields = {"bounds": '"lower" and "upper"', "levels": '"levels"', "value": 'its value as "levels"'}[lacking]
        cure = f"declare {fields} for it in the schema (`synthx detect --assume-public` does where they are public)"
        if column.kind.is_modelled:
            cure += (
                ", or let a share of the budget buy them with --domain-share 0.1 (in Python, Privacy(domain_share=0.1))"
            )
        raise PrivacyError(
            f"column {column.name!r} declares no {lacking}, and with differential privacy they are not read off the"
            " data",
            remedy=cure,
        )


def what_is_open(column: Column) -> str | None:
    """Return what a column fails to declare: "bounds", "levels", "value" or nothing."""
    if column.kind.is_number or column.kind is Kind.DATETIME:
        return "bounds" if column.lower is None or column.upper is None else None
    if column.kind is Kind.CONSTANT:
        return "value" if not column.levels else None
    if column.kind.is_discrete and not column.levels:
        return None if column.dtype in ("bool", "boolean") else "levels"
    return None


def histogram_phases(schema: Schema) -> dict[str, int]:
    """Return the phases of the ledger that count cells of learned columns, and how many each column has; declared."""
    from synthx_privacy.intervals import cuts_of

    phases = {}
    for column in schema:
        if column.kind.is_discrete:
            phases[f"levels of {column.name!r}"] = 1
        elif column.kind.is_modelled:
            levels = len(cuts_of(Places.of(column).size))
            phases.update({f"values of {column.name!r}, cut {index + 1}": levels for index in range(levels)})
    return phases


def missing_phases(schema: Schema) -> list[str]:
    """Return the phases that count missing cells of columns that are made and not learned."""
    return [f"missing cells of {column.name!r}" for column in schema if not column.kind.is_modelled and column.nullable]


# -- measuring ------------------------------------------------------------------------------------------------------


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


def level_codes(series: pd.Series[Any], codec: CategoricalCodec) -> np.ndarray:
    """Return the code of each cell, found by how the level is written; the rare code where there is no such level."""
    known = {spell(level): codec.first_level + index for index, level in enumerate(codec.levels)}
    rare = codec.size - 1
    which, distinct = pd.factorize(spelled(series), use_na_sentinel=True)
    table = np.array([known.get(cell, rare) for cell in distinct] + [0 if codec.nullable else rare], np.int32)
    found: np.ndarray = table[which]
    return found


def spelled(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return how each cell is written, None where missing: cell by cell, whatever other cells hold.

    Python takes True, 1 and 1.0 for the same, so distinct cells are looked up only where all are of one type.
    """
    cells_ = series.astype(object)
    alike = pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.infer_dtype(cells_, skipna=True) == "string"
    if not alike:
        return cells_.map(_written, na_action="ignore")
    which, distinct = pd.factorize(series)
    table = np.array([*(spell(cell) for cell in distinct), None], object)
    return pd.Series(table[which], index=series.index)


def _written(cell: object) -> str:
    """Return `spell`, where Python writes the cell at all: whole numbers of thousands of digits it does not."""
    try:
        return spell(cell)
    except ValueError:
        return "(too long)"


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
