from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.disclosure import copies, row_keys
from synthx_evaluation.disclosure.copying import _found_in_sample
from synthx_evaluation.encoding import encode
from synthx_evaluation.record import Measure, Status

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def of(
    kind: Kind, synthetic: list[object], train: list[object], holdout: list[object] | None
) -> tuple[Measure, Measure]:
    parts = [None if cells is None else pd.DataFrame({"x": cells}) for cells in (synthetic, train, holdout)]
    assert parts[0] is not None
    assert parts[1] is not None
    found = compare(
        parts[0],
        train=parts[1],
        holdout=parts[2],
        schema=Schema((Column(name="x", kind=kind),)),
        target=None,
        protected=(),
        seed=0,
    )
    first, second = copies(found)
    return first, second


def test_by_hand() -> None:
    share, excess = of(Kind.INTEGER, [1, 1, 2, 9, 8], [1, 2, 3, 4], [1, 7])
    assert share.value == 0.6  # 1, 1 and 2 of five
    assert share.anchor == 0.5  # 1 of two holdout rows
    assert share.details["equal_a_row_of_a_holdout_sample"] == pytest.approx(0.4)
    assert share.details["equal_a_row_of_a_training_sample"] == pytest.approx(0.3)  # half of the rows are drawn
    assert excess.value == 2 / 4 - 1 / 2
    assert excess.anchor == 0


def test_a_copy_of_the_training_rows_is_caught(draw: Draw, comparison: Compare) -> None:
    train = draw(1000, 1)
    share, excess = copies(comparison(train.sample(frac=1, random_state=0), train, draw(250, 2)))
    assert share.value == 1.0
    assert excess.value == 1.0
    assert excess.interval is not None
    assert excess.interval[0] > 0.97


def test_one_copy_in_a_hundred_rows_is_caught(draw: Draw, comparison: Compare) -> None:
    train, holdout = draw(1000, 3), draw(1000, 4)
    _, excess = copies(comparison(pd.concat([draw(990, 5), train[:10]]), train, holdout))
    assert excess.value == 0.01
    assert excess.interval is not None
    assert excess.interval[0] > 0


def test_coincidences_are_no_copies() -> None:
    # Coarse tables repeat themselves: most fresh rows equal a training row, and the interval still holds 0. Each of
    # 200 fresh tables leaves it by chance once in 20 tries; 21 or more (10%) would happen once in 700 runs.
    generator, alarms = np.random.default_rng(0), 0
    for _ in range(200):
        cells = (generator.geometric(0.05, size=900) // 2).tolist()
        share, excess = of(Kind.INTEGER, cells[:300], cells[300:700], cells[700:])
        assert share.value is not None
        assert share.value > 0.8
        assert excess.interval is not None
        alarms += not excess.interval[0] <= 0 <= excess.interval[1]
    assert alarms <= 20


def test_numbers_compare_as_precise_as_in_training(draw: Draw, comparison: Compare) -> None:
    assert of(Kind.DECIMAL, [1.2500001, 1.26], [1.25, 0.5], [0.75])[0].value == 0.5
    assert of(Kind.INTEGER, [1.0000001], [1, 20], [3])[0].value == 1.0
    assert of(Kind.DECIMAL, [2e-7, 3e-7], [1e-7, 2e-7], [4e-7])[0].value == 0.5
    assert of(Kind.DECIMAL, [np.pi, np.e + 1e-9], [np.pi, np.e], [1.0])[0].value == 0.5
    assert of(Kind.DECIMAL, [-0.0, None], [0.0, None], [1.0])[0].value == 1.0
    day = [pd.Timestamp("2024-03-20 17:00")]
    assert of(Kind.DATETIME, day, [pd.Timestamp("2024-03-21")], [pd.Timestamp("2024-03-19")])[0].value == 1.0
    # Keys are no part of a person's row.
    train = draw(100, 1)
    assert copies(comparison(train.assign(key=0), train, None))[0].value == 1.0


def test_without_a_holdout_only_the_count_is_given() -> None:
    share, excess = of(Kind.INTEGER, [1, 2], [1, 3], None)
    assert (share.value, share.anchor) == (0.5, None)
    assert (excess.status, excess.reason) == (Status.NOT_APPLICABLE, "not assessable without holdout")


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=7), st.lists(st.integers(0, 4), min_size=1, max_size=5), st.data()
)
def test_share_in_a_sample_is_the_mean_over_all_samples(
    real: list[int], synthetic: list[int], data: st.DataObject
) -> None:
    rows = data.draw(st.integers(1, len(real)))
    shares = [np.isin(synthetic, sample).mean() for sample in combinations(real, rows)]
    found = _found_in_sample(np.array(synthetic, dtype=np.uint64), np.array(real, dtype=np.uint64), rows)
    assert found == pytest.approx(np.mean(shares))


def test_keys_of_absurd_numbers() -> None:
    absurd = np.array([1e300, 1.5e300, -1e308, 5e-324, 0.0, np.nan, 1 / 3])
    frame = pd.DataFrame({"x": absurd})
    tables = encode(Schema((Column(name="x", kind=Kind.DECIMAL),)), synthetic=frame, train=frame, holdout=None)
    synthetic, train, _ = row_keys(tables)
    assert len(np.unique(train)) == len(absurd)
    assert (synthetic == train).all()
