"""Does balancing help? The evidence on real data, with the rare class as small as fraud teams have it.

``python benchmarks/balancing.py SET [--rare 50] [--rows N] [--minutes M] [--steps S] [--ratios R ...] [--folds 5]
[--repeats 1] [--seed 0] [--data ../shared/data] [-o FILE]`` prints the evidence of one set and writes it to a JSON
file. SET is one of ``creditcard_fraud`` (legitimate rows weigh 31.1, so that scores are at the true 0.17%),
``default_credit`` and ``online_shoppers``. ``--rare 0`` learns from all rare rows; ``--rows`` takes a sample of the
other class. Steps are the same on a busy machine, minutes are not. Every fold has a seed of its own for the rare rows
that are kept, the drawing, SMOTE and the learners.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

import synthx
from synthx.balance import learner
from synthx_evaluation.augmentation import augment
from synthx_evaluation.augmentation.arms import RATIOS

FILES = {
    "creditcard_fraud": ("creditcard_subset.csv.gz", "Class", 1),
    "default_credit": ("default.csv.gz", "has_default", 1),
    "online_shoppers": ("shoppers.csv.gz", "Revenue", True),
}
"""The file, the target and its rare class."""
FRAUD_WEIGHT = 31.1


def read(folder: Path, name: str, rows: int | None, seed: int) -> pd.DataFrame:
    """Return a set with its weights, and of the other class at most so many rows."""
    file, target, level = FILES[name]
    frame = pd.read_csv(folder / name / file)
    others = frame[frame[target] != level]
    share = min(1.0, (rows or len(others)) / len(others))
    left_out = others.sample(len(others) - round(share * len(others)), random_state=seed).index
    frame = frame.drop(index=left_out).reset_index(drop=True)
    whole = (FRAUD_WEIGHT if name == "creditcard_fraud" else 1.0) / share
    return frame.assign(weight=(frame[target] == level).map({True: 1.0, False: whole}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(FILES))
    parser.add_argument("--rare", type=int, default=50)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--ratios", type=float, nargs="+", default=list(RATIOS))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    start = time.perf_counter()

    def report(doing: str) -> None:
        print(f"{time.perf_counter() - start:6.0f} s  {doing}", flush=True)

    _, target, level = FILES[options.set]
    limits = {"max_minutes": options.minutes, "steps": options.steps}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    model = synthx.TabularAR(**given, seed=options.seed) if given else None
    evidence = augment(
        read(options.data, options.set, options.rows, options.seed),
        target=target,
        positive=level,
        generators={"synthx": learner(model)},
        weights="weight",
        amount="Amount" if options.set == "creditcard_fraud" else None,
        folds=options.folds,
        ratios=options.ratios,
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
