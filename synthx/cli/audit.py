"""``synthx audit``: try to show that a private fit is none, or see what a private model has spent."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.privacy import DeltaOption, UnitOption
from synthx.errors import ParameterError

if TYPE_CHECKING:
    from synthx.models.tabular import TableSynthesizer
    from synthx_privacy.audit import AuditReport, Finding
    from synthx_privacy.privacy import Privacy

__all__ = ["audit"]

TABLES = (".csv", ".csv.gz", ".parquet")
ROWS = 997
"""Rows of the table that fits are tried on: few, and a number that nothing else has."""
SMALL: dict[str, dict[str, Any]] = {
    "mst": {},
    "ar": {"steps": 30, "width": 16, "hidden": 8},
    "gan": {"reconstruction_steps": 20, "adversarial_steps": 20, "width": 16, "blocks": 1},
    "vae": {"autoencoder_steps": 20, "prior_steps": 5, "width": 16, "blocks": 1, "latent": 4},
}
"""Settings with which fits are tried: what they ask of the data does not depend on the width."""


def audit(
    target: Annotated[Path, typer.Argument(metavar="DATA|MODEL", help="A table to try fits on, or a saved model.")],
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="Of DATA, with declared bounds and levels.")
    ] = None,
    epsilon: Annotated[float | None, typer.Option(metavar="E", help="The budget to audit DATA at.")] = None,
    delta: DeltaOption = None,
    unit: UnitOption = None,
    model: Annotated[str, typer.Option(metavar="mst|ar|gan|vae", help="The kind of model to audit on DATA.")] = "mst",
    find: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Look for this text in MODEL; repeat it for more.")
    ] = None,
) -> None:
    """Audit a private fit of a table, or a model file. The exit status is 1 if a fault is found.

    With DATA, small fits are tried on neighbouring tables with their noise replayed, planted cells are looked for in
    what is published, and canaries go through the real sampler and the real private descent. Nothing is spent, since
    nothing is published; a fault that is found may quote cells.

    \b
    Examples:
      synthx audit people.csv --schema declared.json --epsilon 1 --model ar
      synthx audit private.synthx --find "Ada Lovelace"
    """
    if target.name.endswith(TABLES):
        if schema is None or epsilon is None:
            raise ParameterError("DATA is audited at a budget", remedy="give --schema and --epsilon")
        if model not in SMALL:
            raise ParameterError(f"{model!r} cannot be audited", remedy=f"choose one of {', '.join(SMALL)}")
        report = _of_table(target, schema, model, _privacy(epsilon, delta, unit))
    else:
        report = _of_model(target, find or [])
    for line in report.describe():
        typer.echo(line)
    if report.has_failed:
        raise typer.Exit(1)


def _privacy(epsilon: float, delta: float | None, unit: list[str] | None) -> Privacy:
    from synthx_privacy.privacy import Privacy

    key = tuple(unit or ())
    return Privacy(
        epsilon=epsilon,
        delta=delta,
        unit=("row" if not key else key[0] if len(key) == 1 else key),
        new_budget=True,
    )


# -- a table --------------------------------------------------------------------------------------------------------


def _of_table(data: Path, schema_path: Path, name: str, privacy: Privacy) -> AuditReport:
    from synthx.auditing import audit_contents, audit_descent, audit_fit, planned
    from synthx.codec.private.declared import check_declared
    from synthx.io import read_table
    from synthx.models.registry import model_class
    from synthx.schema import Schema
    from synthx_privacy.audit import AuditReport

    schema = Schema.from_json(schema_path)
    check_declared(schema, buys=False)
    frame = read_table(data, schema=schema)
    kind: Any = model_class(name)
    proved, delta, descent = planned(kind(privacy=privacy), schema, len(frame))
    some = frame.sample(min(ROWS, len(frame)), random_state=0).reset_index(drop=True)
    eased = dataclasses.replace(privacy, epsilon=max(privacy.epsilon, 1.0))

    def make() -> TableSynthesizer:
        made: TableSynthesizer = kind(privacy=eased, **SMALL[name])
        return made

    typer.echo(f"Trying fits on {len(some)} rows of {data.name} …", err=True)
    findings = [*audit_fit(make, some, schema), *audit_contents(make, some, schema)]
    if descent is None:
        return AuditReport(findings=tuple(findings), proved=proved, delta=delta)
    typer.echo("Releasing canaries …", err=True)
    report = audit_descent(descent, proved, delta)
    return dataclasses.replace(report, findings=(*findings, *report.findings))


# -- a model --------------------------------------------------------------------------------------------------------


def _of_model(path: Path, strings: list[str]) -> AuditReport:
    from synthx.auditing import audit_descent, audit_saved, descent_of
    from synthx.models.registry import load
    from synthx_privacy.audit import AuditReport

    model = load(path)
    findings: list[Finding] = audit_saved(path, strings) if strings else []
    if model.ledger_ is None:
        typer.echo("The model was fitted without differential privacy: nothing bounds what it tells about one row.")
        _say_unsearched(strings)
        return AuditReport(findings=tuple(findings))
    ledger = model.ledger_
    for entry in ledger.entries:
        typer.echo(f"{'spent' if entry.spent else 'reserved'}  {entry.fit}: {entry.phase}  {entry.event}")
    delta = min(ledger.deltas.values(), default=1e-6)
    _say_unsearched(strings)
    descent = descent_of(ledger)
    if descent is None:
        return AuditReport(findings=tuple(findings), proved=ledger.epsilon(), delta=delta)
    report = audit_descent(descent, ledger.epsilon(), delta)
    return dataclasses.replace(report, findings=(*findings, *report.findings))


def _say_unsearched(strings: list[str]) -> None:
    if not strings:
        typer.echo("The file was not searched; --find TEXT looks for a text in it, such as a name of the table.")
