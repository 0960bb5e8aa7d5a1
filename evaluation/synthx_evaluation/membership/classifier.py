"""Attack by classifier: what looks synthetic rather than real looks like something that the generator saw.

Logan-style, without the generator's own discriminator: J. Hayes, L. Melis, G. Danezis, E. De Cristofaro, "LOGAN",
PoPETs 2019, arXiv:1705.07663.
"""

from __future__ import annotations

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.learners import BOOSTED_LEVELS, fit_boosted_classifier
from synthx_evaluation.membership.targets import Targets

__all__ = ["classifier"]

_MOST = 10_000
"""Rows of either side: more make the attack slower than sharper."""


def classifier(comparison: Comparison, targets: Targets) -> Floats:
    """Train boosted trees to tell synthetic from reference rows; return log-odds of being synthetic, (n,)."""
    generator = comparison.generator("MIA-CLASSIFIER")
    count = min(len(targets.synthetic), len(targets.reference), _MOST)
    parts = [part[generator.permutation(len(part))[:count]] for part in (targets.synthetic, targets.reference)]
    cap = comparison.tables.cap(BOOSTED_LEVELS)
    truth = np.arange(2 * count) < count
    model = fit_boosted_classifier(cap(np.concatenate(parts)), truth, comparison.tables.discrete, comparison.seed)
    return np.asarray(model.decision_function(cap(targets.rows)), dtype=np.float64)
