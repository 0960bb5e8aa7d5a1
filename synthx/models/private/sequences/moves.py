"""How numbers move from one observation to the next, given where they are: noisy counts, and drawing from them.

A move depends on where the number is (low, middle or high), and on how far it has come from its own mean so far: so it
returns to what is usual for the entity, and not to what is usual for all.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthx.codec.numeric import NumericCodec

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["MOVES", "Move", "measure_moves", "plan_of_moves"]

MOVES = "moves of numbers"
LEVEL_GROUPS, AWAY_GROUPS, MOVE_GROUPS = 3, 6, 16
FEWEST_SIGMAS = 3.0
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Move:
    """The moves of one number.

    Parameters
    ----------
    level, move : NumericCodec
        Of the number, and of its moves.
    level_group, away_group : int arrays, shape (size of the codec,)
        Groups of levels, and of distances from the mean so far (coded as moves).
    chances : float array, shape (level groups * away groups, codes of moves)
        Probabilities of moves.
    """

    level: NumericCodec
    move: NumericCodec
    level_group: NDArray[np.int64]
    away_group: NDArray[np.int64]
    chances: Floats

    def state(self, values: Floats, means: Floats) -> NDArray[np.int64]:
        """Return which row of `chances` counts for numbers and their means so far."""
        return _state(self, values, means)

    def draw(self, values: Floats, means: Floats, rng: np.random.Generator) -> Floats:
        """Return how far numbers move next."""
        cumulative = np.cumsum(self.chances, axis=1)[self.state(values, means)]
        codes = (cumulative < rng.random(len(values))[:, None] * cumulative[:, -1:]).sum(axis=1)
        return self.move.decode(codes, rng.random(len(values)))


@dataclasses.dataclass(frozen=True)
class Groups:
    """How the codes of one number and of its moves are grouped, by noisy counts."""

    level: NumericCodec
    move: NumericCodec
    level_group: NDArray[np.int64]
    away_group: NDArray[np.int64]
    move_group: NDArray[np.int64]
    shares: Floats

    @classmethod
    def of(
        cls, level: NumericCodec, level_counts: Floats, move: NumericCodec, move_counts: Floats, fewest: float
    ) -> Groups:
        """Group codes; `fewest` is what a group of moves shall hold."""
        return cls(
            level,
            move,
            _groups(level, level_counts, LEVEL_GROUPS, 0.0),
            _groups(move, move_counts, AWAY_GROUPS, 0.0),
            _groups(move, move_counts, MOVE_GROUPS, fewest),
            np.maximum(move_counts, 1e-3),
        )

    @property
    def shape(self) -> tuple[int, int]:
        states = (int(self.level_group.max()) + 1) * (int(self.away_group.max()) + 1)
        return states, int(self.move_group.max()) + 1


def _state(groups: Groups | Move, values: Floats, means: Floats) -> NDArray[np.int64]:
    level = groups.level_group[groups.level.encode(values)[0]]
    away = groups.away_group[groups.move.encode(values - means)[0]]
    return np.asarray(level * (int(groups.away_group.max()) + 1) + away)


def _groups(codec: NumericCodec, counts: Floats, most: int, fewest: float) -> NDArray[np.int64]:
    """Group neighbouring codes; missing, which is not looked at, is in the first group."""
    from synthx_privacy.grouping import merge_levels

    order = np.argsort(codec.centres[codec.first_spike :], kind="stable") + codec.first_spike
    groups = np.zeros(codec.size, np.int64)
    if len(order):
        groups[order] = merge_levels(counts[order], most=most, fewest=fewest, ordered=True)
    return groups


def plan_of_moves(rho: float) -> dict[str, object]:
    """Return the phase that counts moves."""
    from synthx_privacy.events import gaussian

    return {MOVES: gaussian(1 / math.sqrt(2 * rho))}


def measure_moves(
    account: Account, seen: Sequence[tuple[Floats, Floats, Floats]], groups: Sequence[Groups]
) -> tuple[Move, ...]:
    """Buy tables of moves, all in one query.

    Parameters
    ----------
    account : Account
    seen : sequence of (values, means, next values)
        Of each number, one of each entity; NaN where an entity has none.
    groups : sequence of Groups
    """
    from synthx_privacy.mechanisms import noisy_counts

    if not groups:
        return ()
    tables = []
    for (values, means, then), group in zip(seen, groups, strict=True):
        there = ~np.isnan(values)
        cell = _state(group, values[there], means[there]) * group.shape[1]
        cell = cell + group.move_group[group.move.encode((then - values)[there])[0]]
        tables.append(np.bincount(cell, minlength=group.shape[0] * group.shape[1]))
    sensitivity = math.sqrt(len(tables))  # an entity counts once in each table
    noisy = noisy_counts(account, MOVES, np.concatenate(tables), sensitivity=sensitivity)
    sigma = account.deviation(MOVES, sensitivity)
    parts = np.split(noisy, np.cumsum([table.size for table in tables])[:-1])
    return tuple(_estimate(group, part, sigma) for group, part in zip(groups, parts, strict=True))


def _estimate(group: Groups, counts: NDArray[np.int64], sigma: float) -> Move:
    """Return probabilities from noisy counts, shrunk towards moves that depend on nothing."""
    from synthx_privacy.estimation import shrink
    from synthx_privacy.grouping import indicator
    from synthx_privacy.measurements import as_distribution

    table = counts.reshape(group.shape).astype(np.float64)
    total = max(table.sum(), 1.0)
    usual = as_distribution(table.sum(axis=0))
    states = as_distribution(table.sum(axis=1))
    free = total * states[:, None] * usual[None, :]
    shrunk = np.maximum(shrink(table[None], free[None], sigma)[0], 0.02 * free) if min(group.shape) > 1 else free
    chances = shrunk / np.maximum(shrunk.sum(axis=1, keepdims=True), 1e-9)
    chances = np.where(shrunk.sum(axis=1, keepdims=True) > 1e-6, chances, usual)
    held = indicator(group.move_group)
    shares = group.shares.copy()
    shares[: group.move.first_spike] = 0.0  # an entity without a next observation
    within = shares / np.maximum(shares @ held, 1e-9)[group.move_group]
    return Move(group.level, group.move, group.level_group, group.away_group, chances[:, group.move_group] * within)
