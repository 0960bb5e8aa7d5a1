"""Tensors of several networks in one file: their names begin with whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["named_for", "of_owner"]

Value = TypeVar("Value")


def named_for(owner: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values under names that say whose they are; `of_owner` takes them back.

    >>> named_for("network", {"bias": 1})
    {'network.bias': 1}
    """
    return {f"{owner}.{name}": value for name, value in values.items()}


def of_owner(owner: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return those of some values that are an owner's, under their own names.

    >>> of_owner("network", {"network.bias": 1, "prior.bias": 2})
    {'bias': 1}
    """
    prefix = f"{owner}."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
