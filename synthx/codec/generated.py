"""Columns that no model learns, made anew: keys, fakes, free text, constants.

Nothing here has seen a row. Keys count up from `first`, so that they stay unique over all batches of a table; fakes
come from Faker; free text is left missing.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx._dtypes import as_dtype
from synthx.errors import ParameterError, SchemaError
from synthx.schema import Column, Kind

__all__ = ["generate", "in_dtype"]

Objects = NDArray[np.object_]

_POOL = 2_000
"""Faker makes some thousand values a second; rows beyond the pool draw from it again."""

_ALPHABETS = {
    "#": "0123456789",
    "?": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "^": "abcdefghijklmnopqrstuvwxyz",
    "~": "0123456789abcdef",
}

_LEAF_BITS = 48
_SCRAMBLE = 0x9E3779B97F4B | 1
"""Odd, hence invertible modulo 2**48: the counter in a UUID does not look like one (golden ratio, Knuth 6.4)."""


def generate(
    column: Column, rows: int, rng: np.random.Generator, *, first: int = 0, missing_share: float = 0.0
) -> pd.Series[Any]:
    """Make the cells of a column that is not learned.

    Parameters
    ----------
    column : Column
        An identifier, personal data, free text or a constant.
    rows : int
        How many cells.
    rng : numpy.random.Generator
        Where UUIDs, the choice of fakes and the places of missing cells come from.
    first : int
        How many rows were made before; keys go on from there, and no key of theirs comes again.
    missing_share : float
        The probability that a cell is missing, from 0 to 1.

    Returns
    -------
    pandas.Series, length `rows`
        In the column's dtype, or in the nearest one that holds the cells: ``Int64`` for ``int64`` with missing cells.
        A column of numbers gets the digits of its keys or fakes.

    Raises
    ------
    ParameterError
        If `rows` or `first` is negative, `missing_share` is no share, or a model would have to learn the column.
    SchemaError
        If the column's format is no Faker provider, or its dtype is none of pandas.
    """
    if rows < 0 or first < 0:
        raise ParameterError(f"rows={rows} and first={first} must not be negative", remedy="count from 0")
    if not 0.0 <= missing_share <= 1.0:
        raise ParameterError(f"missing_share={missing_share} is no share", remedy="give a number from 0 to 1")
    if column.kind is Kind.IDENTIFIER:
        cells = _keys(column.format or "sequence", rows, rng, first)
    elif column.kind is Kind.PERSONAL:
        cells = _fakes(column, rows, rng)
    elif column.kind is Kind.TEXT:
        cells = np.full(rows, None, dtype=object)
    elif column.kind is Kind.CONSTANT:
        cells = np.full(rows, column.levels[0] if column.levels else None, dtype=object)
    else:
        raise ParameterError(
            f"column {column.name!r} is {column.kind}, which a model learns", remedy="sample it from the model"
        )
    if missing_share > 0.0:
        cells[rng.random(rows) < missing_share] = None
    return in_dtype(cells, column)


def _keys(form: str, rows: int, rng: np.random.Generator, first: int) -> Objects:
    if form == "uuid4":
        return _uuids(rows, rng, first)
    counts = np.arange(first + 1, first + rows + 1, dtype=np.int64)
    if form == "sequence":
        return counts.astype(object)
    return _write_pattern(form, counts)


def _write_pattern(pattern: str, counts: NDArray[np.int64]) -> Objects:
    """Write counts in a pattern, the last place counting fastest; a pattern that is too short gets more digits."""
    highest = int(counts[-1]) if len(counts) else 0
    while _capacity(pattern) <= highest:
        end = pattern.rfind("#") + 1 or len(pattern)
        pattern = pattern[:end] + "#" + pattern[end:]
    written = np.full((len(counts), len(pattern)), "", dtype="<U1")
    rest = counts.copy()
    for place in reversed(range(len(pattern))):
        alphabet = _ALPHABETS.get(pattern[place])
        if alphabet is None:
            written[:, place] = pattern[place]
            continue
        rest, digit = np.divmod(rest, len(alphabet))
        written[:, place] = np.array(list(alphabet))[digit]
    return written.view(f"<U{len(pattern)}").ravel().astype(object)


def _capacity(pattern: str) -> int:
    capacity = 1
    for symbol in pattern:
        capacity *= len(_ALPHABETS.get(symbol, " "))
    return capacity


def _uuids(rows: int, rng: np.random.Generator, first: int) -> Objects:
    """Return version-4 UUIDs (RFC 9562): the row's count, scrambled, in the last 48 bits and 74 random bits before."""
    counts = np.arange(first, first + rows, dtype=np.uint64)
    leaf = counts * np.uint64(_SCRAMBLE) % np.uint64(1 << _LEAF_BITS)
    head = rng.integers(1 << 32, size=rows, dtype=np.uint64)
    middle = rng.integers(1 << 16, size=rows, dtype=np.uint64)
    version = rng.integers(1 << 12, size=rows, dtype=np.uint64) | np.uint64(0x4000)
    variant = rng.integers(1 << 14, size=rows, dtype=np.uint64) | np.uint64(0x8000)
    parts = zip(head.tolist(), middle.tolist(), version.tolist(), variant.tolist(), leaf.tolist(), strict=True)
    return np.array([f"{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}" for a, b, c, d, e in parts], dtype=object)


def _fakes(column: Column, rows: int, rng: np.random.Generator) -> Objects:
    """Draw fakes from a pool that Faker fills, seeded by `rng`."""
    from faker import Faker

    provider = column.format or "name"
    faker = Faker()
    known = sorted({name for part in faker.get_providers() for name in dir(part) if not name.startswith("_")})
    close = difflib.get_close_matches(provider, known, n=3) or ["name", "email", "phone_number"]
    remedy = f"choose a Faker provider that makes text, such as {', '.join(map(repr, close))}"
    if provider not in known:
        raise SchemaError(f"column {column.name!r} has format {provider!r}, which Faker does not know", remedy=remedy)
    faker.seed_instance(int(rng.integers(1 << 32)))
    make = getattr(faker, provider)
    try:
        probe = make()
    except TypeError:  # a provider that needs arguments
        probe = None
    if not isinstance(probe, str | int | float):
        raise SchemaError(f"column {column.name!r} has format {provider!r}, which makes no text", remedy=remedy)
    if rows == 0:
        return np.empty(0, dtype=object)
    pool = [probe, *(make() for _ in range(min(rows, _POOL) - 1))]
    return np.array(pool, dtype=object)[rng.permutation(rows) if rows <= _POOL else rng.integers(len(pool), size=rows)]


def in_dtype(cells: Objects, column: Column) -> pd.Series[Any]:
    """Return made cells (None where missing) in the column's dtype, or in the nearest that holds them."""
    try:
        dtype: Any = as_dtype(column.dtype)
    except TypeError:
        raise SchemaError(
            f"column {column.name!r} has dtype {column.dtype!r}, which pandas does not know",
            remedy="give it a pandas dtype such as 'object', 'Int64' or 'string'",
        ) from None
    series = pd.Series(cells, dtype=object, name=column.name)
    if isinstance(dtype, pd.CategoricalDtype):
        return series.astype("category")
    made = column.kind in (Kind.IDENTIFIER, Kind.PERSONAL)
    if made and (pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)):
        return series
    if pd.api.types.is_bool_dtype(dtype):
        return series.astype("boolean" if isinstance(dtype, np.dtype) and series.isna().any() else dtype)
    if pd.api.types.is_numeric_dtype(dtype):
        return _in_number_dtype(series, dtype)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return pd.to_datetime(series, format="ISO8601").astype(dtype)
    if str(dtype) == "object":
        return series.map(str, na_action="ignore") if made else series
    return series.map(str, na_action="ignore").astype(dtype)


def _in_number_dtype(series: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    """Return cells as numbers; of text, the digits count (a telephone number in a column of integers)."""
    present = series.dropna()
    if any(isinstance(cell, str) for cell in present.head(1)):
        digits = present.map(lambda cell: re.sub(r"\D", "", cell)[-18:])
        if (digits == "").any():
            return series
        present = digits.astype(np.int64)
    whole = pd.api.types.is_integer_dtype(dtype)
    if whole and len(present) and int(present.max()) > np.iinfo(getattr(dtype, "numpy_dtype", dtype)).max:
        dtype = pd.Int64Dtype()
    if whole and isinstance(dtype, np.dtype) and len(present) < len(series):
        dtype = pd.api.types.pandas_dtype(dtype.name.replace("u", "U").replace("i", "I", 1))
    return present.astype(dtype).reindex(series.index)
