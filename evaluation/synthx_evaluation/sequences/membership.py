"""Whether entities that the generator saw can be told from others by what it wrote: attacks on whole sequences.

What matters is who is one of the patients, not which visit was learned, and all rows of an entity tell.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import Copies
from synthx_evaluation.membership.battery import Scores, attack
from synthx_evaluation.membership.distance import closest, log_ratio
from synthx_evaluation.membership.evidence import PERMUTATIONS, Evidence, draw_labels, gather
from synthx_evaluation.membership.outcomes import area_measure, with_copies
from synthx_evaluation.membership.targets import Targets, draw_targets
from synthx_evaluation.neighbours import Neighbours, nearest, standard
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import MOST_ENTITIES, SequenceComparison
from synthx_evaluation.sequences.features import Features, features_of, joined
from synthx_evaluation.sequences.nearest import sequence_keys
from synthx_evaluation.sequences.tensor import Places
from synthx_evaluation.sequences.warping import standard_steps, warped

__all__ = ["BY_FEATURES", "BY_WARPING", "MAXIMUM", "entity_membership"]

MAXIMUM = Definition("SEQ-MIA-MAX", "1.0", "Strongest membership attack on entities (AUC)", Better.HALF)
BY_FEATURES = Definition("SEQ-MIA-FEATURES", "1.0", "Membership of entities by features (AUC)", Better.HALF)
BY_WARPING = Definition("SEQ-MIA-WARPING", "1.0", "Membership of entities by time warping (AUC)", Better.HALF)

MOST = 500
"""Members and non-members each that are asked about."""

CANDIDATES = 20
"""Sequences, nearest by their features, among which the nearest by time warping is looked for."""

_WARPING = "warping"


def entity_membership(
    comparison: SequenceComparison, features: Features, *, permutations: int = PERMUTATIONS
) -> list[Measure]:
    """Attack the synthetic sequences by their features and by their course.

    One row an entity, its static columns and features, goes through the whole quick battery of
    `synthx_evaluation.membership`. Besides, by dynamic time warping, the distance to the nearest synthetic sequence,
    alone and over that to the nearest of the attacker's reference sequences, each among the 20 nearest by standardised
    features. Non-members and reference are one half of the holdout each; up to 500 members are drawn. Exact copies are
    looked up among all sequences. SEQ-MIA-MAX is the strongest of all, with a permutation null that corrects for the
    choice.
    """
    seed = comparison.seed
    if comparison.holdout is None:
        return _skipped("not assessable without a holdout: there are no non-members to compare with", seed)
    comparison, features = _all_synthetic(comparison, features)
    tables = joined(comparison, features)
    targets = draw_targets(tables, MOST)
    if isinstance(targets, str):
        return _skipped(targets.replace(" rows", " sequences"), seed)
    by_features, by_warping = attack(tables, targets), _by_warping(comparison, tables, targets)
    scores = by_features if by_warping is None else _beside(by_features, by_warping)
    labels = draw_labels(targets.member, permutations, tables.generator(MAXIMUM.id))
    evidence = gather(scores.values, targets.member, labels)
    p_value = with_copies(evidence.p_value, _copies(comparison))
    places, of_features = np.arange(len(scores.attacks)), len(by_features.attacks)
    found = [
        _record(MAXIMUM, scores, targets, evidence, places, seed, p_value),
        _record(BY_FEATURES, scores, targets, evidence, places[:of_features], seed),
    ]
    if by_warping is None:
        return [*found, BY_WARPING.not_applicable("no step column holds numbers", seed=seed)]
    return [*found, _record(BY_WARPING, scores, targets, evidence, places[of_features:], seed)]


def _skipped(reason: str, seed: int) -> list[Measure]:
    return [definition.skipped(reason, seed=seed) for definition in (MAXIMUM, BY_FEATURES, BY_WARPING)]


def _copies(comparison: SequenceComparison) -> Copies:
    synthetic, train, holdout = sequence_keys(comparison)
    assert holdout is not None
    return Copies.of(synthetic, train, holdout)


def _record(
    definition: Definition,
    scores: Scores,
    targets: Targets,
    evidence: Evidence,
    columns: Places,
    seed: int,
    p_value: float | None = None,
) -> Measure:
    own, areas = scores.of(columns), evidence.area[columns, 0].tolist()
    pairs = zip(own.attacks, own.geometries, areas, strict=True)
    details = {
        "n_is": "members and as many non-members: entities",
        "reference_sequences": len(targets.reference),
        "all": [{"attack": code, "geometry": name, "auc": area} for code, name, area in pairs],
    }
    return area_measure(definition, own, targets.member, evidence.of(columns), seed, p_value=p_value, details=details)


def _all_synthetic(comparison: SequenceComparison, features: Features) -> tuple[SequenceComparison, Features]:
    """Return the comparison with all synthetic sequences, where fewer are compared: an attacker has them all."""
    whole = comparison.whole[0]
    if min(len(whole), MOST_ENTITIES) == len(comparison.synthetic):
        return comparison, features
    order = comparison.generator("all synthetic").permutation(len(whole))[:MOST_ENTITIES]
    comparison = dataclasses.replace(comparison, synthetic=whole.take(order))
    return comparison, features_of(comparison)


def _by_warping(comparison: SequenceComparison, tables: Comparison, targets: Targets) -> Scores | None:
    if not len(comparison.synthetic.numbers):
        return None
    synthetic, train, holdout = (standard_steps(comparison, part) for part in comparison.parts)
    real = [*train, *holdout]
    geometry = standard(tables.tables)
    rows = geometry.points(targets.rows)
    queries = [real[place] for place in targets.place]

    def found(others: list[np.ndarray], features: np.ndarray) -> Neighbours:
        candidates = nearest(rows, geometry.points(features), geometry, CANDIDATES).index
        distance = warped(queries, others, candidates).min(axis=1, keepdims=True)
        return Neighbours(distance, np.zeros(distance.shape, dtype=np.intp))

    to_synthetic = found(synthetic, targets.synthetic)
    to_reference = found([real[place] for place in targets.reference_place], targets.reference)
    return Scores(
        ("MIA-DCR", "MIA-LOGRATIO"),
        (_WARPING, _WARPING),
        np.column_stack([closest(to_synthetic), log_ratio(to_synthetic, to_reference, 1)]),
    )


def _beside(one: Scores, other: Scores) -> Scores:
    return Scores(
        one.attacks + other.attacks, one.geometries + other.geometries, np.column_stack([one.values, other.values])
    )
