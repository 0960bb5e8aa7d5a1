"""The latent space of rows: an encoder into it, and how it is learned together with a decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from synthx.models.descent import Descent
from synthx.models.layout import Heads
from synthx.models.networks import Completer, Residuals
from synthx.models.reconstruction import Reconstruction

__all__ = ["Autoencoder", "Encoder", "Evidence"]

NARROWEST, WIDEST = -6.0, 2.0
"""Bounds of the logarithm of a posterior's standard deviation."""
BLIND = 0.2
"""The share of training rows whose decoder gets no latent vector, so that it learns what visible cells alone tell."""
WARM_UP = 0.2


class Encoder(nn.Module):
    """Where a row may lie in the latent space: a normal distribution with independent dimensions.

    One embedding per value, summed over the row; residual blocks; one linear layer.

    Parameters
    ----------
    sizes : tuple of int
        The number of values of each digit.
    latent : int
        Dimensions of the latent space.
    width : int
        Of the hidden layers.
    blocks : int
        Residual blocks.

    **Shape**: digits (B, D) -> mean (B, latent), log of the standard deviation (B, latent).
    """

    def __init__(self, sizes: tuple[int, ...], *, latent: int, width: int, blocks: int) -> None:
        super().__init__()
        self.heads = Heads(sizes)
        self.embedding = nn.EmbeddingBag(self.heads.total, width, mode="sum")
        self.blocks = Residuals(width, blocks)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 2 * latent)
        nn.init.normal_(self.embedding.weight, std=0.3)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.blocks(self.embedding(digits[:, self.heads.digits] + self.heads.starts))
        mean, log_scale = self.output(self.norm(hidden)).chunk(2, dim=1)
        return mean, (log_scale - 1.0).clamp(NARROWEST, WIDEST)


class Autoencoder(nn.Module):
    """An encoder and a decoder, whose noise vector is the latent vector; all zeros mean that none is given.

    Parameters
    ----------
    encoder : Encoder
    decoder : Completer
    """

    def __init__(self, encoder: Encoder, decoder: Completer) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        nn.init.normal_(decoder.noise.weight, std=0.3)

    def draw(self, digits: Tensor) -> Tensor:
        """Draw a latent vector for each row; (B, D) -> (B, latent)."""
        mean, log_scale = self.encoder(digits)
        drawn: Tensor = mean + log_scale.exp() * torch.randn_like(mean)
        return drawn

    @torch.no_grad()
    def information(self, digits: Tensor) -> Tensor:
        """Return how much each dimension tells about rows, in nats: the mean divergence from a standard normal."""
        return _divergence(*self.encoder(digits)).mean(dim=0)

    @torch.no_grad()
    def tidy(self, digits: Tensor) -> None:
        """Give every dimension a mean square of one over rows, and sort them, the most telling first.

        What is decoded from a row stays the same.
        """
        mean, log_scale = self.encoder(digits)
        scale = (mean.square() + (2 * log_scale).exp()).mean(dim=0).sqrt().clamp(min=1e-6)
        order = _divergence(mean / scale, log_scale - scale.log()).mean(dim=0).argsort(descending=True)
        latent, output = len(scale), self.encoder.output
        output.weight[:latent] /= scale[:, None]
        output.bias[:latent] /= scale
        output.bias[latent:] -= scale.log()
        for part in (slice(0, latent), slice(latent, None)):
            output.weight[part] = output.weight[part][order]
            output.bias[part] = output.bias[part][order]
        noise = self.decoder.noise.weight
        noise.copy_((noise * scale)[:, order])


def _divergence(mean: Tensor, log_scale: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of normal distributions from the standard one, in nats, elementwise."""
    return (mean.square() + (2 * log_scale).exp() - 1) / 2 - log_scale


class Evidence(Reconstruction):
    """The evidence lower bound of rows with random cells hidden (Kingma & Welling 2014, arXiv:1312.6114).

    As in `Reconstruction`, the decoder says what hidden cells are, given visible ones; here it is also given a latent
    vector that the encoder draws for the whole row. What the vector tells costs `beta` a nat
    (beta-VAE; Higgins et al. 2017).
    """

    def __init__(
        self,
        network: Autoencoder,
        rows: Tensor,
        held_out: Tensor,
        plan: Sequence[Sequence[int]],
        *,
        batch_size: int,
        learning_rate: float,
        beta: float,
    ) -> None:
        super().__init__(network.decoder, rows, held_out, plan, batch_size=batch_size, learning_rate=learning_rate)
        self.descent = Descent(network, learning_rate)  # of the encoder too
        self.autoencoder, self.beta, self.warmth = network, beta, 0.0
        self.held_out_noise = torch.randn(len(self.held_out), network.decoder.noise.in_features, device=rows.device)

    def step(self, fraction: float) -> Tensor:
        self.warmth = min(1.0, fraction / WARM_UP)
        return super().step(fraction)

    def loss(self) -> Tensor:
        picked = torch.randint(len(self.rows), (self.batch_size,), device=self.rows.device)
        digits = self.rows[picked]
        noise = torch.randn(len(digits), self.network.noise.in_features, device=digits.device)
        sighted = torch.rand(len(digits), 1, device=digits.device) >= BLIND
        return self._bound(self.autoencoder, digits, *self._masks(len(digits)), noise, sighted, self.beta * self.warmth)

    @torch.no_grad()
    def held_out_loss(self, network: nn.Module) -> float:
        assert isinstance(network, Autoencoder)
        sighted = torch.ones(len(self.held_out), 1, dtype=torch.bool, device=self.held_out.device)
        return float(self._bound(network, self.held_out, *self.held_out_masks, self.held_out_noise, sighted, self.beta))

    @staticmethod
    def _bound(
        network: Autoencoder,
        digits: Tensor,
        visible: Tensor,
        asked: Tensor,
        noise: Tensor,
        sighted: Tensor,
        beta: float,
    ) -> Tensor:
        """Return the bound, negated, in nats a cell."""
        mean, log_scale = network.encoder(digits)
        latent = (mean + log_scale.exp() * noise) * sighted
        decoder = network.decoder
        likelihood = decoder.heads.log_likelihood(decoder.logits(decoder.state(digits, visible, latent)), digits)
        asked = asked[:, decoder.heads.digits]
        hidden = -((likelihood * asked).sum(dim=1) / asked.sum(dim=1).clamp(min=1)).mean()
        return hidden + beta * _divergence(mean, log_scale).sum(dim=1).mean() / digits.shape[1]
