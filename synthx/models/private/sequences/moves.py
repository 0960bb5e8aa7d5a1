"""How numbers move from one observation to the next, given where they are: a few noisy sums a number.

A move depends on where the number is, and on how far it has come from its own mean so far: so it returns to what is
usual for the entity, and not to what is usual for all. Level, distance and move are joined by a Gaussian copula, whose
correlations follow from sums of products of ranks; how large moves are, and how often there is none, is told by their
noisy histogram. Tables would need hundreds of counts for what three correlations tell.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthx.codec.numeric import NumericCodec

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["MOVES", "Move", "Ranks", "Seen", "measure_moves", "plan_of_moves"]

MOVES = "moves of numbers"
PRODUCTS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Of level, distance from the mean so far, and move, in this order."""
MOST = math.sqrt(10.0)
"""What an entity adds to the sums of a number has at most this L2 norm: its products 3, the size of its moves 1."""
LARGE, LARGEST = 0.9, 3.0
"""The size of a move counts in parts of the largest that is looked at: so many times as large as this share is."""
FINEST = 2.0**-20
MIDDLES = (np.arange(1_000) + 0.5) / 1_000
MOST_SCALED = 2.0
"""Moves are made so many times larger or smaller at most, to be as large as the noisy sum of sizes says."""
FARTHEST = 0.995
MOST_TOLD = 0.98
"""Of the variance of moves, what level and distance tell at most."""
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

    @functools.cached_property
    def largest(self) -> float:
        """The largest size that is looked at, of moves that this is the distribution of."""
        size = float(np.quantile(np.abs(self.value(MIDDLES)), LARGE))
        step = self.codec.grid.step or 1e-9
        return LARGEST * max(size, step)

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
    """The moves of one number.

    Parameters
    ----------
    level, move : Ranks
        Of the number, and of its moves.
    slopes : (float, float)
        Of a move's normal score on those of level and distance.
    rest : float
        The standard deviation of what these leave open.
    scale : float
        What moves are multiplied with: noise in a histogram hides its tails.
    """

    level: Ranks
    move: Ranks
    slopes: tuple[float, float]
    rest: float
    scale: float

    def draw(self, values: Floats, means: Floats, rng: np.random.Generator) -> Floats:
        """Return how far numbers move next, from where they are and their means so far."""
        from scipy.special import ndtr

        level, distance = _score(self.level.rank(values)), _score(self.move.rank(values - means))
        told = self.slopes[0] * level + self.slopes[1] * distance
        return self.scale * self.move.value(ndtr(told + self.rest * rng.standard_normal(len(values))))


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

    def sums(self, level: Ranks, move: Ranks) -> Floats:
        """Return sums over entities of means over their pairs: of products of ranks, -1 to 1, and of sizes; (7,)."""
        ranks = [level.rank(self.values), move.rank(self.values - self.means), move.rank(self.then - self.values)]
        scores = [2 * rank - 1 for rank in ranks]
        many = np.maximum(np.bincount(self.owner, minlength=self.entities), 1)
        weights = 1.0 / many[self.owner]
        products = [float((scores[one] * scores[other] * weights).sum()) for one, other in PRODUCTS]
        sizes = np.minimum(np.abs(self.then - self.values) / move.largest, 1.0)
        return np.array([*products, float((sizes * weights).sum())])


def plan_of_moves(rho: float) -> dict[str, Any]:
    """Return the phase that sums products of ranks."""
    from synthx_privacy.events import gaussian

    return {MOVES: gaussian(1 / math.sqrt(2 * rho))}


def measure_moves(account: Account, seen: Sequence[Seen], ranks: Sequence[tuple[Ranks, Ranks]]) -> tuple[Move, ...]:
    """Buy the correlations of moves, all in one query.

    The products of an entity are means over its pairs of ``(x, x), (y, y), ... (y, z)`` with x, y and z from -1 to 1:
    as a vector no longer than ``x^2 + y^2 + z^2``, so an entity changes those of one number by at most 3, and the sum
    of sizes by at most 1.

    Parameters
    ----------
    account : Account
    seen : sequence of Seen
        Of each number.
    ranks : sequence of (Ranks, Ranks)
        Of each number's levels and moves.
    """
    from synthx_privacy.mechanisms import noisy_values

    if not seen:
        return ()
    query = np.concatenate([each.sums(*rank) for each, rank in zip(seen, ranks, strict=True)])
    noisy = noisy_values(account, MOVES, query, sensitivity=MOST * math.sqrt(len(seen)), grid=FINEST)
    sigma = account.deviation(MOVES, MOST * math.sqrt(len(seen)))
    parts = noisy.reshape(len(seen), len(PRODUCTS) + 1)
    return tuple(_estimate(*rank, part, sigma) for rank, part in zip(ranks, parts, strict=True))


def _estimate(level: Ranks, move: Ranks, sums: Floats, sigma: float) -> Move:
    """Return the move that noisy sums of products tell, shrunk as far as noise alone may explain it."""
    matrix = np.zeros((3, 3))
    for (one, other), value in zip(PRODUCTS, sums, strict=False):
        matrix[one, other] = matrix[other, one] = value
    spread = np.sqrt(np.maximum(np.diag(matrix), 2 * sigma))
    noise = sigma / np.outer(spread, spread)
    correlation = np.clip(matrix / np.outer(spread, spread), -0.98, 0.98)
    correlation = correlation * np.maximum(0.0, 1 - noise**2 / np.maximum(correlation**2, 1e-12))
    correlation = 2 * np.sin(np.pi / 6 * correlation)  # of normal scores, from that of ranks (Pearson 1907)
    inner = np.array([[1.0, correlation[0, 1]], [correlation[0, 1], 1.0]])
    slopes = np.linalg.solve(inner + noise[0, 1] ** 2 * np.eye(2), correlation[:2, 2])
    told = float(slopes @ inner @ slopes)
    slopes = slopes * math.sqrt(min(1.0, MOST_TOLD / max(told, 1e-12)))
    rest = math.sqrt(max(0.0, 1 - min(told, MOST_TOLD)))
    return Move(level, move, (float(slopes[0]), float(slopes[1])), rest, _scale(move, sums, sigma))


def _scale(move: Ranks, sums: Floats, sigma: float) -> float:
    """Return by how much the moves of a histogram have to be stretched to be as large as the noisy sum says.

    How many entities count is told by the sum of squared ranks, whose mean follows from the histogram.
    """
    expected = np.abs(move.value(MIDDLES)) / move.largest
    spread = float(np.square(2 * move.rank(move.value(MIDDLES)) - 1).mean())
    entities = sums[2] / max(spread, 0.1)
    if entities < 4 * sigma or sums[-1] < 2 * sigma:
        return 1.0
    usual = float(np.minimum(expected, 1.0).mean())
    return float(np.clip(sums[-1] / entities / max(usual, 1e-9), 1 / MOST_SCALED, MOST_SCALED))
