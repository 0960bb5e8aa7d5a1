"""What scores prove: areas under curves, and a null that knows how many were looked at.

Without a leak a training row is a row like any other, so that which rows are called members is as if drawn by lot.
Drawing again and again gives the distribution of every statistic at once, however they hang together; the largest of
the observed ones is compared with the largest of each draw (P. H. Westfall, S. S. Young, "Resampling-Based Multiple
Testing", Wiley 1993, section 2.6). The test is exact at any number of rows and of attacks.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.encoding import Floats

__all__ = ["PERMUTATIONS", "Bools", "Evidence", "areas", "draw_labels", "gather", "p_value"]

Bools = NDArray[np.bool_]
_Places: TypeAlias = NDArray[np.intp] | slice

PERMUTATIONS = 999

_TIE = 1e-5
"""Standard scores as near as this are equal: the null is kept with seven digits."""

_BATCH = 100


def draw_labels(member: Bools, permutations: int, generator: np.random.Generator) -> Bools:
    """Return memberships drawn by lot, as many members each as in `member`, (permutations, n)."""
    return np.asarray(generator.permuted(np.broadcast_to(member, (permutations, len(member))), axis=1))


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Linear rank statistics of many scores, observed and under the null.

    Two for every score and stratum: the rank sum, which is the area under the ROC curve, and I. R. Savage's
    exponential scores (Annals of Mathematical Statistics 27 (1956), 590-615), which weigh the highest ranks most. If
    one row in twenty is copied, the area hardly moves, but the top of the list does.

    Parameters
    ----------
    area : array (scores, strata)
        Area under the ROC curve.
    error : array (scores, strata)
        Its standard error without a leak.
    observed : array (2, scores, strata)
        Rank sum and Savage statistic, as standard scores.
    null : array (permutations, 2, scores, strata)
        The same of memberships drawn by lot.
    """

    area: Floats
    error: Floats
    observed: Floats
    null: NDArray[np.float32]

    def of(self, scores: _Places = slice(None), strata: _Places = slice(None)) -> Evidence:
        """Return the evidence of some scores and strata."""
        return Evidence(
            self.area[scores][:, strata],
            self.error[scores][:, strata],
            self.observed[:, scores][:, :, strata],
            self.null[:, :, scores][:, :, :, strata],
        )

    @property
    def p_value(self) -> float:
        """Probability of a maximum this large without a leak."""
        return p_value(self.observed.max(), self.null.max(axis=(1, 2, 3)))

    @property
    def best(self) -> tuple[int, int, int]:
        """Statistic, score and stratum of the maximum."""
        statistic, score, stratum = np.unravel_index(self.observed.argmax(), self.observed.shape)
        return int(statistic), int(score), int(stratum)

    @property
    def critical(self) -> float:
        """Standard score that the maximum exceeds in one of twenty draws."""
        return float(np.quantile(self.null.max(axis=(1, 2, 3)), 0.95))

    @property
    def null_area(self) -> float:
        """Median over the draws of the largest area: what fresh real rows score when as many are looked at."""
        largest = (0.5 + self.null[:, 0] * self.error).max(axis=(1, 2))
        return float(np.median(largest))

    @property
    def area_critical(self) -> float:
        """Standard score that the largest of the areas' alone exceeds in one of forty draws."""
        return float(np.quantile(self.null[:, 0].max(axis=(1, 2)), 0.975))


def p_value(observed: float, null: Floats) -> float:
    """Return (1 + draws at least as large) / (1 + draws), which is never 0 (Phipson and Smyth, SAGMB 9 (2010), 39)."""
    return float((1 + (null >= observed - _TIE).sum()) / (1 + len(null)))


def gather(scores: Floats, member: Bools, labels: Bools, strata: Bools | None = None) -> Evidence:
    """Compute every statistic of every score, within every stratum.

    Parameters
    ----------
    scores : array (n, scores)
        The higher, the more likely a member.
    member : array (n,)
        Who is.
    labels : array (permutations, n)
        Memberships drawn by lot, from `draw_labels`.
    strata : array (strata, n), optional
        Rows that are looked at apart from the others; one stratum of all rows by default. Each needs a row.
    """
    strata = np.ones((1, len(member)), dtype=bool) if strata is None else strata
    shape = (2, scores.shape[1], len(strata))
    observed, null = np.empty(shape), np.empty((len(labels), *shape), dtype=np.float32)
    area, error = np.empty(shape[1:]), np.empty(shape[1:])
    for k, rows in enumerate(strata):
        columns = _columns(scores[rows])  # (inside, 2, scores)
        standard = _standardised(columns, int(member.sum()), len(member))
        observed[..., k] = np.tensordot(member[rows].astype(np.float64), standard, axes=1)
        for start in range(0, len(labels), _BATCH):
            batch = labels[start : start + _BATCH][:, rows].astype(np.float64)
            null[start : start + _BATCH, ..., k] = np.tensordot(batch, standard, axes=1)
        area[:, k], error[:, k] = _area(columns[:, 0], member[rows])
    return Evidence(area, error, observed, null)


def _standardised(columns: Floats, members: int, n: int) -> Floats:
    """Scale columns such that the sum over `members` rows, drawn from `n` without replacement, has deviation 1.

    The columns have mean 0 over the stratum, and count as 0 outside it.
    """
    spread = np.sqrt((columns**2).sum(axis=0) * members * (n - members) / (n * max(n - 1, 1)))
    return np.asarray(columns * np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > _TIE))


def _area(ranks: Floats, member: Bools) -> tuple[Floats, Floats]:
    """Return areas from centred midranks (n, scores), and their standard errors without a leak; 0.5 if one-sided."""
    n, share = len(member), float(member.mean())
    pairs = max(n * share * n * (1 - share), 1.0)
    error = np.sqrt((ranks**2).sum(axis=0) * share * (1 - share) * n / max(n - 1, 1)) / pairs
    return 0.5 + (member - share) @ ranks / pairs, error


def areas(scores: Floats, member: Bools) -> Floats:
    """Return the area under the ROC curve of every score (n, scores), ties counting half."""
    return _area(_columns(scores)[:, 0], member)[0]


def _columns(scores: Floats) -> Floats:
    """Return midranks and Savage scores, each less its mean, (n, 2, scores); tied rows share the mean of theirs."""
    n = len(scores)
    # The r-th smallest of n exponential waiting times is 1/n + ... + 1/(n - r + 1) on average.
    savage = np.cumsum(1.0 / np.arange(n, 0, -1))
    columns = np.empty((n, 2, scores.shape[1]))
    for j in range(scores.shape[1]):
        _, inverse, counts = np.unique(scores[:, j], return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        sums = np.diff(np.concatenate([[0.0], np.cumsum(savage)])[np.concatenate([[0], ends])])
        columns[:, 0, j] = (ends - 0.5 * (counts - 1))[inverse]
        columns[:, 1, j] = (sums / counts)[inverse]
    return np.asarray(columns - columns.mean(axis=0))
