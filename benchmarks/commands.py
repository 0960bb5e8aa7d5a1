"""Time the command line as whole processes, and judge what it makes: ``python benchmarks/commands.py [--runs N]``.

Needs the data and the judge that lie beside the repository (`--shared`). Prints the median of wall seconds and of peak
memory over the runs; run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path


def timed(words: list[str]) -> tuple[float, float]:
    """Run a command; return its wall seconds and its peak memory in GiB."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(words)}")
    return time.perf_counter() - began, usage.ru_maxrss / 2**20


def report(name: str, words: list[str], runs: int) -> None:
    seconds, memory = zip(*(timed(words) for _ in range(runs)), strict=True)
    spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
    print(
        f"{name:<52}{statistics.median(seconds):8.1f} s ({spread}){statistics.median(memory):7.2f} GiB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    synthx = str(Path(sys.executable).with_name("synthx"))
    data, model = options.shared / "data" / "adult", str(options.out / "adult.synthx")
    train, test = str(data / "train.csv.gz"), str(data / "test.csv.gz")
    rows, given = str(options.out / "adult.csv"), str(options.out / "adult_given.csv")
    common = ["--seed", "0", "--force"]

    report("fit Adult", [synthx, "fit", train, "-o", model, "--target", "income", *common], options.runs)
    report("sample 32,561 rows", [synthx, "sample", model, "-n", "32561", "-o", rows, *common], options.runs)
    conditions = ["--given", "sex=Female", "--given", "age=30..50"]
    words = [synthx, "sample", model, "-n", "100000", "-o", given, *conditions, *common]
    report("sample 100,000 rows, sex=Female, age=30..50", words, options.runs)
    judge = [sys.executable, str(options.shared / "judge" / "table.py"), train, test, rows, "--target", "income"]
    scores = json.loads(subprocess.run(judge, check=True, capture_output=True, text=True).stdout)
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
