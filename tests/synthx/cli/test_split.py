"""``synthx split`` and ``synthx compare``: whole commands on small tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table of 60 patients of 5 visits each."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"patient": np.repeat(np.arange(60), 5), "ward": rng.choice(["A", "B"], 300)})
    frame["stay"] = rng.integers(1, 30, 300)
    frame["day"] = np.tile(np.arange(5), 60) + frame["patient"]
    frame.to_csv(tmp_path / "visits.csv", index=False)
    return tmp_path


def split(folder: Path, *more: str) -> int:
    places = ["--train", str(folder / "t.csv"), "--holdout", str(folder / "h.csv")]
    return main(["split", str(folder / "visits.csv"), *places, *more])


def test_entities_stay_together_and_the_model_keeps_the_record(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = folder / "split.json"
    assert split(folder, "--entity", "patient", "--share", "0.25", "--record", str(record), "--seed", "3") == 0
    assert "Kept 225 rows to learn from" in capsys.readouterr().out
    train, held = pd.read_csv(folder / "t.csv"), pd.read_csv(folder / "h.csv")
    assert (len(train), len(held)) == (225, 75)
    assert not set(train["patient"]) & set(held["patient"])
    assert json.loads(record.read_text()) == {
        "share": 0.25, "entity": ["patient"], "stratify": None, "time": None, "seed": 3,
        "train_rows": 225, "holdout_rows": 75,
    }  # fmt: skip
    model = folder / "m.synthx"
    fit = ["fit", "-o", str(model), "--model", "ar", "--minutes", "0.005", "--split", str(record)]
    assert main([*fit, str(folder / "h.csv")]) == 2
    assert "the table has 75 rows, and the split that --split names left 225" in capsys.readouterr().err
    assert not model.exists()
    assert main([*fit, str(folder / "t.csv")]) == 0
    kept = synthx.load(model).split_
    assert kept is not None
    assert (kept.entity, kept.train_rows, kept.seed) == (("patient",), 225, 3)


def test_the_latest_rows_are_held_back(folder: Path) -> None:
    assert split(folder, "--time", "day", "--share", "0.2") == 0
    assert pd.read_csv(folder / "t.csv")["day"].max() < pd.read_csv(folder / "h.csv")["day"].min()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--share", "1.5"], "holdout is 1.5"),
        (["--entity", "person"], "no column 'person'"),
        (["--time", "day", "--stratify", "ward"], "only one can decide"),
        (["--time", "ward"], "column 'ward' holds no time in 300 rows"),
    ],
)
def test_what_cannot_be_split(folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert split(folder, *more) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "t.csv").exists()


def test_a_file_that_is_no_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.json").write_text('{"shares": 1}')
    arguments = ["fit", str(folder / "visits.csv"), "-o", str(folder / "m.synthx"), "--split", str(folder / "bad.json")]
    assert main(arguments) == 2
    assert "holds no record of a split" in capsys.readouterr().err


def test_scorecards_side_by_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert split(folder) == 0
    frame = pd.read_csv(folder / "t.csv")
    frame.assign(stay=0).to_csv(folder / "poor.csv", index=False)
    frame.to_csv(folder / "copy.csv", index=False)
    for name in ("poor", "copy"):
        real = ["--train", str(folder / "t.csv"), "--holdout", str(folder / "h.csv"), "--only", "fidelity"]
        made = ["--synthetic", str(folder / f"{name}.csv"), "--json", str(folder / f"{name}.json")]
        assert main(["evaluate", *real, *made]) == 0
    capsys.readouterr()
    cards = [str(folder / "poor.json"), str(folder / "copy.json")]
    assert main(["compare", *cards, "-o", str(folder / "side.csv")]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].split()[:2] == ["poor", "copy"]
    side = pd.read_csv(folder / "side.csv", index_col="id")
    assert side.loc["FID-SHAPE", "best"] == "copy"
    assert side.loc["FID-SHAPE", "copy: value"] > side.loc["FID-SHAPE", "poor: value"]
    assert main(["compare", cards[0], cards[0]]) == 2
    assert "two scorecards are named 'poor'" in capsys.readouterr().err
    assert main(["compare", str(folder / "t.csv")]) == 2


def test_one_file_for_both_sides_is_refused_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = folder / "same.csv"
    arguments = ["split", str(folder / "visits.csv"), "--train", str(same), "--holdout", str(folder / "." / "same.csv")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "two outputs are the same file" in said and "give each a name of its own" in said
    assert not same.exists()
