"""The README's commands, run as they stand but for time limits and the PDF."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path

import pytest

from synthx.cli import main

ROOT = Path(__file__).parents[2]


def commands() -> list[list[str]]:
    """Return the words of the `synthx` commands that follow those that write the tables."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text[text.index("python examples/tables.py") :].split("```")[0]
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("synthx ")]


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / "tables.py"))["main"](tmp_path)
    for words in commands():
        quick = ["0.05" if before == "--minutes" else word for before, word in zip(["", *words], words, strict=False)]
        quick += ["--minutes", "0.05"] if words[0] in ("fit", "balance") and "--minutes" not in words else []
        quick += ["--no-pdf"] if words[:2] == ["report", "--train"] else []
        assert main(quick) == 0, words
    assert {path.name for path in tmp_path.iterdir()} >= {"balanced.csv", "private.csv", "new_visits.csv", "report"}
