"""Private fits of single tables, end to end, by the model that needs nothing but counts."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.errors import ConditionError, DataError, ParameterError, PrivacyError, UnsupportedError
from synthx.models.private.budget import COUNT, GradientPlan, plan_count, plan_rest
from synthx.models.private.units import one_row_a_unit
from synthx.schema import Column, Kind, Role, Schema
from synthx_privacy import Ledger, Privacy
from synthx_privacy.accounting import epsilon_of

SCHEMA = Schema(
    (
        Column(name="age", kind=Kind.INTEGER, dtype="int64", lower=18, upper=90),
        Column(name="job", kind=Kind.CATEGORICAL, levels=("clerk", "cook", "nurse", "none")),
        Column(name="pay", kind=Kind.DECIMAL, dtype="float64", lower=0, upper=9_000, decimals=0, nullable=True),
        Column(name="late", kind=Kind.CATEGORICAL, role=Role.TARGET, levels=("no", "yes")),
    )
)


def people(rows: int = 6_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 91, rows)
    job = np.where(age > 66, "none", rng.choice(["clerk", "cook", "nurse"], rows, p=[0.5, 0.3, 0.2]))
    pay = np.where(job == "none", 0.0, np.rint(rng.gamma(6, 450, rows).clip(0, 9_000)))
    pay[rng.random(rows) < 0.08] = np.nan
    late = np.where(rng.random(rows) < np.where(job == "cook", 0.6, 0.1), "yes", "no")
    return pd.DataFrame({"age": age, "job": job, "pay": pay, "late": late})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return people()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> synthx.TabularMST:
    return synthx.TabularMST(privacy=Privacy(epsilon=3, delta=1e-6)).fit(frame, SCHEMA)


class TestRows:
    def test_they_look_like_the_real_ones(self, model: synthx.TabularMST, frame: pd.DataFrame) -> None:
        drawn = model.sample(6_000, seed=1)
        assert list(drawn) == list(frame)
        assert drawn.dtypes.to_dict() == frame.dtypes.to_dict()
        for column in ("job", "late"):
            gap = drawn[column].value_counts(normalize=True) - frame[column].value_counts(normalize=True)
            assert gap.abs().max() < 0.03
        assert (drawn.loc[drawn["job"] == "none", "pay"].fillna(0) == 0).mean() > 0.9
        cooks = drawn[drawn["job"] == "cook"]["late"].eq("yes").mean()
        assert cooks == pytest.approx(0.6, abs=0.08)
        assert drawn["pay"].isna().mean() == pytest.approx(0.08, abs=0.02)
        assert abs(drawn["age"].mean() - frame["age"].mean()) < 2

    def test_conditions_hold_in_every_row(self, model: synthx.TabularMST) -> None:
        drawn = model.sample(500, given={"late": "yes", "age": synthx.between(30, 40), "pay": synthx.MISSING}, seed=2)
        assert drawn["late"].eq("yes").all()
        assert drawn["age"].between(30, 40).all()
        assert drawn["pay"].isna().all()

    def test_what_no_row_can_be_is_refused(self, model: synthx.TabularMST) -> None:
        with pytest.raises(ConditionError):
            model.sample(5, given={"job": "pilot"})

    def test_the_same_seed_draws_the_same_rows(self, model: synthx.TabularMST) -> None:
        pd.testing.assert_frame_equal(model.sample(50, seed=7), model.sample(50, seed=7))

    def test_a_file_gives_the_model_back_with_its_ledger(self, model: synthx.TabularMST, tmp_path: Path) -> None:
        model.save(tmp_path / "m.synthx")
        again = synthx.load(tmp_path / "m.synthx")
        pd.testing.assert_frame_equal(again.sample(50, seed=7), model.sample(50, seed=7))
        assert again.ledger.entries == model.ledger.entries
        assert again.ledger.of_data is None
        assert again.privacy == Privacy(epsilon=3, delta=1e-6)


class TestBudget:
    def test_all_of_it_and_no_more_is_spent(self, model: synthx.TabularMST) -> None:
        assert 2.9 < model.ledger.epsilon() <= 3
        assert all(entry.spent for entry in model.ledger.entries)

    def test_the_seed_never_reaches_the_noise(self, frame: pd.DataFrame) -> None:
        privacy = Privacy(epsilon=1, delta=1e-6, new_budget=True)
        counts = {synthx.TabularMST(privacy=privacy, seed=5).fit(frame, SCHEMA).tree_.rows for _ in range(2)}
        assert len(counts) == 2

    def test_fits_that_share_a_ledger_add_up(self) -> None:
        table, ledger = people(seed=11), Ledger()
        for _ in range(2):
            synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6, ledger=ledger)).fit(table, SCHEMA)
        assert [*ledger.deltas] == ["mst", "mst 2"]
        assert 1.2 < ledger.epsilon() <= 2

    def test_a_second_fit_without_the_ledger_is_refused(self) -> None:
        table = people(seed=12)
        first = synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6)).fit(table, SCHEMA)
        with pytest.raises(PrivacyError, match="under another ledger; pass Privacy"):
            synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6)).fit(table, SCHEMA)
        synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6, ledger=first.ledger)).fit(table, SCHEMA)

    def test_a_ledger_of_other_data_is_refused(self) -> None:
        first = synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6)).fit(people(seed=13), SCHEMA)
        with pytest.raises(PrivacyError, match="belongs to other data"):
            other = Privacy(epsilon=1, delta=1e-6, ledger=first.ledger)
            synthx.TabularMST(privacy=other).fit(people(seed=14), SCHEMA)

    def test_a_fit_that_fails_keeps_what_it_spent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("the disk is full")

        monkeypatch.setattr("synthx_privacy.tree.TreeModel.fit", fail)
        failed = synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6))
        with pytest.raises(RuntimeError, match="disk"):
            failed.fit(people(seed=15), SCHEMA)
        assert 0.9 < failed.ledger.epsilon() <= 1

    @pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
    @pytest.mark.parametrize("gradients", [None, GradientPlan(batch=150, steps=500)])
    def test_the_plan_costs_what_was_asked_for(self, epsilon: float, gradients: GradientPlan | None) -> None:
        privacy = Privacy(epsilon=epsilon, delta=1e-6)
        first = plan_count(privacy, 1e-6)
        rest = plan_rest(SCHEMA, privacy, 1e-6, spent=list(first.values()), count=6_000, gradients=gradients)
        together = epsilon_of([*first.values(), *rest.events.values()], 1e-6)
        assert 0.98 * epsilon < together <= epsilon
        assert set(first) == {COUNT}


class TestBuying:
    def test_bounds_and_levels_are_bought_with_a_share(self, frame: pd.DataFrame) -> None:
        open_ = SCHEMA.replace("job", levels=None).replace("pay", lower=None, upper=None)
        privacy = Privacy(epsilon=5, delta=1e-6, domain_share=0.2, new_budget=True)
        model = synthx.TabularMST(privacy=privacy).fit(frame, open_)
        assert set(model.schema_["job"].levels or ()) == {"clerk", "cook", "nurse", "none"}
        low, high = model.schema_["pay"].lower, model.schema_["pay"].upper
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert low <= 10
        assert 4_000 < high < 20_000
        assert model.ledger.epsilon() <= 5
        assert {"search for levels of 'job'", "search for bounds of 'pay'/1"} <= {
            entry.phase for entry in model.ledger.entries
        }

    def test_without_a_share_they_must_be_declared(self, frame: pd.DataFrame) -> None:
        with pytest.raises(PrivacyError, match="'job' declares no levels.*domain_share"):
            synthx.TabularMST(privacy=Privacy(epsilon=1)).fit(frame, SCHEMA.replace("job", levels=None))


class TestUnits:
    def test_one_row_of_each_entity_is_kept(self) -> None:
        table = people(90).assign(who=np.repeat(np.arange(30), 3))
        schema = Schema((*SCHEMA, Column(name="who", kind=Kind.IDENTIFIER, dtype="int64", role=Role.ENTITY)))
        kept = one_row_a_unit(table, schema, Privacy(epsilon=1, unit="who"))
        assert sorted(kept["who"]) == list(range(30))
        merged = kept.merge(table, how="inner", on=list(table))
        assert len(merged) == 30

    def test_a_row_is_no_unit_where_rows_belong_to_entities(self) -> None:
        table = people(90).assign(who=np.repeat(np.arange(30), 3))
        schema = Schema((*SCHEMA, Column(name="who", kind=Kind.IDENTIFIER, dtype="int64", role=Role.ENTITY)))
        with pytest.raises(PrivacyError, match=r"give Privacy\(unit='who'\)"):
            synthx.TabularMST(privacy=Privacy(epsilon=1)).fit(table, schema)

    def test_a_unit_that_is_no_column_is_refused(self, frame: pd.DataFrame) -> None:
        with pytest.raises(PrivacyError, match="'patient', which is no column"):
            synthx.TabularMST(privacy=Privacy(epsilon=1, unit="patient")).fit(frame, SCHEMA)


class TestRefusals:
    def test_no_schema(self, frame: pd.DataFrame) -> None:
        with pytest.raises(PrivacyError, match="no schema.*assume-public"):
            synthx.TabularMST(privacy=Privacy(epsilon=1)).fit(frame)

    def test_no_budget(self, frame: pd.DataFrame) -> None:
        with pytest.raises(PrivacyError, match="TabularAR"):
            synthx.TabularMST().fit(frame, SCHEMA)

    def test_refinement_looks_at_real_rows(self, frame: pd.DataFrame) -> None:
        with pytest.raises(PrivacyError, match="refine"):
            synthx.TabularAR(refine=True, privacy=Privacy(epsilon=1, new_budget=True)).fit(frame, SCHEMA)

    def test_few_rows_by_a_noisy_count(self) -> None:
        with pytest.raises(PrivacyError, match="too few to learn from at epsilon 5"):
            synthx.TabularMST(privacy=Privacy(epsilon=5)).fit(people(20, seed=20), SCHEMA)

    def test_a_delta_that_would_allow_to_publish_a_row(self, frame: pd.DataFrame) -> None:
        with pytest.raises(PrivacyError, match="published outright"):
            synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-3, new_budget=True)).fit(frame, SCHEMA)

    def test_a_number_is_no_budget(self, frame: pd.DataFrame) -> None:
        with pytest.raises(ParameterError, match=r"privacy is 3; give synthx\.Privacy"):
            synthx.TabularMST(privacy=3).fit(frame, SCHEMA)  # type: ignore[arg-type]

    def test_no_table(self) -> None:
        with pytest.raises(DataError, match=r"pandas\.DataFrame"):
            synthx.TabularMST(privacy=Privacy(epsilon=1)).fit([1, 2], SCHEMA)  # type: ignore[arg-type]

    def test_a_model_that_is_not_private_has_no_ledger(self) -> None:
        with pytest.raises(UnsupportedError, match="nothing bounds what it tells"):
            _ = synthx.TabularAR().ledger


def test_no_cell_outside_the_domain_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = people(seed=30).astype({"age": object, "job": object})
    secret = "8f14e45f-ceea-467f-a9f3-secret"
    table.loc[3, "job"] = secret
    table.loc[4, "age"] = secret
    model = synthx.TabularMST(privacy=Privacy(epsilon=1, delta=1e-6)).fit(table, SCHEMA)
    model.save(tmp_path / "m.synthx")
    assert secret.encode() not in (tmp_path / "m.synthx").read_bytes()
    drawn = io.StringIO()
    model.sample(2_000, seed=0).to_csv(drawn)
    assert secret not in drawn.getvalue() + "".join(capsys.readouterr())
