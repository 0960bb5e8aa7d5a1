from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.table import TableCodec
from synthx.errors import DataError, DataWarning
from synthx.schema import Column, Kind, Schema

ROWS = 400


def mixed_frame(seed: int = 0) -> pd.DataFrame:
    """Every kind and most dtypes, with missing cells and a rare level."""
    rng = np.random.default_rng(seed)
    levels = rng.choice(["red", "green", "blue"], ROWS).astype(object)
    levels[:3] = "ultraviolet-7731"
    whole = pd.array(rng.integers(0, 90, ROWS), dtype="Int64")
    whole[rng.random(ROWS) < 0.1] = pd.NA
    amount = np.where(rng.random(ROWS) < 0.4, 0.0, np.round(rng.lognormal(4, 1, ROWS), 2))
    amount[rng.random(ROWS) < 0.1] = np.nan
    days = pd.Timestamp("2024-01-01", tz="Europe/Vienna") + pd.to_timedelta(rng.integers(0, 500, ROWS), unit="D")
    return pd.DataFrame(
        {
            "colour": levels,
            "size": pd.Categorical.from_codes(rng.integers(0, 3, ROWS), ["S", "M", "L"], ordered=True),
            "flag": rng.random(ROWS) < 0.2,
            "age": whole,
            "amount": amount,
            "limit": rng.integers(1, 40, ROWS) * 50,
            "text_number": pd.Series([f"{x:.1f}" for x in rng.normal(0, 9, ROWS)], dtype=object),
            "day": days,
            "written_day": (days + pd.to_timedelta(3, unit="h") * rng.integers(0, 40, ROWS)).strftime("%Y-%m-%d"),
            "key": [f"AC-{number:06d}" for number in range(ROWS)],
            "nothing": np.full(ROWS, np.nan),
            "same": "x",
        }
    )


def mixed_schema() -> Schema:
    return Schema.detect(mixed_frame())


@pytest.fixture(scope="module")
def codec() -> TableCodec:
    return TableCodec.fit(mixed_frame(), mixed_schema())


def there_and_back(codec: TableCodec, frame: pd.DataFrame) -> pd.DataFrame:
    return codec.decode(codec.encode(frame), np.random.default_rng(0))


def test_columns_order_and_dtypes_come_back(codec: TableCodec) -> None:
    frame = mixed_frame()
    again = there_and_back(codec, frame)
    assert list(again.columns) == list(frame.columns)
    for name in frame.columns.drop("size"):
        assert str(again[name].dtype) == str(frame[name].dtype), name
    assert list(again["size"].cat.categories) == ["S", "M", "L"] and again["size"].cat.ordered


def test_missing_cells_stay_where_they_were(codec: TableCodec) -> None:
    frame = mixed_frame()
    assert (there_and_back(codec, frame).isna() == frame.isna()).all().all()


def test_frequent_levels_and_piled_up_values_are_exact(codec: TableCodec) -> None:
    frame = mixed_frame()
    again = there_and_back(codec, frame)
    common = frame["colour"] != "ultraviolet-7731"
    assert (again["colour"][common] == frame["colour"][common]).all()
    for name in ("size", "flag", "same"):
        assert (again[name] == frame[name]).all(), name
    zero = frame["amount"] == 0
    assert (again["amount"][zero] == 0).all()


def test_numbers_stay_near_and_keep_their_writing(codec: TableCodec) -> None:
    frame = mixed_frame()
    again = there_and_back(codec, frame)
    inner = frame["amount"].between(*frame["amount"].quantile([0.5, 0.9]))
    assert (again["amount"] - frame["amount"])[inner].abs().max() < 30
    assert (again["amount"].dropna() * 100 % 1).round(6).isin([0, 1]).all()
    assert (again["limit"] % 50 == 0).all()
    assert again["text_number"].str.fullmatch(r"-?\d+\.\d").all()
    assert again["written_day"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert (again["day"].dt.hour == frame["day"].dt.hour.iloc[0]).mean() > 0.4  # midnight but for summer time


def test_keys_are_fresh_and_unique(codec: TableCodec) -> None:
    again = there_and_back(codec, mixed_frame())
    assert again["key"].is_unique
    assert again["key"].str.fullmatch(r"AC-\d{6}").all()


def test_the_saved_codec_holds_nothing_that_few_rows_hold(codec: TableCodec) -> None:
    frame = mixed_frame()
    saved = json.dumps(codec.to_dict())
    assert "ultraviolet" not in saved
    assert not any(key in saved for key in frame["key"])
    numbers: set[float] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                if name != "positions":  # shares of rows, not values
                    collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)
        elif isinstance(value, float):
            numbers.add(value)

    collect(codec.to_dict()["columns"]["amount"])
    counts = frame["amount"].value_counts()
    assert not numbers & set(counts[counts < 10].index)


def test_a_category_lists_the_same_levels_in_every_batch() -> None:
    frame = pd.DataFrame({"grade": pd.Categorical(["a"] * 50 + ["b"] * 20 + ["c"] * 2), "x": np.arange(72) % 9})
    codec = TableCodec.fit(frame, Schema.detect(frame))
    coded = codec.encode(frame)
    batches = [there_and_back(codec, frame.iloc[rows]) for rows in (slice(0, 50), slice(50, 70))]
    assert len(coded.codes) == 72
    assert str(pd.concat(batches)["grade"].dtype) == "category"
    assert list(batches[0]["grade"].cat.categories) == ["a", "b"]  # c is rare


@pytest.mark.parametrize(("missing", "share"), [(9, 0.0), (10, 0.1), (91, 1.0)])
def test_the_share_of_missing_keys_tells_nothing_of_a_few_rows(missing: int, share: float) -> None:
    frame = pd.DataFrame({"key": [None] * missing + [f"AC-{i:05d}" for i in range(100 - missing)], "x": np.arange(100)})
    schema = Schema(
        (
            Column(name="key", kind=Kind.IDENTIFIER, format="AC-#####", nullable=True),
            Column(name="x", kind=Kind.INTEGER, dtype="int64"),
        )
    )
    assert TableCodec.fit(frame, schema).missing_shares == {"key": share}


def test_a_column_may_be_named_self() -> None:
    rng = np.random.default_rng(0)
    low = rng.integers(0, 1_000, ROWS)
    frame = pd.DataFrame({"self": low, "high": low + rng.integers(0, 300, ROWS)})
    codec = TableCodec.fit(frame, Schema.detect(frame))
    coded = codec.encode(frame)
    again = codec.decode(coded._replace(codes=coded.codes[:, ::-1]), rng)  # breaks the order, to be repaired
    assert (again["self"] <= again["high"]).all()


def test_files_keep_the_codec(codec: TableCodec) -> None:
    again = TableCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    frame = mixed_frame(seed=1).assign(colour="red")
    assert (again.encode(frame).codes == codec.encode(frame).codes).all()


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.sampled_from("abc")),
            st.one_of(st.none(), st.integers(-50, 50)),
            st.one_of(st.just(float("nan")), st.floats(-1e3, 1e3).map(lambda x: round(x, 3))),
            st.booleans(),
        ),
        min_size=12,
        max_size=120,
    )
)
@settings(max_examples=60)
def test_any_table_comes_back_in_shape(rows: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["level", "whole", "number", "flag"]).astype({"whole": "Int64", "level": object})
    kinds = (Kind.CATEGORICAL, Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN)
    schema = Schema(
        tuple(
            Column(name=name, kind=kind, dtype=str(frame[name].dtype), nullable=True)
            for name, kind in zip(frame.columns, kinds, strict=True)
        )
    )
    codec = TableCodec.fit(frame, schema, rare_threshold=3)
    again = there_and_back(codec, frame)
    assert list(again.columns) == list(frame.columns)
    assert again["whole"].dtype == "Int64"
    for name in frame.columns:
        kept = frame[name].map(frame[name].value_counts()).ge(3).to_numpy() if name in ("level", "flag") else None
        if kept is not None and name in codec.columns:
            assert (again[name][kept] == frame[name][kept]).all()


def test_the_decimals_of_one_cell_are_not_the_columns() -> None:
    """One cell of five decimals among 5,000 of one would show that it is there, and blur the others."""
    values = np.round(np.random.default_rng(0).normal(20, 5, 5_000), 1)
    values[7] = 41.12345
    frame = pd.DataFrame({"x": values})
    again = there_and_back(TableCodec.fit(frame, Schema.detect(frame)), frame)
    assert (again["x"] == again["x"].round(1)).all()


class TestBadInput:
    schema = Schema(
        (
            Column(name="age", kind=Kind.INTEGER, dtype="int64", lower=0.0, upper=120.0),
            Column(name="sex", kind=Kind.CATEGORICAL, levels=("f", "m")),
        )
    )

    def frame(self, **changes: list[Any]) -> pd.DataFrame:
        return pd.DataFrame({"age": [30, 40], "sex": ["f", "m"], **changes})

    def test_an_infinite_level(self) -> None:
        frame = pd.DataFrame({"rate": [0.5, np.inf]})
        with pytest.raises(DataError, match="'rate' holds an infinite value in row 2; replace it"):
            TableCodec.fit(frame, Schema((Column(name="rate", kind=Kind.CATEGORICAL, dtype="float64"),)))

    def test_a_number_beyond_its_declared_bound(self) -> None:
        with pytest.raises(DataError, match=r"'age' holds .*200.* above its declared bound 120.0; .*schema"):
            TableCodec.fit(self.frame(age=[30, 200]), self.schema)

    def test_an_undeclared_level(self) -> None:
        with pytest.raises(DataError, match="'sex' holds 'x', which is not among its declared levels"):
            TableCodec.fit(self.frame(sex=["f", "x"]), self.schema)

    def test_a_missing_cell_where_there_are_none(self) -> None:
        with pytest.raises(DataError, match="'sex' has 1 missing cells .the first in row 2."):
            TableCodec.fit(self.frame(sex=["f", None]), self.schema)

    def test_another_column(self) -> None:
        with pytest.raises(DataError, match="'colour', which the schema does not know"):
            TableCodec.fit(self.frame().assign(colour=1), self.schema)

    def test_a_level_that_the_model_never_saw(self, codec: TableCodec) -> None:
        frame = mixed_frame().assign(same="y")
        frame["size"] = "XXL"
        with pytest.raises(DataError, match=r"'size' holds 'XXL' in row 1"):
            codec.encode(frame)


@pytest.mark.parametrize("missing", [False, True])
def test_arrow_text_and_python_dates_come_back_as_they_were(missing: bool) -> None:
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=day) for day in range(20)] * 20
    cells = pd.Series(["a", "b"] * 200, dtype=pd.ArrowDtype(pa.string()))
    frame = pd.DataFrame({"text": cells, "day": pd.Series(days, dtype=object)})
    if missing:
        frame.loc[:39, "day"] = None
    codec = TableCodec.fit(frame, Schema.detect(frame))
    back = codec.decode(codec.encode(frame), np.random.default_rng(0))
    pd.testing.assert_frame_equal(back, frame)


# -- rare levels ------------------------------------------------------------------------------------------------


def test_columns_of_rare_levels_are_warned_of_once() -> None:
    frame = pd.DataFrame(
        {
            "card": ["C0001"] * 10 + [f"C{i:04d}" for i in range(2, 42)],
            "town": [f"town {i % 30}" for i in range(50)],
            "common": ["a", "b"] * 25,
        }
    )
    schema = Schema(tuple(Column(name=name, kind=Kind.CATEGORICAL) for name in frame))
    with pytest.warns(DataWarning) as caught:
        TableCodec.fit(frame, schema)
    (warning,) = caught
    assert str(warning.message) == (
        "Column 'card': 80% of its cells hold one of 40 values that fewer than 10 share, and synthetic rows have only"
        " the other one. Column 'town': 100% of its cells hold one of 30 values that fewer than 10 share, and synthetic"
        " cells say '(rare)'. Call such a column an identifier in the schema to have it made afresh, name it as the"
        " entity if it says whom a row belongs to, or drop it."
    )


def test_declared_levels_are_not_warned_of() -> None:
    frame = pd.DataFrame({"card": [f"C{i:04d}" for i in range(50)]})
    column = Column(name="card", kind=Kind.CATEGORICAL, levels=tuple(frame["card"]))
    assert TableCodec.fit(frame, Schema((column,))).columns["card"].size == 50
