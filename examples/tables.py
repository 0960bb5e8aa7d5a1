"""Write the small tables of the README's commands: invented payments, patients and their visits.

Usage: ``python examples/tables.py FOLDER`` writes ``payments.csv``, ``patients.csv`` and ``visits.csv`` there. Nobody
is in them: all is drawn from a fixed seed, with the faults of real files (missing cells, dates, rare cases).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from synthx import write_table

PAYMENTS, CARDS, PATIENTS = 4_000, 800, 1_500


def payments(rng: np.random.Generator) -> pd.DataFrame:
    """Return payments of which about 2.5% are frauds: larger, at night, at shops where nobody shows the card."""
    hour = rng.choice(24, PAYMENTS, p=np.r_[np.full(7, 0.01), np.full(17, 0.93 / 17)])
    channel = rng.choice(["shop", "web", "phone"], PAYMENTS, p=[0.6, 0.35, 0.05])
    amount = np.exp(rng.normal(3.5, 1.0, PAYMENTS)).round(2)
    leaning = -5.6 + 0.9 * np.log(amount / 33) + 1.2 * (hour < 7) + 1.1 * (channel != "shop")
    fraud = rng.random(PAYMENTS) < 1 / (1 + np.exp(-leaning))
    minutes = 1_440 * rng.integers(0, 180, PAYMENTS) + 60 * hour + rng.integers(0, 60, PAYMENTS)
    frame = pd.DataFrame(
        {
            "booked_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(minutes, unit="min"),
            "card": [f"C{number:04d}" for number in rng.integers(0, CARDS, PAYMENTS)],
            "channel": channel,
            "amount": amount,
            "merchant country": rng.choice(["DE", "FR", "NA", "US"], PAYMENTS, p=[0.6, 0.25, 0.02, 0.13]),
            "age": np.where(rng.random(PAYMENTS) < 0.08, np.nan, rng.integers(18, 90, PAYMENTS)),
            "fraud": fraud.astype(int),
        }
    )
    frame["age"] = frame["age"].astype("Int64")
    return frame.sort_values("booked_at", ignore_index=True)


def patients(rng: np.random.Generator) -> pd.DataFrame:
    """Return one row a patient."""
    age = rng.integers(20, 95, PATIENTS)
    smoker = rng.random(PATIENTS) < 0.25
    died = rng.random(PATIENTS) < 1 / (1 + np.exp(6.0 - 0.06 * age - 0.8 * smoker))
    frame = pd.DataFrame(
        {
            "patient_id": np.arange(1, PATIENTS + 1),
            "sex": rng.choice(["F", "M"], PATIENTS),
            "age": age,
            "smoker": np.where(rng.random(PATIENTS) < 0.05, None, np.where(smoker, "yes", "no")),
            "died": died.astype(int),
        }
    )
    return frame


def visits(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return 2 to 9 visits of each patient; blood pressure wanders, and is higher in age."""
    rows = []
    for person in people.itertuples():
        count = int(rng.integers(2, 10))
        pressure = 95 + 0.5 * person.age + rng.normal(0, 8) + np.cumsum(rng.normal(0, 3, count))
        rows.append(
            pd.DataFrame(
                {
                    "patient_id": person.patient_id,
                    "day": np.cumsum(rng.integers(1, 21, count)),
                    "blood_pressure": np.where(rng.random(count) < 0.06, np.nan, pressure.round()),
                    "drug": np.where(pressure > 140, "A", rng.choice(["B", "none"], count)),
                }
            )
        )
    frame = pd.concat(rows, ignore_index=True)
    frame["blood_pressure"] = frame["blood_pressure"].astype("Int64")
    return frame


def main(folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    people = patients(rng)
    for name, frame in (("payments", payments(rng)), ("patients", people), ("visits", visits(people, rng))):
        write_table(frame, folder / f"{name}.csv", force=True)
        print(f"{folder / name}.csv: {len(frame):,} rows, {frame.shape[1]} columns")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
