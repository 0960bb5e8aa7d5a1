"""``synthx attack``: whole commands on small tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.cli import main


def people(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], rows), "age": rng.integers(18, 90, rows)})
    return frame.assign(income=(frame["age"] * 100 + rng.normal(0, 500, rows)).round(1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with training rows, a holdout, a private model and its rows."""
    folder = tmp_path_factory.mktemp("attack")
    train = people(400, 1)
    train.to_csv(folder / "t.csv", index=False)
    people(300, 2).to_csv(folder / "h.csv", index=False)
    schema = synthx.Schema.detect(train, assume_public=True)
    model = synthx.TabularMST(privacy=synthx.Privacy(epsilon=2, new_budget=True)).fit(train, schema)
    model.save(folder / "m.synthx")
    model.sample(400, seed=0).to_csv(folder / "s.csv", index=False)
    return folder


def attack(folder: Path, *more: str) -> int:
    files = {"--model": "m.synthx", "--train": "t.csv", "--holdout": "h.csv", "--synthetic": "s.csv"}
    given = [part for option, name in files.items() for part in (option, str(folder / name))]
    return main(["attack", *given, "--shadows", "6", "--targets", "100", *more])


def test_a_private_model_is_attacked_and_nothing_is_booked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "m.synthx").read_bytes()
    work, card = str(folder / "work"), folder / "card.json"
    assert attack(folder, "--work", work, "--json", str(card)) == 0
    said = capsys.readouterr()
    assert "Each shadow has a ledger of its own and is thrown away: nothing is booked in the model's." in said.err
    assert "5 more take about" in said.err
    assert "Membership by shadow models (AUC)" in said.out
    measures = {measure["id"]: measure for measure in json.loads(card.read_text())["measures"]}
    assert measures["MIA-SHADOW"]["p_value"] > 0.01
    promised = measures["MIA-SHADOW-EPSILON"]["details"]["promised"]
    assert promised["epsilon"] <= 2
    assert 0 < promised["delta"] <= 1e-6
    assert measures["MIA-SHADOW-EPSILON"]["value"] <= 2
    assert (folder / "m.synthx").read_bytes() == before
    # Again: all shadows are there, and the figures are the same.
    assert attack(folder, "--work", work, "--json", str(card), "--force") == 0
    assert "take about" not in capsys.readouterr().err
    again = json.loads(card.read_text())["measures"]
    assert {measure["id"]: measure for measure in again} == measures
    assert attack(folder, "--work", work, "--seed", "1") == 2
    assert "holds shadows of another attack: seed is 0 there and 1 here" in capsys.readouterr().err


def test_what_cannot_be_attacked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attack(folder, "--work", str(folder)) == 2
    assert "holds other files; name an empty folder" in capsys.readouterr().err
    assert attack(folder, "--shadows", "7") == 2
    assert "shadows is 7; give an even number from 6 to 1,000." in capsys.readouterr().err
    (folder / "there.json").write_text("{}")
    assert attack(folder, "--json", str(folder / "there.json")) == 2
    assert "exists already" in capsys.readouterr().err
