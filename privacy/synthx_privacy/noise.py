"""Noise that nobody can predict: exact discrete distributions from the operating system's entropy.

Draws follow Canonne, Kamath and Steinke 2020 (arXiv:2004.00010, algorithms 1 to 3), many at once. They are exact: each
decision compares a uniform number with a probability exp(-x). The comparison is made in doubles where these are sure
of it, and with as many digits as it takes where they are not; no rounding enters, as it does with noise in floating
point (Mironov 2012, doi:10.1145/2382196.2382264). No seed can be given, and nothing is kept between calls that a copy
of the process could repeat.
"""

from __future__ import annotations

import decimal
import math
import os
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from synthx.errors import ParameterError

__all__ = ["SecureRandom", "discrete_gaussian", "discrete_laplace", "fine_gaussian"]

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Exact: TypeAlias = Callable[[int], Fraction]
"""The exact exponent of one decision of many."""

SURE = 1e-11
"""Relative error, generously, of exp(-x) in doubles where x is known to some 1e-14 of itself and below 750."""
CHUNK = 1 << 17
"""Draws at once, which bounds memory."""
GRID_BITS = 15
"""A fine Gaussian lies on a grid at least 2^15 times finer than its standard deviation."""
MOST_SIGMA = 2.0**45


def _entropy(count: int) -> bytes:
    """Return random bytes; the one door through which chance comes in, which tests may replace."""
    return os.urandom(count)


class SecureRandom:
    """Random numbers that cannot be predicted or repeated; each call reads the system's entropy in one block."""

    def bits(self, count: int) -> npt.NDArray[np.uint64]:
        """Return `count` numbers of 64 random bits; shape (count,)."""
        return np.frombuffer(_entropy(8 * count), dtype="<u8").astype(np.uint64)

    def floats(self, count: int) -> Floats:
        """Return uniform numbers in [0, 1), multiples of 2^-53; shape (count,)."""
        return (self.bits(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, high: int, count: int) -> Integers:
        """Return uniform integers from 0 to ``high - 1``; shape (count,).

        Raises
        ------
        ParameterError
            If `high` is not from 1 to 2^62.
        """
        if not 1 <= high <= 1 << 62:
            raise ParameterError(f"integers below {high} cannot be drawn", remedy="give 1 to 2^62")
        even = np.uint64((1 << 63) // high * high)  # numbers from here on would favour small remainders
        drawn = self.bits(count) >> np.uint64(1)
        again = np.flatnonzero(drawn >= even)
        while len(again):
            drawn[again] = self.bits(len(again)) >> np.uint64(1)
            again = again[drawn[again] >= even]
        return (drawn % np.uint64(high)).astype(np.int64)

    def permutation(self, size: int) -> Integers:
        """Return the numbers 0 to ``size - 1`` in random order; shape (size,)."""
        while True:
            keys = self.bits(size)
            order = np.argsort(keys, kind="stable")
            if size < 2 or bool((np.diff(keys[order]) > 0).all()):  # a tie would favour the earlier one
                return order.astype(np.int64)

    def seed(self) -> int:
        """Return 63 random bits, to seed a generator that takes no other."""
        return int(self.bits(1)[0] >> np.uint64(1))


def discrete_laplace(scale: float, count: int) -> Integers:
    """Draw integers with probabilities proportional to exp(-abs(x) / scale).

    Parameters
    ----------
    scale : float
        From 2^-20 to 2^30; its double is taken for the exact rational number that it is, rounded up to a multiple of
        2^-20 (more noise, not less).
    count : int
        How many.

    Returns
    -------
    int array, shape (count,)

    Raises
    ------
    ParameterError
        If the scale is outside its range.
    """
    if not 2.0**-20 <= scale <= 2.0**30:
        raise ParameterError(f"the scale of the noise is {scale}", remedy="give a number from 2^-20 to 2^30")
    numerator = math.ceil(Fraction(scale) * 2**20)
    common = math.gcd(numerator, 2**20)
    return _in_chunks(lambda size: _laplace(numerator // common, 2**20 // common, size), count)


def discrete_gaussian(sigma: float, count: int) -> Integers:
    """Draw integers with probabilities proportional to exp(-x² / (2 sigma²)).

    Parameters
    ----------
    sigma : float
        Above 0, at most 2^45; its double is taken for the exact rational number that it is.
    count : int
        How many.

    Returns
    -------
    int array, shape (count,)

    Raises
    ------
    ParameterError
        If sigma is outside its range.
    """
    if not 0 < sigma <= MOST_SIGMA:
        raise ParameterError(f"the scale of the noise is {sigma}", remedy="give a number above 0 and at most 2^45")
    return _in_chunks(lambda size: _gaussian(sigma, size), count)


def fine_gaussian(sigma: float, count: int) -> Integers:
    """Draw integers that are Gaussian noise, rounded.

    The noise is discrete Gaussian on a grid of 2^-k, at least 2^15 times finer than sigma, and rounded afterwards,
    half up, which is post-processing when whole numbers are noised. On so fine a grid the chance delta(epsilon) of
    the discrete noise differs from that of the continuous by a relative (z / 2^15)² / 12, 1e-7 at z = 36 standard
    deviations, so that accountants of continuous noise hold for it; `accounting` keeps more than that back.

    Parameters
    ----------
    sigma : float
        Above 2^-30, at most 2^45.
    count : int
        How many.

    Returns
    -------
    int array, shape (count,)
    """
    if not 2.0**-30 < sigma <= MOST_SIGMA:
        raise ParameterError(f"the scale of the noise is {sigma}", remedy="give a number above 2^-30, at most 2^45")
    bits = max(0, GRID_BITS - math.floor(math.log2(sigma)))
    drawn = discrete_gaussian(math.ldexp(sigma, bits), count)
    return drawn if bits == 0 else (drawn + (1 << (bits - 1))) >> bits


def happens(exponents: Floats, exact: Exact) -> npt.NDArray[np.bool_]:
    """Decide for each exponent x >= 0 with probability exp(-x), exactly.

    Parameters
    ----------
    exponents : float array, shape (n,)
        To a relative error below 1e-14, or an absolute one below 1e-12.
    exact : callable
        Gives the exact exponent of the i-th, asked for only where doubles do not decide.

    Returns
    -------
    bool array, shape (n,)
    """
    drawn = SecureRandom().bits(len(exponents)) >> np.uint64(11)
    uniform = drawn.astype(np.float64) * 2.0**-53  # the number drawn lies in [uniform, uniform + 2^-53)
    chance = np.exp(-exponents)
    decided: npt.NDArray[np.bool_] = uniform < chance
    unsure = np.abs(uniform - chance) <= SURE * chance + 2.0**-52
    for index in np.flatnonzero(unsure):
        decided[index] = _decide(int(drawn[index]), exact(int(index)))
    return decided


def _decide(drawn: int, exponent: Fraction) -> bool:
    """Compare a uniform number that begins with 53 known bits with exp(-exponent); add bits until it is decided."""
    bits = 53
    while True:
        drawn, bits = (drawn << 128) | int.from_bytes(_entropy(16), "little"), bits + 128
        with decimal.localcontext() as context:
            context.prec = bits // 3 + 30
            context.Emin, context.Emax = -decimal.MAX_EMAX, decimal.MAX_EMAX
            chance = (-decimal.Decimal(exponent.numerator) / decimal.Decimal(exponent.denominator)).exp()
            scaled = chance * (1 << bits)
            if scaled <= drawn - 1:
                return False
            if scaled >= drawn + 2:
                return True


def _in_chunks(draw: Callable[[int], Integers], count: int) -> Integers:
    """Draw until there are enough; `draw` returns as many as were accepted of a number of proposals."""
    parts, missing = [np.empty(0, np.int64)], count
    while missing > 0:
        accepted = draw(min(CHUNK, missing + missing + 16))[:missing]
        parts.append(accepted)
        missing -= len(accepted)
    return np.concatenate(parts)


def _laplace(numerator: int, denominator: int, proposals: int) -> Integers:
    """Algorithm 2: discrete Laplace of scale ``numerator / denominator``, from so many proposals."""
    random = SecureRandom()
    inside = random.integers(numerator, proposals)
    kept = happens(inside / numerator, lambda index: Fraction(int(inside[index]), numerator))
    inside = inside[kept]
    whole = np.zeros(len(inside), np.int64)  # how often a chance of exp(-1) happens before it fails
    going = np.arange(len(inside))
    while len(going):
        going = going[happens(np.ones(len(going)), lambda _: Fraction(1))]
        whole[going] += 1
    sizes = (inside + whole * numerator) // denominator
    negative = (random.bits(len(sizes)) & np.uint64(1)).astype(bool)
    once = ~(negative & (sizes == 0))  # zero has one sign only
    signed: Integers = np.where(negative, -sizes, sizes)[once]
    return signed


def _gaussian(sigma: float, proposals: int) -> Integers:
    """Algorithm 3: discrete Laplace draws, accepted so that discrete Gaussian ones remain."""
    scale = math.floor(sigma) + 1
    drawn = _laplace(scale, 1, proposals)
    variance = Fraction(sigma) ** 2
    centre = variance / scale

    def exact(index: int) -> Fraction:
        return (abs(int(drawn[index])) - centre) ** 2 / (2 * variance)

    away = (np.abs(drawn) - float(centre)) / sigma
    return drawn[happens(away * away / 2, exact)]
