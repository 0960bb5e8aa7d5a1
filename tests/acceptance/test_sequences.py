"""Sequences by commands alone: from two tables to two synthetic ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthx.io import read_table

from .conftest import synthx


def clinic(count: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return made patients, and their visits.

    A patient has 1 to 19 visits, on average 8, from a day in 2023 on; between two lie 2 to 30 days. One patient in
    twenty dies. The weight goes up and down by half a kilogram; a tenth of the weights are missing. The pulse is
    higher for those who die, and the diastolic pressure is never above the systolic one. Temperatures stay as they were
    in half of all visits.
    """
    rng = np.random.default_rng(seed)
    died = rng.permutation(np.arange(count) < count // 20)
    lengths = 1 + np.minimum(rng.poisson(7, count), 18)
    of_row = np.repeat(np.arange(count), lengths)
    rows = len(of_row)
    first = np.zeros(rows, bool)
    first[np.cumsum(lengths) - lengths] = True

    def walk(start: np.ndarray, moves: np.ndarray) -> np.ndarray:
        steps = np.where(first, start[of_row], moves)
        total = steps.cumsum()
        before = np.concatenate([[0.0], total[:-1]])[np.flatnonzero(first)]
        walked: np.ndarray = total - before[of_row]
        return walked

    days = walk(rng.integers(0, 365, count).astype(float), rng.integers(2, 31, rows).astype(float))
    weight = walk(rng.normal(75, 12, count), rng.normal(0, 0.5, rows)).round(1)
    weight[rng.random(rows) < 0.1] = np.nan
    diastolic = rng.normal(75, 9, rows).round()
    warmer = np.where(rng.random(rows) < 0.5, 0.0, rng.normal(0, 0.3, rows))
    visits = pd.DataFrame(
        {
            "patient": [f"PAT-{70_000 + patient}" for patient in of_row],
            "seen": pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D"),
            "weight": weight,
            "pulse": rng.normal(70 + 25 * died[of_row], 8).round().astype(int),
            "diastolic": diastolic.astype(int),
            "systolic": (diastolic + rng.gamma(2, 20, rows).round()).astype(int),
            "temperature": walk(np.full(count, 36.8), warmer).round(2),
            "ward": rng.choice(["heart", "lung", "eye"], rows, p=[0.5, 0.3, 0.2]),
        }
    )
    patients = pd.DataFrame(
        {
            "patient": [f"PAT-{70_000 + patient}" for patient in range(count)],
            "sex": rng.choice(["F", "M"], count),
            "age": rng.integers(20, 90, count),
            "died": np.where(died, "yes", "no"),
        }
    )
    return patients, visits.sample(frac=1, random_state=seed)


@dataclass(frozen=True)
class Clinic:
    """Two tables on disk, and the model that was fitted to them."""

    patients: pd.DataFrame
    visits: pd.DataFrame
    folder: Path
    model: Path


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    folder = tmp_path_factory.mktemp("clinic")
    patients, visits = clinic()
    patients.to_csv(folder / "patients.csv", index=False)
    visits.to_csv(folder / "visits.csv", index=False)
    tables = (folder / "visits.csv", "--static", folder / "patients.csv")
    roles = ("--entity", "patient", "--time", "seen", "--target", "died")
    answer = synthx("detect", *tables, *roles, "-o", folder / "schema.json")
    assert answer.status == 0, answer.err
    words = ("fit", *tables, "--schema", folder / "schema.json", "-o", folder / "m.synthx", "--minutes", "0.4")
    answer = synthx(*words)
    assert answer.status == 0, answer.err
    assert answer.err.startswith("Chose sequence-vae: the rows of an entity (patient) belong together.\n")
    return Clinic(patients, visits, folder, folder / "m.synthx")


@pytest.fixture(scope="module")
def made(hospital: Clinic) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return 400 synthetic patients and their visits."""
    patients, visits = hospital.folder / "synthetic_patients.csv", hospital.folder / "synthetic_visits.csv"
    answer = synthx("sample", hospital.model, "-n", 400, "-o", visits, "--static", patients, "--seed", 0)
    assert answer.status == 0, answer.err
    return read_table(patients), read_table(visits)


def test_two_tables_with_the_columns_of_the_real_ones(
    hospital: Clinic, made: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    for name, table in zip(("patients", "visits"), made, strict=True):
        real = read_table(hospital.folder / f"{name}.csv")
        pd.testing.assert_series_equal(table.dtypes, real.dtypes)


def test_keys_are_fresh_and_fit_each_other(hospital: Clinic, made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    patients, visits = made
    assert patients["patient"].is_unique and len(patients) == 400
    assert set(visits["patient"]) == set(patients["patient"])
    assert patients["patient"].str.fullmatch(r"PAT-\d{5}").all()
    assert not set(patients["patient"]) & set(hospital.patients["patient"])


def test_rules_of_the_real_rows_hold(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, visits = made
    assert (visits["systolic"] >= visits["diastolic"]).all()
    seen = pd.to_datetime(visits["seen"]).astype("int64")
    assert (seen.groupby(visits["patient"]).diff().dropna() >= 0).all()
    same = visits.groupby("patient")["temperature"].diff().dropna() == 0
    assert same.mean() > 0.3  # of real ones a half; without a memory of what was, a hundredth


def test_lengths_are_those_of_real_patients(hospital: Clinic, made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Four standard errors of the difference of two means of 400."""
    real, drawn = (visits.groupby("patient").size() for visits in (hospital.visits, made[1]))
    assert abs(real.mean() - drawn.mean()) < 4 * np.sqrt((real.var() + drawn.var()) / 400)
    assert drawn.max() <= real.max()


def test_two_hundred_patients_who_die(hospital: Clinic, tmp_path: Path) -> None:
    """One patient in twenty does."""
    words = ("-n", 200, "-o", tmp_path / "v.csv", "--static", tmp_path / "p.csv", "--given", "died=yes")
    assert synthx("sample", hospital.model, *words).status == 0
    patients = read_table(tmp_path / "p.csv")
    assert len(patients) == 200 and (patients["died"] == "yes").all()
    pulse = read_table(tmp_path / "v.csv")["pulse"].mean()
    assert pulse > hospital.visits["pulse"].mean() + 1  # really 24; training lasts half a minute


def test_lengths_and_spans_on_request(hospital: Clinic, tmp_path: Path) -> None:
    words = ("-n", 40, "-o", tmp_path / "v.parquet", "--length", "5..8", "--span", "60..120", "--given", "age=40..60")
    answer = synthx("sample", hospital.model, *words)
    assert answer.status == 0, answer.err
    visits = read_table(tmp_path / "v.parquet")
    of_patient = visits.groupby("patient")
    assert of_patient.ngroups == 40
    assert of_patient.size().between(5, 8).all()
    seen = pd.to_datetime(visits["seen"]).groupby(visits["patient"])
    assert (seen.max() - seen.min()).dt.days.between(60, 120).all()
    assert visits["age"].between(40, 60).all()


def test_the_same_seed_gives_the_same_files(hospital: Clinic, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("other", 6)):
        words = ("-n", 30, "-o", tmp_path / f"{name}.csv.gz", "--static", tmp_path / f"{name}.parquet")
        assert synthx("sample", hospital.model, *words, "--seed", seed).status == 0
    for suffix in (".csv.gz", ".parquet"):
        a, b, other = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b", "other"))
        assert a == b != other


def test_bad_tables(hospital: Clinic, tmp_path: Path) -> None:
    def said(visits: pd.DataFrame, patients: pd.DataFrame | None = None) -> str:
        visits.to_csv(tmp_path / "v.csv", index=False)
        words = ["fit", tmp_path / "v.csv", "-o", tmp_path / "m.synthx", "--entity", "patient", "--time", "seen"]
        if patients is not None:
            patients.to_csv(tmp_path / "p.csv", index=False)
            words += ["--static", tmp_path / "p.csv"]
        answer = synthx(*words)
        assert answer.status == 2 and not (tmp_path / "m.synthx").exists()
        return answer.err

    visits, patients = hospital.visits, hospital.patients
    assert "PAT-70003 is in the table of steps, but has no row in that of entities" in said(visits, patients.drop(3))
    assert "more than one row in the table of entities" in said(visits, pd.concat([patients, patients.head(1)]))
    assert "PAT-70003 is in the table of entities, but has no row in that of steps" in said(
        visits[visits["patient"] != "PAT-70003"], patients
    )
    undated = visits.assign(seen=visits["seen"].where(visits.index != visits.index[0]))
    assert "the time column 'seen' is missing in row 1" in said(undated)
    few = visits[visits["patient"] < "PAT-70005"]
    assert "5 entities, and nothing that fewer than 10 share is kept" in said(few)


# -- real data, where it is at hand ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_stays_in_intensive_care(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "physionet2012"
    patients = pd.read_csv(folder / "patients.csv.gz", nrows=300)
    hourly = pd.read_csv(folder / "hourly.csv.gz", nrows=40_000)
    patients = patients[patients["RecordID"].isin(hourly["RecordID"])]
    hourly = hourly[hourly["RecordID"].isin(patients["RecordID"])]
    patients.to_csv(tmp_path / "patients.csv", index=False)
    hourly.to_csv(tmp_path / "hourly.csv", index=False)
    roles = ("--entity", "RecordID", "--time", "hour", "--target", "In-hospital_death")
    tables = (tmp_path / "hourly.csv", "--static", tmp_path / "patients.csv")
    answer = synthx("fit", *tables, *roles, "-o", tmp_path / "m.synthx", "--model", "sequence-vae", "--minutes", "0.15")
    assert answer.status == 0, answer.err
    words = ("-n", 100, "-o", tmp_path / "h.csv", "--static", tmp_path / "p.csv", "--given", "In-hospital_death=1")
    answer = synthx("sample", tmp_path / "m.synthx", *words, "--seed", 0)
    assert answer.status == 0, answer.err
    stays, hours = read_table(tmp_path / "p.csv"), read_table(tmp_path / "h.csv")
    assert len(stays) == 100 and (stays["In-hospital_death"] == 1).all()
    assert list(hours.columns) == list(hourly.columns) and list(stays.columns) == list(patients.columns)
    assert set(hours["RecordID"]) == set(stays["RecordID"])
    assert (hours.groupby("RecordID")["hour"].diff().dropna() >= 0).all()
    assert abs(hours["Lactate"].isna().mean() - hourly["Lactate"].isna().mean()) < 0.1
