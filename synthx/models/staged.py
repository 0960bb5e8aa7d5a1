"""What table models share that draw rows in stages: the plan, the first look at the rows, the phases, files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synthx.codec.table import Coded
from synthx.models.layout import Digits
from synthx.models.networks import NEVER, Completer
from synthx.models.parts import named_for, of_owner
from synthx.models.stages import mutual_information, plan_stages
from synthx.models.tabular import TableSynthesizer
from synthx.training import Budget, Stopped, hold_out

__all__ = ["Staged"]

PASSES = 20
FEWEST_STEPS, MOST_STEPS = 400, 4_000


class Staged(TableSynthesizer):
    """A table model that draws rows in stages, several digits at a time, by a network that completes rows."""

    stages: int | None

    plan_: tuple[tuple[int, ...], ...]
    """The digits of each stage."""
    marginals_: Tensor
    """Log-frequencies of the values among the training rows."""

    @abstractmethod
    def _start(self, sizes: tuple[int, ...], device: torch.device) -> Completer:
        """Make untrained networks for digits of so many values; return the one that completes rows."""

    @abstractmethod
    def _networks(self) -> dict[str, nn.Module]:
        """Return the networks by the names that they have in a file."""

    @property
    def _digits(self) -> Digits:
        return Digits(self.codec_.domain.sizes)

    # -- learning -----------------------------------------------------------------------------------------------

    def _begin(self, coded: Coded, device: torch.device) -> tuple[Tensor, Tensor]:
        """Make the plan and networks that know the frequencies; return rows of digits to learn and to judge by."""
        digits = self._digits
        rows = digits.split(torch.from_numpy(coded.codes))
        self.plan_ = self._plan(digits, rows.numpy())
        rows = rows.to(device)
        completer = self._start(digits.sizes, device)
        completer.smooth(digits.ranks(self.codec_.ranks))
        counts = completer.heads.count(rows)
        completer.start_at(((counts + 0.5) / len(rows)).log())
        self.marginals_ = (counts / len(rows)).log().clamp(min=NEVER)
        return hold_out(rows)

    def _plan(self, digits: Digits, rows: np.ndarray) -> tuple[tuple[int, ...], ...]:
        """Choose the stages; the target, or else what tells most about the rest, comes first and alone."""
        information = mutual_information(rows, digits.sizes)
        if self._target is not None:
            first = digits.first[self._target]
        else:
            first = max(digits.first, key=lambda digit: float(information[digit].sum()))
        return plan_stages(information, stages=self.stages, first=first, after=digits.second)

    def _usual_steps(self, rows: int) -> int:
        return int(np.clip(PASSES * rows / self.batch_size, FEWEST_STEPS, MOST_STEPS))

    @staticmethod
    def _and_then(
        so_far: tuple[Stopped, int], phase: Callable[[], tuple[Stopped, int]], budget: Budget
    ) -> tuple[Stopped, int]:
        """Take another phase if there is time; return what ended training, and the steps of all phases."""
        stopped, steps = so_far
        if stopped == "interrupted" or budget.share_used() >= 1:
            return so_far
        try:
            stopped, more = phase()
        except KeyboardInterrupt:  # between the phases; inside them it is handled there
            return "interrupted", steps
        return stopped, steps + more

    # -- files --------------------------------------------------------------------------------------------------

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        tensors = {"marginals": self.marginals_}
        for owner, network in self._networks().items():
            tensors |= named_for(owner, network.state_dict())
        return {"plan": [list(stage) for stage in self.plan_]}, tensors

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        self.plan_ = tuple(map(tuple, parts["plan"]))
        self._start(self._digits.sizes, device)
        for owner, network in self._networks().items():
            network.load_state_dict(of_owner(owner, tensors))
            network.eval().requires_grad_(False)
        self.marginals_ = tensors["marginals"].to(device)
