"""Drawing, with a network whose probabilities are written down here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from synthx.condition import Window
from synthx.models.drawing import StagedSampler
from synthx.models.layout import Digits
from synthx.models.networks import NEVER, Completer

ROWS = 40_000
NEAR = 0.015
"""Six standard errors of a share of 40,000 rows are at most .015."""


class Known(Completer):
    """Two columns, a of three codes and b of two; P(a) and P(b | a) are given."""

    marginal_a = torch.tensor([0.5, 0.3, 0.2])
    b_given_a = torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])

    def __init__(self) -> None:
        super().__init__((3, 2), width=4, blocks=1, noise=2)
        self.shown: tuple[Tensor, Tensor] | None = None

    def state(self, digits: Tensor, visible: Tensor, noise: Tensor | None = None) -> Tensor:
        self.shown = digits, visible
        return torch.zeros(len(digits), 4)

    def logits(self, state: Tensor, places: Tensor | None = None) -> Tensor:
        assert self.shown is not None and places is not None
        digits, visible = self.shown
        joint = self.marginal_a[:, None] * self.b_given_a  # (a, b)
        a = torch.where(visible[:, 1:2], (joint / joint.sum(dim=0)).T[digits[:, 1]], self.marginal_a)
        b = torch.where(visible[:, :1], self.b_given_a[digits[:, 0]], joint.sum(dim=0))
        everything = torch.full((len(digits), self.heads.total), NEVER)
        starts = dict(zip(self.heads.digits.tolist(), self.heads.starts.tolist(), strict=True))
        everything[:, starts[0] : starts[0] + 3] = a.log()
        everything[:, starts[1] : starts[1] + 2] = b.log()
        return everything[:, places]


def sampler(plan: tuple[tuple[int, ...], ...] = ((0,), (1,)), drawn: list[bool] | None = None) -> StagedSampler:
    network = Known()
    blank = torch.zeros(1, 2, dtype=torch.long)
    network.state(blank, torch.zeros(1, 2, dtype=torch.bool))
    marginals = network.logits(blank, torch.arange(network.heads.total))[0]
    return StagedSampler(network, Digits((3, 2)), plan, np.array(drawn or [True] * 5), marginals)


def window(*weights: float) -> Window:
    return Window(np.array(weights), np.zeros(len(weights)), np.ones(len(weights)))


def draw(given: dict[int, Window], **settings: list[bool]) -> np.ndarray:
    return sampler(**settings).draw(ROWS, given, torch.Generator().manual_seed(0)).numpy()


def shares(codes: np.ndarray, size: int) -> list[float]:
    return (np.bincount(codes, minlength=size) / len(codes)).tolist()


def test_nothing_given_follows_the_joint_distribution() -> None:
    codes = draw({})
    assert shares(codes[:, 0], 3) == pytest.approx([0.5, 0.3, 0.2], abs=NEAR)
    assert shares(codes[codes[:, 0] == 2, 1], 2) == pytest.approx([0.1, 0.9], abs=NEAR)


def test_a_fixed_code_is_everywhere_and_the_rest_is_given_it() -> None:
    codes = draw({1: window(0, 1)})
    assert (codes[:, 1] == 1).all()
    assert shares(codes[:, 0], 3) == pytest.approx([0.05 / 0.38, 0.15 / 0.38, 0.18 / 0.38], abs=NEAR)


def test_a_restricted_column_keeps_its_proportions() -> None:
    codes = draw({0: window(1, 0, 1)})
    assert shares(codes[:, 0], 3) == pytest.approx([0.5 / 0.7, 0, 0.2 / 0.7], abs=NEAR)


def test_a_weight_is_the_share_of_a_code_that_is_allowed() -> None:
    codes = draw({0: window(0.5, 1, 0)})
    assert shares(codes[:, 0], 3) == pytest.approx([0.25 / 0.55, 0.3 / 0.55, 0], abs=NEAR)


def test_two_restricted_columns_follow_the_joint_distribution_given_both() -> None:
    """Half of b = 0 counts, and all of b = 1; drawing a alone first would give .71 and .29."""
    codes = draw({0: window(1, 0, 1), 1: window(0.1, 1)})
    zero, two = 0.5 * (0.9 * 0.1 + 0.1), 0.2 * (0.1 * 0.1 + 0.9)
    assert shares(codes[:, 0], 3) == pytest.approx([zero / (zero + two), 0, two / (zero + two)], abs=NEAR)


def test_a_code_that_must_not_be_drawn_is_not_unless_asked_for() -> None:
    assert 2 not in draw({}, drawn=[True, True, False, True, True])[:, 0]
    assert (draw({0: window(0, 0, 1)}, drawn=[True, True, False, True, True])[:, 0] == 2).all()


def test_what_a_network_holds_for_impossible_can_still_be_asked_for() -> None:
    class Sure(Known):
        marginal_a = torch.tensor([1.0 - 2e-38, 1e-38, 1e-38])

    tool = sampler()
    tool.network = Sure()
    codes = tool.draw(100, {0: window(0, 1, 1), 1: window(1, 1)}, torch.Generator().manual_seed(0)).numpy()
    assert set(codes[:, 0]) <= {1, 2}
