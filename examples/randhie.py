"""Write the demo's table: 20,190 person-years of the RAND Health Insurance Experiment, which statsmodels ships.

Usage: ``python examples/randhie.py FOLDER`` writes ``train.csv`` and ``holdout.csv`` there.

Source: Newhouse, J. P. (1993), Free for All? Lessons from the RAND Health Insurance Experiment, as in Cameron and
Trivedi (2005), Microeconometrics.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.datasets import randhie

from synthx import write_table

HOLDOUT_SHARE = 0.2


def split(frame: pd.DataFrame, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and holdout rows.

    Rows, not people: the table has up to five years of a person and no key to them, and the model learns single rows.
    So the two sides share people, and measures of privacy here only show how they are read.
    """
    held_out = np.random.default_rng(seed).random(len(frame)) < HOLDOUT_SHARE
    return frame[~held_out], frame[held_out]


def main(folder: Path) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = randhie.load_pandas().data
    for name, rows in zip(("train.csv", "holdout.csv"), split(frame), strict=True):
        write_table(rows, folder / name, force=True)
        print(f"{folder / name}: {len(rows):,} rows, {rows.shape[1]} columns")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo"))
