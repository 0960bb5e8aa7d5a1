"""TabularAR: an autoregressive model on codes.

The probability of a row is the product of the probabilities of its cells, each given the cells before it. Half of the
orders that it learns begin with any set of columns, so any columns can be given, exactly; the rest is drawn in one
natural order. Such a model also says how likely a row is, and fills what is missing in one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from synthx.codec.table import Coded
from synthx.condition import Window
from synthx.errors import ParameterError
from synthx.models.base import BATCH_ROWS
from synthx.models.causal import Autoregressor
from synthx.models.completion import Completing
from synthx.models.descent import descend
from synthx.models.layout import Digits
from synthx.models.ordered_drawing import OrderedSampler
from synthx.models.orders import ORDERS, OrderedLikelihood, natural_order
from synthx.training import Budget, Plan, Progress, Stopped, hold_out

if TYPE_CHECKING:
    from synthx.models.private.budget import GradientPlan
    from synthx.models.private.fit import PrivateFit
    from synthx_privacy import Privacy

__all__ = ["TabularAR"]

STEPS, MOST_DIGITS = 19, 32
"""Planned steps: 19 times the fourth root of the rows times the square root of the digits, of which 32 count; 950 for
32,000 rows of 14 columns, 2,200 for a million."""
MOST_PASSES = 25
STEPS_A_PASS = 16
"""At least so many steps see all rows once: a small table, learned in large batches, is known by heart at once."""
USUAL_BATCH = 512
CELLS = 4_000_000
"""Roughly how many numbers a batch may hold between two layers; wide tables have smaller batches."""


class TabularAR(Completing):
    """An autoregressive model for tables: the most faithful rows for the time.

    Parameters
    ----------
    max_minutes : float, optional
        Bounds `fit` as a whole. None trains until held-out rows show no gain or all planned steps are taken.
    seed : int
        The same seed and data give the same model on a CPU.
    device : str
        "auto", "cpu" or "cuda".
    rare_threshold : int
        Nothing that fewer training rows share is stored or drawn, unless the schema declares it.
    batch_size : int
        Rows a training step, at most; small tables and wide ones take fewer.
    steps : int, optional
        At most this many training steps. None means 19 times the fourth root of the rows times the square root of the
        columns, of which 32 count; at most 25 passes over the rows.
    width : int
        Of the vectors that stand for values.
    hidden : int
        Of the hidden layers of each column's network.
    dropout : float, optional
        The share of hidden units that is left out, until the last fifth of training. None means a quarter for tables
        of 20,000 rows and more, rising to a half for 6,300 rows and fewer.
    learning_rate : float
        At its peak; below 8,192 rows it falls with the square root of their number.
    refine : bool
        Accept drawn rows in proportion to how likely a classifier takes them to be real: more faithful rows for a
        longer fit and slower sampling.

    Examples
    --------
    >>> model = TabularAR().fit(frame)  # doctest: +SKIP
    >>> model.sample(500, given={"fraud": 1})  # doctest: +SKIP
    >>> model.impute(frame_with_gaps, draws=5)  # doctest: +SKIP
    """

    name: ClassVar[str] = "ar"

    def __init__(
        self,
        *,
        privacy: Privacy | None = None,
        max_minutes: float | None = None,
        seed: int = 0,
        device: str = "auto",
        rare_threshold: int = 10,
        batch_size: int = USUAL_BATCH,
        steps: int | None = None,
        width: int = 256,
        hidden: int = 64,
        dropout: float | None = None,
        learning_rate: float = 4e-3,
        refine: bool = False,
    ) -> None:
        self.privacy = privacy
        self.max_minutes = max_minutes
        self.seed = seed
        self.device = device
        self.rare_threshold = rare_threshold
        self.batch_size = batch_size
        self.steps = steps
        self.width = width
        self.hidden = hidden
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.refine = refine

    # -- learning -----------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_whole_settings({"width": 1, "hidden": 1, "steps": 1})
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ParameterError(f"dropout is {self.dropout!r}", remedy="give a number from 0 to below 1")

    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        sizes = self.codec_.domain.sizes
        digits = Digits(sizes)
        self.order_ = natural_order(coded.codes, sizes, self._target)
        rows = digits.split(torch.from_numpy(coded.codes)).to(device, torch.int32)
        learning, held_out = hold_out(rows)
        self.network_ = self._start(digits, rows).to(device)
        batch = self._rows_a_step(len(rows), len(digits.sizes))
        phase = OrderedLikelihood(
            self.network_,
            learning,
            held_out,
            digits=digits,
            order=self.order_,
            batch_size=batch,
            learning_rate=self.learning_rate * min(1.0, len(rows) / (USUAL_BATCH * STEPS_A_PASS)) ** 0.5,
            dropout=_usual_dropout(len(rows)) if self.dropout is None else self.dropout,
        )
        planned = STEPS * len(rows) ** 0.25 * min(len(digits.sizes), MOST_DIGITS) ** 0.5
        steps = self.steps or math.ceil(min(planned, MOST_PASSES * len(rows) / batch))
        plan = Plan(stage="training", steps=steps, check_every=max(10, steps // 20), keep_start=True)
        done = descend(phase, self.network_, plan, budget, progress)
        self.network_.eval().requires_grad_(False)
        return done

    def _start(self, digits: Digits, rows: Tensor) -> Autoregressor:
        """Return an untrained network that knows the frequencies of the columns and the orders of their values."""
        network = Autoregressor(digits.sizes, width=self.width, hidden=self.hidden)
        network.smooth(digits.ranks(self.codec_.ranks))
        network.start_at(((network.heads.count(rows.cpu()) + 0.5) / len(rows)).log())
        return network

    def _rows_a_step(self, rows: int, digits: int) -> int:
        """Return the batch size, a multiple of the orders a batch: smaller for small tables and for wide ones."""
        most = min(self.batch_size, rows // STEPS_A_PASS, CELLS // (digits * self.width))
        return max(ORDERS, most // ORDERS * ORDERS)

    # -- drawing ------------------------------------------------------------------------------------------------

    temperature: float = 1.0

    def sample(
        self, n: int, *, given: Mapping[str, Any] | None = None, seed: int | None = None, temperature: float = 1.0
    ) -> pd.DataFrame:
        """Draw new rows.

        Parameters
        ----------
        n, given, seed
            See `Synthesizer.sample`.
        temperature : float
            Below 1, likely values become likelier, and rows more typical and less varied; above 1, the opposite.

        Raises
        ------
        ConditionError, ParameterError, NotFittedError
            See `Synthesizer.sample`.
        """
        if isinstance(temperature, bool) or not 0 < temperature < float("inf"):
            raise ParameterError(f"temperature is {temperature!r}", remedy="give a number above 0; 1 changes nothing")
        tempered = copy.copy(self)
        tempered.temperature = float(temperature)
        return super(TabularAR, tempered).sample(n, given=given, seed=seed)

    def _sampler(self) -> OrderedSampler:
        digits = Digits(self.codec_.domain.sizes)
        return OrderedSampler(self.network_, digits, self.order_, self.codec_.drawn, temperature=self.temperature)

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        sampler = self._sampler()
        parts = [
            sampler.log_prob(sampler.digits.split(torch.from_numpy(part)).to(sampler.device)).cpu()
            for part in np.split(codes, range(BATCH_ROWS, len(codes), BATCH_ROWS))
        ]
        return torch.cat(parts).numpy()

    def _complete(self, codes: np.ndarray, known: np.ndarray, windows: Mapping[int, Window], seed: int) -> np.ndarray:
        sampler = self._sampler()
        generator = torch.Generator(sampler.device).manual_seed(seed)
        known = known[:, list(sampler.digits.column)]
        cuts = range(BATCH_ROWS, len(codes), BATCH_ROWS)
        parts = []
        for part, given in zip(np.split(codes, cuts), np.split(known, cuts), strict=True):
            values = sampler.digits.split(torch.from_numpy(part)).to(sampler.device)
            completed = sampler.complete(values, torch.from_numpy(given).to(sampler.device), windows, generator)
            parts.append(sampler.digits.join(completed).cpu())
        return torch.cat(parts).numpy()

    # -- files --------------------------------------------------------------------------------------------------

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {"order": list(self.order_)}, dict(self.network_.state_dict())

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        self.order_ = tuple(parts["order"])
        digits = Digits(self.codec_.domain.sizes)
        network = Autoregressor(digits.sizes, width=self.width, hidden=self.hidden)
        network.load_state_dict(dict(tensors))
        self.network_ = network.to(device).eval().requires_grad_(False)


def _usual_dropout(rows: int) -> float:
    return min(0.5, max(0.25, 0.25 + 0.15 * math.log2(20_000 / rows)))
