"""Scores of dates: each distance has those of the date that it leads to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from synthx.codec.sequence.calendar import DAY
from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.dates import DateScores, Landing, reach

CONTEXT = 2


def days(when: str) -> float:
    return pd.Timestamp(when).value / 1_000 / DAY


@pytest.fixture(scope="module")
def scores(accounts: SequenceVAE) -> DateScores:
    landing = Landing.of(accounts.steps_)
    assert landing is not None
    return DateScores(landing, context=CONTEXT)


def score(
    scores: DateScores, part: int, value: int, before: str, happened: tuple[str, ...] = (), end: str = "2025-01-01"
) -> dict[int, float]:
    """Return what each distance in days scores after a date if nothing but one value of one part has a score of 1."""
    moments = [
        days(before),
        days(end),
        *([days(when) if when else np.nan for when in happened] or [np.nan] * scores.kinds),
    ]
    with torch.no_grad():
        scores.score.weight.zero_()
        scores.score.bias.zero_()
        scores.score.bias[sum(scores.sizes[:part]) + value] = 1.0
        found = scores(torch.zeros(1, CONTEXT), torch.tensor([moments], dtype=torch.float64))[0]
    leads = ~scores.distances.isnan()
    assert (found[~leads] == 0).all()
    return dict(zip(scores.distances[leads].round().int().tolist(), found[leads].tolist(), strict=True))


def test_codes_reach_one_to_three_days(accounts: SequenceVAE) -> None:
    assert (reach(accounts.steps_)[-3:] / DAY).tolist() == [1, 2, 3]
    assert np.isnan(reach(accounts.steps_)[:-3]).all()


def test_the_end_of_the_month_is_where_it_is(scores: DateScores) -> None:
    assert score(scores, 0, 0, "2024-02-27") == {1: 0, 2: 1, 3: 0}  # a leap year
    assert score(scores, 0, 0, "2023-02-27") == {1: 1, 2: 0, 3: 0}
    assert score(scores, 0, 1, "2024-01-29") == {1: 1, 2: 0, 3: 0}


def test_the_day_of_the_month_and_the_weekday(scores: DateScores) -> None:
    assert score(scores, 1, 0, "2024-01-30") == {1: 0, 2: 1, 3: 0}
    assert score(scores, 2, 6, "2024-01-04") == {1: 0, 2: 0, 3: 1}  # a Thursday; 6 is Sunday


def test_a_month_and_a_week_after_a_kind_last_happened(scores: DateScores) -> None:
    happened = ("", "2024-01-12", "2024-01-14", "")
    assert scores.kinds == 4
    assert score(scores, 4, 1, "2024-02-10", happened) == {1: 0, 2: 1, 3: 0}
    assert score(scores, 4, 2, "2024-02-10", happened) == {1: 0, 2: 0, 3: 0}
    assert score(scores, 5, 1, "2024-02-14", happened) == {1: 0, 2: 1, 3: 0}  # a Friday
    assert score(scores, 5, 0, "2024-02-14", happened) == {1: 0, 2: 0, 3: 0}  # has never happened


def test_the_end_of_the_sequence_has_a_score(scores: DateScores) -> None:
    assert score(scores, 3, 0, "2024-02-11", end="2024-02-13") == {1: 0, 2: 1, 3: 0}
    assert score(scores, 3, 0, "2024-02-11", end="2024-02-23") == {1: 0, 2: 0, 3: 0}


def test_a_distance_within_the_day_leads_to_no_other_date() -> None:
    landing = Landing.__new__(Landing)
    landing.distances, landing.first, landing.kinds, landing.parts = torch.tensor([0.0, 0.25, 1.0]), 0, 0, 4
    landing.calendar = torch.tensor([[0, 0, 3]] * 5)
    scores = DateScores(landing, context=CONTEXT)
    with torch.no_grad():
        scores.score.weight.zero_()
        scores.score.bias.zero_()
        scores.score.bias[0] = 1.0  # no day of the month is left
        scores.score.bias[sum(scores.sizes[:3]) + 18] = 5.0  # six in the evening
        found = scores(torch.zeros(1, CONTEXT), torch.tensor([[2.5, 3.0]], dtype=torch.float64))
    assert found.tolist() == [[0, 5, 1]]


def test_what_happened_on_a_date_is_not_due_on_it_again(scores: DateScores) -> None:
    happened = ("", "2024-02-12", "2024-01-12", "")
    assert score(scores, 4, 1, "2024-02-11", happened) == {1: 0, 2: 0, 3: 0}
    assert score(scores, 4, 2, "2024-02-11", happened) == {1: 1, 2: 0, 3: 0}


def test_a_time_that_is_no_date_has_none(sequences: SequenceVAE) -> None:
    assert Landing.of(sequences.steps_) is None
