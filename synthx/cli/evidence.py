"""The evidence of ``synthx balance --report``: what it is asked, and how far it has come."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.progress import Report, reporting
from synthx.errors import ParameterError, listed

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.tabular import TableSynthesizer
    from synthx.schema import Schema
    from synthx.training import ProgressEvent

__all__ = [
    "AlertCostOption",
    "AmountOption",
    "EntityColumnOption",
    "FoldsOption",
    "PositiveOption",
    "Question",
    "ReportOption",
    "TimeColumnOption",
    "WeightsOption",
    "write_evidence",
]

FOLDS = 5

ReportOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Try by cross-validation whether it helps, and write the figures: .json."),
]
TimeColumnOption = Annotated[
    str | None,
    typer.Option("--time", metavar="COL", help="With --report: test on rows after those learned from."),
]
EntityColumnOption = Annotated[
    str | None,
    typer.Option(
        "--entity",
        metavar="COL",
        help="Whom a row belongs to; not learned from, new rows get new keys. With --report: all rows of one are on"
        " one side of a split.",
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(metavar="COL", help="With --report: how many rows of the population a row stands for."),
]
AmountOption = Annotated[
    str | None, typer.Option(metavar="COL", help="With --report: what is lost if a row of the class is missed.")
]
AlertCostOption = Annotated[
    float | None,
    typer.Option(metavar="C", help="With --amount: what looking into one alert costs, in its unit; by default 5."),
]
PositiveOption = Annotated[
    str | None, typer.Option(metavar="LEVEL", help="With --report: the class in question; by default the rarest.")
]
FoldsOption = Annotated[
    int | None, typer.Option(min=2, metavar="N", help=f"With --report: how many splits; by default {FOLDS}.")
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the evidence is asked about a table.

    Parameters
    ----------
    target : str
        The column with the class.
    positive : str, optional
        The class in question, as it is written.
    time, entity, weights, amount : str, optional
        Columns; see `synthx_evaluation.augmentation.augment`.
    alert_cost : float, optional
    folds : int, optional
    """

    target: str
    positive: str | None = None
    time: str | None = None
    entity: str | None = None
    weights: str | None = None
    amount: str | None = None
    alert_cost: float | None = None
    folds: int | None = None

    def check(self, *, asked: bool) -> None:
        """Refuse options that would do nothing.

        Parameters
        ----------
        asked : bool
            Whether there is to be evidence.

        Raises
        ------
        ParameterError
        """
        only_here = ("positive", "time", "weights", "amount", "alert_cost", "folds")
        given = next((name for name in only_here if getattr(self, name) is not None), None)
        if given is not None and not asked:
            option = given.replace("_", "-")
            raise ParameterError(f"--{option} says how to try whether it helps", remedy="add --report FILE")
        if self.alert_cost is not None and (self.amount is None or not 0 <= self.alert_cost < float("inf")):
            raise ParameterError(
                f"--alert-cost is {self.alert_cost:g}{'' if self.amount else ', and no --amount is named'}",
                remedy="give a number from 0 and the column of what is lost, by --amount",
            )

    def level(self, labels: pd.Series[Any]) -> Any:
        """Return the class in question as it is in the table, None for the rarest.

        Raises
        ------
        ParameterError
            If no row is of it.
        """
        if self.positive is None:
            return None
        levels = labels.dropna().unique().tolist()
        written = {str(level): level for level in levels}
        written |= {f"{level:g}": level for level in levels if isinstance(level, float)}
        if self.positive not in written:
            raise ParameterError(
                f"--positive is {self.positive!r}, and no row of {self.target!r} is of this class",
                remedy=f"choose from {listed(levels, self.positive)}",
            )
        return written[self.positive]

    @property
    def not_learned(self) -> list[str]:
        """The columns that neither learners nor generators see."""
        return [name for name in (self.target, self.entity, self.time, self.weights) if name is not None]


def write_evidence(
    path: Path,
    frame: pd.DataFrame,
    schema: Schema | None,
    question: Question,
    model: TableSynthesizer,
    *,
    seed: int,
    force: bool,
) -> None:
    """Try whether balancing helps, say what came out, and write the figures.

    Raises
    ------
    DataError, ParameterError
        See `synthx_evaluation.augmentation.augment`.
    """
    from synthx._files import replacing
    from synthx.balance import learner
    from synthx_evaluation.augmentation import Budget, augment
    from synthx_evaluation.augmentation.learners import LEARNERS

    folds, name = question.folds or FOLDS, f"synthx-{model.name}"
    learned = [column for column in frame.columns if column not in question.not_learned]
    known = None if schema is None else schema.select(learned)
    limit = f", up to {model.max_minutes:.2g} minutes each" if model.max_minutes is not None else ""
    with reporting() as report:
        report("evidence", 0.0, f"the model is fitted {folds} times{limit}, learners some hundred times")
        said = _Steps(report, folds * (3 + len(LEARNERS)))  # encoding, SMOTE and the model, too
        evidence = augment(
            frame,
            target=question.target,
            generators={name: learner(model, schema=known, progress=said.learning)},
            positive=question.level(frame[question.target]),
            schema=known,
            entity=question.entity,
            time=question.time,
            weights=question.weights,
            amount=question.amount,
            folds=folds,
            seed=seed,
            budget=None if question.alert_cost is None else Budget(alert_cost=question.alert_cost),
            progress=said.next,
        )
        report("evidence", 1.0, "")
    typer.echo(evidence.to_text())
    with replacing(path, force=force) as draft:
        evidence.to_json(draft)
    typer.echo(f"Figures written to {path}.\n")


class _Steps:
    """Shows how far the evidence has come: a step after the other, and what a fit says within its step."""

    def __init__(self, report: Report, steps: int) -> None:
        self._report, self._steps = report, steps
        self._done, self._title = -1, ""

    def next(self, title: str) -> None:
        self._done, self._title = self._done + 1, title
        self._show(title)

    def learning(self, event: ProgressEvent) -> None:
        self._show(f"{self._title}, {event.stage} {event.fraction:.0%}")

    def _show(self, message: str) -> None:
        self._report("evidence", min(self._done / self._steps, 0.99), message)
