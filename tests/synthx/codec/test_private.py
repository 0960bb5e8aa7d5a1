"""The codec of a private fit: made of declarations and noisy counts alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.codec.private.declared import CLAMPED, check_declared, histogram_phases, missing_phases
from synthx.codec.private.measuring import measure_table
from synthx.codec.private.places import Places
from synthx.errors import PrivacyError
from synthx.schema import Column, Kind, Schema
from synthx_privacy.events import gaussian
from synthx_privacy.ledger import Ledger
from synthx_privacy.privacy import Privacy

EXACT = 1e-6
"""Noise multiplier of tests that want the counts as they are."""

SCHEMA = Schema(
    (
        Column(name="age", kind=Kind.INTEGER, dtype="int64", lower=18, upper=90),
        Column(name="sex", kind=Kind.CATEGORICAL, levels=("F", "M")),
        Column(name="income", kind=Kind.DECIMAL, dtype="float64", lower=0, upper=1000, decimals=2, nullable=True),
        Column(name="born", kind=Kind.DATETIME, format="%Y-%m-%d", lower="1930-01-01", upper="2010-12-31"),
        Column(name="member", kind=Kind.BOOLEAN, dtype="bool"),
        Column(name="note", kind=Kind.TEXT, nullable=True),
    )
)


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = 4_000
    income = np.round(rng.gamma(2, 80, rows).clip(0, 1000), 2)
    income[rng.random(rows) < 0.3] = 0.0
    income[rng.random(rows) < 0.1] = np.nan
    born = pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 29_000, rows), unit="D")
    return pd.DataFrame(
        {
            "age": rng.integers(18, 91, rows),
            "sex": rng.choice(["F", "M"], rows, p=[0.7, 0.3]),
            "income": income,
            "born": born.strftime("%Y-%m-%d").to_numpy(),
            "member": rng.random(rows) < 0.5,
            "note": pd.array([None] * rows, dtype=object),
        }
    )


def measured(frame: pd.DataFrame, noise: float = EXACT, schema: Schema = SCHEMA):  # noqa: ANN201
    plan = {phase: gaussian(noise) for phase in (*histogram_phases(schema), *missing_phases(schema), CLAMPED)}
    account = Ledger().open(Privacy(epsilon=1e18), plan, fit="test", delta=1e-6)
    return measure_table(
        account, frame, schema, total=len(frame), total_deviation=noise, pair_deviation=max(noise, 4.0)
    )


class TestWithHardlyAnyNoise:
    def test_counts_are_those_of_the_rows(self, frame: pd.DataFrame) -> None:
        table = measured(frame)
        for name, codes, histogram in zip(table.codec.columns, table.codes.T, table.histograms, strict=True):
            counted = np.bincount(codes, minlength=table.codec.columns[name].size)
            assert np.abs(counted - histogram).max() < 0.02 * len(frame), name
        assert table.clamped == 0

    def test_zeros_have_a_code_of_their_own(self, frame: pd.DataFrame) -> None:
        codec = measured(frame).codec.columns["income"]
        assert 0.0 in codec.spikes

    def test_decoded_rows_keep_kinds_bounds_and_decimals(self, frame: pd.DataFrame) -> None:
        table = measured(frame)
        rng = np.random.default_rng(1)
        from synthx.codec.table import Coded

        decoded = table.codec.decode(Coded(table.codes, rng.random(table.codes.shape)), rng)
        assert list(decoded) == list(SCHEMA.names)
        assert decoded["age"].between(18, 90).all()
        assert decoded["income"].dropna().between(0, 1000).all()
        assert (decoded["income"].dropna() * 100).round(6).mod(1).eq(0).all()
        assert (decoded["income"] == 0).mean() == pytest.approx((frame["income"] == 0).mean(), abs=0.01)
        assert decoded["income"].isna().mean() == pytest.approx(0.1, abs=0.02)
        assert pd.to_datetime(decoded["born"], format="%Y-%m-%d").between("1930-01-01", "2010-12-31").all()
        assert abs(decoded["age"].mean() - frame["age"].mean()) < 1
        assert decoded["note"].isna().all()

    def test_missing_share_of_what_is_not_learned_is_measured(self, frame: pd.DataFrame) -> None:
        assert measured(frame).codec.missing_shares["note"] == pytest.approx(1.0, abs=0.001)


class TestCellsOutsideTheDomain:
    def test_they_are_clamped_and_counted_and_never_drawn(self, frame: pd.DataFrame) -> None:
        odd = frame.astype({"age": object})
        odd.loc[0, "age"] = 140
        odd.loc[1, "age"] = "old"
        odd.loc[2, "sex"] = "no such level"
        odd.loc[3, "sex"] = None
        odd.loc[4, "born"] = "yesterday"
        odd.loc[5, "income"] = np.inf
        table = measured(odd)
        assert table.clamped == 6
        codes = dict(zip(table.codec.columns, table.codes.T, strict=True))
        assert codes["age"][1] == 0
        assert codes["sex"][2] == codes["sex"][3] == 2
        drawn = table.codec.drawn
        sizes = np.cumsum([0, *table.codec.domain.sizes])
        age, sex = sizes[list(codes).index("age")], sizes[list(codes).index("sex")]
        assert not drawn[age]
        assert drawn[sex : sex + 3].tolist() == [True, True, False]

    def test_one_odd_cell_does_not_change_how_others_are_read(self, frame: pd.DataFrame) -> None:
        odd = frame.astype({"age": object, "born": object})
        odd.loc[0, ["age", "born"]] = ["old", 7]
        for name in ("age", "born"):
            column = SCHEMA[name]
            usual, other = Places.of(column).read(frame[name], column), Places.of(column).read(odd[name], column)
            assert usual[1:].tolist() == other[1:].tolist()
            assert other[0] == -1


class TestDeclarations:
    @pytest.mark.parametrize(
        ("column", "lacking"),
        [
            (Column(name="x", kind=Kind.INTEGER, dtype="int64"), "bounds"),
            (Column(name="x", kind=Kind.DECIMAL, dtype="float64", lower=0), "bounds"),
            (Column(name="x", kind=Kind.CATEGORICAL), "levels"),
            (Column(name="x", kind=Kind.DATETIME, dtype="datetime64[ns]"), "bounds"),
            (Column(name="x", kind=Kind.CONSTANT), "value"),
        ],
    )
    def test_what_is_not_declared_is_named_with_the_cure(self, column: Column, lacking: str) -> None:
        with pytest.raises(PrivacyError, match=f"column 'x' declares no {lacking}.*assume-public"):
            check_declared(Schema((column,)), buys=False)

    def test_bounds_and_levels_may_be_bought_and_constants_may_not(self) -> None:
        check_declared(Schema((Column(name="x", kind=Kind.INTEGER, dtype="int64"),)), buys=True)
        with pytest.raises(PrivacyError, match="'x' declares no value"):
            check_declared(Schema((Column(name="x", kind=Kind.CONSTANT),)), buys=True)

    def test_phases_follow_from_the_schema_alone(self) -> None:
        assert histogram_phases(SCHEMA) == {
            "values of 'age', cut 1": 2,
            "values of 'age', cut 2": 2,
            "levels of 'sex'": 1,
            **{f"values of 'income', cut {level}": 3 for level in (1, 2, 3)},
            **{f"values of 'born', cut {level}": 3 for level in (1, 2, 3)},
            "levels of 'member'": 1,
        }
        assert missing_phases(SCHEMA) == ["missing cells of 'note'"]
