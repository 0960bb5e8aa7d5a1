"""How long the codec takes for 1,000,000 rows of 20 columns of every kind: ``python benchmarks/codec.py [ROWS]``."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

from synthx.codec.table import TableCodec
from synthx.schema import Schema

LEVELS = (2, 5, 20, 100, 500, 3_000)
RANGES = (90, 5_000, 1_000_000)


def make_table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return a table with amounts, measurements, counts, levels, flags, days and times; a column with missing cells."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for index in range(4):
        columns[f"amount_{index}"] = rng.lognormal(3, 1, rows).round(2)
        columns[f"measured_{index}"] = rng.normal(size=rows)
    for count in RANGES:
        columns[f"count_{count}"] = rng.integers(0, count, rows)
    for count in LEVELS:
        names = np.array([f"level {number}" for number in range(count)], object)
        columns[f"levels_{count}"] = names[rng.integers(0, count, rows)]
    columns["flag"] = rng.random(rows) < 0.1
    columns["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1_000, rows), unit="D")
    with_gaps = rng.random(rows)
    with_gaps[rng.random(rows) < 0.3] = np.nan
    columns["with_gaps"] = with_gaps
    return pd.DataFrame(columns)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    frame = make_table(rows)
    marks = [time.perf_counter()]
    schema = Schema.detect(frame)
    marks.append(time.perf_counter())
    codec = TableCodec.fit(frame, schema)
    marks.append(time.perf_counter())
    coded = codec.encode(frame)
    marks.append(time.perf_counter())
    codec.decode(coded, np.random.default_rng(0))
    marks.append(time.perf_counter())
    print(f"{rows:,} rows x {frame.shape[1]} columns")
    for name, seconds in zip(("detect", "fit", "encode", "decode"), np.diff(marks), strict=True):
        print(f"{name:<8}{seconds:8.1f} s")
    print(f"peak    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:8.2f} GiB")


if __name__ == "__main__":
    main()
