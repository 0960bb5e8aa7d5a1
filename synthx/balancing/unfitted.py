"""The user's model, copied before it is fitted beside real rows."""

from __future__ import annotations

from typing import TypeVar

from synthx.errors import PrivacyError
from synthx.models.base import Synthesizer

__all__ = ["unfitted"]

Model = TypeVar("Model", bound=Synthesizer)


def unfitted(model: Model, *, units: str, drawn_by: str) -> Model:
    """Return an unfitted model of the same settings.

    Parameters
    ----------
    model : Synthesizer
        Is not changed.
    units : str
        What the balanced table holds of real people: rows, or steps.
    drawn_by : str
        The argument of `sample` that draws more of a class.

    Raises
    ------
    PrivacyError
        If the model is to be private.
    """
    copy = type(model)(**model.get_params())
    if copy.get_params().get("privacy") is not None:
        raise PrivacyError(
            f"a private model is asked for, and a balanced table holds the real {units} themselves",
            remedy=f"leave privacy out, or publish what the private model makes alone: model.sample({drawn_by}=...)",
        )
    return copy
