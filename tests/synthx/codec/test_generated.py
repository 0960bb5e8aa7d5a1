from __future__ import annotations

import re
import time
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.generated import generate
from synthx.detection.personal import _PHRASES, _UNMISTAKABLE
from synthx.errors import ParameterError, SchemaError
from synthx.schema import Column, Kind


def make(
    kind: Kind, rows: int = 5, *, seed: int = 0, first: int = 0, missing_share: float = 0.0, **fields: Any
) -> pd.Series[Any]:
    column = Column(name="x", kind=kind, **fields)
    return generate(column, rows, np.random.default_rng(seed), first=first, missing_share=missing_share)


# -- identifiers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "first", "keys"),
    [
        ("AC-######", 0, ["AC-000001", "AC-000002"]),
        ("AC-######", 122, ["AC-000123", "AC-000124"]),
        ("INV-2024-##", 97, ["INV-2024-98", "INV-2024-99"]),
        ("INV-2024-##", 99, ["INV-2024-100", "INV-2024-101"]),  # too short a pattern gets another digit
        ("?#", 257, ["Z8", "Z9"]),
        ("?#", 259, ["C60", "C61"]),
        ("^~", 15, ["b0", "b1"]),
        ("fixed", 0, ["fixed1", "fixed2"]),
        ("sequence", 41, ["42", "43"]),
        (None, 0, ["1", "2"]),
    ],
)
def test_patterns(form: str | None, first: int, keys: list[str]) -> None:
    assert make(Kind.IDENTIFIER, 2, format=form, first=first).tolist() == keys


@settings(max_examples=60)
@given(
    st.text(alphabet="#?^~A-0", min_size=1, max_size=4),
    st.lists(st.integers(0, 300), min_size=1, max_size=4),
)
def test_keys_are_unique_over_batches(form: str, batches: list[int]) -> None:
    firsts = np.cumsum([0, *batches])
    parts = [
        make(Kind.IDENTIFIER, rows, format=form, first=int(first)) for rows, first in zip(batches, firsts, strict=False)
    ]
    keys = [key for part in parts for key in part]
    assert len(set(keys)) == len(keys) == sum(batches)


def test_uuids_are_version_4_and_unique_even_from_one_seed() -> None:
    keys = [*make(Kind.IDENTIFIER, 500, format="uuid4"), *make(Kind.IDENTIFIER, 500, format="uuid4", first=500)]
    assert len(set(keys)) == 1000
    assert {uuid.UUID(key).version for key in keys} == {4}
    assert {uuid.UUID(key).variant for key in keys} == {uuid.RFC_4122}
    assert all(str(uuid.UUID(key)) == key for key in keys)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("object", "object"),
        ("int64", "int64"),
        ("uint8", "uint8"),
        ("Int32", "Int32"),
        ("float64", "float64"),
        ("int64[pyarrow]", "int64[pyarrow]"),
        ("string", "string"),
        ("category", "category"),
        ("datetime64[ns]", "object"),  # a key is no date
    ],
)
def test_keys_have_the_columns_dtype(dtype: str, kept: str) -> None:
    keys = make(Kind.IDENTIFIER, 3, dtype=dtype, format="sequence")
    assert str(keys.dtype) == kept
    assert keys.astype(str).str.replace(".0", "").tolist() == ["1", "2", "3"]


def test_arrow_text() -> None:
    keys = make(Kind.IDENTIFIER, 2, dtype="large_string[pyarrow]", format="A#", missing_share=0.0)
    assert (str(keys.dtype), keys.tolist()) == ("large_string[pyarrow]", ["A1", "A2"])


def test_a_dtype_that_is_too_narrow_is_widened() -> None:
    keys = make(Kind.IDENTIFIER, 300, dtype="uint8", format="sequence")
    assert str(keys.dtype) == "Int64"
    assert keys.iloc[-1] == 300


# -- missing cells ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("int64", "Int64"),
        ("uint16", "UInt16"),
        ("Int64", "Int64"),
        ("float64", "float64"),
        ("object", "object"),
        ("string", "string"),
        ("category", "category"),
    ],
)
def test_missing_cells_are_put_at_random(dtype: str, kept: str) -> None:
    keys = make(Kind.IDENTIFIER, 10_000, dtype=dtype, format="sequence", missing_share=0.3)
    assert str(keys.dtype) == kept
    assert abs(keys.isna().mean() - 0.3) < 4 * (0.3 * 0.7 / 10_000) ** 0.5  # four standard errors
    assert keys.dropna().is_unique


def test_all_missing() -> None:
    assert make(Kind.IDENTIFIER, 3, dtype="int64", missing_share=1.0).isna().all()
    assert make(Kind.PERSONAL, 3, format="email", missing_share=1.0).isna().all()


# -- personal data ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("email", r"[^@\s]+@[^@\s]+"),
        ("name", r".+ .+"),
        ("ipv4", r"(\d+\.){3}\d+"),
        ("ssn", r"\d{3}-\d{2}-\d{4}"),
        ("iban", r"[A-Z]{2}\d{2}\w+"),
        ("mac_address", r"([0-9a-f]{2}:){5}[0-9a-f]{2}"),
        (None, r".+ .+"),
    ],
)
def test_fakes(form: str | None, pattern: str) -> None:
    fakes = make(Kind.PERSONAL, 50, format=form)
    assert all(re.fullmatch(pattern, fake) for fake in fakes)


@pytest.mark.parametrize(
    "provider",
    sorted({provider for provider, _ in _UNMISTAKABLE} | set(_PHRASES)),
)
def test_every_provider_that_detection_names(provider: str) -> None:
    fakes = make(Kind.PERSONAL, 20, format=provider, dtype="string")
    assert str(fakes.dtype) == "string"
    assert fakes.str.len().min() > 0


def test_fakes_follow_the_seed() -> None:
    assert make(Kind.PERSONAL, format="name", seed=1).tolist() == make(Kind.PERSONAL, format="name", seed=1).tolist()
    assert make(Kind.PERSONAL, format="name", seed=1).tolist() != make(Kind.PERSONAL, format="name", seed=2).tolist()


def test_fakes_in_a_column_of_numbers_are_their_digits() -> None:
    numbers = make(Kind.PERSONAL, 50, format="ssn", dtype="int64")
    assert str(numbers.dtype) == "int64"
    assert numbers.between(1, 999_99_9999).all()


def test_many_fakes_are_quick() -> None:
    start = time.process_time()
    fakes = make(Kind.PERSONAL, 100_000, format="name")
    assert time.process_time() - start < 5  # takes about 0.5 s when nothing else runs
    assert fakes.nunique() > 1000


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("emial", "format 'emial', which Faker does not know; .*'email'"),
        ("__class__", "which Faker does not know"),
        ("simple_profile", "which makes no text"),
        ("enum", "which makes no text"),
    ],
)
def test_unknown_providers(form: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        make(Kind.PERSONAL, 2, format=form)


# -- text and constants -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["object", "string", "category", "float64", "Int64", "string[pyarrow]"])
def test_text_is_left_missing(dtype: str) -> None:
    cells = make(Kind.TEXT, 4, dtype=dtype)
    assert len(cells) == 4
    assert cells.isna().all()
    assert cells.dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "level", "cell"),
    [
        ("object", "a", "a"),
        ("string", "a", "a"),
        ("category", "a", "a"),
        ("int64", 5, 5),
        ("float64", 5.0, 5.0),
        ("bool", True, True),
        ("boolean", False, False),
        ("int8", 5, 5),
        ("datetime64[ns]", "2020-01-02T00:00:00", pd.Timestamp("2020-01-02")),
        ("datetime64[ns, UTC]", "2020-01-02T00:00:00+00:00", pd.Timestamp("2020-01-02", tz="UTC")),
        ("int64[pyarrow]", 5, 5),
        ("bool[pyarrow]", True, True),
        ("object", 5, 5),
    ],
)
def test_constants(dtype: str, level: Any, cell: Any) -> None:
    cells = make(Kind.CONSTANT, 3, dtype=dtype, levels=(level,))
    assert str(cells.dtype) == str(pd.api.types.pandas_dtype(dtype))
    assert cells.tolist() == [cell] * 3


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("int64", "Int64"),
        ("bool", "boolean"),
        ("float64", "float64"),
        ("object", "object"),
        ("datetime64[ns]", "datetime64[ns]"),
        ("string", "string"),
    ],
)
def test_all_missing_constants(dtype: str, kept: str) -> None:
    cells = make(Kind.CONSTANT, 3, dtype=dtype, nullable=True)
    assert str(cells.dtype) == kept
    assert cells.isna().all()


# -- arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.IDENTIFIER, Kind.PERSONAL, Kind.TEXT, Kind.CONSTANT])
def test_no_rows(kind: Kind) -> None:
    cells = make(kind, 0)
    assert (len(cells), cells.name) == (0, "x")


def test_wrong_arguments() -> None:
    with pytest.raises(ParameterError, match="rows=-1"):
        make(Kind.TEXT, -1)
    with pytest.raises(ParameterError, match="first=-1"):
        make(Kind.TEXT, first=-1)
    with pytest.raises(ParameterError, match=r"missing_share=1\.5"):
        make(Kind.TEXT, missing_share=1.5)
    with pytest.raises(ParameterError, match="'x' is decimal, which a model learns"):
        make(Kind.DECIMAL)
    with pytest.raises(SchemaError, match="dtype 'colour'"):
        make(Kind.TEXT, dtype="colour")
