"""Faults planted in fresh real sequences must be caught, each by its measure, and fresh sequences pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation import Measure
from synthx_evaluation.sequences.by_features import association, sequence_c2st, sequence_utility
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.dynamics import autocorrelation, transitions
from synthx_evaluation.sequences.features import features_of
from synthx_evaluation.sequences.marginals import feature_shapes, lengths, static_shapes, steps
from synthx_evaluation.sequences.nearest import nearest, sequence_copies

Draw = Callable[..., pd.DataFrame]
Compared = Callable[..., SequenceComparison]
_STAYS = 300


@pytest.fixture
def planted(draw: Draw, compared: Compared) -> Callable[..., SequenceComparison]:
    """A function that plants a fault in fresh stays (or in the training stays) and compares them."""

    def comparison(
        fault: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame, *, copies: bool = False
    ) -> SequenceComparison:
        train = draw(_STAYS, 1)
        return compared(fault(train if copies else draw(_STAYS, 2)), train, draw(_STAYS, 3))

    return comparison


def _off(measure: Measure) -> float:
    """Return how far the value is from the anchor."""
    assert measure.value is not None
    assert measure.anchor is not None
    return abs(measure.value - measure.anchor)


def _told_apart(comparison: SequenceComparison) -> Measure:
    return sequence_c2st(comparison, features_of(comparison))[0]


def test_fresh_sequences_score_like_training_sequences(planted: Callable[..., SequenceComparison]) -> None:
    comparison = planted()
    features = features_of(comparison)
    found = [
        *steps(comparison),
        *feature_shapes(comparison, features),
        *lengths(comparison),
        *static_shapes(comparison),
        *autocorrelation(comparison),
        *transitions(comparison),
        *association(comparison, features),
        *sequence_c2st(comparison, features),
    ]
    assert {measure.id: _off(measure) for measure in found if _off(measure) > 0.05} == {}
    told = found[-1]
    assert told.interval is not None
    assert told.interval[0] <= 0.5 <= told.interval[1] + 0.02


def test_shuffled_steps(planted: Callable[..., SequenceComparison]) -> None:
    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        order = np.random.default_rng(0).permutation(len(frame))
        moved = frame.iloc[order].sort_values("stay", kind="stable")  # rows change places within their stay
        return moved.assign(hour=frame["hour"].to_numpy())

    comparison = planted(shuffled)
    assert _off(steps(comparison)[0]) < 0.05
    assert _off(autocorrelation(comparison)[0]) > 0.2
    assert _off(transitions(comparison)[0]) > 0.2
    told = _told_apart(comparison)
    assert told.value is not None
    assert told.value > 0.9
    names = [item["column"] for item in told.details["giveaways"]]
    assert {"pulse: mean step", "ward: changes", "pulse: lag-1 autocorrelation"} & set(names)


def test_copied_sequences(planted: Callable[..., SequenceComparison]) -> None:
    comparison = planted(lambda frame: frame.assign(stay=frame["stay"] + 7, hour=frame["hour"] + 3), copies=True)
    copied, excess = sequence_copies(comparison)
    (near,) = nearest(comparison, features_of(comparison))
    assert (copied.value, copied.anchor, excess.value, near.value) == (1.0, 0.0, 1.0, 1.0)
    assert near.anchor == 0.5
    assert copied.details["equal_a_training_sequence"] == _STAYS


def test_nearly_copied_sequences(planted: Callable[..., SequenceComparison]) -> None:
    def blurred(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(pulse=frame["pulse"] + np.random.default_rng(0).normal(0, 0.3, len(frame)))

    comparison = planted(blurred, copies=True)
    assert sequence_copies(comparison)[0].value == 0.0
    (near,) = nearest(comparison, features_of(comparison))
    assert near.interval is not None
    assert near.interval[0] > 0.9
    fresh = planted()
    (honest,) = nearest(fresh, features_of(fresh))
    assert honest.interval is not None
    assert honest.interval[0] < 0.5 < honest.interval[1]
    assert [measure.value for measure in sequence_copies(fresh)] == [0.0, 0.0]


def test_collapsed_spread(planted: Callable[..., SequenceComparison]) -> None:
    def collapsed(frame: pd.DataFrame) -> pd.DataFrame:
        mean = frame.groupby("stay")["pulse"].transform("mean")
        return frame.assign(pulse=mean + 0.3**0.5 * (frame["pulse"] - mean))

    comparison = planted(collapsed)
    assert (_told_apart(comparison).value or 0) > 0.9
    parts = feature_shapes(comparison, features_of(comparison))[0].details["columns"]
    assert parts["pulse: deviation"]["value"] < parts["pulse: deviation"]["anchor"] - 0.2


def test_wrong_lengths(planted: Callable[..., SequenceComparison]) -> None:
    comparison = planted(lambda frame: frame[frame.groupby("stay").cumcount() < 10])
    assert _off(lengths(comparison)[0]) > 0.5
    assert (_told_apart(comparison).value or 0) > 0.8


def test_static_columns_of_somebody_else(planted: Callable[..., SequenceComparison]) -> None:
    def permuted(frame: pd.DataFrame) -> pd.DataFrame:
        facts = frame.groupby("stay")[["sex", "age", "died"]].first()
        moved = facts.iloc[np.random.default_rng(0).permutation(len(facts))].set_axis(facts.index)
        return frame.assign(**{name: frame["stay"].map(moved[name]) for name in facts})

    comparison = planted(permuted)
    features = features_of(comparison)
    assert _off(static_shapes(comparison)[0]) < 0.05
    joint = association(comparison, features)[0]
    fresh = planted()
    assert _off(joint) > 2 * _off(association(fresh, features_of(fresh))[0]) + 0.05
    assert (_told_apart(comparison).value or 0) > 0.6
    assert all("age" in pair["columns"] or "died" in pair["columns"] for pair in joint.details["worst"][:3])
    scores = {measure.id: measure for measure in sequence_utility(comparison, features)}
    taught = scores["SEQ-UTIL-AUC-LINEAR"]
    assert (taught.value or 0) < (taught.anchor or 0) - 0.05  # the pulse no longer tells of death


def test_a_static_column_that_varies_is_told(planted: Callable[..., SequenceComparison]) -> None:
    comparison = planted(lambda frame: frame.assign(sex=np.resize(["F", "M"], len(frame))))
    assert static_shapes(comparison)[0].details["varying"] == {"sex": 1.0}


def test_levels_swapped_over_time(planted: Callable[..., SequenceComparison]) -> None:
    def swapped(frame: pd.DataFrame) -> pd.DataFrame:
        odd = frame.groupby("stay").cumcount() % 2 == 1
        return frame.assign(ward=frame["ward"].where(~odd, frame["ward"].map({"A": "B", "B": "A"})))

    comparison = planted(swapped)
    assert _off(steps(comparison)[0]) < 0.05
    measure = transitions(comparison)[0]
    assert _off(measure) > 0.7  # 0.1 of the steps change wards among the real, 0.9 among these
    assert measure.value == pytest.approx(0.8, abs=0.05)
