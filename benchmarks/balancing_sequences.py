"""More stays that end in death: a model of sequences against the traditional ways to make more of them.

``python benchmarks/balancing_sequences.py [--deaths 50] [--others 1150] [--seeds 3] [--minutes 2]
[--data ../shared/data] [-o FILE]`` learns from a cut of the PhysioNet 2012 stays with so few deaths, raised by copies,
`jitter`, `scaling`, `time_warping` and `SequenceOverSampler`; predicts death in all other stays from the mean, the last
value and the number of values of every measurement and what is known at admission; and prints the average precision,
mean and standard deviation over the seeds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sequence_data import make_physio
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from synthx import Schema, SequenceVAE
from synthx.balance import SequenceOverSampler, jitter, scaling, time_warping

STAY, HOUR, DEATH = "RecordID", "hour", "In-hospital_death"
OUTCOMES = ["Survival", "Length_of_stay"]
RATIOS = (0.2, 0.5)
TRADITIONAL: dict[str, tuple[Callable[..., Any], float]] = {
    "copies": (jitter, 0.0),
    "jitter .05": (jitter, 0.05),
    "scaling .1": (scaling, 0.1),
    "time warping .1": (time_warping, 0.1),
}

Features = tuple[pd.DataFrame, "pd.Series[int]"]
Made = tuple[pd.DataFrame, "np.ndarray[Any, Any]"]
"""New steps and the stay of each."""


def features(steps: pd.DataFrame, stay: Any) -> Features:
    """Return one row a stay, and whether it ended in death."""
    groups = steps.drop(columns=STAY, errors="ignore").groupby(np.asarray(stay), sort=True)
    static = ["Age", "Gender", "Height", "SAPS-I", "SOFA"]
    measured = [name for name in steps.columns if name not in (STAY, HOUR, DEATH, *static)]
    table = pd.concat(
        [
            groups[measured].mean().add_suffix(" mean"),
            groups[measured].last().add_suffix(" last"),
            groups[measured].count().add_suffix(" count"),
            groups[static].first(),
        ],
        axis=1,
    )
    return table.astype(float).reset_index(drop=True), groups[DEATH].first().astype(int).reset_index(drop=True)


def cut(frame: pd.DataFrame, deaths: int, others: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the steps of the stays that are learned from, and of those that are tested on."""
    died = frame.groupby(STAY)[DEATH].first()
    rng = np.random.default_rng(seed)
    learned = [
        rng.choice(died.index[died == label], size=count, replace=False) for label, count in ((1, deaths), (0, others))
    ]
    inside = frame[STAY].isin(np.concatenate(learned))
    return frame[inside].reset_index(drop=True), frame[~inside].reset_index(drop=True)


def made_by_all(
    train: pd.DataFrame, schema: Schema, count: int, minutes: float, seed: int
) -> Iterator[tuple[str, Made]]:
    """Yield every way to make deaths, and so many of them."""
    dead = train[train[DEATH] == 1].reset_index(drop=True)
    for name, (way, strength) in TRADITIONAL.items():
        yield name, way(dead, schema, count, strength=strength, seed=seed)
    wanted = {1: int(dead[STAY].nunique()) + count}
    sampler = SequenceOverSampler(
        SequenceVAE(max_minutes=minutes, seed=seed), sampling_strategy=wanted, random_state=seed
    )
    balanced = sampler.fit_resample(train, schema)
    print(" ", sampler.generator_.training_.describe(), flush=True)
    new = balanced[sampler.synthetic_mask_].reset_index(drop=True)
    yield "SequenceOverSampler", (new, new[STAY].to_numpy() - new[STAY].min())


def scores(train: Features, test: Features, weights: Any = None) -> dict[str, float]:
    """Return the average precision of either learner."""
    linear = make_pipeline(
        SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression(C=0.1, max_iter=1_000)
    )
    boosted = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    linear.fit(*train, logisticregression__sample_weight=weights)
    boosted.fit(*train, sample_weight=weights)
    models = {"linear": linear, "boosted": boosted}
    return {
        name: average_precision_score(test[1], model.predict_proba(test[0])[:, 1]) for name, model in models.items()
    }


def arms(
    train: pd.DataFrame, test: pd.DataFrame, schema: Schema, minutes: float, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield the scores of every arm on one cut."""
    real, tested = features(train, train[STAY]), features(test, test[STAY])
    deaths, others = int(real[1].sum()), int((real[1] == 0).sum())
    balance = np.where(real[1] == 1, others / deaths, 1.0)
    yield {"arm": "nothing", "ratio": "", **scores(real, tested)}
    yield {"arm": "class weights", "ratio": "", **scores(real, tested, balance)}
    most = round(max(RATIOS) * others) - deaths
    for name, (steps, of_row) in made_by_all(train, schema, most, minutes, seed):
        X, y = features(steps, of_row)
        for ratio in RATIOS:
            new = round(ratio * others) - deaths
            joined = pd.concat([real[0], X[real[0].columns][:new]]), pd.concat([real[1], y[:new]])
            yield {"arm": name, "ratio": f"{ratio:g}", **scores(joined, tested)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deaths", type=int, default=50)
    parser.add_argument("--others", type=int, default=1_150)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    frame = make_physio(options.data).drop(columns=OUTCOMES)
    found = []
    for seed in range(options.seeds):
        start = time.perf_counter()
        train, test = cut(frame, options.deaths, options.others, seed)
        schema = Schema.detect(train, entity=STAY, time=HOUR, target=DEATH)
        found += [{"seed": seed, **arm} for arm in arms(train, test, schema, options.minutes, seed)]
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    table = pd.DataFrame(found)
    if options.output is not None:
        table.to_csv(options.output, index=False)
    print(table.groupby(["arm", "ratio"], sort=False)[["linear", "boosted"]].agg(["mean", "std"]).round(3))


if __name__ == "__main__":
    main()
