"""Random numbers that each entity brings along.

Which of its steps stands for an entity is drawn by lot. The lots follow from a secret and the entity's own key, so that
they do not change with who else is in the table; the secret is forgotten with the fit.
"""

from __future__ import annotations

import secrets

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Lots"]

_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _secret() -> str:
    """Return a new secret of 16 characters, as the hash takes it; tests may replace it."""
    return secrets.token_hex(8)


class Lots:
    """Uniform numbers for each of some entities.

    Parameters
    ----------
    keys : DataFrame, shape (entities, key columns)
    """

    def __init__(self, keys: pd.DataFrame) -> None:
        text = keys.iloc[:, 0].astype(str)
        for name in keys.columns[1:]:
            text = text + "\x1f" + keys[name].astype(str)
        cells = text.to_numpy(dtype=object)
        self._seeds = pd.util.hash_array(cells, hash_key=_secret(), categorize=False)  # SipHash (Aumasson 2012)

    def draw(self, turn: int) -> NDArray[np.float64]:
        """Return a number in [0, 1) for each entity, others for each turn; shape (entities,)."""
        mixed = self._seeds + np.array(turn + 1, np.uint64) * _GOLDEN
        for _ in range(2):  # SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
            mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
            mixed = mixed ^ (mixed >> np.uint64(31))
        return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
