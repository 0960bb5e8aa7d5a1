"""The tables of a benchmark: checked before anything long begins, and told apart from others by a fingerprint."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from synthx.benchmarking.job import HOLDOUT, SCHEMA, TRAIN
from synthx.entities import Entities
from synthx.errors import DataError, ParameterError, listed
from synthx.io import write_table
from synthx.models.parameters import check_whole
from synthx.schema import Schema
from synthx_evaluation import split
from synthx_evaluation.comparison import compare
from synthx_evaluation.sequences.comparison import compare_sequences

__all__ = ["HOLDOUT_SHARE", "Tables"]

HOLDOUT_SHARE = 0.2
_SPLIT_SEED = 0
_FINGERPRINT_DIGITS = 16


@dataclasses.dataclass(frozen=True)
class Tables:
    """What models learn from, and what they are measured by.

    Parameters
    ----------
    train, holdout : DataFrame
        Real rows with the columns of the schema.
    schema : Schema
        Its target is what classifiers are to predict.
    rows : int
        How many each model is to write; of sequences, how many entities.
    sequences : bool
        Whether an entity has several rows.
    """

    train: pd.DataFrame
    holdout: pd.DataFrame
    schema: Schema
    rows: int
    sequences: bool = False

    @classmethod
    def make(
        cls,
        frame: pd.DataFrame,
        *,
        target: str | None,
        schema: Schema | None,
        holdout: pd.DataFrame | float | None,
        rows: int | None,
    ) -> Self:
        """Part a table where no holdout is given, detect its schema where none is given, and check all.

        Raises
        ------
        DataError
            If a table is empty, or has other columns or values than the schema allows.
        ParameterError
            If the target is no column, `rows` is not a positive whole number, or the share is not between 0 and 1.
        """
        if not isinstance(frame, pd.DataFrame):
            raise DataError(f"benchmark was given a {type(frame).__name__}", remedy="give a pandas.DataFrame")
        if target is not None and target not in frame.columns:
            raise ParameterError(
                f"the table has no column {target!r}", remedy=f"choose from {listed(frame.columns, target)}"
            )
        known_schema = Schema.detect(frame, target=target) if schema is None else _retargeted(schema, target)
        known_schema.check_names(frame.columns)
        if isinstance(holdout, pd.DataFrame):
            train, held = frame, holdout
        else:
            train, held = _parted(frame, known_schema, HOLDOUT_SHARE if holdout is None else holdout)
        entities = len(Entities.of(train, known_schema.entity)) if known_schema.entity else len(train)
        sequences = entities < len(train)
        # What the measures would refuse after the first fit, they refuse now.
        check = compare_sequences if sequences else compare
        check(train, train=train, holdout=held, schema=known_schema, target=None, protected=(), seed=0)
        count = entities if rows is None else rows
        check_whole("rows", count, 1)
        return cls(train.reset_index(drop=True), held.reset_index(drop=True), known_schema, count, sequences)

    @property
    def fingerprint(self) -> str:
        """A hash of everything that figures depend on beside the model, its seed and its time limit.

        What detection wrote down as its reasons does not count, nor does the index.
        """
        described = self.schema.to_dict()
        for column in described["columns"]:
            column.pop("reason", None)
        digest = hashlib.sha256(json.dumps([described, self.rows], sort_keys=True).encode())
        for frame in (self.train, self.holdout):
            digest.update(json.dumps([[str(name), str(dtype)] for name, dtype in frame.dtypes.items()]).encode())
            digest.update(np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64).tobytes())
        return digest.hexdigest()[:_FINGERPRINT_DIGITS]

    def write(self, folder: Path) -> None:
        """Write everything into `folder`, where workers read it.

        Raises
        ------
        DataError
            If a column mixes types that Parquet cannot hold together.
        """
        import pyarrow as pa

        try:
            write_table(self.train, folder / TRAIN)
            write_table(self.holdout, folder / HOLDOUT)
        except pa.ArrowException as error:
            raise _mixed(self.train, self.holdout) from error
        self.schema.to_json(folder / SCHEMA)


def _mixed(*frames: pd.DataFrame) -> DataError:
    """Return the error that names the first column which Parquet does not hold."""
    import pyarrow as pa

    for frame in frames:
        for name, column in frame.items():
            try:
                pa.array(column, from_pandas=True)
            except pa.ArrowException as error:
                said = " ".join(str(error).split())
                return DataError(f"column {name!r} mixes types ({said})", remedy="give it cells of one type")
    return DataError("the table cannot be handed to another process", remedy="give each column cells of one type")


def _parted(frame: pd.DataFrame, schema: Schema, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold rows back; all rows of an entity stay together, and both sides keep the shares of the target."""
    if isinstance(share, bool) or not isinstance(share, (int, float)):
        raise ParameterError(f"holdout is a {type(share).__name__}", remedy="give a DataFrame or a share such as 0.2")
    stratify = None if schema.target is None else schema.target.name
    return split(frame, holdout=share, entity=schema.entity, stratify=stratify, seed=_SPLIT_SEED)


def _retargeted(schema: Schema, target: str | None) -> Schema:
    return schema if target is None else schema.with_target(target)
