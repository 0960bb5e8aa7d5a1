"""A PostgreSQL server for tests and benchmarks, from the machine's own packages, gone when they end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PASSWORD", "postgres", "postgres_binaries"]

PASSWORD = "pl4nted-p4ssword"


def postgres_binaries() -> Path | None:
    """Return the folder of `initdb` and `postgres`; None where they are not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("initdb")
    folders = [*debian, *([Path(found).resolve().parent] if found else [])]
    return next((path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None)


@contextlib.contextmanager
def postgres(binaries: Path) -> Iterator[str]:
    """Yield the address, with its password, of an empty database on a port of this machine alone.

    The server refuses to run as root, and is then run as ``nobody``.
    """
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="synthx-postgres-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if user is not None:
            account = pwd.getpwnam(user)
            for path in (folder, folder / "password"):
                os.chown(path, account.pw_uid, account.pw_gid)
        data = str(folder / "data")
        make = [str(binaries / "initdb"), "-D", data, "-U", "ann", "-A", "scram-sha-256", "-E", "UTF8"]
        make += ["--pwfile", str(folder / "password"), "--locale=C", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, user=user, cwd=folder)
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder)}
        settings |= {"fsync": "off", "shared_buffers": "32MB", "timezone": "Asia/Tokyo"}
        control = [str(binaries / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        try:
            yield f"postgresql://ann:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
