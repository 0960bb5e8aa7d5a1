"""What balancing is made of: prior correction, near-copies, indices, repeated rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.balance import correct_prior
from synthx.balancing.containers import as_frame, join_index, with_rows
from synthx.balancing.drawing import Drawn
from synthx.balancing.learning import _repeated, usual_minutes
from synthx.balancing.near_copies import NearCopies, Space
from synthx.codec.table import TableCodec
from synthx.errors import DataError, ParameterError
from synthx.schema import Column, Kind, Schema

# -- prior correction ---------------------------------------------------------------------------------------------


def test_even_odds_become_the_original_prior() -> None:
    assert correct_prior([0.5], resampled=0.5, original=0.002).round(12).tolist() == [0.002]


def test_odds_are_scaled_by_the_ratio_of_prior_odds() -> None:
    # odds 4 of 0.8; prior odds 1 -> 1/9: 4/9, of which the probability is 4/13
    assert correct_prior([0.8], resampled=0.5, original=0.1)[0] == pytest.approx(4 / 13)


def test_of_several_classes_each_is_weighted_and_rows_add_up_to_one() -> None:
    # weights .8/.4, .1/.4, .1/.2 = 2, .25, .5; 0.2, 0.6, 0.2 -> .4, .15, .1 of .65
    corrected = correct_prior([[0.2, 0.6, 0.2]], resampled=[0.4, 0.4, 0.2], original=[0.8, 0.1, 0.1])
    assert corrected[0].tolist() == pytest.approx([0.4 / 0.65, 0.15 / 0.65, 0.1 / 0.65])


def test_mappings_follow_the_classes() -> None:
    prior = {"fraud": 0.5, "legal": 0.5}, {"legal": 0.9, "fraud": 0.1}
    corrected = correct_prior([[0.5, 0.5]], *prior, classes=["fraud", "legal"])
    assert corrected[0].tolist() == pytest.approx([0.1, 0.9])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_there_and_back_again_is_nothing_and_order_is_kept(chances: list[float], one: float, other: float) -> None:
    moved = correct_prior(chances, resampled=one, original=other)
    assert correct_prior(moved, resampled=other, original=one) == pytest.approx(chances, abs=1e-9)
    order = np.argsort(chances, kind="stable")
    assert (np.diff(moved[order]) >= -1e-12).all()


@pytest.mark.parametrize(
    ("chances", "resampled", "original", "said"),
    [
        ([1.2], 0.5, 0.1, "outside 0 to 1"),
        ([[[0.5]]], 0.5, 0.1, "too many dimensions"),
        ([0.5], 0.0, 0.1, "of a class that was not learned"),
        ([0.5], [0.2, 0.3, 0.5], 0.1, "for 2 classes"),
        ([0.5], 0.5, -0.1, "original is"),
        ([[0.5, 0.5]], {"a": 0.5, "b": 0.5}, [0.1, 0.9], "resampled is a mapping"),
    ],
)
def test_what_is_no_probability_and_no_prior_is_refused(chances: Any, resampled: Any, original: Any, said: str) -> None:
    with pytest.raises((DataError, ParameterError), match=said):
        correct_prior(chances, resampled=resampled, original=original)


def test_a_class_that_was_never_seen_has_no_prior() -> None:
    with pytest.raises(ParameterError, match="original has no share of the class 'theft'"):
        correct_prior([[0.5, 0.5]], {"fraud": 1, "theft": 1}, {"fraud": 1}, classes=["fraud", "theft"])


# -- near-copies --------------------------------------------------------------------------------------------------


def space_of(frame: pd.DataFrame) -> Space:
    kinds = {name: Kind.DECIMAL if frame[name].dtype == float else Kind.CATEGORICAL for name in frame}
    schema = Schema(tuple(Column(name=name, kind=kinds[name], dtype=str(frame[name].dtype)) for name in frame))
    return Space(TableCodec.fit(frame, schema, rare_threshold=2), "label")


@pytest.fixture
def points() -> pd.DataFrame:
    """A thousand even places on a line, of which every hundredth is of the rare class."""
    return pd.DataFrame({"x": np.arange(1_000.0), "label": np.arange(1_000) % 100 == 50}).astype({"label": int})


def test_a_row_is_a_copy_if_it_is_nearer_than_real_rows_are_to_each_other(points: pd.DataFrame) -> None:
    rare = points[points["label"] == 1]  # 50, 150, ... 950: neighbours are 100 apart
    copies = NearCopies.of(space_of(points), rare)
    drawn = pd.DataFrame({"x": [150.0, 200.0, 151.0, 990.0], "label": 1})
    assert copies.ratios(drawn).round(2).tolist() == [0.0, 0.5, 0.01, 0.4]
    assert 0.6 < copies.least < 1.05  # every real row is as far from its neighbour as that one from its own
    assert copies.is_near(np.array([0.0, 0.5, 1.1])).tolist() == [True, True, False]


def test_fresh_rows_of_the_same_kind_are_seldom_called_copies() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(1_200, 6)), columns=list("abcdef")).assign(label=0)
    copies = NearCopies.of(space_of(frame), frame.iloc[:600])
    fresh = copies.is_near(copies.ratios(frame.iloc[600:])).mean()
    noisy = frame.iloc[:600] + 0.02 * rng.normal(size=(600, 7)) * [1, 1, 1, 1, 1, 1, 0]
    noisy["label"] = 0
    assert 0.01 < fresh < 0.1
    assert copies.is_near(copies.ratios(noisy)).mean() > 0.95


def test_equals_among_real_rows_do_not_hide_copies_of_the_others() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd")).assign(label=0)
    real = pd.concat([frame, frame.iloc[:40]], ignore_index=True)  # a third of the rows has an equal
    copies = NearCopies.of(space_of(real), real)
    noisy = frame.iloc[40:] + 0.005 * rng.normal(size=(160, 5)) * [1, 1, 1, 1, 0]
    assert copies.is_near(copies.ratios(noisy.assign(label=0))).mean() > 0.95


def test_rows_that_have_equals_among_real_ones_tell_of_nobody() -> None:
    frame = pd.DataFrame({"a": ["p", "q"] * 20, "b": ["u"] * 20 + ["v"] * 20, "label": 0})
    copies = NearCopies.of(space_of(frame), frame)
    assert not copies.is_near(copies.ratios(frame.iloc[:4])).any()


def test_levels_and_missing_numbers_count_as_differences() -> None:
    frame = pd.DataFrame({"x": [np.nan, 1.0, 2.0, 3.0] * 10, "a": ["p", "p", "q", "q"] * 10, "label": 0})
    schema = Schema(
        (
            Column(name="x", kind=Kind.DECIMAL, dtype="float64", nullable=True),
            Column(name="a", kind=Kind.CATEGORICAL),
            Column(name="label", kind=Kind.CATEGORICAL, dtype="int64"),
        )
    )
    space = Space(TableCodec.fit(frame, schema, rare_threshold=2), "label")
    copies = NearCopies.of(space, pd.DataFrame({"x": [1.0, np.nan], "a": ["p", "q"], "label": 0}))
    assert copies.neighbour[0] >= 2.0  # a level and a gap differ: 2 + 2 at least, of which the root


def test_a_report_says_what_was_removed() -> None:
    said = Drawn(50, 100, candidates=130, broke_rules=10, near_copies=20, kept_copies=3, acceptance=0.5).describe()
    assert said == (
        "50 real rows, 100 new ones of 130 drawn (20 near-copies of real rows and 10 that broke a rule removed;"
        " 3 near-copies were kept for want of others; refinement accepted 50%)"
    )


# -- containers and repeated rows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.RangeIndex(2), [0, 1, 2, 3]),
        (pd.Index([7, 3]), [7, 3, 8, 9]),
        (pd.Index(["a", "b"]), ["a", "b", None, None]),
    ],
)
def test_an_index_goes_on(index: pd.Index[Any], expected: list[Any]) -> None:
    assert join_index(index, 2).tolist() == expected


def test_an_index_of_two_levels_keeps_its_names() -> None:
    joined = join_index(pd.MultiIndex.from_tuples([("a", 1)], names=["x", "y"]), 1)
    assert joined.names == ["x", "y"]
    assert joined[0] == ("a", 1)


def test_a_frame_of_doubtful_names_becomes_one_of_clear_names() -> None:
    frame = as_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert frame.columns.tolist() == ["x0", "x1"]
    assert as_frame(np.array([["p", 1], ["q", 2]], dtype=object)).dtypes.tolist() == [object, np.int64]
    joined = with_rows(pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame({"x0": [3], "x1": [4]}))
    assert joined.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_rare_rows_are_repeated_up_to_their_share_and_no_oftener_than_allowed() -> None:
    numbers = np.array([0] * 8 + [1] * 2)
    assert np.bincount(numbers[_repeated(numbers, 0.5, 10)]).tolist() == [8, 4]
    assert np.bincount(numbers[_repeated(numbers, 1.0, 3)]).tolist() == [8, 6]
    assert _repeated(numbers, 0.1, 9).tolist() == list(range(10))


def test_the_time_limit_follows_the_rows() -> None:
    assert [usual_minutes(rows) for rows in (0, 10_000, 10**6)] == [0.5, 1.75, 10.0]
