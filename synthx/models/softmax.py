"""The last layer of networks that give probabilities of digits: a softmax for each, many of like width at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from synthx.models.layout import Heads

__all__ = ["log_likelihood"]


def log_likelihood(
    hidden: Tensor, leave: Sequence[Tensor] | nn.ParameterList, bias: Tensor, heads: Heads, digits: Tensor
) -> Tensor:
    """Return the log-probability of each digit, in nats; shape (digits, rows), in the heads' order.

    Parameters
    ----------
    hidden : Tensor, shape (digits, rows, hidden)
        In the heads' order.
    leave : sequence of Tensors, shape (heads, hidden, values)
        One for each block of heads.
    bias : Tensor, shape (heads.total,)
    heads : Heads
    digits : int64 Tensor, shape (rows, digits)
    """
    counts = [count for count, _ in heads.blocks]
    biases = bias.split([count * width for count, width in heads.blocks])
    values = digits.T[heads.digits].unsqueeze(2).split(counts)
    parts = [
        _LogSoftmax.apply(  # type: ignore[no-untyped-call]
            part, weight, offset.view(len(weight), 1, -1), value
        )
        for part, weight, offset, value in zip(hidden.split(counts), leave, biases, values, strict=True)
    ]
    return torch.cat(parts)


class _LogSoftmax(torch.autograd.Function):
    """A linear layer, a logarithmic softmax and a look-up in one, so that the large tensors are passed over less."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, value: Tensor) -> Tensor:
        """Return log-probabilities; (n, rows, h), (n, h, values), (n, 1, values), (n, rows, 1) -> (n, rows)."""
        logarithms = torch.baddbmm(bias, hidden, weight).log_softmax(dim=2)
        ctx.save_for_backward(hidden, weight, logarithms, value)
        return logarithms.gather(2, value).squeeze(2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Return the gradients of hidden, weight and bias: of a logit, one for the value less its probability."""
        hidden, weight, logarithms, value = ctx.saved_tensors
        gradient = gradients[0].unsqueeze(2)
        logits = logarithms.exp().mul_(-gradient)
        logits.scatter_add_(2, value, gradient)
        return (
            torch.bmm(logits, weight.transpose(1, 2)),
            torch.bmm(hidden.transpose(1, 2), logits),
            logits.sum(dim=1, keepdim=True),
            None,
        )
