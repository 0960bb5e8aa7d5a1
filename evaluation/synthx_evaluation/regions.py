"""Regions of the real rows, as leaves of a small tree, each with a rule that people can read.

The tree tells real rows from rows whose columns were shuffled apart (L. Breiman, "Random forests", Machine Learning 45
(2001), section on unsupervised learning): its leaves are where the columns' values go together, or do not.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx.schema import Kind
from synthx_evaluation.contingency import Bins, bins_of
from synthx_evaluation.encoding import Floats, LevelCap, Tables

__all__ = ["Regions"]

_LEVELS = 12
"""Levels of a column that are told apart."""

_FEWEST_OF_A_LEVEL = 10
_LEAVES = 48
_DEPTH = 6
"""Conditions of a rule: more would be no longer read."""

_MOST = 10_000
_OTHER = "(other)"


@dataclasses.dataclass(frozen=True, slots=True)
class _Input:
    """One input of the tree: a number's bin (`level` is -1, missing below all), or whether a cell has one level."""

    column: int
    level: int


@dataclasses.dataclass(frozen=True, slots=True)
class Regions:
    """A partition of all possible rows.

    Parameters
    ----------
    cap : LevelCap
        Joins rare levels.
    bins : Bins
        Where cells fall.
    inputs : tuple
        What the tree looks at.
    tree : object
        A fitted scikit-learn tree.
    leaves : array (regions,)
        The tree's node of each region.
    rules : tuple of str
        Each region in words.
    """

    cap: LevelCap
    bins: Bins
    inputs: tuple[_Input, ...]
    tree: Any
    leaves: NDArray[np.intp]
    rules: tuple[str, ...]

    @classmethod
    def fit(cls, tables: Tables, generator: np.random.Generator, seed: int) -> Regions:
        """Grow the tree on up to 10,000 of the real rows."""
        from sklearn.tree import DecisionTreeClassifier

        capped = tables.capped(_LEVELS)
        bins = bins_of(capped)
        real = capped.real[generator.permutation(len(capped.real))[:_MOST]]
        codes = bins.codes(real)
        inputs = tuple(_inputs(capped, codes, bins))
        shuffled = np.stack([generator.permuted(line) for line in codes])
        seen = np.concatenate([_matrix(codes, inputs, bins), _matrix(shuffled, inputs, bins)])
        truth = np.arange(len(seen)) < len(real)
        tree = DecisionTreeClassifier(
            max_leaf_nodes=_LEAVES, max_depth=_DEPTH, min_samples_leaf=max(20, len(real) // 100), random_state=seed
        ).fit(seen, truth)
        leaves, rules = _rules(tree.tree_, inputs, capped, bins)
        return cls(tables.cap(_LEVELS), bins, inputs, tree, leaves, rules)

    def shares(self, rows: Floats) -> Floats:
        """Return the share of encoded rows in each region, (regions,)."""
        nodes = self.tree.apply(_matrix(self.bins.codes(self.cap(rows)), self.inputs, self.bins))
        return np.asarray(np.bincount(nodes, minlength=int(self.leaves.max()) + 1)[self.leaves] / len(rows))


def _inputs(tables: Tables, codes: NDArray[np.int32], bins: Bins) -> list[_Input]:
    found = []
    for j, discrete in enumerate(tables.discrete):
        if not discrete:
            found.append(_Input(j, -1))
            continue
        counts = np.bincount(codes[j], minlength=int(bins.sizes[j]))
        found += [_Input(j, level) for level in range(len(counts)) if counts[level] >= _FEWEST_OF_A_LEVEL]
    return found or [_Input(0, -1)]


def _matrix(codes: NDArray[np.int32], inputs: tuple[_Input, ...], bins: Bins) -> NDArray[np.float32]:
    """Return (rows, inputs)."""
    matrix = np.empty((codes.shape[1], len(inputs)), dtype=np.float32)
    for i, item in enumerate(inputs):
        code = codes[item.column]
        if item.level >= 0:
            matrix[:, i] = code == item.level
        else:
            matrix[:, i] = np.where(code == bins.sizes[item.column] - 1, -1, code)
    return matrix


# -- rules in words ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class _Path:
    """What the way to a leaf says of one column."""

    low: float = -np.inf
    high: float = np.inf
    equal: int | None = None
    unlike: tuple[int, ...] = ()


def _rules(
    tree: Any, inputs: tuple[_Input, ...], tables: Tables, bins: Bins
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    leaves: list[int] = []
    rules: list[str] = []
    waiting: list[tuple[int, dict[int, _Path]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if tree.children_left[node] < 0:
            leaves.append(node)
            words = [_words(tables, bins, column, part) for column, part in sorted(path.items())]
            rules.append(" and ".join(words) or "all rows")
            continue
        item, threshold = inputs[tree.feature[node]], float(tree.threshold[node])
        for child, above in ((tree.children_left[node], False), (tree.children_right[node], True)):
            waiting.append((int(child), {**path, item.column: _step(path.get(item.column), item, threshold, above)}))
    return np.array(leaves, dtype=np.intp), tuple(rules)


def _step(before: _Path | None, item: _Input, threshold: float, above: bool) -> _Path:
    path = _Path() if before is None else dataclasses.replace(before)
    if item.level >= 0:
        if above:
            path.equal = item.level
        else:
            path.unlike = (*path.unlike, item.level)
    elif above:
        path.low = max(path.low, np.floor(threshold))
    else:
        path.high = min(path.high, np.floor(threshold))
    return path


def _words(tables: Tables, bins: Bins, column: int, path: _Path) -> str:
    name, edges = tables.names[column], bins.edges[column]
    if edges is None:
        if path.equal is not None:
            return f"{name} is {_level(tables, column, path.equal)}"
        return f"{name} is not {' or '.join(_level(tables, column, level) for level in path.unlike)}"
    if path.high < 0:
        return f"{name} is missing"
    parts = [f"> {_edge(tables, column, edges, path.low)}"] if path.low >= 0 else []
    parts += [f"<= {_edge(tables, column, edges, path.high)}"] if np.isfinite(path.high) else []
    rule = f"{name} {' and '.join(parts)}" if parts else f"{name} is known"
    # Missing cells lie below every number.
    return f"({rule} or missing)" if path.low == -np.inf and parts else rule


def _level(tables: Tables, column: int, level: int) -> str:
    labels = tables.levels[column]
    if level >= len(labels):
        return "missing"
    return labels[level] if labels[level] == _OTHER else repr(labels[level])


def _edge(tables: Tables, column: int, edges: Floats, code: float) -> str:
    # Three digits: the edge is a value that some row holds.
    value = float(edges[min(int(code), len(edges) - 1)])
    if tables.columns[column].kind is Kind.DATETIME:
        return str(np.datetime64(round(value), "s").astype("datetime64[D]"))
    return format(value, ".3g")
