"""SDV's PAR behind our face: keys of several columns, any dtypes, what is refused."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from synthx.adapters.sdv_sequences import SDV_SEQUENCE_MODELS, SDVSequenceModel, _show
from synthx.errors import DataError, NotFittedError, ParameterError, SchemaError, UnsupportedError
from synthx.schema import Column, Kind, Role, Schema


def visits(entities: int = 12) -> pd.DataFrame:
    """Return visits of patients of two wards: keys of two columns, equal times, missing cells, rows out of order."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 6, entities)
    who = np.repeat(np.arange(entities), sizes)
    step = np.concatenate([np.arange(size) for size in sizes])
    rows = len(who)
    pulse = pd.array(rng.integers(50, 120, rows), dtype="Int64")
    pulse[::4] = pd.NA
    frame = pd.DataFrame(
        {
            "ward": np.where(who % 2 == 0, "A-01", "B-02"),
            "patient": who // 2 + 100,
            "when": pd.Timestamp("2024-03-01") + pd.to_timedelta(step // 2 * 24 + who, unit="h"),  # equal in pairs
            "sex": pd.Categorical(np.where(who % 3 == 0, "F", "M")),
            "born": (1950 + who).astype(str),
            "pulse": pulse,
            "valve": np.where(rng.random(rows) < 0.5, np.nan, 1.0),  # one value, or missing
            "stage": rng.choice(["I", "II", None], rows),
            "lactate": rng.normal(2, 0.5, rows).round(1),
            "never": np.full(rows, np.nan),
            "note": [f"seen by doctor {i} and sent home" for i in range(rows)],
        }
    )
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


def schema_of(frame: pd.DataFrame) -> Schema:
    """Return the schema with the kinds that twelve patients are too few to detect."""
    schema = Schema.detect(frame, entity=("ward", "patient"), time="when", static=("sex", "born"))
    kinds = {"born": Kind.INTEGER, "valve": Kind.CATEGORICAL, "stage": Kind.CATEGORICAL, "pulse": Kind.INTEGER}
    for name, kind in {**kinds, "never": Kind.DECIMAL, "note": Kind.TEXT}.items():
        schema = schema.replace(name, kind=kind, levels=None, format=None)
    return schema


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return visits()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> SDVSequenceModel:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SDVSequenceModel(epochs=2).fit(frame, schema_of(frame))


def test_a_long_frame_comes_back(
    model: SDVSequenceModel, frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = model.sample(5)
    assert list(drawn.columns) == list(frame.columns)
    assert drawn.dtypes.drop("sex").equals(frame.dtypes.drop("sex"))
    assert set(drawn["sex"].cat.categories) == {"F", "M"}
    assert drawn.groupby(["ward", "patient"]).ngroups == 5
    assert drawn.groupby(["ward", "patient"]).size().between(2, 5).all()  # PAR keeps to the lengths it has seen
    assert (drawn.groupby(["ward", "patient"])[["sex", "born"]].nunique() == 1).all(axis=None)
    assert set(drawn["stage"].dropna()) <= {"I", "II"}
    assert set(drawn["valve"].dropna()) <= {1.0}
    assert drawn["born"].str.fullmatch(r"19\d\d").all()
    assert drawn["never"].isna().all()
    assert drawn["note"].isna().all()
    assert capsys.readouterr() == ("", "")


def test_rows_of_an_entity_lie_together(model: SDVSequenceModel) -> None:
    keys = model.sample(4)[["ward", "patient"]].agg(tuple, axis=1)
    assert (keys != keys.shift()).sum() == 4


def test_the_frame_that_was_learned_stays_as_it_was(model: SDVSequenceModel, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(frame, visits())


def test_what_sdv_is_shown() -> None:
    frame = pd.DataFrame(
        {
            "who": [7, 7, 3, 3],
            "hour": [2, 1, 5, 4],
            "x": [0.5, 1.5, 2.5, 3.5],
            "flag": pd.array([1, None, 0, 1], "Int8"),
        }
    )
    columns = (
        Column(name="who", kind=Kind.IDENTIFIER, role=Role.ENTITY, dtype="int64"),
        Column(name="hour", kind=Kind.INTEGER, role=Role.TIME, dtype="int64"),
        Column(name="x", kind=Kind.DECIMAL, role=Role.TARGET, dtype="float64"),
        Column(name="flag", kind=Kind.BOOLEAN, dtype="Int8", nullable=True),
    )
    shown = _show(frame, Schema(columns))
    assert shown.frame["who"].tolist() == ["0", "0", "1", "1"]
    assert shown.frame["hour"].tolist() == [1, 2, 4, 5]
    assert shown.frame["x"].tolist() == [1.5, 0.5, 3.5, 2.5]
    assert shown.frame["flag"].tolist() == [None, 1, 1, 0]
    assert [column.role for column in shown.schema] == [Role.ENTITY, Role.TIME, None, None]


@pytest.mark.parametrize("static", [(), ("sex",)])
def test_no_time_is_needed_nor_a_static_column(static: tuple[str, ...]) -> None:
    frame = visits()[["ward", "patient", "sex", "lactate"]]
    frame["key"] = frame.pop("ward") + "/" + frame.pop("patient").astype(str)
    schema = Schema.detect(frame, entity="key", static=static)
    drawn = SDVSequenceModel(epochs=1).fit(frame, schema).sample(3)
    assert drawn["key"].nunique() == 3
    assert drawn["lactate"].notna().all()


def test_seeds_learn_differently_and_repeat() -> None:
    frame = visits()[["ward", "patient", "lactate", "when"]]
    schema = Schema.detect(frame, entity=("ward", "patient"), time="when")
    drawn = [SDVSequenceModel(seed=seed, epochs=1).fit(frame, schema).sample(3) for seed in (0, 0, 1)]
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])


def test_what_is_refused() -> None:
    frame = visits()
    schema = schema_of(frame)
    model = SDVSequenceModel(epochs=1)
    with pytest.raises(SchemaError, match="names no entity"):
        model.fit(frame, schema.replace("ward", role=None).replace("patient", role=None))
    with pytest.raises(DataError, match=r"the time 'when' is missing in row 3, of ward="):
        model.fit(frame.assign(when=frame["when"].where(frame.index != 2)), schema)
    with pytest.raises(DataError, match="static column 'lactate' varies within the entity"):
        model.fit(frame, schema.replace("lactate", static=True))
    with pytest.raises(SchemaError, match="no column changes from step to step"):
        names = ["ward", "patient", "when", "sex", "never"]
        model.fit(frame[names], schema.select(names))
    with pytest.raises(NotFittedError, match="sdv-par has learned nothing"):
        model.sample(2)
    with pytest.raises(ParameterError, match="'sdv-ctgan'; choose from sdv-par"):
        SDVSequenceModel("sdv-ctgan")
    with pytest.raises(ParameterError, match="epochs is 0"):
        SDVSequenceModel(epochs=0)


def test_every_name_is_a_class_of_sdv() -> None:
    from sdv import sequential

    assert all(hasattr(sequential, name) for name in SDV_SEQUENCE_MODELS.values())


def test_where_sdv_is_missing_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sdv", None)
    with pytest.raises(UnsupportedError, match="pip install 'sdv>=2'"):
        SDVSequenceModel()
