"""What ``synthx report`` is given, read: tables or a scorecard, the model file, and what people say."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthx.errors import DataError, ParameterError

if TYPE_CHECKING:
    from synthx.schema import Schema
    from synthx_evaluation import Measure, Scorecard
    from synthx_evaluation.report.brief import Brief
    from synthx_evaluation.report.model import ModelFacts

__all__ = ["Tables", "brief_of", "check_columns", "check_exclusive", "further_measures", "model_facts"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of an evaluation, as options name them."""

    train: Path | None
    holdout: Path | None
    synthetic: Path | None
    schema: Path | None
    entity: list[str] | None
    time: str | None
    train_static: Path | None
    holdout_static: Path | None
    synthetic_static: Path | None
    target: str | None
    protected: tuple[str, ...]
    seed: int

    def files(self) -> dict[str, Path]:
        """Return the files of the tables that are given, by name."""
        names = ("train", "holdout", "synthetic", "train_static", "holdout_static", "synthetic_static")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def card(
        self,
        scorecard: Path | None,
        progress: Callable[[str], None],
        check: Callable[[Collection[str], Schema | None], None],
    ) -> tuple[Scorecard, Schema | None]:
        """Return the scorecard, read or measured, and the schema if there is one, once `check` found them to fit."""
        from synthx.schema import Schema
        from synthx_evaluation import Scorecard

        if scorecard is not None:
            card = Scorecard.from_json(scorecard)
            schema = None if self.schema is None else Schema.from_json(self.schema)
            check([*card.context.get("columns", ()), *card.context.get("left_out", ())], schema)
            return card, schema
        return self._measured(progress, check)

    def _measured(
        self, progress: Callable[[str], None], check: Callable[[Collection[str], Schema | None], None]
    ) -> tuple[Scorecard, Schema]:
        from synthx.cli.sequences import read_as, read_long
        from synthx.cli.tables import check_classes
        from synthx_evaluation import evaluate

        assert self.train is not None and self.synthetic is not None  # `check_exclusive` saw to it
        frame, known = read_long(
            self.train, self.schema, self.target, entity=self.entity, time=self.time, static=self.train_static
        )
        check_classes(frame, known)
        check(known.names, known)
        made = read_as(self.synthetic, self.synthetic_static, known)
        held = None if self.holdout is None else read_as(self.holdout, self.holdout_static, known)
        card = evaluate(
            made,
            train=frame,
            holdout=held,
            schema=known,
            target=self.target,
            protected=self.protected,
            seed=self.seed,
            progress=progress,
        )
        return card, known

    def command(self, scorecard: Path | None, **others: Any) -> str:
        """Return the command line that gives the same figures, with names of files and no folders."""
        options: dict[str, Any] = {"scorecard": scorecard, "schema": self.schema}
        if scorecard is None:
            options |= {**self.files(), "entity": self.entity, "time": self.time, "target": self.target}
            options |= {"protected": list(self.protected), "seed": self.seed}
        words = ["synthx", "report"]
        for name, value in {**options, **others, "out": "report"}.items():
            for item in value if isinstance(value, list) else [value]:
                if item is not None:
                    words += _option(name, item)
        return shlex.join(words)


def _option(name: str, value: Any) -> list[str]:
    return [f"--{name.replace('_', '-')}", value.name if isinstance(value, Path) else str(value)]


def check_exclusive(tables: Tables, scorecard: Path | None, fingerprint_key: Path | None) -> None:
    """Raise unless there are tables to measure, or a scorecard in their place.

    Raises
    ------
    ParameterError
        If both or neither are given; tables beside a scorecard are for fingerprints only.
    """
    if scorecard is None and (tables.train is None or tables.synthetic is None):
        raise ParameterError(
            "there is nothing to report on", remedy="give --train and --synthetic (and --holdout), or --scorecard"
        )
    if scorecard is not None and tables.files() and fingerprint_key is None:
        raise ParameterError(
            "a scorecard is given, and tables too",
            remedy="leave one of them out, or add --fingerprint-key for the tables",
        )
    if fingerprint_key is not None and not tables.files():
        raise ParameterError("--fingerprint-key is given without a table", remedy="add --train, --holdout, --synthetic")


def brief_of(path: Path | None, benchmark: Path | None, **said: str | None) -> Brief:
    """Return what people say: the file, with what options say in its place.

    Raises
    ------
    DataError, ParameterError
        If the file or an option cannot be used.
    """
    from synthx_evaluation.report.brief import Brief

    base = Brief() if path is None else Brief.read(path)
    given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if benchmark is not None:
        given |= _candidates(benchmark)
    return Brief.of({**base.model_dump(), **given}, origin="what was said on the command line")


def _candidates(path: Path) -> dict[str, Any]:
    """Return how many synthetic tables a benchmark made, and how many of them it scored on real rows."""
    from synthx.benchmarking.job import Status
    from synthx.benchmarking.results import Results

    try:
        frame = Results.from_csv(path).frame
    except DataError:  # which speaks of a file to be continued
        raise DataError(
            f"the results {str(path)!r} cannot be read", remedy="give the .csv file that `synthx benchmark` wrote"
        ) from None
    done = int((frame["status"] == str(Status.OK)).sum())
    return {
        "candidates_made": len(frame),
        "candidates_scored": done,
        "candidates_source": f"the benchmark's results {path.name}",
    }


def check_columns(measured: Collection[str], schema: Schema | None, *, brief: Brief, model: ModelFacts | None) -> None:
    """Raise if the model or the brief is of another table than the one that is measured.

    Raises
    ------
    ParameterError
        Naming a column that only one of them has.
    """
    learned = frozenset() if model is None else model.columns
    if learned:
        strange = next((name for name in measured if name not in learned), None)
        if strange is not None:
            raise ParameterError(
                f"the model was not fitted on the table that was measured: it knows no column {strange!r}",
                remedy="give the --model that wrote the synthetic rows",
            )
    known = {*learned, *(() if schema is None else schema.names)}
    strange = next((name for name in brief.columns if name not in known), None)
    if strange is not None and known:  # a scorecard alone does not tell of keys
        raise ParameterError(
            f"the brief speaks of column {strange!r}, which the table lacks",
            remedy="take it out of the brief's columns, or correct its name",
        )


def model_facts(path: Path) -> ModelFacts:
    """Return what a model file tells.

    Raises
    ------
    ArtifactError
        If there is no such file, or it is damaged, foreign or too new.
    """
    from synthx.artifact import read_artifact
    from synthx.models.registry import load
    from synthx_evaluation.report.model import ModelFacts

    model = load(path)
    settings = dict(model.get_params())
    privacy = settings.pop("privacy", None)
    if privacy is not None:
        settings["privacy"] = privacy.to_dict()
    training = model.training_.to_dict()
    if model.split_ is not None:
        training["split"] = model.split_.to_dict()
    return ModelFacts(
        name=type(model).__name__,
        settings=settings,
        training=training,
        versions=dict(read_artifact(path).versions),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        ledger=model.ledger_,
        declared=frozenset(column.name for column in model.schema_ if column.levels is not None),
        columns=frozenset(model.schema_.names),
    )


def further_measures(files: Sequence[Path]) -> list[Measure]:
    """Return the measures of further files: scorecards of ``synthx attack``, evidence of ``synthx balance``.

    Raises
    ------
    DataError
        If a file is neither.
    """
    from synthx_evaluation import Scorecard
    from synthx_evaluation.augmentation.evidence import Evidence
    from synthx_evaluation.augmentation.measures import measures_of

    found: list[Measure] = []
    for path in files:
        try:
            found += Scorecard.from_json(path).measures
        except DataError as error:
            try:
                found += measures_of(Evidence.from_json(path))
            except DataError:
                raise error from None
    return found
