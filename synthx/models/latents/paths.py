"""Paths in a latent space in which places are standard normal."""

from __future__ import annotations

import numpy as np

__all__ = ["arc"]


def arc(start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return points on the great arc between two vectors (Shoemake 1985, doi:10.1145/325165.325242).

    >>> arc(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0, 1 / 3, 1])).round(3).tolist()
    [[1.0, 0.0], [0.866, 0.5], [0.0, 1.0]]
    """
    cosine = start @ end / np.sqrt((start @ start) * (end @ end))
    angle = np.arccos(np.clip(cosine, -1, 1))
    weights = np.stack([1 - shares, shares])
    if np.sin(angle) > 1e-6:  # below, the arc is a line
        weights = np.sin(weights * angle) / np.sin(angle)
    points: np.ndarray = weights.T @ np.stack([start, end])
    return points
