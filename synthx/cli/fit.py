"""``synthx fit``: learn a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.privacy import DeltaOption, DomainOption, EpsilonOption, LedgerOption, UnitOption
from synthx.cli.progress import reporting
from synthx.cli.sequences import EntityOption, StaticOption, TimeOption
from synthx.cli.tables import LAST_SEED, DataArgument, MostRowsOption, QueryOption, TableOption
from synthx.errors import ParameterError, PrivacyError

if TYPE_CHECKING:
    from synthx.connectors import Source

__all__ = ["fit"]


def fit(
    data: DataArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="MODEL", help="Write the model to this file.")],
    model: Annotated[
        str,
        typer.Option(metavar="auto|ar|gan|vae|mst|sequence-vae", help="The kind of model; auto says why."),
    ] = "auto",
    schema: Annotated[
        Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote; by default detected.")
    ] = None,
    table: TableOption = None,
    query: QueryOption = None,
    most_rows: MostRowsOption = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    entity: EntityOption = None,
    time: TimeOption = None,
    static: StaticOption = None,
    window: Annotated[
        int | None, typer.Option(min=1, metavar="STEPS", help="Cut DATA, one long series, into overlapping windows.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Take at most this long; by default until nothing is gained.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same model on a CPU.")
    ] = 0,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")] = "auto",
    batch_size: Annotated[
        int | None, typer.Option(min=1, metavar="ROWS", help="Rows a training step; fewer need less memory.")
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Learn which drawn rows to accept: more faithful rows, drawn more slowly.")
    ] = False,
    epsilon: EpsilonOption = None,
    delta: DeltaOption = None,
    unit: UnitOption = None,
    domain_share: DomainOption = None,
    ledger: LedgerOption = None,
    horizon: Annotated[
        int | None, typer.Option(min=2, metavar="STEPS", help="The most steps of an entity, of a private fit.")
    ] = None,
    split: Annotated[
        Path | None, typer.Option(metavar="FILE", help="How `synthx split` made DATA, to be kept with the model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace MODEL if it exists.")] = False,
) -> None:
    """Learn a table, or a set of sequences, and save the model. Ctrl-C keeps the best so far.

    \b
    Examples:
      synthx fit people.csv -o people.synthx --schema schema.json --minutes 5
      synthx fit visits.csv -o visits.synthx --static patients.csv --entity patient --time day
      synthx fit env:CLINIC_URL --query "SELECT * FROM patients WHERE year > 2020" -o patients.synthx
      synthx fit people.csv -o private.synthx --schema declared.json --epsilon 1
    """
    from synthx._files import check_output
    from synthx.cli.privacy import privacy_of, spent
    from synthx.cli.sequences import read_long
    from synthx.cli.tables import check_classes, check_minutes, not_learned, perhaps_keys
    from synthx.connectors import Source
    from synthx.models.choice import choose
    from synthx.models.registry import model_class
    from synthx.provenance import SplitRecord

    check_minutes("--minutes", minutes)
    _check_name(output)
    check_output(output, force=force)
    made = None if split is None else SplitRecord.from_json(split)
    source = Source(data, table, query, most_rows, seed)
    if epsilon is not None:
        _check_bookable(source, ledger)
    privacy = privacy_of(
        Path(data),
        epsilon=epsilon,
        delta=delta,
        unit=unit,
        domain_share=domain_share,
        ledger=ledger,
        schema=schema,
        horizon=horizon,
    )
    if privacy is not None and window is not None:
        raise ParameterError(
            "--window is given beside --epsilon, and to hide one of many windows that overlap hides nobody",
            remedy="name whom to protect with --unit, in data of several entities",
        )
    settings: dict[str, Any] = {
        "max_minutes": minutes,
        "seed": seed,
        "device": device,
        "refine": refine or None,
        "batch_size": batch_size,
        "privacy": privacy,
        "horizon": horizon,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    if refine and model == "sequence-vae":
        raise ParameterError("--refine is given, but sequences are not refined", remedy="leave it out")
    chosen = None if model == "auto" else model_class(model)(**settings)
    frame, known = read_long(
        source, schema, target, entity=entity, time=time, static=static, window=window, strict=privacy is None
    )
    if privacy is None:
        check_classes(frame, known)
        if made is not None:
            made.check_rows(len(frame))
    if chosen is None:
        choice = choose(frame, known, **settings)
        chosen = choice.model
        typer.echo(choice.reason, err=True)
    with reporting() as report:
        chosen.fit(frame, known, progress=lambda event: report(event.stage, event.fraction, event.message))
    chosen.split_ = made
    chosen.save(output, force=force)
    for sentence in (*not_learned(known), *perhaps_keys(known)) if schema is None else ():
        typer.echo(sentence)
    if window is not None:
        typer.echo(
            f"The series was cut into windows of {window} steps that overlap: what is kept of a value is shared by"
            " windows, not by people, so nothing follows for the privacy of a single step."
        )
    typer.echo(chosen.training_.describe())
    if privacy is not None:
        typer.echo(spent(privacy, chosen.ledger))
    typer.echo(f"Written to {output}.")


def _check_bookable(source: Source, ledger: Path | None) -> None:
    """Refuse to read data privately that no ledger lies beside, or of which some rows are left out."""
    if ledger is None and not source.is_plain_file:
        raise ParameterError(
            "--epsilon is given without --ledger, and DATA is no file that a ledger could lie beside",
            remedy="name the file where spending on this data is booked with --ledger",
        )
    if source.most_rows is not None:
        raise PrivacyError(
            "--most-rows is given beside --epsilon, and whom it leaves out depends on who else is in the data",
            remedy="leave it out",
        )


def _check_name(output: Path) -> None:
    """Refuse to write the model to what may be the table of another fit."""
    from synthx.io import SUFFIXES

    if output.name.endswith(SUFFIXES):
        raise ParameterError(
            f"the model is to be written to {str(output)!r}, whose name is that of a table",
            remedy="end its name in .synthx",
        )
