"""``synthx report``: the files, their seals, and what it refuses. What the pages hold is tested with the pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import synthx
from synthx.cli import main
from synthx.schema import Column, Kind, Schema
from synthx_evaluation import Scorecard
from synthx_evaluation.record import Better, Definition
from synthx_evaluation.report.pages import documents
from synthx_evaluation.report.sealing.seal import sealed_report

SHAPE = Definition("FID-SHAPE", "1.0", "Column shapes", Better.HIGHER)
STRONGEST = Definition("MIA-MAX", "1.0", "Strongest membership attack (AUC)", Better.HALF)
COPIED = Definition("DISC-COPIES-EXCESS", "1.0", "Training rows found, beyond holdout rows found", Better.LOWER)


def scorecard(copied: float = 0.0) -> Scorecard:
    interval = (copied - 0.005, copied + 0.005)
    measures = (
        SHAPE.computed(0.95, n=1000, seed=0, interval=(0.94, 0.96), anchor=0.97),
        STRONGEST.computed(0.51, n=500, seed=0, interval=(0.49, 0.53), anchor=0.505, p_value=0.3, detectable=0.53),
        COPIED.computed(copied, n=1000, seed=0, interval=interval, anchor=0.0, p_value=0.5, detectable=0.004),
    )
    context = {
        "rows": {"synthetic": 1000, "train": 1000, "holdout": 1000},
        "columns": {"age": "integer"},
        "reference": "holdout",
        "seed": 0,
        "versions": {"synthx-data": "0.1.0"},
    }
    return Scorecard(measures, context)


@pytest.fixture(autouse=True)
def _no_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the PDF, which takes seconds and has tests of its own."""
    monkeypatch.setattr(documents, "can_write_pdf", lambda: False)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    scorecard().to_json(path)
    return path


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another table, which has no age."""
    path = tmp_path_factory.mktemp("elsewhere") / "other.synthx"
    frame = pd.DataFrame({"height": [*range(150, 200)] * 10, "sex": ["F", "M"] * 250})
    synthx.TabularAR(seed=0, max_minutes=0.02).fit(frame).save(path)
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in a folder, made once."""
    folder = tmp_path_factory.mktemp("first")
    scorecard().to_json(folder / "card.json")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(documents, "can_write_pdf", lambda: False)
        assert run("report", "--scorecard", folder / "card.json", "-o", folder / "made", "--title", "People") == 0
    return folder / "made"


@pytest.fixture
def made(first: Path, tmp_path: Path) -> Path:
    """A copy of that report, to be read or harmed."""
    return shutil.copytree(first, tmp_path / "made")


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_all_files_are_written_and_verified(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {file.name for file in made.iterdir()}
    assert names == set(documents.FILES) - {"report.pdf"}
    document = json.loads((made / "report.json").read_bytes())
    assert document["report"]["header"]["title"] == "People"
    assert document["report"]["reproduction"]["command"].startswith("synthx report --scorecard card.json ")
    for path in (made, *made.iterdir()):
        assert run("report", "verify", path) == 0
    assert "Not signed: whoever alters it on purpose can write a new hash." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["report.json", "report.html", "model_card.md", "croissant.json", "seal.json"])
def test_one_changed_byte_fails(made: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = (made / name).read_bytes()
    middle = len(content) // 2
    (made / name).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    assert run("report", "verify", made) == run("report", "verify", made / name) == 2
    assert "was altered after it was sealed" in capsys.readouterr().err


def test_the_same_input_gives_the_same_bytes(card: Path, made: Path, tmp_path: Path) -> None:
    assert run("report", "--scorecard", card, "-o", tmp_path / "again", "--title", "People") == 0
    for file in made.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_copies_are_not_met(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scorecard(copied=0.8).to_json(tmp_path / "copies.json")
    assert run("report", "--scorecard", tmp_path / "copies.json", "-o", tmp_path / "made") == 0
    said = capsys.readouterr().out
    assert " 1 not met," in said and "pip install 'synthx-data[pdf]'" in said
    summary = json.loads((tmp_path / "made" / "report.json").read_bytes())["report"]["summary"]
    assert summary["verdict"] == "not met"
    assert (
        "found word for word more often than rows never seen, by 80 percentage points" in summary["may_not"][0]["text"]
    )


def test_keys_sign_and_are_checked(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report", "keygen", "dpo") == run("report", "keygen", "owner") == 0
    assert run("report", "keygen", "dpo") == 2
    assert run("report", "verify", made, "--key", "dpo.pub") == 2
    assert "is not signed" in capsys.readouterr().err
    assert run("report", "sign", made, "--key", "dpo.key") == run("report", "sign", made, "--key", "owner.key") == 0
    assert run("report", "verify", made, "--key", "dpo.pub") == run("report", "verify", made, "--key", "owner.pub") == 0
    assert run("report", "keygen", "stranger") == 0
    assert run("report", "verify", made, "--key", "stranger.pub") == 2
    assert "signed, but not by this key" in capsys.readouterr().err
    assert run("report", "verify", made, "--key", "dpo.key") == 2  # the wrong half
    assert run("report", "sign", made, "--key", "dpo.pub") == 2


def test_an_altered_report_is_not_signed(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("report", "keygen", "dpo")
    (made / "model_card.md").write_text("# Better\n", encoding="utf-8")
    assert run("report", "sign", made, "--key", "dpo.key") == 2
    assert json.loads((made / "seal.json").read_bytes())["signatures"] == []


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--train", "t.csv"), "there is nothing to report on"),
        (("--scorecard", "card.json", "--train", "t.csv"), "a scorecard is given, and tables too"),
        (("--scorecard", "none.json"), "there is no scorecard"),
        (("--scorecard", "newer.json"), "has format 99"),
        (("--scorecard", "card.json", "--model", "none.synthx"), "there is no model file 'none.synthx'"),
        (("--scorecard", "card.json", "--pack", "gdpr,ddr"), "'ddr'"),
        (("--scorecard", "card.json", "--pack", "broken.yaml"), "'broken.yaml' is malformed in line "),
        (("--scorecard", "card.json", "--profile", "public"), "no profile 'public'"),
        (("--scorecard", "card.json", "--date", "soon"), "'date' is 'soon'"),
        (("--scorecard", "card.json", "--sign-key", "card.json"), "holds no signing key"),
        (("--scorecard", "card.json", "--fingerprint-key", "card.json"), "without a table"),
        (("--scorecard", "card.json", "--brief", "none.yaml"), "'none.yaml' cannot be read (No such file"),
        (
            ("--scorecard", "card.json", "--brief", "rows.csv"),
            "'rows.csv' does not hold fields such as",
        ),
        (("--scorecard", "card.json", "--brief", "other.yaml", "--schema", "age.json"), "speaks of column 'height'"),
        (("--scorecard", "card.json", "--model", "other.synthx"), "the model was not fitted on the table"),
        (("--scorecard", "card.json", "--benchmark", "card.json"), "results 'card.json' cannot be read"),
        (("--scorecard", "card.json", "--smallest-cell", "0"), "smallest-cell"),
    ],
)
def test_bad_input_is_one_sentence(
    words: tuple[str, ...],
    message: str,
    card: Path,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(card.parent)
    Path("newer.json").write_text(card.read_text().replace('"format": 1', '"format": 99'))
    Path("broken.yaml").write_text("id: own\ntitle: Own\ndate: never\n")
    Path("rows.csv").write_text("name,age\nAda,36\n")
    Path("other.yaml").write_text("columns: {height: sensitive}\n")
    Schema((Column(name="age", kind=Kind.INTEGER, dtype="int64"),)).to_json("age.json")
    shutil.copy(elsewhere, "other.synthx")
    assert run("report", *words, "-o", "made") == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert message in said[-1] and said[-1].startswith("synthx: ") and "Ada" not in said[-1]
    assert not Path("made").exists() and not list(Path().glob(".made*"))


def test_a_folder_in_use_is_left_alone(card: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file.name: file.read_bytes() for file in made.iterdir()}
    assert run("report", "--scorecard", card, "-o", made) == 2
    assert "holds 'croissant.json' already" in capsys.readouterr().err
    (made / "thesis.txt").write_text("years of work")
    assert run("report", "--scorecard", card, "-o", made, "--force") == 2
    assert "is in use: it holds 'thesis.txt'" in capsys.readouterr().err
    (made / "thesis.txt").unlink()
    assert {file.name: file.read_bytes() for file in made.iterdir()} == before
    assert run("report", "--scorecard", card, "-o", made, "--force") == 0
    assert run("report", "verify", made) == 0
    assert (made / "report.json").read_bytes() != before["report.json"]  # it has no title now


def test_a_failure_leaves_nothing_behind(card: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(report: object) -> str:
        raise OSError(28, "No space left on device")

    before = (made / "report.html").read_bytes()
    monkeypatch.setattr(documents, "data_sheet", fail)
    assert run("report", "--scorecard", card, "-o", made, "--force") == 2
    assert run("report", "--scorecard", card, "-o", made.with_name("new")) == 2
    assert (made / "report.html").read_bytes() == before
    assert sorted(path.name for path in made.parent.iterdir()) == ["card.json", "made"]


# -- from tables ------------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(tmp_path: Path, rows: Callable[[int], pd.DataFrame]) -> dict[str, Path]:
    files = {}
    for place, name in enumerate(("train", "holdout", "synthetic")):
        files[name] = tmp_path / f"{name}.csv"
        rows(place).to_csv(files[name], index=False)
    return files


@pytest.fixture
def rows() -> Callable[[int], pd.DataFrame]:
    def drawn(seed: int) -> pd.DataFrame:
        import numpy as np

        generator = np.random.default_rng(seed)
        return pd.DataFrame({"age": generator.integers(20, 80, 120), "sex": generator.choice(["f", "m"], 120)})

    return drawn


def test_fingerprints_and_statements_are_in_the_report(
    tables: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report", "keygen", "print", "--fingerprint") == 0
    Path("brief.yaml").write_text("owner: Registry\npurpose: Teaching\ncolumns: {age: quasi-identifier}\n")
    named = [word for name, path in tables.items() for word in (f"--{name}", path)]
    said = ("--brief", "brief.yaml", "--purpose", "Research", "--date", "2026-01-31", "--valid-until", "2027-01-31")
    assert run("report", *named, *said, "--fingerprint-key", "print.key", "-o", "made", "--profile", "shareable") == 0
    report = json.loads(Path("made/report.json").read_bytes())["report"]
    assert [one["table"] for one in report["fingerprints"]] == ["train", "holdout", "synthetic"]
    assert (report["scope"]["purpose"], report["header"]["owner"]) == ("Research", "Registry")
    assert report["source"]["rows"] == {"synthetic": 120, "train": 120, "holdout": 120}
    command = report["reproduction"]["command"]
    assert "--train train.csv --holdout holdout.csv --synthetic synthetic.csv" in command
    assert str(tmp_path) not in Path("made/report.json").read_text(encoding="utf-8")


def test_candidates_are_counted_in_a_benchmark(card: Path, tmp_path: Path) -> None:
    from synthx.benchmarking.results import Results

    runs = [{"model": "gan", "seed": 0, "status": "ok"}, {"model": "ar", "seed": 0, "status": "failed"}]
    Results.of(runs).to_csv(tmp_path / "results.csv")
    words = ("--benchmark", tmp_path / "results.csv", "-o", tmp_path / "made")
    assert run("report", "--scorecard", card, *words) == 0
    selection = json.loads((tmp_path / "made" / "report.json").read_bytes())["report"]["selection"]
    assert (selection["made"], selection["scored"]) == (2, 1)
    assert selection["source"] == "the benchmark's results results.csv"


def test_a_sealed_report_of_the_same_card_has_the_same_hash(made: Path) -> None:
    from synthx_evaluation.report.sealing.seal import Sealed

    sealed = Sealed.model_validate_json((made / "report.json").read_bytes())
    assert sealed_report(sealed.report) == (made / "report.json").read_bytes()
