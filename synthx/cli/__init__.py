"""The command line, one file a command.

Nothing heavy is imported until a command runs, so that ``synthx --help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``synthx``; by default what the shell gave.

    Returns
    -------
    int
        0 on success, 2 on what the user can mend, 1 on our fault, 130 after Ctrl-C.
    """
    from typer.main import get_command

    from synthx.cli.app import app
    from synthx.cli.status import exit_status, explain_crash

    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    sys.excepthook = explain_crash
    # The command itself rather than `app`, which would put typer's own hook in the place of ours.
    command = get_command(app)
    return exit_status(lambda: command(words, prog_name="synthx", standalone_mode=False))
