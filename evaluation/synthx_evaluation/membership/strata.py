"""Parts of the rows that are looked at on their own: the most unusual ones, and groups of people."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.evidence import Bools
from synthx_evaluation.membership.targets import Targets
from synthx_evaluation.neighbours import nearest, standard

__all__ = ["FEWEST_EACH", "Strata", "groups", "outlier_deciles", "remoteness"]

FEWEST_EACH = 30
"""Members and non-members each that a stratum needs."""

_NEIGHBOURS = 5
_MOST_GROUPS = 20
"""Groups of one column: the most frequent ones."""


@dataclasses.dataclass(frozen=True, slots=True)
class Strata:
    """Parts of the rows, which may overlap.

    Parameters
    ----------
    names : tuple of (str, str)
        Column and level of each.
    rows : array (strata, n)
        Which rows belong to each.
    left_out : int
        Parts with too few rows.
    """

    names: tuple[tuple[str, str], ...]
    rows: Bools
    left_out: int = 0


def remoteness(comparison: Comparison, targets: Targets) -> Floats:
    """Return the mean distance of each row to the five nearest other real rows, (n,).

    M. Meeus, F. Guépin, A.-M. Creţu, Y.-A. de Montjoye, "Achilles' heels", ESORICS 2023, arXiv:2306.10308: the remotest
    rows are the most exposed. Whether a row is a member does not count.
    """
    geometry = standard(comparison.tables)
    rows, real = geometry.points(targets.rows), geometry.points(comparison.tables.real)
    found = nearest(rows, real, geometry, _NEIGHBOURS + 1).distance[:, 1:]  # the nearest is the row itself
    return np.asarray(found.mean(axis=1))


def outlier_deciles(comparison: Comparison, targets: Targets) -> Bools:
    """Return which rows lie in each tenth by their remoteness, (10, n); the last tenth is the farthest out."""
    order = np.argsort(remoteness(comparison, targets), kind="stable")
    decile = np.empty(len(order), dtype=np.intp)
    decile[order] = np.arange(len(order)) * 10 // len(order)
    return np.asarray(decile == np.arange(10)[:, None])


def groups(comparison: Comparison, targets: Targets) -> Strata:
    """Return the groups of each protected column: its levels, quarters of its numbers, and the missing ones."""
    names: list[tuple[str, str]] = []
    rows: list[Bools] = []
    left_out = 0
    for name in comparison.protected:
        if name not in comparison.tables.names:
            continue
        parts = _parts(comparison, targets.rows, comparison.tables.names.index(name))
        parts = sorted(((label, inside) for label, inside in parts if inside.any()), key=lambda part: -part[1].sum())
        kept = [part for part in parts[:_MOST_GROUPS] if _fewest(part[1], targets.member) >= FEWEST_EACH]
        names += [(name, label) for label, _ in kept]
        rows += [inside for _, inside in kept]
        left_out += len(parts) - len(kept)
    return Strata(tuple(names), np.array(rows, dtype=bool).reshape(len(rows), len(targets.rows)), left_out)


def _fewest(inside: Bools, member: Bools) -> int:
    return int(min((inside & member).sum(), (inside & ~member).sum()))


def _parts(comparison: Comparison, rows: Floats, j: int) -> list[tuple[str, NDArray[np.bool_]]]:
    cells, tables = rows[:, j], comparison.tables
    missing = ("(missing)", np.isnan(cells))
    if tables.discrete[j]:
        return [*((label, cells == level) for level, label in enumerate(tables.levels[j])), missing]
    real = tables.real[:, j]
    if np.isnan(real).all():
        return [missing]
    quarter = np.searchsorted(np.nanquantile(real, (0.25, 0.5, 0.75)), cells)
    labels = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
    return [*((label, (quarter == q) & ~missing[1]) for q, label in enumerate(labels)), missing]
