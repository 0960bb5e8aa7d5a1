"""What holds of every fit: random numbers of torch go on as before, a failure leaves the model as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthx.errors import ResourceError
from synthx.models.base import Synthesizer

if TYPE_CHECKING:
    import torch

__all__ = ["all_or_nothing", "memory_named", "seeded"]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators, and give them their state back at the end."""
    import torch

    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def all_or_nothing(model: Synthesizer) -> Iterator[None]:
    """Leave a model as it was if a fit fails."""
    state: dict[str, Any] = model.__dict__
    before = dict(state)
    try:
        yield
    except BaseException:
        state.clear()
        state.update(before)
        raise


@contextmanager
def memory_named(model: Synthesizer) -> Iterator[None]:
    """Turn an out-of-memory error of any library into one that names the cure."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _out_of_memory(model) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # torch's CPU allocator raises a bare RuntimeError
            raise
        raise _out_of_memory(model) from error


def _out_of_memory(model: Synthesizer) -> ResourceError:
    size = model.get_params().get("batch_size")
    smaller = (
        f"try batch_size={size // 4} (it is {size})" if isinstance(size, int) and size >= 8 else "fit fewer columns"
    )
    return ResourceError("memory ran out while fitting", remedy=f"{smaller}, or fewer rows or columns")
