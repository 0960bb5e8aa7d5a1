"""Learning the classes of a table: which model, for how long, and what it is shown."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.balancing.drawing import ClassRows
from synthx.balancing.unfitted import unfitted
from synthx.codec.table import TableCodec
from synthx.errors import DataError, UnsupportedError
from synthx.models.registry import model_class
from synthx.models.tabular import TableSynthesizer
from synthx.schema import Column, Kind, Role, Schema

if TYPE_CHECKING:
    from synthx.training import Progress

__all__ = ["forget_fits", "learn_classes", "named_model", "usual_minutes"]

DEFAULT_MODEL = "ar"
"""On the cut of card fraud where both were tried, in about the same time, neighbours and boosted trees learned more
from its rows than from the GAN's; see docs/balancing.md, and docs/benchmarks.md on how faithful either is."""
CODED_SHARE = 0.25
"""Codes are made as if all classes but the largest had so many rows together, as a share of the largest: a rare class
that lies apart would else share one bin with the tail of the others."""
LEARNED_SHARE, MOST_SHOWN = 0.3, 4
"""Rows of rare classes are shown to the model several times, up to this share: oftener, and it knows them by heart."""
LEAST_MINUTES, MOST_MINUTES, ROWS_A_MINUTE = 0.5, 10.0, 8_000
MOST_FITS = 16
"""Fits that are remembered, the latest ones: a grid search comes back to a fold after all other folds."""
TARGET = "target"

_fits: OrderedDict[str, ClassRows] = OrderedDict()


def usual_minutes(rows: int) -> float:
    """Return the time limit of the default model: half a minute, and one more for every 8,000 rows, at most ten."""
    return min(MOST_MINUTES, LEAST_MINUTES + rows / ROWS_A_MINUTE)


def forget_fits() -> None:
    """Forget all fits that are remembered in this process."""
    _fits.clear()


def learn_classes(
    frame: pd.DataFrame,
    labels: NDArray[np.generic],
    *,
    model: TableSynthesizer | str | None = None,
    schema: Schema | None = None,
    name: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ClassRows:
    """Learn a whole table, so that rows of each class can be drawn; a fit of the same rows and settings is remembered.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        Named by text, without the target.
    labels : array, shape (rows,)
        The class of each row.
    model : TableSynthesizer or str, optional
        A model (which is not changed: a copy is fitted) or the name of one; by default the one that helped most.
    schema : Schema, optional
        What each column is; detected if None. It may name the target as well.
    name : str, optional
        The target's name.
    seed : int
        Of the default model.
    progress : callable, optional
        Is told how far the fit has come.

    Raises
    ------
    DataError
        If no column varies, or the table contradicts the schema.
    UnsupportedError, PrivacyError
        If the model is not one of single tables, or is to be private.
    """
    chosen = _copy_of(model, len(frame), seed)
    classes, numbers = np.unique(labels, return_inverse=True)
    target = _free_name(name, frame)
    table = frame.reset_index(drop=True).assign(**{target: numbers.astype(np.int64)})
    known = _schema_of(table, target, len(classes), schema)
    key = _fingerprint(table, classes, chosen, known)
    if key not in _fits:
        _fits[key] = ClassRows(_fitted(chosen, table, known, target, progress), table, target, tuple(classes.tolist()))
        while len(_fits) > MOST_FITS:
            _fits.popitem(last=False)
    _fits.move_to_end(key)
    return _fits[key]


def _fitted(
    model: TableSynthesizer, table: pd.DataFrame, schema: Schema, target: str, progress: Progress | None
) -> TableSynthesizer:
    varying = [column.name for column in schema if column.kind.is_modelled and column.name != target]
    if not varying:
        kinds = ", ".join(f"{column.name!r} is {column.kind.value}" for column in list(schema)[:4])
        raise DataError(
            f"there is nothing to learn of the rows beside their class ({kinds})",
            remedy="give columns that vary, or weight the classes instead",
        )
    numbers = table[target].to_numpy()
    codec = _codec_of(table, schema, numbers, most=model.rare_threshold)
    shown = table.iloc[_repeated(numbers, LEARNED_SHARE, MOST_SHOWN)].reset_index(drop=True)
    model.fit(shown, progress=progress, codec=codec)
    model.training_ = dataclasses.replace(model.training_, rows=len(table))  # a row that is shown again is no new one
    return model


def _codec_of(table: pd.DataFrame, schema: Schema, numbers: NDArray[np.int64], *, most: int) -> TableCodec:
    """Return codes in which rare classes have bins of their own, though their rows are few.

    Codes are made as if each class had a good share of the rows. A repeated row stays one holder of its values, so that
    what is stored of a column is still shared by several people, two at least.
    """
    shared_by = int(np.clip(np.bincount(numbers).min() // 5, 2, max(2, most)))
    rows = _repeated(numbers, CODED_SHARE / max(1, int(numbers.max())), len(numbers))
    return TableCodec.fit(
        table.iloc[rows].reset_index(drop=True), schema, rare_threshold=shared_by, holders=rows.astype(np.int64)
    )


def _repeated(numbers: NDArray[np.int64], share: float, most: int) -> NDArray[np.intp]:
    """Return the rows of a table, those of rare classes so often that each class has about a share of the largest.

    Parameters
    ----------
    numbers : int array, shape (rows,)
        The class of each row.
    share : float
        What a class shall have of the rows of the largest class.
    most : int
        How often a row may come.
    """
    counts = np.bincount(numbers)
    times = np.clip(np.rint(share * counts.max() / np.maximum(counts, 1)).astype(np.intp), 1, most)
    return np.repeat(np.arange(len(numbers)), times[numbers])


def named_model(name: str | None, rows: int, seed: int) -> TableSynthesizer:
    """Return an unfitted model by its name, None for the one that helped most, with the usual limit for so many rows.

    Raises
    ------
    ParameterError, UnsupportedError
        If there is no such model, or it is not one of single tables.
    """
    made = model_class(name or DEFAULT_MODEL)(**{"seed": seed, "max_minutes": usual_minutes(rows)})
    return _table_model(made)


def _table_model(model: object) -> TableSynthesizer:
    if not isinstance(model, TableSynthesizer):
        raise UnsupportedError(
            f"{type(model).__name__} is no model of single tables",
            remedy="give TabularAR, TabularGAN or TabularVAE, or use SequenceOverSampler for sequences",
        )
    return model


def _copy_of(model: TableSynthesizer | str | None, rows: int, seed: int) -> TableSynthesizer:
    """Return an unfitted model of the same settings."""
    if model is None or isinstance(model, str):
        return named_model(model, rows, seed)
    return unfitted(_table_model(model), units="rows", drawn_by="rebalance")


def _free_name(name: str | None, frame: pd.DataFrame) -> str:
    wanted = name or TARGET
    while wanted in frame.columns:
        wanted += "_"
    return wanted


def _schema_of(table: pd.DataFrame, target: str, classes: int, given: Schema | None) -> Schema:
    """Return the schema with a target of so many numbers, declared so that a class is known however few rows it has."""
    columns = table.drop(columns=target)
    if given is None:
        known = Schema.detect(columns)
    else:
        known = Schema(tuple(column for column in given if column.role is not Role.TARGET or column.name in columns))
        known.check_names(columns.columns)
        known = known.select(columns.columns)
    levels = tuple(range(classes))
    number = Column(name=target, kind=Kind.CATEGORICAL, dtype="int64", levels=levels)
    return Schema((*known, number)).with_target(target)


def _fingerprint(
    table: pd.DataFrame, classes: Sequence[Hashable] | NDArray[np.generic], model: TableSynthesizer, schema: Schema
) -> str:
    """Return a digest of all that a fit depends on."""
    digest = hashlib.blake2b(digest_size=16)
    settings = {name: repr(value) for name, value in model.get_params().items()}
    described = [type(model).__name__, settings, schema.to_dict(), [repr(label) for label in classes]]
    digest.update(json.dumps(described, sort_keys=True, default=repr).encode())
    for column in table:
        digest.update(pd.util.hash_pandas_object(table[column], index=False).to_numpy().tobytes())
    return digest.hexdigest()
