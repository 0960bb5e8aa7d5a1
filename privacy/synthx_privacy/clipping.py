"""The sum of units' gradients, each clipped: by Opacus' ghost clipping, and one unit at a time for checking.

Ghost clipping (Li et al. 2021, arXiv 2110.05679) goes backward twice. The first time, the layers' rules find how long
each unit's gradient is; the second time, the losses are weighted so that the sum of their gradients is the sum of the
clipped gradients.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from torch import Tensor, nn

from synthx.errors import ParameterError, PrivacyError
from synthx_privacy.norms import refuse_layers

__all__ = ["Clipper", "Losses", "clipped_sum", "trainable"]

Losses: TypeAlias = Callable[[Tensor], Tensor]
"""Losses of units, given their indices: int64, shape (units,) -> shape (units,)."""

MARGIN = 1e-5
"""By how much norms are overstated, relatively: rounding must let no gradient through that is longer than the clip."""

LINGERING = ("grad_sample", "summed_grad", "_norm_sample", "_current_grad_sample", "_forward_counter")
"""What Opacus hangs on parameters."""


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that are learned, by name, each once."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def clipped_sum(module: nn.Module, losses: Losses, indices: Tensor, clip: float) -> Tensor:
    """Return the sum of the units' clipped gradients, by plain autograd on one unit at a time: slow, for checking.

    Parameters
    ----------
    module : Module
    losses : callable
    indices : int64 Tensor, shape (units,)
    clip : float
        The longest gradient that counts in full; longer ones are shortened to it. One that is not finite is left out.

    Returns
    -------
    Tensor, shape (parameters,)
        Of all trainable parameters, flattened, in the order of `module.named_parameters()`.
    """
    parameters = list(trainable(module).values())
    total = torch.cat([torch.zeros_like(parameter).flatten() for parameter in parameters])
    for index in indices:
        loss = losses(index[None]).sum()
        if not loss.requires_grad:
            continue
        parts = torch.autograd.grad(loss, parameters, allow_unused=True)
        gradient = torch.cat([part.flatten() for part in _filled(parts, parameters)])
        norm = float(gradient.double().norm())
        if bool(torch.isfinite(gradient).all()) and bool(torch.isfinite(loss)):
            total += gradient * min(1.0, clip / norm if norm else 1.0)
    return total


class Clipper:
    """Sums of clipped gradients of a module's parameters, over units of which only some are held at a time.

    Nothing of it stays on the module between calls: no hooks, no gradients, no attributes.

    Parameters
    ----------
    module : Module
        Used by the losses as it is, unwrapped.
    clip : float
    physical_batch : int
        Units that go through the network at once.
    ghost : bool
        False holds the gradients of all units of a physical batch, which networks need that use a layer twice.

    Raises
    ------
    PrivacyError
        If a layer mixes rows, or has no rule for the gradients of single rows.
    """

    def __init__(self, module: nn.Module, clip: float, *, physical_batch: int, ghost: bool) -> None:
        refuse_layers(module)
        self.module = module
        self.clip = clip
        self.physical_batch = physical_batch
        self.parameters = list(trainable(module).values())
        self._names = list(trainable(module))
        if not self.parameters:
            raise ParameterError("the module has no parameter that is learned", remedy="unfreeze one")
        self._hooks: Any = GradSampleModuleFastGradientClipping(
            module, loss_reduction="sum", max_grad_norm=clip, strict=False, use_ghost_clipping=ghost
        )
        self._fronts: list[Tensor] = []
        self._detach()

    def sums(self, parts: Sequence[tuple[Losses, Tensor]]) -> list[Tensor]:
        """Return the sum of clipped gradients over all units of all parts, a tensor for each parameter.

        Parameters
        ----------
        parts : sequence of (losses, indices)
            Each with losses of its own.

        Raises
        ------
        ParameterError
            If there is not one loss a unit, or a unit comes twice.
        PrivacyError
            If a parameter gets a gradient whose length is unknown, or a buffer of the module changes.
        """
        totals = [torch.zeros_like(parameter) for parameter in self.parameters]
        before = self._buffers()
        with self._attached():
            for losses, indices in parts:
                if len(indices.unique()) != len(indices):
                    raise ParameterError("a unit comes twice in a batch", remedy="give each index once")
                for chunk in indices.split(self.physical_batch):
                    for total, gradient in zip(totals, self._of_chunk(losses, chunk), strict=True):
                        total += 0 if gradient is None else gradient
        for name, state in self._buffers().items():
            if before.get(name) != state:
                raise PrivacyError(
                    f"the buffer {name!r} changed while the data was seen, and noise does not cover buffers",
                    remedy="remove the layer that keeps it",
                )
        return totals

    @contextmanager
    def without_hooks(self) -> Iterator[None]:
        """Go through the module without keeping count: what a loss does on the side, with gradients to nowhere."""
        enabled, self._hooks.hooks_enabled = self._hooks.hooks_enabled, False
        try:
            yield
        finally:
            self._hooks.hooks_enabled = enabled

    # -- a chunk: the norms, then the weighted losses ------------------------------------------------------------------

    def _of_chunk(self, losses: Losses, units: Tensor) -> Sequence[Tensor | None]:
        """Return the chunk's sum; None for parameters without part in it."""
        while len(units):
            self._forget()
            each = self._losses(losses, units)
            if not each.requires_grad:
                break
            if self._fronts:
                self._backward(each.sum(), self._fronts, retain_graph=True)
            norm, unseen = self._norms(len(units))
            finite = torch.isfinite(norm) & torch.isfinite(each.detach())
            if bool(finite.all()):
                weights = (self.clip / (norm * (1 + MARGIN)).clamp(min=self.clip)).to(each.dtype)
                with self.without_hooks():
                    gradients = self._backward((weights * each).sum(), self.parameters)
                self._refuse(unseen, gradients)
                return gradients
            units = units[finite]  # a weight of zero would not do: zero times infinity is not zero
        return [None] * len(self.parameters)

    def _backward(self, total: Tensor, to: Sequence[Tensor], retain_graph: bool = False) -> tuple[Tensor | None, ...]:
        with warnings.catch_warnings():  # of layers at the front, whose inputs require no gradients
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            return torch.autograd.grad(total, to, retain_graph=retain_graph, allow_unused=True)

    def _losses(self, losses: Losses, units: Tensor) -> Tensor:
        try:
            each = losses(units)
        except NotImplementedError as error:
            if "Parameter tying" not in str(error):
                raise
            raise PrivacyError(
                "a layer is used more than once for a loss, which ghost clipping cannot measure",
                remedy="pass ghost=False",
            ) from error
        if each.shape != units.shape:
            raise ParameterError(
                f"losses of shape {tuple(each.shape)} came back for {len(units)} units",
                remedy="return one loss a unit, neither summed nor averaged",
            )
        return each

    def _norms(self, units: int) -> tuple[Tensor, set[str]]:
        """Return how long the units' gradients are, shape (units,), and the parameters that no rule saw."""
        squares = torch.zeros(units, device=self.parameters[0].device)
        unseen = set()
        for name, parameter in zip(self._names, self.parameters, strict=True):
            norm: Tensor | None = getattr(parameter, "_norm_sample", None)
            if norm is None:
                unseen.add(name)
            elif norm.shape != (units,):
                raise PrivacyError(
                    f"the layer of {name!r} got {len(norm)} rows for {units} units",
                    remedy="let the first dimension of every layer's input be the units",
                )
            else:
                squares += norm.square()
        return squares.sqrt(), unseen

    def _refuse(self, unseen: set[str], gradients: Sequence[Tensor | None]) -> None:
        for name, gradient in zip(self._names, gradients, strict=True):
            if gradient is not None and name in unseen:
                raise PrivacyError(
                    f"the parameter {name!r} gets gradients that are not clipped",
                    remedy="use it through its layer's call alone, on inputs of which nothing else is learned",
                )

    # -- what Opacus leaves behind -------------------------------------------------------------------------------------

    @contextmanager
    def _attached(self) -> Iterator[None]:
        for parameter in self.parameters:
            parameter.grad_sample = None  # type: ignore[attr-defined]
        self._hooks.add_hooks(loss_reduction="sum")
        notes = [
            layer.register_forward_hook(self._note_front)
            for layer in self.module.modules()
            if any(parameter.requires_grad for parameter in layer.parameters(recurse=False))
        ]
        try:
            yield
        finally:
            for note in notes:
                note.remove()
            self._detach()

    def _note_front(self, _: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        """Keep the output of a layer that follows no other: as far as there the first pass has to go, no further."""
        after = any(isinstance(each, Tensor) and each.requires_grad for each in inputs)
        if self._hooks.hooks_enabled and not after and isinstance(output, Tensor) and output.requires_grad:
            self._fronts.append(output)

    def _detach(self) -> None:
        self._hooks.remove_hooks()
        self._forget()
        for parameter in self.module.parameters():
            for name in LINGERING:
                if hasattr(parameter, name):
                    delattr(parameter, name)

    def _forget(self) -> None:
        """Leave nothing of a chunk, finished or not, that the next could mistake for its own."""
        self._fronts.clear()
        for layer in self.module.modules():
            for name in ("activations", "max_batch_len"):
                layer.__dict__.pop(name, None)
        for parameter in self.parameters:
            parameter.grad_sample = None  # type: ignore[attr-defined]
            parameter._forward_counter = 0  # type: ignore[attr-defined]
            for name in ("_norm_sample", "_current_grad_sample"):
                if hasattr(parameter, name):
                    delattr(parameter, name)

    def _buffers(self) -> dict[str, tuple[int, int]]:
        """Return a mark of each buffer's state, which changes with it."""
        return {name: (id(buffer), buffer._version) for name, buffer in self.module.named_buffers()}


def _filled(gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> list[Tensor]:
    return [
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(gradients, parameters, strict=True)
    ]
