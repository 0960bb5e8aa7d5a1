"""What came out of every fold, and what follows from it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthx.errors import DataError, OutputError
from synthx_evaluation.augmentation.arms import NOTHING
from synthx_evaluation.augmentation.contest import Contest, Field, contest
from synthx_evaluation.augmentation.curve import Curve
from synthx_evaluation.augmentation.scores import LOWER_IS_BETTER
from synthx_evaluation.augmentation.verdict import verdict
from synthx_evaluation.record import plain

__all__ = ["Evidence"]

FORMAT_VERSION = 1
_TABLES = {
    "scores": ["repeat", "fold", "learner", "family", "ratio", "score", "value"],
    "curve": ["repeat", "fold", "learner", "rare_rows", "value"],
    "attacks": ["repeat", "fold", "family", "attack", "value"],
}


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Evidence:
    """Whether balancing helped: figures of every fold, no row of the table.

    Parameters
    ----------
    scores : DataFrame
        One row a repeat, fold, learner, family of arms, ratio and score; `ratio` is empty where there is none.
    curve : DataFrame
        Average precision by the number of real rare rows learned from; one row a repeat, fold, learner and number.
    attacks : DataFrame
        How well rare training rows are told from others by what a family made (AUC); one row a repeat, fold, family
        and attack.
    absent : mapping
        Families that could not be tried, and why.
    context : mapping
        What was tried on what: counts, ratios, seed, versions, seconds; plain JSON values.
    """

    scores: pd.DataFrame
    curve: pd.DataFrame
    attacks: pd.DataFrame
    absent: Mapping[str, str]
    context: Mapping[str, Any]

    # -- what follows -------------------------------------------------------------------------------------------

    @property
    def learners(self) -> list[str]:
        return list(self.scores["learner"].unique())

    def field(self, learner: str, score: str = "average_precision") -> Field:
        """Return one score of all arms with one learner, fold by fold."""
        field = Field.of(self.scores, learner, score, float(self.context["test_share"]))
        return dataclasses.replace(field, values=-field.values) if score in LOWER_IS_BETTER else field

    def contests(self) -> list[Contest]:
        """Return how the arms fared, one contest a learner."""
        generators, rare = self.context["generators"], int(self.context["rare_learned"])
        return [
            contest(self.field(learner), learner, generators, self.learning_curve(learner), rare)
            for learner in self.learners
        ]

    def learning_curve(self, learner: str) -> Curve:
        """Return the mean average precision by the number of real rare rows."""
        means = self.curve[self.curve["learner"] == learner].groupby("rare_rows")["value"].mean()
        return Curve(means.index.to_numpy(dtype=np.float64), means.to_numpy(dtype=np.float64))

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        return verdict(self.contests())

    def to_frame(self) -> pd.DataFrame:
        """Return one row a learner, arm and score: the mean, and the difference to nothing with its 95% interval.

        A difference is above 0 where the arm is better, also where a lower score is.
        """
        rows = []
        for learner in self.learners:
            for score in self.scores["score"].unique():
                field, sign = self.field(learner, score), -1.0 if score in LOWER_IS_BETTER else 1.0
                nothing = field.values_of((NOTHING, ""))
                for (family, ratio), values in zip(field.arms, field.values, strict=True):
                    gap = field.difference(values, nothing)
                    about = {"learner": learner, "family": family, "ratio": ratio, "score": score}
                    better = {"gain": gap.mean, "gain_low": gap.low, "gain_high": gap.high}
                    rows.append({**about, "mean": sign * float(values.mean()), **better})
        return pd.DataFrame(rows)

    def to_text(self) -> str:
        """Return the verdict, and tables for people."""
        from synthx_evaluation.augmentation.text import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return self.to_text()

    # -- files --------------------------------------------------------------------------------------------------

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the evidence as strict JSON text (no NaN); write it to `path` where one is given.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        tables = {name: getattr(self, name)[columns].to_dict("split")["data"] for name, columns in _TABLES.items()}
        document = {"format": FORMAT_VERSION, "verdict": self.verdict, "context": plain(self.context)}
        document |= {"absent": plain(self.absent), **plain(tables)}
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        if path is not None:
            try:
                Path(path).write_text(text, encoding="utf-8")
            except OSError as error:
                raise OutputError(
                    f"the evidence cannot be written to {str(path)!r} ({error.strerror})",
                    remedy="choose a folder that exists and can be written to",
                ) from None
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> Evidence:
        """Read a file of `to_json`.

        Raises
        ------
        DataError
            If the file cannot be read, is no evidence, or is of a newer format.
        """
        remedy = "write one with `synthx balance --report`"
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError):
            raise DataError(f"the evidence {str(path)!r} cannot be read as JSON", remedy=remedy) from None
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise DataError(f"the file {str(path)!r} is no evidence about balancing", remedy=remedy)
        if document["format"] > FORMAT_VERSION:
            raise DataError(
                f"the evidence {str(path)!r} has format {document['format']}, this version reads {FORMAT_VERSION}",
                remedy="upgrade synthx",
            )
        try:
            tables = {name: pd.DataFrame(document[name], columns=columns) for name, columns in _TABLES.items()}
            return cls(**tables, absent=dict(document["absent"]), context=dict(document["context"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the evidence {str(path)!r} is damaged ({error})", remedy=remedy) from None
