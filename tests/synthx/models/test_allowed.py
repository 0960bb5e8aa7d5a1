"""What may be drawn, told by literal logits."""

from __future__ import annotations

import math

import numpy as np
import torch

from synthx.condition import Window
from synthx.models.allowed import Allowed
from synthx.models.layout import Digits, Heads
from synthx.models.networks import NEVER

DIGITS = Digits((3, 600))
"""The second column has two digits of 24 and 25 values: 600 codes are 24 times 25."""
CPU = torch.device("cpu")


def test_a_weight_is_added_as_its_logarithm() -> None:
    window = Window(np.array([1, 0.5, 0]), np.zeros(3), np.ones(3))
    ruled = Allowed(DIGITS, np.ones(603, bool), {0: window}, CPU).rule_out(0, torch.zeros(1, 3), None)
    assert torch.allclose(ruled, torch.tensor([[0, math.log(0.5), NEVER]]))


def test_what_is_free_is_left_alone() -> None:
    logits = torch.randn(2, 3)
    assert Allowed(DIGITS, np.ones(603, bool), {}, CPU).rule_out(0, logits, None) is logits


def test_second_digits_follow_the_first_of_their_row() -> None:
    assert DIGITS.sizes == (3, 24, 25)
    codes = np.zeros(600, bool)
    codes[[26, 53]] = True  # 1 and 1, 2 and 3
    allowed = Allowed(DIGITS, np.ones(603, bool), {1: Window.of_codes(codes)}, CPU)
    heads = Heads(DIGITS.sizes, (1, 2))
    ruled = allowed.rule_out_heads(heads, torch.zeros(2, heads.total), torch.tensor([[0, 1, 0], [0, 2, 0]]))
    first, second = ruled[:, :24], ruled[:, heads.widths[0] : heads.widths[0] + 25]
    assert [row.nonzero().flatten().tolist() for row in first == 0] == [[1, 2], [1, 2]]
    assert [row.nonzero().flatten().tolist() for row in second == 0] == [[1], [3]]
