"""What is compared with what: checked frames, encoded once, and the rows each comparison uses."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from synthx.errors import DataError, ParameterError, listed
from synthx.schema import Column, Schema
from synthx_evaluation.encoding import Floats, Tables, encode

__all__ = ["Comparison", "compare"]


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Synthetic rows beside real ones.

    Which rows stand for "real"? The holdout, where there is one. Against training rows a generator that copies them
    looks better than an honest one; against rows that nobody saw both are measured alike, and training rows in the
    place of the synthetic ones show what a perfect generator would score (the anchor). Distances between samples
    shrink with their size, so `synthetic` and `train` of `equal` hold as many rows each. Without a holdout the
    training rows are the reference and there is no anchor.

    Parameters
    ----------
    schema : Schema
        All columns of the tables.
    tables : Tables
        All rows of the assessed columns.
    equal : Tables
        The same in random order, and, where there is a holdout, with the larger of the synthetic and the training
        table drawn down to the size of the smaller.
    target : Column, optional
        The column that models are to predict.
    protected : tuple of str
        Columns whose groups are to be compared.
    seed : int
        Seed of every random choice.
    keys : mapping of str to DataFrame
        Per table the columns that are not assessed, as they were given: identifiers, keys of entities.
    """

    schema: Schema
    tables: Tables
    equal: Tables
    target: Column | None
    protected: tuple[str, ...]
    seed: int
    keys: Mapping[str, pd.DataFrame] = dataclasses.field(default_factory=dict)

    @property
    def reference(self) -> Floats:
        """The real rows that the synthetic ones are compared with, in random order, (rows, d)."""
        return self.equal.train if self.equal.holdout is None else self.equal.holdout

    @property
    def reference_name(self) -> str:
        return "train" if self.tables.holdout is None else "holdout"

    def generator(self, purpose: str) -> np.random.Generator:
        """Return a stream of random numbers of its own for each purpose, whatever else was measured before."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])


def compare(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame | None,
    schema: Schema,
    target: str | None,
    protected: Iterable[str],
    seed: int,
) -> Comparison:
    """Check the frames and encode them.

    Raises
    ------
    DataError
        If a table is empty, repeats or lacks a column, or holds a value that its column cannot hold.
    ParameterError
        If the target or a protected column does not exist, or the seed is negative.
    """
    if seed < 0:
        raise ParameterError(f"seed is {seed}", remedy="give a whole number from 0")
    schema.check_names(train.columns)
    frames = {"train": train, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    for name, frame in frames.items():
        _check_frame(name, frame, schema)
    groups = tuple(protected)
    for name in (*groups, *(() if target is None else (target,))):
        if name not in schema:
            raise ParameterError(
                f"the tables have no column {name!r}",
                remedy=f"choose from {listed(schema.names, name)}",
            )
    tables = encode(schema, synthetic=synthetic, train=train, holdout=holdout)
    return Comparison(
        schema=schema,
        tables=tables,
        equal=_equalise(tables, np.random.default_rng([seed, zlib.crc32(b"equal")])),
        target=schema.target if target is None else schema[target],
        protected=groups,
        seed=seed,
        keys={
            name: frame[[column for column in schema.names if column not in tables.names]]
            for name, frame in frames.items()
        },
    )


def _check_frame(table: str, frame: pd.DataFrame, schema: Schema) -> None:
    if not len(frame):
        raise DataError(f"the {table} table has no rows", remedy="give at least one row")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"the {table} table has column {twice!r} twice", remedy="rename or drop one")
    missing = [name for name in schema.names if name not in frame.columns]
    extra = [name for name in frame.columns if name not in schema]
    if missing:
        raise DataError(
            f"the {table} table lacks column {missing[0]!r} of the training table",
            remedy="add it, or drop it from the training table as well",
        )
    if extra:
        raise DataError(
            f"the {table} table has column {extra[0]!r}, which the training table lacks",
            remedy=f"drop it from the {table} table",
        )


def _equalise(tables: Tables, generator: np.random.Generator) -> Tables:
    """Shuffle the rows; draw the larger of two tables down to the smaller where training rows give an anchor."""
    if tables.holdout is None:
        synthetic_rows, train_rows = len(tables.synthetic), len(tables.train)
    else:
        synthetic_rows = train_rows = min(len(tables.synthetic), len(tables.train))
    return dataclasses.replace(
        tables,
        synthetic=_draw(tables.synthetic, synthetic_rows, generator),
        train=_draw(tables.train, train_rows, generator),
        holdout=None if tables.holdout is None else _draw(tables.holdout, len(tables.holdout), generator),
    )


def _draw(rows: Floats, count: int, generator: np.random.Generator) -> Floats:
    """Return `count` of the rows, drawn without replacement, in random order."""
    return np.asfortranarray(rows[generator.permutation(len(rows))[:count]])
