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
from synthx.models.refining.binning import Binning
from synthx.models.refining.calibration import Calibration, calibrate
from synthx.models.refining.trees import Growth, Trees, grow

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PILOT_ROWS", "Clip", "Refinement", "choose_clip", "learn_refinement"]

MEMBERS = 3
"""Classifiers, each grown on all but one share of the rows."""
MOST_REAL_ROWS, FEWEST_REAL_ROWS, MOST_REAL_CELLS = 40_000, 5_000, 4_000_000
"""Real rows that a classifier learns from; fewer of a wide table, but enough."""
DRAWN_PER_REAL, FEWEST_DRAWN = 3, 20_000
"""Drawn rows are free: several to each real one make the drawn density the surer."""
JUDGED_ROWS = 20_000
PILOT_ROWS = 4_096
"""Rows that the clip is chosen by: of the whole table, and under a condition."""
UNSERVED, LEAST_ACCEPTED = 0.01, 0.25
"""Of the real mass, and of the drawn rows in one pass."""
SECOND_DEPTH, SECOND_SHARE = 2, 0.5
"""Of the second pass: questions a tree, and accepted rows as a share of the rows drawn for the first."""


class Clip(NamedTuple):
    """Above which ratio all rows are accepted.

    Parameters
    ----------
    ratio : float
        Rows of lower ratio are accepted with probability ``their ratio / ratio``.
    acceptance : float
        The share of rows that are accepted then.
    unserved : float
        The share of the real mass that is missing then: rows of higher ratio come too seldom.
    """

    ratio: float
    acceptance: float
    unserved: float


EVERYTHING = Clip(0.0, 1.0, 0.0)


def choose_clip(ratios: np.ndarray, *, least_accepted: float = LEAST_ACCEPTED) -> Clip:
    """Choose the smallest clip that leaves a hundredth of the real mass unserved, or a lower one that accepts enough.

    Rows of a ratio above the clip come too seldom: of the real mass, the mean of ``max(0, ratio - clip)`` is missing.

    Examples
    --------
    >>> choose_clip(np.array([1.0, 1.0, 2.0, 4.0]))
    Clip(ratio=3.92, acceptance=0.5051020408163265, unserved=0.01)
    """
    ordered = np.sort(ratios.astype(np.float64))[::-1]
    above = np.cumsum(ordered)
    missing = above - ordered * np.arange(1, len(ordered) + 1)  # with the clip at each ratio; linear between them
    rank = int(np.searchsorted(missing, UNSERVED * above[-1], side="right"))
    ratio = float(above[rank - 1] - UNSERVED * above[-1]) / rank
    while np.minimum(1, ordered / ratio).mean() < least_accepted:
        ratio *= 0.95
    served = np.minimum(ordered, ratio).sum()
    return Clip(ratio, float(served / ratio / len(ordered)), round(float(1 - served / above[-1]), 6))


@dataclasses.dataclass(frozen=True)
class Refinement:
    """The ratio of the real density to a model's, and what is accepted by it.

    Parameters
    ----------
    binning : Binning
        What the classifiers see of a row.
    passes : tuple of Trees
        The logarithm of the ratio, up to a constant: the first, and where need be a second of what is left.
    caps : tuple of float
        What the logarithm is cut off at before each pass but the first.
    clip : Clip
        For rows of the whole table.
    """

    binning: Binning
    passes: tuple[Trees, ...]
    caps: tuple[float, ...]
    clip: Clip

    def ratios(self, coded: Coded) -> np.ndarray:
        """Return how many times as likely each row is among real rows as among drawn ones, up to a factor; (rows,)."""
        return self.ratios_of(self.binning(coded))

    def ratios_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the ratios of binned rows, uint8 of shape (binned columns, rows)."""
        logarithm = self.passes[0](rows).astype(np.float64)
        for cap, trees in zip(self.caps, self.passes[1:], strict=True):
            logarithm = np.minimum(logarithm, cap) + trees(rows)
        ratios: np.ndarray = np.exp(logarithm)
        return ratios

    def clip_for(self, coded: Coded) -> Clip:
        """Return the clip that suits drawn rows, which are some that meet a condition."""
        return self._clip_for(self.binning(coded))

    def clipped(self, rows: np.ndarray) -> Refinement:
        """Return the refinement with the clip that suits binned rows."""
        return dataclasses.replace(self, clip=self._clip_for(rows))

    def _clip_for(self, rows: np.ndarray) -> Clip:
        return choose_clip(self.ratios_of(rows), least_accepted=LEAST_ACCEPTED / len(self.passes))

    def accept(self, coded: Coded, clip: Clip, rng: np.random.Generator) -> Coded:
        """Return the rows that are accepted."""
        accepted = rng.random(len(coded.codes)) * clip.ratio < self.ratios(coded)
        return Coded(coded.codes[accepted], coded.offsets[accepted])

    # -- files --------------------------------------------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return JSON values and tensors."""
        import torch

        binning, tensors = self.binning.to_parts()
        for index, trees in enumerate(self.passes):
            for field in dataclasses.fields(trees):
                tensors[f"{index}.{field.name}"] = torch.from_numpy(getattr(trees, field.name))
        return {"binning": binning, "caps": list(self.caps), "clip": self.clip._asdict()}, tensors

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Refinement:
        names = [field.name for field in dataclasses.fields(Trees)]
        passes = tuple(
            Trees(**{name: tensors[f"{index}.{name}"].numpy() for name in names})
            for index in range(1 + len(values["caps"]))
        )
        return cls(
            Binning.from_parts(values["binning"], tensors), passes, tuple(values["caps"]), Clip(**values["clip"])
        )


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
        How the classifiers' trees are grown.
    stop : callable
        Whether time is up; is told how much is done, 0 to 1.

    Returns
    -------
    (Refinement or None, Refined)
        None where held-out rows show no gain, and how it went.

    Notes
    -----
    Where even the least acceptance leaves much of the real mass unserved, columns by themselves come out wrong: what
    cannot be served pulls them aside. A second pass, of trees with few questions on accepted rows, puts them right.
    """
    growth = growth or Growth()
    rng = np.random.default_rng([seed, 1])
    enough = int(np.clip(MOST_REAL_CELLS / len(codec.columns), FEWEST_REAL_ROWS, MOST_REAL_ROWS))
    some = rng.permutation(len(real.codes))[:enough]
    drawn = draw(max(FEWEST_DRAWN, DRAWN_PER_REAL * len(some)))
    real = _with_drawn_codes(Coded(real.codes[some], real.offsets[some]), drawn, codec, rng)
    binning = Binning.fit(codec, drawn)
    rows, fresh = binning(real), binning(draw(JUDGED_ROWS))
    trees, first = _tell_apart(rows, binning(drawn), fresh, binning.sizes, growth, rng, stop)
    if not first.is_gain:
        return None, Refined(1.0, 1.0, first.told_apart, first.error)
    refinement = Refinement(binning, (trees,), (), EVERYTHING).clipped(fresh)
    if refinement.clip.unserved > 2 * UNSERVED and not stop(1.0):
        clip = refinement.clip
        accepted = binning(refinement.accept(draw(round(SECOND_SHARE * len(drawn.codes) / clip.acceptance)), clip, rng))
        judged = fresh[:, rng.random(fresh.shape[1]) * clip.ratio < refinement.ratios_of(fresh)]
        shallow = dataclasses.replace(growth, depth=min(SECOND_DEPTH, growth.depth))
        trees, second = _tell_apart(rows, accepted, judged, binning.sizes, shallow, rng, stop)
        if second.is_gain:
            passes = (*refinement.passes, trees)
            refinement = Refinement(binning, passes, (math.log(clip.ratio),), EVERYTHING).clipped(fresh)
    ratios = refinement.ratios_of(fresh)
    effective = float(ratios.sum() ** 2 / (ratios**2).sum() / len(ratios))
    return refinement, Refined(refinement.clip.acceptance, effective, first.told_apart, first.error)


def _tell_apart(
    real: np.ndarray,
    drawn: np.ndarray,
    fresh: np.ndarray,
    sizes: tuple[int, ...],
    growth: Growth,
    rng: np.random.Generator,
    stop: Callable[[float], bool],
) -> tuple[Trees, Calibration]:
    """Grow classifiers of real and drawn rows, all binned; return their calibrated log-odds.

    `fresh` are drawn rows that no classifier is grown on.
    """
    rows = np.concatenate([real, drawn], axis=1)
    is_real = np.arange(rows.shape[1]) < real.shape[1]
    lighter = real.shape[1] / drawn.shape[1]
    weights = np.where(is_real, min(1.0, 1 / lighter), min(1.0, lighter))
    share = rng.permutation(rows.shape[1]) % MEMBERS
    scores, members = np.empty(len(share)), []
    for member in range(MEMBERS):
        held_out = share == member

        def stop_member(grown: int, member: int = member) -> bool:
            return stop((member + grown / growth.trees) / MEMBERS)

        trees, scores[held_out] = grow(
            rows, is_real, weights, held_out, sizes=sizes, growth=growth, rng=rng, stop=stop_member
        )
        members.append(trees)
    calibration = calibrate(scores, is_real, np.stack([trees(fresh) for trees in members]))
    return Trees.joined(members, calibration.slope / MEMBERS), calibration


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
