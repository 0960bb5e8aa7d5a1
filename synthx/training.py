"""The one training loop: device, time budget, progress, early stop, averaged weights, rescue from divergence."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from synthx.errors import ParameterError, TrainingError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    Tensors = tuple[Tensor, ...] | list[Tensor]

__all__ = [
    "Budget",
    "Plan",
    "Progress",
    "ProgressEvent",
    "Stopped",
    "flushed_denormals",
    "hold_out",
    "pick_device",
    "train",
]

Stopped = Literal["finished", "converged", "time", "interrupted"]

HELD_OUT = 0.05
MOST_HELD_OUT = 5_000
FEWEST_TO_PART = 100


@dataclasses.dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far a fit has come.

    Parameters
    ----------
    stage : str
        What is being done.
    fraction : float
        How much of it is done, from 0 to 1.
    message : str
        A figure worth showing.
    seconds : float
        Since the fit began.
    """

    stage: str
    fraction: float
    message: str
    seconds: float


Progress = Callable[[ProgressEvent], None]


class Budget:
    """A time limit for a fit as a whole, from its first line to its last.

    Parameters
    ----------
    max_minutes : float, optional
        None means no limit.
    reserve : float
        The share that is kept for what follows training.

    Raises
    ------
    ParameterError
        If the limit is not a positive, finite number.
    """

    def __init__(self, max_minutes: float | None, *, reserve: float = 0.05) -> None:
        if max_minutes is not None and not 0 < max_minutes < math.inf:
            raise ParameterError(f"max_minutes is {max_minutes!r}", remedy="give a positive number of minutes, or none")
        self._began = time.monotonic()
        self._limit = math.inf if max_minutes is None else 60.0 * max_minutes * (1 - reserve)

    @property
    def seconds(self) -> float:
        """Since the budget was opened."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """The seconds that are left; infinite without a limit."""
        return max(0.0, self._limit - self.seconds)

    def share_used(self, up_to: float = 1.0, since: float = 0.0) -> float:
        """Return how much is gone of the time between `since` (seconds) and the share `up_to` of the limit; 0 to 1."""
        end = self._limit * up_to
        if math.isinf(end):
            return 0.0
        return min(1.0, max(0.0, (self.seconds - since) / max(end - since, 1e-9)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to train and when to stop.

    Parameters
    ----------
    stage : str
        What progress calls it.
    measure : str
        What progress calls the loss that states are judged by.
    steps : int
        At most this many.
    up_to : float
        Training ends when this share of the time budget is used.
    check_every : int
        Steps between two looks at held-out rows.
    patience : int
        Looks without a better loss before training ends.
    average : float
        Decay of the exponential moving average of weights.
    keep_start : bool
        Whether the network as given competes: if training never improves on it, it is kept.
    """

    stage: str
    steps: int
    measure: str = "held-out loss"
    up_to: float = 1.0
    check_every: int = 200
    patience: int = 5
    average: float = 0.999
    keep_start: bool = False


def pick_device(device: str) -> torch.device:
    """Return the torch device that ``"auto"``, ``"cpu"`` or ``"cuda"`` stands for.

    Raises
    ------
    ParameterError
        If CUDA is asked for and absent, or the name is unknown.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda"):
        raise ParameterError(f"device {device!r} is not known", remedy="use 'auto', 'cpu' or 'cuda'")
    if device == "cuda" and not torch.cuda.is_available():
        raise ParameterError("device 'cuda' was asked for, but torch sees no GPU", remedy="use device='auto' or 'cpu'")
    return torch.device(device)


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Count numbers next to zero as zero, which CPUs reckon with far faster; undone at the end."""
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def hold_out(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Part rows at random into those to learn from and a few to judge by; of very few, all are both."""
    import torch

    if len(rows) < FEWEST_TO_PART:
        return rows, rows
    shuffled = rows[torch.randperm(len(rows), device=rows.device)]
    count = min(MOST_HELD_OUT, max(int(len(rows) * HELD_OUT), min(100, len(rows) // 5)))
    return shuffled[count:], shuffled[:count]


def train(
    step: Callable[[float], Tensor],
    *,
    network: nn.Module,
    loss: Callable[[nn.Module], float],
    budget: Budget,
    plan: Plan,
    reset: Callable[[], None] = lambda: None,
    progress: Progress | None = None,
) -> tuple[Stopped, int]:
    """Train a network and leave the best moving average of its weights in it.

    Parameters
    ----------
    step : callable
        Takes one training step and returns its loss, a scalar tensor; is given how much of the training is done (0
        to 1, by steps or by time, whichever is further), for learning-rate schedules.
    network : Module
        Whose weights are averaged, judged and kept. Other networks (a discriminator) are the caller's.
    loss : callable
        Judges a network on held-out rows; lower is better.
    budget : Budget
        The time limit that `plan.up_to` is a share of.
    plan : Plan
        How long to train and when to stop.
    reset : callable
        Makes the optimizers forget, after a divergence: their averages of gradients are no numbers either.
    progress : callable, optional
        Is told how far training has come, at every check.

    Returns
    -------
    (Stopped, int)
        What ended training, and after how many steps. On `KeyboardInterrupt` the best weights so far are kept.

    Raises
    ------
    TrainingError
        If the loss is not finite three times in spite of going back to the best weights.
    """
    watch = _Watch(network, loss, plan, reset)
    began, done = budget.seconds, 0
    stopped: Stopped = "finished"
    try:
        watch.start()
        while done < plan.steps:
            fraction = max(done / plan.steps, budget.share_used(plan.up_to, began))
            if fraction >= 1.0:
                stopped = "time"
                break
            watch.note(step(fraction))
            done += 1
            if done % plan.check_every == 0 or done == plan.steps:
                message = watch.check()
                if progress is not None:
                    share = max(done / plan.steps, budget.share_used(plan.up_to, began))
                    progress(ProgressEvent(plan.stage, share, message, budget.seconds))
                if watch.stale >= plan.patience:
                    stopped = "converged"
                    break
    except KeyboardInterrupt:
        stopped = "interrupted"
    watch.keep_best()
    return stopped, done


class _Watch:
    """The moving average of a network's weights, and the best of its states so far."""

    def __init__(
        self, network: nn.Module, loss: Callable[[nn.Module], float], plan: Plan, reset: Callable[[], None]
    ) -> None:
        from torch.optim.swa_utils import AveragedModel

        self.network, self.loss, self.plan, self.reset = network, loss, plan, reset
        self.averaged = AveragedModel(network, multi_avg_fn=_warming_average(plan.average))
        self.best = _weights(network)
        self.best_loss = math.inf
        self.stale = self.failures = 0
        self.total: Tensor | None = None

    def start(self) -> None:
        """Judge the network as given, where it competes."""
        if self.plan.keep_start:
            self.best_loss = self.loss(self.network)

    def note(self, value: Tensor) -> None:
        """Take in the loss of a step; nothing waits for the device."""
        self.total = value.detach() if self.total is None else self.total + value.detach()
        self.averaged.update_parameters(self.network)

    def check(self) -> str:
        """Judge the averaged weights and keep them if they are the best; return a figure worth showing."""
        import torch

        finite = self.total is not None and bool(torch.isfinite(self.total))
        self.total = None
        if not finite:
            self._rescue()
            return "diverged; went back to the best weights"
        current = self.loss(self.averaged.module)
        if current < self.best_loss:
            self.best, self.best_loss, self.stale = _weights(self.averaged.module), current, 0
        else:
            self.stale += 1
        return f"{self.plan.measure} {current:.4f}"

    def keep_best(self) -> None:
        """Put the best weights into the network; the average, if training ended before the first check."""
        untested = math.isinf(self.best_loss) and self.total is not None and math.isfinite(float(self.total))
        self.network.load_state_dict(_weights(self.averaged.module) if untested else self.best)

    def _rescue(self) -> None:
        self.failures += 1
        if self.failures >= 3:
            raise TrainingError(f"{self.plan.stage} diverged three times (the loss was not finite): try another seed")
        self.network.load_state_dict(self.best)
        self.averaged.module.load_state_dict(self.best)
        self.reset()


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(network.state_dict())


def _warming_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Return an exponential moving average whose memory grows with the steps taken, so that the start is forgotten."""
    import torch

    steps = itertools.count(1)  # torch hands the count over on the device, and to read it there would wait for it

    def update(averages: Tensors, values: Tensors, _: Tensor | int) -> None:
        count = next(steps)
        torch._foreach_lerp_(averages, values, 1 - min(decay, (1 + count) / (10 + count)))

    return update
