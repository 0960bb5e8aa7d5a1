"""Whether the probabilities of models mean the same in every group."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from synthx_evaluation.bias.groups import FEWEST_ROWS, Codes, Groups
from synthx_evaluation.bias.outcomes import Decisions, Truths
from synthx_evaluation.encoding import Floats

__all__ = ["Calibration", "calibration", "calibration_error", "overstated"]

_DRAWS = 200
_BINS = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """How far the probabilities of both models are from the observed shares, by group.

    Parameters
    ----------
    groups : Groups
    values : (float, float)
        The largest difference of the mean probability and the share with the outcome over the groups: of the model of
        synthetic rows, and of that of training rows.
    draws : array (draws, 2)
        The same on the same resamples of the holdout rows.
    by_group : mapping
        By label: rows, observed share, and for both models what they overstate and the calibration error.
    """

    groups: Groups
    values: tuple[float, float]
    draws: Floats
    by_group: dict[str, dict[str, Any]]


def overstated(truth: Floats, chance: Floats) -> float:
    """Return the mean probability minus the share with the outcome: above 0 if it is foretold too often."""
    return float(np.mean(chance) - np.mean(truth))


def calibration_error(truth: Floats, chance: Floats) -> float:
    """Return the mean distance of predicted from observed shares over ten groups of rows of similar probability.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI
    2015, with bins of equal numbers of rows. Few rows raise it: compare it with that of the other model.

    Parameters
    ----------
    truth : array (rows,)
        0 or 1.
    chance : array (rows,)
        Probabilities.
    """
    order = np.argsort(chance, kind="stable")
    bins = np.arange(len(order)) * _BINS // len(order)
    differences = np.bincount(bins, weights=np.asarray(chance)[order] - np.asarray(truth)[order], minlength=_BINS)
    return float(np.abs(differences).sum() / len(order))


def calibration(
    groups: Groups, decided: Decisions, at: Codes, truth: Truths, generator: np.random.Generator
) -> Calibration | None:
    """Return the calibration by group; None where no two groups have ten rows."""
    rows = np.bincount(at, minlength=len(groups))
    kept = np.flatnonzero(groups.named & (rows >= FEWEST_ROWS))
    if len(kept) < 2:
        return None
    inside = np.isin(at, kept)
    at, truth = at[inside], truth[inside]
    chances = [chance[inside] for chance in decided.chance]
    frames = [_frame(at, truth, chance) for chance in chances]
    errors = np.stack([chance - truth for chance in chances])  # (2, rows)
    draws = np.array([_worst(at, errors, weights, len(groups)) for weights in _resamples(len(at), generator)])
    values = [float(frame["overstated"].abs().max()) for frame in frames]
    by_group = {
        groups.labels[group]: {
            "rows": int(rows[group]),
            "observed": float(truth[at == group].mean()),
            "overstated": float(frames[0].loc[group, "overstated"]),
            "overstated_real": float(frames[1].loc[group, "overstated"]),
            "calibration_error": float(frames[0].loc[group, "calibration_error"]),
            "calibration_error_real": float(frames[1].loc[group, "calibration_error"]),
        }
        for group in kept.tolist()
    }
    return Calibration(groups, (values[0], values[1]), draws, by_group)


def _frame(at: Codes, truth: Truths, chance: Floats) -> Any:
    from fairlearn.metrics import MetricFrame

    return MetricFrame(
        metrics={"overstated": overstated, "calibration_error": calibration_error},
        y_true=truth.astype(np.float64),
        y_pred=chance,
        sensitive_features=at,
    ).by_group


def _resamples(rows: int, generator: np.random.Generator) -> list[Floats]:
    return [np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64) for _ in range(_DRAWS)]


def _worst(at: Codes, errors: Floats, weights: Floats, groups: int) -> list[float]:
    rows = np.bincount(at, weights=weights, minlength=groups)
    sums = [np.bincount(at, weights=weights * error, minlength=groups) for error in errors]
    return [float(np.abs(np.divide(part, rows, out=np.zeros(groups), where=rows > 0)).max()) for part in sums]
