"""``synthx report``: the document that goes with a synthetic table; and its keys, signatures and verification."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthx.cli.progress import reporting
from synthx.cli.report_inputs import (
    Tables,
    brief_of,
    check_columns,
    check_exclusive,
    further_measures,
    model_facts,
)
from synthx.cli.sequences import EntityOption, StaticOption, TimeOption
from synthx.cli.tables import LAST_SEED
from synthx.errors import ParameterError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from synthx.schema import Schema
    from synthx_evaluation import Measure
    from synthx_evaluation.report.record import Report

__all__ = ["report"]

report = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

DEFAULT_PACK = "gdpr"


@report.callback(invoke_without_command=True)
def make(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("-o", "--out", metavar="DIR", help="The folder to write.")] = None,
    train: Annotated[Path | None, typer.Option(metavar="T", help="The table that the model learned.")] = None,
    holdout: Annotated[Path | None, typer.Option(metavar="H", help="Real rows that the model never saw.")] = None,
    synthetic: Annotated[Path | None, typer.Option(metavar="S", help="The rows that it wrote.")] = None,
    scorecard: Annotated[
        Path | None, typer.Option(metavar="CARD", help="What `synthx evaluate --json` wrote, in the place of tables.")
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="What `synthx attack` or `synthx balance --report` wrote; may be repeated."),
    ] = None,
    model: Annotated[Path | None, typer.Option(metavar="MODEL", help="The file of the model.")] = None,
    pack: Annotated[
        str, typer.Option(metavar="PACKS", help="Rule packs to judge by, with commas: shipped ones, or .yaml files.")
    ] = DEFAULT_PACK,
    schema: Annotated[Path | None, typer.Option(metavar="SCHEMA", help="What `synthx detect` wrote.")] = None,
    entity: EntityOption = None,
    time: TimeOption = None,
    train_static: StaticOption = None,
    synthetic_static: StaticOption = None,
    holdout_static: StaticOption = None,
    target: Annotated[str | None, typer.Option(metavar="COL", help="The column to be predicted.")] = None,
    protected: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="A protected attribute, e.g. sex; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="Of the evaluation.")] = 0,
    brief: Annotated[
        Path | None,
        typer.Option(metavar="YAML", help="What people say: purpose, recipients, classes of columns, controls …"),
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Of the synthetic data set.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="TEXT", help="Who answers for it.")] = None,
    purpose: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    recipients: Annotated[str | None, typer.Option(metavar="TEXT", help="Who is to have it.")] = None,
    date: Annotated[str | None, typer.Option(metavar="DAY", help="Of the report, e.g. 2026-01-31.")] = None,
    valid_until: Annotated[str | None, typer.Option(metavar="DAY", help="After it, judge anew.")] = None,
    benchmark: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Results of `synthx benchmark`: the candidates are counted.")
    ] = None,
    profile: Annotated[
        str, typer.Option(metavar="WHO", help="internal, or shareable: rounded harder, no level of a column named.")
    ] = "internal",
    smallest_cell: Annotated[int, typer.Option(min=1, metavar="K", help="Counts below it are suppressed.")] = 10,
    fingerprint_key: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Add keyed fingerprints of the tables' files.")
    ] = None,
    sign_key: Annotated[list[Path] | None, typer.Option(metavar="KEY", help="Sign; may be repeated.")] = None,
    pdf: Annotated[
        bool,
        typer.Option(
            "--pdf/--no-pdf",
            show_default=False,
            help="Whether to write a PDF, which takes longest; by default where the extra pdf is installed.",
        ),
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a report in DIR.")] = False,
) -> None:
    """Write the report of a synthetic table; sign and verify it.

    It is a page, JSON, a PDF if the extra is there, and cards, all or nothing.

    \b
    Examples:
      synthx report --train train.csv --holdout test.csv --synthetic synthetic.csv --model model.synthx \\
        --pack gdpr,hipaa --brief brief.yaml --date 2026-01-31 --valid-until 2027-01-31 -o report
      synthx report --scorecard card.json -o report
      synthx report keygen dpo
      synthx report sign report --key dpo.key
      synthx report verify report --key dpo.pub
    """
    if context.invoked_subcommand is not None:
        return
    if output is None:
        raise ParameterError("no folder is named", remedy="name one by -o DIR")
    tables = Tables(
        train=train, holdout=holdout, synthetic=synthetic, schema=schema, entity=entity, time=time,
        train_static=train_static, holdout_static=holdout_static, synthetic_static=synthetic_static,
        target=target, protected=tuple(protected or ()), seed=seed,
    )  # fmt: skip
    check_exclusive(tables, scorecard, fingerprint_key)
    if profile not in ("internal", "shareable"):
        raise ParameterError(f"there is no profile {profile!r}", remedy="choose internal or shareable")
    said = {"title": title, "owner": owner, "purpose": purpose, "recipients": recipients}

    from synthx._folders import check_folder
    from synthx_evaluation.report.assemble import assemble
    from synthx_evaluation.report.criteria.rules import load_pack
    from synthx_evaluation.report.pages.documents import FILES
    from synthx_evaluation.report.parts import Profile
    from synthx_evaluation.report.sealing.fingerprints import fingerprints_of
    from synthx_evaluation.report.sealing.signature import read_private_key

    # Whatever can be wrong is said before the tables are read.
    check_folder(output, ours=FILES, force=force)
    keys = [read_private_key(path) for path in sign_key or ()]
    people_say = brief_of(brief, benchmark, **said, date=date, valid_until=valid_until)
    facts = None if model is None else model_facts(model)
    assembled = functools.partial(
        assemble,
        brief=people_say,
        packs=[load_pack(name.strip()) for name in pack.split(",") if name.strip()],
        model=facts,
        profile=Profile(profile),
        smallest_cell=smallest_cell,
        fingerprints=() if fingerprint_key is None else fingerprints_of(tables.files(), fingerprint_key),
        command=tables.command(scorecard, model=model, pack=pack, profile=profile, smallest_cell=smallest_cell),
    )
    more = further_measures(add or ())
    check = functools.partial(check_columns, brief=people_say, model=facts)
    _write(output, tables, scorecard, more, check, assembled, keys=keys, pdf=pdf, force=force)


def _write(
    output: Path,
    tables: Tables,
    scorecard: Path | None,
    more: Sequence[Measure],
    check: Callable[[Collection[str], Schema | None], None],
    assembled: Callable[..., Report],
    *,
    keys: Sequence[Ed25519PrivateKey],
    pdf: bool,
    force: bool,
) -> None:
    """Measure, assemble and write; say what was found."""
    from synthx._folders import replacing_folder
    from synthx_evaluation.report.pages.documents import FILES, can_write_pdf, write_documents

    able = can_write_pdf()
    with reporting() as progress:
        card, schema = tables.card(scorecard, lambda stage: progress(stage, 0.0, ""), check)
        made = assembled(card.with_measures(more), schema=schema)
        with replacing_folder(output, ours=FILES, force=force) as draft:
            write_documents(
                made,
                draft,
                keys=keys,
                pdf=pdf and able,
                released=tables.synthetic,
                progress=lambda name: progress("writing", 0.0, name),
            )
    typer.echo(made.summary.headline)
    typer.echo(f"Written to {output}; SHA-256 of the report: {made.sha256}.")
    if pdf and not able:
        typer.echo("No PDF was written: pip install 'synthx-data[pdf]', or print report.html.")


@report.command()
def verify(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The folder of a report, or any file of it.")],
    key: Annotated[
        Path | None, typer.Option(metavar="PUBLIC", help="The public key of whoever should have signed.")
    ] = None,
) -> None:
    """Say whether anything was altered since a report was written; the exit status is 2 if so.

    \b
    Examples:
      synthx report verify report --key dpo.pub
      synthx report verify report/report.pdf
    """
    from synthx_evaluation.report.sealing.seal import verify as verified
    from synthx_evaluation.report.sealing.signature import read_public_key

    found = verified(path, None if key is None else read_public_key(key))
    for one in found:
        typer.echo(f"Not altered: {one.path} (SHA-256 {one.sha256})")
    signers = found[0].signers
    if key is not None:
        typer.echo(f"Signed by the holder of {key}.")
    elif signers:
        typer.echo(
            f"Signed with the public {'key' if len(signers) == 1 else 'keys'} {', '.join(signers)}; "
            "give --key to check that it is the one you know."
        )
    else:
        typer.echo(
            "Not signed: whoever alters it on purpose can write a new hash. Compare the hash with one that you were"
            " given by another way."
        )


@report.command()
def sign(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a report.")],
    key: Annotated[Path, typer.Option(metavar="KEY", help="The signing key.")],
) -> None:
    """Add a signature to a report, once it is found unaltered; several people may sign.

    \b
    Example:
      synthx report sign report --key dpo.key
    """
    from synthx._folders import replacing_folder
    from synthx_evaluation.report.pages.documents import FILES
    from synthx_evaluation.report.sealing.seal import signed
    from synthx_evaluation.report.sealing.seal import verify as verified
    from synthx_evaluation.report.sealing.signature import read_private_key

    signer = read_private_key(key)
    if not folder.is_dir():
        raise ParameterError(f"{str(folder)!r} is no folder", remedy="give the folder that `synthx report` wrote")
    files = [Path(one.path) for one in verified(folder)]
    with replacing_folder(folder, ours=FILES, force=True) as draft:
        for file in files:
            (draft / file.name).write_bytes(signed(file.read_bytes(), [signer]))
    typer.echo(f"Signed {folder}.")


@report.command()
def keygen(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="NAME.key is to be kept secret, NAME.pub to be given out.")
    ],
    fingerprint: Annotated[
        bool, typer.Option("--fingerprint", help="A key for fingerprints in the place of one for signatures.")
    ] = False,
) -> None:
    """Make a key to sign reports with, or to make fingerprints of tables with.

    \b
    Examples:
      synthx report keygen dpo
      synthx report keygen tables --fingerprint
    """
    from synthx_evaluation.report.sealing.signature import write_keys, write_secret

    private, public = Path(f"{name}.key"), Path(f"{name}.pub")
    if fingerprint:
        write_secret(private)
        typer.echo(f"Written: {private}. Keep it; without it no fingerprint can be checked.")
        return
    text = write_keys(private, public)
    typer.echo(f"Written: {private}, to be kept secret, and {public}, to be given out: {text}")
