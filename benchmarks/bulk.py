"""Bulk runs as whole processes, with their peak memory: ``python benchmarks/bulk.py parquet|postgres [--rows N]``.

``parquet`` samples rows of 10 columns from a saved model into Parquet (the bar: 10,000,000 rows within 2 GiB), once in
one go and once killed half way and resumed in chunks of another size, and compares the bytes. ``postgres`` takes a
table of 10 columns from PostgreSQL to a fitted model and back (the bar: 1,000,000 rows within 3 GiB); it starts a
server of its own unless one is named with ``--address``. The data are made: a payment has an
amount, a time, and categories that hang together.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

SYNTHX = [sys.executable, "-m", "synthx.cli"]
GIB = 2**20  # ru_maxrss is in KiB


def payments(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return a made table of 10 columns: a key, a time with a zone, amounts, counts with missing cells, categories."""
    rng = np.random.default_rng(seed)
    country = rng.choice(["DE", "FR", "IT", "PL", "US"], rows, p=[0.4, 0.2, 0.15, 0.15, 0.1])
    amount = np.round(rng.lognormal(3 + (country == "US"), 1, rows), 2)
    fraud = rng.random(rows) < 0.002 + 0.05 * (amount > 300)
    items = pd.array(rng.poisson(1 + amount / 50), dtype="Int64")
    items[rng.random(rows) < 0.05] = pd.NA
    seconds = pd.to_timedelta(rng.integers(0, 365 * 86_400, rows), unit="s")
    return pd.DataFrame(
        {
            "payment": np.arange(rows) + 10**9,
            "paid_at": pd.Timestamp("2024-01-01", tz="UTC") + seconds,
            "amount": amount,
            "fee": np.round(0.3 + 0.014 * amount, 2),
            "items": items,
            "age": rng.integers(18, 90, rows),
            "country": country,
            "channel": np.where(rng.random(rows) < 0.6, "app", "web"),
            "returning": rng.random(rows) < 0.7,
            "fraud": fraud,
        }
    )


def timed(name: str, words: list[str], rows: int) -> None:
    """Run a command; print its wall seconds, rows a second and peak memory."""
    began = time.perf_counter()
    process = subprocess.Popen([*SYNTHX, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name} failed: {said[-400:]}")
    seconds = time.perf_counter() - began
    print(f"{name:<44}{seconds:8.1f} s{rows / seconds:10,.0f} rows/s{usage.ru_maxrss / GIB:7.2f} GiB", flush=True)


def kill_half_way(words: list[str], state: Path, rows: int) -> None:
    """Start a command and kill it once half of its rows are put aside."""
    process = subprocess.Popen([*SYNTHX, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            if sum(json.loads(state.read_text())["counts"]) >= rows / 2:
                process.send_signal(signal.SIGKILL)
        time.sleep(0.05)
    print(f"{'killed half way':<44}{'(status ' + str(process.returncode) + ')':>12}", flush=True)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_parquet(out: Path, rows: int, minutes: str) -> None:
    data, model = out / "payments.parquet", out / "payments.synthx"
    payments(50_000).to_parquet(data)
    timed(
        "fit 50,000 rows",
        ["fit", str(data), "-o", str(model), "--model", "ar", "--minutes", minutes, "--force"],
        50_000,
    )
    whole, resumed = out / "whole.parquet", out / "resumed.parquet"
    sample = ["sample", str(model), "-n", str(rows), "--seed", "0", "--resume"]
    for path in (whole, resumed):
        path.unlink(missing_ok=True)
    timed(f"sample {rows:,} rows", [*sample, "-o", str(whole)], rows)
    kill_half_way([*sample, "-o", str(resumed)], out / "resumed.parquet.parts" / "state.json", rows)
    timed("resume, --chunk-rows 50000", [*sample, "-o", str(resumed), "--chunk-rows", "50000"], rows)
    print(
        "the same bytes" if digest(whole) == digest(resumed) else "OTHER BYTES",
        f"{whole.stat().st_size / 2**20:.0f} MiB",
    )


def there_and_back(address: str, out: Path, rows: int, minutes: str) -> None:
    from synthx.connectors.writing import SqlWriter

    with SqlWriter(address, "payments", force=True, key=["payment"]) as writer:
        for start in range(0, rows, 100_000):
            part = payments(min(100_000, rows - start), seed=start)
            writer.append(part.assign(payment=part["payment"] + start))
    model = out / "from_database.synthx"
    os.environ["SYNTHX_BENCH_URL"] = address
    place = "env:SYNTHX_BENCH_URL"
    words = ["fit", place, "--table", "payments", "-o", str(model), "--model", "ar", "--minutes", minutes, "--force"]
    timed(f"fit {rows:,} rows of PostgreSQL", words, rows)
    words = [
        "sample",
        str(model),
        "-n",
        str(rows),
        "-o",
        place,
        "--table",
        "payments_synthetic",
        "--seed",
        "0",
        "--force",
    ]
    timed(f"sample {rows:,} rows into PostgreSQL", words, rows)


@contextlib.contextmanager
def own_server() -> Iterator[str]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.postgres_server import postgres, postgres_binaries

    binaries = postgres_binaries()
    if binaries is None:
        sys.exit("PostgreSQL is not installed; name a server with --address")
    with postgres(binaries) as address:
        yield address


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("parquet", "postgres"))
    parser.add_argument("--rows", type=int, help="by default those of the bar")
    parser.add_argument("--minutes", default="2", help="of the fit")
    parser.add_argument("--address", help="of a PostgreSQL database whose tables payments* may be replaced")
    parser.add_argument("--out", type=Path, default=Path("build/bulk"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.what == "parquet":
        to_parquet(options.out, options.rows or 10_000_000, options.minutes)
        return
    with contextlib.nullcontext(options.address) if options.address else own_server() as address:
        there_and_back(address, options.out, options.rows or 1_000_000, options.minutes)


if __name__ == "__main__":
    main()
