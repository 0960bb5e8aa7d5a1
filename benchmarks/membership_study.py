"""How often the membership battery raises a false alarm, and which leaks it finds.

``python benchmarks/membership_study.py KIND ROWS FIRST LAST [LEAK] [FILE]`` runs seeds FIRST to LAST - 1 and prints
what came out; with a FILE, each run is appended to it as a line of JSON, and all runs of the file are summed up, so
that a long study can be done piece by piece. KIND is one of

- ``fresh``: the synthetic table is a fresh draw of the population; ``coarse`` is the same of a table of levels only;
- ``copies``: LEAK of the synthetic rows are training rows, word for word;
- ``near``: LEAK of them are training rows with a noise of a tenth of a standard deviation on every number;
- ``speed``: fresh draws; look at the processor seconds and the memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import compare
from synthx_evaluation.membership import membership

LEVELS = np.array(list("abcdef"))


def draw(rows: int, generator: np.random.Generator, numbers: int = 6, discrete: int = 4) -> pd.DataFrame:
    """Return fresh rows of one population: correlated numbers, some of them missing, and skewed levels."""
    hidden = generator.normal(size=(rows, 3))
    loads = np.random.default_rng(99).normal(size=(numbers, 3))
    columns: dict[str, Any] = {}
    for j in range(numbers):
        columns[f"number_{j}"] = hidden @ loads[j] + 0.6 * generator.normal(size=rows)
    for j in range(discrete):
        place = np.clip(np.rint(hidden[:, j % 3] + generator.normal(size=rows) + 2), 0, 5)
        columns[f"level_{j}"] = LEVELS[place.astype(int)]
    if numbers:
        columns["number_0"][generator.random(rows) < 0.1] = np.nan
    return pd.DataFrame(columns)


def leaked(kind: str, share: float, synthetic: pd.DataFrame, train: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the synthetic table with its first rows replaced by training rows."""
    count = round(share * len(synthetic))
    copied = train[:count].copy()
    if kind == "near":
        generator = np.random.default_rng([seed, 1])
        for name in copied.columns[copied.columns.str.startswith("number")]:
            copied[name] += 0.1 * train[name].std() * generator.normal(size=count)
    return pd.concat([copied, synthetic[count:]], ignore_index=True)


def run(kind: str, rows: int, seed: int, share: float) -> dict[str, Any]:
    """Return the figures of one run."""
    generator = np.random.default_rng([seed, rows])
    shape = {"coarse": (0, 8), "speed": (12, 8)}.get(kind, (6, 4))
    train, holdout, synthetic = (draw(rows, generator, *shape) for _ in range(3))
    if kind in ("copies", "near"):
        synthetic = leaked(kind, share, synthetic, train, seed)
    kinds = {name: Kind.DECIMAL if name.startswith("number") else Kind.CATEGORICAL for name in train}
    schema = Schema(tuple(Column(name=name, kind=kind, nullable=True) for name, kind in kinds.items()))
    compared = compare(synthetic, train=train, holdout=holdout, schema=schema, target=None, protected=(), seed=seed)
    start = time.process_time()
    records = {record.id: record for record in membership(compared)}
    seconds = time.process_time() - start
    computed = {code: record for code, record in records.items() if record.value is not None}
    return {
        "kind": kind,
        "rows": rows,
        "share": share,
        "seed": seed,
        "seconds": seconds,
        "p": {code: record.p_value for code, record in computed.items()},
        "value": {code: record.value for code, record in computed.items()},
    }


def summary(runs: list[dict[str, Any]]) -> None:
    """Print, of every record, the mean value, how often it was significant, and how uniform its p-values are."""
    from scipy.stats import kstest

    seconds = np.array([run["seconds"] for run in runs])
    print(f"{len(runs)} runs of {runs[0]['kind']}, {runs[0]['rows']:,} rows, share {runs[0]['share']:.0%}: ", end="")
    print(f"{np.median(seconds):.1f} s each (at most {seconds.max():.1f})")
    print(f"{'':<16}{'value':>8}{'p<=5%':>8}{'KS p':>8}")
    for code in runs[0]["p"]:
        p = np.array([run["p"][code] for run in runs])
        value = np.mean([run["value"][code] for run in runs])
        print(f"{code:<16}{value:8.4f}{(p <= 0.05).mean():8.3f}{kstest(p, 'uniform').pvalue:8.3f}")


def main() -> None:
    kind, rows, first, last = sys.argv[1], *map(int, sys.argv[2:5])
    share = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    runs = [run(kind, rows, seed, share) for seed in range(first, last)]
    if len(sys.argv) > 6:
        path = Path(sys.argv[6])
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in runs)
        runs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    summary(runs)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
