"""How numbers go from one observation to the next: a few noisy sums a number.

A number is told by its rank, made normal: it keeps its distribution then, whatever happens in between (a Gaussian
copula). The next one follows from where the number is and from its own mean so far, so that it returns to what is usual
for the entity and not to what is usual for all; or it is the same again, as often as is counted. Tables would need
hundreds of counts for what three correlations tell.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthx.codec.numeric import NumericCodec

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["MOVES", "Move", "Ranks", "Seen", "measure_moves", "plan_of_moves"]

MOVES = "numbers from one observation to the next"
PRODUCTS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Of a number, its mean so far, and the next one, in this order."""
MOST = 3.0
"""The sums of an entity, means over its pairs of observations, have at most this L2 norm: see `measure_moves`."""
FINEST = 2.0**-20
FARTHEST = 0.998
MOST_TOLD = 0.98
"""Of the variance of what comes next, what was before tells at most."""
MIDDLES = (np.arange(1_000) + 0.5) / 1_000
MOST_REPEATED = 0.99
USUAL = np.array([[1.0, 0.9, 0.7], [0.9, 1.0, 0.65], [0.7, 0.65, 1.0]])
USUAL_SPREAD = 0.25
"""Correlations of what varies slowly, such as vital signs and balances, and how much they differ among numbers."""
SLOW = 0.97
"""What hardly ever changes, such as weights, changes by little."""
PENALTY = 2.0
"""Of slopes, in units of the noise of correlations."""
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Ranks:
    """The distribution of a number, by noisy counts.

    Parameters
    ----------
    codec : NumericCodec
    shares : float array, shape (codes,)
        Of each code but missing, which has none.
    below : float array, shape (codes,)
        The share of what is smaller than a code.
    """

    codec: NumericCodec
    shares: Floats
    below: Floats

    @classmethod
    def of(cls, codec: NumericCodec, counts: Floats) -> Ranks:
        """Return the distribution that counts of codes tell."""
        shares = np.maximum(counts, 0.0)
        shares[: codec.first_spike] = 0.0
        shares[codec.first_spike :] += 1e-9
        shares = shares / shares.sum()
        order = np.argsort(codec.centres[codec.first_spike :], kind="stable") + codec.first_spike
        below = np.zeros(codec.size)
        below[order] = np.cumsum(shares[order]) - shares[order]
        return cls(codec, shares, below)

    def rank(self, values: Floats) -> Floats:
        """Return the share of what is smaller, from 0 to 1; a value that piles up is in the middle of its pile."""
        codes, offsets = self.codec.encode(values)
        ranks: Floats = np.clip(self.below[codes] + offsets * self.shares[codes], 0.0, 1.0)
        return ranks

    def value(self, ranks: Floats) -> Floats:
        """Return the numbers of some ranks."""
        known = np.arange(self.codec.first_spike, self.codec.size)
        order = known[np.argsort(self.below[known], kind="stable")]
        place = np.clip(np.searchsorted(self.below[order], ranks, side="right") - 1, 0, len(order) - 1)
        codes = order[place]
        offsets = np.clip((ranks - self.below[codes]) / np.maximum(self.shares[codes], 1e-12), 0.0, 1 - 1e-9)
        return self.codec.decode(codes, offsets)


@dataclasses.dataclass(frozen=True)
class Move:
    """How one number goes on.

    Parameters
    ----------
    ranks : Ranks
        Its distribution.
    slopes : (float, float)
        Of the next one's normal score on those of the number and of its mean so far.
    rest : float
        The standard deviation of what these leave open.
    repeated : float
        The chance that it is the same again for no other reason.
    """

    ranks: Ranks
    slopes: tuple[float, float]
    rest: float
    repeated: float

    def draw(self, values: Floats, means: Floats, rng: np.random.Generator) -> Floats:
        """Return what numbers are next, from what they are and their means so far."""
        from scipy.special import ndtr

        told = self.slopes[0] * _score(self.ranks.rank(values)) + self.slopes[1] * _score(self.ranks.rank(means))
        # Most steps are small and a few are large: so is a Laplace distribution, here of variance one.
        noise = rng.laplace(scale=math.sqrt(0.5), size=len(values))
        drawn = self.ranks.value(ndtr(told + self.rest * noise))
        return np.where(rng.random(len(values)) < self.repeated, values, drawn)


def _score(ranks: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(ranks, 1 - FARTHEST, FARTHEST)))


@dataclasses.dataclass(frozen=True)
class Seen:
    """All pairs of successive observations of one number: private.

    Parameters
    ----------
    values, means, then : float arrays, shape (pairs,)
        What was observed, the mean of all up to it, what was observed next.
    owner : int array, shape (pairs,)
        The entity.
    entities : int
    """

    values: Floats
    means: Floats
    then: Floats
    owner: NDArray[np.int64]
    entities: int

    def sums(self, ranks: Ranks) -> Floats:
        """Return sums over entities of means over their pairs; shape (7,).

        Of pairs that differ, the products of ranks, from -1 to 1; of those that do not, how many they are.
        """
        scores = [2 * ranks.rank(each) - 1 for each in (self.values, self.means, self.then)]
        weights = 1.0 / np.maximum(np.bincount(self.owner, minlength=self.entities), 1)[self.owner]
        same = self.values == self.then
        moved = np.where(same, 0.0, weights)
        products = [float((scores[one] * scores[other] * moved).sum()) for one, other in PRODUCTS]
        return np.array([*products, float(weights[same].sum())])


def plan_of_moves(rho: float) -> dict[str, Any]:
    """Return the phase that sums products of ranks."""
    from synthx_privacy.events import gaussian

    return {MOVES: gaussian(1 / math.sqrt(2 * rho))}


def measure_moves(account: Account, seen: Sequence[Seen], ranks: Sequence[Ranks]) -> tuple[Move, ...]:
    """Buy how numbers go on, all in one query.

    The sums of an entity are means over its pairs. A pair that differs adds ``(x x, y y, z z, x y, x z, y z, 0)`` with
    x, y and z from -1 to 1, as a vector no longer than ``x^2 + y^2 + z^2 <= 3``; another adds a vector of length 1. So
    an entity changes the sums of each number by at most 3.

    Parameters
    ----------
    account : Account
    seen : sequence of Seen
        Of each number.
    ranks : sequence of Ranks
        Of each number.
    """
    from synthx_privacy.mechanisms import noisy_values

    if not seen:
        return ()
    query = np.concatenate([each.sums(rank) for each, rank in zip(seen, ranks, strict=True)])
    noisy = noisy_values(account, MOVES, query, sensitivity=MOST * math.sqrt(len(seen)), grid=FINEST)
    sigma = account.deviation(MOVES, MOST * math.sqrt(len(seen)))
    parts = noisy.reshape(len(seen), len(PRODUCTS) + 1)
    return tuple(_estimate(rank, part, sigma) for rank, part in zip(ranks, parts, strict=True))


def _estimate(ranks: Ranks, sums: Floats, sigma: float) -> Move:
    """Return what noisy sums tell, and where they are mostly noise, what is usual."""
    matrix = np.zeros((3, 3))
    for (one, other), value in zip(PRODUCTS, sums, strict=False):
        matrix[one, other] = matrix[other, one] = value
    spread = np.sqrt(np.maximum(np.diag(matrix), 2 * sigma))
    noise = sigma / np.outer(spread, spread)
    seen = np.clip(matrix / np.outer(spread, spread), -FARTHEST, FARTHEST)
    usual = USUAL + (SLOW - USUAL) * _share_repeated(ranks, sums) ** 4
    correlation = (seen / noise**2 + usual / USUAL_SPREAD**2) / (1 / noise**2 + 1 / USUAL_SPREAD**2)
    correlation = 2 * np.sin(np.pi / 6 * correlation)  # of normal scores, from that of ranks (Pearson 1907)
    inner = np.array([[1.0, correlation[0, 1]], [correlation[0, 1], 1.0]])
    # A number and its mean so far tell nearly the same: without a penalty, noise would be told from the difference.
    slopes = np.linalg.solve(inner + PENALTY * noise[0, 1] * np.eye(2), correlation[:2, 2])
    told = float(slopes @ inner @ slopes)
    slopes = slopes * math.sqrt(min(1.0, MOST_TOLD / max(told, 1e-12)))
    rest = math.sqrt(max(0.0, 1 - min(told, MOST_TOLD)))
    move = Move(ranks, (float(slopes[0]), float(slopes[1])), rest, 0.0)
    return dataclasses.replace(move, repeated=_repeated(move, sums, sigma))


def _share_repeated(ranks: Ranks, sums: Floats) -> float:
    """Return how many of the pairs are of the same number twice."""
    usual = float(np.square(2 * ranks.rank(ranks.value(MIDDLES)) - 1).mean())
    moved, same = max(sums[2], 0.0) / max(usual, 0.05), max(sums[-1], 0.0)  # entities, as far as their pairs differ
    return float(same / max(moved + same, 1e-9))


def _repeated(move: Move, sums: Floats, sigma: float) -> float:
    """Return how often a number is the same again, beyond what is so by chance where few values are many."""
    if max(sums[2], 0.0) + max(sums[-1], 0.0) < 2 * sigma:
        return 0.0
    values = move.ranks.value(MIDDLES)
    chance = float((move.draw(values, values, np.random.default_rng(0)) == values).mean())
    share = _share_repeated(move.ranks, sums)
    return float(np.clip((share - chance) / max(1 - chance, 0.01), 0.0, MOST_REPEATED))
