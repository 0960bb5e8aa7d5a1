"""Tests of ``synthx audit``: whole commands. They try fits, whose chance is not repeated: see `synthx_privacy.audit`
for the stated false alarms, about 1e-5 together.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.auditing import DescentPlan, audit_descent
from synthx.cli import main
from synthx_privacy import clipping
from synthx_privacy.audit.chance import repeatable

ROWS = 601


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, its schema and a private model."""
    folder = tmp_path_factory.mktemp("audit")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], ROWS), "age": rng.integers(18, 90, ROWS)})
    frame["ill"] = (rng.random(ROWS) < frame["age"] / 120).astype(int)
    frame.to_csv(folder / "people.csv", index=False)
    schema = synthx.Schema.detect(frame, target="ill", assume_public=True)
    schema.to_json(folder / "schema.json")
    model = synthx.TabularMST(privacy=synthx.Privacy(epsilon=2, new_budget=True)).fit(frame, schema)
    model.save(folder / "people.synthx")
    return folder


def test_a_sound_model_passes_on_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["audit", str(folder / "people.csv"), "--schema", str(folder / "schema.json"), "--epsilon", "2"]
    status = main(arguments)
    said = capsys.readouterr().out
    found = [line for line in said.splitlines() if line.startswith("failed") and "row of lists" not in line]
    assert found == []
    assert "passed  replay.stranger" in said
    assert "passed  scan.strings: none of 6 planted values" in said
    assert "passed  scan.lengths" in said
    assert "Proved: epsilon is at most 2.000 at delta 1.0e-06." in said or "Proved: epsilon is at most 1.99" in said
    assert status == (1 if "row of lists" in said and "failed" in said else 0)


def test_a_descent_is_tried_with_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = DescentPlan(rate=0.25, noise=8.0, steps=100)
    with repeatable(0):
        report = audit_descent(plan, 1.2, 1e-6)
    assert not report.has_failed
    assert report.bound is not None and report.bound < 1.2
    assert "The test can see epsilons from about 0.5 to 4.2" in report.describe()[-2]
    made = clipping.Clipper.__init__
    monkeypatch.setattr(
        clipping.Clipper, "__init__", lambda self, module, clip, **more: made(self, module, 4 * clip, **more)
    )
    with repeatable(0):
        assert audit_descent(plan, 1.2, 1e-6).has_failed


def test_a_model_shows_its_ledger(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(folder / "people.synthx"), "--find", "Ada Lovelace"]) == 0
    said = capsys.readouterr().out
    assert "spent  mst: number of rows" in said
    assert "passed  scan.strings: none of 1 planted values" in said
    assert "Proved: epsilon is at most" in said


def test_a_text_that_is_in_the_model_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(folder / "people.synthx"), "--find", "number of rows"]) == 1
    assert "do not rely on the guarantee" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "DATA is audited at a budget; give --schema and --epsilon."),
        (["--schema", "SCHEMA", "--epsilon", "0"], "epsilon is 0"),
        (["--schema", "SCHEMA", "--epsilon", "1", "--model", "tree"], "'tree' cannot be audited"),
        (["--schema", "UNDECLARED", "--epsilon", "1"], "column 'sex' declares no levels"),
    ],
)
def test_bad_options_are_explained(
    folder: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    synthx.Schema.detect(pd.read_csv(folder / "people.csv")).to_json(folder / "undeclared.json")
    files = {"SCHEMA": "schema.json", "UNDECLARED": "undeclared.json"}
    options = [str(folder / files[option]) if option in files else option for option in options]
    assert main(["audit", str(folder / "people.csv"), *options]) == 2
    assert sentence in capsys.readouterr().err
