"""Random numbers that each entity brings along.

Which of its steps stands for an entity is drawn by lot. The lots follow from a secret and the entity's own key, so that
they do not change with who else is in the table; the secret is forgotten with the fit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx_privacy.noise import SecureRandom

__all__ = ["Lots"]

_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Lots:
    """Uniform numbers for each of some entities.

    Parameters
    ----------
    keys : DataFrame of str, shape (entities, key columns)
    """

    def __init__(self, keys: pd.DataFrame) -> None:
        text = keys.iloc[:, 0]
        for name in keys.columns[1:]:
            text = text + "\x1f" + keys[name]
        secret = f"{int(SecureRandom().bits(1)[0]):016x}"
        # SipHash (Aumasson & Bernstein 2012, doi:10.1007/978-3-642-34931-7_28), whose key has 16 characters here.
        self._seeds = pd.util.hash_array(text.to_numpy(dtype=object), hash_key=secret, categorize=False)

    def draw(self, turn: int) -> NDArray[np.float64]:
        """Return a number in [0, 1) for each entity, others for each turn; shape (entities,)."""
        mixed = self._seeds + np.array(turn + 1, np.uint64) * _GOLDEN
        for _ in range(2):  # SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
            mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
            mixed = mixed ^ (mixed >> np.uint64(31))
        return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
