"""What shadow models teach about a score: how it falls for a row that was learned, and for one that was not.

N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P 2022, arXiv:2112.03570 (LiRA).
"""

from __future__ import annotations

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.evidence import Bools, areas

__all__ = ["TOGETHER", "log_likelihood_ratios", "shadow_areas"]

TOGETHER = -1
"""Place of the column that adds up all others."""

_PRIOR = 4
"""So many shadows' worth does the typical variance of all targets count beside a target's own."""

_LEAST_VARIANCE = 1e-9
"""Scores are logarithms or distances in standard deviations: what varies less does not vary."""

_MOST = 10.0
"""Log-odds beyond which Gaussians fitted to a few shadows cannot be believed."""


def log_likelihood_ratios(observed: Floats, shadows: Floats, inside: Bools) -> Floats:
    """Return how much likelier each score is for a member: one column a score, and one that adds them up.

    For every target and score the shadows that learned the target give one Gaussian, the others another. With few
    shadows the two share a variance (Carlini et al., section VI-D), which is drawn towards the median of all targets'.

    Parameters
    ----------
    observed : array (n, scores)
        Of the table that is attacked.
    shadows : array (shadows, n, scores)
        Of the shadows' tables.
    inside : array (shadows, n)
        Which target each shadow learned; every target is in some and not in others.

    Returns
    -------
    array (n, scores + 1)
        Logarithms of the ratio, within ±10; their sum last.
    """
    learned = inside[..., None]
    counts = learned.sum(axis=0)  # (n, 1)
    within = (shadows * learned).sum(axis=0) / counts
    without = (shadows * ~learned).sum(axis=0) / (len(shadows) - counts)
    squares = ((shadows - np.where(learned, within, without)) ** 2).sum(axis=0)  # (n, scores)
    freedom = len(shadows) - 2
    typical = np.median(squares, axis=0) / freedom
    deviation = np.sqrt(np.maximum((squares + _PRIOR * typical) / (freedom + _PRIOR), _LEAST_VARIANCE))
    gaps = _shrunken((within - without) / deviation, 1 / counts + 1 / (len(shadows) - counts))
    ratios = np.clip(gaps * (observed - 0.5 * (within + without)) / deviation, -_MOST, _MOST)
    return np.column_stack([ratios, ratios.sum(axis=1)])


def _shrunken(gaps: Floats, variance: Floats) -> Floats:
    """Return gaps (n, scores), in deviations, drawn towards the mean of all targets' by what is noise in them.

    Empirical Bayes by moments (C. N. Morris, Journal of the American Statistical Association 78 (1983), 47-55): a few
    shadows cannot tell the gap of one target, but that of all together.
    """
    between = np.maximum(gaps.var(axis=0) - variance.mean(), 0.0)
    mean = gaps.mean(axis=0)
    return np.asarray(mean + (gaps - mean) * between / (between + variance))


def shadow_areas(shadows: Floats, inside: Bools) -> Floats:
    """Return how well the attack does on the shadows themselves, whose members are known, (shadows,).

    The area under the ROC curve of all scores together on each shadow, learned from the others but its complement:
    shadows 2i and 2i + 1 learned opposite halves of the targets, so that without one of them the other would tell.
    """
    found = np.empty(len(shadows))
    for shadow in range(len(shadows)):
        others = np.arange(len(shadows)) // 2 != shadow // 2
        ratios = log_likelihood_ratios(shadows[shadow], shadows[others], inside[others])
        found[shadow] = areas(ratios[:, [TOGETHER]], inside[shadow])[0]
    return found
