"""The recurrent variational autoencoder of sequences.

An encoder reads a whole sequence in both directions and gives a distribution of its latent vector. A decoder reads the
static columns, the latent vector and, step after step, what went before, and gives the probabilities of the next step,
digit by digit (variational recurrent autoencoders: Fabius & van Amersfoort 2014, arXiv:1412.6581; with likelihoods of
discrete outputs: Bowman et al. 2016, arXiv:1511.06349).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthx.models.layout import Heads
from synthx.models.networks import value_places
from synthx.models.sequences.dates import Landing
from synthx.models.sequences.features import RECALLED
from synthx.models.sequences.steps import StepNetwork

__all__ = ["Decoder", "Encoder", "RecurrentNetwork"]


class Encoder(nn.Module):
    """The distribution of the latent vector of sequences.

    **Shape**: inputs (B, T, n), which of them are steps (B, T), condition (B, m) -> mean and log variance (B, latent).
    """

    def __init__(self, inputs: int, condition: int, *, latent: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, hidden)
        self.forwards = nn.GRU(hidden, hidden, batch_first=True)
        self.backwards = nn.GRU(hidden, hidden, batch_first=True)
        self.leave = nn.Linear(6 * hidden + condition, hidden)
        self.out = nn.Linear(hidden, 2 * latent)
        nn.init.normal_(self.out.weight, std=0.01)

    def forward(self, inputs: Tensor, steps: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.enter(inputs)) * steps.unsqueeze(2)
        lengths = steps.sum(dim=1)
        there = self.forwards(hidden)[0]
        place = torch.arange(steps.shape[1], device=steps.device)
        turned = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)  # steps last to first
        index = turned.unsqueeze(2).expand_as(hidden)
        back = self.backwards(hidden.gather(1, index))[0]
        both = torch.cat([there, back], dim=2)
        last = both.gather(1, (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, both.shape[2])).squeeze(1)
        mean = (both * steps.unsqueeze(2)).sum(dim=1) / lengths.clamp(min=1).unsqueeze(1)
        most = both.masked_fill(~steps.unsqueeze(2), -1.0).amax(dim=1)
        out = self.out(F.relu(self.leave(torch.cat([last, mean, most, condition], dim=1))))
        center, log_variance = out.chunk(2, dim=1)
        return center, log_variance.clamp(-8, 4)


class Decoder(nn.Module):
    """The recurrent part of the probabilities of steps.

    **Shape**: inputs (B, T, n), condition (B, m), state (1, B, hidden) or None -> hidden (B, T, hidden), state.
    """

    def __init__(self, inputs: int, condition: int, *, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, hidden)
        self.steer = nn.Linear(condition, hidden)
        self.start = nn.Linear(condition, hidden)
        self.recurrence = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, inputs: Tensor, condition: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        if state is None:
            state = torch.tanh(self.start(condition)).unsqueeze(0)
        entered = F.relu(self.enter(inputs) + self.steer(condition).unsqueeze(1))
        out: tuple[Tensor, Tensor] = self.recurrence(entered, state)
        return out


class RecurrentNetwork(nn.Module):
    """All learned parts but the prior.

    Parameters
    ----------
    static_sizes : tuple of int
        The number of values of each digit of the static columns.
    sizes : tuple of int
        The number of values of each digit of a step.
    features, timely : int
        Numbers that describe a step before it is drawn, and its time.
    timed : int
        How many digits tell the time.
    told : int
        How many digits tell the time and the kind of a step; 0 if kinds are not told apart.
    latent, hidden, width, units : int
        Of the latent vector, the recurrences, the vector of a value, and hidden units of each digit.
    sorts : sequence of (int, int) or None
        The first level and the first distance among the values of each digit; see `StepNetwork`.
    landing : Landing, optional
        Where the values of the first digit lead to; see `StepNetwork`.
    """

    def __init__(
        self,
        static_sizes: Sequence[int],
        sizes: Sequence[int],
        *,
        features: int,
        timely: int,
        timed: int,
        latent: int,
        hidden: int,
        width: int,
        units: int,
        told: int = 0,
        sorts: Sequence[tuple[int, int] | None] = (),
        landing: Landing | None = None,
    ) -> None:
        super().__init__()
        self.static_heads = Heads(static_sizes)
        self.static = nn.EmbeddingBag(self.static_heads.total + len(static_sizes), units, mode="sum")
        nn.init.normal_(self.static.weight, std=0.3)
        self.latent = latent
        condition = units + latent
        vectors = len(sizes) * width
        self.encoder = Encoder(vectors + features + timely, units, latent=latent, hidden=hidden // 2)
        self.decoder = Decoder(vectors + features, condition, hidden=hidden)
        self.gather = nn.Linear(hidden + features + condition, hidden)
        self.steps = StepNetwork(
            tuple(sizes),
            width=width,
            hidden=units,
            context=2 * hidden,
            timely=timely,
            timed=timed,
            recalled=vectors + RECALLED if told else 0,
            told=told,
            sorts=sorts,
            landing=landing,
        )
        self.summary = nn.Linear(condition, self.steps.heads.total)

    def start_at(self, log_marginals: Tensor) -> None:
        """Let every digit start at its frequencies; see `StepNetwork.start_at`."""
        self.steps.start_at(log_marginals)
        with torch.no_grad():
            self.summary.weight.mul_(0.1)
            self.summary.bias.copy_(self.steps.bias)

    def summary_likelihood(self, condition: Tensor, digits: Tensor, real: Tensor) -> Tensor:
        """Return how likely the digits of sequences are, were they drawn from the condition alone, in nats; a scalar.

        Parameters
        ----------
        condition : Tensor, shape (B, condition)
        digits : int64 Tensor, shape (B, T, digits)
        real : bool Tensor, shape (B, T)
            Which of them are steps.
        """
        heads = self.steps.heads
        logarithms = [block.log_softmax(dim=2).flatten(1) for block in heads.split(self.summary(condition))]
        places = (digits + self.steps.places).flatten(1)
        weights = real.unsqueeze(2).expand_as(digits).flatten(1).to(condition.dtype)
        counts = torch.zeros(len(digits), heads.total, device=digits.device).scatter_add_(1, places, weights)
        return (counts * torch.cat(logarithms, dim=1)).sum()

    def context(self, hidden: Tensor, features: Tensor, condition: Tensor) -> Tensor:
        """Join what is known before steps: the recurrence's state, features, condition; (steps, ...) -> (steps, n)."""
        joined: Tensor = F.relu(self.gather(torch.cat([hidden, features, condition], dim=1)))
        return torch.cat([hidden, joined], dim=1)

    def condition(self, digits: Tensor) -> Tensor:
        """Embed the static columns of sequences, (B, static digits) -> (B, units)."""
        if digits.shape[1] == 0:
            return self.static.weight.new_zeros(len(digits), self.static.embedding_dim)
        seen: Tensor = self.static(value_places(self.static_heads, digits, torch.ones_like(digits, dtype=torch.bool)))
        return seen
