"""Settings as scikit-learn knows them, without loading scikit-learn: that would take a second of every command."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from synthx.errors import ParameterError

__all__ = ["Parameters", "check_privacy", "check_seed", "check_whole"]


class Parameters:
    """scikit-learn's protocol for settings: `get_params`, `set_params` and, by them, `sklearn.base.clone`.

    A subclass takes its settings as keyword-only arguments and stores each, unchanged, under its own name.
    """

    @classmethod
    def _settings(cls) -> dict[str, inspect.Parameter]:
        parameters = dict(inspect.signature(cls.__init__).parameters)
        del parameters["self"]
        return parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name; `deep` is part of the protocol and changes nothing."""
        return {name: getattr(self, name) for name in sorted(self._settings())}

    def set_params(self, **settings: Any) -> Self:
        """Change settings, as the protocol writes it, and return self.

        Raises
        ------
        ParameterError
            If there is no setting of a name.
        """
        known = sorted(self._settings())
        for name, value in settings.items():
            if name not in known:
                raise ParameterError(
                    f"{type(self).__name__} has no setting {name!r}", remedy=f"choose from {', '.join(known)}"
                )
            setattr(self, name, value)
        return self

    def _check_whole_settings(self, least: Mapping[str, int]) -> None:
        """Refuse settings that are no whole numbers of at least so much; None passes where it is the default."""
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None or self._settings()[name].default is not None:
                check_whole(name, value, smallest)

    def __repr__(self) -> str:
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, parameter in self._settings().items()
            if getattr(self, name) != parameter.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse a setting that is not a whole number of at least `least`.

    Raises
    ------
    ParameterError
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{name} is {value!r}", remedy=f"give a whole number from {least} on")


def check_seed(seed: Any) -> None:
    """Refuse a seed for drawing that is neither None nor a whole number from 0 on.

    Raises
    ------
    ParameterError
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
        raise ParameterError(f"seed is {seed!r}", remedy="give a whole number from 0 on, or none")


def check_privacy(privacy: Any) -> None:
    """Refuse a budget that is none.

    Raises
    ------
    ParameterError
    """
    from synthx_privacy.privacy import Privacy

    if privacy is not None and not isinstance(privacy, Privacy):
        raise ParameterError(f"privacy is {privacy!r}", remedy="give synthx.Privacy(epsilon=1), or none")
