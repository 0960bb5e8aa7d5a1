"""Which versions of which libraries a scorecard was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["library_versions"]

_ALWAYS = ("synthx-data", "numpy", "pandas", "scikit-learn")


def library_versions(*more: str) -> dict[str, str]:
    """Return the versions of Python, of what every measure stands on, and of `more` distributions."""
    return {"python": platform.python_version(), **{name: _version(name) for name in (*_ALWAYS, *more)}}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # run from a source tree
        return "unknown"
