from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.grad_sample import GradSampleModule
from torch import Tensor, nn

from synthx.errors import ParameterError
from synthx_privacy.clipping import Clipper, clipped_sum
from synthx_privacy.stacked import StackedLinear, StackedVectors

Loss = Callable[[Tensor], Tensor]


class Columns(nn.Module):
    """A small network of the kind that the layers are for: vectors, one network a column, scores."""

    def __init__(self, digits: int = 4, values: int = 3, width: int = 5, bias: bool = True) -> None:
        super().__init__()
        self.starts = values * torch.arange(digits)
        self.vectors = StackedVectors(digits * values, width)
        self.enter = StackedLinear(digits, width, 6, bias=bias)
        self.leave = StackedLinear(digits, 6, values, bias=bias)

    def forward(self, codes: Tensor) -> Tensor:
        return self.leave(torch.tanh(self.enter(self.vectors(codes + self.starts))))

    def losses(self, codes: Tensor) -> Loss:
        def of(units: Tensor) -> Tensor:
            scores = self(codes[units])
            return nn.functional.cross_entropy(scores.transpose(1, 2), codes[units], reduction="none").sum(1)

        return of


def gradients_one_by_one(module: nn.Module, loss: Loss, units: int) -> list[list[Tensor]]:
    return [
        list(torch.autograd.grad(loss(torch.tensor([unit])).sum(), list(module.parameters()))) for unit in range(units)
    ]


def test_the_stacked_linear_layer_is_its_layers_side_by_side() -> None:
    torch.manual_seed(0)
    layer = StackedLinear(3, 4, 2)
    layer.bias.data.normal_()  # type: ignore[union-attr]
    x = torch.randn(5, 3, 4)
    expected = torch.stack([x[:, c] @ layer.weight[c] + layer.bias[c] for c in range(3)], dim=1)  # type: ignore[index]
    assert torch.allclose(layer(x), expected, atol=1e-6)
    assert layer.weight.shape == (3, 4, 2)
    assert layer.bias is not None and layer.bias.shape == (3, 1, 2)
    assert StackedLinear(3, 4, 2, bias=False).bias is None


def test_the_stacked_vectors_are_rows_of_the_table() -> None:
    layer = StackedVectors(4, 2)
    layer.weight.data = torch.arange(8.0).view(4, 2)
    assert layer(torch.tensor([[0, 3]])).tolist() == [[[0.0, 1.0], [6.0, 7.0]]]


def test_a_gradient_that_can_be_worked_out_by_hand() -> None:
    layer = StackedLinear(2, 1, 1)
    x = torch.tensor([[[3.0], [1.0]]])
    # the loss 2 y_0 + 5 y_1 has the gradients 2·3 and 5·1 by the weights, 2 and 5 by the biases: 36 + 25 + 4 + 25 = 90
    factors = torch.tensor([[[2.0], [5.0]]])
    clipper = Clipper(layer, 3.0, physical_batch=1, ghost=True)
    weight, bias = clipper.sums([(lambda _: (layer(x) * factors).sum((1, 2)), torch.tensor([0]))])
    scale = 3 / math.sqrt(90)
    assert weight.flatten().tolist() == pytest.approx([6 * scale, 5 * scale], rel=1e-4)
    assert bias.flatten().tolist() == pytest.approx([2 * scale, 5 * scale], rel=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_of_single_rows_are_those_of_autograd(bias: bool) -> None:
    torch.manual_seed(1)
    module = Columns(bias=bias)
    codes = torch.randint(3, (6, 4))
    loss = module.losses(codes)
    expected = gradients_one_by_one(module, loss, 6)
    wrapped = GradSampleModule(module, loss_reduction="sum", strict=False)
    with pytest.warns(UserWarning, match="Full backward hook"):
        loss(torch.arange(6)).sum().backward()
    for index, parameter in enumerate(module.parameters()):
        rows = torch.stack([row[index] for row in expected])
        assert torch.allclose(parameter.grad_sample, rows, atol=1e-5)  # type: ignore[attr-defined]
    wrapped.to_standard_module()


@pytest.mark.parametrize("ghost", [True, False])
@pytest.mark.parametrize("clip", [0.1, 1.0, 100.0])
def test_clipped_sums_are_those_of_autograd(ghost: bool, clip: float) -> None:
    torch.manual_seed(2)
    module = Columns()
    codes = torch.randint(3, (9, 4))
    loss = module.losses(codes)
    sums = Clipper(module, clip, physical_batch=4, ghost=ghost).sums([(loss, torch.arange(9))])
    expected = clipped_sum(module, loss, torch.arange(9), clip)
    assert torch.allclose(torch.cat([part.flatten() for part in sums]), expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_norm_is_right_even_if_a_unit_looks_up_a_row_twice(places: list[list[int]]) -> None:
    torch.manual_seed(3)
    layer, weights = StackedVectors(4, 2), torch.randn(3, 2)

    def loss(units: Tensor) -> Tensor:
        return (layer(torch.tensor(places)[units]) * weights).sum((1, 2))

    units = torch.arange(len(places))
    (total,) = Clipper(layer, 0.5, physical_batch=8, ghost=True).sums([(loss, units)])
    assert torch.allclose(total.flatten(), clipped_sum(layer, loss, units, 0.5), rtol=1e-4, atol=1e-5)


def test_frozen_parts_have_no_gradient() -> None:
    torch.manual_seed(4)
    module = Columns()
    module.enter.weight.requires_grad_(False)
    assert module.leave.bias is not None
    module.leave.bias.requires_grad_(False)
    codes = torch.randint(3, (5, 4))
    for ghost in (True, False):
        sums = Clipper(module, 0.5, physical_batch=8, ghost=ghost).sums([(module.losses(codes), torch.arange(5))])
        expected = clipped_sum(module, module.losses(codes), torch.arange(5), 0.5)
        assert torch.allclose(torch.cat([part.flatten() for part in sums]), expected, rtol=1e-4, atol=1e-5)


def test_inputs_of_the_wrong_dimension_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"x\.ndim=2"):
        StackedLinear(1, 1, 1)(torch.zeros(1, 1))
    with pytest.raises(ParameterError, match=r"places\.ndim=1"):
        StackedVectors(1, 1)(torch.zeros(1, dtype=torch.int64))
