"""synthx learns a table and writes new rows that behave like it, without giving the people in it away.

The public names are imported when they are first used (PEP 562), so ``import synthx`` loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthx.balance import OverSampler, SequenceOverSampler, correct_prior
    from synthx.benchmarking.run import benchmark
    from synthx.condition import MISSING, between
    from synthx.connectors import from_frame, to_frame
    from synthx.errors import SynthxError, UserError
    from synthx.io import TableWriter, read_table, write_table
    from synthx.long_tables import cut_windows, from_windows, join_static, split_static, to_windows
    from synthx.models.autoregressive import TabularAR
    from synthx.models.base import Synthesizer
    from synthx.models.choice import Choice, choose
    from synthx.models.gan import TabularGAN
    from synthx.models.mst import TabularMST
    from synthx.models.recurrent_vae import SequenceVAE
    from synthx.models.registry import load
    from synthx.models.vae import TabularVAE
    from synthx.schema import Column, Kind, Role, Schema
    from synthx_evaluation import Scorecard, evaluate, evaluate_sequences, split
    from synthx_privacy import Ledger, Privacy

__all__ = [
    "Choice",
    "Column",
    "Kind",
    "Ledger",
    "MISSING",
    "OverSampler",
    "Privacy",
    "Role",
    "Schema",
    "Scorecard",
    "SequenceOverSampler",
    "SequenceVAE",
    "Synthesizer",
    "SynthxError",
    "TableWriter",
    "TabularAR",
    "TabularGAN",
    "TabularMST",
    "TabularVAE",
    "UserError",
    "benchmark",
    "between",
    "choose",
    "correct_prior",
    "cut_windows",
    "evaluate",
    "evaluate_sequences",
    "from_frame",
    "from_windows",
    "join_static",
    "load",
    "read_table",
    "split",
    "split_static",
    "to_frame",
    "to_windows",
    "write_table",
]

__version__ = "0.1.0"

_HOMES = {
    "Choice": "synthx.models.choice",
    "Column": "synthx.schema",
    "Kind": "synthx.schema",
    "Ledger": "synthx_privacy",
    "MISSING": "synthx.condition",
    "OverSampler": "synthx.balance",
    "Privacy": "synthx_privacy",
    "Role": "synthx.schema",
    "Schema": "synthx.schema",
    "Scorecard": "synthx_evaluation",
    "SequenceOverSampler": "synthx.balance",
    "SequenceVAE": "synthx.models.recurrent_vae",
    "Synthesizer": "synthx.models.base",
    "SynthxError": "synthx.errors",
    "TableWriter": "synthx.io",
    "TabularAR": "synthx.models.autoregressive",
    "TabularGAN": "synthx.models.gan",
    "TabularMST": "synthx.models.mst",
    "TabularVAE": "synthx.models.vae",
    "UserError": "synthx.errors",
    "benchmark": "synthx.benchmarking.run",
    "between": "synthx.condition",
    "choose": "synthx.models.choice",
    "correct_prior": "synthx.balance",
    "cut_windows": "synthx.long_tables",
    "evaluate": "synthx_evaluation",
    "evaluate_sequences": "synthx_evaluation",
    "from_frame": "synthx.connectors",
    "from_windows": "synthx.long_tables",
    "join_static": "synthx.long_tables",
    "load": "synthx.models.registry",
    "read_table": "synthx.io",
    "split": "synthx_evaluation",
    "split_static": "synthx.long_tables",
    "to_frame": "synthx.connectors",
    "to_windows": "synthx.long_tables",
    "write_table": "synthx.io",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'synthx' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # the next look-up finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
