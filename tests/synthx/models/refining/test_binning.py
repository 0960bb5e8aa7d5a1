"""Bins of coded rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.codec.table import Coded, TableCodec
from synthx.models.refining.binning import Binning, _joined, _kindred_orders
from synthx.schema import Schema


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    fruit = rng.choice(6, 3_000, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
    return pd.DataFrame(
        {
            "fruit": np.array(["fig", "kiwi", "plum", "pear", "date", "lime"], object)[fruit],
            "price": np.round(rng.gamma(2, 30, 3_000) + 40 * (fruit % 2), 2),
            "count": np.where(rng.random(3_000) < 0.2, np.nan, rng.integers(0, 12, 3_000)),
        }
    )


@pytest.fixture(scope="module")
def codec(frame: pd.DataFrame) -> TableCodec:
    return TableCodec.fit(frame, Schema.detect(frame))


def test_bins_follow_values_and_missing_is_the_first(frame: pd.DataFrame, codec: TableCodec) -> None:
    coded = codec.encode(frame)
    binning = Binning.fit(codec, coded)
    rows = binning(coded)
    names = list(codec.columns)
    price = rows[binning.sources.index(names.index("price"))]
    order = np.argsort(frame["price"].to_numpy(), kind="stable")
    assert (np.diff(price[order].astype(int)) >= 0).all()
    assert len(np.unique(price)) > 100
    count = rows[binning.sources.index(names.index("count"))]
    assert np.array_equal(count == 0, frame["count"].isna().to_numpy())
    assert np.array_equal(np.unique(count), np.arange(13))
    assert binning.sizes[binning.sources.index(names.index("count"))] == 13


def test_real_and_decoded_rows_of_a_value_share_its_bin(codec: TableCodec) -> None:
    rng = np.random.default_rng(1)
    codes = np.stack([rng.integers(0, size, 5_000) for size in codec.domain.sizes], axis=1).astype(np.int32)
    drawn = Coded(codes, rng.random(codes.shape).astype(np.float32))
    again = codec.encode(codec.decode(drawn, rng))
    binning = Binning.fit(codec, drawn)
    differ = np.abs(binning(drawn).astype(int) - binning(again))
    assert (differ <= 1).all()
    assert (differ > 0).mean() < 0.01  # cells that a value's edge runs through


def test_frequent_levels_come_first(frame: pd.DataFrame, codec: TableCodec) -> None:
    coded = codec.encode(frame)
    fruit = Binning.fit(codec, coded)(coded)[0]
    assert [frame["fruit"][fruit == bin_].iloc[0] for bin_ in range(6)] == [
        "fig",
        "kiwi",
        "plum",
        "pear",
        "date",
        "lime",
    ]


def test_like_levels_become_neighbours() -> None:
    codes = np.repeat(np.arange(4), 500)
    rng = np.random.default_rng(2)
    others = np.stack([(codes % 2) * 4 + rng.integers(0, 3, 2_000), rng.integers(0, 8, 2_000)])
    first = _kindred_orders(codes, 4, others)[0].tolist()
    assert {frozenset(first[:2]), frozenset(first[2:])} == {frozenset({0, 2}), frozenset({1, 3})}


def test_a_heavy_value_has_a_bin_of_its_own() -> None:
    mass = np.ones(10_000)
    mass[5_000] = 2_000
    bins = _joined(mass)
    assert (np.diff(bins) >= 0).all()
    assert bins[-1] < 250
    assert (bins == bins[5_000]).sum() == 1


def test_parts_give_the_same_bins(frame: pd.DataFrame, codec: TableCodec) -> None:
    coded = codec.encode(frame)
    binning = Binning.fit(codec, coded)
    again = Binning.from_parts(*binning.to_parts())
    assert np.array_equal(again(coded), binning(coded))
