"""Two recurrent networks as judges: can one tell sequences apart, does one learn to predict from synthetic ones?

The protocol of J. Yoon, D. Jarrett, M. van der Schaar, "Time-series generative adversarial networks", NeurIPS 2019:
one layer of gated recurrent units, half as wide as a step (at least 3), Adam at 0.001, up to 2,000 steps of 128 real
and 128 synthetic sequences, numbers scaled to [0, 1] by the real rows' own range. Unlike the paper, real sequences are
those of the holdout, sequences may differ in length, missing cells are 0 with a flag of their own, and a network does
not go over few sequences hundreds of times (it took 5,000 steps of prediction there).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.sequences.comparison import SequenceComparison
from synthx_evaluation.statistics import jackknife_variance, normal_interval

if TYPE_CHECKING:
    from synthx_evaluation.sequences.recurrent import Batch

__all__ = ["DISCRIMINATIVE", "PREDICTIVE", "Judge", "discriminative", "predictive"]

DISCRIMINATIVE = Definition("SEQ-DISCRIMINATIVE", "1.0", "Told apart by a recurrent network (|accuracy - 0.5|)",
                            Better.LOWER)  # fmt: skip
PREDICTIVE = Definition("SEQ-PREDICTIVE", "1.0", "Trained on synthetic: next step's mean absolute error", Better.LOWER)

MOST_SEQUENCES = 10_000
MOST_STEPS = 50
"""Steps of a sequence that a judge looks at: as many in a row, from a place drawn at random."""

_FEWEST = 50
_GROUPS = 20
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5% quantiles of Student's t with 1 to 9 degrees of freedom."""


@dataclasses.dataclass(frozen=True, slots=True)
class Judge:
    """How hard the judges work.

    Parameters
    ----------
    runs : int
        Splits and networks whose discriminative scores are averaged, 1 to 10.
    discriminative_steps, predictive_steps : int
        Gradient steps of one network at most; it stops after 100 passes over its sequences, but not before 800 steps.
    """

    runs: int = 3
    discriminative_steps: int = 2000
    predictive_steps: int = 2000


# -- told apart -------------------------------------------------------------------------------------------------


def discriminative(comparison: SequenceComparison, judge: Judge) -> list[Measure]:
    """Train a recurrent network to tell synthetic from real sequences; 0 cannot be told apart, 0.5 always can.

    The mean over runs of |accuracy - 0.5| on the fifth of the sequences that the network did not see; the interval is
    Student's over runs. Even identical distributions score above 0: ``noise_floor`` in the details is the expected
    score of a network that guesses, ``noise_floor_95`` what it stays below 95 times in 100. 2,000 + 2,000 sequences of
    24 steps of 28 numbers take some 20 seconds a run on one core.
    """
    problem = _problem(comparison, DISCRIMINATIVE)
    if problem is not None:
        return [problem]
    from synthx_evaluation.sequences.recurrent import TRAINED, told_apart

    synthetic, train, *holdout = _batches(comparison)
    real = holdout[0] if holdout else train
    seeds = comparison.generator(DISCRIMINATIVE.id).integers(2**31, size=judge.runs)
    scores = [told_apart(synthetic, real, judge.discriminative_steps, int(seed)) for seed in seeds]
    anchors = [told_apart(train, real, judge.discriminative_steps, int(seed)) for seed in seeds if holdout]
    count = min(len(synthetic), len(real))
    tested = 2 * (count - int(TRAINED * count))
    guess = 0.5 / np.sqrt(tested)  # standard deviation of the accuracy of guessing
    value = float(np.mean(scores))
    return [
        DISCRIMINATIVE.computed(
            value,
            interval=_student(scores),
            anchor=float(np.mean(anchors)) if anchors else None,
            n=count,
            seed=comparison.seed,
            details={
                "n_is": "sequences",
                "reference": comparison.reference_name,
                "runs": scores,
                "runs_real": anchors,
                "tested_sequences": tested,
                "noise_floor": float(guess * np.sqrt(2 / np.pi)),
                "noise_floor_95": float(1.959964 * guess),
            },
        )
    ]


def _student(scores: list[float]) -> tuple[float, float] | None:
    if not 2 <= len(scores) <= len(_STUDENT) + 1:
        return None
    mean, spread = np.mean(scores), np.std(scores, ddof=1) / np.sqrt(len(scores))
    radius = _STUDENT[len(scores) - 2] * spread
    return max(0.0, float(mean - radius)), min(0.5, float(mean + radius))


# -- prediction -------------------------------------------------------------------------------------------------


def predictive(comparison: SequenceComparison, judge: Judge) -> list[Measure]:
    """Train a recurrent network on synthetic sequences to predict a number one step ahead; test it on real ones.

    The mean absolute error of the last number (of the first, where it is the only one, from itself) given the others
    up to now, on the [0, 1] scale, averaged over the holdout's sequences. ``constant`` in the details is the error of
    the real median: a target that nothing predicts, such as noise, scores no better for any generator.
    """
    problem = _problem(comparison, PREDICTIVE)
    if problem is not None:
        return [problem]
    from synthx_evaluation.sequences.recurrent import errors

    synthetic, train, *holdout = _batches(comparison, predict=True)
    real = holdout[0] if holdout else train
    seed = int(comparison.generator(PREDICTIVE.id).integers(2**31))
    fewest = min(int(part.known.any(dim=1).sum()) for part in (synthetic, train, real))
    if fewest < _FEWEST:
        reason = f"needs {_FEWEST} sequences of two known steps in each table, the smallest has {fewest}"
        return [PREDICTIVE.skipped(reason, seed=comparison.seed)]
    found = errors(synthetic, real, judge.predictive_steps, seed)
    anchor = errors(train, real, judge.predictive_steps, seed).mean()
    return [
        PREDICTIVE.computed(
            found.mean(),
            interval=_jackknifed(found),
            anchor=float(anchor),
            n=len(synthetic),
            seed=comparison.seed,
            details={
                "n_is": "sequences",
                "reference": comparison.reference_name,
                "predicted": comparison.synthetic.columns[comparison.synthetic.numbers[-1]].name,
                "constant": _constant(train, real),
            },
        )
    ]


def _jackknifed(errors: Floats) -> tuple[float, float] | None:
    groups = np.array_split(errors, _GROUPS)
    if len(errors) < _GROUPS:
        return None
    without = np.array([(errors.sum() - part.sum()) / (len(errors) - len(part)) for part in groups])
    return normal_interval(float(errors.mean()), float(jackknife_variance(without)))


def _constant(train: Batch, real: Batch) -> float:
    known = real.known.any(dim=1)
    gap = (real.target - train.target[train.known > 0].median()).abs() * real.known
    return float((gap.sum(dim=1)[known] / real.known.sum(dim=1)[known]).mean())


# -- what they look at -------------------------------------------------------------------------------------------


def _problem(comparison: SequenceComparison, definition: Definition) -> Measure | None:
    """Return the record of why the judges cannot work; None where they can."""
    if not len(comparison.synthetic.numbers):
        return definition.not_applicable("no step column holds numbers", seed=comparison.seed)
    fewest = min(len(part) for part in comparison.parts)
    if fewest < _FEWEST:
        reason = f"needs {_FEWEST} sequences of each table, the smallest has {fewest}"
        return definition.skipped(reason, seed=comparison.seed)
    return None


def _batches(comparison: SequenceComparison, *, predict: bool = False) -> list[Batch]:
    """Return the synthetic, the training and, where there are any, the holdout sequences as the judges see them."""
    from synthx_evaluation.sequences.recurrent import Batch, Scale

    numbers = comparison.synthetic.numbers
    scale = Scale.of(numbers, comparison.real[:, numbers])
    generator = comparison.generator("judges")
    drawn = [
        part.take(np.arange(min(len(part), MOST_SEQUENCES))).cut(MOST_STEPS, generator) for part in comparison.parts
    ]
    steps = max(int(part.lengths.max()) for part in drawn)
    return [Batch.of(part, scale, steps=steps, predict=predict) for part in drawn]
