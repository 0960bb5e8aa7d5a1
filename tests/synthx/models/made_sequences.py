"""Made sequences, and small models of them, that tests of several parts use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthx.codec.sequence.long import LongTable
from synthx.models.autoregressive import TabularAR
from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.batches import Sequences
from synthx.schema import Schema

__all__ = ["INSTANT", "SMALL", "coded", "few_static_steps", "fitted", "payments", "schema_of", "series", "visits"]

INSTANT: dict[str, Any] = {
    "steps": 4,
    "prior_steps": 2,
    "latent": 3,
    "hidden": 16,
    "width": 4,
    "units": 8,
    "device": "cpu",
}
"""What is tested of such a model holds by construction, not by learning."""
SMALL: dict[str, Any] = INSTANT | {
    "steps": 60,
    "prior_steps": 30,
    "hidden": 32,
    "width": 8,
    "units": 16,
    "batch_size": 512,
}


def visits(count: int = 60, *, seed: int = 0, died: float = 0.3) -> pd.DataFrame:
    """Return a made table of patients with 5 to 12 visits each.

    Day 0 is the first visit, and 1 to 7 days lie between two. ``low`` and ``high`` are readings whose difference is 0
    to 39. A fifth of the weights and an eighth of the wards are missing; ``kilos`` is the weight once more, ``nothing``
    always missing. Sex and whether the patient died are static; a share `died` of patients did.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 13, count)
    of_row = np.repeat(np.arange(count), lengths)
    rows = len(of_row)
    starts = np.cumsum(lengths) - lengths
    day = np.cumsum(rng.integers(1, 8, rows))
    level = rng.normal(0, 10, count)[of_row]
    low = np.round(70 + level + rng.normal(0, 2, rows)).astype(int)
    weight = np.round(75 + level + rng.normal(0, 1, rows), 1)
    weight[rng.random(rows) < 0.2] = np.nan
    return pd.DataFrame(
        {
            "patient": [f"P-{90_000 + patient}" for patient in of_row],
            "day": day - np.repeat(day[starts], lengths),
            "sex": rng.choice(["F", "M"], count)[of_row],
            "died": rng.permutation(np.arange(count) < died * count)[of_row],
            "low": low,
            "high": low + rng.integers(0, 40, rows),
            "weight": weight,
            "kilos": weight,
            "ward": pd.Series(rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])).mask(rng.random(rows) < 0.125),
            "nothing": np.nan,
        }
    )


def payments(count: int = 60, *, seed: int = 0) -> pd.DataFrame:
    """Return a made table of accounts with 6 to 14 payments each.

    Rent is the same every time and goes to the same bank; what is shopped for is neither. The balance is 1,000 at first
    and then the last balance plus wages, less rent and shopping.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(6, 15, count)
    of_row = np.repeat(np.arange(count), lengths)
    starts = np.cumsum(lengths) - lengths
    what = rng.choice(["rent", "shop", "wage"], len(of_row), p=[0.4, 0.3, 0.3])
    rent, bank = rng.integers(20, 40, count) * 10, rng.choice(list("ABCD"), count)
    amount = np.where(what == "rent", rent[of_row], rng.integers(1, 40, len(of_row)) * 10)
    moves = pd.Series(amount * np.where(what == "wage", 1, -1))
    moves.iloc[starts] = 1_000
    day = pd.Series(rng.integers(1, 4, len(of_row))).groupby(of_row).cumsum()
    return pd.DataFrame(
        {
            "account": of_row,
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
            "bank": np.where(what == "rent", bank[of_row], None),
            "what": what,
            "amount": amount,
            "balance": moves.groupby(of_row).cumsum(),
        }
    )


def schema_of(frame: pd.DataFrame) -> Schema:
    """Return the schema of a table of visits."""
    return Schema.detect(frame, entity="patient", time="day", target="died")


def series(lengths: list[int], *, seed: int = 0) -> pd.DataFrame:
    """Return random walks of given lengths, with the key ``k``."""
    rng = np.random.default_rng(seed)
    of_row = np.repeat(np.arange(len(lengths)), lengths)
    walk = np.concatenate([rng.normal(0, 1, length).cumsum() for length in lengths])
    return pd.DataFrame({"k": of_row, "x": walk.round(2)})


@contextmanager
def few_static_steps() -> Iterator[None]:
    """Train the model of static columns shortly: no setting of a sequence model says so, and it takes seconds."""
    usual = TabularAR.__init__.__kwdefaults__
    assert usual is not None
    TabularAR.__init__.__kwdefaults__ = {**usual, "steps": 20, "width": 16, "hidden": 16}
    try:
        yield
    finally:
        TabularAR.__init__.__kwdefaults__ = usual


def fitted(frame: pd.DataFrame, schema: Schema | None = None, **settings: Any) -> SequenceVAE:
    """Return a small model of sequences that was trained for an instant; by default with the key ``k``."""
    schema = Schema.detect(frame, entity="k") if schema is None else schema
    with few_static_steps():
        return SequenceVAE(**(INSTANT | settings)).fit(frame, schema)


def coded(model: SequenceVAE, frame: pd.DataFrame) -> Sequences:
    """Return sequences as the network of a model reads them."""
    return model._on_device(model._code(LongTable.of(frame, model.schema_)), torch.device("cpu"))
