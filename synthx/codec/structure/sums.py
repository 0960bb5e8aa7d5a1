"""Finding columns that are sums of others, without trying subsets.

If ``total = a + b - c`` holds in every row, then (-1, 1, 1, -1) lies in the null space of the columns. The null space
of a sample of rows is read from its singular vectors and brought to reduced row echelon form, with the columns most
likely to be totals as pivots; a row of that form whose entries are all -1, 0 or 1 is a candidate. A candidate that some
row of the table contradicts puts that row into the sample, and the search is repeated.
"""

from __future__ import annotations

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
    generator = np.random.default_rng(0)
    chosen = rows if len(rows) <= SAMPLE else generator.choice(rows, size=max(SAMPLE, 3 * len(names)), replace=False)
    confirmed: list[Sum] = []
    for _ in range(_ROUNDS):
        matrix = evidence.matrix(names, chosen)
        size = np.abs(matrix).mean(axis=0)
        order = sorted(range(len(names)), key=lambda j: (not can_derive[names[j]], -size[j], j))
        candidates = [
            Sum(names[pivot], tuple(names[j] for j, _ in terms), tuple(sign for _, sign in terms))
            for pivot, terms in null_relations(matrix, order)
            if can_derive[names[pivot]] and all(evidence.are_alike(names[pivot], names[j]) for j, _ in terms)
        ]
        witnesses = [np.flatnonzero(~_holds(evidence, rule))[:_WITNESSES] for rule in candidates]
        against = np.setdiff1d(np.concatenate([*witnesses, rows[:0]]), chosen)
        against = against[present[against]]
        confirmed = [rule for rule, wrong in zip(candidates, witnesses, strict=True) if not wrong.size]
        if not against.size:
            break
        chosen = np.concatenate([chosen, against])
    return [rule for rule in confirmed if evidence.is_writable(rule.column)]


def _holds(evidence: Evidence, rule: Sum) -> NDArray[np.bool_]:
    names = [rule.column, *rule.parts]
    return rule.holds(evidence.frame[names], evidence.schema)


def null_relations(matrix: Floats, order: list[int]) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return relations ``column[pivot] = sum of sign × column[j]`` that hold in all rows of the matrix.

    Parameters
    ----------
    matrix : float array, shape (rows, columns)
        More rows than columns; no missing values.
    order : list of int
        Columns in the order in which they are tried as pivots.

    Returns
    -------
    list of (pivot, list of (j, sign))
        With 2 to 12 terms, signs -1 or 1.
    """
    size = np.sqrt((matrix**2).mean(axis=0))
    size[size == 0] = 1.0
    _, values, vectors = np.linalg.svd(matrix / size, full_matrices=False)
    null = vectors[values <= values[0] * 1e-10]  # (relations, columns), in units of `size`
    relations = []
    for row, pivot in _echelon(null, order):
        exact = np.where(np.abs(row) < 1e-8 * np.abs(row).max(), 0.0, row) / size
        terms = -exact / exact[pivot]
        terms[pivot] = 0.0
        signs = np.rint(terms)
        if (np.abs(terms - signs) < 1e-3).all() and np.abs(signs).max() == 1:
            parts = [(int(j), int(signs[j])) for j in np.flatnonzero(signs)]
            if 2 <= len(parts) <= _MOST_PARTS:
                relations.append((pivot, parts))
    return relations


def _echelon(null: Floats, order: list[int]) -> list[tuple[Floats, int]]:
    """Return the reduced rows of the null space with their pivots."""
    null = null.copy()
    pivots: list[int] = []
    for column in order:
        done = len(pivots)
        if done == len(null):
            break
        best = done + int(np.abs(null[done:, column]).argmax())
        if abs(null[best, column]) < 1e-7:
            continue
        null[[done, best]] = null[[best, done]]
        null[done] /= null[done, column]
        others = np.arange(len(null)) != done
        null[others] -= np.outer(null[others, column], null[done])
        pivots.append(column)
    return list(zip(null[: len(pivots)], pivots, strict=True))
