"""Attack by influence: does the synthetic table become likelier once the row is added to the population?

Gen-LRA (arXiv:2508.21146) fits a density to the reference rows with and without the row x, and compares how likely
both make the synthetic rows near x. With a kernel density of fixed bandwidth nothing needs to be fitted again: adding
x to r rows turns p(s) into (r p(s) + K(s - x)) / (r + 1).
"""

from __future__ import annotations

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.neighbours import Geometry, Neighbours

__all__ = ["influence"]


def influence(
    to_synthetic: Neighbours, log_kernel_at_synthetic: Floats, geometry: Geometry, width: float, *, reference: int
) -> Floats:
    """Return the gain in log-likelihood of the synthetic rows nearest to each row, (n,).

    Parameters
    ----------
    to_synthetic : Neighbours
        The k synthetic rows nearest to each row.
    log_kernel_at_synthetic : array (s,)
        Logarithm of the sum of kernels of the reference rows at every synthetic row.
    geometry, width
        Of those kernels.
    reference : int
        Reference rows, r.
    """
    before = log_kernel_at_synthetic[to_synthetic.index]  # (n, k)
    own = -geometry.rate(width) * to_synthetic.distance**geometry.power
    gain = np.logaddexp(before, own) - before - np.log((reference + 1) / reference)
    return np.asarray(gain.sum(axis=1))
