"""Membership inference: whether rows that the generator saw can be told from rows that it did not see."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import Copies, row_keys
from synthx_evaluation.membership.battery import Scores, attack
from synthx_evaluation.membership.evidence import PERMUTATIONS, Bools, Evidence, draw_labels, gather
from synthx_evaluation.membership.outcomes import area_measure, rate_measure, with_copies
from synthx_evaluation.membership.strata import FEWEST_EACH, groups, outlier_deciles
from synthx_evaluation.membership.targets import Targets, draw_targets
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["ATTACKS", "GROUPS", "MAXIMUM", "OUTLIERS", "RATES", "membership"]

MAXIMUM = Definition("MIA-MAX", "1.0", "Strongest membership attack (AUC)", Better.HALF)
ATTACKS = (
    Definition("MIA-DCR", "1.0", "Membership by distance (AUC)", Better.HALF),
    Definition("MIA-LOGRATIO", "1.0", "Membership by ratio of distances (AUC)", Better.HALF),
    Definition("MIA-DENSITY", "1.0", "Membership by density (AUC)", Better.HALF),
    Definition("MIA-DOMIAS", "1.0", "Membership by ratio of densities (AUC)", Better.HALF),
    Definition("MIA-GENLRA", "1.0", "Membership by influence (AUC)", Better.HALF),
    Definition("MIA-CLASSIFIER", "1.0", "Membership by classifier (AUC)", Better.HALF),
    Definition("MIA-EXACTNESS", "1.0", "Membership by equal cells (AUC)", Better.HALF),
)
RATES = tuple(
    (alarms, Definition(f"MIA-TPR-{code}", "1.0", f"Members found at {alarms:.1%} false alarms", Better.LOWER))
    for alarms, code in ((0.1, "10"), (0.01, "1"), (0.001, "0.1"))
)
OUTLIERS = Definition("MIA-OUTLIERS", "1.0", "Strongest attack on the most unusual tenth (AUC)", Better.HALF)
GROUPS = Definition("MIA-GROUPS", "1.0", "Strongest attack on a protected group (AUC)", Better.HALF)


def membership(comparison: Comparison, *, permutations: int = PERMUTATIONS, device: str | None = None) -> list[Measure]:
    """Attack the synthetic table in every way of the quick battery.

    Non-members are one half of the holdout; the other half is what the attacker knows of the population. As many
    training rows as non-members, up to 3,000, are drawn to be told apart from them; exact copies are looked for
    among all training rows. Every p-value says how often a fresh table of real rows would look as bad, given how many
    attacks, geometries and groups were looked at; every `detectable` is the smallest value that would have been
    significant at 5%.

    Parameters
    ----------
    comparison : Comparison
        The tables.
    permutations : int
        Draws of the null; the smallest p-value is one over one more.
    device : str, optional
        Where torch looks for neighbours, e.g. ``cuda``; numpy by default.
    """
    seed = comparison.seed
    definitions = [MAXIMUM, *ATTACKS, *(definition for _, definition in RATES), OUTLIERS, GROUPS]
    if not comparison.tables.columns:
        return [one.not_applicable("the schema has no column to learn", seed=seed) for one in definitions]
    targets = draw_targets(comparison)
    if isinstance(targets, str):
        return [one.skipped(targets, seed=seed) for one in definitions]
    scores = attack(comparison, targets, device=device)
    labels = draw_labels(targets.member, permutations, comparison.generator("MIA-MAX"))
    evidence = gather(scores.values, targets.member, labels)
    return [
        _maximum(scores, targets, evidence, _copies(comparison), seed),
        *(_attack(definition, scores, targets, evidence, seed) for definition in ATTACKS),
        *(rate_measure(definition, alarms, scores, targets.member, labels, seed) for alarms, definition in RATES),
        _outliers(comparison, scores, targets, labels),
        _groups(comparison, scores, targets, labels),
    ]


def _copies(comparison: Comparison) -> Copies:
    synthetic, train, holdout = row_keys(comparison.tables)
    assert holdout is not None
    return Copies.of(synthetic, train, holdout)


def _maximum(scores: Scores, targets: Targets, evidence: Evidence, copies: Copies, seed: int) -> Measure:
    """Return the strongest of all attacks, exact copies among them."""
    areas = [
        {"attack": code, "geometry": name, "auc": area}
        for code, name, area in zip(scores.attacks, scores.geometries, evidence.area[:, 0], strict=True)
    ]
    return area_measure(
        MAXIMUM, scores, targets.member, evidence, seed, p_value=with_copies(evidence.p_value, copies),
        details={"p_value_of_scores": evidence.p_value, "reference_rows": len(targets.reference), "all": areas},
    )  # fmt: skip


def _attack(definition: Definition, scores: Scores, targets: Targets, evidence: Evidence, seed: int) -> Measure:
    own = np.flatnonzero([code == definition.id for code in scores.attacks])
    mine = scores.of(own)
    areas = {name: float(evidence.area[j, 0]) for j, name in zip(own, mine.geometries, strict=True)}
    return area_measure(definition, mine, targets.member, evidence.of(own), seed, details={"auc": areas})


# -- strata -----------------------------------------------------------------------------------------------------


def _outliers(comparison: Comparison, scores: Scores, targets: Targets, labels: Bools) -> Measure:
    deciles, seed = outlier_deciles(comparison, targets), comparison.seed
    fewest = min(min((targets.member & rows).sum(), (~targets.member & rows).sum()) for rows in deciles)
    if fewest < FEWEST_EACH:
        reason = f"needs {FEWEST_EACH} members and non-members in every tenth, the smallest has {fewest}"
        return OUTLIERS.skipped(reason, seed=seed)
    evidence, farthest = gather(scores.values, targets.member, labels, deciles), deciles[-1]
    last = evidence.of(strata=np.array([len(deciles) - 1]))
    inside = Scores(scores.attacks, scores.geometries, scores.values[farthest])
    details = {"deciles": [_stratum(evidence, k, targets.member[rows]) for k, rows in enumerate(deciles)]}
    return area_measure(OUTLIERS, inside, targets.member[farthest], last, seed, details=details)


def _groups(comparison: Comparison, scores: Scores, targets: Targets, labels: Bools) -> Measure:
    """Return the group in which the rows are told apart most clearly; the anchor is what fresh rows of it score."""
    seed = comparison.seed
    if not comparison.protected:
        return GROUPS.not_applicable("no protected column is named", seed=seed)
    strata = groups(comparison, targets)
    if not strata.names:
        reason = f"no group of a protected column has {FEWEST_EACH} members and non-members"
        return GROUPS.skipped(reason, seed=seed)
    evidence = gather(scores.values, targets.member, labels, strata.rows)
    worst = evidence.best[2]
    rows = strata.rows[worst]
    inside = Scores(scores.attacks, scores.geometries, scores.values[rows])
    found = [
        {"column": column, "group": label, **_stratum(evidence, k, targets.member[strata.rows[k]])}
        for k, (column, label) in enumerate(strata.names)
    ]
    details = {
        "column": strata.names[worst][0], "group": strata.names[worst][1], "groups": found,
        "groups_of_too_few_rows": strata.left_out,
    }  # fmt: skip
    own = evidence.of(strata=np.array([worst]))
    return area_measure(
        GROUPS, inside, targets.member[rows], own, seed, p_value=evidence.p_value, critical=evidence.critical,
        details=details,
    )  # fmt: skip


def _stratum(evidence: Evidence, place: int, member: Bools) -> dict[str, Any]:
    """Return the largest area in one stratum, and a p-value that is corrected for the attacks, not for the strata."""
    own = evidence.of(strata=np.array([place]))
    return {
        "members": int(member.sum()),
        "non_members": int((~member).sum()),
        "auc": float(own.area.max()),
        "fresh_rows_auc": own.null_area,
        "p_value": own.p_value,
    }
