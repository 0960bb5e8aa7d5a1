from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.membership import membership
from synthx_evaluation.membership.records import ATTACKS
from synthx_evaluation.membership.strata import groups, outlier_deciles
from synthx_evaluation.membership.targets import Targets, draw_targets
from synthx_evaluation.neighbours import standard
from synthx_evaluation.record import Measure, Status

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]

IDS = [
    "MIA-MAX", "MIA-DCR", "MIA-LOGRATIO", "MIA-DENSITY", "MIA-DOMIAS", "MIA-GENLRA", "MIA-CLASSIFIER",
    "MIA-EXACTNESS", "MIA-TPR-10", "MIA-TPR-1", "MIA-TPR-0.1", "MIA-OUTLIERS", "MIA-GROUPS",
]  # fmt: skip


def by_id(comparison: Comparison) -> dict[str, Measure]:
    records = membership(comparison, permutations=99)
    assert [record.id for record in records] == IDS
    return {record.id: record for record in records}


def test_targets_are_as_many_of_either(draw: Draw, comparison: Compare) -> None:
    found = draw_targets(comparison(draw(90, 1), draw(400, 2), draw(301, 3)))
    assert isinstance(found, Targets)
    assert (found.member.sum(), (~found.member).sum(), len(found.reference)) == (151, 151, 150)
    real = np.concatenate([found.rows[~found.member], found.reference])
    assert len(np.unique(real[:, 1:4], axis=0)) == len(np.unique(found.rows[151:, 1:4], axis=0)) + len(
        np.unique(found.reference[:, 1:4], axis=0)
    )


def test_what_cannot_be_told(draw: Draw, comparison: Compare) -> None:
    alone = by_id(comparison(draw(200, 1), draw(200, 2), None))
    assert {record.status for record in alone.values()} == {Status.SKIPPED}
    assert "not assessable without a holdout" in alone["MIA-MAX"].reason
    few = by_id(comparison(draw(200, 1), draw(200, 2), draw(60, 3)))
    assert few["MIA-MAX"].reason == (
        "needs 50 training and synthetic rows and 100 holdout rows, there are 200, 200 and 60"
    )


def test_a_copy_of_the_training_rows(draw: Draw, comparison: Compare) -> None:
    train = draw(300, 1)
    records = by_id(comparison(train, train, draw(300, 2), protected=("town", "age")))
    for code in ("MIA-MAX", "MIA-LOGRATIO", "MIA-EXACTNESS"):
        record = records[code]
        assert record.value is not None
        assert record.value > 0.9
        assert record.p_value is not None
        assert record.p_value <= 0.01
        assert record.interval is not None
        assert record.interval[0] > 0.8
        assert record.anchor is not None
        assert record.anchor < 0.65
    assert records["MIA-GENLRA"].p_value == 0.01
    assert records["MIA-TPR-10"].value == pytest.approx(1.0)
    assert records["MIA-TPR-1"].status is Status.SKIPPED
    assert records["MIA-TPR-1"].reason.startswith("needs 300 non-members: 600 holdout rows")
    assert records["MIA-GROUPS"].value is not None
    named = {(group["column"], group["group"]) for group in records["MIA-GROUPS"].details["groups"]}
    assert ("age", "lowest quarter") in named
    assert ("town", "Ayr") in named
    assert records["MIA-OUTLIERS"].reason.startswith("needs 30 members and non-members in every tenth")


def test_fresh_rows_raise_no_alarm(draw: Draw, comparison: Compare) -> None:
    # Each of 12 fresh tables raises an alarm by chance once in 20 tries; 4 or more would happen once in 450 runs.
    p = [
        by_id(comparison(draw(200, 3 * i), draw(200, 3 * i + 1), draw(200, 3 * i + 2)))["MIA-MAX"].p_value
        for i in range(12)
    ]
    assert sum(value <= 0.05 for value in p if value is not None) <= 3
    assert 0.2 < np.mean([value for value in p if value is not None]) < 0.8


def test_areas_rise_with_the_leak(draw: Draw, comparison: Compare) -> None:
    train, holdout, fresh = draw(600, 1), draw(600, 2), draw(600, 3)
    values = []
    for share in (0.0, 0.01, 0.05, 0.2):
        count = int(share * 600)
        synthetic = pd.concat([train[:count], fresh[count:]], ignore_index=True)
        records = by_id(comparison(synthetic, train, holdout))
        values.append([records[code].value for code in ("MIA-MAX", "MIA-DCR", "MIA-EXACTNESS")])
    assert (np.diff(np.array(values), axis=0) > 0).all()


def test_the_same_seed_gives_the_same_records(draw: Draw, comparison: Compare) -> None:
    tables = draw(150, 1), draw(150, 2), draw(150, 3)
    assert membership(comparison(*tables), permutations=19) == membership(comparison(*tables), permutations=19)


def test_constant_and_missing_columns(draw: Draw, comparison: Compare) -> None:
    parts = [draw(150, seed).assign(age=40, income=np.nan) for seed in (1, 2, 3)]
    records = by_id(comparison(*parts))
    assert records["MIA-MAX"].status is Status.COMPUTED
    assert records["MIA-GROUPS"].reason == "no protected column is named"
    parts = [part.assign(town="Ayr", since=pd.Timestamp("2020-01-01"), ill=True) for part in parts]
    records = by_id(comparison(*parts))  # all rows alike: nothing can be told apart, and nothing fails
    assert records["MIA-MAX"].value == 0.5
    assert records["MIA-MAX"].p_value == 1


def test_strata(draw: Draw, comparison: Compare) -> None:
    compared = comparison(draw(300, 1), draw(700, 2), draw(1400, 3), protected=("town", "ill"))
    targets = draw_targets(compared)
    assert isinstance(targets, Targets)
    deciles = outlier_deciles(compared, targets)
    assert deciles.sum(axis=1).tolist() == [140] * 10
    assert (deciles.sum(axis=0) == 1).all()
    geometry = standard(compared.tables)
    rows, real = geometry.points(targets.rows), geometry.points(compared.tables.real)
    gaps = ((rows.numbers[:, None] - real.numbers) ** 2).sum(axis=2)
    gaps += 2 * (rows.codes[:, :, None] != real.codes[:, None]).sum(axis=0)
    gaps[np.arange(len(gaps)), targets.place] = np.inf
    far = np.sqrt(np.sort(gaps, axis=1)[:, :5]).mean(axis=1)
    assert all(far[deciles[k]].max() <= far[deciles[k + 1]].min() + 1e-9 for k in range(9))
    found = groups(compared, targets)
    assert {name for name, _ in found.names} == {"town", "ill"}
    towns = found.rows[[name == "town" for name, _ in found.names]]
    assert (towns.sum(axis=0) == 1).all()
    few = groups(comparison(draw(300, 1), draw(60, 2), draw(120, 3), protected=("town",)), targets)
    assert len(few.names) + few.left_out >= 3


def test_every_attack_has_a_column(draw: Draw, comparison: Compare) -> None:
    records = by_id(comparison(draw(150, 1), draw(150, 2), draw(150, 3)))
    looked_at = {entry["attack"] for entry in records["MIA-MAX"].details["all"]}
    assert looked_at == {definition.id for definition in ATTACKS}


def test_tables_at_the_edge_of_what_can_be_read(draw: Draw, comparison: Compare) -> None:
    def odd(seed: int) -> pd.DataFrame:
        frame = draw(120, seed)
        frame["income"] = np.random.default_rng(seed).choice([1e-280, -1e290, 1e290, 0.0, np.nan, 3.0], size=120)
        return frame.assign(town=[f"{seed}-{i}" for i in range(120)])

    records = by_id(comparison(odd(1), odd(2), odd(3), protected=("income", "town", "since", "key")))
    assert records["MIA-MAX"].status is Status.COMPUTED
