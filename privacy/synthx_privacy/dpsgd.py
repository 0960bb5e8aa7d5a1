"""Gradient descent with a differential-privacy guarantee: each unit's gradient is clipped, their sum gets noise.

Abadi et al. 2016, arXiv 1607.00133, by Opacus. What is added to it is what a guarantee needs beside: a divisor that
does not depend on the batch; noise for empty batches too; rows without finite gradients, which count for nothing;
refusals of layers that mix rows, and of parameters that Opacus would not see; noise from the operating system's
entropy.

**What the caller must keep to.** The loss of a unit may depend on that unit, the parameters and fresh noise, and on
nothing else of the batch: not on its size, nor on where in it the unit stands. Dropout masks or column orders that are
handed out by position in the batch break this; draw them for each unit, or once for all. `PrivateDescent.verify` finds
most breaches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from opacus.optimizers import DPOptimizerFastGradientClipping
from torch import Tensor, nn
from torch.optim import Optimizer

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy import tape
from synthx_privacy.clipping import LINGERING, Clipper, Losses, clipped_sum
from synthx_privacy.noise import SecureRandom
from synthx_privacy.sampling import PoissonSampler

__all__ = ["Losses", "PoissonSampler", "PrivateDescent", "clipped_sum"]

KIND = "gradient"
"""The mechanism's name on an audit's tape: sums of clipped gradients, flattened, with Gaussian noise."""
TWISTER = slice(24, 24 + 8 * 624)
"""Where the twister's words lie in the state of a generator on the CPU."""
Indices: TypeAlias = Tensor | npt.NDArray[np.int64]


class PrivateDescent:
    """Steps of an optimizer on noisy sums of clipped gradients.

    The Gaussian noise has the standard deviation `noise_multiplier * clip`, and a batch with one unit more or less
    gives a sum that differs by at most `clip`. Units that are not data, such as rows that a generator makes up, are
    clipped one by one like the others, so they change neither.

    Parameters
    ----------
    module : Module
        What is learned. The losses call it as it is, and in training mode; parameters that are frozen now stay so.
    optimizer : callable
        Makes the optimizer of the parameters that it is given.
    noise_multiplier : float
    clip : float
        The longest gradient of a unit that counts in full.
    divisor : float
        What the sum is divided by: the expected batch, fixed beforehand.
    physical_batch : int
        Units that go through the network at once; it bounds memory, and changes nothing else.
    extra_units : int
        How many units that are not data come into every step.
    ghost : bool
        False holds the gradients of all units of a physical batch, which networks need that use a layer twice.
    phase : str
        The name of the queries on an audit's tape.

    Attributes
    ----------
    optimizer : Optimizer
        For schedules of its learning rate.
    steps : int
        Steps begun: every one of them has to be accounted for.

    Raises
    ------
    ParameterError
        If a number is outside its range, or the optimizer leaves out a parameter.
    PrivacyError
        If a layer mixes rows, or has no rule for the gradients of single rows.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        noise_multiplier: float,
        clip: float,
        divisor: float,
        physical_batch: int = 256,
        extra_units: int = 0,
        ghost: bool = True,
        phase: str = "descent",
    ) -> None:
        _check_numbers(noise_multiplier, clip, divisor, physical_batch, extra_units)
        self._clipper = Clipper(module, clip, physical_batch=physical_batch, ghost=ghost)
        self._parameters = self._clipper.parameters
        self.optimizer = optimizer(self._parameters)
        _check_parameters(self.optimizer, self._parameters)
        self.module = module
        self.divisor = divisor
        self.extra_units = extra_units
        self.phase = phase
        self.steps = 0
        self._generator = torch.Generator(self._parameters[0].device)
        self._noisy: Any = DPOptimizerFastGradientClipping(
            self.optimizer,
            noise_multiplier=noise_multiplier,
            max_grad_norm=clip,
            expected_batch_size=None,
            loss_reduction="sum",
            generator=self._generator,
            secure_mode=True,  # four draws a number: single draws end at 5.8 standard deviations and have holes
        )
        self._noisy.attach_step_hook(self._after_noise)
        self._clean()

    @property
    def noise_multiplier(self) -> float:
        """Standard deviation of the noise, in clips."""
        return float(self._noisy.noise_multiplier)

    @property
    def clip(self) -> float:
        """The longest gradient of a unit that counts in full."""
        return self._clipper.clip

    def step(self, losses: Losses, indices: Indices, extra: Losses | None = None) -> None:
        """Take one step, on a batch that may be empty.

        Parameters
        ----------
        losses : callable
            From indices of units, int64 of shape (units,), to one loss a unit. It is called once a physical batch, and
            again for what is left of one if a row's loss or gradient is not finite.
        indices : int64 Tensor or array, shape (units,)
            The batch, each unit once.
        extra : callable, optional
            The same for the units that are not data, whose indices run from 0 to `extra_units` - 1.

        Raises
        ------
        ParameterError
            If there is not one loss a unit, a unit comes twice, or `extra` is missing or not expected.
        PrivacyError
            If a parameter gets a gradient whose length is unknown.
        """
        if not self.module.training:
            raise ParameterError("the module is in evaluation mode", remedy="call its method train() before a step")
        sums = self._sums(losses, indices, extra)
        for parameter, total in zip(self._parameters, sums, strict=True):
            parameter.grad = total
            parameter.summed_grad = None  # type: ignore[attr-defined]
        renew(self._generator)
        self.steps += 1
        try:
            self._noisy.step()  # adds the noise, calls `_after_noise`, and steps the optimizer
        finally:
            self._clean()

    def clipped_sum(self, losses: Losses, indices: Indices, extra: Losses | None = None) -> Tensor:
        """Return what a step would add noise to, shape (parameters,): for audits, never for release."""
        return torch.cat([total.flatten() for total in self._sums(losses, indices, extra)])

    def verify(self, losses: Losses, indices: Indices, tolerance: float = 1e-4) -> None:
        """Compare the sum of clipped gradients with one that is reckoned unit by unit; losses without dropout only.

        Finds losses that mix units, layers applied in unforeseen ways, and parameters used beside their layers. Give
        it units that are not data: what it raises depends on them.

        Raises
        ------
        PrivacyError
            If they differ by more than `tolerance`, in clips a unit.
        """
        indices = self._as_tensor(indices)
        fast = torch.cat([total.flatten() for total in self._clipper.sums([(losses, indices)])])
        difference = float((fast - clipped_sum(self.module, losses, indices, self.clip)).norm())
        if not difference <= tolerance * self.clip * max(1, len(indices)):
            raise PrivacyError(
                f"gradients clipped together differ by {difference:.3g} from gradients clipped one by one",
                remedy="let the loss of a unit depend on that unit alone, and use parameters through layers alone",
            )

    def without_hooks(self) -> AbstractContextManager[None]:
        """Return a context in which the module can be used on the side, within a loss; outside of steps it always can.

        Between steps nothing of this class is on the module, so that a generator can learn through a discriminator.
        """
        return self._clipper.without_hooks()

    def _sums(self, losses: Losses, indices: Indices, extra: Losses | None) -> list[Tensor]:
        if (extra is not None) != (self.extra_units > 0):
            raise ParameterError(
                f"a step has {self.extra_units} extra units, and losses of them were {'' if extra else 'not '}given",
                remedy="give both or neither",
            )
        parts = [(losses, self._as_tensor(indices))]
        if extra is not None:
            parts.append((extra, torch.arange(self.extra_units, device=self._parameters[0].device)))
        return self._clipper.sums(parts)

    def _as_tensor(self, indices: Indices) -> Tensor:
        return torch.as_tensor(indices, dtype=torch.int64, device=self._parameters[0].device)

    def _after_noise(self, _: object) -> None:
        """Let an audit see, or put back, what is about to be released; then divide it."""
        noisy = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        if tape.active():
            if tape.playing():
                _put(noisy, tape.answered(self.phase, KIND))
            sums = [parameter.summed_grad for parameter in self._parameters]  # type: ignore[attr-defined]
            tape.note(self.phase, KIND, _flat(sums), self.clip, _flat(noisy))
        for gradient in noisy:
            gradient /= self.divisor

    def _clean(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None
            for name in LINGERING:
                if hasattr(parameter, name):
                    delattr(parameter, name)


def _flat(tensors: Iterable[Tensor]) -> npt.NDArray[np.float32]:
    flat: npt.NDArray[np.float32] = torch.cat([tensor.flatten() for tensor in tensors]).cpu().numpy()
    return flat


def _put(tensors: Sequence[Tensor], flat: npt.NDArray[np.float32]) -> None:
    """Fill tensors with the numbers that `_flat` made of others of their shapes."""
    parts = torch.from_numpy(flat).split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view_as(tensor))


def renew(generator: torch.Generator) -> None:
    """Set a generator's state from the operating system's entropy.

    A seed will not do on a CPU, where torch keeps 32 bits of it: so few can be tried one after the other. There all
    624 words of the Mersenne twister are set. On other devices the seed has 64 bits.
    """
    random = SecureRandom()
    seed = int(random.bits(1)[0])
    generator.manual_seed(seed)
    if generator.device.type != "cpu":
        return
    state = generator.get_state().numpy().copy()
    words = state[TWISTER].view(np.uint64)
    if int(words[0]) == seed % 2**32:  # the layout is as it was known to be; else the seed has to do
        words[:] = random.bits(len(words) // 2).view(np.uint32)
        generator.set_state(torch.from_numpy(state))


def _check_numbers(noise_multiplier: float, clip: float, divisor: float, physical_batch: int, extra_units: int) -> None:
    numbers = {"clip": clip, "divisor": divisor, "physical_batch": physical_batch}
    for name, number in numbers.items():
        if not (math.isfinite(number) and number > 0):
            raise ParameterError(f"{name}={number} cannot be used", remedy="it must be finite and above 0")
    for name, number in {"noise_multiplier": noise_multiplier, "extra_units": extra_units}.items():
        if not (math.isfinite(number) and number >= 0):
            raise ParameterError(f"{name}={number} cannot be used", remedy="it must be finite and 0 or more")


def _check_parameters(optimizer: Optimizer, parameters: Iterable[nn.Parameter]) -> None:
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if held != {id(parameter) for parameter in parameters}:
        raise ParameterError(
            "the optimizer holds other parameters than the module's trainable ones",
            remedy="let `optimizer` use exactly the parameters that it is given",
        )
