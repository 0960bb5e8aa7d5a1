"""How often groups are chosen, from counts: gaps between groups, their resamples, and what training rows add.

A table of counts has shape (..., groups, 2, 2): rows by group, by whether they truly have the outcome, and by whether
they are chosen. Resampling rows is the same as drawing such counts from a multinomial distribution, which is how the
bootstrap here is exact and fast.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from synthx_evaluation.bias.groups import FEWEST_ROWS, Codes, Groups
from synthx_evaluation.bias.outcomes import PARTS, Decisions, Truths
from synthx_evaluation.encoding import Floats

if TYPE_CHECKING:
    from fairlearn.metrics import MetricFrame

__all__ = ["CHOSEN", "CRITERIA", "FOUND", "MISTAKEN", "Criterion", "Gaps", "counts_of", "gap", "gaps", "metric_frame"]

Counts: TypeAlias = Floats

CHOSEN, FOUND, MISTAKEN = "chosen", "chosen_with_outcome", "chosen_without_outcome"
"""Shares of rows that are chosen: of all, of those with the outcome, and of those without it."""

_DRAWS = 1_000


@dataclasses.dataclass(frozen=True, slots=True)
class Criterion:
    """What is to be the same in all groups: one share or several; the gap is that of the most unequal share."""

    code: str
    name: str
    shares: tuple[str, ...]


CRITERIA = (
    Criterion("DP", "demographic parity", (CHOSEN,)),
    Criterion("EO", "equalised odds", (FOUND, MISTAKEN)),
    Criterion("TPR", "equal opportunity", (FOUND,)),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Gaps:
    """How unequally the models of one kind treat the groups of one column, by one criterion.

    Parameters
    ----------
    groups : Groups
    kept : array (k,)
        The groups with rows enough to be judged.
    criterion : Criterion
    learner : str
    frames : tuple of MetricFrame
        The shares by group, by the model of synthetic rows and by that of training rows.
    values : (float, float)
        The gap of either.
    draws : array (draws, 2)
        The gaps of both on the same resamples of the holdout rows.
    by_parts : array (2, parts)
        The gaps of models of a quarter of the synthetic, and of the training rows.
    """

    groups: Groups
    kept: Codes
    criterion: Criterion
    learner: str
    frames: tuple[MetricFrame, MetricFrame]
    values: tuple[float, float]
    draws: Floats
    by_parts: Floats

    @property
    def change(self) -> float:
        """How much more unequal the model of synthetic rows is."""
        return self.values[0] - self.values[1]

    @property
    def variances(self) -> tuple[float, float, float]:
        """The variance of `change` for want of holdout rows, of synthetic and of training rows.

        A quarter of the rows gives a model of about four times the variance.
        """
        synthetic, train = np.var(self.by_parts, axis=1, ddof=1) / PARTS
        return float(np.var(self.draws[:, 0] - self.draws[:, 1], ddof=1)), float(synthetic), float(train)

    def interval(self, level: float = 0.05) -> tuple[float, float]:
        """Return the interval of `change`: normal errors, with Student's quantile for the few parts."""
        radius = self.quantile(level) * sum(self.variances) ** 0.5
        return self.change - radius, self.change + radius

    def quantile(self, level: float) -> float:
        from scipy.stats import t

        return float(t.ppf(1 - level / 2, self.freedom))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the sum of the variances (F. E. Satterthwaite, Biometrics Bulletin 2 (1946))."""
        total, parts = sum(self.variances), sum(variance**2 for variance in self.variances[1:])
        return 1e6 if not parts else min(1e6, total**2 / (parts / (PARTS - 1)))

    @property
    def p_value(self) -> float:
        """How likely a change of this size is, in either direction, where models of either rows are equally unequal."""
        from scipy.stats import t

        error = sum(self.variances) ** 0.5
        return 1.0 if not error or not self.change else float(2 * t.sf(abs(self.change) / error, self.freedom))


def gaps(groups: Groups, decided: Decisions, at: Codes, truth: Truths, generator: np.random.Generator) -> list[Gaps]:
    """Return the gaps by every criterion for which two groups have rows enough.

    Parameters
    ----------
    groups : Groups
    decided : Decisions
    at : array (rows,)
        The group of every holdout row.
    truth : array (rows,)
        Whether it has the outcome.
    generator : numpy Generator
        Resamples the holdout rows.
    """
    both = [counts_of(at, truth, chosen, len(groups)) for chosen in decided.chosen]
    draws = _resampled(at, truth, decided, len(groups), generator)
    parts = np.array([[counts_of(at, truth, part, len(groups)) for part in side] for side in decided.by_parts])
    found, frames = [], {}
    for criterion in CRITERIA:
        kept = _kept(groups, both[0], criterion)
        if len(kept) < 2:
            continue
        inside, asked = np.isin(at, kept), (CHOSEN,) if criterion.shares == (CHOSEN,) else (FOUND, MISTAKEN)
        if asked not in frames:  # a frame takes long
            frames[asked] = [metric_frame(asked, at[inside], truth[inside], part[inside]) for part in decided.chosen]
        values = [float(part.difference(method="between_groups")[[*criterion.shares]].max()) for part in frames[asked]]
        found.append(
            Gaps(
                groups=groups,
                kept=kept,
                criterion=criterion,
                learner=decided.learner,
                frames=(frames[asked][0], frames[asked][1]),
                values=(values[0], values[1]),
                draws=gap(draws[:, :, kept], criterion).T,
                by_parts=gap(parts[:, :, kept], criterion),
            )
        )
    return found


def counts_of(at: Codes, truth: Truths, chosen: Truths, groups: int) -> Counts:
    """Return counts by group, truth and choice, (groups, 2, 2)."""
    cell = (at * 2 + truth) * 2 + chosen
    return np.bincount(cell, minlength=groups * 4).reshape(groups, 2, 2).astype(np.float64)


def gap(counts: Counts, criterion: Criterion) -> Floats:
    """Return the difference of the largest and the smallest group, of the most unequal share, (...).

    A group that lacks a share in a resample is passed over.
    """
    chosen, rows = counts[..., 1], counts.sum(axis=-1)  # (..., groups, 2), by truth
    shares = {
        CHOSEN: (chosen.sum(axis=-1), rows.sum(axis=-1)),
        FOUND: (chosen[..., 1], rows[..., 1]),
        MISTAKEN: (chosen[..., 0], rows[..., 0]),
    }
    found = []
    for name in criterion.shares:
        hits, of = shares[name]
        share = np.divide(hits, of, out=np.zeros_like(hits), where=of > 0)
        highest = np.where(of > 0, share, -np.inf).max(axis=-1)
        found.append(np.maximum(0.0, highest - np.where(of > 0, share, np.inf).min(axis=-1)))
    return np.asarray(np.max(found, axis=0))


def metric_frame(shares: tuple[str, ...], at: Codes, truth: Truths, chosen: Truths) -> MetricFrame:
    """Return fairlearn's shares by group, the groups as numbers."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

    metrics = {CHOSEN: selection_rate, FOUND: true_positive_rate, MISTAKEN: false_positive_rate}
    return MetricFrame(
        metrics={name: metrics[name] for name in shares},
        y_true=truth.astype(np.intp),
        y_pred=chosen.astype(np.intp),
        sensitive_features=at,
    )


def _kept(groups: Groups, counts: Counts, criterion: Criterion) -> Codes:
    """Return the groups with rows enough; `OTHER` mixes groups that differ, so it is none."""
    rows = counts.sum(axis=-1)  # (groups, 2), by truth
    enough = rows.sum(axis=-1) if criterion.shares == (CHOSEN,) else rows.min(axis=-1)
    return np.flatnonzero(groups.named & (enough >= FEWEST_ROWS))


def _resampled(at: Codes, truth: Truths, decided: Decisions, groups: int, generator: np.random.Generator) -> Counts:
    """Return the counts of both models on the same resamples of the rows, (2, draws, groups, 2, 2)."""
    cell = ((at * 2 + truth) * 2 + decided.chosen[0]) * 2 + decided.chosen[1]
    joint = np.bincount(cell, minlength=groups * 8)
    drawn = generator.multinomial(len(at), joint / len(at), size=_DRAWS).reshape(_DRAWS, groups, 2, 2, 2)
    return np.stack([drawn.sum(axis=4), drawn.sum(axis=3)]).astype(np.float64)
