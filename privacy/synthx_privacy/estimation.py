"""Consistent marginals of a tree from noisy ones.

First a closed form: noisy counts are projected onto non-negative ones, tables of pairs are shrunk towards conditional
independence as far as noise alone explains them, and raked to their columns. Then entropic mirror descent on the
potentials of the tree (Private-PGM: McKenna, Sheldon and Miklau 2019, arXiv 1901.09136) with exact message passing
minimises the sum of squared differences to all noisy counts, each divided by the variance of its noise.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_privacy.forest import Beliefs, Forest, Potentials, calibrate
from synthx_privacy.grouping import indicator
from synthx_privacy.measurements import Marginal, Measurements, as_distribution, floored

__all__ = ["Fitted", "fit_beliefs", "shrink"]

RAKING_ROUNDS = 20
LEAST_SHARE = 0.02
"""A cell of a pair starts with at least this share of what independence gives it; descent may take it lower."""


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """Calibrated marginals of a tree.

    Parameters
    ----------
    forest : Forest
        The tree over the features.
    beliefs : Beliefs
        Its marginals.
    rows : float
        Estimated number of rows.
    """

    forest: Forest
    beliefs: Beliefs
    rows: float


def fit_beliefs(measurements: Measurements, *, iterations: int) -> Fitted:
    """Fit a tree to noisy marginals.

    Parameters
    ----------
    measurements : Measurements
        What was bought.
    iterations : int
        Steps of mirror descent after the closed form; 0 keeps the closed form.
    """
    features = measurements.features
    position = {column: place for place, column in enumerate(features)}
    pairs = [(position[pair.columns[-2]], position[pair.columns[-1]]) for pair in measurements.pairs]
    groups = [(pair.groups[-2], pair.groups[-1]) for pair in measurements.pairs]
    forest = Forest.of([measurements.sizes[column] for column in features], pairs, groups)
    start = _closed_form(measurements, forest)
    problem = _Problem.of(measurements, forest, start)
    potentials = _potentials(forest, start)
    return Fitted(forest, _descend(problem, potentials, iterations), measurements.rows)


def _closed_form(measurements: Measurements, forest: Forest) -> Beliefs:
    """Estimate nodes from the histograms and edges from the shrunk tables, raked to the nodes."""
    strata = _strata(measurements)
    nodes = [_node(measurements, column, strata) for column in measurements.features]
    edges = []
    for edge, (index, flipped) in zip(forest.edges, forest.origin, strict=True):
        counts, sigma = _table(measurements.pairs[index], flipped)
        rows, columns = nodes[edge.parent] @ edge.upper, nodes[edge.child] @ edge.lower  # (T, G), (T, H)
        free = rows[:, :, None] * columns[:, None, :]
        held = np.maximum(measurements.rows * strata, 1.0)[:, None, None]
        table = shrink(counts, free * held, sigma) / held
        edges.append(_rake(np.maximum(table, LEAST_SHARE * free), rows, columns))
    return Beliefs(strata, nodes, edges)


def _strata(measurements: Measurements) -> np.ndarray:
    """Estimate the probabilities of the target's levels from all marginals that hold the target."""
    if measurements.target is None:
        return np.ones(1)
    total, precision = np.zeros(measurements.sizes[measurements.target]), 0.0
    for marginal in measurements.marginals:
        if marginal.columns[0] != measurements.target:
            continue
        weight = 1.0 / (marginal.sigma**2 * marginal.counts[0].size)
        total = total + weight * marginal.counts.reshape(len(total), -1).sum(axis=1)
        precision += weight
    return floored(as_distribution(total / precision))


def _node(measurements: Measurements, column: int, strata: np.ndarray) -> np.ndarray:
    """Estimate the probabilities of a feature's codes in each stratum, shape (strata, size)."""
    one_way = as_distribution(measurements.one_way(column).counts)
    by_target = measurements.with_target(column)
    if by_target is None:
        return floored(np.tile(one_way, (len(strata), 1)))
    groups = by_target.groups[1]
    held = one_way @ indicator(groups)
    free = measurements.rows * strata[:, None] * held[None, :]
    counts = shrink(by_target.counts[None], free[None], by_target.sigma)[0]
    even = 1.0 / np.bincount(groups)[groups]
    share = np.where(held[groups] > 0, one_way / np.maximum(held[groups], 1e-300), even)
    return floored(as_distribution(counts)[:, groups] * share)


def shrink(counts: np.ndarray, free: np.ndarray, sigma: float) -> np.ndarray:
    """Shrink noisy tables towards the tables that independence gives, as far as noise explains the difference.

    Each table's singular values of ``(counts - free) / sigma`` are shrunk as is optimal in the Frobenius norm for a
    matrix of low rank in white noise (Gavish and Donoho 2017, arXiv 1405.7511): what is below ``sqrt(n) + sqrt(m)``,
    the norm of noise alone, goes to zero, and a table without significant dependence becomes independent.

    Parameters
    ----------
    counts : np.ndarray
        Noisy counts, shape (tables, n, m).
    free : np.ndarray
        Counts under independence, same shape.
    sigma : float
        Standard deviation of the noise.
    """
    left, values, right = np.linalg.svd((counts - free) / sigma, full_matrices=False)
    longer, shorter = max(counts.shape[1:]), min(counts.shape[1:])
    ratio = shorter / longer
    scaled = values / np.sqrt(longer)
    inner = np.maximum(np.square(np.square(scaled) - ratio - 1) - 4 * ratio, 0.0)
    kept = np.where(scaled > 1 + np.sqrt(ratio), np.sqrt(inner) / np.maximum(scaled, 1e-300), 0.0) * np.sqrt(longer)
    shrunk: np.ndarray = free + sigma * np.matmul(left * kept[:, None, :], right)
    return shrunk


def _rake(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Scale tables to given margins (iterative proportional fitting, Deming and Stephan 1940)."""
    for _ in range(RAKING_ROUNDS):
        table = table * (rows / np.maximum(table.sum(axis=2), 1e-300))[:, :, None]
        table = table * (columns / np.maximum(table.sum(axis=1), 1e-300))[:, None, :]
    return table


def _table(pair: Marginal, flipped: bool) -> tuple[np.ndarray, float]:
    """Return the counts of a pair as (strata, parent groups, child groups)."""
    counts = pair.counts if pair.counts.ndim == 3 else pair.counts[None]
    return (counts.swapaxes(1, 2) if flipped else counts).astype(np.float64), pair.sigma


def _potentials(forest: Forest, start: Beliefs) -> Potentials:
    """Write calibrated marginals as potentials: log p(t), log p(x | t), log p(x, y | t) / (p(x | t) p(y | t))."""
    edges = []
    for edge, table in zip(forest.edges, start.edges, strict=True):
        free = (start.nodes[edge.parent] @ edge.upper)[:, :, None] * (start.nodes[edge.child] @ edge.lower)[:, None, :]
        edges.append(np.log(np.maximum(table, 1e-300) / free))
    return Potentials(np.log(start.strata), [np.log(node) for node in start.nodes], edges)


@dataclasses.dataclass(frozen=True, eq=False)
class _Problem:
    """The sum of squares: for each noisy table its counts, its inverse variance, and where it belongs."""

    forest: Forest
    rows: float
    strata: tuple[np.ndarray, float] | None
    one_way: list[tuple[np.ndarray, float]]
    by_target: list[tuple[np.ndarray, np.ndarray, np.ndarray, float] | None]
    edges: list[tuple[np.ndarray, float]]

    @classmethod
    def of(cls, measurements: Measurements, forest: Forest, start: Beliefs) -> _Problem:
        """Collect the noisy tables; those of two columns are shrunk first, or descent would learn their noise."""
        rows = measurements.rows
        strata = None
        if measurements.target is not None:
            target = measurements.one_way(measurements.target)
            strata = (target.counts.astype(np.float64), target.sigma**-2)
        one_way: list[tuple[np.ndarray, float]] = []
        by_target: list[tuple[np.ndarray, np.ndarray, np.ndarray, float] | None] = []
        for column, node in zip(measurements.features, start.nodes, strict=True):
            marginal = measurements.one_way(column)
            one_way.append((marginal.counts.astype(np.float64), marginal.sigma**-2))
            joint = measurements.with_target(column)
            if joint is None:
                by_target.append(None)
                continue
            held = indicator(joint.groups[1])
            pooled = (start.strata @ node @ held)[None, :]
            free = rows * start.strata[:, None] * pooled
            counts = shrink(joint.counts[None], free[None], joint.sigma)[0]
            by_target.append((counts, joint.groups[1], held, joint.sigma**-2))
        edges = []
        for edge, (index, flipped) in zip(forest.edges, forest.origin, strict=True):
            counts, sigma = _table(measurements.pairs[index], flipped)
            above, below = start.nodes[edge.parent] @ edge.upper, start.nodes[edge.child] @ edge.lower
            free = rows * start.strata[:, None, None] * above[:, :, None] * below[:, None, :]
            edges.append((shrink(counts, free, sigma), sigma**-2))
        return cls(forest, rows, strata, one_way, by_target, edges)

    def slope(self, beliefs: Beliefs) -> tuple[float, Potentials]:
        """Return half the weighted sum of squares, and its gradient in the counts, shaped as potentials."""
        strata = beliefs.strata
        loss = 0.0
        bias = np.zeros(len(strata))
        if self.strata is not None:
            counts, precision = self.strata
            bias = precision * (self.rows * strata - counts)
            loss += float(bias @ bias) / precision / 2
        nodes, edges = [], []
        for belief, (counts, precision), joint in zip(beliefs.nodes, self.one_way, self.by_target, strict=True):
            gap = precision * (self.rows * (strata @ belief) - counts)
            loss += float(gap @ gap) / precision / 2
            gradient = np.broadcast_to(gap, belief.shape)
            if joint is not None:
                counts, groups, held, precision = joint
                gap = precision * (self.rows * strata[:, None] * (belief @ held) - counts)
                loss += float(np.vdot(gap, gap)) / precision / 2
                gradient = gradient + gap[:, groups]
            nodes.append(gradient)
        for belief, (counts, precision) in zip(beliefs.edges, self.edges, strict=True):
            gap = precision * (self.rows * strata[:, None, None] * belief - counts)
            loss += float(np.vdot(gap, gap)) / precision / 2
            edges.append(gap)
        return loss, Potentials(bias, nodes, edges)


def _descend(problem: _Problem, potentials: Potentials, iterations: int) -> Beliefs:
    """Descend along the gradient in potentials; the step grows while the loss falls and halves when it does not."""
    beliefs = calibrate(problem.forest, potentials)
    loss, slope = problem.slope(beliefs)
    precisions = [precision for _, precision in (*problem.one_way, *problem.edges)]
    # The loss is smooth with constant rows * (sum of precisions) with respect to the 1-norm of the probabilities.
    step = 1.0 / max(problem.rows * sum(precisions), 1e-300)
    for _ in range(iterations):
        ahead = _step(potentials, slope, step)
        reached = calibrate(problem.forest, ahead)
        new_loss, new_slope = problem.slope(reached)
        if not new_loss <= loss:
            step /= 3
            continue
        gained = loss - new_loss
        potentials, beliefs, loss, slope = ahead, reached, new_loss, new_slope
        step *= 1.5
        if gained <= 1e-7 * (1.0 + loss):
            break
    return beliefs


def _step(potentials: Potentials, slope: Potentials, step: float) -> Potentials:
    """Go one step down."""
    return Potentials(
        potentials.bias - step * slope.bias,
        [node - step * gradient for node, gradient in zip(potentials.nodes, slope.nodes, strict=True)],
        [edge - step * gradient for edge, gradient in zip(potentials.edges, slope.edges, strict=True)],
    )
