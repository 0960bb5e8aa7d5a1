"""All attacks in all geometries on the same rows: one score a row each."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.agreement import agreement, number_cells
from synthx_evaluation.membership.classifier import classifier
from synthx_evaluation.membership.density import density, domias
from synthx_evaluation.membership.distance import closest, log_ratio
from synthx_evaluation.membership.influence import influence
from synthx_evaluation.membership.targets import Targets
from synthx_evaluation.neighbours import GEOMETRIES, Geometry, bandwidth, nearest

__all__ = ["Scores", "attack"]

_NEIGHBOURS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Scores:
    """What every attack thinks of every row.

    Parameters
    ----------
    attacks, geometries : tuple of str
        Of each column: the attack's code, and what it calls near; an attack may have several columns.
    values : array (n, columns)
        The higher, the more likely a member; finite.
    """

    attacks: tuple[str, ...]
    geometries: tuple[str, ...]
    values: Floats

    def of(self, columns: NDArray[np.intp]) -> Scores:
        """Return some of the columns."""
        return Scores(
            tuple(self.attacks[j] for j in columns), tuple(self.geometries[j] for j in columns), self.values[:, columns]
        )


def attack(comparison: Comparison, targets: Targets, *, device: str | None = None) -> Scores:
    """Run the quick battery: no access to the generator, only to its output and to other people's rows."""
    found: list[tuple[str, str, Floats]] = []
    for make in GEOMETRIES:
        geometry = make(comparison.tables)
        found += _by_nearness(comparison, targets, geometry, device)
    found.append(("MIA-CLASSIFIER", "cells", classifier(comparison, targets)))
    found += [("MIA-EXACTNESS", name, score) for name, score in _by_exactness(comparison, targets)]
    return Scores(
        attacks=tuple(code for code, _, _ in found),
        geometries=tuple(name for _, name, _ in found),
        values=np.column_stack([score for _, _, score in found]),
    )


def _by_nearness(
    comparison: Comparison, targets: Targets, geometry: Geometry, device: str | None
) -> list[tuple[str, str, Floats]]:
    rows, synthetic, reference = (
        geometry.points(part) for part in (targets.rows, targets.synthetic, targets.reference)
    )
    width = bandwidth(reference, geometry, comparison.generator("bandwidth"), device=device)
    to_synthetic = nearest(rows, synthetic, geometry, _NEIGHBOURS, width=width, device=device)
    to_reference = nearest(rows, reference, geometry, _NEIGHBOURS, width=width, device=device)
    # Only synthetic rows that are near some row are weighed.
    wanted = np.unique(to_synthetic.index)
    at_synthetic = np.zeros(len(synthetic))
    weighed = nearest(synthetic.take(wanted), reference, geometry, 1, width=width, device=device).log_kernel
    assert weighed is not None
    at_synthetic[wanted] = weighed
    name, fifth = geometry.name, f"{geometry.name}, neighbour {_NEIGHBOURS}"
    return [
        ("MIA-DCR", name, closest(to_synthetic)),
        ("MIA-LOGRATIO", name, log_ratio(to_synthetic, to_reference, 1)),
        ("MIA-LOGRATIO", fifth, log_ratio(to_synthetic, to_reference, _NEIGHBOURS)),
        ("MIA-DENSITY", name, density(to_synthetic)),
        ("MIA-DOMIAS", name, domias(to_synthetic, to_reference)),
        ("MIA-GENLRA", name, influence(to_synthetic, at_synthetic, geometry, width, reference=len(reference))),
    ]


def _by_exactness(comparison: Comparison, targets: Targets) -> list[tuple[str, Floats]]:
    (rows, synthetic, reference), weights = number_cells(
        comparison.tables, targets.rows, targets.synthetic, targets.reference
    )
    shared, by_chance = agreement(rows, synthetic, weights), agreement(rows, reference, weights)
    return [("equal cells", shared), ("equal cells, beyond chance", np.round(shared - by_chance, 3))]
