"""A tree as conditional tables: what is left of a fit, and all that drawing needs."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_privacy.estimation import Fitted
from synthx_privacy.measurements import Measurements, floored

__all__ = ["Node", "conditional_tables"]


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """A column given its parent.

    Parameters
    ----------
    column : int
        The column.
    parent : int or None
        The column it hangs on; None for a root, which hangs on the target alone.
    groups : np.ndarray
        Group of each of the parent's codes, shape (size of the parent,); empty for a root.
    table : np.ndarray
        ``p(code | target level, group)``, shape (strata, groups, size); positive.
    """

    column: int
    parent: int | None
    groups: np.ndarray
    table: np.ndarray


def conditional_tables(measurements: Measurements, fitted: Fitted) -> tuple[Node, ...]:
    """Turn calibrated marginals into conditional tables, parents before children."""
    forest, beliefs, features = fitted.forest, fitted.beliefs, measurements.features
    nodes: dict[int, Node] = {}
    for edge, joint in zip(forest.edges, beliefs.edges, strict=True):
        child = floored(beliefs.nodes[edge.child])
        within = child / (child @ edge.lower)[:, edge.child_groups]
        above = floored(joint / np.maximum(joint.sum(axis=2, keepdims=True), 1e-300))
        table = floored(above[:, :, edge.child_groups] * within[:, None, :])
        nodes[edge.child] = Node(features[edge.child], features[edge.parent], edge.parent_groups, table)
    nothing = np.zeros(0, dtype=np.int64)
    return tuple(
        nodes.get(place) or Node(features[place], None, nothing, floored(beliefs.nodes[place])[:, None, :])
        for place in forest.order
    )
