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
PRIVATE_WIDTH, PRIVATE_HIDDEN = 64, 32
"""At most, with differential privacy: the noise is as long as the root of the number of weights."""
WARM_SHARE = 0.4
"""Of the time, what goes into learning imagined rows before real ones."""
OWN_ROWS = (30_000, 100_000)
"""So many imagined rows at least, so that those of a small table are not known by heart; so many own rows."""
MATCHING = 0.4
"""Of the usual steps and rate, what goes into learning the network's own rows once they are raked to noisy counts."""


class TabularAR(Completing):
    """An autoregressive model for tables: the most faithful rows for the time.

    Parameters
    ----------
    privacy : Privacy, optional
        What a fit with differential privacy may spend. It learns from rows of a tree model of noisy counts first (see
        `TabularMST`), then from the real rows by gradient descent with noise; it needs a schema.
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
        columns, of which 32 count; at most 25 passes over the rows. With privacy, each of its two parts.
    width : int
        Of the vectors that stand for values; at most 64 with privacy.
    hidden : int
        Of the hidden layers of each column's network; at most 32 with privacy.
    dropout : float, optional
        The share of hidden units that is left out, until the last fifth of training. None means a quarter for tables
        of 20,000 rows and more, rising to a half for 6,300 rows and fewer; with privacy there is none.
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
        digits = Digits(self.codec_.domain.sizes)
        self.order_ = natural_order(coded.codes, digits.column_sizes, self._target)
        rows = digits.split(torch.from_numpy(coded.codes)).to(device, torch.int32)
        learning, held_out = hold_out(rows)
        self.network_ = self._start(digits, rows).to(device)
        up_to = 1.0 if self.privacy is None else WARM_SHARE
        return self._maximise(learning, held_out, budget, progress, stage="training", up_to=up_to)

    def _maximise(
        self,
        learning: Tensor,
        held_out: Tensor,
        budget: Budget,
        progress: Progress | None,
        *,
        stage: str,
        up_to: float = 1.0,
        part: float = 1.0,
    ) -> tuple[Stopped, int]:
        """Raise the likelihood of rows, as digits, in all orders; `part` scales the usual rate and number of steps."""
        digits, rows = Digits(self.codec_.domain.sizes), len(learning) + len(held_out)
        batch = self._rows_a_step(rows, len(digits.sizes))
        self.network_.requires_grad_(True)
        phase = OrderedLikelihood(
            self.network_,
            learning,
            held_out,
            digits=digits,
            order=self.order_,
            batch_size=batch,
            learning_rate=part * self.learning_rate * min(1.0, rows / (USUAL_BATCH * STEPS_A_PASS)) ** 0.5,
            dropout=self._share_dropped(rows),
        )
        planned = STEPS * rows**0.25 * min(len(digits.sizes), MOST_DIGITS) ** 0.5
        steps = math.ceil(part * (self.steps or min(planned, MOST_PASSES * rows / batch)))
        plan = Plan(stage=stage, steps=steps, up_to=up_to, check_every=max(10, steps // 20), keep_start=True)
        done = descend(phase, self.network_, plan, budget, progress)
        self.network_.eval().requires_grad_(False)
        return done

    def _start(self, digits: Digits, rows: Tensor) -> Autoregressor:
        """Return an untrained network that knows the frequencies of the columns and the orders of their values."""
        network = self._untrained(digits)
        network.smooth(digits.ranks(self.codec_.ranks))
        network.start_at(((network.heads.count(rows.cpu()) + 0.5) / len(rows)).log())
        return network

    def _untrained(self, digits: Digits) -> Autoregressor:
        if self.privacy is None:
            return Autoregressor(digits.sizes, width=self.width, hidden=self.hidden)
        width, hidden = min(self.width, PRIVATE_WIDTH), min(self.hidden, PRIVATE_HIDDEN)
        return Autoregressor(digits.sizes, width=width, hidden=hidden)

    def _share_dropped(self, rows: int) -> float:
        if self.privacy is not None:
            return 0.0
        return _usual_dropout(rows) if self.dropout is None else self.dropout

    def _rows_a_step(self, rows: int, digits: int) -> int:
        """Return the batch size, a multiple of the orders a batch: smaller for small tables and for wide ones."""
        most = min(self.batch_size, rows // STEPS_A_PASS, CELLS // (digits * self.width))
        return max(ORDERS, most // ORDERS * ORDERS)

    # -- learning with differential privacy ---------------------------------------------------------------------

    def _gradient_plan(self, rows: float) -> GradientPlan:
        from synthx.models.private.autoregression import gradient_plan

        return gradient_plan(rows, self.steps)

    def _learn_privately(
        self, fit: PrivateFit, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        from synthx.models.private.autoregression import learn_real_rows
        from synthx.models.private.raking import raked

        rng = np.random.default_rng([self.seed, 3])
        rows = int(np.clip(fit.rows, *OWN_ROWS))
        imagined = np.concatenate([fit.imagined(rng) for _ in range(math.ceil(OWN_ROWS[0] / max(fit.rows, 1_000)))])
        stopped, steps = self._learn(Coded(imagined, np.zeros(imagined.shape)), device, budget, progress)
        if stopped == "interrupted":
            return stopped, steps
        self.network_, stopped, taken = learn_real_rows(fit, self.network_, self.order_, budget, progress, self.seed)
        if stopped == "interrupted":
            return stopped, steps + taken
        drawn = raked(fit.measurements, self._draw_many(rows, rng).codes, rng)
        own = Digits(self.codec_.domain.sizes).split(torch.from_numpy(drawn)).to(device, torch.int32)
        _, more = self._maximise(*hold_out(own), budget, progress, stage="matching counts", part=MATCHING)
        return stopped, steps + taken + more

    # -- drawing ------------------------------------------------------------------------------------------------

    temperature: float = 1.0

    def sample(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        rebalance: Mapping[str, Any] | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
    ) -> pd.DataFrame:
        """Draw new rows.

        Parameters
        ----------
        n, given, rebalance, seed
            See `TableSynthesizer.sample`.
        temperature : float
            Below 1, likely values become likelier, and rows more typical and less varied; above 1, the opposite.

        Raises
        ------
        ConditionError, ParameterError, NotFittedError
            See `TableSynthesizer.sample`.
        """
        if isinstance(temperature, bool) or not 0 < temperature < float("inf"):
            raise ParameterError(f"temperature is {temperature!r}", remedy="give a number above 0; 1 changes nothing")
        tempered = copy.copy(self)
        tempered.temperature = float(temperature)
        return super(TabularAR, tempered).sample(n, given=given, rebalance=rebalance, seed=seed)

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
        network = self._untrained(digits)
        network.load_state_dict(dict(tensors))
        self.network_ = network.to(device).eval().requires_grad_(False)


def _usual_dropout(rows: int) -> float:
    return min(0.5, max(0.25, 0.25 + 0.15 * math.log2(20_000 / rows)))
