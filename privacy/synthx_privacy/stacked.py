"""Layers that hold many small ones, with per-row gradient norms that cost no more than the layer.

The networks of tables have one small network a column. One product over all of them at once is fast, and its rows'
gradient norms are known in closed form, so that a private step need not hold a gradient for every row (ghost clipping:
Goodfellow 2015, arXiv 1510.01799; Li et al. 2021, arXiv 2110.05679). Both kinds of rules are registered with Opacus:
norms for ghost clipping, gradients for its other modes.
"""

from __future__ import annotations

import math

import torch
from opacus.grad_sample.utils import register_grad_sampler, register_norm_sampler
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.errors import ParameterError
from synthx_privacy.norms import repeats

__all__ = ["StackedLinear", "StackedVectors"]


class StackedLinear(nn.Module):
    """As many linear layers side by side, each on inputs of its own.

    Parameters
    ----------
    count : int
        How many layers.
    inputs, outputs : int
        The width of each.
    bias : bool

    Attributes
    ----------
    weight : Parameter, shape (count, inputs, outputs)
    bias : Parameter, shape (count, 1, outputs), or None

    **Shape**: (B, count, inputs) -> (B, count, outputs).
    """

    def __init__(self, count: int, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(count, inputs, outputs) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(count, 1, outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 3:
            raise ParameterError(f"`x` must be 3-D, however: x.ndim={x.ndim}", remedy="give it rows first")
        if self.bias is None:
            return torch.bmm(x.transpose(0, 1), self.weight).transpose(0, 1)  # (B, C, O)
        return torch.baddbmm(self.bias, x.transpose(0, 1), self.weight).transpose(0, 1)


class StackedVectors(nn.Module):
    """A table of vectors in which every unit looks up one row a digit.

    The digits' parts of the table are disjoint, so that a unit looks up no row twice. (Should it, its gradient norm is
    right as well, only slower to reckon.)

    Parameters
    ----------
    total : int
        Rows of the table, over all digits.
    width : int
        Of a vector.

    Attributes
    ----------
    weight : Parameter, shape (total, width)

    **Shape**: int64 places (B, digits), below `total` -> (B, digits, width).
    """

    def __init__(self, total: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(total, width))

    def forward(self, places: Tensor) -> Tensor:
        if places.ndim != 2:
            raise ParameterError(f"`places` must be 2-D, however: places.ndim={places.ndim}", remedy="give (B, digits)")
        return F.embedding(places, self.weight)  # (B, digits, width)


# -- the rules: how long each row's gradient is, and the gradient itself -----------------------------------------------


def _linear_norms(layer: StackedLinear, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    """Each layer's gradient is an outer product a gᵀ, of norm |a| |g|; the layers' squares add up."""
    outer = torch.linalg.vector_norm(backprops, dim=2)  # (B, C)
    norms: dict[Tensor, Tensor] = {}
    if layer.weight.requires_grad:
        inner = torch.linalg.vector_norm(activations[0], dim=2)  # (B, C)
        norms[layer.weight] = torch.linalg.vector_norm(inner * outer, dim=1)
    if layer.bias is not None and layer.bias.requires_grad:
        norms[layer.bias] = torch.linalg.vector_norm(outer, dim=1)
    return norms


def _linear_gradients(layer: StackedLinear, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    gradients: dict[Tensor, Tensor] = {}
    if layer.weight.requires_grad:
        gradients[layer.weight] = torch.einsum("nci,nco->ncio", activations[0], backprops)
    if layer.bias is not None and layer.bias.requires_grad:
        gradients[layer.bias] = backprops[:, :, None]
    return gradients


def _vector_norms(layer: StackedVectors, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    """Distinct rows of the table: the squares of what arrives at each digit add up."""
    places = activations[0]
    if bool((places[:, 1:] > places[:, :-1]).all()):  # rising places are distinct
        return {layer.weight: torch.linalg.vector_norm(backprops, dim=(1, 2))}
    products = torch.bmm(backprops, backprops.transpose(1, 2))  # (B, D, D)
    return {layer.weight: (products * repeats(places)).sum(dim=(1, 2)).clamp(min=0).sqrt()}


def _vector_gradients(layer: StackedVectors, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    rows, _, width = backprops.shape
    places = activations[0][:, :, None].expand(-1, -1, width)
    gradients = backprops.new_zeros(rows, *layer.weight.shape)
    return {layer.weight: gradients.scatter_add_(1, places, backprops)}


register_norm_sampler(StackedLinear)(_linear_norms)
register_grad_sampler(StackedLinear)(_linear_gradients)
register_norm_sampler(StackedVectors)(_vector_norms)
register_grad_sampler(StackedVectors)(_vector_gradients)
