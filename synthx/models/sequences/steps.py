"""One step of a sequence, digit by digit, given what went before.

Each digit has a few hidden units of its own. They see the context of the step and, through one masked multiplication,
the vectors of the digits that come before it in the step (a masked autoencoder for distribution estimation; Germain et
al. 2015, arXiv:1502.03509), so that all digits of all steps are learned from at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.layout import Heads
from synthx.models.networks import NEVER, ordered_values, waves
from synthx.models.sequences.dates import DateScores, Landing
from synthx.models.softmax import log_likelihood

__all__ = ["StepNetwork"]


class StepNetwork(nn.Module):
    """Log-probabilities of the digits of a step, each given the context and the digits before it.

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit, in the order in which they are drawn.
    width : int
        Of the vector of a value.
    hidden : int
        Hidden units of each digit, in each of two layers.
    context : int
        Numbers that describe what went before the step.
    timely : int
        Numbers that describe the time of the step itself; seen by the digits from `timed` on.
    timed : int
        How many digits tell the time; they come first.
    recalled : int
        Numbers that describe the last step of the same kind; seen by the digits from `told` on.
    told : int
        How many digits tell the time and the kind of a step; they come first.
    sorts : sequence of (int, int) or None, optional
        For each digit the first level and the first distance among its values, where it has both.
    landing : Landing, optional
        Where the values of the first digit lead to, where it is a date.
    """

    before: Tensor
    places: Tensor
    shift: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        *,
        width: int,
        hidden: int,
        context: int,
        timely: int = 0,
        timed: int = 0,
        recalled: int = 0,
        told: int = 0,
        sorts: Sequence[tuple[int, int] | None] = (),
        landing: Landing | None = None,
    ) -> None:
        super().__init__()
        self.heads = Heads(sizes)
        self.width, self.hidden, self.timed, self.told = width, hidden, timed, told
        count = len(sizes)
        self.sizes = sizes
        self.starts: list[int] = [0] * count
        for digit, start in zip(self.heads.digits.tolist(), self.heads.starts.tolist(), strict=True):
            self.starts[digit] = start
        self.register_buffer("places", torch.tensor(self.starts), persistent=False)
        self._block = {
            digit: (block, index)
            for digit, (block, index) in zip(
                self.heads.digits.tolist(),
                [(block, index) for block, (heads, _) in enumerate(self.heads.blocks) for index in range(heads)],
                strict=True,
            )
        }
        self.vectors = nn.Parameter(0.3 * torch.randn(self.heads.total, width))
        self.enter = nn.Parameter(torch.randn(count * width, count * hidden) * math.sqrt(2 / (count * width)))
        self.context = nn.Linear(context, count * hidden)
        self.timely = nn.Linear(timely, (count - timed) * hidden, bias=False) if timely and count > timed else None
        self.recall = nn.Linear(recalled, (count - told) * hidden, bias=False) if recalled and count > told else None
        self.dates = None if landing is None else DateScores(landing, context=context)
        self.mix = nn.Parameter(math.sqrt(2 / hidden) * torch.randn(count, hidden, hidden))
        self.mix_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.leave = nn.ParameterList(
            0.3 / math.sqrt(hidden) * torch.randn(heads, hidden, values) for heads, values in self.heads.blocks
        )
        self.bias = nn.Parameter(torch.zeros(self.heads.total))
        self.register_buffer("shift", torch.zeros(self.heads.total))
        earlier = torch.ones(count, count).triu(1)  # digit i is before digit j
        mask = earlier.repeat_interleave(width, 0).repeat_interleave(hidden, 1)
        self.register_buffer("before", mask, persistent=False)
        for block, apart in enumerate(self._sorts_apart(sorts)):
            self.register_buffer(f"apart{block}", apart, persistent=False)

    def smooth(self, ranks: Sequence[np.ndarray | None]) -> None:
        """Let values that are neighbours in an order start alike; see `Completer.smooth`."""
        with torch.no_grad():
            for digit, values, rank in ordered_values(range(len(self.sizes)), ranks):
                rows = self.starts[digit] + values
                self.vectors[rows] = self.vectors[rows].std() * waves(rank, self.width)
                block, index = self._block[digit]
                leave = self.leave[block][index]
                leave[:, values] = leave.std() * waves(rank, len(leave)).T

    def start_at(self, log_marginals: Tensor) -> None:
        """Set the outputs' bias to log marginals, shape (heads.total,); padding is set to `NEVER`."""
        with torch.no_grad():
            self.bias.copy_(torch.where(self.heads.valid, log_marginals, NEVER))

    def embed(self, digits: Tensor) -> Tensor:
        """Return the vectors of the digits of steps, side by side; (steps, digits) -> (steps, digits * width)."""
        return F.embedding(digits + self.places, self.vectors).flatten(1)

    def remember(self, digits: Tensor, known: Tensor, described: Tensor) -> Tensor:
        """Return what digits see of the last step of the same kind.

        Parameters
        ----------
        digits : int64 Tensor, shape (steps, digits)
            Of that step; anything where there is none.
        known : bool Tensor, shape (steps,)
            Whether there is one.
        described : Tensor, shape (steps, n)
            How long ago that was.
        """
        return torch.cat([self.embed(digits) * known.unsqueeze(1), described], dim=1)

    def _sorts_apart(self, sorts: Sequence[tuple[int, int] | None]) -> list[Tensor]:
        """Return what keeps levels and distances apart, as two more rows of each block of `leave`.

        The first is added to the logits where a number is measured from its reference, the second where it is not.
        """
        parts = [torch.zeros(heads, 2, values) for heads, values in self.heads.blocks]
        for digit, sort in enumerate(sorts):
            if sort is not None:
                block, index = self._block[digit]
                level, distance = sort
                parts[block][index, 0, level:distance] = NEVER
                parts[block][index, 1, distance:] = NEVER
        return parts

    # -- learning: all digits at once ---------------------------------------------------------------------------

    def log_likelihood(
        self,
        digits: Tensor,
        vectors: Tensor,
        context: Tensor,
        timely: Tensor | None,
        recalled: Tensor | None,
        measured: Tensor,
        moments: Tensor | None = None,
        dropout: float = 0.0,
    ) -> Tensor:
        """Return the log-probability of each digit of each step, in nats; shape (digits, steps), in the heads' order.

        Parameters
        ----------
        digits : int64 Tensor, shape (steps, digits)
        vectors : Tensor, shape (steps, digits * width)
            What `embed` gives for them.
        context : Tensor, shape (steps, context)
        timely : Tensor, shape (steps, timely), optional
        recalled : Tensor, shape (steps, recalled), optional
        measured : bool Tensor, shape (steps, digits)
            Where a number is a distance from its reference, or missing; elsewhere it is a level, or missing.
        moments : float64 Tensor, shape (steps, 2 + kinds), optional
            See `DateScores`.
        dropout : float
            The share of hidden units that is left out.
        """
        hidden = self.context(context) + vectors @ (self.enter * self.before)
        for seen, inputs in ((self.timely, timely), (self.recall, recalled)):
            if seen is not None:
                hidden = hidden + F.pad(seen(inputs), (hidden.shape[1] - seen.out_features, 0))
        hidden = F.dropout(F.relu(hidden), dropout).unflatten(1, (-1, self.hidden)).transpose(0, 1)  # (D, B, H)
        hidden = F.relu(hidden + torch.baddbmm(self.mix_bias, hidden, self.mix))[self.heads.digits]
        sorts = torch.stack([measured, ~measured], dim=2).transpose(0, 1)[self.heads.digits].to(hidden.dtype)
        apart = [torch.cat([leave, getattr(self, f"apart{block}")], dim=1) for block, leave in enumerate(self.leave)]
        hidden = torch.cat([hidden, sorts], dim=2)
        found = log_likelihood(hidden, apart, self.bias, self.heads, digits)
        if self.dates is None:
            return found
        block, index = self._block[0]
        time = self.heads.digits == 0
        start, size = self.starts[0], self.sizes[0]
        logits = hidden[time][0] @ apart[block][index][:, :size] + self.bias[start : start + size]
        dated = (logits + self.dates(context, moments)).log_softmax(dim=1).gather(1, digits[:, :1])
        return torch.where(time[:, None], dated.T, found)

    # -- drawing: one digit at a time ---------------------------------------------------------------------------

    def begin(self, context: Tensor) -> Tensor:
        """Return what the hidden units of all digits see before any is drawn; (steps, digits * hidden)."""
        started: Tensor = self.context(context)
        return started

    def see_time(self, sums: Tensor, timely: Tensor) -> None:
        """Let the digits that follow the time see it; in place."""
        if self.timely is not None:
            sums[:, self.timed * self.hidden :] += self.timely(timely)

    def see_recalled(self, sums: Tensor, recalled: Tensor) -> None:
        """Let the digits that follow the kind see the last step of that kind; in place."""
        if self.recall is not None:
            sums[:, self.told * self.hidden :] += self.recall(recalled)

    def date_scores(self, context: Tensor, moments: Tensor) -> Tensor | float:
        """Return what is added to the logits of the first digit where it is a date."""
        if self.dates is None:
            return 0.0
        scores: Tensor = self.dates(context, moments)
        return scores

    def logits(self, digit: int, sums: Tensor, later: Tensor | None = None) -> Tensor:
        """Return the logits of a digit's values, shape (steps, values), shifted (`steadying.py`) in `later` steps."""
        hidden = F.relu(sums[:, digit * self.hidden : (digit + 1) * self.hidden])
        hidden = torch.addmm(self.mix_bias[digit], hidden, self.mix[digit]).add_(hidden).relu_()
        block, index = self._block[digit]
        start, size = self.starts[digit], self.sizes[digit]
        logits = torch.addmm(self.bias[start : start + size], hidden, self.leave[block][index][:, :size])
        if later is not None:
            logits.addcmul_(later[:, None].to(logits.dtype), self.shift[start : start + size])
        return logits

    def see(self, sums: Tensor, digit: int, values: Tensor) -> None:
        """Let the later digits see a drawn one, shape (steps,); in place."""
        if digit + 1 < len(self.sizes):
            later = (digit + 1) * self.hidden
            vectors = F.embedding(values + self.starts[digit], self.vectors)
            sums[:, later:].addmm_(vectors, self.enter[digit * self.width : (digit + 1) * self.width, later:])
