"""Differential privacy: what it costs, and how it is kept.

The ground floor of synthx. It knows counts, codes and gradients, and knows no table and no model: what it audits is
handed to it as a function. Everything that touches the data is an event in a ledger (`ledger`), planned and reserved
before (`account`), reckoned by two bounds (`accounting`), and answered through one gate with noise that no seed
repeats (`mechanisms`, `noise`).

The public names are imported when they are first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthx_privacy.ledger import Ledger
    from synthx_privacy.privacy import Privacy

__all__ = ["Ledger", "Privacy"]

_HOMES = {"Ledger": "synthx_privacy.ledger", "Privacy": "synthx_privacy.privacy"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
