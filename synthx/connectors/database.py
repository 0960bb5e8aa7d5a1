"""Connections to databases: what is opened, what errors say, and what they never say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthx._secrets import HIDDEN, masked, secrets_of
from synthx.errors import DataError, OutputError, ParameterError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Table

__all__ = ["connected", "located", "quoted_table"]

DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The drivers that synthx installs, where an address names none."""

SHORTEST = 4
"""A password of fewer characters cannot be told from other text, so what the driver says is left out."""


@contextmanager
def connected(address: str, *, writes: bool) -> Iterator[Connection]:
    """Yield a connection with a transaction around it, committed at the end, undone if anything fails.

    Parameters
    ----------
    address : str
        An SQLAlchemy URL.
    writes : bool
        Whether it may change anything; otherwise the database is told to refuse that.

    Raises
    ------
    DataError, OutputError
        If the database says no, when reading and writing; nothing of a password is in the message, nor chained to it.
    ParameterError
        If a library that is needed is not installed.
    """
    failure: DataError | OutputError | None = None
    try:
        engine = _engine(address, writes=writes)
        try:
            with engine.connect() as connection, connection.begin():
                if not writes:
                    _forbid_writing(connection)
                yield connection
        finally:
            engine.dispose()
    except _errors_of_drivers() as error:
        kind = OutputError if writes else DataError
        verb = "write to" if writes else "read from"
        failure = kind(
            f"the database {masked(address)!r} refused to {'be written to' if writes else 'be read'}"
            if (said := _said(error, address)) is None
            else f"cannot {verb} {masked(address)!r} ({said})",
            remedy="check the address, the table, the query and your rights to it",
        )
    if failure is not None:
        raise failure from None  # the driver's own words are not chained to it


def _engine(address: str, *, writes: bool) -> Engine:
    try:
        import sqlalchemy
    except ModuleNotFoundError:
        raise ParameterError("SQLAlchemy is not installed", remedy="run `pip install 'synthx-data[sql]'`") from None
    url = _url(address)
    if url.get_backend_name() == "sqlite":
        _check_sqlite(url, writes=writes)
    try:
        engine = sqlalchemy.create_engine(url, hide_parameters=True, poolclass=sqlalchemy.NullPool)
    except ModuleNotFoundError as error:
        raise ParameterError(
            f"the driver {error.name!r} of {url.get_backend_name()!r} is not installed",
            remedy="run `pip install 'synthx-data[sql]'`, or install it",
        ) from None
    if url.get_backend_name() == "sqlite":
        _begin_explicitly(engine)
    return engine


def _url(address: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(address)
        url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        url = None
    if url is None:
        raise ParameterError(
            f"{masked(address)!r} is no address of a database that is known here",
            remedy="write it as postgresql://user@host/database or sqlite:///file.db, with %40 for an @ in a password",
        )
    return url


def _check_sqlite(url: URL, *, writes: bool) -> None:
    """Refuse a file that is not there: SQLite would make one."""
    name = url.database
    if name in (None, "", ":memory:") or str(name).startswith("file:"):
        return
    path = Path(str(name))
    if not writes and not path.is_file():
        raise DataError(f"there is no file {str(path)!r}", remedy="check the path")
    if writes and not path.parent.is_dir():
        raise OutputError(f"the output folder {str(path.parent)!r} does not exist", remedy="create it first")


def _begin_explicitly(engine: Engine) -> None:
    """Let SQLAlchemy begin transactions: Python's sqlite3 begins none before it makes or drops a table."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")


def _forbid_writing(connection: Connection) -> None:
    dialect = connection.dialect.name
    if dialect in ("postgresql", "mysql", "mariadb"):
        command = "SET TRANSACTION READ ONLY" if dialect == "postgresql" else "SET SESSION TRANSACTION READ ONLY"
        connection.exec_driver_sql(command)
    elif dialect == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")


def _errors_of_drivers() -> tuple[type[Exception], ...]:
    """Return what SQLAlchemy raises, and psycopg where it is spoken to directly."""
    found = [
        getattr(sys.modules[module], name)
        for module, name in (("sqlalchemy.exc", "SQLAlchemyError"), ("psycopg", "Error"))
        if module in sys.modules
    ]
    return (*found, UnicodeError)


def _said(error: Exception, address: str) -> str | None:
    """Return the first line of what the driver said, without a trace of a password; None where that is not certain."""
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    secrets = secrets_of(address)
    if not words or any(len(secret) < SHORTEST for secret in secrets):
        return None
    said = words[0]
    for secret in secrets:
        said = said.replace(secret, HIDDEN)
    return masked(said).rstrip(".;: ")


def located(connection: Connection, name: str) -> tuple[str | None, str]:
    """Return the schema of the database and the table that a name stands for, ``table`` or ``schema.table``."""
    import sqlalchemy

    inspector = sqlalchemy.inspect(connection)
    if name in inspector.get_table_names() or name in inspector.get_view_names() or "." not in name:
        return None, name
    schema, _, table = name.partition(".")
    return (schema, table) if schema in inspector.get_schema_names() else (None, name)


def quoted_table(connection: Connection, name: str) -> Table:
    """Return the table or view of a name as the database describes it, every identifier quoted.

    Raises
    ------
    DataError
        If there is none.
    """
    import sqlalchemy
    from sqlalchemy.exc import NoSuchTableError

    schema, table = located(connection, name)
    try:
        return sqlalchemy.Table(
            sqlalchemy.quoted_name(table, quote=True),
            sqlalchemy.MetaData(),
            schema=schema,
            autoload_with=connection,
            resolve_fks=False,
        )
    except NoSuchTableError:
        raise DataError(f"the database has no table {name!r}", remedy="check its name, with its schema") from None
