"""Whether training sequences stand among the synthetic ones: word for word, or nearly, by dynamic time warping."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from synthx.schema import Column, Kind
from synthx_evaluation.disclosure import COPIES, COPIES_EXCESS, RowKeys, copied, row_keys
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.features import Features
from synthx_evaluation.sequences.tensor import Places, Sequences
from synthx_evaluation.sequences.warping import standard_steps, warped
from synthx_evaluation.statistics import wilson_interval

__all__ = ["NEAREST", "SEQUENCE_COPIES", "SEQUENCE_COPIES_EXCESS", "nearest", "sequence_copies", "sequence_keys"]

NEAREST = Definition("SEQ-NEAREST", "1.0", "Nearest real sequence is a training one", Better.LOWER)
SEQUENCE_COPIES = Definition("SEQ-COPIES", "1.0", "Synthetic sequences that equal a training sequence", Better.LOWER)
SEQUENCE_COPIES_EXCESS = Definition(
    "SEQ-COPIES-EXCESS", "1.0", "Training sequences found, beyond holdout sequences found", Better.LOWER
)

MOST_SEQUENCES = 300
"""Synthetic sequences whose nearest real one is looked for."""

CANDIDATES = 20
"""Real sequences, nearest by their features, among which the nearest by time warping is looked for."""

_FEWEST = 20
_CLIP = 5.0


# -- word for word ----------------------------------------------------------------------------------------------


def sequence_copies(comparison: SequenceComparison) -> list[Measure]:
    """Count sequences that equal a training sequence in all columns of all steps, as `DISC-COPIES` counts rows.

    Of the time column the elapsed time counts, so that a copy that is moved in time is still a copy.
    """
    records = copied(*sequence_keys(comparison), seed=comparison.seed)
    found = {COPIES.id: SEQUENCE_COPIES, COPIES_EXCESS.id: SEQUENCE_COPIES_EXCESS}
    return [_of_sequences(record, found[record.id]) for record in records]


def _of_sequences(record: Measure, definition: Definition) -> Measure:
    details = {
        name.replace("_rows", "_sequences").replace("_row", "_sequence"): value
        for name, value in record.details.items()
        if name != "n_is"
    }
    n_is = "training sequences" if definition is SEQUENCE_COPIES_EXCESS else "sequences"
    return dataclasses.replace(
        record,
        id=definition.id,
        version=definition.version,
        title=definition.title,
        details={**details, "n_is": n_is} if details else {},
    )


def sequence_keys(comparison: SequenceComparison) -> tuple[RowKeys, RowKeys, RowKeys | None]:
    """Return one 64-bit key a sequence of all synthetic, training and holdout ones."""
    first = comparison.whole[0]
    elapsed = Column(name="elapsed", kind=Kind.DECIMAL, dtype="float64")
    columns, levels = (*first.columns, elapsed), (*first.levels, ())
    parts = [
        np.column_stack([part.cells, part.times - np.repeat(part.times[part.starts], part.lengths)])
        for part in comparison.whole
    ]
    keys = row_keys(comparison.of_rows(columns, levels, parts).tables)
    joined = [_joined(key, part) for key, part in zip(keys, comparison.whole, strict=False) if key is not None]
    return joined[0], joined[1], joined[2] if len(joined) > 2 else None


def _joined(keys: RowKeys, sequences: Sequences) -> RowKeys:
    """Add up a hash of every row's key and step number; equal sequences have equal sums (modulo 2^64)."""
    rows = pd.DataFrame({"key": keys, "step": sequences.positions})
    mixed = np.asarray(pd.util.hash_pandas_object(rows, index=False), dtype=np.uint64)
    return np.add.reduceat(mixed, sequences.starts)


# -- nearly -----------------------------------------------------------------------------------------------------


def nearest(comparison: SequenceComparison, features: Features) -> list[Measure]:
    """Count synthetic sequences whose nearest real sequence is a training one rather than a holdout one.

    Up to 300 synthetic sequences are looked at, and all real ones: the 20 nearest by standardised features, and of
    these the nearest by dynamic time warping (Sakoe-Chiba band of a tenth of the length, at most the first 200 steps,
    numbers as standard scores, missing cells at the mean). A generator that is blind to single sequences meets any
    real sequence as its nearest alike, so it scores the share of training sequences among the real ones, which is the
    anchor; one that copies scores 1.
    """
    seed = comparison.seed
    if comparison.holdout is None:
        return [NEAREST.not_applicable("not assessable without holdout", seed=seed)]
    if not len(comparison.synthetic.numbers):
        return [NEAREST.not_applicable("no step column holds numbers", seed=seed)]
    fewest = min(len(part) for part in comparison.parts)
    if fewest < _FEWEST:
        return [NEAREST.skipped(f"needs {_FEWEST} sequences of each table, the smallest has {fewest}", seed=seed)]
    count = min(len(comparison.synthetic), MOST_SEQUENCES)
    candidates = _candidates(features, count)  # (count, candidates), training ones first
    steps = [standard_steps(comparison, part) for part in comparison.parts]
    distance = warped(steps[0][:count], [*steps[1], *steps[2]], candidates)
    trained = np.take_along_axis(candidates, distance.argmin(axis=1)[:, None], axis=1)[:, 0] < len(comparison.train)
    hits, real = int(trained.sum()), len(comparison.train) + len(comparison.holdout)
    return [
        NEAREST.computed(
            hits / count,
            interval=wilson_interval(hits, count),
            anchor=len(comparison.train) / real,
            n=count,
            seed=seed,
            details={
                "n_is": "sequences",
                "nearest_is_training": hits,
                "training_sequences": len(comparison.train),
                "holdout_sequences": len(comparison.holdout),
                "candidates": candidates.shape[1],
                "median_distance": float(np.median(distance.min(axis=1))),
            },
        )
    ]


def _candidates(features: Features, count: int) -> Places:
    """Return the real sequences nearest to each of the first `count` synthetic ones by features."""
    from sklearn.neighbors import NearestNeighbors

    real = np.concatenate(features.parts[1:])
    known = np.where(np.isnan(real).all(axis=0), 0.0, real)
    centre, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    scale = np.where(scale > 0, scale, 1.0)

    def scores(rows: Floats) -> Floats:
        return np.asarray(np.nan_to_num(np.clip((rows - centre) / scale, -_CLIP, _CLIP)))

    index = NearestNeighbors(n_neighbors=min(CANDIDATES, len(real)), algorithm="brute").fit(scores(real))
    return np.asarray(index.kneighbors(scores(features.parts[0][:count]), return_distance=False), dtype=np.intp)
