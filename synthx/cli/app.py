"""The commands, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from synthx import __version__
from synthx.cli.attack import attack
from synthx.cli.audit import audit
from synthx.cli.balance import balance
from synthx.cli.benchmark import benchmark
from synthx.cli.compare import compare
from synthx.cli.detect import detect
from synthx.cli.evaluate import evaluate
from synthx.cli.fit import fit
from synthx.cli.report import report
from synthx.cli.sample import sample
from synthx.cli.split import split

__all__ = ["app"]

# Plain help: no boxes, and rich is not imported for it.
app = typer.Typer(
    name="synthx",
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"synthx {__version__}")
        raise typer.Exit


@app.callback()
def synthx(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Learn a table and write new rows that behave like it.

    \b
    Example, from a table to an evaluated synthetic one:
      synthx split people.csv --train train.csv --holdout holdout.csv
      synthx detect train.csv -o schema.json --target fraud
      synthx fit train.csv -o people.synthx --schema schema.json
      synthx sample people.synthx -n 10000 -o synthetic.csv
      synthx evaluate --train train.csv --holdout holdout.csv --synthetic synthetic.csv --schema schema.json

    DATA and OUT are .csv, .csv.gz or .parquet files; detect, fit and sample take databases too. The exit status is 0
    on success, 2 on what you can mend, and 1 on our fault; SYNTHX_DEBUG=1 in the environment shows the traceback.
    """


for command in (detect, split, fit, sample, balance, evaluate, compare, attack, audit, benchmark):
    app.command()(command)
app.add_typer(report, name="report")
