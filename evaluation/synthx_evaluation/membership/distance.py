"""Attacks by distance: a row that the generator saw lies nearer to its output."""

from __future__ import annotations

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.neighbours import Neighbours

__all__ = ["closest", "log_ratio"]

_ZERO = 1e-9
"""Added to distances before their logarithm is taken, as a share of the typical one."""


def closest(to_synthetic: Neighbours) -> Floats:
    """Return minus the distance to the closest synthetic row, (n,).

    D. Chen et al., "GAN-Leaks", CCS 2020, arXiv:1909.03935. The attack takes rows in crowded regions for members.
    """
    return -to_synthetic.distance[:, 0]


def log_ratio(to_synthetic: Neighbours, to_reference: Neighbours, k: int) -> Floats:
    """Return the log of the distance to the k-th nearest reference row over that to the k-th synthetic one, (n,).

    In p dimensions p times this is the ratio of the k-nearest-neighbour densities, so DOMIAS (van Breugel et al. 2023)
    without a bandwidth. Against a reference, crowded regions no longer count. If a table has fewer than `k` rows, the
    farthest neighbour found stands for the k-th.
    """
    near, far = (found.distance[:, min(k, found.distance.shape[1]) - 1] for found in (to_synthetic, to_reference))
    floor = _ZERO * (float(np.median(far)) or 1.0)  # a copy is at distance 0
    return np.asarray(np.log(far + floor) - np.log(near + floor))
