"""Measures of rows, taken on one row an entity: told apart, of use, static columns beside what happens."""

from __future__ import annotations

import dataclasses

from synthx_evaluation.detection import detection
from synthx_evaluation.fidelity import pairs
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.sequences.features import Features, joined
from synthx_evaluation.utility import AUC, AVERAGE_PRECISION, R_SQUARED, utility

__all__ = ["ASSOCIATION", "C2ST", "UTILITY", "association", "sequence_c2st", "sequence_utility"]

C2ST = Definition("SEQ-C2ST", "1.0", "Told apart by features and static columns (AUC)", Better.HALF)
ASSOCIATION = Definition("SEQ-ASSOCIATION", "1.0", "Static columns with features, by association", Better.HIGHER)
UTILITY = {
    item.id: dataclasses.replace(item, id=f"SEQ-{item.id}", title=f"Sequences: {item.title[0].lower()}{item.title[1:]}")
    for item in (*AUC.values(), *AVERAGE_PRECISION.values(), *R_SQUARED.values())
}


def sequence_c2st(comparison: SequenceComparison, features: Features) -> list[Measure]:
    """Train a boosted classifier to tell synthetic sequences from real ones by their features and static columns.

    As `synthx_evaluation.detection.detection`, one row an entity: five-fold cross-fitted area under the ROC curve, 0.5
    cannot be told apart. ``giveaways`` in the details names the features without which the classifier does worst.
    """
    return [_of_sequences(measure, C2ST) for measure in detection(joined(comparison, features))]


def sequence_utility(comparison: SequenceComparison, features: Features) -> list[Measure]:
    """Predict a static target from features and the other static columns: train on synthetic, test on the holdout.

    As `synthx_evaluation.utility.utility`, one row an entity; the anchor is a model of as many real entities.
    """
    target = comparison.target
    if target is not None and not target.static:
        reason = f"the target {target.name!r} changes from step to step"
        return [item.not_applicable(reason, seed=comparison.seed) for item in UTILITY.values()]
    found = utility(joined(comparison, features))
    return [_of_sequences(measure, UTILITY[measure.id]) for measure in found if measure.id in UTILITY]


def association(comparison: SequenceComparison, features: Features) -> list[Measure]:
    """Compare the joint distribution of every static column with every feature and every later static column.

    As ``FID-PAIRS-ASSOC``: 1 minus the total variation distance of the contingency tables, weighted by the
    bias-corrected Cramér's V of the real entities, so that only pairs count that have to do with each other.
    """
    static = len(comparison.synthetic.static)
    if not static:
        return [ASSOCIATION.not_applicable("the schema has no static column", seed=comparison.seed)]
    return [_of_sequences(pairs(joined(comparison, features), leading=static)[1], ASSOCIATION)]


def _of_sequences(measure: Measure, definition: Definition) -> Measure:
    """Return a measure of rows as one of sequences, one row each."""
    names = {name.replace("_rows", "_sequences"): value for name, value in measure.details.items()}
    return dataclasses.replace(
        measure,
        id=definition.id,
        version=definition.version,
        title=definition.title,
        reason=measure.reason.replace(" rows", " sequences"),
        details=names and {**names, "n_is": "sequences"},
    )
