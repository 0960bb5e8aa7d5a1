"""How good chances are at finding the rare rows of a test part, at the population's own prevalence.

Every row counts by its weight, so that a file from which common rows were left out is scored as if they were there.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.augmentation.cases import Bools
from synthx_evaluation.encoding import Floats
from synthx_evaluation.statistics import average_precision, score_counts

__all__ = [
    "LOWER_IS_BETTER",
    "Budget",
    "Outcome",
    "best_threshold",
    "calibration_error",
    "corrected_chance",
    "cost",
    "f1",
    "precision_at",
    "recall_at",
    "score",
]

LOWER_IS_BETTER = frozenset({"cost", "brier", "calibration_error", "brier_uncorrected"})

_BINS = 10
_MOST_THRESHOLDS = 200
_NEVER = np.inf


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """What a team can afford.

    Parameters
    ----------
    false_positive_rate : float
        Share of common rows that may raise an alert.
    alerts : float, optional
        Alerts, in rows of the population, that can be looked into for one test part; as many as it has rare rows by
        default.
    alert_cost : float
        What looking into one alert costs, in the unit of the amounts.
    """

    false_positive_rate: float = 0.01
    alerts: float | None = None
    alert_cost: float = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What is true of some rows.

    Parameters
    ----------
    rare : array (n,)
        Which are of the rare class.
    weights : array (n,)
        How many rows of the population each stands for.
    amounts : array (n,), optional
        What is lost if a rare row is missed.
    """

    rare: Bools
    weights: Floats
    amounts: Floats | None = None


def corrected_chance(chance: Floats, learned: float, true: float) -> Floats:
    """Return chances as they are where the rare class has another share than among the rows learned from.

    The odds are multiplied by the ratio of the odds of the two shares (M. Saerens, P. Latinne, C. Decaestecker,
    "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation 14 (2002), 21-41).
    `synthx.balance.correct_prior` is the same for users, for any number of classes. Evaluation imports nothing of what
    it judges, so the formula stands in both places, and a test holds them together.

    Parameters
    ----------
    chance : array (n,)
        In [0, 1].
    learned, true : float
        Share of the rare class in the (weighted) rows learned from, and in the population; between 0 and 1.
    """
    yes, no = chance * true / learned, (1 - chance) * (1 - true) / (1 - learned)
    return np.asarray(yes / (yes + no))


def score(
    outcome: Outcome, chance: Floats, corrected: Floats, thresholds: tuple[float, float], budget: Budget
) -> dict[str, float]:
    """Return every score of one model on one test part.

    Parameters
    ----------
    outcome : Outcome
        Of the test rows.
    chance, corrected : array (n,)
        What the model says, as it is and corrected to the population's prevalence.
    thresholds : (float, float)
        Of `chance`, from which on a row raises an alert: for F1 and for the cost.
    budget : Budget
    """
    levels, place = np.unique(chance, return_inverse=True)
    counts = score_counts(outcome.rare, place, len(levels), outcome.weights)
    found = {
        "average_precision": average_precision(*counts),
        "recall_at_fpr": recall_at(*counts, budget.false_positive_rate),
        "precision_at_k": precision_at(*counts, budget.alerts or float(counts[0].sum())),
        "f1": f1(outcome, chance, thresholds[0]),
        "brier": _brier(outcome, corrected),
        "brier_uncorrected": _brier(outcome, chance),
        "calibration_error": calibration_error(outcome, corrected),
    }
    if outcome.amounts is not None:
        found["cost"] = cost(outcome, chance, thresholds[1], budget.alert_cost)
    return found


# -- by rank ----------------------------------------------------------------------------------------------------


def recall_at(positive: Floats, negative: Floats, rate: float) -> float:
    """Share of the rare rows that is found while a share `rate` of the common rows raises an alert.

    Parameters
    ----------
    positive, negative : array (scores,)
        Weights at every distinct score, lowest first, as `score_counts` returns them. Within one score the curve is a
        straight line.
    """
    false = np.concatenate([[0.0], np.cumsum(negative[::-1])]) / negative.sum()
    true = np.concatenate([[0.0], np.cumsum(positive[::-1])]) / positive.sum()
    # Where the curve climbs straight up, its upper end counts.
    last = np.append(np.flatnonzero(np.diff(false)), len(false) - 1)
    return float(np.interp(rate, false[last], true[last])) if rate < 1 else 1.0


def precision_at(positive: Floats, negative: Floats, alerts: float) -> float:
    """Share of rare rows among the `alerts` highest; the rows of one score are taken in the same parts."""
    hits, size = positive[::-1], (positive + negative)[::-1]
    before = np.cumsum(size) - size
    taken = np.clip(np.divide(alerts - before, size, out=np.zeros_like(size), where=size > 0), 0.0, 1.0)
    return float(hits @ taken / (size @ taken))


# -- by a threshold ---------------------------------------------------------------------------------------------


def f1(outcome: Outcome, chance: Floats, threshold: float) -> float:
    """Harmonic mean of precision and recall of the rows from `threshold` on; 0 where none is found."""
    alert = chance >= threshold
    hits = float(outcome.weights @ (alert & outcome.rare))
    return 2 * hits / (float(outcome.weights @ alert) + float(outcome.weights @ outcome.rare))


def cost(outcome: Outcome, chance: Floats, threshold: float, alert_cost: float) -> float:
    """Mean cost a row of the population: the amounts of rare rows that are missed, and what alerts cost."""
    assert outcome.amounts is not None
    alert = chance >= threshold
    lost = np.where(alert, alert_cost, np.where(outcome.rare, outcome.amounts, 0.0))
    return float(outcome.weights @ lost / outcome.weights.sum())


def best_threshold(outcome: Outcome, chance: Floats, alert_cost: float | None = None) -> float:
    """Return the threshold with the highest F1, or with the lowest cost where `alert_cost` is given.

    Among up to 200 quantiles of the rare rows' and of all rows' chances, and one that nothing reaches.
    """
    steps = np.linspace(0, 1, _MOST_THRESHOLDS // 2)
    parts = [np.quantile(part, steps, method="lower") for part in (chance[outcome.rare], chance)]
    candidates = np.unique(np.concatenate([*parts, [_NEVER]]))
    if alert_cost is None:
        worth = [f1(outcome, chance, threshold) for threshold in candidates]
    else:
        worth = [-cost(outcome, chance, threshold, alert_cost) for threshold in candidates]
    return float(candidates[int(np.argmax(worth))])


# -- by probability ---------------------------------------------------------------------------------------------


def _brier(outcome: Outcome, chance: Floats) -> float:
    return float(outcome.weights @ (chance - outcome.rare) ** 2 / outcome.weights.sum())


def calibration_error(outcome: Outcome, chance: Floats) -> float:
    """Mean distance of chances from shares over ten groups of rows of similar chance and equal weight.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI
    2015.
    """
    levels, place = np.unique(chance, return_inverse=True)
    mass = np.bincount(place, weights=outcome.weights, minlength=len(levels))
    middle = (np.cumsum(mass) - 0.5 * mass) / mass.sum()
    group = np.minimum((middle * _BINS).astype(np.intp), _BINS - 1)[place]  # equal chances stay together
    gaps = np.bincount(group, weights=outcome.weights * (chance - outcome.rare), minlength=_BINS)
    return float(np.abs(gaps).sum() / mass.sum())
