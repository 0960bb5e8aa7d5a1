"""The two ends of the scale for sequences. As with tables, neither is a model: both hand out real cells.

- *Independent steps*: an entity has the static columns of one real entity, as many steps as another, and each step is a
  real step of any entity, in order of time. Every step is perfect, also at its time, and none has anything to do with
  the one before it or with whom it belongs to: what a measure of sequences must see at once.
- *Bootstrap*: real entities under fresh keys, none twice before every one came once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.benchmarking.anchors import bootstrap
from synthx.codec.cells import read_strictly
from synthx.codec.keys import fresh_keys
from synthx.entities import Entities
from synthx.schema import Schema

__all__ = ["SEQUENCE_ANCHORS", "SequenceAnchor", "bootstrap_entities", "independent_steps"]

SequenceAnchor = Callable[[pd.DataFrame, Schema, int, np.random.Generator], pd.DataFrame]
"""Takes the training rows, their schema, how many entities to draw, and where chance comes from."""


def bootstrap_entities(frame: pd.DataFrame, schema: Schema, count: int, generator: np.random.Generator) -> pd.DataFrame:
    """Draw real entities, each as often as any other as far as `count` allows; their rows in order of time."""
    entities = Entities.of(frame, schema.entity)
    drawn = bootstrap(pd.DataFrame({"entity": np.arange(len(entities))}), count, generator)["entity"].to_numpy()
    sizes = entities.sizes
    ordered = entities.sorted_rows(_when(frame, schema))
    begins = (np.cumsum(sizes) - sizes)[drawn]
    rows = ordered[np.repeat(begins, sizes[drawn]) + _count_up(sizes[drawn])]
    return _with_keys(frame.take(rows), schema, sizes[drawn], generator)


def independent_steps(frame: pd.DataFrame, schema: Schema, count: int, generator: np.random.Generator) -> pd.DataFrame:
    """Draw static columns, lengths and steps on their own; keeps dtypes."""
    entities = Entities.of(frame, schema.entity)
    sizes = generator.choice(entities.sizes, size=count)
    of_row = np.repeat(np.arange(count), sizes)
    rows = generator.integers(len(frame), size=len(of_row))
    when = _when(frame, schema)
    if when is not None:
        rows = rows[np.lexsort((when[rows], of_row))]
    static = frame[list(schema.static)].take(entities.firsts[generator.integers(len(entities), size=count)][of_row])
    steps = frame.take(rows).reset_index(drop=True)
    return _with_keys(steps.assign(**static.reset_index(drop=True)), schema, sizes, generator)


def _when(frame: pd.DataFrame, schema: Schema) -> NDArray[np.float64] | None:
    return None if schema.time is None else read_strictly(frame[schema.time.name], schema.time)


def _count_up(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, 2 … anew for each entity."""
    ends = np.cumsum(sizes)
    return np.arange(int(ends[-1])) - np.repeat(ends - sizes, sizes)


def _with_keys(
    steps: pd.DataFrame, schema: Schema, sizes: NDArray[np.int64], generator: np.random.Generator
) -> pd.DataFrame:
    steps = steps.reset_index(drop=True)
    return steps.assign(**fresh_keys(schema, np.repeat(np.arange(len(sizes)), sizes), generator))


SEQUENCE_ANCHORS: dict[str, SequenceAnchor] = {"independent": independent_steps, "bootstrap": bootstrap_entities}
