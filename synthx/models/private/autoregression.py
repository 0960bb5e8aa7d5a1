"""The autoregressive network in one fixed order, built of layers whose gradients are known row by row.

It is `Autoregressor` in another form: the same parameters, the same likelihood. What differs is that rows come first in
every tensor, that each parameter belongs to a layer which ghost clipping knows, and that no row shares anything with
the others of its batch, neither an order that is handed out by position nor a mask of hidden units.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.causal import Autoregressor
from synthx_privacy.stacked import StackedLinear, StackedVectors

__all__ = ["Autoregression"]


class Autoregression(nn.Module):
    """The log-likelihood of rows in one order of their digits.

    Parameters
    ----------
    network : Autoregressor
        Its weights are where learning starts; it is not changed.
    positions : Tensor, shape (digits,)
        When each digit comes.

    **Shape**: int64 digits (B, digits) -> negative log-likelihoods (B,), in nats.
    """

    before: Tensor

    def __init__(self, network: Autoregressor, positions: Tensor) -> None:
        super().__init__()
        self.heads = copy.deepcopy(network.heads)
        count, width, hidden = network.enter.shape
        self.vectors = StackedVectors(self.heads.total, width)
        self.enter = StackedLinear(count, width, hidden)
        self.mix = StackedLinear(count, hidden, hidden)
        self.leave = nn.ModuleList(StackedLinear(heads, hidden, values) for heads, values in self.heads.blocks)
        self.register_buffer("before", _before(positions[self.heads.digits.to(positions.device)]), persistent=False)
        self._shape = (tuple(network.size(digit) for digit in range(count)), width, hidden)
        self.to(network.vectors.device)
        with torch.no_grad():
            for ours, theirs in self._pairs(network):
                ours.copy_(theirs)

    def forward(self, digits: Tensor) -> Tensor:
        places = digits[:, self.heads.digits] + self.heads.starts  # (B, D), rising
        hidden = self.enter(self.before @ self.vectors(places))  # (B, D, H)
        hidden = F.relu(hidden + self.mix(F.relu(hidden)))
        counts = [count for count, _ in self.heads.blocks]
        values = digits[:, self.heads.digits].unsqueeze(2).split(counts, dim=1)
        losses = []
        for layer, part, value in zip(self.leave, hidden.split(counts, dim=1), values, strict=True):
            logits = layer(part)  # (B, heads, values)
            losses.append((logits.logsumexp(dim=2) - logits.gather(2, value).squeeze(2)).sum(dim=1))
        return torch.stack(losses).sum(dim=0)  # (B,)

    def plain(self) -> Autoregressor:
        """Return the network in its usual form, with copies of the weights as they are now."""
        sizes, width, hidden = self._shape
        network = Autoregressor(sizes, width=width, hidden=hidden).to(self.vectors.weight.device)
        with torch.no_grad():
            for ours, theirs in self._pairs(network):
                theirs.copy_(ours)
        return network.eval().requires_grad_(False)

    def _pairs(self, network: Autoregressor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every parameter of ours with that of the network in its usual form; of ours a view at most."""
        yield self.vectors.weight, network.vectors
        for layer, weight, bias in (
            (self.enter, network.enter, network.enter_bias),
            (self.mix, network.mix, network.mix_bias),
        ):
            yield layer.weight, weight
            assert layer.bias is not None
            yield layer.bias, bias
        outputs = network.bias.split([count * values for count, values in self.heads.blocks])
        for layer, weight, bias in zip(self.leave, network.leave, outputs, strict=True):
            assert isinstance(layer, StackedLinear) and layer.bias is not None
            yield layer.weight, weight
            yield layer.bias, bias.view_as(layer.bias)


def _before(positions: Tensor) -> Tensor:
    """Return the matrix that sums what comes before each digit, scaled as in `Autoregressor`; (D,) -> (D, D)."""
    before = (positions[None, :] < positions[:, None]).float()
    return before / (before.sum(dim=1, keepdim=True) + 1).sqrt()
