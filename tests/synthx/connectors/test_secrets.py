"""A planted password is looked for in all that is said, logged, written or raised."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from synthx._secrets import masked, secrets_of
from synthx.cli import main
from synthx.errors import UserError
from synthx.io import read_table, write_table
from tests.postgres_server import PASSWORD

pytest.importorskip("sqlalchemy")
pytest.importorskip("psycopg")

PEOPLE = pd.DataFrame({"age": [20, 30, 40, 50] * 25, "sex": ["F", "M"] * 50})


def pieces(password: str) -> tuple[str, ...]:
    """Return the password and the parts of it that a careless parser would cut out."""
    return password, *(part for part in password.replace("/", "@").split("@") if len(part) > 3)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ann:s3cret@db:5432/people", "postgresql://***@db:5432/people"),
        ("postgresql:/ann:s3cret@db/people", "postgresql:/***@db/people"),  # as a path writes it
        ("postgresql://ann:p@ss/w@db/people", "postgresql://***@db/people"),
        ("mssql://db/x?user=ann&password=s3cret&b=1", "mssql://db/x?user=ann&password=***&b=1"),
        ("sqlite:///people.db", "sqlite:///people.db"),
        ("write to ann@example.org", "write to ann@example.org"),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_an_escaped_password_is_looked_for_in_both_forms() -> None:
    assert set(secrets_of("postgresql://ann:p%40ss@db/x")) == {"p%40ss", "p@ss"}


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:{}@127.0.0.1:1/people",  # nobody listens
        "postgresql://ann:{}@host.invalid/people",
        "postgresql://ann:{}@127.0.0.1:port/people",
        "nonsense://ann:{}@127.0.0.1/people",
        "mysql+nodriver://ann:{}@127.0.0.1/people",
        "oracle://ann:{}@127.0.0.1/people",
        "postgresql://127.0.0.1:1/people?user=ann&password={}",
        "sqlite:///none/people.db?password={}",
    ],
)
@pytest.mark.parametrize("password", ["pl4nted-p4ssword", "pl4nt@ed/p4ss", "ab"])
def test_errors_do_not_tell_it(address: str, password: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    address = address.format(password)
    for act in (
        lambda: read_table(address, table="people"),
        lambda: read_table(address, query="SELECT 1"),
        lambda: write_table(PEOPLE, address, table="people"),
    ):
        with pytest.raises(UserError) as caught:
            act()
        told = "".join(traceback.format_exception(caught.value)) + caplog.text
        told = told.replace("127.0.0.1", "")
        for piece in pieces(password):
            assert f":{piece}@" not in told and f"={piece}" not in told
            assert len(piece) < 4 or piece not in told


def test_the_server_says_no(postgres_address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = postgres_address.replace(PASSWORD, "wr0ng-p4ssword")
    for address, secret in ((wrong, "wr0ng-p4ssword"), (postgres_address, PASSWORD)):
        with pytest.raises(UserError) as caught:
            read_table(address, query=f"SELECT '{secret}' FROM nowhere")
        assert secret not in "".join(traceback.format_exception(caught.value)) + caplog.text


@pytest.mark.parametrize("debug", ["", "1"])
def test_whole_commands(
    postgres_address: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    debug: str,
) -> None:
    """Every command, good and bad, and every file that it leaves."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SYNTHX_DEBUG", debug)
    write_table(PEOPLE, postgres_address, table="people", force=True)
    model, schema = str(tmp_path / "m.synthx"), str(tmp_path / "s.json")
    table = ["--table", "people"]
    out = ["--table", f"made{debug}"]
    good: list[list[str]] = [
        ["detect", postgres_address, *table, "-o", schema],
        ["fit", postgres_address, *table, "-o", model, "--schema", schema, "--model", "ar", "--minutes", "0.005"],
        ["sample", model, "-n", "50", "-o", postgres_address, *out, "--seed", "0"],
    ]
    bad = [
        ["detect", postgres_address],
        ["detect", postgres_address, "--query", "SELECT 1/0"],
        ["fit", postgres_address, *table, "-o", model],
        ["fit", postgres_address, *table, "-o", model, "--force", "--epsilon", "1", "--schema", schema],
        ["sample", model, "-n", "50", "-o", postgres_address, *out],
        ["sample", model, "-n", "50", "-o", postgres_address, *out, "--resume", "--force"],
        ["sample", model, "-n", "50", "-o", postgres_address],
        ["evaluate", "--train", postgres_address, "--synthetic", postgres_address],
        ["benchmark", postgres_address, "-o", str(tmp_path / "r.csv")],
    ]
    run: Callable[[list[str]], int] = main
    assert [run(words) for words in good] == [0, 0, 0]
    assert [run(words) for words in bad] == [2] * len(bad)
    said = capfd.readouterr()
    assert "Written 50 rows to the table 'made" in said.out
    assert PASSWORD not in said.out + said.err + caplog.text
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()
    assert len(read_table(postgres_address, table=f"made{debug}")) == 50
