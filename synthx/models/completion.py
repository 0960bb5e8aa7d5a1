"""Questions to a model about given rows: how likely is each, and what may stand in its empty cells."""

from __future__ import annotations

import dataclasses
import itertools
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.conditions import resolve
from synthx.codec.numeric import NumericCodec
from synthx.codec.structure import Order
from synthx.codec.structure.structure import describe
from synthx.codec.table import Coded, plain_cells
from synthx.condition import MISSING, OneOf, Window, show
from synthx.errors import ConditionError, DataError
from synthx.models.conditions import confine
from synthx.models.parameters import check_seed, check_whole
from synthx.models.tabular import TableSynthesizer
from synthx.schema import Column

__all__ = ["Completing"]

UNKNOWN = -1
"""The code of a cell that no code stands for."""


class Completing(TableSynthesizer):
    """A table model that knows how likely rows are, and fills their empty cells given the others."""

    @abstractmethod
    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return the log-probability of drawing codes, shape (rows, columns) -> (rows,)."""

    @abstractmethod
    def _complete(self, codes: np.ndarray, known: np.ndarray, windows: Mapping[int, Window], seed: int) -> np.ndarray:
        """Draw the codes that are not known, given those that are; all of shape (rows, columns)."""

    # -- how likely ---------------------------------------------------------------------------------------------

    def log_prob(self, rows: pd.DataFrame, *, reasons: bool = False) -> pd.Series[float] | pd.DataFrame:
        """Return how likely each row is: the logarithm of the probability that `sample` draws it.

        Numbers and times count by the bin that they lie in, so the probability is that of a row which differs from
        the given one at most inside bins.

        Parameters
        ----------
        rows : DataFrame, shape (rows, columns)
            With the training table's columns.
        reasons : bool
            Also say of every row that cannot be drawn why that is.

        Returns
        -------
        Series of float, or DataFrame with columns ``log_prob`` and ``reason``
            In nats, with the rows' index. Minus infinity where the model never draws such a row: a level that it does
            not know (unseen, or too rare to be stored), a number outside what it draws, a missing cell in a column
            that has none, a broken rule between columns. The reason is None where there is none.

        Raises
        ------
        DataError
            If columns are lacking or unknown, or a cell is no value of its column's kind.
        NotFittedError
            Before `fit`.
        """
        self._check_fitted()
        self.schema_.check_names(rows.columns)
        codes, why = np.empty((len(rows), len(self.codec_.columns)), np.int32), np.full(len(rows), None, object)
        for index, name in enumerate(self.codec_.columns):
            codes[:, index] = self._code_drawable(rows[name])
            for row in np.flatnonzero(codes[:, index] == UNKNOWN):
                why[row] = why[row] or _fault(name, rows[name].iloc[row])
        for rule in self.codec_.structure.rules:
            for row in np.flatnonzero(~rule.holds(rows, self.codec_.structure.schema)):
                why[row] = why[row] or f"the row breaks a rule of all training rows: {describe(rule)}"
        possible = np.array([reason is None for reason in why], bool)
        values = np.full(len(rows), -np.inf)
        if possible.any():
            values[possible] = self._log_prob(codes[possible])
        found = pd.Series(values, index=rows.index, name="log_prob")
        return pd.DataFrame({"log_prob": found, "reason": why}, index=rows.index) if reasons else found

    def _code_drawable(self, series: pd.Series[Any]) -> np.ndarray:
        """Return the codes of a column, `UNKNOWN` for cells that are never drawn."""
        name = str(series.name)
        codec, missing = self.codec_.columns[name], series.isna().to_numpy(dtype=bool)
        if isinstance(codec, NumericCodec):
            values = _numbers(series, self.schema_[name])
            codes, offsets = codec.encode(values)
            slack = np.maximum(codec.grid.step / 2, 1e-6 * (1 + np.abs(values)))
            drawable = np.abs(codec.decode(codes, offsets) - values) <= slack
        else:
            codes = codec.encode(plain_cells(series))
            drawable = np.append(codec.drawn, False)[codes]
        can_miss = codec.window(MISSING).weights.any() and name not in self.codec_.rarely_missing
        return np.where(np.where(missing, can_miss, drawable), codes, UNKNOWN)

    # -- empty cells --------------------------------------------------------------------------------------------

    def impute(self, rows: pd.DataFrame, *, draws: int = 1, seed: int | None = None) -> pd.DataFrame:
        """Fill the empty cells of rows by draws from what is likely, given the cells that are filled.

        Parameters
        ----------
        rows : DataFrame, shape (rows, columns)
            Columns that are lacking altogether are filled, too. Cells that the model does not know (an unseen level)
            stay as they are and tell it nothing.
        draws : int
            How many times each row is filled, each time anew: how the draws of a cell differ says how uncertain it is
            (multiple imputation; Rubin 1987).
        seed : int, optional
            The same seed fills alike on a CPU.

        Returns
        -------
        DataFrame, shape (draws × rows, columns)
            With the training table's columns and dtypes, and the rows' index; where there are several draws, their
            number is the outer level, ``draw``, of the index. Filled cells are never changed. Columns that are not
            learned (keys, free text) keep their empty cells.

        Raises
        ------
        DataError
            If a column is unknown, or a cell is no value of its column's kind.
        ParameterError
            If `draws` is not a positive whole number.
        NotFittedError
            Before `fit`.
        """
        self._check_fitted()
        check_whole("draws", draws, 1)
        check_seed(seed)
        strange = [str(name) for name in rows.columns if name not in self.schema_.names]
        if strange:
            raise DataError(
                f"the model knows no column {strange[0]!r}", remedy=f"drop it; it knows {', '.join(self.schema_.names)}"
            )
        empty = pd.Series([None] * len(rows), index=rows.index, dtype=object)
        whole = pd.DataFrame({name: rows.get(name, empty) for name in self.schema_.names}).reset_index(drop=True)
        rng = np.random.default_rng(seed)
        filled = [self._fill(whole, rng).set_index(rows.index) for _ in range(draws)]
        return filled[0] if draws == 1 else pd.concat(filled, keys=range(draws), names=["draw"])

    def _fill(self, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        codes, offsets, known = self._code_known(rows)
        windows = self._not_missing()
        for index in set(range(codes.shape[1])) - set(windows):
            known[:, index] = True  # a column without a value to draw: its cells stay empty
        drawn, inside = codes.copy(), rng.random(codes.shape)
        for part, more in self._pulled_back(rows, known):
            seed = int(rng.integers(2**62))
            more = {index: _if_any(window, windows[index]) for index, window in more.items() if index in windows}
            drawn[part] = self._complete(codes[part], known[part], {**windows, **more}, seed)
            inside[part] = confine(inside[part], drawn[part], more)
        frame = self.codec_.decode(Coded(drawn, np.where(known, offsets, inside)), rng)
        learned = {*self.codec_.columns, *self.codec_.structure.derived}
        return self._mended(
            rows,
            pd.DataFrame(
                {name: _filled(rows[name], frame[name]) if name in learned else rows[name] for name in rows.columns}
            ),
        )

    def _mended(self, rows: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
        """Move drawn cells that break an order between columns with cells that were filled before."""
        structure = self.codec_.structure
        orders = [rule for rule in structure.rules if isinstance(rule, Order)]
        broken = np.zeros(len(rows), bool)
        for rule in orders:
            broken |= ~rule.holds(filled, structure.schema)
        if not broken.any():
            return filled
        names = sorted({name for rule in orders for name in (rule.low, rule.high)})
        changed = names + sorted(name for name in structure.derived if set(structure.sources_of(name)) & set(names))
        for pattern, group in rows.loc[broken, names].notna().groupby(names).groups.items():
            assert isinstance(pattern, tuple)
            given = frozenset(itertools.compress(names, pattern))
            mended = structure.rebuild(structure.reduce(filled.loc[group]), fixed=given)
            for name in changed:
                filled.loc[group, name] = _filled(rows.loc[group, name], mended[name])
        return filled

    def _code_known(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return codes, offsets and which cells are known, each of shape (rows, coded columns)."""
        shape = (len(rows), len(self.codec_.columns))
        codes, offsets, known = np.zeros(shape, np.int32), np.full(shape, 0.5), np.zeros(shape, bool)
        for index, (name, codec) in enumerate(self.codec_.columns.items()):
            series, missing = rows[name], rows[name].isna().to_numpy(dtype=bool)
            if isinstance(codec, NumericCodec):
                codes[:, index], offsets[:, index] = codec.encode(_numbers(series, self.schema_[name]))
            else:
                codes[:, index] = codec.encode(plain_cells(series))
            known[:, index] = ~missing & (codes[:, index] != UNKNOWN)
        return np.maximum(codes, 0), offsets, known

    def _not_missing(self) -> dict[int, Window]:
        """Return, for each column that has a value to draw, the window of all that are drawn and not missing."""
        windows, start = {}, 0
        for index, codec in enumerate(self.codec_.columns.values()):
            allowed = self.codec_.drawn[start : start + codec.size] & ~(codec.window(MISSING).weights > 0)
            start += codec.size
            if allowed.any():
                windows[index] = Window.of_codes(allowed)
        return windows

    def _pulled_back(self, rows: pd.DataFrame, known: np.ndarray) -> list[tuple[np.ndarray, dict[int, Window]]]:
        """Part rows by what filled cells of derived columns say about empty cells that they are derived from."""
        parts = [(np.arange(len(rows)), dict[int, Window]())]
        for name in sorted(self.codec_.structure.derived):
            sources = self.codec_.structure.sources_of(name)
            if len(sources) != 1 or known[:, self.codec_.domain.index(sources[0])].all():
                continue
            index = self.codec_.domain.index(sources[0])
            tells = rows[name].notna().to_numpy(dtype=bool) & ~known[:, index]
            split = []
            for part, windows in parts:
                split.append((part[~tells[part]], windows))
                for value, group in (
                    rows[name].iloc[part[tells[part]]].groupby(rows[name], observed=True).groups.items()
                ):
                    window = self._source_window(name, value)
                    split.append((np.asarray(group), windows if window is None else {**windows, index: window}))
            parts = [(part, windows) for part, windows in split if len(part)]
        return parts

    def _source_window(self, name: str, value: Any) -> Window | None:
        """Return which codes of its source a cell of a derived column allows; None where it does not tell."""
        try:
            windows = resolve({name: OneOf((value,))}, self.codec_).windows
        except ConditionError:  # a value that no row has: the source is drawn freely
            return None
        return next(iter(windows.values()), None)


def _if_any(window: Window, wanted: Window) -> Window:
    """Return the codes of a window that are wanted, or the window where none of them is."""
    weights = np.where(wanted.weights > 0, window.weights, 0.0)
    return dataclasses.replace(window, weights=weights) if weights.any() else window


def _numbers(series: pd.Series[Any], column: Column) -> np.ndarray:
    """Return cells as numbers, NaN where missing; a column without any cell may have any dtype."""
    return np.full(len(series), np.nan) if series.isna().all() else cells.read_strictly(series, column)


def _fault(name: str, cell: Any) -> str:
    """Say why a cell is never drawn."""
    if pd.isna(cell):
        return f"column {name!r} is missing, and the model never leaves it empty"
    return f"column {name!r} holds {show(cell)}, which the model never draws: unseen, or too rare to be stored"


def _filled(cells_: pd.Series[Any], drawn: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with its empty cells filled, in the dtype of what was drawn where that holds all cells."""
    missing = cells_.isna()
    if isinstance(drawn.dtype, pd.CategoricalDtype):
        drawn = drawn.cat.add_categories(
            [level for level in cells_.dropna().unique() if level not in drawn.cat.categories]
        )
    filled = drawn.astype(object).where(missing, cells_.astype(object))
    whole = pd.api.types.is_integer_dtype(drawn.dtype) and pd.api.types.is_float_dtype(cells_.dtype)
    if whole and (cells_ % 1 > 0).any():  # numbers that the dtype would cut
        return filled.astype(np.float64)
    return filled.astype(drawn.dtype)
