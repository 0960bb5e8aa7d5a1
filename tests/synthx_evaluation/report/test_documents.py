from __future__ import annotations

import hashlib
import json
from pathlib import Path

from synthx_evaluation import Scorecard
from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.pages.documents import write_documents


def test_the_metadata_name_the_file_that_was_judged(card: Scorecard, brief: Brief, tmp_path: Path) -> None:
    report = assemble(card, brief=brief)
    rows = tmp_path / "rows.csv"
    rows.write_bytes(b"age,town\n37,Bern\n")
    folder = tmp_path / "report"
    folder.mkdir()
    write_documents(report, folder, pdf=False, released=rows)
    (file,) = json.loads((folder / "croissant.json").read_text())["distribution"]
    assert (file["name"], file["sha256"]) == ("rows.csv", hashlib.sha256(rows.read_bytes()).hexdigest())
    assert sorted(path.name for path in folder.iterdir()) == [
        "croissant.json", "data_sheet.md", "model_card.md", "report.html", "report.json", "seal.json",
    ]  # fmt: skip
