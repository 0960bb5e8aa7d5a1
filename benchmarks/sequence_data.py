"""The sequences that models are compared on: ``python benchmarks/sequence_data.py DATA OUT``.

DATA holds ``physionet2012/hourly.csv.gz`` and ``patients.csv.gz`` (PhysioNet 2012 challenge, one row an hour and one a
stay) and ``berka/{trans_first53k,account,district,disp,client,loan}.csv.gz`` (PKDD 1999). OUT receives, for ``physio``
and ``berka``, ``NAME_train.parquet`` and ``NAME_test.parquet``, split 80/20 by stay or account, and ``NAME.json``, the
schema of the whole.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from synthx.schema import Schema

TEST_SHARE = 0.2

DISTRICT = {"A3": "region", "A4": "inhabitants", "A11": "salary", "A13": "unemployment"}
"""What is kept of a district: the rate of unemployment of 1996, the average salary, and so on."""

STEPS = ["date", "type", "operation", "amount", "balance", "k_symbol", "bank"]
STATIC = ["frequency", *DISTRICT.values(), "sex", "birth_year", "loan_status"]


def make_physio(data: Path) -> pd.DataFrame:
    """Return the hours of all stays with what is known of the stay, as published (-1 stands for unknown there)."""
    hourly = pd.read_csv(data / "physionet2012" / "hourly.csv.gz")
    patients = pd.read_csv(data / "physionet2012" / "patients.csv.gz")
    merged = hourly.merge(patients, on="RecordID", validate="many_to_one")
    return merged.sort_values(["RecordID", "hour"], kind="stable").reset_index(drop=True)


def make_berka(data: Path) -> pd.DataFrame:
    """Return the transactions of all accounts with what is known of the account, its district, owner and loan.

    A `k_symbol` of blanks means none, as a missing one does. The partner's account number is left out.
    """
    tables = {
        name: pd.read_csv(data / "berka" / f"{name}.csv.gz", na_values=["?", " "])
        for name in ("trans_first53k", "account", "district", "disp", "client", "loan")
    }
    steps = tables["trans_first53k"].sort_values(["account_id", "date", "trans_id"])
    steps["date"] = pd.to_datetime(steps["date"].astype(str), format="%y%m%d")
    accounts = _describe_accounts(tables)
    merged = steps[["account_id", *STEPS]].merge(accounts, on="account_id", validate="many_to_one")
    return merged.reset_index(drop=True)


def _describe_accounts(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row an account: its key and the static columns."""
    districts = tables["district"].rename(columns=DISTRICT)[["district_id", *DISTRICT.values()]]
    owners = tables["disp"].query("type == 'OWNER'")[["account_id", "client_id"]]
    clients = tables["client"]
    month = clients["birth_number"] // 100 % 100  # YYMMDD, with 50 added to the month of a woman
    clients = clients[["client_id"]].assign(
        sex=np.where(month > 50, "F", "M"), birth_year=1900 + clients["birth_number"] // 10_000
    )
    loans = tables["loan"][["account_id", "status"]].rename(columns={"status": "loan_status"})
    joined = (
        tables["account"][["account_id", "district_id", "frequency"]]
        .merge(districts, on="district_id", validate="many_to_one")
        .merge(owners, on="account_id", validate="one_to_one")
        .merge(clients, on="client_id", validate="one_to_one")
        .merge(loans, on="account_id", how="left", validate="one_to_one")
    )
    return joined[["account_id", *STATIC]]


def split(frame: pd.DataFrame, key: str, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of four fifths of the entities, and of the others."""
    entities = np.sort(frame[key].unique())
    chosen = np.random.default_rng(seed).permutation(entities)[: round(len(entities) * TEST_SHARE)]
    held = frame[key].isin(chosen)
    return frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    made = {
        "physio": (make_physio(data), "RecordID", "hour", "In-hospital_death"),
        "berka": (make_berka(data), "account_id", "date", "loan_status"),
    }
    for name, (frame, entity, time, target) in made.items():
        train, test = split(frame, entity)
        train.to_parquet(out / f"{name}_train.parquet")
        test.to_parquet(out / f"{name}_test.parquet")
        Schema.detect(frame, entity=entity, time=time, target=target).to_json(out / f"{name}.json")
        counts = f"{train[entity].nunique():,} + {test[entity].nunique():,}"
        print(f"{name}: {len(train):,} + {len(test):,} rows of {counts} entities, {frame.shape[1]} columns")


if __name__ == "__main__":
    main()
