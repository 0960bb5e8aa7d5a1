"""Which values of each digit may be drawn, and with what weight, under conditions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from synthx.condition import Window
from synthx.models.layout import Digits, Heads
from synthx.models.networks import NEVER

__all__ = ["Allowed"]


class Allowed:
    """Weights of the values of every digit.

    Parameters
    ----------
    digits : Digits
        How codes are written as digits.
    drawn : bool array, shape (sum of column sizes,)
        Codes that may be drawn when nothing is asked of their column.
    windows : mapping of int to Window
        What is asked, by column.
    device : torch.device
    """

    def __init__(self, digits: Digits, drawn: np.ndarray, windows: Mapping[int, Window], device: torch.device) -> None:
        self.digits = digits
        self.weights: list[Tensor | None] = []
        ends = np.cumsum(digits.column_sizes)
        for column, (size, end) in enumerate(zip(digits.column_sizes, ends, strict=True)):
            window = windows.get(column)
            weights = (drawn[end - size : end] if window is None else window.weights).astype(np.float32)
            base = digits.base(column)
            if base > 1:
                weights = np.pad(weights, (0, -size % base)).reshape(-1, base)
            free = base == 1 and bool((weights == 1).all())
            self.weights.append(None if free else torch.as_tensor(weights, device=device))

    def rule_out(self, digit: int, logits: Tensor, first: Tensor | None) -> Tensor:
        """Return the logits of a digit, shape (rows, values), weighted by what is allowed.

        Parameters
        ----------
        digit : int
        logits : Tensor, shape (rows, values)
        first : Tensor, shape (rows,), optional
            For the second digit of a column: the values of its first.
        """
        weights = self.weights[self.digits.column[digit]]
        if weights is None:
            return logits
        if weights.ndim == 2:
            weights = weights.amax(dim=1) if first is None else weights[first]
        return logits + weights.log().clamp(min=NEVER)

    def rule_out_heads(self, heads: Heads, logits: Tensor, values: Tensor) -> Tensor:
        """Return the logits of several digits, shape (rows, heads.total), weighted by what is allowed.

        Parameters
        ----------
        heads : Heads
            Of the digits.
        logits : Tensor, shape (rows, heads.total)
        values : Tensor, shape (rows, all digits)
            Where a second digit is among them, its first is known from here.
        """
        owners = heads.digits.tolist()
        if all(self.weights[self.digits.column[digit]] is None for digit in owners):
            return logits
        parts = []
        for digit, part in zip(owners, logits.split(heads.widths, dim=1), strict=True):
            size = self.digits.sizes[digit]
            first = values[:, digit - 1] if digit in self.digits.second else None
            parts += [self.rule_out(digit, part[:, :size], first), part[:, size:]]
        return torch.cat(parts, dim=1)
