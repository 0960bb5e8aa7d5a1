"""What README and docs say works: their Python runs, page by page, and their commands and options exist.

The tables that pages speak of are made here, small; time limits are cut to a second, and rows and experiments likewise.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer.main
from sklearn.linear_model import LogisticRegression

import synthx
from synthx.cli.app import app
from synthx.training import Budget
from synthx_evaluation import augmentation
from synthx_evaluation.augmentation.learners import linear

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n)?```(\w*)\n(.*?)```", re.DOTALL)
SECONDS, ROWS = 0.7, 500
MANY = 3_000
"""Rows of which a private model tells something through its noise."""


def blocks(page: Path, language: str) -> list[str]:
    """Return the code of a page in one language, but what says why it is not run."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [code for skipped, named, code in found if named == language and not skipped]


def people(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    fraud = (rng.random(rows) < 0.07).astype(int)
    amount = np.round(np.exp(rng.normal(6 + 1.5 * fraud, 1)), 2)
    note = pd.Series(rng.choice(["checked", "open"], rows), dtype=object).mask(rng.random(rows) < 0.3)
    return pd.DataFrame(
        {
            "amount": amount, "state": rng.choice(["CA", "NY", "TX"], rows), "sex": rng.choice(["F", "M"], rows),
            "age": rng.integers(18, 90, rows), "note": note, "income": rng.choice(["<=50K", ">50K"], rows),
            "fraud": fraud,
        }
    )  # fmt: skip


def stays(entity: str, time: str, outcome: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return steps and static columns of 300 entities."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 25, 300)
    owner = np.repeat(np.arange(300), lengths)
    steps = pd.DataFrame({entity: owner, time: np.concatenate([np.arange(length) for length in lengths])})
    steps["HR"] = np.round(80 + rng.normal(0, 10, len(steps))).astype(float)
    steps.loc[rng.random(len(steps)) < 0.2, "HR"] = np.nan
    gender = rng.integers(0, 2, 300)
    return steps, pd.DataFrame({entity: np.arange(300), "Gender": gender, outcome: rng.integers(0, 2, 300)})


def bookings() -> pd.DataFrame:
    """Return five payments of each of 80 accounts, of which every tenth commits fraud."""
    rng = np.random.default_rng(0)
    account = np.repeat(np.arange(80), 5)
    fraud = (account % 10 == 0).astype(int)
    day = np.tile(np.arange(5), 80)
    frame = pd.DataFrame({"account": account, "day": day, "amount": rng.lognormal(6 + fraud, 1).round(2)})
    return frame.assign(booked_at=pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"), fraud=fraud)


def _seed(page: str) -> int:
    return next(place for place, each in enumerate(PAGES) if each.name == page)


def world(page: str) -> dict[str, Any]:
    """Return the names that a page's code takes for granted."""
    private = page in ("privacy.md", "tabular_mst.md")
    # Each its own: a private fit of data refuses a second budget for it.
    frame = people(MANY if private else ROWS, _seed(page))
    known: dict[str, Any] = {"synthx": synthx, "frame": frame, "later": people(300, 101), "rows": people(50, 102)}
    known["schema"] = synthx.Schema.detect(frame, target="fraud")
    known["declared_schema"] = synthx.Schema.detect(frame, target="fraud", assume_public=True)
    known["rows_with_gaps"] = known["rows"].assign(state=known["rows"]["state"].mask(known["rows"].index % 3 == 0))
    known["frauds"] = frame[frame["fraud"] == 1]
    if page in ("README.md", "balancing.md"):
        known |= {"X": frame[["amount", "age"]], "y": frame["fraud"], "X_new": frame[["amount", "age"]][:20]}
        known["classifier"] = LogisticRegression().fit(known["X"], known["y"])
        known["share_after"], known["share_before"] = 0.4, 0.1
    if page == "balancing.md":
        known["frame"] = bookings()
    if page == "README.md":
        known["visits"], known["patients"] = stays("patient", "day", "died")
    if page == "sequences.md":
        known["hourly"], known["patients"] = stays("RecordID", "hour", "In-hospital_death")
        known["two"] = [0, 1]
        long = synthx.join_static(known["hourly"], known["patients"], entity="RecordID")
        known["declared"] = synthx.Schema.detect(long, entity="RecordID", time="hour", assume_public=True)
    if private:
        known["schema"], known["survey"] = known["declared_schema"], people(MANY, 103)
    if page == "tabular_vae.md":
        known["model"] = synthx.TabularVAE().fit(frame, known["schema"])
    if page == "evaluation.md":
        known["frame"] = frame.assign(patient=frame.index, died=frame["fraud"])
        known["schema"] = synthx.Schema.detect(known["frame"], target="died", entity="patient")
        known["synthetic"] = known["frame"].sample(400, random_state=0)
    return known


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder with the files that pages read, budgets of a second, and experiments of one learner and ratio."""
    monkeypatch.chdir(tmp_path)
    page = request.node.callspec.params["page"].name
    frame = people(ROWS, _seed(page))
    frame.to_csv("people.csv", index=False)
    synthx.Schema.detect(frame, target="fraud", assume_public=True).to_json("declared.json")
    opened = Budget.__init__
    monkeypatch.setattr(
        Budget, "__init__", lambda self, minutes, *, reserve=0.05: opened(self, SECONDS / 60, reserve=reserve)
    )
    short = functools.partial(augmentation.augment, folds=2, ratios=(0.5,), learners={"linear": linear})
    monkeypatch.setattr(augmentation, "augment", short)
    if page in ("README.md", "index.md"):  # other pages are about attacks
        monkeypatch.setattr(synthx, "evaluate", functools.partial(synthx.evaluate, only=["fidelity"]))
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = world(page.name)
    for code in blocks(page, "python"):
        code = code.replace("10_000", "1_000")
        exec(compile(code, str(page), "exec"), known)


def spoken(page: Path) -> list[list[str]]:
    """Return the commands of a page as words, continued lines joined."""
    commands = []
    for code in blocks(page, ""):
        joined = re.sub(r"\\\n\s*", " ", code)
        joined = re.sub(r"\n {10,}(?=[\[-])", " ", joined)  # usage lines go on, indented
        for line in joined.splitlines():
            if line.startswith("synthx "):
                commands.append(shlex.split(line, comments=True))
    return commands


@pytest.mark.parametrize("page", [page for page in PAGES if spoken(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    root = typer.main.get_command(app)
    for name, *words in (command[1:] for command in spoken(page)):
        if name.startswith("-"):
            continue
        command = root.commands[name]  # type: ignore[attr-defined]
        if words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        used = {option for word in words for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", word.strip("[]"))}
        assert used <= known | {"-h", "--help"}, f"{page.name}: synthx {name} has no {sorted(used - known)}"


@pytest.mark.slow
def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert "TabularAR" in (tmp_path / "site" / "api" / "models.html").read_text(encoding="utf-8")
