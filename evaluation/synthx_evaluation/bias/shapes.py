"""Whether each group's own rows are as well imitated as the others': column shapes within groups.

A generator may get the whole table right and a small group wrong, by lending it the majority's incomes. Within a group
the synthetic rows are compared with the holdout rows of the same group, and so are as many training rows (the anchor):
small groups differ more by chance, and the anchor tells how much.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from synthx_evaluation.bias.groups import Codes, Groups, protected_groups
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, LevelCap, Tables
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import jackknife_variance, ks_distance, normal_interval, tv_distance

__all__ = ["GROUP_SHAPE", "group_shapes"]

GROUP_SHAPE = Definition("BIAS-SHAPE", "1.0", "Column shapes within the group furthest behind real rows", Better.HIGHER)

FEWEST = 40
"""Rows of a group in each table, for its shapes to be compared."""

_BLOCKS = 20
_GRID = 200
_MOST_LEVELS = 254
_WORST = 3


@dataclasses.dataclass(frozen=True, slots=True)
class _Coding:
    """Turns cells into codes; missing is the last code of its column.

    Parameters
    ----------
    cap : LevelCap
        Joins the levels of columns that have very many.
    sizes : tuple of int
        Codes of each column.
    edges : tuple
        Where the codes of a number begin, the first apart; None for levels.
    """

    cap: LevelCap
    sizes: tuple[int, ...]
    edges: tuple[Floats | None, ...]

    @classmethod
    def fit(cls, tables: Tables) -> _Coding:
        """Cut numbers at 200 quantiles of the real rows: finer steps than groups of some thousand rows can show."""
        edges = [None if discrete else _cuts(tables.real[:, j]) for j, discrete in enumerate(tables.discrete)]
        sizes = [
            min(len(labels), _MOST_LEVELS) + 1 if cuts is None else len(cuts) + 2
            for cuts, labels in zip(edges, tables.levels, strict=True)
        ]
        return cls(tables.cap(_MOST_LEVELS), tuple(sizes), tuple(edges))

    def __call__(self, rows: Floats) -> Codes:
        """Return the codes of encoded rows, (rows, d)."""
        coded = self.cap(rows)
        for j, cuts in enumerate(self.edges):
            missing = np.isnan(coded[:, j])
            if cuts is not None:
                coded[:, j] = np.searchsorted(cuts, coded[:, j], side="right")
            coded[missing, j] = self.sizes[j] - 1
        return coded.astype(np.intp)


def _cuts(cells: Floats) -> Floats:
    known = cells[~np.isnan(cells)]
    if not len(known):
        return np.empty(0)
    return np.asarray(np.unique(np.quantile(known, np.arange(1, _GRID) / _GRID, method="inverted_cdf")))


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """One group's shapes."""

    groups: Groups
    label: str
    value: float
    interval: tuple[float, float]
    anchor: float | None
    rows: int
    columns: dict[str, tuple[float, float | None]]
    """Value and anchor of every column."""

    @property
    def behind(self) -> float:
        return (1.0 if self.anchor is None else self.anchor) - self.value

    def details(self) -> dict[str, Any]:
        worst = sorted(self.columns, key=lambda name: self.columns[name][0] - (self.columns[name][1] or 0.0))[:_WORST]
        return {
            "value": self.value,
            "interval": self.interval,
            "anchor": self.anchor,
            "behind_real": None if self.anchor is None else self.behind,
            "rows": self.rows,
            "worst_columns": {
                name: {"value": self.columns[name][0], "anchor": self.columns[name][1]} for name in worst
            },
        }


def group_shapes(comparison: Comparison) -> list[Measure]:
    """Compare the distribution of every other column within every group of every protected column.

    1 minus the Kolmogorov-Smirnov distance for numbers and times (on 200 quantiles), 1 minus the total variation
    distance for levels, averaged over the columns; in [0, 1]. The value is that of the group which is furthest behind
    its anchor: synthetic and training rows of a group, as many of either, against its holdout rows.
    """
    seed, tables = comparison.seed, comparison.equal
    found, left_out = protected_groups(comparison)
    if not found:
        reason = "no protected column is named" if not left_out else "; ".join(left_out.values())
        return [GROUP_SHAPE.not_applicable(reason, seed=seed)]
    if len(tables.columns) < 2:
        return [GROUP_SHAPE.not_applicable("the protected column is the only one to compare", seed=seed)]
    coding = _Coding.fit(comparison.tables)
    real = [tables.train, tables.holdout] if tables.holdout is not None else [tables.train]
    sides = [(rows, coding(rows)) for rows in (tables.synthetic, *real)]
    shapes, too_few = [], []
    for groups in found:
        others = np.flatnonzero(~np.isin(tables.names, groups.columns))  # the other columns
        inside = [groups.of(rows) for rows, _ in sides]
        for group, label in enumerate(groups.labels):
            parts = [codes[at == group] for (_, codes), at in zip(sides, inside, strict=True)]
            if min(map(len, parts)) < FEWEST:
                too_few.append(f"{groups.name} = {label}")
            else:
                shapes.append(_found(groups, label, parts, coding, others, tables.names))
    if not shapes:
        reason = f"no group has {FEWEST} synthetic and {FEWEST} real rows"
        return [GROUP_SHAPE.skipped(reason, seed=seed)]
    worst = max(shapes, key=lambda shape: shape.behind)
    columns: dict[str, dict[str, Any]] = {groups.name: {} for groups in found}
    for shape in shapes:
        columns[shape.groups.name][shape.label] = shape.details()
    return [
        GROUP_SHAPE.computed(
            worst.value,
            interval=worst.interval,
            anchor=worst.anchor,
            n=worst.rows,
            seed=seed,
            details={
                "n_is": "synthetic rows of the group",
                "reference": comparison.reference_name,
                "column": worst.groups.name,
                "group": worst.label,
                "columns": columns,
                "too_few_rows": too_few,
                "left_out": left_out,
            },
        )
    ]


def _found(
    groups: Groups, label: str, parts: list[Codes], coding: _Coding, others: Codes, names: tuple[str, ...]
) -> _Found:
    """Compare a group's synthetic rows, training rows and (where there are any) holdout rows, as codes."""
    anchored = len(parts) == 3
    reference = parts[-1]
    rows = min(len(parts[0]), len(parts[1])) if anchored else len(parts[0])
    columns: dict[str, tuple[float, float | None]] = {}
    without: list[list[Floats]] = [[], []]
    for j in others.tolist():
        size, distance = coding.sizes[j], tv_distance if coding.edges[j] is None else ks_distance
        made, real = (_blocks(part[:, j], size) for part in (parts[0][:rows], reference))
        whole_made, whole_real = _shares(made.sum(axis=0)), _shares(real.sum(axis=0))
        anchor = None
        if anchored:
            trained = np.bincount(parts[1][:rows, j], minlength=size).astype(np.float64)
            anchor = 1.0 - float(distance(_shares(trained), whole_real))
        columns[names[j]] = (1.0 - float(distance(whole_made, whole_real)), anchor)
        without[0].append(1.0 - distance(_shares(made.sum(axis=0) - made), whole_real))
        without[1].append(1.0 - distance(whole_made, _shares(real.sum(axis=0) - real)))
    value = float(np.mean([value for value, _ in columns.values()]))
    variance = sum(float(jackknife_variance(np.mean(side, axis=0))) for side in without)
    anchors = [anchor for _, anchor in columns.values() if anchor is not None]
    return _Found(
        groups, label, value, normal_interval(value, variance), float(np.mean(anchors)) if anchors else None, rows,
        columns,
    )  # fmt: skip


def _blocks(codes: Codes, size: int) -> Floats:
    """Count codes in each of 20 blocks of rows, (blocks, size)."""
    block = np.arange(len(codes)) * _BLOCKS // len(codes)
    return np.bincount(block * size + codes, minlength=_BLOCKS * size).reshape(_BLOCKS, size).astype(np.float64)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))
