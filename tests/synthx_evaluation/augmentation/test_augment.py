"""The whole experiment on small tables, with learners that are quick or that tell what they saw."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.errors import ConditionError, DataError, OutputError, ParameterError
from synthx.schema import Schema
from synthx_evaluation.augmentation import Evidence, augment, run, trial
from synthx_evaluation.augmentation.arms import Draw, Learn, wanted_rows
from synthx_evaluation.augmentation.cases import Bools
from synthx_evaluation.augmentation.folds import Fold, make_folds
from synthx_evaluation.augmentation.learners import Chance, linear
from synthx_evaluation.augmentation.preparation import Preparation
from synthx_evaluation.encoding import Floats

Rows = Callable[..., pd.DataFrame]
QUICK: dict[str, Any] = {"folds": 2, "ratios": (0.2, 0.5), "curve": (5, 10), "learners": {"linear": linear}}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """What is found out about a small table, all three learners included."""
    generator = np.random.default_rng(0)
    bad = np.arange(300) % 10 == 0
    frame = pd.DataFrame(
        {
            "size": generator.normal(size=300) + 1.5 * bad,
            "place": pd.Series(generator.choice(["A", "B", "C"], size=300)).where(generator.random(300) < 0.9),
            "sum": generator.gamma(2.0, 20.0, size=300).round(2),
            "bad": np.where(bad, "yes", "no"),
        }
    )

    def learn(X: pd.DataFrame, y: pd.Series, seed: int) -> Draw:
        return lambda level, n: X[y == level].sample(n, replace=True, random_state=seed)

    settings: dict[str, Any] = {"rare_rows": 10, "folds": 2, "ratios": ("x2", 0.04, 0.5), "curve": (6, 10)}
    return augment(frame, target="bad", generators={"ours": learn}, amount="sum", **settings)


# -- no leak ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Spy:
    """Notes which rows, by their `id`, reach a fit, and in which fold."""

    fold: int = -1
    fits: list[tuple[int, str, set[float]]] = dataclasses.field(default_factory=list)

    def progress(self, doing: str) -> None:
        self.fold = int(doing.split()[1]) - 1

    def note(self, what: str, ids: Any) -> None:
        self.fits.append((self.fold, what, set(np.asarray(ids, dtype=float).tolist())))

    def learn(self, X: pd.DataFrame, y: pd.Series, seed: int) -> Draw:
        assert len(X) == len(y)
        self.note("generator", X["id"])
        return lambda level, n: X[y == level].sample(n, replace=True, random_state=seed)

    def learner(self, prepared: Preparation, rows: Floats, rare: Bools, weights: Floats | None, seed: int) -> Chance:
        self.note("learner", rows[:, 0])
        return linear(prepared, rows, rare, weights, seed)

    def leaks(self, folds: list[Fold]) -> set[str]:
        """Return what was fitted on a row that its fold tests on."""
        return {what for fold, what, ids in self.fits if ids & set(folds[fold].test.tolist())}


def _spied(frame: pd.DataFrame, schema: Schema, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Spy:
    spy, fit, make = Spy(), Preparation.fit, trial.smote

    def preparation(part: pd.DataFrame, known: Schema) -> Preparation:
        spy.note("preparation", part["id"])
        return fit(part, known)

    def smote(prepared: Preparation, rows: Floats, rare: Bools, count: int, seed: int) -> Floats:
        spy.note("smote", rows[:, 0])
        made = make(prepared, rows, rare, count, seed)
        return np.column_stack([rows[rare][:1, 0].repeat(count), made[:, 1:]])  # an id that exists

    monkeypatch.setattr(Preparation, "fit", preparation)
    monkeypatch.setattr(trial, "smote", smote)
    augment(
        frame, target="bad", schema=schema, generators={"spy": spy.learn}, progress=spy.progress,
        **{**QUICK, "learners": {"spy": spy.learner}, **changes},
    )  # fmt: skip
    return spy


@pytest.mark.parametrize("changes", [{}, {"rare_rows": 8}, {"entity": "who"}, {"time": "day"}], ids=str)
def test_test_rows_never_reach_a_fit(
    draw_rows: Rows, schema: Schema, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    seen: list[list[Fold]] = []

    def kept(*arguments: Any, **settings: Any) -> list[Fold]:
        seen.append(make_folds(*arguments, **settings))
        return seen[-1]

    monkeypatch.setattr(run, "make_folds", kept)
    frame = draw_rows().assign(who=np.arange(300) // 3, day=np.arange(300) // 2)
    frame = frame[["id", "size", "place", "bad", *(name for name in changes.values() if isinstance(name, str))]]
    spy = _spied(frame, schema, monkeypatch, **changes)
    assert {what for _, what, _ in spy.fits} == {"preparation", "generator", "smote", "learner"}
    assert {fold for fold, _, _ in spy.fits} == {0, 1}
    assert spy.leaks(seen[0]) == set()


def test_a_leak_would_be_seen(draw_rows: Rows, schema: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same spies, with splits whose training part holds a test row."""
    seen: list[Fold] = []

    def leaking(*arguments: Any, **settings: Any) -> list[Fold]:
        folds = make_folds(*arguments, **settings)
        seen.extend(dataclasses.replace(fold, train=np.sort([*fold.train, fold.test[0]])) for fold in folds)
        return seen

    monkeypatch.setattr(run, "make_folds", leaking)
    spy = _spied(draw_rows(), schema, monkeypatch)
    assert spy.leaks(seen) == {"preparation", "generator", "smote", "learner"}


def test_levels_of_test_rows_are_unknown(draw_rows: Rows, schema: Schema) -> None:
    frame = draw_rows()
    prepared = Preparation.fit(frame[frame["place"] != "C"].drop(columns="bad"), schema)
    assert prepared.tables.levels[2] == ("A", "B") or prepared.tables.levels[2] == ("B", "A")
    encoded = prepared.encode(frame.drop(columns="bad"))
    assert (np.isnan(encoded[:, 2]) == (frame["place"] == "C").to_numpy()).all()


# -- the evidence -----------------------------------------------------------------------------------------------


def test_all_arms_are_tried_with_all_learners(evidence: Evidence) -> None:
    frame = evidence.to_frame()
    assert evidence.learners == ["linear", "boosted", "nearest neighbours"]
    arms = ["nothing", "threshold tuning", "class weights", "random over-sampling", "SMOTE", "ours", "more real rows"]
    assert list(frame["family"].unique()) == arms
    assert set(frame.loc[frame["family"] == "ours", "ratio"]) == {"x2", "0.5"}  # 0.04 adds no row
    assert len(frame) == 3 * (4 + 3 * 2) * 8
    assert frame["mean"].between(0, 1).where(frame["score"] != "cost", True).all()
    assert (frame.loc[frame["family"] == "nothing", ["gain", "gain_low", "gain_high"]] == 0).all(axis=None)


def _means(evidence: Evidence) -> dict[str, dict[tuple[str, str], float]]:
    """Return the means of arms without a ratio, by learner, then by family and score."""
    frame = evidence.to_frame()
    frame = frame[frame["ratio"] == ""]
    return {
        str(learner): {(row["family"], row["score"]): row["mean"] for row in part.to_dict("records")}
        for learner, part in frame.groupby("learner")
    }


def test_a_tuned_threshold_changes_what_hangs_on_a_threshold_only(evidence: Evidence) -> None:
    means = _means(evidence)
    for score in ("average_precision", "brier", "recall_at_fpr"):
        assert means["boosted"]["threshold tuning", score] == means["boosted"]["nothing", score]
    for score in ("f1", "cost"):
        assert means["linear"]["threshold tuning", score] != means["linear"]["nothing", score]


def test_votes_by_class_weights_keep_the_order_of_neighbours(evidence: Evidence) -> None:
    means = _means(evidence)
    pair = [means["nearest neighbours"][arm, "average_precision"] for arm in ("class weights", "nothing")]
    assert pair[0] == pytest.approx(pair[1])


def test_copies_of_rare_rows_give_them_away(evidence: Evidence) -> None:
    areas = evidence.attacks.groupby(["family", "attack"])["value"].mean()
    assert areas["random over-sampling", "distance"] > 0.99
    assert areas["ours", "distance"] > 0.99  # this generator copies as well
    assert areas["SMOTE", "distance"] > 0.8


def test_the_curve_meets_doing_nothing_where_as_many_are_learned_from(evidence: Evidence) -> None:
    curve = evidence.learning_curve("linear")
    assert curve.rows.tolist() == [6, 10, 15]
    nothing = evidence.field("linear").values_of(("nothing", "")).mean()
    more = evidence.field("linear").values_of(("more real rows", "")).mean()
    assert curve.scores[1:].tolist() == pytest.approx([nothing, more], abs=0.03)
    assert curve.scores[1] == pytest.approx(nothing)


def test_the_verdict_of_copies_is_class_weights(evidence: Evidence) -> None:
    assert evidence.verdict == "No arm beats class weights here."
    assert evidence.to_text().startswith(
        "No arm beats class weights here.\n\n300 rows, 30 of class yes of 'bad' (10.00%"
    )


def test_evidence_survives_a_file(evidence: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    text = evidence.to_json(path)
    assert json.loads(text)["verdict"] == evidence.verdict
    again = Evidence.from_json(path)
    assert again.to_json() == text
    assert again.to_text() == evidence.to_text()
    pd.testing.assert_frame_equal(again.to_frame(), evidence.to_frame())


def test_no_row_of_the_table_is_in_the_file(evidence: Evidence) -> None:
    assert set(json.loads(evidence.to_json())) == {
        "format", "verdict", "context", "absent", "scores", "curve", "attacks"
    }  # fmt: skip
    assert not {"size", "place"} & set(json.loads(evidence.to_json())["context"])


def test_damaged_files_are_said(evidence: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    for text, message in [("{", "cannot be read"), ("[]", "is no evidence"), ('{"format": 9}', "format 9"),
                          ('{"format": 1}', "damaged")]:  # fmt: skip
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            Evidence.from_json(path)
    with pytest.raises(OutputError, match="cannot be written"):
        evidence.to_json(tmp_path / "no" / "e.json")


# -- arms -------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_figures(draw_rows: Rows, schema: Schema, shaking: Learn) -> None:
    found = [
        augment(draw_rows(), target="bad", schema=schema, generators={"g": shaking}, **QUICK).scores for _ in range(2)
    ]
    pd.testing.assert_frame_equal(*found)


def test_a_generator_that_gives_up_is_left_out_with_its_reason(draw_rows: Rows, schema: Schema) -> None:
    def refusing(X: pd.DataFrame, y: pd.Series, seed: int) -> Draw:
        raise ConditionError("class 'yes' has too few rows", remedy="collect more")

    found = augment(draw_rows(), target="bad", schema=schema, generators={"shy": refusing}, **QUICK)
    assert dict(found.absent) == {"shy": "class 'yes' has too few rows"}
    assert "shy" not in set(found.scores["family"])
    assert "not tried: shy (class 'yes' has too few rows)" in found.to_text()


def test_a_generator_must_keep_its_word(draw_rows: Rows, schema: Schema, shaking: Learn) -> None:
    def short(X: pd.DataFrame, y: pd.Series, seed: int) -> Draw:
        return lambda level, n: shaking(X, y, seed)(level, n - 1)

    def narrow(X: pd.DataFrame, y: pd.Series, seed: int) -> Draw:
        return lambda level, n: shaking(X, y, seed)(level, n).drop(columns="size")

    for learn, message in ((short, r"are \d+ instead of \d+"), (narrow, "lack column 'size'")):
        with pytest.raises(DataError, match=message):
            augment(draw_rows(), target="bad", schema=schema, generators={"g": learn}, **QUICK)
    with pytest.raises(ParameterError, match="a generator is called 'SMOTE'"):
        augment(draw_rows(), target="bad", schema=schema, generators={"SMOTE": shaking}, **QUICK)


@pytest.mark.parametrize("ratio", [0, -1.0, "x1", "half", float("nan")])
def test_ratios_that_ask_for_no_row_are_refused(draw_rows: Rows, schema: Schema, ratio: Any) -> None:
    with pytest.raises(ParameterError, match="asks for no row"):
        augment(draw_rows(), target="bad", schema=schema, generators={}, ratios=[ratio])


def test_without_generators_the_usual_arms_are_compared(draw_rows: Rows, schema: Schema) -> None:
    found = augment(draw_rows(), target="bad", schema=schema, generators={}, **QUICK)
    assert found.contests()[0].gain is None
    assert found.verdict.endswith("here.")


def test_ratios_count_rows_after_they_are_added() -> None:
    assert wanted_rows(1.0, 50, 1_000) == 950
    assert wanted_rows("x2", 50, 1_000) == 50
    assert wanted_rows(0.01, 50, 1_000) == 0


def test_weights_restore_the_population(draw_rows: Rows, schema: Schema) -> None:
    frame = draw_rows()
    weights = np.where(frame["bad"] == "yes", 1.0, 9.0)
    settings = {**QUICK, "ratios": (0.5,)}
    plain, weighted = (
        augment(frame, target="bad", schema=schema, generators={}, weights=w, **settings) for w in (None, weights)
    )
    means = [_means(found)["linear"] for found in (plain, weighted)]
    assert weighted.context["prevalence"] == pytest.approx(30 / (30 + 9 * 270))
    assert means[1]["nothing", "average_precision"] < means[0]["nothing", "average_precision"]
    # Rare rows are fewer than the learner believes: uncorrected chances are far too high.
    assert means[1]["nothing", "brier"] < means[1]["nothing", "brier_uncorrected"]
