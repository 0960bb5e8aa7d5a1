"""Are gradients clipped one by one, to the length that is booked?

For a network and its losses as they are: the sum that would get noise is compared with one that plain autograd gives,
one unit at a time, and with what it is without each of the units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from synthx_privacy.audit.finding import Finding, verdict

if TYPE_CHECKING:
    from torch import Tensor

    from synthx_privacy.clipping import Losses
    from synthx_privacy.dpsgd import PrivateDescent

__all__ = ["audit_clipping"]

ALONE, BOUND, EMPTY = "clipping.one_by_one", "clipping.bound", "clipping.empty"
TOLERANCE = 1e-3
"""In clips a unit: single precision, and the margin by which norms are overstated."""


def audit_clipping(
    descent: PrivateDescent, losses: Losses, units: int, *, clip: float, extra: Losses | None = None
) -> list[Finding]:
    """Compare sums of clipped gradients with plain autograd, and with what they are without each unit.

    Parameters
    ----------
    descent : PrivateDescent
        As it will be used; no step is taken.
    losses : callable
        Its losses; chance in them must repeat, or depend on the unit alone.
    units : int
        Units 0 to ``units - 1`` are looked at; units + 1 sums are made.
    clip : float
        The length that is booked: what the noise is measured by.
    extra : callable, optional
        Losses of the units that are not data.

    Returns
    -------
    list of Finding
        Exact up to rounding: a sound build never fails.
    """
    import torch

    everyone = torch.arange(units)

    def total(indices: Tensor) -> Tensor:
        return descent.clipped_sum(losses, indices, extra).double().cpu()

    nobody = total(everyone[:0])
    whole = total(everyone)
    expected = nobody + sum(
        (_alone(descent, losses, index, clip) for index in everyone), start=torch.zeros_like(nobody)
    )
    apart = float((whole - expected).norm()) / (clip * max(1, units))
    moves = [float((whole - total(everyone[everyone != index])).norm()) / clip for index in everyone]
    longest = max(moves, default=0.0)
    slack = TOLERANCE * (1 + float(whole.norm()) / clip / 1e4)  # the difference of long sums is rounded
    fakes = float(nobody.norm()) / clip
    return [
        verdict(ALONE, apart <= TOLERANCE, f"differs from autograd one by one by {apart:.2g} clips a unit"),
        verdict(BOUND, longest <= 1 + slack, f"one of {units} units moves the sum by {longest:.4f} clips at most"),
        verdict(
            EMPTY,
            fakes <= descent.extra_units * (1 + TOLERANCE),
            f"without data the sum is {fakes:.4g} clips long, of {descent.extra_units} units that are not data",
        ),
    ]


def _alone(descent: PrivateDescent, losses: Callable[[Tensor], Tensor], index: Tensor, clip: float) -> Tensor:
    """Return one unit's gradient by plain autograd, shortened to the clip; zeros where it is not finite."""
    import torch

    parameters = [parameter for parameter in descent.module.parameters() if parameter.requires_grad]
    loss = losses(index[None]).sum()
    zeros = [torch.zeros_like(parameter) for parameter in parameters]
    parts = torch.autograd.grad(loss, parameters, allow_unused=True) if loss.requires_grad else zeros
    filled = [zero if part is None else part for part, zero in zip(parts, zeros, strict=True)]
    gradient = torch.cat([part.flatten() for part in filled]).double().cpu()
    if not bool(torch.isfinite(gradient).all()):
        return torch.zeros_like(gradient)
    return gradient * min(1.0, clip / max(float(gradient.norm()), 1e-300))
