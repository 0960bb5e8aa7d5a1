"""Whole commands, run in this process so that torch is loaded once."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthx.cli import main


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


def synthx(*words: object) -> Answer:
    """Run ``synthx`` with these words."""
    out, err, hook = io.StringIO(), io.StringIO(), sys.excepthook
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([str(word) for word in words])
    finally:
        sys.excepthook = hook
    return Answer(status, out.getvalue(), err.getvalue())


def payments(rows: int = 3_000, *, seed: int = 0) -> pd.DataFrame:
    """Return a made table of card payments, a tenth of them fraud, with missing cells in two columns."""
    rng = np.random.default_rng(seed)
    fraud = rng.random(rows) < 0.1
    amount = np.round(np.exp(rng.normal(4 + 2 * fraud, 1)), 2)
    channel = np.where(rng.random(rows) < 0.3 + 0.5 * fraud, "online", "shop")
    note = pd.Series(np.where(rng.random(rows) < 0.4, "checked", "open"), dtype=object)
    age = pd.array(rng.integers(18, 90, rows), dtype="Int64")
    age[rng.random(rows) < 0.15] = pd.NA
    return pd.DataFrame(
        {
            "channel": channel,
            "country": rng.choice(["CH", "DE", "NA"], rows, p=[0.6, 0.3, 0.1]),
            "note": note.mask(rng.random(rows) < 0.2),
            "amount": amount,
            "age": age,
            "fraud": np.where(fraud, "yes", "no"),
        }
    )


@dataclass(frozen=True)
class Fitted:
    """A table on disk, and the model that was fitted to it."""

    frame: pd.DataFrame
    table: Path
    model: Path
    answer: Answer


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    folder = tmp_path_factory.mktemp("payments")
    frame = payments()
    frame.to_csv(folder / "train.csv", index=False)
    words = ("fit", folder / "train.csv", "-o", folder / "m.synthx", "--target", "fraud", "--minutes", "0.1")
    answer = synthx(*words)
    assert answer.status == 0, answer.err
    return Fitted(frame, folder / "train.csv", folder / "m.synthx", answer)
