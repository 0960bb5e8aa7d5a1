"""Belief propagation on a forest whose edges join groups of codes.

The joint distribution is, for each stratum t (a target level; one stratum without a target),

    p(t, x) is proportional to exp(bias[t] + sum_j node_j[t, x_j] + sum_e edge_e[t, g_e(x_parent), h_e(x_child)])

where g and h map codes to the groups in which the pair was measured. Levels that share a group are told apart by their
node's potential only, which is the maximum-entropy way of spreading a merged count.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from synthx_privacy.grouping import indicator

__all__ = ["Beliefs", "Edge", "Forest", "Potentials", "calibrate"]

TINY = 1e-300


@dataclasses.dataclass(frozen=True, eq=False)
class Edge:
    """A child hanging on its parent.

    Parameters
    ----------
    parent, child : int
        Positions among the features.
    upper, lower : np.ndarray
        Matrices that sum codes of the parent and of the child within groups, shapes (size, groups).
    parent_groups, child_groups : np.ndarray
        Group of each code, shapes (size,).
    """

    parent: int
    child: int
    parent_groups: np.ndarray
    child_groups: np.ndarray
    upper: np.ndarray
    lower: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Forest:
    """Features in an order in which parents come before their children.

    Parameters
    ----------
    sizes : tuple of int
        Number of codes of each feature.
    order : tuple of int
        All features, parents first.
    edges : tuple of Edge
        Edges in the order of their children.
    flipped : tuple of tuple (int, bool)
        For each edge which of the given pairs it is, and whether the pair named the child first.
    """

    sizes: tuple[int, ...]
    order: tuple[int, ...]
    edges: tuple[Edge, ...]
    origin: tuple[tuple[int, bool], ...]

    @classmethod
    def of(
        cls, sizes: Sequence[int], pairs: Sequence[tuple[int, int]], groups: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> Forest:
        """Hang up pairs without a cycle; each component is rooted at its feature with the most pairs."""
        beside: list[list[tuple[int, int]]] = [[] for _ in sizes]
        for index, (one, other) in enumerate(pairs):
            beside[one].append((index, other))
            beside[other].append((index, one))
        order: list[int] = []
        edges: list[Edge] = []
        origin: list[tuple[int, bool]] = []
        seen: set[int] = set()
        for root in sorted(range(len(sizes)), key=lambda feature: (-len(beside[feature]), feature)):
            waiting = [] if root in seen else [root]
            seen.add(root)
            while waiting:
                parent = waiting.pop(0)
                order.append(parent)
                for index, child in beside[parent]:
                    if child in seen:
                        continue
                    seen.add(child)
                    waiting.append(child)
                    flipped = pairs[index][0] == child
                    upper, lower = groups[index][::-1] if flipped else groups[index]
                    edges.append(Edge(parent, child, upper, lower, indicator(upper), indicator(lower)))
                    origin.append((index, flipped))
        return cls(tuple(sizes), tuple(order), tuple(edges), tuple(origin))


@dataclasses.dataclass(eq=False)
class Potentials:
    """Logarithms of factors: bias (strata,), nodes (strata, size) each, edges (strata, groups, groups) each."""

    bias: np.ndarray
    nodes: list[np.ndarray]
    edges: list[np.ndarray]


@dataclasses.dataclass(eq=False)
class Beliefs:
    """Marginals: of the stratum (strata,); of nodes and edges, given the stratum, shaped as their potentials."""

    strata: np.ndarray
    nodes: list[np.ndarray]
    edges: list[np.ndarray]


def calibrate(forest: Forest, potentials: Potentials) -> Beliefs:
    """Compute all marginals exactly, in one pass up and one pass down (Pearl 1982), for all strata at once.

    O(strata * (codes + sum over edges of groups * groups)) a pass.
    """
    scale = potentials.bias.copy()
    up: list[np.ndarray] = []
    for node in potentials.nodes:
        peak = node.max(axis=1)
        scale += peak
        up.append(np.exp(node - peak[:, None]))
    factors, lower_sums, messages = [], [], []
    for edge, potential in zip(reversed(forest.edges), reversed(potentials.edges), strict=True):
        peak = potential.max(axis=(1, 2))
        factor = np.exp(potential - peak[:, None, None])  # (T, G, H)
        inside = up[edge.child] @ edge.lower  # (T, H)
        message = np.matmul(factor, inside[:, :, None])[:, :, 0]  # (T, G)
        height = np.maximum(message.max(axis=1), TINY)
        message = np.maximum(message / height[:, None], TINY)
        scale += peak + np.log(height)
        up[edge.parent] = up[edge.parent] * message[:, edge.parent_groups]
        factors.append(factor)
        lower_sums.append(inside)
        messages.append(message)
    return _downward(forest, scale, up, factors[::-1], lower_sums[::-1], messages[::-1])


def _downward(
    forest: Forest,
    scale: np.ndarray,
    up: list[np.ndarray],
    factors: list[np.ndarray],
    lower_sums: list[np.ndarray],
    messages: list[np.ndarray],
) -> Beliefs:
    """Finish `calibrate`: beliefs of the roots, then of each child from its parent's."""
    children = {edge.child for edge in forest.edges}
    nodes = list(up)
    for root in forest.order:
        if root in children:
            continue
        held = np.maximum(up[root].sum(axis=1), TINY)
        scale = scale + np.log(held)
        nodes[root] = up[root] / held[:, None]
    strata = np.exp(scale - scale.max())
    joint = []
    for edge, factor, inside, message in zip(forest.edges, factors, lower_sums, messages, strict=True):
        outside = nodes[edge.parent] @ edge.upper / message  # (T, G)
        reached = outside[:, :, None] * factor  # (T, G, H)
        arriving = reached.sum(axis=1)  # (T, H)
        belief = up[edge.child] * arriving[:, edge.child_groups]
        held = np.maximum(belief.sum(axis=1), TINY)
        nodes[edge.child] = belief / held[:, None]
        joint.append(reached * (inside / held[:, None])[:, None, :])
    return Beliefs(strata / strata.sum(), nodes, joint)
