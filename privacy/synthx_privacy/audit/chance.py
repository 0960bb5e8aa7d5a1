"""Chance that repeats, for audits alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np

__all__ = ["repeatable"]


@contextmanager
def repeatable(key: int) -> Iterator[None]:
    """Let the body draw the same secure randomness each time; what it publishes is NOT private.

    The n-th request for entropy gets the n-th stream. A longer request begins with what a shorter one would get: two
    samplers of which one has a unit more, the last, toss the same coins for the units that they share.

    Parameters
    ----------
    key : int
        From 0 to 2^64 - 1.
    """
    turns = itertools.count()

    def entropy(count: int) -> bytes:
        return np.random.Generator(np.random.Philox(key=np.array([key, next(turns)], np.uint64))).bytes(count)

    with mock.patch("synthx_privacy.noise._entropy", entropy):
        yield
