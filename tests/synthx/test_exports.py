"""The public face: what it shows, and what it costs to look at."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

import synthx
import synthx.errors
from synthx.errors import listed

PUBLIC = [
    "Choice",
    "Column",
    "Kind",
    "Ledger",
    "MISSING",
    "OverSampler",
    "Privacy",
    "Role",
    "Schema",
    "Scorecard",
    "SequenceOverSampler",
    "SequenceVAE",
    "Synthesizer",
    "SynthxError",
    "TableWriter",
    "TabularAR",
    "TabularGAN",
    "TabularMST",
    "TabularVAE",
    "UserError",
    "benchmark",
    "between",
    "choose",
    "correct_prior",
    "cut_windows",
    "evaluate",
    "evaluate_sequences",
    "from_frame",
    "from_windows",
    "join_static",
    "load",
    "read_table",
    "split",
    "split_static",
    "to_frame",
    "to_windows",
    "write_table",
]


def test_the_public_names_are_these() -> None:
    assert synthx.__all__ == PUBLIC
    assert sorted(synthx.__all__) == synthx.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_found_and_described(name: str) -> None:
    value = getattr(synthx, name)
    assert value.__doc__ or name == "MISSING"
    assert name in dir(synthx)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TabularGun'"):
        _ = synthx.TabularGun


def test_the_version_is_that_of_the_distribution() -> None:
    assert synthx.__version__ == metadata.version("synthx-data")


@pytest.mark.parametrize(
    "statement", ["import synthx, synthx.schema, synthx.errors, synthx.io", "import synthx.cli.app"]
)
def test_importing_it_loads_nothing_heavy(statement: str) -> None:
    heavy = "{'torch', 'pandas', 'numpy', 'sklearn', 'sdv', 'faker', 'pyarrow', 'scipy', 'pydantic', 'imblearn', "
    heavy += "'cryptography', 'duckdb', 'jinja2', 'narwhals', 'sqlalchemy', 'weasyprint', 'yaml'}"
    code = f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", synthx.errors.__all__)
def test_every_error_has_one_sentence_and_one_root(name: str) -> None:
    error = getattr(synthx.errors, name)
    assert issubclass(error, UserWarning if name.endswith("Warning") else synthx.SynthxError)
    assert error.__doc__.strip().endswith(".") or "Parameters" in error.__doc__


def test_a_remedy_offers_the_names_like_it_or_the_first_ones() -> None:
    many = [f"c{i}" for i in range(20)]
    assert listed(["amount", "fraud", "shop"], "frod") == "'fraud'"
    assert listed(["amount", "fraud", "shop"], "x") == "'amount', 'fraud', 'shop'"
    assert listed(many, "whatever").endswith("'c10', 'c11' …")
    assert listed(many, "c 19").startswith("'c19', ")
    assert listed([0, 1], 7) == "0, 1"
