"""A tree model of a coded table: exact sampling, completion, probabilities and marginals.

For each level t of the target (one where there is none) the columns form a tree of one shape:
``p(t) p(root | t) prod p(child | parent, t)``. It is fitted to noisy marginals, so all that it does is post-processing
of what was paid for: it may be seeded, saved and asked without limit.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from synthx_privacy.drawing import one_hot, patterns, pick
from synthx_privacy.estimation import fit_beliefs
from synthx_privacy.measurements import Measurements, distance, floored
from synthx_privacy.nodes import Node, conditional_tables

__all__ = ["Node", "TreeModel", "distance"]

CHUNK_CELLS = 4_000_000
"""Rows that are completed together hold at most so many numbers (32 MB)."""


@dataclasses.dataclass(frozen=True, eq=False)
class TreeModel:
    """A distribution over the rows of a coded table.

    Parameters
    ----------
    sizes : tuple of int
        Number of codes of each column.
    target : int or None
        The column that all others depend on.
    strata : np.ndarray
        Probabilities of the target's codes, shape (strata,); ``[1.]`` where there is no target.
    nodes : tuple of Node
        All other columns, parents before children.
    rows : float
        Estimated number of rows of the table.
    """

    sizes: tuple[int, ...]
    target: int | None
    strata: np.ndarray
    nodes: tuple[Node, ...]
    rows: float

    @classmethod
    def fit(cls, measurements: Measurements, *, iterations: int = 300) -> TreeModel:
        """Estimate the tree that fits noisy marginals best.

        Parameters
        ----------
        measurements : Measurements
            What `measure` returned; their pairs are the edges.
        iterations : int
            Steps of mirror descent.
        """
        fitted = fit_beliefs(measurements, iterations=iterations)
        strata = floored(fitted.beliefs.strata)
        return cls(
            measurements.sizes, measurements.target, strata, conditional_tables(measurements, fitted), fitted.rows
        )

    def draw(self, rows: int, weights: Mapping[int, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Draw rows, exactly, in proportion to their probability times the weights of their codes.

        Parameters
        ----------
        rows : int
            How many.
        weights : Mapping of int to np.ndarray
            Non-negative weights on the codes of some columns, shape (size,) each; 0 forbids a code.
        rng : np.random.Generator
            Source of randomness. A user's seed is fine here.

        Returns
        -------
        np.ndarray
            int32 codes, shape (rows, columns).

        Raises
        ------
        ValueError
            If the weights leave nothing to draw.
        """
        return self._sample(self._likelihoods(weights), rows, rng)

    def complete(
        self, codes: np.ndarray, known: np.ndarray, weights: Mapping[int, np.ndarray], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw the unknown cells of rows, exactly, given the known ones.

        Parameters
        ----------
        codes : np.ndarray
            Codes, shape (rows, columns); what is unknown is not read.
        known : np.ndarray
            Which cells are known, bool, shape (rows, columns).
        weights : Mapping of int to np.ndarray
            Weights on the codes of unknown cells, as in `draw`; known cells stay as they are.
        rng : np.random.Generator
            Source of randomness.

        Returns
        -------
        np.ndarray
            int32 codes, shape (rows, columns).

        Raises
        ------
        ValueError
            If the weights leave nothing to draw.
        """
        full = np.where(known, codes, 0).astype(np.int32)
        chunk = max(1, CHUNK_CELLS // (len(self.strata) * sum(self.sizes)))
        for pattern, members in patterns(known):
            if pattern.all():
                continue
            free = self._likelihoods({column: held for column, held in weights.items() if not pattern[column]})
            for start in range(0, len(members), chunk):
                part = members[start : start + chunk]
                likelihoods = dict(free)
                for column in np.flatnonzero(pattern):
                    likelihoods[int(column)] = one_hot(full[part, column], self.sizes[column])
                drawn = self._sample(likelihoods, len(part), rng)
                full[part] = np.where(pattern, full[part], drawn)
        return full

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return the natural logarithm of the probability of each row, shape (rows,)."""
        logs = np.tile(np.log(self.strata), (len(codes), 1))  # (R, T)
        for node in self.nodes:
            group = node.groups[codes[:, node.parent]] if node.parent is not None else 0
            logs += np.log(node.table)[:, group, codes[:, node.column]].T
        if self.target is not None:
            chosen: np.ndarray = logs[np.arange(len(codes)), codes[:, self.target]]
            return chosen
        return logs[:, 0]

    def expected(self, columns: tuple[int, ...]) -> np.ndarray:
        """Return the model's marginal of one or two different columns, shape (size,) or (size, size)."""
        if len(columns) == 1:
            return self._marginal(columns[0])
        one, other = columns
        if self.target == one:
            with_target: np.ndarray = self.strata[:, None] * self._given_target(other)
            return with_target
        if self.target == other:
            return self.expected((other, one)).T
        above, left, right = self._below_ancestor(one, other)
        top = np.ones((len(self.strata), 1)) if above is None else self._given_target(above)
        weighted = (self.strata[:, None] * top)[:, :, None] * left
        joint: np.ndarray = np.einsum("tla,tlb->ab", weighted, right, optimize=True)
        return joint

    def to_dict(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what is JSON, and the arrays by name."""
        arrays = {"strata": self.strata}
        for index, node in enumerate(self.nodes):
            arrays[f"node/{index}/table"] = node.table
            arrays[f"node/{index}/groups"] = node.groups
        nodes = [{"column": node.column, "parent": node.parent} for node in self.nodes]
        return {"sizes": list(self.sizes), "target": self.target, "rows": self.rows, "nodes": nodes}, arrays

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TreeModel:
        """Rebuild what `to_dict` returned."""
        nodes = tuple(
            Node(node["column"], node["parent"], arrays[f"node/{index}/groups"], arrays[f"node/{index}/table"])
            for index, node in enumerate(parts["nodes"])
        )
        return cls(tuple(parts["sizes"]), parts["target"], arrays["strata"], nodes, float(parts["rows"]))

    def _likelihoods(self, weights: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """Return weights by column as (1, size), scaled to at most 1."""
        scaled = {}
        for column, held in weights.items():
            values = np.asarray(held, dtype=np.float64)
            if values.shape != (self.sizes[column],) or not (values >= 0).all() or not np.isfinite(values).all():
                raise ValueError(f"Weights of column {column} must be {self.sizes[column]} numbers, finite and >= 0.")
            if not values.any():
                raise ValueError(f"The weights of column {column} leave no code to draw.")
            scaled[column] = (values / values.max())[None, :]
        return scaled

    def _sample(self, likelihoods: Mapping[int, np.ndarray], rows: int, rng: np.random.Generator) -> np.ndarray:
        """Draw rows given likelihoods of codes, shape (1 or rows, size) by column."""
        strata, evidence = self._upward(likelihoods)
        codes = np.empty((rows, len(self.sizes)), dtype=np.int32)
        level = pick(strata, None if len(strata) > 1 else np.zeros(rows, dtype=np.int64), rng)
        if self.target is not None:
            codes[:, self.target] = level
        for node, held in zip(self.nodes, evidence, strict=True):
            group = node.groups[codes[:, node.parent]] if node.parent is not None else np.zeros(rows, dtype=np.int64)
            if len(held) == 1:
                table = node.table * held[0][:, None, :]
                index = level * table.shape[1] + group
                codes[:, node.column] = pick(table.reshape(-1, table.shape[2]), index, rng)
            else:
                table = node.table[level, group] * held[np.arange(rows), np.minimum(level, held.shape[1] - 1)]
                codes[:, node.column] = pick(table, None, rng)
        return codes

    def _upward(self, likelihoods: Mapping[int, np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Pass evidence from leaves to roots.

        Returns
        -------
        strata : np.ndarray
            Weights of the target's levels given the evidence, shape (1 or rows, strata).
        evidence : list of np.ndarray
            For each node the likelihood of all evidence at it and below given its code, (1 or rows, strata, size).
        """
        levels = len(self.strata)
        evidence = {node.column: np.ones((1, levels, node.table.shape[2])) for node in self.nodes}
        strata = self.strata[None, :]
        if self.target is not None and self.target in likelihoods:
            strata = strata * likelihoods[self.target]
        for node in reversed(self.nodes):
            if node.column in likelihoods:
                evidence[node.column] = evidence[node.column] * likelihoods[node.column][:, None, :]
            held = evidence[node.column]
            message = np.stack([held[:, level] @ node.table[level].T for level in range(levels)], axis=1)  # (R, T, G)
            # Scaled against underflow; only the ratios within a row matter.
            message = message / np.maximum(message.max(axis=(1, 2), keepdims=True), 1e-300)
            if node.parent is None:
                strata = strata * message[:, :, 0]
                strata = strata / np.maximum(strata.max(axis=1, keepdims=True), 1e-300)
            else:
                held = evidence[node.parent] * message[:, :, node.groups]
                evidence[node.parent] = held / np.maximum(held.max(axis=(1, 2), keepdims=True), 1e-300)
        if not (strata.sum(axis=1) > 0).all():
            raise ValueError("The weights leave no row to draw: together they have probability zero.")
        return strata, [evidence[node.column] for node in self.nodes]

    def _given_target(self, column: int) -> np.ndarray:
        """Return ``p(code | target level)``, shape (strata, size)."""
        return self._down(self._ancestry(column))[:, 0, :]

    def _marginal(self, column: int) -> np.ndarray:
        """Return the one-way marginal of a column."""
        if column == self.target:
            return self.strata.copy()
        summed: np.ndarray = self.strata @ self._given_target(column)
        return summed

    def _ancestry(self, column: int) -> list[Node]:
        """Return the nodes from a column up to its root."""
        by_column = {node.column: node for node in self.nodes}
        chain = [by_column[column]]
        while chain[-1].parent is not None:
            chain.append(by_column[chain[-1].parent])
        return chain

    def _below_ancestor(self, one: int, other: int) -> tuple[int | None, np.ndarray, np.ndarray]:
        """Return the lowest common ancestor of two columns, and ``p(column | ancestor, t)`` of each."""
        left, right = self._ancestry(one), self._ancestry(other)
        shared = {node.column for node in left} & {node.column for node in right}
        below = [[node for node in chain if node.column not in shared] for chain in (left, right)]
        above = next((node.column for node in left if node.column in shared), None)
        size = 1 if above is None else self.sizes[above]
        itself = np.tile(np.eye(size), (len(self.strata), 1, 1))
        down = [self._down(path) if path else itself for path in below]
        return above, down[0], down[1]

    def _down(self, path: list[Node]) -> np.ndarray:
        """Multiply tables down to the first node of a path, (strata, size of the last node's parent or 1, size)."""
        tables = [node.table if node.parent is None else node.table[:, node.groups, :] for node in reversed(path)]
        return functools.reduce(np.matmul, tables)
