"""Does balancing help? The evidence on real data, with the rare class as small as fraud teams have it.

``python benchmarks/balancing.py SET [--rare 50] [--rows N] [--minutes M] [--folds 5] [--repeats 1] [--seed 0]
[--data ../shared/data] [-o FILE]`` prints the evidence of one set and writes it to a JSON file. SET is one of
``creditcard_fraud`` (legitimate rows weigh 31.1, so that scores are at the true 0.17%), ``default_credit`` and
``online_shoppers``. ``--rare 0`` learns from all rare rows; ``--rows`` takes a sample of the other class. Every fold
has a seed of its own for the rare rows that are kept, the generator, SMOTE and the learners.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

import synthx
from synthx.balance import learner
from synthx_evaluation.augmentation import augment

FILES = {
    "creditcard_fraud": ("creditcard_subset.csv.gz", "Class"),
    "default_credit": ("default.csv.gz", "has_default"),
    "online_shoppers": ("shoppers.csv.gz", "Revenue"),
}
FRAUD_WEIGHT = 31.1


def read(folder: Path, name: str, rows: int | None, seed: int) -> pd.DataFrame:
    """Return a set with its weights, and of the other class at most so many rows."""
    file, target = FILES[name]
    frame = pd.read_csv(folder / name / file)
    rare = frame[target] == frame[target].value_counts().index[-1]
    share = 1.0
    if rows is not None and rows < (~rare).sum():
        share = rows / (~rare).sum()
        kept = frame[~rare].sample(rows, random_state=seed).index
        frame = frame[rare | frame.index.isin(kept)].reset_index(drop=True)
        rare = frame[target] == frame[target].value_counts().index[-1]
    whole = (FRAUD_WEIGHT if name == "creditcard_fraud" else 1.0) / share
    return frame.assign(weight=rare.map({True: 1.0, False: whole}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(FILES))
    parser.add_argument("--rare", type=int, default=50)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    start = time.perf_counter()

    def report(doing: str) -> None:
        print(f"{time.perf_counter() - start:6.0f} s  {doing}", flush=True)

    model = None if options.minutes is None else synthx.TabularAR(max_minutes=options.minutes, seed=options.seed)
    evidence = augment(
        read(options.data, options.set, options.rows, options.seed),
        target=FILES[options.set][1],
        generators={"synthx": learner(model)},
        weights="weight",
        amount="Amount" if options.set == "creditcard_fraud" else None,
        folds=options.folds,
        repeats=options.repeats,
        rare_rows=options.rare or None,
        seed=options.seed,
        progress=report,
    )
    if options.output is not None:
        evidence.to_json(options.output)
    print(evidence.to_text())


if __name__ == "__main__":
    main()
