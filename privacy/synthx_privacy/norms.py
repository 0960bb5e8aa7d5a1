"""Per-row gradient norms of stock layers, where Opacus has none or one that is not good enough.

What Opacus 1.6 does under ghost clipping, layer by layer:

============================  =========================================================================================
Linear                        a norm rule; for sequences it subtracts large numbers in single precision, and it has
                              nothing for inputs of four dimensions; replaced here
Embedding                     a norm rule, exact
LayerNorm                     a gradient a row, which is small; it fails on a layer without bias; replaced here
EmbeddingBag                  fails unless offsets are given; replaced here for bags of equal length
Conv1d to 3d, GroupNorm,      a gradient a row, right but large: (rows, parameters of the layer) at a time
InstanceNorm, RMSNorm
opacus.layers.DPGRU, DPLSTM   a gradient a row; their linear layers are called once a step of the sequence
nn.GRU, nn.LSTM, nn.PReLU,    no rule; `PrivateDescent` refuses them
nn.MultiheadAttention
============================  =========================================================================================

Importing this module registers the rules with Opacus, for the whole process.
"""

from __future__ import annotations

import torch
from opacus.grad_sample import GradSampleHooksFastGradientClipping
from opacus.grad_sample.utils import register_grad_sampler, register_norm_sampler
from opacus.layers.dp_rnn import DPRNNBase
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.errors import PrivacyError, UnsupportedError

__all__ = ["refuse_layers", "repeats"]


def repeats(places: Tensor) -> Tensor:
    """Return which pairs of places of a row are the same; bool, (B, D) -> (B, D, D)."""
    return places[:, :, None] == places[:, None, :]


def _linear_norms(layer: nn.Linear, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    """Return |a gᵀ| = |a| |g| a row, or the norm of their sum over what lies between the first and last dimension."""
    inputs = activations[0].to(backprops.dtype)
    norms: dict[Tensor, Tensor] = {}
    if backprops.ndim == 2:
        outer = backprops.square().sum(dim=1)
        if layer.weight.requires_grad:
            norms[layer.weight] = (inputs.square().sum(dim=1) * outer).sqrt()
        if layer.bias is not None and layer.bias.requires_grad:
            norms[layer.bias] = outer.sqrt()
        return norms
    inputs, backprops = inputs.flatten(1, -2), backprops.flatten(1, -2)  # (B, T, I), (B, T, O)
    if layer.weight.requires_grad:
        norms[layer.weight] = _norm_of_sum(inputs, backprops)
    if layer.bias is not None and layer.bias.requires_grad:
        norms[layer.bias] = backprops.sum(dim=1).norm(dim=1)
    return norms


def _norm_of_sum(inputs: Tensor, backprops: Tensor) -> Tensor:
    """Return |Σ_t a_t g_tᵀ| for every row, by the cheaper of two ways; (B, T, I), (B, T, O) -> (B,)."""
    if inputs.shape[1] ** 2 >= inputs.shape[2] * backprops.shape[2]:
        norm: Tensor = torch.linalg.vector_norm(torch.bmm(inputs.transpose(1, 2), backprops), dim=(1, 2))
        return norm
    # Σ_st (a_s·a_t)(g_s·g_t) cancels where steps oppose each other: single precision could see a long gradient as short
    dtype, inputs, backprops = inputs.dtype, inputs.double(), backprops.double()
    products = torch.bmm(inputs, inputs.transpose(1, 2)) * torch.bmm(backprops, backprops.transpose(1, 2))  # (B, T, T)
    squares: Tensor = products.sum(dim=(1, 2))
    return squares.clamp(min=0).sqrt().to(dtype)


def _layer_norm_norms(layer: nn.LayerNorm, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    gradients = _layer_norm_gradients(layer, activations, backprops)
    return {parameter: gradient.flatten(1).norm(dim=1) for parameter, gradient in gradients.items()}


def _layer_norm_gradients(layer: nn.LayerNorm, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    between = tuple(range(1, backprops.ndim - len(layer.normalized_shape)))
    gradients: dict[Tensor, Tensor] = {}
    if layer.weight.requires_grad:
        each = F.layer_norm(activations[0], layer.normalized_shape, eps=layer.eps) * backprops
        gradients[layer.weight] = each.sum(dim=between) if between else each
    if layer.bias is not None and layer.bias.requires_grad:
        gradients[layer.bias] = backprops.sum(dim=between) if between else backprops
    return gradients


def _bags(layer: nn.EmbeddingBag, activations: list[Tensor]) -> Tensor:
    """Return the places of each row's bag, shape (B, D)."""
    places = activations[0]
    if len(activations) > 1 or places.ndim != 2 or layer.mode != "sum" or layer.padding_idx is not None:
        raise UnsupportedError(
            "per-row gradients of nn.EmbeddingBag are known for sums of bags of equal length",
            remedy='use mode="sum" without padding, and give it indices alone, shape (rows, places)',
        )
    return places


def _bag_norms(layer: nn.EmbeddingBag, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    """A table's row that a bag holds r times gets r g: |g|² Σ r², and Σ r² counts the pairs that are the same."""
    pairs = repeats(_bags(layer, activations)).sum(dim=(1, 2))
    return {layer.weight: backprops.norm(dim=1) * pairs.to(backprops.dtype).sqrt()}


def _bag_gradients(layer: nn.EmbeddingBag, activations: list[Tensor], backprops: Tensor) -> dict[Tensor, Tensor]:
    places = _bags(layer, activations)[:, :, None].expand(-1, -1, layer.embedding_dim)
    gradients = backprops.new_zeros(len(backprops), *layer.weight.shape)
    return {layer.weight: gradients.scatter_add_(1, places, backprops[:, None, :].expand_as(places))}


register_norm_sampler(nn.Linear)(_linear_norms)
register_norm_sampler(nn.LayerNorm)(_layer_norm_norms)
register_grad_sampler(nn.LayerNorm)(_layer_norm_gradients)
register_norm_sampler(nn.EmbeddingBag)(_bag_norms)
register_grad_sampler(nn.EmbeddingBag)(_bag_gradients)


# -- layers that cannot be private -------------------------------------------------------------------------------------


def refuse_layers(module: nn.Module) -> None:
    """Raise if a layer of the module mixes rows, or holds parameters for which there is no rule.

    Raises
    ------
    PrivacyError
        It names the first such layer.
    """
    for name, layer in module.named_modules():
        problem, remedy = _problem(layer)
        if problem:
            raise PrivacyError(f"the layer {name or '(root)'!r}, {type(layer).__name__}, {problem}", remedy=remedy)


def _problem(layer: nn.Module) -> tuple[str, str]:
    """Return what is wrong with a layer itself and the remedy; empty if nothing is."""
    learned = any(parameter.requires_grad for parameter in layer.parameters(recurse=False))
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return "mixes the rows of a batch", "use nn.LayerNorm"
    if getattr(layer, "track_running_stats", False):
        return "keeps running statistics of the data", "set track_running_stats=False"
    if isinstance(layer, nn.Embedding | nn.EmbeddingBag):
        if layer.scale_grad_by_freq:
            return "mixes the rows of a batch", "set scale_grad_by_freq=False"
        if layer.max_norm is not None:
            return "changes its weights by what rows hold", "leave out max_norm"
    if learned and any(True for _ in layer.buffers(recurse=False)):
        return "has learned parameters beside a buffer, which may hold the data", "use a layer without buffers"
    if isinstance(layer, DPRNNBase):
        return "", ""  # what it holds are its cells' parameters by other names
    if learned and type(layer) not in GradSampleHooksFastGradientClipping.GRAD_SAMPLERS:
        return (
            "holds parameters of its own, and there is no rule for single rows' gradients of them",
            "build it of nn.Linear, nn.Embedding, nn.LayerNorm, StackedLinear, StackedVectors or opacus.layers.DPGRU",
        )
    return "", ""
