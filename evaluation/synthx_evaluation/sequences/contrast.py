"""Distances between sums over sequences, with a jackknife over entities and the anchor of real sequences.

A statistic of sequences (an autocorrelation, a table of transitions, a spectrum) is a function of sums over entities.
So it is enough to add up each of twenty groups of entities once: the statistic without a group is that of the total
less the group's sums. Leaving out whole entities keeps the interval honest, for rows of one entity are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.tensor import Sequences
from synthx_evaluation.statistics import jackknife_variance, normal_interval

__all__ = ["GROUPS", "contrast", "group_sums"]

GROUPS = 20
"""Groups of entities that the jackknife leaves out in turn."""


def contrast(
    comparison: SequenceComparison,
    definition: Definition,
    sums: Callable[[Sequences], Floats],
    distance: Callable[[Floats, Floats], Floats],
    names: Mapping[int, str],
    *,
    likeness: bool = False,
    reason: str,
    details: Mapping[str, Any] | None = None,
) -> Measure:
    """Compare sums of synthetic sequences with those of the reference, and those of training sequences likewise.

    Parameters
    ----------
    sums : callable
        From sequences to (groups, ...), what each of `GROUPS` groups of entities adds.
    distance : callable
        From two such totals (..., cells) to a distance for each part, (..., parts); NaN where there is too little to
        compare. Parts that any of the tables leaves NaN are left out of the mean.
    names : mapping
        What each part is called in the details.
    likeness : bool
        Report 1 minus the distance.
    reason : str
        Why there is no value where no part can be compared.
    """
    synthetic, reference = sums(comparison.synthetic), sums(comparison.reference)
    train = None if comparison.holdout is None else sums(comparison.train)
    full, real = synthetic.sum(axis=0), reference.sum(axis=0)
    value = distance(full, real)  # (parts,)
    anchor = None if train is None else distance(train.sum(axis=0), real)
    usable = ~np.isnan(value) & (True if anchor is None else ~np.isnan(anchor))
    if not usable.any():
        return definition.skipped(reason, seed=comparison.seed)
    without = [distance(full - synthetic, real), distance(full, real - reference)]  # each (groups, parts)
    sign, base = (-1.0, 1.0) if likeness else (1.0, 0.0)
    variance = sum(
        float(jackknife_variance(np.where(np.isnan(part), value, part)[:, usable].mean(axis=1))) for part in without
    )
    mean = base + sign * float(value[usable].mean())
    enough = min(len(comparison.synthetic), len(comparison.reference)) >= GROUPS
    parts = {
        name: {
            "value": base + sign * float(value[i]),
            "anchor": None if anchor is None else base + sign * float(anchor[i]),
        }
        for i, name in names.items()
        if usable[i]
    }
    return definition.computed(
        mean,
        interval=normal_interval(mean, variance, high=np.inf if not likeness else 1.0) if enough else None,
        anchor=None if anchor is None else base + sign * float(anchor[usable].mean()),
        n=len(comparison.synthetic),
        seed=comparison.seed,
        details={
            "reference": comparison.reference_name,
            "n_is": "sequences",
            **(details or {}),
            "parts": parts,
            "left_out": [name for i, name in names.items() if not usable[i]],
        },
    )


def group_sums(values: Floats, groups: np.ndarray[Any, Any]) -> Floats:
    """Add up rows group by group; `groups` ascend, (GROUPS, ...)."""
    total = np.zeros((GROUPS, *values.shape[1:]))
    if len(groups):
        present, first = np.unique(groups, return_index=True)
        total[present] = np.add.reduceat(values, first, axis=0)
    return total
