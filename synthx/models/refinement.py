"""Refinement: drawn rows are accepted in proportion to how likely they are real.

A classifier learns to tell real rows from drawn ones. The odds that it gives a row are the ratio of two densities, real
over drawn (Sugiyama, Suzuki & Kanamori 2012, doi:10.1017/CBO9781139035613); a row of ratio w is accepted with
probability min(1, w / clip), and accepted rows follow the real density as far as the classifier can see (rejection
sampling; for generators, Azadi et al. 2019, arXiv:1810.06758).

A classifier that knew the training rows by heart would pull drawn rows towards them. So several are grown, each on its
own share of the real rows, and judged on the others: these tell when to stop, how far the odds can be trusted
(`calibrate`), and whether anything is gained at all.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synthx.codec.table import Coded, TableCodec
from synthx.models.base import Refined
from synthx.models.binning import Binning
from synthx.models.trees import Growth, Trees, grow

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PILOT_ROWS", "Calibration", "Clip", "Refinement", "calibrate", "choose_clip", "learn_refinement"]

MEMBERS = 2
"""Classifiers, each grown on all but one share of the rows. More gain little, and more of them know a training row."""
MOST_REAL_ROWS = 40_000
DRAWN_PER_REAL, FEWEST_DRAWN = 3, 20_000
"""Drawn rows are free: several to each real one make the drawn density the surer."""
JUDGED_ROWS = 20_000
PILOT_ROWS = 4_096
"""Rows that the clip is chosen by: of the whole table, and under a condition."""
UNSERVED, LEAST_ACCEPTED = 0.01, 0.1
SIGNIFICANT = 2.0
"""Standard errors that the gain on held-out rows must be above nothing."""


class Clip(NamedTuple):
    """Above which ratio all rows are accepted.

    Parameters
    ----------
    ratio : float
        Rows of lower ratio are accepted with probability ``their ratio / ratio``.
    acceptance : float
        The share of rows that are accepted then.
    """

    ratio: float
    acceptance: float


def choose_clip(ratios: np.ndarray) -> Clip:
    """Choose the smallest clip above which little of the real mass lies unserved.

    Rows of a ratio above the clip come too seldom: the mass missing is the mean of ``max(0, ratio - clip)``. It may be
    a hundredth of all. Where that would accept less than a tenth of the rows, the clip is lower.

    Examples
    --------
    >>> choose_clip(np.array([1.0, 1.0, 2.0, 4.0]))
    Clip(ratio=3.92, acceptance=0.5051020408163265)
    """
    ordered = np.sort(ratios.astype(np.float64))[::-1]
    above = np.cumsum(ordered)
    count = np.arange(1, len(ordered) + 1)
    # With the clip between two neighbours, the mass missing is linear in it.
    at_each = above - ordered * count
    rank = int(np.searchsorted(at_each, UNSERVED * above[-1], side="right"))
    clip = (above[rank - 1] - UNSERVED * above[-1]) / rank
    acceptance = float(np.minimum(1, ordered / clip).mean())
    while acceptance < LEAST_ACCEPTED:
        clip *= 0.9
        acceptance = float(np.minimum(1, ordered / clip).mean())
    return Clip(float(clip), acceptance)


@dataclasses.dataclass(frozen=True)
class Refinement:
    """The ratio of the real density to a model's, and what is accepted by it.

    Parameters
    ----------
    binning : Binning
        What the classifier sees of a row.
    trees : Trees
        The logarithm of the ratio, up to a constant.
    clip : Clip
        For rows of the whole table.
    """

    binning: Binning
    trees: Trees
    clip: Clip

    def ratios(self, coded: Coded) -> np.ndarray:
        """Return how many times as likely each row is among real rows as among drawn ones, up to a factor; (rows,)."""
        ratios: np.ndarray = np.exp(self.trees(self.binning(coded)).astype(np.float64))
        return ratios

    def accept(self, coded: Coded, clip: Clip, rng: np.random.Generator) -> Coded:
        """Return the rows that are accepted."""
        accepted = rng.random(len(coded.codes)) * clip.ratio < self.ratios(coded)
        return Coded(coded.codes[accepted], coded.offsets[accepted])

    # -- files --------------------------------------------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return JSON values and tensors."""
        import torch

        binning, tensors = self.binning.to_parts()
        trees = {field.name: getattr(self.trees, field.name) for field in dataclasses.fields(self.trees)}
        tensors |= {f"trees.{name}": torch.from_numpy(values) for name, values in trees.items()}
        return {"binning": binning, "clip": self.clip._asdict()}, tensors

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Refinement:
        trees = {field.name: tensors[f"trees.{field.name}"].numpy() for field in dataclasses.fields(Trees)}
        return cls(Binning.from_parts(values["binning"], tensors), Trees(**trees), Clip(**values["clip"]))


def learn_refinement(
    codec: TableCodec,
    real: Coded,
    draw: Callable[[int], Coded],
    *,
    seed: int,
    growth: Growth | None = None,
    stop: Callable[[float], bool] = lambda fraction: False,
) -> tuple[Refinement | None, Refined]:
    """Learn to tell real rows from a model's.

    Parameters
    ----------
    codec : TableCodec
    real : Coded
        The training rows.
    draw : callable
        Returns so many rows of the model.
    seed : int
    growth : Growth, optional
        How the classifier's trees are grown.
    stop : callable
        Whether time is up; is told how much is done, 0 to 1.

    Returns
    -------
    (Refinement or None, Refined)
        None where held-out rows show no gain, and how it went.
    """
    growth = growth or Growth()
    rng = np.random.default_rng([seed, 1])
    some = rng.permutation(len(real.codes))[:MOST_REAL_ROWS]
    drawn = draw(max(FEWEST_DRAWN, DRAWN_PER_REAL * len(some)))
    real = _with_drawn_codes(Coded(real.codes[some], real.offsets[some]), drawn, codec, rng)
    binning = Binning.fit(codec, drawn)
    rows = np.concatenate([binning(real), binning(drawn)], axis=1)
    is_real = np.arange(rows.shape[1]) < len(some)
    weights = np.where(is_real, 1.0, len(some) / len(drawn.codes))
    share = rng.permutation(rows.shape[1]) % MEMBERS
    scores, members = np.empty(len(share)), []
    for member in range(MEMBERS):
        held_out = share == member

        def stop_member(grown: int, member: int = member) -> bool:
            return stop((member + grown / growth.trees) / MEMBERS)

        trees, scores[held_out] = grow(
            rows, is_real, weights, held_out, sizes=binning.sizes, growth=growth, rng=rng, stop=stop_member
        )
        members.append(trees)
    fresh = binning(draw(JUDGED_ROWS))
    calibration = calibrate(scores, is_real, np.stack([trees(fresh) for trees in members]))
    if not calibration.is_gain:
        return None, Refined(1.0, 1.0, calibration.told_apart, calibration.error)
    trees = Trees.joined(members, calibration.slope / MEMBERS)
    ratios = np.exp(trees(fresh).astype(np.float64))
    clip = choose_clip(ratios)
    effective = float(ratios.sum() ** 2 / (ratios**2).sum() / len(ratios))
    refined = Refined(clip.acceptance, effective, calibration.told_apart, calibration.error)
    return Refinement(binning, trees, clip), refined


def _with_drawn_codes(real: Coded, drawn: Coded, codec: TableCodec, rng: np.random.Generator) -> Coded:
    """Return real rows without the codes that a model never draws (rare levels): they would tell, to no use.

    Another code takes the place of such a one, as often as the model draws it.
    """
    codes = real.codes.copy()
    ends = np.cumsum(codec.domain.sizes)
    may_be_drawn = np.split(codec.drawn, ends[:-1])
    for column, allowed in enumerate(may_be_drawn):
        foreign = np.flatnonzero(~allowed[codes[:, column]])
        codes[foreign, column] = drawn.codes[rng.integers(len(drawn.codes), size=len(foreign)), column]
    return Coded(codes, real.offsets)


class Calibration(NamedTuple):
    """What held-out rows say of classifiers.

    Parameters
    ----------
    slope : float
        What the mean of the classifiers' log-odds is to be multiplied by.
    told_apart : float
        The area under the ROC curve of a classifier on rows that it was not grown on; .5 is nothing.
    error : float
        The mean distance, over ten groups of equally many rows, of the predicted share of real rows from the share.
    is_gain : bool
        Whether the log-likelihood of held-out rows is significantly above that of a coin.
    """

    slope: float
    told_apart: float
    error: float
    is_gain: bool


def calibrate(scores: np.ndarray, is_real: np.ndarray, fresh: np.ndarray) -> Calibration:
    """Find how far log-odds can be trusted.

    Parameters
    ----------
    scores : float array, shape (rows,)
        The log-odds of each row by a classifier that was not grown on it.
    is_real : bool array, shape (rows,)
    fresh : float array, shape (classifiers, drawn rows)
        The log-odds that each classifier gives new rows.

    Notes
    -----
    The slope of one classifier is that of a logistic regression on its log-odds (Platt 1999). Averaging several leaves
    their covariance with the truth as it is and takes away variance, so the slope of the mean is larger by the ratio of
    the variances.
    """
    weights = np.where(is_real, 0.5 / is_real.sum(), 0.5 / (~is_real).sum())
    target = is_real.astype(np.float64)
    slope, intercept = _logistic_line(scores, target, weights)
    odds = slope * scores + intercept
    gains = math.log(2) - (np.logaddexp(0, odds) - target * odds)
    error_of_gain = math.sqrt(sum(float(np.var(gains[side])) / side.sum() / 4 for side in (is_real, ~is_real)))
    is_gain = slope > 0 and float(weights @ gains) > SIGNIFICANT * error_of_gain
    variance = float(fresh.mean(axis=0).var())
    sharper = float(fresh.var(axis=1).mean()) / variance if variance > 0 else 1.0
    return Calibration(
        slope * sharper, _told_apart(scores, is_real), _calibration_error(odds, target, weights), is_gain
    )


def _logistic_line(scores: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of a logistic regression, by Newton's method; a slope of 0 for scores all alike."""
    if np.ptp(scores) == 0:
        return 0.0, 0.0
    inputs = np.stack([scores, np.ones(len(scores))])
    line = np.zeros(2)
    for _ in range(12):
        chance = 0.5 + 0.5 * np.tanh(0.5 * (line @ inputs))
        curvature = (inputs * (weights * chance * (1 - chance))) @ inputs.T
        line += np.linalg.solve(curvature + 1e-9 * np.eye(2), inputs @ (weights * (target - chance)))
    return float(line[0]), float(line[1])


def _told_apart(scores: np.ndarray, is_real: np.ndarray) -> float:
    """Return the area under the ROC curve, by the ranks of the real rows; ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    real = int(is_real.sum())
    return float((ranks[is_real].mean() - (real + 1) / 2) / (len(scores) - real))


def _calibration_error(odds: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    chance = 0.5 + 0.5 * np.tanh(0.5 * odds)
    order = np.argsort(chance, kind="stable")
    parts = np.array_split(order, 10)
    return float(sum(abs((weights[part] * (chance[part] - target[part])).sum()) for part in parts) / weights.sum())
