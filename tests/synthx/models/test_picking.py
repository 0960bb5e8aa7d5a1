"""Picking by uniform numbers: what each number picks can be told from the cumulative weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthx.models.layout import Heads
from synthx.models.networks import NEVER
from synthx.models.picking import draw_heads, pick, pick_heads, uniform_of_heads


def test_a_number_picks_the_first_value_whose_sum_exceeds_it() -> None:
    below = torch.tensor([[1.0, 1.0, 3.0, 4.0]])  # the weights are 1, 0, 2, 1
    uniform = torch.tensor([[0.0, 0.2, 0.25, 0.7, 0.75, 0.99]])
    assert pick(below, uniform).tolist() == [[0, 0, 2, 2, 3, 3]]


def test_numbers_may_be_more_precise_than_weights() -> None:
    below = torch.tensor([[0.5, 1.0]])
    assert pick(below, torch.tensor([[0.5 - 1e-12, 0.5]], dtype=torch.float64)).tolist() == [[0, 1]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_last_value_of_weight_zero_is_not_met(dtype: torch.dtype) -> None:
    nearly_one = torch.nextafter(torch.ones(1, 1, dtype=dtype), torch.zeros(1, 1, dtype=dtype))
    assert pick(torch.tensor([[0.0, 3.0, 3.0]]), nearly_one).tolist() == [[1]]


def test_heads_are_drawn_by_their_softmax_and_never_where_it_is_zero() -> None:
    heads = Heads((5, 2))  # the places are: two of digit 1, then five of digit 0 and a pad
    of_digit_0 = [NEVER, math.log(0.3), math.log(0.7), NEVER, NEVER, NEVER]
    logits = torch.tensor([math.log(0.2), math.log(0.8), *of_digit_0])
    drawn = draw_heads(logits.repeat(40_000, 1), heads, torch.Generator().manual_seed(0)).numpy()
    assert (np.bincount(drawn[:, 0]) / 40_000).tolist() == pytest.approx([0.2, 0.8], abs=0.015)
    assert (np.bincount(drawn[:, 1]) / 40_000).tolist() == pytest.approx([0, 0.3, 0.7], abs=0.015)
    assert set(drawn[:, 1]) == {1, 2}


@given(st.integers(0, 2**32 - 1))
def test_values_are_picked_again_by_their_numbers(seed: int) -> None:
    heads, random = Heads((5, 2, 2, 40)), torch.Generator().manual_seed(seed)
    logits = torch.where(heads.valid, 3 * torch.randn(20, heads.total, generator=random), NEVER)
    picked = draw_heads(logits, heads, random)
    inside = 0.01 + 0.98 * torch.rand(20, 4, generator=random, dtype=torch.float64)
    assert torch.equal(pick_heads(logits, heads, uniform_of_heads(logits, heads, picked, inside)), picked)
