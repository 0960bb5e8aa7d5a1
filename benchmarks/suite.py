"""The whole evaluation suite on our generators and SDV's: one scorecard each, and a table of them.

``python benchmarks/suite.py --shared ../shared --out build/bench/suite [--rows 8000] [--models ar,gan,...]`` fits each
model on Adult, default_credit and diabetes130 (split by patient), judges as many rows as it learned from beside a
holdout, and writes a scorecard a model. What is there already is not done again; ``--table`` prints what is there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

import synthx
from synthx.benchmarking.candidates import build, parse
from synthx.schema import Schema
from synthx_evaluation import Scorecard, evaluate, split

MODELS = ("ar", "gan", "vae", "sdv-gaussian-copula", "sdv-tvae", "sdv-ctgan")
TABLES = {
    "adult": ("adult/train.csv.gz", "income", "sex", None),
    "default_credit": ("default_credit/default.csv.gz", "has_default", "sex", None),
    "diabetes130": ("diabetes130/diabetic_data.csv.gz", "readmitted", "gender", "patient_nbr"),
}
SHOWN = ("FID-SHAPE", "FID-PAIRS", "FID-C2ST", "UTIL-AUC-BOOSTED", "BIAS-AMPLIFICATION", "MIA-MAX", "DISC-SINGLE-M")
SHOWN += ("DISC-LINK", "DISC-INFER-MODEL", "DISC-COPIES-EXCESS")


def rows_of(shared: Path, name: str, rows: int) -> tuple[pd.DataFrame, pd.DataFrame, Schema]:
    """Return training rows, as many holdout rows of other people, and the schema."""
    file, target, _, entity = TABLES[name]
    frame = synthx.read_table(shared / "data" / file)
    if entity is not None:
        frame = frame.drop_duplicates(entity)  # a row a patient, so that rows are people
        frame = frame.drop(columns=[entity, "encounter_id"])
    frame = frame.sample(2 * rows, random_state=0).reset_index(drop=True)
    train, holdout = split(frame, holdout=0.5, seed=0)
    return train, holdout, Schema.detect(train, target=target)


def judge(shared: Path, name: str, model: str, rows: int, place: Path) -> None:
    """Fit one model on one table and write its scorecard."""
    train, holdout, schema = rows_of(shared, name, rows)
    generator = build(parse(model), seed=0, max_minutes=None)
    start = time.perf_counter()
    generator.fit(train, schema, lambda event: None)
    seconds = time.perf_counter() - start
    made = generator.sample(len(train))
    card = evaluate(made, train=train, holdout=holdout, schema=schema, protected=[TABLES[name][2]], seed=0)
    Scorecard(card.measures, {**card.context, "fit_seconds": round(seconds, 1)}).to_json(place)


def table(out: Path) -> None:
    """Print a line a scorecard: values, and for attacks their p-values."""
    print("| table | model | fit, s |", " | ".join(SHOWN), "|")
    for place in sorted(out.glob("*.json")):
        name, _, model = place.stem.partition("@")
        card = Scorecard.from_json(place)
        cells = []
        for code in SHOWN:
            measure = card[code]
            p_value = "" if measure.p_value is None else f" (p {measure.p_value:.3f})"
            anchor = "" if measure.anchor is None or p_value else f" ({measure.anchor:.3f})"
            cells.append("–" if measure.value is None else f"{measure.value:.3f}{p_value or anchor}")
        print(f"| {name} | {model} | {card.context['fit_seconds']:.0f} |", " | ".join(cells), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/suite"))
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--table", action="store_true")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for model in () if chosen.table else chosen.models.split(","):
        for name in TABLES:
            place = chosen.out / f"{name}@{model}.json"
            if not place.exists():
                judge(chosen.shared, name, model, chosen.rows, place)
                print(f"{name}, {model}: written to {place}", flush=True)
    table(chosen.out)


if __name__ == "__main__":
    main()
