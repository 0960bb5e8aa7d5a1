from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from synthx.models.layout import Heads
from synthx.models.softmax import _LogSoftmax, log_likelihood

ROWS, HIDDEN = 5, 3
SIZES = (2, 11, 3, 40)


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Heads, Tensor, list[Tensor], Tensor, Tensor]:
    """Return heads, hidden (digits, rows, hidden), leave, bias and digits (rows, digits)."""
    torch.manual_seed(0)
    heads = Heads(SIZES)
    hidden = torch.randn(len(SIZES), ROWS, HIDDEN, dtype=dtype, requires_grad=True)
    leave = [torch.randn(count, HIDDEN, width, dtype=dtype, requires_grad=True) for count, width in heads.blocks]
    bias = torch.where(heads.valid, torch.randn(heads.total, dtype=dtype), -1e9).requires_grad_()
    digits = torch.stack([torch.randint(0, size, (ROWS,)) for size in SIZES], dim=1)
    return heads, hidden, leave, bias, digits


def plainly(heads: Heads, hidden: Tensor, leave: list[Tensor], bias: Tensor, digits: Tensor) -> Tensor:
    """Return the log-probabilities, head by head."""
    weights = [weight for block in leave for weight in block]
    parts = []
    for head, (digit, start, width) in enumerate(
        zip(heads.digits.tolist(), heads.starts.tolist(), heads.widths, strict=True)
    ):
        logits = hidden[head] @ weights[head] + bias[start : start + width]
        parts.append(torch.log(torch.softmax(logits, dim=1)[torch.arange(ROWS), digits[:, digit]]))
    return torch.stack(parts)


def test_the_likelihood_is_that_of_the_plain_formula() -> None:
    heads, hidden, leave, bias, digits = inputs()
    found = log_likelihood(hidden, leave, bias, heads, digits)
    assert found.shape == (len(SIZES), ROWS)
    torch.testing.assert_close(found, plainly(heads, hidden, leave, bias, digits))


def test_the_gradients_are_those_of_the_plain_formula() -> None:
    heads, hidden, leave, bias, digits = inputs()
    weights = torch.rand(len(SIZES), ROWS, dtype=torch.float64)
    found = torch.autograd.grad(
        (weights * log_likelihood(hidden, leave, bias, heads, digits)).sum(), [hidden, *leave, bias]
    )
    wanted = torch.autograd.grad((weights * plainly(heads, hidden, leave, bias, digits)).sum(), [hidden, *leave, bias])
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_gradcheck() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, 1, 5, dtype=torch.float64, requires_grad=True)
    value = torch.randint(0, 5, (2, 4, 1))
    assert torch.autograd.gradcheck(_LogSoftmax.apply, (hidden, weight, bias, value))


def test_by_hand() -> None:
    """Two values with logits 0 and log 3 have probabilities 1/4 and 3/4."""
    heads = Heads((2,))
    width = heads.total
    bias = torch.full((width,), -torch.inf)
    bias[:2] = torch.tensor([0.0, math.log(3)])
    hidden, leave = torch.ones(1, 2, 1), [torch.zeros(1, 1, width)]
    found = log_likelihood(hidden, leave, bias.requires_grad_(), heads, torch.tensor([[0], [1]]))
    assert found.exp().tolist() == [pytest.approx([0.25, 0.75])]
    found.sum().backward()
    assert bias.grad is not None
    assert bias.grad.tolist() == pytest.approx([1 - 0.5, 1 - 1.5, *[0.0] * (width - 2)])


def test_the_inputs_are_left_as_they_are() -> None:
    heads, hidden, leave, bias, digits = inputs(torch.float32)
    before = [part.detach().clone() for part in (hidden, *leave, bias)]
    log_likelihood(hidden, leave, bias, heads, digits).sum().backward()
    for part, was in zip((hidden, *leave, bias), before, strict=True):
        assert torch.equal(part, was)
