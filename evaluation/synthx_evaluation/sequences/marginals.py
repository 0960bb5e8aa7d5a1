"""How like the real ones synthetic sequences are before anything moves: steps, time positions, features, lengths.

Each is 1 minus a distance between distributions, as `FID-SHAPE`: Kolmogorov-Smirnov for numbers, total variation for
levels, missing as a value of its own.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx.schema import Column, Kind
from synthx_evaluation.encoding import Floats
from synthx_evaluation.fidelity import shapes
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.contrast import GROUPS, contrast
from synthx_evaluation.sequences.features import Features, static_rows
from synthx_evaluation.sequences.tensor import Places, Sequences
from synthx_evaluation.statistics import ks_distance, tv_distance

__all__ = [
    "FEATURES", "GAPS", "LENGTHS", "POSITIONS", "STATIC", "STEPS", "feature_shapes", "gaps", "lengths", "positions",
    "static_shapes", "steps",
]  # fmt: skip

STEPS = Definition("SEQ-STEPS", "1.0", "Step columns, all steps together", Better.HIGHER)
POSITIONS = Definition("SEQ-POSITIONS", "1.0", "Step columns, step number by step number", Better.HIGHER)
FEATURES = Definition("SEQ-FEATURES", "1.0", "Features of sequences", Better.HIGHER)
LENGTHS = Definition("SEQ-LENGTHS", "1.0", "Lengths", Better.HIGHER)
GAPS = Definition("SEQ-GAPS", "1.0", "Times between steps", Better.HIGHER)
STATIC = Definition("SEQ-STATIC", "1.0", "Static columns", Better.HIGHER)

_MOST_POSITIONS = 50
_FEWEST_AT_A_POSITION = 50
_BINS = 100


# -- distributions of rows --------------------------------------------------------------------------------------


def steps(comparison: SequenceComparison) -> list[Measure]:
    """Compare the distribution of every step column over all steps; a long sequence counts by its length."""
    places = comparison.synthetic.steps
    if not len(places):
        return [STEPS.not_applicable("all columns are static", seed=comparison.seed)]
    return [_shapes(comparison, STEPS, places, [part.cells[:, places] for part in comparison.parts], "steps")]


def static_shapes(comparison: SequenceComparison) -> list[Measure]:
    """Compare the distribution of every static column over entities (the first row counts).

    ``varying`` in the details names static columns that change within some synthetic entities, with the share of
    entities in which they do; 0 is expected, and the value does not punish it.
    """
    places = comparison.synthetic.static
    if not len(places):
        return [STATIC.not_applicable("the schema has no static column", seed=comparison.seed)]
    measure = _shapes(comparison, STATIC, places, [static_rows(part) for part in comparison.parts], "sequences")
    return [dataclasses.replace(measure, details={**measure.details, "varying": comparison.varying})]


def feature_shapes(comparison: SequenceComparison, features: Features) -> list[Measure]:
    """Compare the distribution of every feature of sequences (see `features_of`)."""
    return [_renamed(shapes(features.comparison(comparison))[0], FEATURES, "sequences")]


def lengths(comparison: SequenceComparison) -> list[Measure]:
    """Compare how many steps sequences have."""
    return [_single(comparison, LENGTHS, "steps", [part.lengths.astype(float) for part in comparison.parts])]


def gaps(comparison: SequenceComparison) -> list[Measure]:
    """Compare the times from step to step, all sequences together."""
    if not comparison.synthetic.timed:
        return [GAPS.not_applicable("the schema has no time column", seed=comparison.seed)]
    found = [part.gaps() for part in comparison.parts]
    if not all(len(part) for part in found):
        return [GAPS.skipped("one of the tables has no entity of two steps", seed=comparison.seed)]
    return [_single(comparison, GAPS, "gap", found)]


def _shapes(
    comparison: SequenceComparison, definition: Definition, places: Places, parts: list[Floats], n_is: str
) -> Measure:
    columns = tuple(comparison.synthetic.columns[j] for j in places)
    levels = tuple(comparison.synthetic.levels[j] for j in places)
    return _renamed(shapes(comparison.of_rows(columns, levels, parts))[0], definition, n_is)


def _single(comparison: SequenceComparison, definition: Definition, name: str, parts: list[Floats]) -> Measure:
    column = Column(name=name, kind=Kind.DECIMAL, dtype="float64")
    measure = _renamed(
        shapes(comparison.of_rows((column,), ((),), [part[:, None] for part in parts]))[0], definition, name
    )
    means = {
        f"mean_{side}": float(np.nanmean(part)) if not np.isnan(part).all() else None
        for side, part in zip(("synthetic", "train", "holdout"), parts, strict=False)
    }
    return dataclasses.replace(measure, details={**measure.details, **means})


def _renamed(measure: Measure, definition: Definition, n_is: str) -> Measure:
    return dataclasses.replace(
        measure,
        id=definition.id,
        version=definition.version,
        title=definition.title,
        better=definition.better,
        details={**measure.details, "n_is": n_is},
    )


# -- position by position ---------------------------------------------------------------------------------------


def positions(comparison: SequenceComparison) -> list[Measure]:
    """Compare the distribution of every step column at every step number, and average.

    Step numbers that fewer than 50 sequences of any table reach are left out; of more than 50 step numbers 50 are
    looked at, evenly spread. Numbers are cut into at most 100 quantile bins of the real rows.
    """
    first = comparison.synthetic
    if not len(first.steps):
        return [POSITIONS.not_applicable("all columns are static", seed=comparison.seed)]
    deep = min(int(np.sort(part.lengths)[-_FEWEST_AT_A_POSITION:][0]) for part in comparison.parts)
    if min(len(part) for part in comparison.parts) < _FEWEST_AT_A_POSITION:
        reason = f"needs {_FEWEST_AT_A_POSITION} sequences of each table"
        return [POSITIONS.skipped(reason, seed=comparison.seed)]
    chosen = np.unique(np.linspace(0, deep - 1, min(deep, _MOST_POSITIONS)).round().astype(np.intp))
    edges = {int(j): _edges(comparison.real[:, j]) for j in first.numbers}
    width = max([_BINS + 1, *(len(first.levels[j]) + 1 for j in first.discrete)])
    ordered = np.isin(first.steps, first.numbers)

    def sums(sequences: Sequences) -> Floats:
        return _histograms(sequences, chosen, edges, width)

    def distance(a: Floats, b: Floats) -> Floats:
        p, q = (counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0) for counts in (a, b))
        both = np.where(ordered[:, None], ks_distance(p, q), tv_distance(p, q))  # (..., columns, positions)
        return np.asarray(both.mean(axis=-1))

    names = dict(enumerate(first.names(first.steps)))
    details = {"step_numbers": len(chosen), "last_step_number": int(chosen[-1]) + 1}
    return [contrast(comparison, POSITIONS, sums, distance, names, likeness=True, reason="", details=details)]


def _edges(values: Floats) -> Floats:
    values = values[~np.isnan(values)]
    return np.unique(np.quantile(values, np.arange(1, _BINS) / _BINS)) if len(values) else np.zeros(0)


def _histograms(sequences: Sequences, chosen: Places, edges: dict[int, Floats], width: int) -> Floats:
    """Count cells by group of entities, column, step number and bin; (groups, columns, positions, width)."""
    place = np.full(int(sequences.lengths.max()) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    rows = np.flatnonzero(place[sequences.positions] >= 0)
    cell = sequences.groups(GROUPS)[rows] * len(chosen) + place[sequences.positions[rows]]
    counts = np.empty((GROUPS, len(sequences.steps), len(chosen), width))
    for i, j in enumerate(sequences.steps):
        values = sequences.cells[rows, j]
        missing = np.isnan(values)
        filled = np.where(missing, 0.0, values)
        bins = np.searchsorted(edges[int(j)], filled) if int(j) in edges else filled.astype(np.intp)
        codes = cell * width + np.where(missing, width - 1, bins)
        counts[:, i] = np.bincount(codes, minlength=GROUPS * len(chosen) * width).reshape(GROUPS, len(chosen), width)
    return counts
