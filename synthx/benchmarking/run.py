"""Models × seeds on one table, a process each."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from synthx._files import check_output
from synthx.benchmarking.candidates import Candidate, Shape, fitting, parse_all
from synthx.benchmarking.job import Job, Stage, Status
from synthx.benchmarking.results import Results
from synthx.benchmarking.supervision import Ended, Moment, supervise, worker_command
from synthx.benchmarking.tables import Tables
from synthx.errors import DataError, ParameterError
from synthx.models.parameters import check_whole
from synthx.schema import Schema
from synthx.training import Progress, ProgressEvent

__all__ = ["benchmark"]

_LAST_SEED = 2**32 - 1
_TOLD_SHARE, _MOST_ROOM_MINUTES = 0.8, 2.0
"""What our models are told of the time limit: all but a fifth, or two minutes, for starting and sampling."""

_TOLD_FIGURES = ("trend", "features", "c2st")


def benchmark(
    frame: pd.DataFrame,
    *,
    target: str | None = None,
    schema: Schema | None = None,
    models: Iterable[str] | None = None,
    seeds: Iterable[int] = (0,),
    holdout: pd.DataFrame | float | None = None,
    max_minutes_each: float | None = None,
    rows: int | None = None,
    output: str | Path | None = None,
    resume: bool = True,
    force: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Run models beside each other on a table, each in a process of its own, and measure what they write.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        Real rows: all that there are, or, where `holdout` is a frame, those to learn from. Where the schema names an
        entity and some entity has several rows, they are sequences: models of sequences are run, and judged as such.
    target : str, optional
        The column that a model trained on synthetic rows is to predict; the schema's by default.
    schema : Schema, optional
        What the columns are; detected by default.
    models : iterable of str, optional
        Names of our models (``gan`` …, with ``+refine`` behind it for refined rows), of SDV's (``sdv-gaussian-copula``,
        ``sdv-ctgan``, ``sdv-copula-gan``, ``sdv-tvae``) and of the anchors (``independent``, ``bootstrap``). By default
        ours, SDV's copula and the anchors; SDV's neural models can take hours. Of sequences: ``sequence-vae``,
        ``sdv-par`` (hours, hence only if named) and anchors of the same names.
    seeds : iterable of int
        Each model runs once with each.
    holdout : DataFrame or float, optional
        Real rows that no model sees, or the share of `frame` to hold back; a fifth by default. All rows of an entity
        stay on one side.
    max_minutes_each : float, optional
        How long a run may take, from the start of its process to its last row; then it is killed. Our models are told,
        and stop in time.
    rows : int, optional
        Rows that each model writes, of sequences the number of entities; as many as it learns from by default.
    output : str or Path, optional
        A CSV file that is rewritten after every run.
    resume : bool
        Keep the runs that `output` already holds, and do not repeat them.
    force : bool
        Begin `output` anew if it exists.
    progress : callable, optional
        Is told how far each run has come.

    Returns
    -------
    Results
        With the earlier runs in `output`.

    Raises
    ------
    ParameterError
        If a model, a seed, a share or a limit is not one, or a model cannot learn what the table holds.
    DataError
        If a table cannot be used, or `output` holds figures of other data.
    OutputError
        If `output` cannot be written, or exists and neither `resume` nor `force` is set.
    """
    named, seeds = None if models is None else parse_all(models), list(seeds)
    _plan(named or (), seeds, max_minutes_each)  # what is wrong with them is said before the table is looked at
    path = None if output is None else check_output(output, force=force or resume)
    tables = Tables.make(frame, target=target, schema=schema, holdout=holdout, rows=rows)
    candidates = fitting(named, Shape.SEQUENCES if tables.sequences else Shape.TABLE)
    plan = dataclasses.replace(
        _plan(candidates, seeds, max_minutes_each),
        rows=tables.rows,
        sequences=tables.sequences,
        fingerprint=tables.fingerprint,
    )
    if path is None or force or not path.exists():
        results = Results.of([], sequences=plan.sequences)
    else:
        results = _earlier(path, plan.fingerprint)
    todo = [(who, seed) for who, seed in plan.runs if not results.stands(who, seed, plan.limit_minutes)]
    if not todo:
        return results
    with tempfile.TemporaryDirectory(prefix="synthx-benchmark-") as name:  # nobody else may read it
        tables.write(Path(name))
        for number, (candidate, seed) in enumerate(todo):
            reporter = _Reporter(progress, f"{number + 1} of {len(todo)}: {candidate.name}, seed {seed}", plan)
            ended = _run(candidate, seed, plan, Path(name) / f"run-{number}", reporter)
            results = results.replaced(_row(candidate, seed, plan, ended))
            if path is not None:
                results.to_csv(path, force=True)
            reporter.done(ended)
    return results


# -- plans ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Plan:
    runs: tuple[tuple[Candidate, int], ...]
    limit_minutes: float | None
    rows: int = 0
    sequences: bool = False
    fingerprint: str = ""

    @property
    def told_minutes(self) -> float | None:
        limit = self.limit_minutes
        return None if limit is None else max(_TOLD_SHARE * limit, limit - _MOST_ROOM_MINUTES)

    @property
    def limit_seconds(self) -> float | None:
        return None if self.limit_minutes is None else 60.0 * self.limit_minutes


def _plan(candidates: tuple[Candidate, ...], seeds: Iterable[int], limit_minutes: float | None) -> _Plan:
    """Order the runs: all models with the first seed, then all with the next."""
    wanted = list(seeds)
    for seed in wanted:
        check_whole("seed", seed, 0)
        if seed > _LAST_SEED or wanted.count(seed) > 1:
            remedy = f"give different whole numbers up to {_LAST_SEED}"
            raise ParameterError(f"seed {seed} is too large or given twice", remedy=remedy)
    if not wanted:
        raise ParameterError("there is no seed", remedy="give one, such as 0")
    if limit_minutes is not None and not 0 < limit_minutes < math.inf:
        raise ParameterError(
            f"the time limit is {limit_minutes!r} minutes", remedy="give a positive number of minutes, or none"
        )
    return _Plan(tuple((candidate, seed) for seed in wanted for candidate in candidates), limit_minutes)


def _earlier(path: Path, fingerprint: str) -> Results:
    results = Results.from_csv(path)
    if not results.frame["fingerprint"].eq(fingerprint).all():
        raise DataError(
            f"the file {str(path)!r} holds figures of another table, target, holdout or number of rows",
            remedy="write to another file, or begin this one anew by --force (in Python, force=True)",
        )
    return results


# -- runs -------------------------------------------------------------------------------------------------------


def _run(candidate: Candidate, seed: int, plan: _Plan, folder: Path, reporter: _Reporter) -> Ended:
    folder.mkdir()
    told = plan.told_minutes
    Job(model=candidate.name, seed=seed, rows=plan.rows, max_minutes=told, sequences=plan.sequences).write(folder)
    return supervise(worker_command(folder), folder, limit_seconds=plan.limit_seconds, report=reporter.look)


def _row(candidate: Candidate, seed: int, plan: _Plan, ended: Ended) -> dict[str, Any]:
    return {
        "model": candidate.name,
        "seed": seed,
        "status": str(ended.status),
        "reason": ended.reason or None,
        **ended.figures,
        "limit_minutes": plan.limit_minutes,
        "fingerprint": plan.fingerprint,
    }


class _Reporter:
    """Turns what is known of a run into progress."""

    def __init__(self, progress: Progress | None, title: str, plan: _Plan) -> None:
        self._progress, self._title, self._limit = progress, title, plan.limit_seconds
        self._fraction, self._seconds, self._said = 0.0, 0.0, -math.inf
        self._stage: Stage | None = None

    def look(self, moment: Moment) -> None:
        """Report a running run: at every new stage, and once a second."""
        self._seconds = moment.seconds
        if moment.message.stage is self._stage and moment.seconds - self._said < 1:
            return
        self._stage, self._said = moment.message.stage, moment.seconds
        of_limit = 0.0 if self._limit is None else moment.seconds / self._limit
        share = 1.0 if self._stage is Stage.SCORING else max(moment.message.fraction, of_limit)
        self._fraction = max(self._fraction, 0.9 * min(share, 1.0))  # a fit of several stages must not run backwards
        detail = moment.message.detail
        self._tell(f"{self._stage}{', ' if detail else ''}{detail}")

    def done(self, ended: Ended) -> None:
        """Report how a run ended, with its figures."""
        self._fraction = 1.0
        if ended.status is not Status.OK:
            self._tell(f"{ended.status} ({ended.reason})")
            return
        found = ended.figures
        shown = [f"{name} {found[name]:.3f}" for name in _TOLD_FIGURES if found.get(name) is not None]
        self._tell(", ".join(["ok", *shown, f"fit {found['fit_seconds']:.1f} s"]))

    def _tell(self, message: str) -> None:
        if self._progress is not None:
            self._progress(ProgressEvent(self._title, self._fraction, message, self._seconds))
