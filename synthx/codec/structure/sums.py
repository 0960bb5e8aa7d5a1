"""Finding columns that are sums of others, without trying subsets.

If ``total = a + b - c`` holds in every row, then (-1, 1, 1, -1) lies in the null space of the columns. The null space
of a sample of rows is read from its singular vectors and brought to reduced row echelon form, with the columns most
likely to be totals as pivots; a row of that form whose entries are few and short numbers (-1, 1, 0.01) is a candidate.
A candidate that some row of the table contradicts puts that row into the sample, and the search is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthx.codec.structure.evidence import MIN_ROWS, SAMPLE, Evidence
from synthx.codec.structure.rules import Sum

__all__ = ["find_sums", "null_relations"]

_MOST_PARTS = 12
_MOST_PATTERNS = 16
_ROUNDS = 5
_WITNESSES = 50

Floats = NDArray[np.float64]


def find_sums(evidence: Evidence, names: list[str]) -> list[Sum]:
    """Return the sums among the named columns; no total is a part of another sum."""
    numeric = [name for name in names if _is_summable(evidence, name)]
    groups = evidence.by_pattern(numeric)
    rules: list[Sum] = []
    for pattern in sorted(groups, key=lambda key: (-len(groups[key]), key))[:_MOST_PATTERNS]:
        mask = evidence.missing(groups[pattern][0])
        taken = {rule.column for rule in rules}
        used = {part for rule in rules for part in rule.parts}
        members = [name for name in numeric if name not in taken and not (evidence.missing(name) & ~mask).any()]
        found = _search(evidence, members, ~mask, used)
        rules += [rule for rule in found if evidence.pattern(rule.column) == pattern]
    return rules


def _is_summable(evidence: Evidence, name: str) -> bool:
    column = evidence.column(name)
    if not (column.kind.is_number or column.kind.is_discrete):
        return False
    numbers = evidence.numbers(name)
    return numbers is not None and int(np.count_nonzero(np.nan_to_num(numbers))) >= evidence.rare_threshold


def _search(evidence: Evidence, names: list[str], present: NDArray[np.bool_], used: set[str]) -> list[Sum]:
    rows = np.flatnonzero(present)
    if len(names) < 3 or len(rows) < max(MIN_ROWS, 2 * len(names)):
        return []
    can_derive = {
        name: evidence.column(name).kind.is_number and not evidence.is_locked(name) and name not in used
        for name in names
    }
    chosen = np.random.default_rng(0).permutation(rows)[: max(SAMPLE, 3 * len(names))]
    confirmed: list[Sum] = []
    for _ in range(_ROUNDS):
        relations = null_relations(evidence.matrix(names, chosen), [can_derive[name] for name in names])
        candidates = [
            Sum(names[total], tuple(names[j] for j in weights), tuple(weights.values()))
            for total, weights in relations
            if can_derive[names[total]] and all(evidence.are_alike(names[total], names[j]) for j in weights)
        ]
        witnesses = [np.flatnonzero(~_holds(evidence, rule))[:_WITNESSES] for rule in candidates]
        confirmed = [rule for rule, wrong in zip(candidates, witnesses, strict=True) if not wrong.size]
        against = np.setdiff1d(np.concatenate([*witnesses, rows[:0]]), chosen)
        against = against[present[against]]
        if not against.size:
            break
        chosen = np.concatenate([chosen, against])
    return [rule for rule in confirmed if evidence.is_writable(rule.column)]


def _holds(evidence: Evidence, rule: Sum) -> NDArray[np.bool_]:
    names = [rule.column, *rule.parts]
    return rule.holds(evidence.frame[names], evidence.schema)


def null_relations(matrix: Floats, derivable: Sequence[bool]) -> list[tuple[int, dict[int, float]]]:
    """Return relations ``column[total] = sum of weight × column[j]`` that hold in all rows of the matrix.

    Parameters
    ----------
    matrix : float array, shape (rows, columns)
        More rows than columns; no missing values.
    derivable : sequence of bool, shape (columns,)
        Which columns are preferred as totals; among them, the one that weighs most in the relation is.

    Returns
    -------
    list of (total, {j: weight})
        With 2 to 12 weights of one or two digits. No total occurs in another relation.
    """
    mean = np.abs(matrix).mean(axis=0)
    size = np.sqrt((matrix**2).mean(axis=0))
    size[size == 0] = 1.0
    _, values, vectors = np.linalg.svd(matrix / size, full_matrices=False)
    null = vectors[values <= values[0] * 1e-10]  # (relations, columns), in units of `size`
    order = sorted(range(matrix.shape[1]), key=lambda j: (not derivable[j], -mean[j], j))
    reduced = _echelon(null, order)
    reduced = (
        np.where(np.abs(reduced) < 1e-8 * np.abs(reduced).max(axis=1, keepdims=True, initial=0), 0, reduced) / size
    )
    alone = (reduced != 0).sum(axis=0) == 1
    relations = []
    for row in reduced:
        parts = np.flatnonzero(row)
        if not 3 <= len(parts) <= _MOST_PARTS + 1:
            continue
        total = max(parts[alone[parts]], key=lambda j: (derivable[j], abs(row[j]) * mean[j], -j))
        weights = {int(j): float(f"{-row[j] / row[total]:.2g}") for j in parts if j != total}
        if all(np.isclose(-row[j] / row[total], weight, rtol=1e-4, atol=0) for j, weight in weights.items()):
            relations.append((int(total), weights))
    return relations


def _echelon(null: Floats, order: list[int]) -> Floats:
    """Return the reduced row echelon form of the null space, with pivots chosen in the given order of columns."""
    null = null.copy()
    done = 0
    for column in order:
        if done == len(null):
            break
        best = done + int(np.abs(null[done:, column]).argmax())
        if abs(null[best, column]) < 1e-7:
            continue
        null[[done, best]] = null[[best, done]]
        null[done] /= null[done, column]
        others = np.arange(len(null)) != done
        null[others] -= np.outer(null[others, column], null[done])
        done += 1
    return null[:done]
