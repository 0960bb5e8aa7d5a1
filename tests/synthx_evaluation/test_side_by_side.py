from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from synthx.errors import ParameterError
from synthx_evaluation import Scorecard, compare_scorecards, compare_scorecards_text
from synthx_evaluation.record import Better, Definition

SHAPE = Definition("T-SHAPE", "1.0", "Shapes", Better.HIGHER)
AUC = Definition("T-AUC", "1.0", "Told apart", Better.HALF)
COPIES = Definition("T-COPIES", "1.0", "Copies", Better.LOWER)
CONTEXT = {"reference": "holdout", "target": None, "rows": {"synthetic": 5, "train": 5, "holdout": 3}}


def card(shape: float, auc: float, **context: object) -> Scorecard:
    measures = (
        SHAPE.computed(shape, n=5, seed=0, interval=(shape - 0.1, shape), anchor=0.9),
        AUC.computed(auc, n=5, seed=0, anchor=0.5),
    )
    return Scorecard(measures, {**CONTEXT, **context})


def test_side_by_side() -> None:
    ours, theirs = card(0.9, 0.4), card(0.8, 0.7)
    theirs = Scorecard((*theirs.measures, COPIES.skipped("too few")), theirs.context)
    frame = compare_scorecards({"ours": ours, "theirs": theirs})
    assert frame.index.tolist() == ["T-SHAPE", "T-AUC", "T-COPIES"]
    assert frame["ours", "value"].tolist()[:2] == [0.9, 0.4]
    assert frame["theirs", "low"].tolist()[0] == pytest.approx(0.7)
    assert np.isnan(frame["ours", "value"].iloc[2])
    assert frame["", "best"].tolist() == ["ours", "ours", ""]
    assert compare_scorecards_text({"ours": ours, "theirs": theirs}).splitlines() == [
        "               ours   theirs  real rows",
        "-" * 61,
        "Shapes      0.9000*  0.8000      0.9000  higher is better",
        "Told apart  0.4000*  0.7000      0.5000  nearer 0.5 is better",
    ]


def test_equal_values_have_no_best() -> None:
    frame = compare_scorecards({"a": card(0.9, 0.4), "b": card(0.9, 0.6)})
    assert frame.loc["T-SHAPE"]["", "best"] == ""


def test_what_must_not_be_compared() -> None:
    base = card(0.9, 0.5)
    with pytest.raises(ParameterError, match="the reference of 'b' is 'train', that of 'a' is 'holdout'"):
        compare_scorecards({"a": base, "b": card(0.9, 0.5, reference="train")})
    with pytest.raises(ParameterError, match="against 4 holdout rows, 'a' against 3"):
        compare_scorecards({"a": base, "b": card(0.9, 0.5, rows={"holdout": 4})})
    newer = Scorecard((dataclasses.replace(base["T-SHAPE"], version="2.0"),), CONTEXT)
    with pytest.raises(ParameterError, match="measure T-SHAPE has version 2.0 in 'b'"):
        compare_scorecards({"a": base, "b": newer})
    with pytest.raises(ParameterError, match="no scorecard is given"):
        compare_scorecards({})
