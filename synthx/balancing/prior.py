"""Probabilities put right after resampling: a model that learned other shares of the classes than real life has."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthx.errors import DataError, ParameterError

__all__ = ["correct_prior"]

Prior = float | Mapping[Hashable, float] | Sequence[float] | NDArray[np.float64]

_ROUNDING = 1e-6


def correct_prior(
    probabilities: ArrayLike, resampled: Prior, original: Prior, *, classes: Sequence[Hashable] | None = None
) -> NDArray[np.float64]:
    """Return the probabilities that a classifier would give had it learned the original shares of the classes.

    Each class is weighted by the ratio of its shares, and the weights of a row are made to add up to 1 again. The
    order of two rows by the probability of a class of two does not change, so neither does average precision; only
    what a probability, or a threshold on it, means.

    Parameters
    ----------
    probabilities : array, shape (rows,) or (rows, classes)
        What `predict_proba` gave; with one dimension, of the positive class of two.
    resampled, original : float, mapping of class to number, or sequence of numbers
        The shares (or counts) of the classes in the rows that were learned, and in those to come: with one dimension
        of `probabilities`, the share of the positive class; otherwise one number a class. `OverSampler` has them in
        ``resampled_prior_`` and ``class_prior_``.
    classes : sequence, optional
        The classes in the order of the columns, as in ``classifier.classes_``; needed where the shares are mappings.

    Returns
    -------
    float array, of the shape of `probabilities`

    Raises
    ------
    DataError
        If the probabilities are none.
    ParameterError
        If shares are no shares, are not one a class, or a class has none.

    Notes
    -----
    M. Saerens, P. Latinne & C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 14 (2002), equation 2.4, doi:10.1162/089976602753284446; for two classes it is theorem 2 of
    C. Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.

    Examples
    --------
    >>> correct_prior([0.5, 0.9], resampled=0.5, original=0.1).round(3)
    array([0.1, 0.5])
    """
    given = np.asarray(probabilities, dtype=np.float64)
    if given.ndim not in (1, 2) or not np.isfinite(given).all() or (given < 0).any() or (given > 1).any():
        raise DataError(
            f"probabilities of shape {given.shape} hold numbers outside 0 to 1, or have too many dimensions",
            remedy="give what predict_proba returned",
        )
    table = np.stack([1 - given, given], axis=1) if given.ndim == 1 else given  # (rows, classes)
    count = table.shape[1]
    weights = _shares("original", original, count, classes) / _shares("resampled", resampled, count, classes)
    weighted = table * weights
    totals = weighted.sum(axis=1, keepdims=True)
    if (totals == 0).any():
        raise DataError(
            f"row {int((totals == 0).argmax())} gives every class that there is a probability of 0",
            remedy="give what predict_proba returned, a row of which adds up to 1",
        )
    corrected: NDArray[np.float64] = weighted / totals
    return corrected[:, 1] if given.ndim == 1 else corrected


def _shares(name: str, prior: Prior, count: int, classes: Sequence[Hashable] | None) -> NDArray[np.float64]:
    """Return one share a class, which add up to 1."""
    if isinstance(prior, Mapping):
        if classes is None:
            raise ParameterError(f"{name} is a mapping", remedy="name the order by classes=classifier.classes_")
        unknown = [label for label in classes if label not in prior]
        if unknown:
            raise ParameterError(
                f"{name} has no share of the class {unknown[0]!r}", remedy="give the share of every class"
            )
        prior = [prior[label] for label in classes]
    elif np.ndim(prior) == 0:
        prior = [1 - float(prior), float(prior)]  # type: ignore[arg-type]
    shares = np.asarray(prior, dtype=np.float64)
    if len(shares) != count or not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() <= 0:
        raise ParameterError(f"{name} is {prior!r} for {count} classes", remedy="give a share from 0 to 1 for each")
    if name == "resampled" and (shares <= _ROUNDING * shares.sum()).any():
        raise ParameterError(
            f"{name} is {prior!r}, and of a class that was not learned no probability can be corrected",
            remedy="give the shares in the rows that the classifier was fitted on",
        )
    return np.asarray(shares / shares.sum())
