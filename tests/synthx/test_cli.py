"""The command line: what it says, where, and with which status. The model here is a stand-in that trains nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest
import torch

from synthx.cli import main
from synthx.errors import TrainingError
from synthx.models.base import Synthesizer
from synthx.models.choice import Choice
from synthx.schema import Role, Schema
from synthx.training import Progress, ProgressEvent

PEOPLE = pd.DataFrame(
    {
        "age": [20 + i % 50 for i in range(200)],
        "zip": [f"0{2000 + i % 7}" for i in range(200)],
        "fraud": ["yes" if i % 10 == 0 else "no" for i in range(200)],
    }
)


@dataclasses.dataclass
class Summary:
    def describe(self) -> str:
        return "Learned 200 rows."


class StandIn:
    """Keeps what it is given, as no real model may."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.schema_ = Schema.detect(PEOPLE)
        self.training_ = Summary()
        self.asked: dict[str, Any] = {}

    def fit(self, frame: pd.DataFrame, schema: Schema, *, progress: Progress) -> StandIn:
        progress(ProgressEvent("learning", 0.5, "loss 1.0", 1.0))
        if self.error is not None:
            raise self.error
        self.asked = {"rows": len(frame), "target": schema.target and schema.target.name}
        return self

    def save(self, path: Path, *, force: bool = False) -> None:
        path.write_text(json.dumps(self.asked))

    def sample_batches(self, n: int, *, given: Any = None, seed: int | None = None) -> Iterator[pd.DataFrame]:
        self.asked = {"n": n, "given": given, "seed": seed}
        yield PEOPLE.head(n // 2)
        if self.error is not None:
            raise self.error
        yield PEOPLE.head(n - n // 2)


@pytest.fixture(autouse=True)
def _keep_excepthook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.delenv("SYNTHX_DEBUG", raising=False)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    PEOPLE.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    model = StandIn()
    monkeypatch.setattr("synthx.models.choice.choose", lambda *_, **__: Choice(cast(Synthesizer, model), "Chose it."))
    monkeypatch.setattr("synthx.models.registry.load", lambda _: model)
    return model


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run_(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_


Run = Callable[..., tuple[int, str, str]]


# -- the face -------------------------------------------------------------------------------------------------------


def test_help_answers_within_half_a_second() -> None:
    seconds = []  # of the processor: those of the clock are other programs' too
    for _ in range(3):
        before = os.times()
        answer = subprocess.run(
            [sys.executable, "-m", "synthx.cli", "--help"], capture_output=True, text=True, check=True
        )
        after = os.times()
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(seconds) < 0.5
    for command in ("detect", "fit", "sample", "evaluate"):
        assert command in answer.stdout


COMMANDS = ["detect", "split", "fit", "sample", "balance", "evaluate"]
COMMANDS += ["compare", "attack", "audit", "benchmark", "report"]


@pytest.mark.parametrize("command", [*COMMANDS, "report verify", "report sign", "report keygen"])
def test_every_help_has_an_example(run: Run, command: str) -> None:
    status, out, err = run(*command.split(), "--help")
    assert status == 0
    assert err == ""
    assert f"  synthx {command} " in out[out.index("Example") :]


def test_no_summary_of_a_command_is_cut_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = run("--help")[1]
    assert all(f"  {command} " in out for command in COMMANDS)
    assert "..." not in out[out.index("Commands:") :]


def test_help_says_what_there_is(run: Run) -> None:
    from synthx.benchmarking.candidates import Shape, default_names
    from synthx.models.registry import MODELS

    said = " ".join(run("benchmark", "--help")[1].split()).replace("- ", "-")
    for name in (*MODELS, *default_names(Shape.TABLE), *default_names(Shape.SEQUENCES)):
        assert f"{name}, " in said or f"{name} (" in said or f"{name};" in said
    said = " ".join(run("report", "--help")[1].split())
    assert "--no-pdf Whether to write a PDF, which takes longest; by default where the extra pdf is installed." in said
    assert "default: pdf" not in said


def test_version_and_bare_name(run: Run) -> None:
    assert run("--version") == (0, "synthx 0.1.0\n", "")
    status, out, _ = run()
    assert status == 0
    assert out.startswith("Usage: synthx ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sample"], "synthx: Missing argument 'MODEL'; see `synthx sample --help`.\n"),
        (["xyzzy"], "synthx: No such command 'xyzzy'; see `synthx --help`.\n"),
        (["fit", "x.csv"], "synthx: Missing option '-o' / '--output'; see `synthx fit --help`.\n"),
    ],
)
def test_a_wrong_command_is_one_sentence(run: Run, words: list[str], sentence: str) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err == sentence


# -- detect ---------------------------------------------------------------------------------------------------------


def test_detect_prints_and_writes_the_schema(run: Run, people: Path) -> None:
    path = people.with_name("schema.json")
    status, out, err = run("detect", people, "-o", path, "--target", "fraud", "--protected", "age")
    assert (status, err) == (0, "")
    assert out.startswith("Schema of 3 columns\n")
    assert out.endswith(f"Written to {path}.\n")
    schema = Schema.from_json(path)
    assert schema["fraud"].role is Role.TARGET
    assert schema["age"].role is Role.PROTECTED


def test_detect_says_what_is_not_learned(run: Run, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "key": [f"AC-{i:06d}" for i in range(300)],
            "email": [f"person{i}@example.org" for i in range(300)],
            "country": ["CH"] * 300,
            "x": [i % 9 for i in range(300)],
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    _, out, _ = run("detect", tmp_path / "t.csv")
    assert "Not learned, replaced by fresh keys of the same pattern: key.\n" in out
    assert "Not learned, replaced by fakes: email.\n" in out
    assert "Not learned, the same in every row: country.\n" in out


def test_detect_says_which_numbers_may_be_keys(run: Run, tmp_path: Path) -> None:
    pd.DataFrame({"population": [i * i for i in range(300)], "x": [i % 9 for i in range(300)]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    _, out, _ = run("detect", tmp_path / "t.csv")
    assert "Learned as numbers, though every value occurs once: population. If they name rows, set the kind" in out


# -- fit ------------------------------------------------------------------------------------------------------------


def test_fit_saves_what_it_learned_and_keeps_progress_off_standard_output(
    run: Run, people: Path, stand_in: StandIn
) -> None:
    path = people.with_name("m.synthx")
    status, out, err = run("fit", people, "-o", path, "--target", "fraud")
    assert (status, out) == (0, f"Learned 200 rows.\nWritten to {path}.\n")
    assert err == "Chose it.\n    0 s    50%  learning: loss 1.0\n"
    assert json.loads(path.read_text()) == {"rows": 200, "target": "fraud"}


def test_fit_takes_a_schema_file_and_moves_the_target(run: Run, people: Path, stand_in: StandIn) -> None:
    schema = people.with_name("schema.json")
    run("detect", people, "-o", schema, "--target", "age")
    run("fit", people, "-o", people.with_name("m.synthx"), "--schema", schema, "--target", "fraud")
    assert stand_in.asked == {"rows": 200, "target": "fraud"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "oracle"], "there is no model 'oracle'; choose from ar, gan, mst, sequence-vae, vae"),
        (["--target", "froud"], "'froud'"),
        (["--schema", "none.json"], "the schema file 'none.json' cannot be read"),
        (["--minutes", "soon"], "Invalid value for '--minutes'"),
        (["--minutes", "0"], "--minutes is 0; give a positive number of minutes, or leave it out"),
        (["--batch-size", "0"], "Invalid value for '--batch-size'"),
        (
            ["--schema", __file__],
            "is not JSON (line 1); give the file that `synthx detect` wrote",
        ),
        (["--device", "abacus"], "device 'abacus'"),
    ],
)
def test_fit_says_what_to_mend(run: Run, people: Path, words: list[str], message: str) -> None:
    path = people.with_name("m.synthx")
    status, out, err = run("fit", people, "-o", path, *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not path.exists()


def test_fit_writes_no_model_under_the_name_of_a_table(run: Run, people: Path) -> None:
    status, _, err = run("fit", people, "-o", people, "--force")
    assert status == 2 and "whose name is that of a table; end its name in .synthx" in err


def test_fit_looks_at_the_output_before_it_reads(run: Run, people: Path) -> None:
    there = people.with_name("there.synthx")
    there.write_text("kept")
    for output, message in {there: "exists already", people.parent / "no" / "m.synthx": "does not exist"}.items():
        status, _, err = run("fit", "no-such-table.csv", "-o", output)
        assert status == 2
        assert message in err
    assert there.read_text() == "kept"


def test_a_target_with_one_class(run: Run, tmp_path: Path) -> None:
    PEOPLE.assign(fraud="no").to_csv(tmp_path / "t.csv", index=False)
    status, _, err = run("fit", tmp_path / "t.csv", "-o", tmp_path / "m.synthx", "--target", "fraud")
    assert status == 2
    assert "target column 'fraud' has one class only, 'no'" in err


def _instant(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthx.models.autoregressive import TabularAR

    steps = TabularAR.__init__.__kwdefaults__
    assert steps is not None
    monkeypatch.setattr(TabularAR.__init__, "__kwdefaults__", {**steps, "steps": 5, "width": 16, "hidden": 8})


def test_auto_says_on_standard_error_why_it_chose_a_model(
    run: Run, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _instant(monkeypatch)
    path = people.with_name("m.synthx")
    status, out, err = run("fit", people, "-o", path, "--model", "auto", "--device", "cpu")
    assert status == 0
    reason, first, *_ = err.splitlines()
    assert reason.startswith("Chose ar, the autoregressive model, for 200 rows × 3 columns on cpu: ")
    assert reason.endswith(".")
    assert first == "    0 s         coding the table: 200 rows"
    assert "Chose" not in out
    assert out.startswith("Learned 200 rows of 3 columns in ")
    assert out.endswith(f"Written to {path}.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the table has 1 row, and nothing that fewer than 10 rows share is kept; give more rows"),
        (("--entity", "key"), "the table has 1 row, and nothing"),
        (("--entity", "fraud"), "the table has 2 entities, and nothing that fewer than 10 share is kept; give more"),
    ],
)
def test_auto_chooses_no_model_for_what_is_too_small(
    run: Run, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    table = tmp_path / "t.csv"
    frame = PEOPLE.assign(key="a")
    (frame if "fraud" in words else frame.head(1)).to_csv(table, index=False)
    status, out, err = run("fit", table, "-o", tmp_path / "m.synthx", *words)
    assert (status, out) == (2, "")
    assert err.startswith(f"synthx: {message}")
    assert err.count("\n") == 1


def test_a_model_that_was_asked_for_needs_no_reason(run: Run, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _instant(monkeypatch)
    path, rows = people.with_name("m.synthx"), people.with_name("rows.csv")
    status, out, err = run("fit", people, "-o", path, "--model", "ar", "--device", "cpu", "--target", "fraud")
    assert status == 0
    assert "Chose" not in out + err
    status, out, _ = run("sample", path, "-n", "20", "-o", rows, "--given", "fraud=yes", "--seed", "1")
    assert (status, out) == (0, f"Written 20 rows to {rows}.\n")
    assert (pd.read_csv(rows)["fraud"] == "yes").all()


# -- sample ---------------------------------------------------------------------------------------------------------


def test_sample_hands_the_condition_down_and_writes_every_batch(run: Run, tmp_path: Path, stand_in: StandIn) -> None:
    out_path = tmp_path / "out.csv"
    words = ("sample", "m.synthx", "-n", "30", "-o", out_path, "--seed", "7")
    status, out, err = run(*words, "--given", "fraud=yes", "--given", "age=20..30")
    assert (status, out) == (0, f"Written 30 rows to {out_path}.\n")
    assert err.endswith("sampling: 30 rows\n")
    assert stand_in.asked["n"] == 30
    assert stand_in.asked["seed"] == 7
    assert set(stand_in.asked["given"]) == {"fraud", "age"}
    assert len(out_path.read_text().splitlines()) == 31
    assert pd.read_csv(out_path, dtype=str)["zip"].str.startswith("0").all()


@pytest.mark.parametrize("n", ["0", "-5"])
def test_sample_needs_a_row(run: Run, tmp_path: Path, n: str) -> None:
    status, _, err = run("sample", "m.synthx", "-n", n, "-o", tmp_path / "out.csv")
    assert (status, err) == (2, f"synthx: -n is {n}; ask for 1 row or more.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--given", "fraud"], "has no '='"),
        (["--given", "froud=yes"], "column 'froud', which the model does not know"),
        (["-o", "out.xlsx"], "unknown format"),
        (["-o", "no/out.csv"], "'no' does not exist; create it first"),
    ],
)
def test_sample_says_what_to_mend(run: Run, tmp_path: Path, stand_in: StandIn, words: list[str], message: str) -> None:
    output = [] if "-o" in words else ["-o", tmp_path / "out.csv"]
    status, _, err = run("sample", "m.synthx", "-n", "3", *output, *words)
    assert status == 2
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.synthx").write_text("hello")
    status, _, err = run("sample", tmp_path / "m.synthx", "-n", "3", "-o", tmp_path / "out.csv")
    assert status == 2
    assert "is not a synthx model" in err


# -- evaluate -------------------------------------------------------------------------------------------------------


def test_evaluate_prints_a_table_and_writes_json(run: Run, people: Path) -> None:
    path = people.with_name("card.json")
    status, out, err = run("evaluate", "--train", people, "--synthetic", people, "--target", "fraud", "--json", path)
    assert status == 0
    assert "Column shapes" in out
    assert out.endswith(f"Written to {path}.\n")
    assert "column shapes" in err
    assert json.loads(path.read_text())["measures"]
    assert run("evaluate", "--train", people, "--synthetic", people, "--json", path)[0] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "--train", "t.csv", "--synthetic", "s.csv", "--json", "card.txt"),
        ("attack", "--model", "m", "--train", "t.csv", "--holdout", "h.csv", "--synthetic", "s.csv", "--json", "a.txt"),
        ("balance", "t.csv", "--target", "fraud", "-o", "out.csv", "--report", "e.txt"),
        ("split", "t.csv", "--train", "a.csv", "--holdout", "b.csv", "--record", "r.txt"),
        ("detect", "t.csv", "-o", "schema.txt"),
    ],
)
def test_what_is_written_as_json_is_named_so(run: Run, words: tuple[str, ...]) -> None:
    status, _, err = run(*words)
    assert status == 2
    assert err.endswith(" is of an unknown format; end its name in .json.\n")


def test_evaluate_takes_the_groups_that_are_asked(run: Run, people: Path) -> None:
    status, out, _ = run("evaluate", "--train", people, "--synthetic", people, "--only", "disclosure")
    assert status == 0
    assert "Synthetic rows that equal a training row" in out
    assert "Column shapes" not in out
    status, _, err = run("evaluate", "--train", people, "--synthetic", people, "--only", "disclosure,fun")
    assert status == 2
    assert "there is no group of measures 'fun'" in err


@pytest.mark.parametrize(
    ("groups", "missing"),
    [
        ("membership", "--holdout"),
        ("bias", "--protected"),
        ("membership,bias", "--holdout and --protected"),
    ],
)
def test_evaluate_says_what_the_groups_cannot_do_without(run: Run, people: Path, groups: str, missing: str) -> None:
    status, out, err = run("evaluate", "--train", people, "--synthetic", people, "--only", groups)
    assert (status, out) == (2, "")
    assert f"--only {groups} is given without {missing}, so there is nothing to measure; add what is missing" in err
    assert run("evaluate", "--train", people, "--synthetic", people, "--only", f"{groups},fidelity")[0] == 0


def test_evaluate_refuses_other_columns(run: Run, people: Path) -> None:
    other = people.with_name("other.csv")
    PEOPLE.drop(columns="age").to_csv(other, index=False)
    status, _, err = run("evaluate", "--train", people, "--synthetic", other)
    assert status == 2
    assert "lacks column 'age'" in err


# -- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "stopped by Ctrl-C; nothing was written."),
        (MemoryError(), 2, "memory ran out; use a smaller --batch-size"),
        (
            torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            2,
            "memory ran out; use a smaller",
        ),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), 2, "memory ran out; use a smaller"),
        (TrainingError("the loss was not finite three times"), 1, "the loss was not finite three times"),
    ],
)
def test_each_failure_has_its_status_and_leaves_nothing(
    run: Run, people: Path, stand_in: StandIn, error: BaseException, status: int, message: str
) -> None:
    stand_in.error = error
    model, rows = people.with_name("m.synthx"), people.with_name("out.csv")
    for words in (("fit", people, "-o", model), ("sample", "m.synthx", "-n", "10", "-o", rows)):
        answer, out, err = run(*words)
        assert (answer, out) == (status, "")
        assert message in err
        assert "Traceback" not in err
    assert [path.name for path in people.parent.iterdir()] == ["people.csv"]


def test_our_fault_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    code = (
        "import sys, synthx.cli.detect, synthx.io\n"
        "def broken(path): raise IndexError('list index\\nout of range')\n"
        "synthx.io.read_table = broken\n"
        "sys.exit(synthx.cli.main(['detect', 'x.csv']))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr == (
        "synthx: this should not have happened (IndexError: list index out of range); "
        "run it again with SYNTHX_DEBUG=1 in the environment to see where.\n"
    )


def test_debugging_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHX_DEBUG", "1")
    status, _, err = run("detect", "none.csv")
    assert status == 2
    assert "Traceback" in err
    assert err.endswith("synthx: there is no file 'none.csv'; check the path.\n")


def test_the_shell_completes_commands() -> None:
    asked = {"_SYNTHX_COMPLETE": "complete_bash", "COMP_WORDS": "synthx ev", "COMP_CWORD": "1"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("synthx"))], env={**os.environ, **asked}, capture_output=True, text=True
    )
    assert done.stdout.split() == ["evaluate"]
