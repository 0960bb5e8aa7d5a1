"""A scorecard with a planted rare value in every place where a reason or a detail could carry one."""

from __future__ import annotations

from typing import Any

import pytest

from synthx_evaluation.record import Better, Definition
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.scorecard import Scorecard

PLANTED = "Quimby"
"""A level that one person has."""


def rates(attack: float, control: float) -> dict[str, Any]:
    return {
        "attack": {"rate": attack, "low": attack - 0.01, "high": attack + 0.01, "n": 1000},
        "control": {"rate": control, "low": control - 0.01, "high": control + 0.01, "n": 1000},
        "worst_secret": PLANTED,
    }


@pytest.fixture
def card() -> Scorecard:
    shape = Definition("FID-SHAPE", "1.0", "Column shapes", Better.HIGHER)
    lost = Definition("FID-LEVELS-LOST", "1.0", "Levels of real rows that are never synthetic", Better.LOWER)
    auc = Definition("UTIL-AUC-LINEAR", "1.0", "Trained on synthetic: AUC, linear", Better.HIGHER)
    share = Definition("BIAS-SHARE", "1.0", "Shares of protected groups, distance", Better.LOWER)
    strongest = Definition("MIA-MAX", "1.0", "Strongest membership attack (AUC)", Better.HALF)
    copied = Definition("DISC-COPIES-EXCESS", "1.0", "Training rows found, beyond holdout rows found", Better.LOWER)
    linked = Definition("DISC-LINK", "1.0", "Linkability", Better.LOWER)
    groups = {
        PLANTED: {"synthetic": 0.003, "reference": 0.003},  # 3 of 1,000 rows
        "north": {"synthetic": 0.197, "reference": 0.2},
        "south": {"synthetic": 0.8, "reference": 0.797},
    }
    columns = {"age": {"value": 0.9, "anchor": 0.95}, "town": {"value": 0.98765, "anchor": 0.99}}
    measures = (
        shape.computed(0.943825, n=1000, seed=7, interval=(0.93, 0.96), anchor=0.97, details={"columns": columns}),
        lost.computed(0.25, n=1000, seed=7, details={"lost": [{"column": "town", "level": PLANTED, "real_rows": 12}]}),
        auc.skipped(f"the target 'ill' has one class only, '{PLANTED}'; needs 50 holdout rows, there are 7", seed=7),
        share.computed(0.003, n=1000, seed=7, details={"columns": {"town": {"groups": groups}}}),
        strongest.computed(
            0.51234567, n=500, seed=7, interval=(0.49, 0.53), anchor=0.505, p_value=0.2, detectable=0.53
        ),
        copied.computed(0.0, n=4321, seed=7, interval=(-0.002, 0.002), anchor=0.0),
        linked.computed(0.01, n=1000, seed=7, interval=(-0.01, 0.03), anchor=0.0, details=rates(0.11, 0.1)),
    )
    context = {
        "rows": {"synthetic": 1000, "train": 4321, "holdout": 1000},
        "columns": {"age": "integer", "town": "categorical", "ill": "boolean"},
        "left_out": {"name": "personal"},
        "target": "ill",
        "protected": ["town"],
        "reference": "holdout",
        "seed": 7,
        "groups": ["fidelity", "utility", "bias", "membership", "disclosure"],
        "versions": {"python": "3.11.7", "synthx-data": "0.1.0"},
    }
    return Scorecard(measures, context)


@pytest.fixture
def brief() -> Brief:
    return Brief(
        title="Patients of the north",
        owner="Registry",
        purpose="Teaching",
        recipients="Students",
        date="2026-01-31",
        valid_until="2027-01-31",
        columns={"age": "quasi-identifier"},
        candidates_made=3,
        candidates_scored=2,
    )
