"""The left end of the ROC curve: how many members are found at a rate of false alarms that an attacker can live with.

N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P 2022, arXiv:2112.03570.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.evidence import Bools, p_value

__all__ = ["Rates", "found_at", "needed_rows"]


def needed_rows(alarms: float) -> int:
    """Return the non-members without which a rate of false alarms cannot be told.

    Three over the rate: no alarm among so many bounds the rate by just itself with a probability of 95%.
    """
    return math.ceil(round(3 / alarms, 6))


@dataclasses.dataclass(frozen=True, slots=True)
class Rates:
    """Share of members found by every score at one rate of false alarms.

    Parameters
    ----------
    observed : array (scores,)
        In [0, 1].
    null : array (permutations, scores)
        The same of memberships drawn by lot.
    """

    observed: Floats
    null: Floats

    @property
    def p_value(self) -> float:
        """Probability of a maximum this large without a leak."""
        return p_value(self.observed.max(), self.null.max(axis=1))


def found_at(alarms: float, scores: Floats, member: Bools, labels: Bools) -> Rates:
    """Return the share of members ranked above the non-members that raise a false alarm.

    Parameters
    ----------
    alarms : float
        Rate of false alarms; within tied rows the curve is a straight line.
    scores : array (n, scores)
        The higher, the more likely a member.
    member : array (n,)
        Who is.
    labels : array (permutations, n)
        Memberships drawn by lot.
    """
    observed, null = np.empty(scores.shape[1]), np.empty((len(labels), scores.shape[1]))
    for j in range(scores.shape[1]):
        order = np.argsort(-scores[:, j], kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order, j])), len(order) - 1)  # last place of each tied block
        observed[j] = _found(alarms, member[order][None], ends)[0]
        # By lot the false alarms are reached early; the rest of the list need not be read.
        negatives = alarms * len(order)
        read = ends[: int(np.searchsorted(ends, negatives + 8 * math.sqrt(negatives) + 20)) + 1]
        null[:, j] = _found(alarms, labels[:, order[: read[-1] + 1]], read, member)
    return Rates(observed, null)


def _found(alarms: float, labels: Bools, ends: NDArray[np.intp], member: Bools | None = None) -> Floats:
    """Return the shares of one score's orderings (orderings, places); `member` tells the totals of a cut list."""
    totals = labels[0] if member is None else member
    hits = np.cumsum(labels, axis=1, dtype=np.int32)[:, ends]  # (orderings, blocks)
    false = ends + 1 - hits
    allowed = alarms * (~totals).sum()
    block = (false >= allowed).argmax(axis=1)[:, None]
    block = np.where(false[:, -1:] < allowed, len(ends) - 1, block)

    def around(counts: NDArray[np.integer[Any]]) -> tuple[Floats, Floats]:
        after = np.take_along_axis(counts, block, axis=1)[:, 0]
        before = np.where(block[:, 0] > 0, np.take_along_axis(counts, np.maximum(block - 1, 0), axis=1)[:, 0], 0)
        return before.astype(np.float64), after.astype(np.float64)

    (hits_before, hits_after), (false_before, false_after) = around(hits), around(false)
    width = np.maximum(false_after - false_before, 1.0)
    part = np.clip((allowed - false_before) / width, 0.0, 1.0)
    return np.asarray((hits_before + part * (hits_after - hits_before)) / totals.sum())
