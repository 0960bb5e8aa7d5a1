"""Balancing: more rows of rare classes, as imbalanced-learn's pipelines take them.

`OverSampler` is an over-sampler of imbalanced-learn on any table model; `learner` is the same as a plain function, for
the evidence; `correct_prior` puts probabilities right that were learned from resampled rows. `SequenceOverSampler`
makes more entities with a rare label, and `jitter`, `scaling` and `time_warping` are what it has to beat.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthx.balancing.containers import as_frame
from synthx.balancing.drawing import Drawn, Rule
from synthx.balancing.learning import forget_fits, learn_classes
from synthx.balancing.prior import correct_prior
from synthx.balancing.sampler import OverSampler
from synthx.balancing.sequence_sampler import SequenceOverSampler
from synthx.balancing.strategy import check_target, plain
from synthx.balancing.traditional import jitter, scaling, time_warping
from synthx.models.tabular import TableSynthesizer
from synthx.schema import Schema

if TYPE_CHECKING:
    from synthx.training import Progress

__all__ = [
    "Draw",
    "Drawn",
    "Learn",
    "OverSampler",
    "SequenceOverSampler",
    "correct_prior",
    "forget_fits",
    "jitter",
    "learner",
    "scaling",
    "time_warping",
]

Draw = Callable[[Hashable, int], pd.DataFrame]
"""Returns so many new rows of a class, with the columns and dtypes of X, without the target."""
Learn = Callable[[pd.DataFrame, "pd.Series[Any]", int], Draw]
"""Learns rows X and their classes y with a seed, once."""


def learner(
    model: TableSynthesizer | str | None = None,
    *,
    schema: Schema | None = None,
    rules: Sequence[Rule] = (),
    progress: Progress | None = None,
) -> Learn:
    """Return what learns rows and returns what draws more of any class, with the quality control of `OverSampler`.

    Parameters
    ----------
    model, schema, rules
        See `OverSampler`.
    progress : callable, optional
        Is told how far each fit has come.

    Examples
    --------
    >>> draw = learner("gan")(X, y, 0)  # doctest: +SKIP
    >>> frauds = draw(1, 500)  # doctest: +SKIP
    """

    def learn(X: pd.DataFrame, y: pd.Series[Any], seed: int) -> Draw:
        check_target(y)
        generator = learn_classes(as_frame(X), np.asarray(y), model=model, schema=schema, seed=seed, progress=progress)
        seeds = np.random.SeedSequence(seed)

        def draw(level: Hashable, n: int) -> pd.DataFrame:
            own = int(seeds.spawn(1)[0].generate_state(1)[0])
            rows, _ = generator.draw(plain(level), n, seed=own, rules=rules)
            return rows.set_axis(X.columns, axis=1).astype(X.dtypes.to_dict())

        return draw

    return learn
