"""Rényi divergences of one step of DP-SGD."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

__all__ = ["ORDERS", "sampled_gaussian_divergences"]

Floats = npt.NDArray[np.float64]

ORDERS: tuple[float, ...] = (
    *(1 + twentieths / 20 for twentieths in range(1, 40)),
    *(3 + quarters / 4 for quarters in range(32)),
    *(float(order) for order in range(11, 65)),
    *(float(round(2**quarters)) for quarters in np.arange(6.25, 10.25, 0.25)),
)
SMALL = 11.0
"""Divergences of orders up to this one are integrated, the larger ones summed or interpolated."""
LEAST_NOISE = 0.05
"""Below it the integrand is too sharp to be integrated on a grid; then orders below 2 are interpolated too."""


@functools.lru_cache(maxsize=512)
def sampled_gaussian_divergences(rate: float, noise: float) -> Floats:
    """Return the Rényi divergence of a Gaussian on a Poisson sample, at `ORDERS`.

    For neighbours that differ by one unit it is log(A) / (order - 1) with

        A(order) = E[(1 - rate + rate · exp((2z - 1) / (2 noise²))) ** order],  z ~ N(0, noise²)

    (Mironov, Talwar, Zhang 2019, arXiv:1908.10530). Whole orders are binomial sums. Others are integrated by the
    trapezoid rule, whose error vanishes exponentially for so smooth a function; or, since log A is convex in the
    order, bounded by the chord between whole orders (Wang, Balle, Kasiviswanathan 2019, arXiv:1808.00087).

    Parameters
    ----------
    rate : float
        Above 0 and below 1.
    noise : float
        Noise multiplier, above 0.

    Returns
    -------
    float array, shape (orders,)
        Read-only.
    """
    orders = np.array(ORDERS)
    floor, ceiling = np.floor(orders), np.ceil(orders)
    whole, logs = _log_moments(rate, noise)
    low, high = logs[np.searchsorted(whole, floor)], logs[np.searchsorted(whole, ceiling)]
    moments = low + (orders - floor) * (high - low)
    if noise >= LEAST_NOISE:
        between = (orders < SMALL) & (orders != floor)
        integrated = _integrated(rate, noise, orders[between])
        moments[between] = np.minimum(moments[between], integrated)
    divergences: Floats = np.maximum(moments, 0.0) / (orders - 1)
    divergences.flags.writeable = False
    return divergences


@functools.cache
def _binomials() -> tuple[Floats, Floats, Floats]:
    """Return whole orders that are needed, and of each the numbers chosen and the logarithms of the ways to choose."""
    from scipy.special import gammaln

    orders = np.unique(np.concatenate([np.floor(ORDERS), np.ceil(ORDERS)]))
    k = np.arange(orders.max() + 1)
    chosen = np.minimum(k, orders[:, None])  # (orders, terms)
    ways = gammaln(orders[:, None] + 1) - gammaln(chosen + 1) - gammaln(orders[:, None] - chosen + 1)
    return orders, chosen, np.where(k <= orders[:, None], ways, -np.inf)


def _log_moments(rate: float, noise: float) -> tuple[Floats, Floats]:
    """Return whole orders, and log A at them."""
    from scipy.special import logsumexp

    orders, chosen, ways = _binomials()
    terms = ways + chosen * math.log(rate) + (orders[:, None] - chosen) * math.log1p(-rate)
    terms += chosen * (chosen - 1) / (2 * noise**2)
    logs: Floats = logsumexp(terms, axis=1)
    return orders, logs


def _integrated(rate: float, noise: float, orders: Floats) -> Floats:
    """Return log A by quadrature, shape (orders,)."""
    from scipy.special import logsumexp

    step = min(noise / 12, noise**2 / 3)
    z = np.arange(-10 * noise, SMALL + 10 * noise, step)
    density = -(z**2) / (2 * noise**2) - math.log(noise * math.sqrt(2 * math.pi) / step)
    loss = np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * z - 1) / (2 * noise**2))
    logs: Floats = logsumexp(density + orders[:, None] * loss, axis=1)
    return logs
