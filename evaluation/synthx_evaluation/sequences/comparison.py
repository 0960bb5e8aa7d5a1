"""Which sequences are compared with which: checked, encoded once, and shared out entity by entity."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable

import numpy as np
import pandas as pd

from synthx.errors import DataError, ParameterError
from synthx.schema import Column, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.sequences.tensor import Places, Sequences, entity_codes

__all__ = ["SequenceComparison", "compare_sequences"]

MOST_ENTITIES = 20_000
"""Entities of any side: more make every measure slower than sharper."""


@dataclasses.dataclass(frozen=True, slots=True)
class SequenceComparison:
    """Synthetic sequences beside real ones.

    The reference is the holdout, and training sequences in the place of synthetic ones give the anchor, as in
    `synthx_evaluation.comparison.Comparison`; here all rows of an entity stay together.

    Parameters
    ----------
    schema : Schema
        All columns of the tables.
    synthetic, train : Sequences
        In random order of entities; with a holdout, as many of either.
    holdout : Sequences, optional
        In random order of entities.
    whole : tuple of Sequences
        All synthetic, all training and, where there are any, all holdout sequences: what copies are looked for in.
    varying : mapping of str to float
        Static columns that vary within some synthetic entities, and the share of entities in which they do.
    target : Column, optional
        The column that models are to predict.
    protected : tuple of str
        Columns whose groups are to be compared.
    seed : int
        Seed of every random choice.
    """

    schema: Schema
    synthetic: Sequences
    train: Sequences
    holdout: Sequences | None
    whole: tuple[Sequences, ...]
    varying: dict[str, float]
    target: Column | None
    protected: tuple[str, ...]
    seed: int

    @property
    def reference(self) -> Sequences:
        return self.train if self.holdout is None else self.holdout

    @property
    def reference_name(self) -> str:
        return "train" if self.holdout is None else "holdout"

    @property
    def real(self) -> Floats:
        """The cells of all real rows, (rows, d): what scales, bins and frequencies are taken from."""
        return self.train.cells if self.holdout is None else np.concatenate([self.train.cells, self.holdout.cells])

    def generator(self, purpose: str) -> np.random.Generator:
        """Return a stream of random numbers of its own for each purpose, whatever else was measured before."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])

    def of_rows(
        self,
        columns: tuple[Column, ...],
        levels: tuple[tuple[str, ...], ...],
        parts: list[Floats],
        target: bool = False,
    ) -> Comparison:
        """Return matrices made from the synthetic, training and holdout sequences as tables that any measure takes."""
        synthetic, train, *holdout = (np.asfortranarray(part) for part in parts)
        tables = Tables(columns, levels, synthetic, train, holdout[0] if holdout else None)
        wanted = self.target if target else None
        return Comparison(Schema(columns), tables, tables, wanted, (), self.seed)

    @property
    def parts(self) -> list[Sequences]:
        """The synthetic, the training and, where there are any, the holdout sequences."""
        return [self.synthetic, self.train, *([] if self.holdout is None else [self.holdout])]


def compare_sequences(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame | None,
    schema: Schema,
    target: str | None,
    protected: Iterable[str],
    seed: int,
) -> SequenceComparison:
    """Check the frames, encode them and sort their rows into sequences.

    Raises
    ------
    DataError
        If a table is empty, repeats or lacks a column, holds a value that its column cannot hold or a row without an
        entity; if a static column varies within a real entity; or if an entity is both in training and in holdout.
    ParameterError
        If the schema names no entity, the target or a protected column does not exist, or the seed is negative.
    """
    if not schema.entity:
        raise ParameterError(
            "the schema names no entity", remedy="detect it with `Schema.detect(frame, entity=...)`, or use `evaluate`"
        )
    checked = compare(
        synthetic, train=train, holdout=holdout, schema=schema, target=target, protected=protected, seed=seed
    )
    frames = {"synthetic": synthetic, "train": train} | ({} if holdout is None else {"holdout": holdout})
    codes, keys = {}, {}
    for name, frame in frames.items():
        codes[name], keys[name] = entity_codes(frame, schema.entity, name)
    if holdout is not None:
        _check_apart(keys["train"], keys["holdout"])
    tables = checked.tables
    matrices = {"synthetic": tables.synthetic, "train": tables.train, "holdout": tables.holdout}
    whole: list[Sequences] = []
    varying: dict[str, float] = {}
    for name in frames:
        cells = matrices[name]
        assert cells is not None
        found = _sequences(tables, cells, codes[name], schema.time)
        varying = _varying(found, keys[name], name) or varying
        whole.append(found)
    shared = _share_out(whole, np.random.default_rng([seed, zlib.crc32(b"entities")]))
    return SequenceComparison(
        schema=schema,
        synthetic=shared[0],
        train=shared[1],
        holdout=shared[2] if holdout is not None else None,
        whole=tuple(whole),
        varying=varying,
        target=checked.target,
        protected=checked.protected,
        seed=seed,
    )


def _check_apart(train: pd.MultiIndex, holdout: pd.MultiIndex) -> None:
    both = train[train.isin(holdout)]
    if len(both):
        key = ", ".join(f"{name}={value}" for name, value in zip(both.names, both[0], strict=True))
        raise DataError(
            f"the entity {key} is both in the training and in the holdout table ({len(both)} such entities)",
            remedy="split by entity, as `split(frame, entity=...)` does, or renumber if they are different entities",
        )


def _sequences(tables: Tables, cells: Floats, codes: Places, time: Column | None) -> Sequences:
    """Take the time column out of the cells and sort the rows."""
    kept = [j for j, column in enumerate(tables.columns) if time is None or column.name != time.name]
    timed = time is not None and len(kept) < len(tables.columns)
    when = cells[:, tables.names.index(time.name)] if timed and time is not None else None
    columns, levels = tuple(tables.columns[j] for j in kept), tuple(tables.levels[j] for j in kept)
    return Sequences.of(columns, levels, cells[:, kept], codes, when)


def _varying(sequences: Sequences, keys: pd.MultiIndex, table: str) -> dict[str, float]:
    """Return the static columns that vary in some synthetic entities; raise where they vary in a real one."""
    first = np.repeat(sequences.starts, sequences.lengths)
    found: dict[str, float] = {}
    for j in sequences.static:
        values, name = sequences.cells[:, j], sequences.columns[j].name
        same = (values == values[first]) | (np.isnan(values) & np.isnan(values[first]))
        if same.all():
            continue
        entities = np.unique(sequences.owners[~same])
        if table != "synthetic":
            key = ", ".join(f"{part}={value}" for part, value in zip(keys.names, keys[entities[0]], strict=True))
            raise DataError(
                f"the static column {name!r} of the {table} table varies within the entity {key}",
                remedy="correct it, or do not declare it static",
            )
        found[name] = len(entities) / len(sequences)
    return found


def _share_out(whole: list[Sequences], generator: np.random.Generator) -> list[Sequences]:
    """Shuffle the entities; where there is a holdout, draw synthetic and training ones down to as many of either."""
    counts = [min(len(part), MOST_ENTITIES) for part in whole]
    if len(whole) > 2:
        counts[:2] = [min(counts[:2])] * 2
    return [part.take(generator.permutation(len(part))[:count]) for part, count in zip(whole, counts, strict=True)]
