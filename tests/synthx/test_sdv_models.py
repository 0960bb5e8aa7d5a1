"""SDV's models behind one face."""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pandas as pd
import pytest

from synthx.adapters import sdv_models
from synthx.adapters.sdv_models import COPULA_SEEDS, SDV_MODELS, SDVModel, missing
from synthx.errors import NotFittedError, ParameterError, UnsupportedError
from synthx.schema import Schema


def people(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = pd.array(rng.integers(18, 90, rows), dtype="Int64")
    age[::9] = pd.NA
    return pd.DataFrame(
        {
            "key": [f"AC-{i:06}" for i in range(rows)],
            "age": age,
            "income": np.exp(rng.normal(8, 1, rows)).round(2),
            "city": pd.Categorical(rng.choice(["Bern", "Genf"], rows)),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "active": rng.random(rows) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return people()


@pytest.fixture(scope="module")
def copula(frame: pd.DataFrame) -> SDVModel:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SDVModel("sdv-gaussian-copula").fit(frame, Schema.detect(frame))


def test_rows_have_the_columns_that_were_learned(
    copula: SDVModel, frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = copula.sample(150)
    assert list(rows.columns) == list(frame.columns)
    assert len(rows) == 150
    assert rows["age"].isna().any()
    assert set(rows["city"]) <= {"Bern", "Genf"}
    assert rows["since"].between("2020-01-01", "2023-01-01").all()
    assert capsys.readouterr() == ("", "")


def test_the_frame_that_was_learned_stays_as_it_was(copula: SDVModel, frame: pd.DataFrame) -> None:
    assert frame.equals(people())


def test_seeds_of_the_copula_give_tables_of_their_own(frame: pd.DataFrame) -> None:
    schema = Schema.detect(frame)
    tables = {}
    for seed in (0, 1, COPULA_SEEDS):
        model = SDVModel("sdv-gaussian-copula", seed=seed).fit(frame, schema)
        model.skip(80)
        tables[seed] = model.sample(80)
    assert not tables[0].equals(tables[1])
    assert len(pd.merge(tables[0], tables[1], on=["income", "since"])) < 5  # nor the same rows, shifted
    assert tables[0].equals(tables[COPULA_SEEDS])


def test_unknown_and_unfitted_models_are_refused() -> None:
    with pytest.raises(ParameterError, match="'sdv-par'"):
        SDVModel("sdv-par")
    with pytest.raises(NotFittedError, match="sdv-tvae has learned nothing"):
        SDVModel("sdv-tvae").sample(5)


def test_every_name_is_a_class_of_sdv() -> None:
    from sdv import single_table

    assert all(hasattr(single_table, name) for name in SDV_MODELS.values())
    assert missing() == ""


@pytest.mark.parametrize("version", ["1.24.1", "3.0.0", None])
def test_another_major_version_is_not_used(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    other = types.ModuleType("sdv")
    other.single_table = types.ModuleType("sdv.single_table")  # type: ignore[attr-defined]
    if version is not None:
        other.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sdv", other)
    assert missing().startswith(f"sdv is version {version or 'unknown'}, and only version 2 is known here; pip install")
    with pytest.raises(UnsupportedError, match=rf"sdv is version {version or 'unknown'}"):
        SDVModel("sdv-ctgan")


def test_where_sdv_is_missing_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sdv", None)
    assert sdv_models.missing().startswith("sdv cannot be imported (")
    with pytest.raises(UnsupportedError, match="pip install 'sdv>=2'"):
        SDVModel("sdv-ctgan")
