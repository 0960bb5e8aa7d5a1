"""Measuring noisy marginals of a coded table, for a tree model of it.

In the spirit of MST (McKenna, Miklau and Sheldon 2021, arXiv 2108.04978): noisy one-way counts, a private choice of
pairs that form a tree, noisy counts of those pairs. What differs: where there is a target column every count is split
by it; a pair competes at several resolutions, each with its expected noise taken off (as in AIM, McKenna et al. 2022,
arXiv 2201.12677), so that a table that would be all noise is not bought; and the tables of pairs are bought as one
Gaussian query, so that fewer tables are more exact ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synthx_privacy.grouping import indicator, merge_levels, resolutions
from synthx_privacy.measurements import Marginal, Measurements, as_distribution, count, distance
from synthx_privacy.selection import choose_tree, score_pairs

if TYPE_CHECKING:
    from synthx_privacy.ledger import Account

__all__ = ["Marginal", "Measurements", "distance", "measure", "plan_marginals"]

ONE_WAY = "histogram of each column"
WITH_TARGET = "histogram of each column by target"
CHOICE = "choice of pair {}"
PAIRS = "histograms of pairs"

ONE_WAY_SHARE = 0.20
TARGET_SHARE = 0.30
CHOICE_SHARE = 0.05
PAIRS_SHARE = 0.45
"""Shares of rho; what a table does not need (histograms that are given, a target) goes to the others in proportion."""

GROUPS = (32, 16, 8, 4)
"""Resolutions at which pairs compete: about so many groups a column."""
FEWEST_SIGMAS = 3.0
"""Levels whose noisy count is below this many standard deviations of the noise are merged."""


def plan_marginals(columns: int, *, rho: float, target: bool, have_histograms: bool = False) -> dict[str, Any]:
    """Say what `measure` will spend.

    Parameters
    ----------
    columns : int
        Number of columns, the target among them.
    rho : float
        Budget as zero-concentrated differential privacy; the events compose to exactly `rho`, each selection counted
        as ``epsilon**2 / 8`` (Cesar and Rogers 2021, arXiv 2004.00010).
    target : bool
        Whether one of the columns is the target.
    have_histograms : bool
        Whether the caller has bought one-way histograms already.

    Returns
    -------
    dict of str to event
        Event of each phase: Gaussians whose noise multiplier is ``1 / sqrt(2 rho)``, and selections with epsilon
        ``sqrt(8 rho)``.
    """
    from dp_accounting import GaussianDpEvent

    from synthx_privacy.accounting import Selection

    rounds = columns - (2 if target else 1)
    shares: dict[str, float] = {}
    if not have_histograms:
        shares[ONE_WAY] = ONE_WAY_SHARE
    if target and columns > 1:
        shares[WITH_TARGET] = TARGET_SHARE
    shares.update({CHOICE.format(turn + 1): CHOICE_SHARE / rounds for turn in range(rounds)})
    if rounds > 0:
        shares[PAIRS] = PAIRS_SHARE
    whole = sum(shares.values())
    chosen = {CHOICE.format(turn + 1) for turn in range(rounds)}
    return {
        phase: Selection(epsilon=math.sqrt(8 * rho * share / whole))
        if phase in chosen
        else GaussianDpEvent(1 / math.sqrt(2 * rho * share / whole))
        for phase, share in shares.items()
    }


def measure(
    account: Account,
    codes: np.ndarray,
    sizes: Sequence[int],
    names: Sequence[str],
    *,
    target: int | None,
    ordered: Sequence[bool],
    histograms: Sequence[np.ndarray] | None = None,
    histogram_sigma: float | Sequence[float] | None = None,
    given: frozenset[int] = frozenset(),
) -> Measurements:
    """Buy the marginals that `plan_marginals` planned.

    Parameters
    ----------
    account : Account
        An open account whose plan holds the phases of `plan_marginals`.
    codes : np.ndarray
        The table, shape (rows, columns), integers; codes out of range count as the nearest code.
    sizes : Sequence of int
        Number of codes of each column; public, or bought before.
    names : Sequence of str
        What people call the columns.
    target : int or None
        A column with few levels that every other count is split by.
    ordered : Sequence of bool
        Which columns have neighbouring codes that may be merged with each other.
    histograms : Sequence of np.ndarray, optional
        Noisy one-way counts bought before, shape (size,) each.
    histogram_sigma : float or Sequence of float, optional
        Standard deviation of their noise, in rows; needed with `histograms`.
    given : frozenset of int
        Columns that will be known when the others are drawn. No two of them are joined by a chain of pairs, so that
        what one tells is not counted twice; `plan_marginals` is told of them as one column.

    Returns
    -------
    Measurements
        All of it noisy.
    """
    one_way = _one_way(account, codes, sizes, histograms, histogram_sigma)
    features = [column for column in range(len(sizes)) if column != target]
    by_target: list[Marginal] = []
    if target is not None and features:
        by_target = _by_target(account, codes, sizes, target, features, one_way, ordered)
    known = Measurements(tuple(map(int, sizes)), tuple(names), target, (*one_way, *by_target))
    if len(features) < 2:
        return known
    pairs = _pairs(account, codes, known, ordered, given)
    return Measurements(known.sizes, known.names, target, (*one_way, *by_target, *pairs))


def _one_way(
    account: Account,
    codes: np.ndarray,
    sizes: Sequence[int],
    histograms: Sequence[np.ndarray] | None,
    histogram_sigma: float | Sequence[float] | None,
) -> list[Marginal]:
    """Take the histograms as given, or buy one of each column in one query: a row touches one cell of each."""
    groups = [np.arange(size) for size in sizes]
    if histograms is not None:
        if histogram_sigma is None:
            raise TypeError("`histograms` need `histogram_sigma`, the standard deviation of their noise.")
        sigmas = np.broadcast_to(np.asarray(histogram_sigma, dtype=np.float64), len(sizes))
        return [
            Marginal((column,), (groups[column],), np.asarray(counts), float(sigmas[column]))
            for column, counts in enumerate(histograms)
        ]
    return _buy(account, ONE_WAY, codes, [((column,), (groups[column],)) for column in range(len(sizes))])


def _by_target(
    account: Account,
    codes: np.ndarray,
    sizes: Sequence[int],
    target: int,
    features: Sequence[int],
    one_way: Sequence[Marginal],
    ordered: Sequence[bool],
) -> list[Marginal]:
    """Buy the counts of each feature by target level; levels that the noise would drown are merged."""
    sigma = _noise(account, WITH_TARGET) * math.sqrt(len(features))
    fewest = FEWEST_SIGMAS * max(sigma, 0.0)
    strata = np.arange(sizes[target])
    wanted = []
    for column in features:
        counts = one_way[column].counts
        groups = merge_levels(counts, most=len(counts), fewest=fewest, ordered=False)
        if ordered[column]:
            groups = merge_levels(counts, most=max(len(counts) * 4, 1), fewest=fewest, ordered=True)
        wanted.append(((target, column), (strata, groups)))
    return _buy(account, WITH_TARGET, codes, wanted)


def _pairs(
    account: Account, codes: np.ndarray, known: Measurements, ordered: Sequence[bool], given: frozenset[int]
) -> list[Marginal]:
    """Choose a tree of pairs privately, and buy their counts in one query."""
    from synthx_privacy.mechanisms import select

    features = known.features
    target = known.target
    strata = np.zeros(len(codes), dtype=np.int32)
    if target is not None:
        strata = np.clip(codes[:, target], 0, known.sizes[target] - 1).astype(np.int32)
    maps = [
        resolutions(
            known.one_way(column).counts,
            most=GROUPS,
            fewest=FEWEST_SIGMAS * known.one_way(column).sigma,
            ordered=ordered[column],
        )
        for column in features
    ]
    estimates = [strata_counts(known, column) for column in features]
    candidates = score_pairs(codes, estimates, maps, features=features, strata=strata)
    multiplier = _noise(account, PAIRS)
    # Until the tree is known, as many tables are assumed as it may have; fewer will be measured with less noise.
    together = [features.index(column) for column in given if column != target]
    expected = math.sqrt(2 / math.pi) * multiplier * math.sqrt(max(1, len(features) - max(1, len(together))))
    chosen = choose_tree(
        candidates,
        columns=len(features),
        penalty=lambda cells: expected * cells,
        select=lambda turn, scores: select(account, CHOICE.format(turn + 1), scores, sensitivity=1.0),
        together=together,
    )
    above: tuple[int, ...] = () if target is None else (target,)
    levels = tuple(np.arange(known.sizes[column]) for column in above)
    wanted: list[tuple[tuple[int, ...], tuple[np.ndarray, ...]]] = []
    for index in chosen:
        a, b = candidates.pairs[index]
        depth = int(candidates.resolution[index])
        wanted.append(((*above, features[a], features[b]), (*levels, maps[a][depth], maps[b][depth])))
    return _buy(account, PAIRS, codes, wanted) if wanted else []


def strata_counts(known: Measurements, column: int) -> np.ndarray:
    """Estimate the counts of a feature by target level from noisy marginals; non-negative.

    **Shape**: (strata, size of the column); one stratum where there is no target. Levels that were merged by target
    are spread in proportion to their one-way counts.
    """
    rows = known.rows
    one_way = as_distribution(known.one_way(column).counts)
    by_target = known.with_target(column)
    if by_target is None or known.target is None:
        return rows * one_way[None, :]
    strata = rows * as_distribution(known.one_way(known.target).counts)
    groups = by_target.groups[1]
    held = indicator(groups)
    share = one_way / np.maximum(one_way @ held, 1e-300)[groups]
    # A group without mass is spread evenly, so that no level is lost.
    share = np.where((one_way @ held)[groups] > 0, share, 1.0 / held.sum(axis=0)[groups])
    spread: np.ndarray = strata[:, None] * as_distribution(by_target.counts)[:, groups] * share
    return spread


_Wanted = Sequence[tuple[tuple[int, ...], tuple[np.ndarray, ...]]]


def _buy(account: Account, phase: str, codes: np.ndarray, wanted: _Wanted) -> list[Marginal]:
    """Buy several marginals as one query: a row touches one cell of each, so the L2 sensitivity is sqrt(marginals)."""
    from synthx_privacy.mechanisms import noisy_counts

    sensitivity = math.sqrt(len(wanted))
    tables = [count(codes, columns, groups) for columns, groups in wanted]
    flat = np.concatenate([table.ravel() for table in tables])
    noisy = noisy_counts(account, phase, flat, sensitivity=sensitivity)
    sigma = _noise(account, phase) * sensitivity
    parts = np.split(noisy, np.cumsum([table.size for table in tables])[:-1])
    return [
        Marginal(columns, groups, part.reshape(table.shape), sigma)
        for (columns, groups), part, table in zip(wanted, parts, tables, strict=True)
    ]


def _noise(account: Account, phase: str) -> float:
    """Return the noise multiplier that a phase was planned with."""
    return float(account.deviation(phase))
