"""A table as codes and offsets, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.domain import Domain
from synthx.codec.generated import generate
from synthx.codec.holders import Sharing
from synthx.codec.numeric import NumericCodec
from synthx.codec.rare import warn_of_rare
from synthx.codec.structure import Structure
from synthx.condition import Between, Condition, OneOf
from synthx.errors import DataError
from synthx.schema import Column, Kind, Role, Schema

__all__ = ["Coded", "ColumnCodec", "TableCodec"]

ColumnCodec = NumericCodec | CategoricalCodec

FORMATS: dict[str, type[NumericCodec] | type[CategoricalCodec]] = {
    "numeric": NumericCodec,
    "categorical": CategoricalCodec,
}


class Coded(NamedTuple):
    """A coded table.

    Parameters
    ----------
    codes : int array, shape (rows, columns)
        One code a cell, for the columns of `TableCodec.domain`; int32 where a table was encoded.
    offsets : float array, shape (rows, columns)
        The place inside the code's bin, in [0, 1); 0.5 where a code has no inside.
    """

    codes: np.ndarray
    offsets: np.ndarray


@dataclasses.dataclass(frozen=True)
class TableCodec:
    """Codes for the columns that a model learns, and the means to rebuild the others.

    Parameters
    ----------
    schema : Schema
        All columns of the table.
    structure : Structure
        Rules between columns; derived columns are not coded.
    columns : mapping of str to column codec
        The coded columns, in the table's order.
    missing_shares : mapping of str to float
        The share of missing cells of each column that is generated without being learned.
    rarely_missing : frozenset of str
        Coded columns that are missing in so few rows that no synthetic cell shall be, unless it is asked for.
    """

    schema: Schema
    structure: Structure
    columns: Mapping[str, ColumnCodec]
    missing_shares: Mapping[str, float]
    rarely_missing: frozenset[str] = frozenset()

    # -- fitting ------------------------------------------------------------------------------------------------

    @classmethod
    def fit(
        cls, frame: pd.DataFrame, schema: Schema, *, rare_threshold: int = 10, holders: np.ndarray | None = None
    ) -> TableCodec:
        """Learn the codes of a table.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
            Its columns are those of the schema.
        rare_threshold : int
            Nothing that fewer rows share is stored, unless the schema declares it.
        holders : int array, shape (rows,), optional
            The entity of each row, from 0, where one has many; `rare_threshold` then counts entities.

        Raises
        ------
        DataError
            If a cell contradicts the schema.

        Warns
        -----
        DataWarning
            If most cells of a column hold a level that is too rare to be stored.
        """
        schema.check_names(frame.columns)
        for column in schema:
            check_cells(frame[column.name], column)
        structure = Structure.discover(frame, schema, rare_threshold=rare_threshold, holders=holders)
        columns = {
            column.name: _fit_column(frame[column.name], column, rare_threshold, holders)
            for column in schema
            if column.kind.is_modelled and column.name not in structure.derived
        }
        warn_of_rare(
            (
                (plain_cells(frame[name]), codec)
                for name, codec in columns.items()
                if isinstance(codec, CategoricalCodec) and schema[name].role is not Role.ENTITY
            ),
            least=rare_threshold,
        )
        missing = {
            column.name: _missing_share(frame[column.name], rare_threshold, holders)
            for column in schema
            if not column.kind.is_modelled and column.nullable
        }
        sharing = Sharing(len(frame), rare_threshold, holders)
        missing_in = {name: frame[name].isna().to_numpy(dtype=bool) for name in columns}
        rarely = frozenset(
            name for name, cells in missing_in.items() if cells.any() and not sharing.pick(cells).is_enough()
        )
        return cls(schema, structure, columns, missing, rarely)

    # -- shape --------------------------------------------------------------------------------------------------

    @property
    def domain(self) -> Domain:
        return Domain(tuple(self.columns), tuple(codec.size for codec in self.columns.values()))

    @property
    def drawn(self) -> np.ndarray:
        """Which codes may be drawn when nothing is asked, for all columns in a row; bool, shape (domain.total,)."""
        parts = []
        for name, codec in self.columns.items():
            drawn = codec.drawn if isinstance(codec, CategoricalCodec) else np.ones(codec.size, bool)
            if name in self.rarely_missing and drawn[1:].any():
                drawn[0] = False
            parts.append(drawn)
        return np.concatenate(parts) if parts else np.empty(0, bool)

    @property
    def ranks(self) -> tuple[np.ndarray | None, ...]:
        """Where each code stands in its column's order, 0 to 1; NaN for missing and rare; None without an order."""
        return tuple(codec.ranks for codec in self.columns.values())

    # -- coding -------------------------------------------------------------------------------------------------

    def encode(self, frame: pd.DataFrame) -> Coded:
        """Return the codes and offsets of a table.

        Raises
        ------
        DataError
            If a cell contradicts the schema, or is a level that the codec has no code for.
        """
        self.schema.check_names(frame.columns)
        codes = np.empty((len(frame), len(self.columns)), np.int32)
        offsets = np.full((len(frame), len(self.columns)), 0.5, np.float32)
        for index, (name, codec) in enumerate(self.columns.items()):
            column = self.schema[name]
            if isinstance(codec, NumericCodec):
                codes[:, index], offsets[:, index] = codec.encode(cells.read_strictly(frame[name], column))
            else:
                codes[:, index] = codec.encode(plain_cells(frame[name]))
                _refuse_unknown(frame[name], codes[:, index])
        return Coded(codes, offsets)

    def decode(
        self,
        coded: Coded,
        rng: np.random.Generator,
        *,
        conditions: Mapping[str, Condition] | None = None,
        first_row: int = 0,
        numbers: Mapping[str, np.ndarray] | None = None,
    ) -> pd.DataFrame:
        """Return the table that codes and offsets stand for, with the schema's columns, order and dtypes.

        Parameters
        ----------
        coded : Coded
            Codes and offsets of the coded columns.
        rng : numpy Generator
            For columns that are made and not learned (keys, fakes).
        conditions : mapping of str to Condition, optional
            Conditions (on coded columns, resolved) that the codes were drawn under; numbers are put exactly inside.
        first_row : int
            How many rows were decoded before; keeps generated keys unique.
        numbers : mapping of str to array, optional
            Values of columns of numbers that are known already; their codes are not looked at.
        """
        conditions = conditions or {}
        numbers = numbers or {}
        rows = len(coded.codes)
        table: dict[str, pd.Series[Any]] = {}
        for index, (name, codec) in enumerate(self.columns.items()):
            column = self.schema[name]
            if isinstance(codec, NumericCodec):
                known = numbers.get(name)
                values = codec.decode(coded.codes[:, index], coded.offsets[:, index]) if known is None else known
                table[name] = cells.write(_enforce(values, conditions.get(name)), column)
            else:
                # A category lists the same levels in every batch, so that batches can be joined.
                levels = None if column.levels is not None else codec.levels
                table[name] = cells.to_dtype(codec.decode(coded.codes[:, index]), column, levels)
        for column in self.schema:
            if not column.kind.is_modelled:
                share = self.missing_shares.get(column.name, 0.0)
                table[column.name] = generate(column, rows, rng, first=first_row, missing_share=share)
        frame = pd.DataFrame(table, index=pd.RangeIndex(rows))
        frame = self.structure.rebuild(frame, fixed=frozenset(conditions))
        return frame[list(self.schema.names)]

    # -- files --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": self.schema.to_dict(),
            "structure": self.structure.to_dict(),
            "columns": {name: codec.to_dict() for name, codec in self.columns.items()},
            "missing_shares": dict(self.missing_shares),
            "rarely_missing": sorted(self.rarely_missing),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TableCodec:
        return cls(
            Schema.from_dict(values["schema"]),
            Structure.from_dict(values["structure"]),
            {name: FORMATS[part["type"]].from_dict(part) for name, part in values["columns"].items()},
            values["missing_shares"],
            frozenset(values["rarely_missing"]),
        )


def check_cells(series: pd.Series[Any], column: Column) -> None:
    """Raise unless the cells are what the schema says of them.

    Raises
    ------
    DataError
        For missing, infinite or undeclared cells and numbers outside the declared bounds.
    """
    missing = series.isna()
    if missing.any() and not column.nullable and column.kind is not Kind.CONSTANT:
        raise DataError(
            f"column {column.name!r} has {int(missing.sum())} missing cells"
            f" (the first in row {int(missing.argmax()) + 1}), and the schema says that it has none",
            remedy='set "nullable": true for it in the schema, or fill them',
        )
    if column.kind.is_number or column.kind is Kind.DATETIME:
        _check_numbers(series, column)
    elif column.kind.is_discrete and pd.api.types.is_float_dtype(series.dtype) and np.isinf(series.dropna()).any():
        raise DataError(
            f"column {column.name!r} holds an infinite value in row {int(series.abs().eq(np.inf).argmax()) + 1}",
            remedy="replace it by a number, or leave the cell missing",
        )
    elif column.kind.is_discrete and column.levels is not None:
        known = set(column.levels)
        for level in plain_cells(series).dropna().unique():
            if level not in known:
                raise DataError(
                    f"column {column.name!r} holds {level!r}, which is not among its declared levels",
                    remedy="add the level to the schema, or correct the cell",
                )


def _check_numbers(series: pd.Series[Any], column: Column) -> None:
    values = cells.read_strictly(series, column)
    for bound, beyond, word in ((column.lower, np.less, "below"), (column.upper, np.greater, "above")):
        if bound is None:
            continue
        outside = beyond(values, cells.point(bound, column))
        if outside.any():
            cell = series.iloc[int(outside.argmax())]
            raise DataError(
                f"column {column.name!r} holds {cell!r}, {word} its declared bound {bound!r}",
                remedy="correct the cell, or widen the bound in the schema",
            )


def plain_cells(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return the cells of a discrete column as plain scalars; mixed columns as text; missing stays missing."""
    plain = series.astype(object)
    if pd.api.types.infer_dtype(plain, skipna=True) in (
        "mixed",
        "mixed-integer",
        "date",
        "datetime",
        "time",
        "decimal",
    ):
        plain = plain.where(plain.isna(), plain.map(str))
    return plain


def _missing_share(series: pd.Series[Any], rare_threshold: int, holders: np.ndarray | None) -> float:
    """Return the share of missing cells; 0 or 1 where it would tell that a few rows differ from all others."""
    missing = series.isna().to_numpy(dtype=bool)
    sharing = Sharing(len(series), rare_threshold, holders)
    if not sharing.pick(missing).is_enough():
        return 0.0
    return float(missing.mean()) if sharing.pick(~missing).is_enough() else 1.0


def _fit_column(series: pd.Series[Any], column: Column, rare_threshold: int, holders: np.ndarray | None) -> ColumnCodec:
    if column.kind.is_discrete:
        ordered = column.kind is Kind.ORDINAL
        codec = CategoricalCodec.fit(
            plain_cells(series),
            rare_threshold=rare_threshold,
            nullable=column.nullable,
            declared=column.levels,
            ordered=ordered,
            holders=holders,
        )
        return _in_category_order(codec, series) if ordered and column.levels is None else codec
    values = cells.read_strictly(series, column)
    decimals = column.decimals if column.kind is Kind.DECIMAL else 0
    if decimals is None:
        decimals = cells.decimals_of(values, cells.precision_of(series), exceptions=rare_threshold - 1)
    return NumericCodec.fit(
        values, rare_threshold=rare_threshold, nullable=column.nullable, decimals=decimals, holders=holders
    )


def _in_category_order(codec: CategoricalCodec, series: pd.Series[Any]) -> CategoricalCodec:
    """Bring the levels, which are the frequent ones only, into the order of a pandas category."""
    if not isinstance(series.dtype, pd.CategoricalDtype):
        return codec
    order = [level for level in series.dtype.categories if level in set(codec.levels)]
    return dataclasses.replace(codec, levels=tuple(order))


def _refuse_unknown(series: pd.Series[Any], codes: np.ndarray) -> None:
    unknown = codes < 0
    if unknown.any():
        row = int(unknown.argmax())
        raise DataError(
            f"column {series.name!r} holds {series.iloc[row]!r} in row {row + 1}, which the model has never seen",
            remedy="correct the cell, or fit the model on data that has it",
        )


def _enforce(values: np.ndarray, condition: Condition | None) -> np.ndarray:
    """Put numbers exactly inside a condition that their codes satisfy already, up to rounding."""
    if isinstance(condition, Between):
        clipped: np.ndarray = np.clip(values, *condition.ends)
        return clipped
    if isinstance(condition, OneOf):
        listed = np.array([value for value in condition.values if value is not None], np.float64)
        if len(listed) == 0:
            return values
        nearest = listed[np.abs(values[:, None] - listed[None, :]).argmin(axis=1)]
        return np.where(np.isnan(values), np.nan, nearest)
    return values
