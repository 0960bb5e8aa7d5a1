from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.models.layout import Digits, Heads


@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=6), st.integers(0, 2**31))
@settings(max_examples=60)
def test_join_undoes_split(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    digits = Digits(tuple(sizes))
    codes = torch.from_numpy(np.stack([rng.integers(0, size, 50) for size in sizes], axis=1))
    written = digits.split(codes)
    assert (written < torch.tensor(digits.sizes)).all()
    assert (digits.join(written) == codes).all()


def test_a_column_of_50000_levels_costs_about_450_values() -> None:
    assert sum(Digits((50_000,)).sizes) == 224 + 224


def test_the_second_digit_knows_its_first() -> None:
    digits = Digits((3, 1_000, 2))
    assert digits.second == {2: 1}
    assert digits.first == (0, 1, 3)
    assert list(digits.of_column(1)) == [1, 2]
    assert digits.split_code(1, 999) == (31, 7)


def test_heads_are_padded_to_round_widths_and_sorted_by_width() -> None:
    heads = Heads((5, 2, 3, 7, 8))
    assert heads.digits.tolist() == [1, 2, 0, 3, 4]
    assert heads.blocks == [(1, 2), (1, 3), (1, 6), (2, 8)]
    assert heads.total == 27
    assert heads.valid.int().tolist() == [1] * 2 + [1] * 3 + [1] * 5 + [0] + [1] * 7 + [0] + [1] * 8


def test_log_likelihood_is_that_of_a_softmax_a_digit() -> None:
    heads = Heads((2, 2))
    logits = torch.tensor([[0.0, 0.0, 1.0, 3.0]])
    likelihood = heads.log_likelihood(logits, torch.tensor([[1, 0]]))
    assert likelihood[0].tolist() == pytest.approx([-np.log(2), 1 - np.log(np.exp(1) + np.exp(3))], abs=1e-6)


def test_places_of_a_stage_follow_its_own_order() -> None:
    heads = Heads((5, 2, 3))
    assert heads.places([0, 2]).tolist() == [5, 6, 7, 8, 9, 10, 2, 3, 4]


def test_one_hot_puts_ones_at_the_digits_places() -> None:
    assert Heads((2, 2)).one_hot(torch.tensor([[1, 0]])).tolist() == [[0.0, 1.0, 1.0, 0.0]]
