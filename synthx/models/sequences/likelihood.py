"""Learning the network of sequences: the evidence lower bound of each sequence.

A decoder that sees all steps so far can do without a latent vector, and would (posterior collapse). So the latent
vector also has to tell, all by itself, how often a sequence holds each value (a bag-of-words loss; Zhao, Zhao &
Eskenazi 2017, arXiv:1703.10960), and some steps are hidden from the decoder (word dropout; Bowman et al. 2016,
arXiv:1511.06349).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthx.models.descent import Descent
from synthx.models.sequences.batches import CHUNK, Batch, Sequences, batches
from synthx.models.sequences.network import RecurrentNetwork

__all__ = ["SequenceLikelihood", "posterior", "step_likelihood"]

MOST_SEEN = 256
"""Steps of a sequence that the encoder reads; of a longer one, so many evenly spread."""
SHOWN_WHOLE = 0.75
SUMMARY_WEIGHT = 0.1
"""What a nat of the bag-of-words loss counts."""
WARM_UP = 0.2
"""The share of training in which the price of the latent vector rises to its full height."""
HELD_OUT_STEPS = 24_000


def posterior(
    network: RecurrentNetwork,
    sequences: Sequences,
    known: Tensor | None = None,
    *,
    longest: int | None = None,
    shown: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return the mean and the log variance of the latent vectors of sequences; (B, latent) each.

    Parameters
    ----------
    network : RecurrentNetwork
    sequences : Sequences
    known : bool Tensor, shape (steps, digits), optional
        Which digits the encoder may see; all, if None.
    longest : int, optional
        Steps of the longest sequence, where that is known already.
    shown : float
        The share of sequences that the encoder sees whole; of the others it sees a beginning of random length, so that
        it can place a sequence whose end is not known yet.
    """
    longest = int(sequences.lengths.max()) if longest is None else longest
    if longest <= MOST_SEEN:
        rows, real = sequences.rows(0, longest)
    else:
        share = torch.linspace(0, 1, MOST_SEEN, device=sequences.starts.device)
        place = torch.where(
            sequences.lengths[:, None] <= MOST_SEEN,
            torch.arange(MOST_SEEN, device=share.device),
            (share * (sequences.lengths[:, None] - 1)).round().long(),
        )
        real = place < sequences.lengths[:, None]
        rows = torch.where(real, sequences.starts[:, None] + place, sequences.starts[:, None])
    vectors = network.steps.embed(sequences.digits[rows.flatten()].long())
    if known is not None:
        vectors = (vectors.unflatten(1, (known.shape[1], -1)) * known[rows.flatten()].unsqueeze(2)).flatten(1)
    inputs = torch.cat([vectors, sequences.features[rows.flatten()], sequences.timely[rows.flatten()]], dim=1)
    inputs = inputs.unflatten(0, rows.shape)
    if shown < 1:
        share = torch.rand(len(rows), 1, device=rows.device)
        whole = torch.rand(len(rows), 1, device=rows.device) < shown
        place = torch.arange(rows.shape[1], device=rows.device)
        real = real & (whole | (place < 1 + share * real.sum(dim=1, keepdim=True)))
    out: tuple[Tensor, Tensor] = network.encoder(inputs, real, network.condition(sequences.static))
    return out


def step_likelihood(
    network: RecurrentNetwork,
    batch: Batch,
    latent: Tensor,
    state: Tensor | None,
    *,
    dropout: float = 0.0,
    hidden_steps: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return the summed log-probability of a chunk's steps, and the state after it."""
    sequences = batch.sequences
    rows, real = sequences.rows(batch.first, batch.count)
    count = rows.shape[0] * rows.shape[1]
    digits = sequences.digits[rows.flatten()].long()
    vectors = network.steps.embed(digits)
    before = vectors.view(*rows.shape, -1)
    if batch.first:
        last = sequences.digits[(rows[:, :1] - 1).flatten()].long()
        first = network.steps.embed(last).unsqueeze(1)
    else:
        first = torch.zeros_like(before[:, :1])
    before = torch.cat([first, before[:, :-1]], dim=1)
    if hidden_steps:
        before = before * (torch.rand(*rows.shape, 1, device=rows.device) >= hidden_steps)
    features = sequences.features[rows.flatten()]
    condition = torch.cat([network.condition(sequences.static), latent], dim=1)
    inputs = torch.cat([before, features.view(*rows.shape, -1)], dim=2)
    hidden, state = network.decoder(inputs, condition, state)
    hidden = nn.functional.dropout(hidden, dropout)
    spread = condition.unsqueeze(1).expand(-1, rows.shape[1], -1)
    context = network.context(hidden.reshape(count, -1), features, spread.reshape(count, -1))
    timely = sequences.timely[rows.flatten()] if network.steps.timely is not None else None
    recalled = None
    if network.steps.recall is not None:
        last = sequences.recalled[rows.flatten()]
        recalled = network.steps.remember(
            sequences.digits[last.clamp(min=0)].long(), last >= 0, sequences.ages[rows.flatten()]
        )
    moments = sequences.moments[rows.flatten()] if network.steps.dates is not None else None
    measured, weights = sequences.measured[rows.flatten()], real.flatten()
    if not batch.full and rows.device.type == "cpu":  # padding costs time there; elsewhere, to find it would cost more
        kept = weights.nonzero().squeeze(1)
        digits, vectors, context, measured = digits[kept], vectors[kept], context[kept], measured[kept]
        timely, recalled, moments = (None if seen is None else seen[kept] for seen in (timely, recalled, moments))
        weights = weights[kept]
    likelihood = network.steps.log_likelihood(digits, vectors, context, timely, recalled, measured, moments, dropout)
    return (likelihood if batch.full else likelihood * weights).sum(), state


class SequenceLikelihood:
    """Maximises the evidence lower bound of sequences.

    Parameters
    ----------
    network : RecurrentNetwork
    sequences, held_out : Sequences
    steps : int
        About so many steps a batch.
    learning_rate : float
    dropout, hidden_steps : float
        Shares of hidden units that are left out, and of steps that the decoder does not see.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        sequences: Sequences,
        held_out: Sequences,
        *,
        steps: int,
        learning_rate: float,
        dropout: float,
        hidden_steps: float,
        beta: float,
    ) -> None:
        self.network, self.dropout, self.hidden_steps = network, dropout, hidden_steps
        self.batches = batches(sequences, steps)
        self.descent = Descent(network, learning_rate)
        self.state: Tensor | None = None
        self.beta = beta
        self.held_out = held_out
        self.noise = torch.randn(len(held_out), network.latent, device=held_out.starts.device)
        self.steps = steps

    def step(self, fraction: float) -> Tensor:
        """Take one step; return the loss, in nats a step of a sequence."""
        batch = next(self.batches)
        sequences = batch.sequences
        mean, log_variance = posterior(self.network, sequences, longest=batch.longest, shown=SHOWN_WHOLE)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        state = self.state if batch.first else None
        likelihood, state = step_likelihood(
            self.network, batch, latent, state, dropout=self.dropout, hidden_steps=self.hidden_steps
        )
        self.state = state.detach()
        steps = (sequences.lengths - batch.first).clamp(0, batch.count).sum()
        share = (sequences.lengths - batch.first).clamp(0, batch.count) / sequences.lengths
        cost = (_divergence(mean, log_variance).sum(dim=1) * share).sum()
        summary = SUMMARY_WEIGHT * self._summary(batch, latent)
        weight = self.beta * min(1.0, fraction / WARM_UP)
        return self.descent.step((weight * cost - likelihood - summary) / steps, fraction)

    def _summary(self, batch: Batch, latent: Tensor) -> Tensor:
        rows, real = batch.sequences.rows(batch.first, batch.count)
        condition = torch.cat([self.network.condition(batch.sequences.static), latent], dim=1)
        return self.network.summary_likelihood(condition, batch.sequences.digits[rows].long(), real)

    @torch.no_grad()
    def held_out_loss(self, network: nn.Module) -> float:
        """Return the loss on the held-out sequences, with the same noise at every call; nats a step."""
        assert isinstance(network, RecurrentNetwork)
        total, count = 0.0, 0
        lengths = self.held_out.lengths.cpu()
        many = max(1, self.steps // max(1, min(CHUNK, int(lengths.float().median()))))
        for part in torch.arange(len(lengths)).split(many):
            on_device = part.to(self.noise.device)
            sequences = self.held_out.pick(on_device)
            mean, log_variance = posterior(network, sequences)
            latent = mean + (0.5 * log_variance).exp() * self.noise[on_device]
            loss, state = self.beta * _divergence(mean, log_variance).sum(), None
            for batch in Batch.chunks(sequences, lengths[part]):
                likelihood, state = step_likelihood(network, batch, latent, state)
                loss = loss - likelihood
            total, count = total + float(loss), count + int(lengths[part].sum())
            if count > HELD_OUT_STEPS:
                break
        return total / count


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the divergence of the posterior from the standard normal distribution in each dimension, in nats."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
