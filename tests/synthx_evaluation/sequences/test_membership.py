from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Schema
from synthx_evaluation import Measure, Status
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.features import features_of
from synthx_evaluation.sequences.membership import entity_membership
from synthx_evaluation.sequences.warping import warped

Draw = Callable[..., pd.DataFrame]
Compared = Callable[..., SequenceComparison]
IDS = ["SEQ-MIA-MAX", "SEQ-MIA-FEATURES", "SEQ-MIA-WARPING"]


def attacked(comparison: SequenceComparison) -> dict[str, Measure]:
    found = entity_membership(comparison, features_of(comparison), permutations=99)
    assert [measure.id for measure in found] == IDS
    return {measure.id: measure for measure in found}


def test_time_warping_by_hand() -> None:
    one, late = np.array([[0.0], [0.0], [5.0], [0.0]]), np.array([[0.0], [5.0], [0.0], [0.0]])
    assert warped([one], [late, one, one + 1], np.array([[0, 1, 2]])).tolist() == [[0.0, 0.0, 2.0]]
    assert warped([one], [late, one[:1] + 3], np.array([[1]])).tolist() == [[np.sqrt(9 + 9 + 4 + 9)]]


def test_blurred_entities_are_found(draw: Draw, compared: Compared) -> None:
    train = draw(120, 1)
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 0.5, len(train))
    blurred = train.assign(stay=train["stay"] + 7, pulse=train["pulse"] + noise, pressure=train["pressure"] - noise)
    found = attacked(compared(blurred, train, draw(120, 3)))
    for measure in found.values():
        assert measure.p_value == 0.01
        assert measure.value is not None
        assert measure.value > 0.7
    assert found["SEQ-MIA-MAX"].details["reference_sequences"] == 60


def test_one_entity_in_eight_copied_is_found(draw: Draw, compared: Compared) -> None:
    train, fresh = draw(120, 1), draw(120, 2)
    some = train[train["stay"].isin(train["stay"].unique()[:15])]
    found = attacked(compared(pd.concat([some, fresh]), train, draw(120, 3)))
    assert (found["SEQ-MIA-MAX"].p_value or 1) < 0.02


def test_fresh_entities_are_not_accused(draw: Draw, compared: Compared) -> None:
    for seed in (2, 5):
        found = attacked(compared(draw(120, seed), draw(120, 1), draw(120, 3)))
        for measure in found.values():
            assert measure.p_value is not None
            assert measure.p_value > 0.05


def test_all_synthetic_entities_are_looked_at(draw: Draw, compared: Compared) -> None:
    # Of 480 synthetic entities 120 are compared elsewhere; the copies stand anywhere among them.
    train = draw(120, 1)
    found = attacked(compared(pd.concat([draw(360, 2), train]), train, draw(120, 3)))
    assert (found["SEQ-MIA-FEATURES"].value or 0) > 0.9
    assert (found["SEQ-MIA-WARPING"].value or 0) > 0.9


@pytest.mark.parametrize(
    ("stays", "reason"),
    [(None, "not assessable without a holdout"), (80, "needs 50 training and synthetic sequences and 100 holdout")],
)
def test_what_cannot_be_told(stays: int | None, reason: str, draw: Draw, compared: Compared) -> None:
    found = attacked(compared(draw(60, 1), draw(60, 2), None if stays is None else draw(stays, 3)))
    for measure in found.values():
        assert measure.status is Status.SKIPPED
        assert measure.reason.startswith(reason)


def test_no_numbers_to_warp(draw: Draw, compared: Compared, schema: Schema) -> None:
    kept = ["stay", "ward", "sex"]
    parts = [draw(110, seed)[kept] for seed in (1, 2, 3)]
    found = attacked(compared(*parts, schema=schema.select(kept)))
    assert found["SEQ-MIA-WARPING"].reason == "no step column holds numbers"
    assert found["SEQ-MIA-MAX"].status is Status.COMPUTED
