"""OverSampler: imbalanced-learn's contract, what comes out, what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.preprocessing import OneHotEncoder

from synthx.balance import OverSampler, forget_fits, learner
from synthx.balancing import learning
from synthx.errors import ConditionError, DataError, DataWarning, ParameterError, PrivacyError, UnsupportedError
from synthx.models.autoregressive import TabularAR
from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Kind, Schema
from synthx_privacy.privacy import Privacy


def quick(steps: int = 12) -> TabularAR:
    return TabularAR(steps=steps, width=16, hidden=8)


def sampler(**settings: Any) -> OverSampler:
    return OverSampler(quick(), random_state=0, **settings)


@pytest.fixture
def mixed() -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Eighty legal rows and twenty fraudulent ones, with a column of every type and an index of their own."""
    rng = np.random.default_rng(0)
    rows = 100
    fraud = np.arange(rows) % 5 == 0
    age = pd.array(rng.integers(18, 90, rows), dtype="Int64")
    age[::7] = pd.NA
    frame = pd.DataFrame(
        {
            "amount": np.round(np.exp(rng.normal(3 + 2 * fraud, 1)), 2),
            "shop": pd.Categorical(rng.choice(["b", "a", "c"], rows), categories=["c", "b", "a"], ordered=True),
            "country": rng.choice(["CH", "DE"], rows),
            "age": age,
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), unit="D"),
            "known": rng.random(rows) < 0.5,
            "score": rng.normal(size=rows).astype(np.float32),
            "text": pd.array(rng.choice(["x", "y"], rows), dtype="string"),
        },
        index=np.arange(rows) * 2 + 1_000,
    )
    frame.loc[frame.index[3::9], "country"] = None
    return frame, pd.Series(np.where(fraud, "fraud", "legal"), index=frame.index, name="label")


# -- imbalanced-learn's contract ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "check"),
    [
        pytest.param(instance, check, id=check.func.__name__)
        for instance, check in estimator_checks_generator(sampler())
    ],
)
def test_the_checks_of_imbalanced_learn_pass(instance: OverSampler, check: Callable[..., None]) -> None:
    check(instance)


def test_settings_reach_the_model_and_survive_a_clone() -> None:
    made = clone(sampler(sampling_strategy=0.5)).set_params(model__steps=7)
    assert made.get_params()["model__steps"] == 7
    assert made.get_params()["sampling_strategy"] == 0.5
    assert made.model.steps == 7


def test_it_is_a_step_of_a_searched_pipeline(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    cells = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["shop"]), (SimpleImputer(), ["amount"]))
    pipeline = make_pipeline(sampler(), cells, LogisticRegression())
    folds = StratifiedKFold(2)
    assert cross_val_score(pipeline, X, y, cv=folds, scoring="roc_auc").mean() > 0.5
    search = GridSearchCV(
        pipeline, {"oversampler__sampling_strategy": [0.5, 1.0], "oversampler__model__steps": [5]}, cv=folds
    ).fit(X, y)
    assert search.best_params_["oversampler__model__steps"] == 5


# -- what comes out -----------------------------------------------------------------------------------------------


def test_real_rows_come_first_and_unchanged_and_types_are_kept(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    made = sampler(sampling_strategy=0.5)
    rows, labels = made.fit_resample(X, y)
    pd.testing.assert_frame_equal(rows.iloc[:100], X)
    pd.testing.assert_series_equal(labels.iloc[:100], y)
    assert rows.dtypes.equals(X.dtypes)
    assert rows["shop"].cat.categories.tolist() == ["c", "b", "a"]
    assert labels.iloc[100:].tolist() == ["fraud"] * 20
    assert rows.index[-20:].tolist() == list(range(1_199, 1_219))
    assert made.synthetic_mask_.tolist() == [False] * 100 + [True] * 20
    assert made.report_["fraud"].real == 20
    assert made.report_["fraud"].rows == 20
    assert made.class_prior_ == {"fraud": 0.2, "legal": 0.8}
    assert made.resampled_prior_ == {"fraud": 40 / 120, "legal": 80 / 120}


@pytest.mark.parametrize("kind", ["category", "string", "boolean", "Int64"])
def test_classes_of_any_type_come_back_as_that_type(kind: str, mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    labels = (y == "fraud").astype(kind) if kind in ("boolean", "Int64") else y.astype(kind)
    _, made = sampler().fit_resample(X, labels)
    assert made.dtype == labels.dtype
    assert made.value_counts().tolist() == [80, 80]


def test_labels_of_rows_are_counted_on_or_missing(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    X = X.set_axis(pd.date_range("2024-01-01", periods=100, name="day"))
    rows, labels = sampler().fit_resample(X, y.set_axis(X.index))
    assert rows.index[:100].equals(X.index)
    assert rows.index[100:].isna().all()
    assert labels.index.equals(rows.index)


def test_columns_may_have_any_names(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    for names in ([7, 3], ["label", "target"]):
        rows, _ = sampler().fit_resample(X[["amount", "score"]].set_axis(names, axis=1), y)
        assert rows.columns.tolist() == names


def test_arrays_lists_and_sparse_rows_stay_what_they_are() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)).round(1)
    y = np.array([0] * 50 + [1] * 10)
    rows, labels = sampler().fit_resample(X, y)
    assert (rows[:60] == X).all()
    assert labels.tolist() == [0] * 50 + [1] * 50
    lists, _ = sampler().fit_resample(X.tolist(), y.tolist())
    assert lists == rows.tolist()
    thin, _ = sampler().fit_resample(sparse.csc_matrix(X), y)
    assert thin.format == "csc"
    assert (thin.toarray() == rows).all()


def test_several_classes_each_get_what_they_shall_have() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [60, 20, 5])
    X = pd.DataFrame({"x": rng.normal(np.repeat([0.0, 5.0, 9.0], [60, 20, 5])), "z": rng.normal(size=85)})
    made = sampler(sampling_strategy={"b": 40, "c": 30})
    _, labels = made.fit_resample(X, y)
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {"a": 60, "b": 40, "c": 30}
    assert {label: drawn.rows for label, drawn in made.report_.items()} == {"b": 20, "c": 25}
    _, labels = sampler(sampling_strategy=lambda y: {"c": int((y == "a").sum())}).fit_resample(X, y)
    assert (labels == "c").sum() == 60


def test_new_rows_are_of_their_class() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [400, 40])
    X = pd.DataFrame({"x": rng.normal(10.0 * y, 1), "z": rng.choice(["p", "q"], 440)})
    rows, labels = OverSampler(TabularAR(steps=150, width=32), random_state=0).fit_resample(X, y)
    assert rows["x"][440:].mean() > 8
    assert rows["x"][:400].mean() < 1
    assert labels[440:].tolist() == [1] * 360


def test_whole_numbers_stay_whole_and_in_range(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    rows, _ = sampler().fit_resample(X[["age", "amount"]], y)
    new = rows["age"].iloc[100:].dropna()
    assert new.between(X["age"].min(), X["age"].max()).all()
    assert (rows["amount"].iloc[100:] * 100 % 1).round(6).isin([0, 1]).all()


def test_rules_of_the_user_hold_in_every_new_row_and_are_counted(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    made = sampler(rules=[lambda rows: rows["amount"] < 100])
    rows, _ = made.fit_resample(X, y)
    assert (rows["amount"].iloc[100:] < 100).all()
    assert made.report_["fraud"].broke_rules > 0
    assert "that broke a rule" in made.report_["fraud"].describe()


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    first, _ = sampler().fit_resample(X, y)
    forget_fits()
    again, _ = sampler().fit_resample(X, y)
    pd.testing.assert_frame_equal(first, again)
    other, _ = OverSampler(quick(), random_state=1).fit_resample(X, y)
    assert not other.equals(first)


# -- what is remembered -------------------------------------------------------------------------------------------


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each fit that really took place."""
    forget_fits()
    counted: list[int] = []
    usual = TabularAR.fit

    def fit(self: TabularAR, frame: pd.DataFrame, *more: Any, **named: Any) -> TabularAR:
        counted.append(len(frame))
        return usual(self, frame, *more, **named)

    monkeypatch.setattr(TabularAR, "fit", fit)
    return counted


def test_one_fit_serves_all_strategies_and_no_other_rows(
    fits: list[int], mixed: tuple[pd.DataFrame, pd.Series[Any]]
) -> None:
    X, y = mixed
    for strategy in (0.5, 0.75, "auto"):
        sampler(sampling_strategy=strategy).fit_resample(X, y)
    assert fits == [100]
    changed = X.copy()
    changed.loc[changed.index[0], "amount"] += 0.01
    sampler().fit_resample(changed, y)
    swapped = y.copy()
    swapped.iloc[[0, 1]] = swapped.iloc[[1, 0]].to_numpy()
    sampler().fit_resample(X, swapped)
    sampler().set_params(model__steps=13).fit_resample(X, y)
    assert fits == [100] * 4


def test_few_fits_are_remembered(
    fits: list[int], mixed: tuple[pd.DataFrame, pd.Series[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_FITS", 1)
    X, y = mixed
    for rows in (100, 95, 100):
        sampler().fit_resample(X.iloc[:rows], y.iloc[:rows])
    assert fits == [100, 95, 100]


def test_no_fit_sees_a_row_of_a_test_fold(mixed: tuple[pd.DataFrame, pd.Series[Any]], monkeypatch: Any) -> None:
    X, y = mixed
    X = X.assign(amount=np.arange(100) + 0.25)  # tells every row apart
    forget_fits()
    seen: list[set[float]] = []
    usual = TabularAR.fit

    def fit(self: TabularAR, frame: pd.DataFrame, *more: Any, **named: Any) -> TabularAR:
        seen.append(set(frame["amount"]))
        return usual(self, frame, *more, **named)

    monkeypatch.setattr(TabularAR, "fit", fit)
    folds = StratifiedKFold(3)
    pipeline = make_pipeline(sampler(), make_column_transformer(("passthrough", ["amount"])), LogisticRegression())
    cross_val_score(pipeline, X, y, cv=folds)
    for (train, test), rows in zip(folds.split(X, y), seen, strict=True):
        assert rows == set(X["amount"].iloc[train])
        assert not rows & set(X["amount"].iloc[test])


# -- as a function ------------------------------------------------------------------------------------------------


def test_a_learner_learns_once_and_draws_at_several_ratios(
    fits: list[int], mixed: tuple[pd.DataFrame, pd.Series[Any]]
) -> None:
    X, y = mixed
    draw = learner(quick())(X, y, 3)
    few, many = draw("fraud", 5), draw("fraud", 30)
    assert (len(few), len(many)) == (5, 30)
    assert many.dtypes.equals(X.dtypes)
    assert many.columns.equals(X.columns)
    assert fits == [100]
    with pytest.raises(ConditionError, match="'theft' was asked for, and no row that was learned is of it"):
        draw("theft", 1)


# -- what is refused ----------------------------------------------------------------------------------------------


def rows_of(*counts: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=sum(counts))}), np.repeat(range(len(counts)), counts)


@pytest.mark.parametrize(
    ("strategy", "counts", "said"),
    [
        (0.05, (20, 10), "the class 1 has 10 rows to 20 of the other already, a ratio of 0.5; ask for a higher"),
        (1.5, (20, 10), "sampling_strategy is 1.5; give a ratio above 0 and up to 1"),
        (0.5, (20, 10, 5), "a ratio of two classes, and there are 3"),
        ({1: 9}, (20, 10), "asks for 9 rows of the class 1, which has 10"),
        ({7: 90}, (20, 10), "names the class 7, and no row is of it; choose from 0, 1"),
        ({1: 10.5}, (20, 10), "asks for 10.5 rows of the class 1"),
        ("most", (20, 10), "sampling_strategy is 'most'; choose from auto"),
        (lambda y: 3, (20, 10), "sampling_strategy returned 3"),
        (None, (20, 10), "sampling_strategy is None"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(strategy: Any, counts: tuple[int, ...], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        sampler(sampling_strategy=strategy).fit_resample(*rows_of(*counts))


def test_a_target_with_gaps_or_one_class_is_refused() -> None:
    X, y = rows_of(20, 10)
    with pytest.raises(DataError, match=r"the class of row 3 is missing \(2 in all\); drop"):
        sampler().fit_resample(X, pd.Series(y, dtype="Int64").mask(np.isin(range(30), [2, 8])))
    with pytest.raises(DataError, match="one class only, 0"):
        sampler().fit_resample(*rows_of(30))


def test_a_class_of_one_row_is_refused_unless_it_need_not_grow() -> None:
    X, y = rows_of(20, 5, 1)
    with pytest.raises(DataError, match="the class 2 has one row, and how those of a class differ is not learned"):
        sampler().fit_resample(X, y)
    _, labels = sampler(sampling_strategy={1: 20}).fit_resample(X, y)
    assert np.bincount(labels).tolist() == [20, 20, 1]


def test_columns_that_never_vary_are_refused() -> None:
    X, y = rows_of(20, 10)
    with pytest.raises(DataError, match="nothing to learn of the rows beside their class"):
        sampler().fit_resample(X.assign(x=1.0), y)


def test_models_that_do_not_fit_in_are_refused() -> None:
    X, y = rows_of(20, 10)
    with pytest.raises(UnsupportedError, match="SequenceVAE is no model of single tables"):
        OverSampler(SequenceVAE()).fit_resample(X, y)
    with pytest.raises(PrivacyError, match="a balanced table holds the real rows themselves"):
        OverSampler(TabularAR(privacy=Privacy(epsilon=1))).fit_resample(X, y)
    with pytest.raises(ParameterError, match="there is no model 'smote'"):
        OverSampler("smote").fit_resample(X, y)


def test_rules_that_nothing_keeps_are_refused(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    with pytest.raises(ConditionError, match="hardly a row drawn for the class 'fraud' keeps the rules"):
        sampler(rules=[lambda rows: rows["amount"] < 0]).fit_resample(X, y)
    with pytest.raises(DataError, match="a rule answered with shape"):
        sampler(rules=[lambda rows: [True]]).fit_resample(X, y)


def test_a_schema_that_does_not_fit_is_refused(mixed: tuple[pd.DataFrame, pd.Series[Any]]) -> None:
    X, y = mixed
    schema = Schema.detect(X.assign(label=y), target="label").replace("known", kind=Kind.CATEGORICAL)
    rows, _ = sampler(schema=schema).fit_resample(X, y)
    assert len(rows) == 160
    with pytest.raises(DataError, match="lacks column 'age'"):
        sampler(schema=schema).fit_resample(X.drop(columns="age"), y)


def test_a_schema_that_has_nearly_keys_learned_is_obeyed_and_warned_of() -> None:
    rng = np.random.default_rng(0)
    label = np.where(np.arange(300) % 5 == 0, "fraud", "legal")
    frame = pd.DataFrame({"amount": rng.normal(size=300), "card": [f"C{i // 2:04d}" for i in range(300)]})
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        X, _ = sampler().fit_resample(frame, label)
    assert X["card"].iloc[300:].nunique() == 180
    assert not X["card"].iloc[300:].isin(frame["card"]).any()
    learned = Schema.detect(frame).replace("card", kind=Kind.CATEGORICAL, format=None)
    with pytest.warns(DataWarning, match="Column 'card': 100% of its cells hold one of 150 values"):
        X, _ = sampler(schema=learned).fit_resample(frame, label)
    assert set(X["card"].iloc[300:]) == {"(rare)"}
