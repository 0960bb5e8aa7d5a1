"""Fresh keys for entities that a generator has made."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.generated import generate
from synthx.schema import Kind, Schema

__all__ = ["fresh_keys"]


def fresh_keys(
    schema: Schema, of_row: NDArray[np.int64], rng: np.random.Generator, *, first: int = 0
) -> dict[str, pd.Series[Any]]:
    """Return the key columns of a long frame.

    Parameters
    ----------
    schema : Schema
        Its entity columns say how keys are written.
    of_row : int array, shape (rows,)
        The entity of each row, counted from 0.
    rng : numpy.random.Generator
        Where UUIDs come from.
    first : int
        How many entities were made before; no key of theirs comes again.

    Returns
    -------
    dict of str to Series
        One of `rows` cells for each key column; no two entities share a cell in any of them.
    """
    entities = int(of_row.max(initial=-1)) + 1
    keys = {}
    for name in schema.entity:
        column = schema[name]
        if column.kind is not Kind.IDENTIFIER:
            column = dataclasses.replace(column, kind=Kind.IDENTIFIER, format=None)
        keys[name] = generate(column, entities, rng, first=first).iloc[of_row].reset_index(drop=True)
    return keys
