"""Drawing column by column, with a network whose probabilities are written down here.

False alarms: chi-square tests alarm once in a million seeds, and the seeds are fixed.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from synthx.condition import Window
from synthx.models import ordered_drawing
from synthx.models.causal import Autoregressor
from synthx.models.layout import Digits
from synthx.models.networks import NEVER
from synthx.models.ordered_drawing import OrderedSampler

ROWS = 40_000
NEAR = 0.015
"""Six standard errors of a share of 40,000 rows are at most .015."""
ALPHA = 1e-6

AB = torch.tensor([0.5, 0.3, 0.2])[:, None] * torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
"""P(a, b): a has three codes, b two."""


class Known(Autoregressor):
    """Has the conditional probabilities of a table of all rows, whatever is given.

    Parameters
    ----------
    joint : Tensor
        The probability of each row: one axis a column.
    """

    def __init__(self, joint: Tensor) -> None:
        self.columns = Digits(tuple(joint.shape))
        super().__init__(self.columns.sizes, width=1, hidden=1)
        self.requires_grad_(False)
        codes = torch.tensor(list(itertools.product(*map(range, joint.shape))))
        self.probability = joint.flatten().double()
        self.rows = self.heads.one_hot(self.columns.split(codes)).double()
        self.vectors.data = torch.eye(self.heads.total)

    def logits(self, digit: int, sums: Tensor, known: Tensor | int) -> Tensor:
        """`sums` marks the values that are known."""
        agrees = (sums.double() @ self.rows.T - known).abs() < 0.5  # (groups, rows of the table)
        start, size = self._starts[self._head[digit]], self.size(digit)
        weights = (agrees * self.probability) @ self.rows[:, start : start + size]
        return weights.log().clamp(min=NEVER).float()


def sampler(
    joint: Tensor = AB,
    *,
    order: tuple[int, ...] | None = None,
    drawn: list[bool] | None = None,
    temperature: float = 1.0,
) -> OrderedSampler:
    network = Known(joint)
    return OrderedSampler(
        network,
        network.columns,
        order or tuple(range(joint.ndim)),
        np.array(drawn or [True] * sum(joint.shape)),
        temperature=temperature,
    )


def draw(tool: OrderedSampler, given: dict[int, Window] | None = None, rows: int = ROWS, seed: int = 0) -> np.ndarray:
    codes: np.ndarray = tool.draw(rows, given or {}, torch.Generator().manual_seed(seed)).numpy()
    return codes


def window(*weights: float) -> Window:
    return Window(np.array(weights), np.zeros(len(weights)), np.ones(len(weights)))


def only(size: int, *codes: int) -> Window:
    return Window.of_codes(np.isin(np.arange(size), codes))


def shares(codes: np.ndarray, size: int) -> list[float]:
    return (np.bincount(codes, minlength=size) / len(codes)).tolist()


def counts(codes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    found: np.ndarray = np.bincount(np.ravel_multi_index(tuple(codes.T), shape), minlength=int(np.prod(shape)))
    return found


def follows(codes: np.ndarray, joint: Tensor) -> bool:
    """Whether a chi-square test lets rows pass as drawn from a joint distribution."""
    seen, expected = counts(codes, tuple(joint.shape)), joint.double().flatten().numpy()
    expected = expected / expected.sum()
    assert (seen[expected == 0] == 0).all()
    possible = expected > 0
    return float(stats.chisquare(seen[possible], len(codes) * expected[possible]).pvalue) > ALPHA


def some_joint(*shape: int) -> Tensor:
    weights = torch.randn(*shape, generator=torch.Generator().manual_seed(1)).exp()
    return weights / weights.sum()


class TestNothingGiven:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_rows_follow_the_joint_distribution(self, order: tuple[int, ...]) -> None:
        codes = draw(sampler(order=order))
        assert shares(codes[:, 0], 3) == pytest.approx([0.5, 0.3, 0.2], abs=NEAR)
        assert shares(codes[codes[:, 0] == 2, 1], 2) == pytest.approx([0.1, 0.9], abs=NEAR)
        assert follows(codes, AB)

    def test_a_code_that_must_not_be_drawn_is_not_unless_asked_for(self) -> None:
        tool = sampler(drawn=[True, True, False, True, True])
        codes = draw(tool)
        assert shares(codes[:, 0], 3) == pytest.approx([0.625, 0.375, 0], abs=NEAR)
        assert (draw(tool, {0: window(0, 0, 1)}, 100)[:, 0] == 2).all()

    def test_below_one_temperature_concentrates(self) -> None:
        """Squares of .5, .3 and .2 at temperature one half; square roots at two."""
        cold, hot = (draw(sampler(temperature=temperature)) for temperature in (0.5, 2.0))
        assert shares(cold[:, 0], 3) == pytest.approx([0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38], abs=NEAR)
        roots = np.sqrt([0.5, 0.3, 0.2])
        assert shares(hot[:, 0], 3) == pytest.approx(roots / roots.sum(), abs=NEAR)

    def test_frequencies_are_what_log_prob_says(self) -> None:
        """An untrained network with large weights, columns of 3, 4, 2 and 3 codes: 72 rows in all."""
        shape = (3, 4, 2, 3)
        torch.manual_seed(0)
        network = Autoregressor(shape, width=8, hidden=6).requires_grad_(False)
        network.start_at(torch.zeros(network.heads.total))
        for leave in network.leave:
            leave.mul_(4)
        tool = OrderedSampler(network, Digits(shape), (2, 0, 3, 1), np.ones(12, bool))
        every = torch.tensor(list(itertools.product(*map(range, shape))))
        joint = tool.log_prob(every).double().exp().view(shape)
        assert float(joint.sum()) == pytest.approx(1, abs=1e-5)
        assert follows(draw(tool, rows=100_000), joint)
        # It is no near-independent distribution, which any sampler would get right:
        marginals = [joint.sum(dim=tuple(axis for axis in range(4) if axis != kept)) for kept in range(4)]
        independent = torch.einsum("a,b,c,d->abcd", *marginals)
        assert not follows(draw(tool, rows=100_000), independent)

    def test_rows_of_one_draw_are_as_good_as_many(self) -> None:
        tool = sampler()
        codes = np.concatenate([draw(tool, rows=1, seed=seed) for seed in range(600)])
        assert follows(codes, AB)


class TestConditions:
    def test_a_fixed_code_is_everywhere_and_the_rest_is_given_it(self) -> None:
        codes = draw(sampler(), {1: window(0, 1)})
        assert (codes[:, 1] == 1).all()
        assert shares(codes[:, 0], 3) == pytest.approx([0.05 / 0.38, 0.15 / 0.38, 0.18 / 0.38], abs=NEAR)

    def test_everything_fixed(self) -> None:
        assert draw(sampler(), {0: window(0, 1, 0), 1: window(1, 0)}, 3).tolist() == [[1, 0]] * 3

    def test_a_restricted_column_keeps_its_proportions(self) -> None:
        codes = draw(sampler(), {0: window(1, 0, 1)})
        assert shares(codes[:, 0], 3) == pytest.approx([0.5 / 0.7, 0, 0.2 / 0.7], abs=NEAR)

    def test_a_weight_is_the_share_of_a_code_that_is_allowed(self) -> None:
        codes = draw(sampler(), {0: window(0.5, 1, 0)})
        assert shares(codes[:, 0], 3) == pytest.approx([0.25 / 0.55, 0.3 / 0.55, 0], abs=NEAR)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_two_restricted_columns_follow_the_joint_distribution_given_both(self, order: tuple[int, ...]) -> None:
        """A tenth of b = 0 counts, and all of b = 1; drawing a alone first would give .71 and .29."""
        codes = draw(sampler(order=order), {0: window(1, 0, 1), 1: window(0.1, 1)})
        zero, two = 0.5 * (0.9 * 0.1 + 0.1), 0.2 * (0.1 * 0.1 + 0.9)
        assert shares(codes[:, 0], 3) == pytest.approx([zero / (zero + two), 0, two / (zero + two)], abs=NEAR)

    def test_restrictions_agree_with_rejection(self) -> None:
        """Rows drawn freely and kept where they meet all conditions; the two samples pass as one."""
        joint = some_joint(4, 3, 5, 2)
        tool = sampler(joint, order=(3, 1, 0, 2))
        given = {0: only(4, 0, 2, 3), 1: only(3, 1, 2), 2: only(5, 0, 4), 3: only(2, 1)}
        free = draw(tool, rows=300_000, seed=1)
        met = np.all([given[column].weights[free[:, column]] == 1 for column in range(4)], axis=0)
        asked = draw(tool, given, rows=int(met.sum()))
        assert all((given[column].weights[asked[:, column]] == 1).all() for column in range(4))
        pair = np.stack([counts(free[met], (4, 3, 5, 2)), counts(asked, (4, 3, 5, 2))])
        assert stats.chi2_contingency(pair[:, pair.sum(axis=0) > 0]).pvalue > ALPHA
        mask = torch.zeros(4, 3, 5, 2)
        mask[np.ix_([0, 2, 3], [1, 2], [0, 4], [1])] = 1
        assert follows(asked, joint * mask)

    def test_what_a_network_holds_for_all_but_impossible_can_still_be_asked_for(self) -> None:
        least = torch.tensor([[0.5, 0.5], [1e-38, 1e-38], [1e-38, 1e-38]])
        codes = draw(sampler(least), {0: window(0, 1, 1), 1: window(1, 1)}, 100)
        assert set(codes[:, 0]) <= {1, 2}


class TestTwoDigits:
    """Column 1 has 601 codes, written as two digits of 25 values, of which 24 pairs stand for no code."""

    JOINT = some_joint(2, 601)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_only_codes_that_exist_are_drawn(self, order: tuple[int, ...]) -> None:
        tool = sampler(self.JOINT, order=order)
        assert tool.digits.sizes == (2, 25, 25)
        codes = draw(tool)
        assert codes[:, 1].max() <= 600
        assert follows(codes, self.JOINT)

    def test_a_single_code(self) -> None:
        codes = draw(sampler(self.JOINT), {1: only(601, 600)})
        assert (codes[:, 1] == 600).all()
        given = self.JOINT[:, 600] / self.JOINT[:, 600].sum()
        assert shares(codes[:, 0], 2) == pytest.approx(given.tolist(), abs=NEAR)

    def test_several_codes_with_and_without_another_condition(self) -> None:
        kept = [7, 8, 300, 599, 600]
        mask = torch.zeros(2, 601)
        mask[:, kept] = 1
        tool = sampler(self.JOINT)
        assert follows(draw(tool, {1: only(601, *kept)}), self.JOINT * mask)
        mask[:, 8] = 0.25
        partly = only(601, *kept)
        partly.weights[8] = 0.25
        assert follows(draw(tool, {0: window(0.5, 1), 1: partly}), self.JOINT * mask * torch.tensor([[0.5], [1.0]]))

    def test_log_prob_sums_to_one_over_the_codes_that_exist(self) -> None:
        torch.manual_seed(0)
        digits = Digits((2, 601))
        network = Autoregressor(digits.sizes, width=8, hidden=6).requires_grad_(False)
        network.start_at(torch.zeros(network.heads.total))
        tool = OrderedSampler(network, digits, (1, 0), np.ones(603, bool))
        every = torch.tensor(list(itertools.product(range(2), range(601))))
        assert float(tool.log_prob(digits.split(every)).double().exp().sum()) == pytest.approx(1, abs=1e-5)


class TestGrouping:
    """Rows that hold the same so far share one pass; where they do not, they must be drawn all the same."""

    @pytest.mark.parametrize("alike", [0, 1])
    @pytest.mark.parametrize("conditions", [{}, {0: only(4, 0, 2, 3), 2: only(5, 0, 4)}], ids=["free", "given"])
    def test_rows_are_the_same_with_and_without_it(
        self, monkeypatch: pytest.MonkeyPatch, alike: int, conditions: dict[int, Window]
    ) -> None:
        tool = sampler(some_joint(4, 3, 5, 2), order=(3, 1, 0, 2))
        grouped = draw(tool, conditions, rows=2_000)
        monkeypatch.setattr(ordered_drawing, "ALIKE", alike)
        assert (draw(tool, conditions, rows=2_000) == grouped).all()
        assert len(np.unique(grouped, axis=0)) > 20

    def test_the_distribution_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ordered_drawing, "ALIKE", 0)
        joint = some_joint(4, 3, 5, 2)
        assert follows(draw(sampler(joint, order=(3, 1, 0, 2))), joint)


class TestCompleting:
    def complete(
        self,
        tool: OrderedSampler,
        row: list[int],
        known: list[bool],
        given: dict[int, Window] | None = None,
        rows: int = ROWS,
    ) -> np.ndarray:
        values = tool.digits.split(torch.tensor(row).repeat(rows, 1))
        shown = torch.tensor(known)[list(tool.digits.column)].repeat(rows, 1)
        completed = tool.complete(values, shown, given or {}, torch.Generator().manual_seed(0))
        codes: np.ndarray = tool.digits.join(completed).numpy()
        return codes

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_what_is_known_stays_and_the_rest_is_given_it(self, order: tuple[int, ...]) -> None:
        codes = self.complete(sampler(order=order), [2, 0], [True, False])
        assert (codes[:, 0] == 2).all()
        assert shares(codes[:, 1], 2) == pytest.approx([0.1, 0.9], abs=NEAR)
        codes = self.complete(sampler(order=order), [0, 1], [False, True])
        assert shares(codes[:, 0], 3) == pytest.approx([0.05 / 0.38, 0.15 / 0.38, 0.18 / 0.38], abs=NEAR)

    def test_nothing_known_is_as_drawn(self) -> None:
        assert follows(self.complete(sampler(), [0, 0], [False, False]), AB)

    def test_windows_hold_where_cells_are_drawn_only(self) -> None:
        given = {0: window(0, 1, 1), 1: window(1, 0)}
        codes = self.complete(sampler(), [0, 1], [True, False], given)
        assert (codes == [0, 0]).all()
        codes = self.complete(sampler(), [0, 1], [False, True], given)
        assert shares(codes[:, 0], 3) == pytest.approx([0, 0.15 / 0.33, 0.18 / 0.33], abs=NEAR)

    def test_rows_that_know_different_cells(self) -> None:
        tool = sampler()
        values = torch.tensor([[2, 0], [0, 1]]).repeat(ROWS, 1)
        known = torch.tensor([[True, False], [False, True]]).repeat(ROWS, 1)
        codes = tool.complete(values, known, {}, torch.Generator().manual_seed(0)).numpy()
        assert shares(codes[::2, 1], 2) == pytest.approx([0.1, 0.9], abs=NEAR)
        assert shares(codes[1::2, 0], 3) == pytest.approx([0.05 / 0.38, 0.15 / 0.38, 0.18 / 0.38], abs=NEAR)

    def test_a_column_of_two_digits(self) -> None:
        joint = some_joint(2, 601)
        codes = self.complete(sampler(joint), [1, 0], [True, False], rows=8_000)
        mask = torch.tensor([[0.0], [1.0]])
        assert follows(codes, joint * mask)
