"""The report put together: a scorecard, what the model file tells, and what people say, as one record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.record import Status
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.criteria.facts import facts_of
from synthx_evaluation.report.criteria.rules import Pack
from synthx_evaluation.report.criteria.verdicts import judge
from synthx_evaluation.report.exhibits import exhibits
from synthx_evaluation.report.limits import limits
from synthx_evaluation.report.model import ModelFacts, generator, ledger_summary
from synthx_evaluation.report.record import (
    ColumnEntry,
    Criterion,
    Finding,
    Fingerprint,
    Header,
    Profile,
    Report,
    Reproduction,
    Scope,
    Selection,
    Source,
    Summary,
    Verdict,
)
from synthx_evaluation.report.rows import sections
from synthx_evaluation.report.summary import summarize
from synthx_evaluation.report.suppression import SMALLEST_CELL, Disclosure
from synthx_evaluation.report.texts import attackers, glossary, limit_text, method, signers
from synthx_evaluation.scorecard import Scorecard

__all__ = ["assemble"]

_TREATMENT = {
    Kind.IDENTIFIER: "replaced by fresh keys",
    Kind.PERSONAL: "replaced by fakes",
    Kind.TEXT: "left missing",
    Kind.CONSTANT: "the same in every row",
}


def assemble(
    card: Scorecard,
    *,
    brief: Brief | None = None,
    schema: Schema | None = None,
    model: ModelFacts | None = None,
    packs: Iterable[Pack] = (),
    profile: Profile = Profile.INTERNAL,
    smallest_cell: int = SMALLEST_CELL,
    fingerprints: Iterable[Fingerprint] = (),
    command: str = "",
    short: bool = False,
) -> Report:
    """Return the report of one synthetic table.

    Parameters
    ----------
    card : Scorecard
        What was measured.
    brief : Brief, optional
        What people say of purpose, recipients, dates and controls.
    schema : Schema, optional
        What the columns are; by default the kinds that the scorecard noted, without roles or declared domains.
    model : ModelFacts, optional
        What the model file tells.
    packs : iterable of Pack
        Rule packs to judge by (`synthx_evaluation.report.criteria.rules.load_pack`).
    profile : Profile
        Who may read it: a shareable report has harder rounding and names no level that is not declared public.
    smallest_cell : int
        k; counts below it are suppressed.
    fingerprints : iterable of Fingerprint
        Keyed digests of the tables.
    command : str
        What gives the same figures again.
    short : bool
        Whether it is the short form, which leaves out what nobody was asked for.

    Raises
    ------
    ParameterError
        If `smallest_cell` is below 1.
    """
    brief = Brief() if brief is None else brief
    disclosure = _disclosure(card, schema, model, profile, smallest_cell)
    measured = sections(card, disclosure)
    draft = Report(
        profile=profile,
        smallest_cell=smallest_cell,
        short=short,
        header=_header(card, brief),
        summary=_blank(),
        scope=Scope(purpose=brief.purpose, recipients=brief.recipients, out_of_scope=brief.out_of_scope),
        attackers=attackers({measure.id for measure in card if measure.status is Status.COMPUTED}),
        source=_source(card.context, schema, brief, disclosure),
        generator=generator(model, disclosure),
        ledger=ledger_summary(model, disclosure),
        selection=_selection(brief),
        findings=(),
        privacy=measured["privacy"],
        fidelity=measured["fidelity"],
        utility=measured["utility"],
        augmentation=measured["augmentation"],
        bias=measured["bias"],
        exhibits=exhibits(card, measured, disclosure),
        limits=limits(card, brief, disclosure, known=model is not None),
        controls=brief.controls,
        sign_off=brief.sign_off or signers(),
        methods=tuple(method(measure.id, measure.title) for measure in card),
        reproduction=Reproduction(
            command=command,
            seeds={"evaluation": int(card.context.get("seed", 0)), **_model_seed(model)},
            versions=dict(card.context.get("versions", {})),
        ),
        fingerprints=tuple(fingerprints),
        glossary=glossary(),
        index=(),
    )
    return _judged(draft, card, packs, disclosure)


def _judged(draft: Report, card: Scorecard, packs: Iterable[Pack], disclosure: Disclosure) -> Report:
    """Return the report with its findings and what follows from them: the index and the first page."""
    facts = facts_of(draft)
    findings = tuple(
        _shown(finding, disclosure) for pack in packs for finding in judge(pack, card, facts, digits=disclosure.digits)
    )
    index = tuple(
        Criterion(pack=one.pack, criterion=one.criterion, verdict=one.verdict, evidence=one.evidence)
        for one in findings
    )
    judged = draft.model_copy(update={"findings": findings, "index": index})
    return judged.model_copy(update={"summary": summarize(judged)})


def _shown(finding: Finding, disclosure: Disclosure) -> Finding:
    """Return a finding whose sentences, which quote the reasons of measures, hold no cell and no small count."""
    said = {"reading": disclosure.sentence(finding.reading), "needed": disclosure.sentence(finding.needed)}
    return finding.model_copy(update=said)


def _disclosure(
    card: Scorecard, schema: Schema | None, model: ModelFacts | None, profile: Profile, smallest_cell: int
) -> Disclosure:
    context = card.context
    declared = set() if schema is None else {column.name for column in schema if column.levels is not None}
    names = {*context.get("columns", {}), *context.get("left_out", {}), *context.get("entity", ())}
    return Disclosure(
        profile=profile,
        smallest_cell=smallest_cell,
        columns=frozenset(names if schema is None else {*names, *schema.names}),
        public=frozenset(declared | (set() if model is None else model.declared)),
        private=model is not None and model.ledger is not None,
    )


def _header(card: Scorecard, brief: Brief) -> Header:
    version = card.context.get("versions", {}).get("synthx-data", "")
    return Header(
        title=brief.title or "Synthetic data set",
        owner=brief.owner,
        date=brief.date,
        valid_until=brief.valid_until,
        software=f"synthx {version}".strip(),
    )


def _blank() -> Summary:
    return Summary(headline="", verdict=Verdict.FOR_A_PERSON, counts={}, may=(), may_not=(), until="")


# -- the tables ---------------------------------------------------------------------------------------------------


def _source(context: Mapping[str, Any], schema: Schema | None, brief: Brief, disclosure: Disclosure) -> Source:
    time = None if schema is None else schema.time
    return Source(
        rows={table: disclosure.count(count) for table, count in context.get("rows", {}).items()},
        reference=context.get("reference", "train"),
        target=context.get("target"),
        protected=tuple(context.get("protected", ())),
        entity=tuple(context.get("entity", ()) if schema is None else schema.entity),
        time=None if time is None else time.name,
        columns=_inventory(context, schema, brief),
    )


def _inventory(context: Mapping[str, Any], schema: Schema | None, brief: Brief) -> tuple[ColumnEntry, ...]:
    if schema is None:
        kinds = {**context.get("columns", {}), **context.get("left_out", {})}
        columns: Sequence[Column] = [Column(name=name, kind=Kind(kind)) for name, kind in kinds.items()]
    else:
        columns = schema.columns
    return tuple(_entry(column, context, brief, known=schema is not None) for column in columns)


def _entry(column: Column, context: Mapping[str, Any], brief: Brief, *, known: bool) -> ColumnEntry:
    """Return one line of the inventory: never a bound or a level."""
    role = "" if column.role is None else str(column.role)
    if column.name == context.get("target"):
        role = "target"
    elif column.name in context.get("protected", ()):
        role = "protected"
    declared = column.levels is not None or column.lower is not None or column.upper is not None
    return ColumnEntry(
        name=column.name,
        kind=str(column.kind),
        role=role,
        disclosure=brief.columns.get(column.name, _class_of(column, role)),
        treatment=_TREATMENT.get(column.kind, "fresh keys" if role == "entity" else "learned"),
        nullable=column.nullable if known else None,
        declared_domain=declared if known else None,
    )


def _class_of(column: Column, role: str) -> str:
    """Return the class that the kind or role alone gives away; people classify the rest."""
    if column.kind in (Kind.IDENTIFIER, Kind.PERSONAL) or role == "entity":
        return "direct identifier"
    return "sensitive" if role == "protected" else "not classified"


# -- the making ----------------------------------------------------------------------------------------------------


def _model_seed(model: ModelFacts | None) -> dict[str, int]:
    seed = None if model is None else model.settings.get("seed")
    return {"generator": seed} if isinstance(seed, int) else {}


def _selection(brief: Brief) -> Selection:
    made, scored = brief.candidates_made, brief.candidates_scored
    if made is None:
        return Selection(reading=limit_text("LIM-SELECTION"))
    chosen = "It is the only one that was made." if made == 1 else f"It was chosen among {made:,} that were made."
    looked = "" if scored is None else f" {scored:,} of them were scored on real rows."
    return Selection(made=made, scored=scored, source=brief.candidates_source, reading=chosen + looked)
