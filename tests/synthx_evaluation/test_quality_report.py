from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation import evaluate
from synthx_evaluation.comparison import compare
from synthx_evaluation.fidelity import pairs, shapes
from synthx_evaluation.quality_report import quality_report

Draw = Callable[[int, int], pd.DataFrame]
KINDS = {"x": Kind.DECIMAL, "a": Kind.CATEGORICAL, "b": Kind.CATEGORICAL}
PLAIN = Schema(tuple(Column(name=name, kind=kind) for name, kind in KINDS.items()))


def plain(n: int, seed: int, lift: float = 0.0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    a = generator.choice(["p", "q", "r"], size=n, p=[0.5, 0.3 - lift, 0.2 + lift])
    b = np.where(generator.random(n) < 0.6, a, "p")
    return pd.DataFrame({"x": generator.normal(lift * 5, 1, size=n), "a": a, "b": b})


def test_shapes_and_pairs_are_those_of_sdmetrics() -> None:
    """Without missing cells, and for pairs of discrete columns, both mean the same."""
    from sdmetrics.column_pairs import ContingencySimilarity
    from sdmetrics.single_column import KSComplement, TVComplement

    synthetic, real = plain(700, 1, 0.1), plain(500, 2)
    comparison = compare(synthetic, train=real, holdout=None, schema=PLAIN, target=None, protected=(), seed=0)
    ours = {name: item["value"] for name, item in shapes(comparison)[0].details["columns"].items()}
    assert ours["x"] == pytest.approx(KSComplement.compute(real["x"], synthetic["x"]), abs=1e-9)
    for name in ("a", "b"):
        assert ours[name] == pytest.approx(TVComplement.compute(real[name], synthetic[name]), abs=1e-9)
    discrete = compare(
        synthetic[["a", "b"]], train=real[["a", "b"]], holdout=None, schema=PLAIN.select(["a", "b"]), target=None,
        protected=(), seed=0,
    )  # fmt: skip
    theirs = ContingencySimilarity.compute(real[["a", "b"]], synthetic[["a", "b"]])
    assert pairs(discrete)[0].value == pytest.approx(theirs, abs=1e-9)


def test_the_report_stands_beside_ours() -> None:
    synthetic, train, holdout = plain(300, 1, 0.1), plain(300, 2), plain(300, 3)
    card = evaluate(synthetic, train=train, holdout=holdout, schema=PLAIN, only="disclosure", sdmetrics=True)
    assert [measure.id for measure in card][-3:] == ["SDM-QUALITY", "SDM-SHAPES", "SDM-TRENDS"]
    comparison = compare(synthetic, train=train, holdout=holdout, schema=PLAIN, target=None, protected=(), seed=0)
    ours = shapes(comparison)[0]
    assert card["SDM-SHAPES"].value == pytest.approx(ours.value, abs=1e-9)
    assert card["SDM-SHAPES"].anchor == pytest.approx(ours.anchor, abs=1e-9)
    quality = card["SDM-QUALITY"].value
    assert quality == pytest.approx(((card["SDM-SHAPES"].value or 0) + (card["SDM-TRENDS"].value or 0)) / 2)


def test_odd_columns_are_read(draw: Draw, schema: Schema) -> None:
    tables = [draw(60, seed) for seed in (1, 2)]
    comparison = compare(tables[0], train=tables[1], holdout=None, schema=schema, target=None, protected=(), seed=0)
    found = quality_report(comparison, synthetic=tables[0], train=tables[1], holdout=None)
    assert all(measure.value is not None and measure.anchor is None for measure in found)
