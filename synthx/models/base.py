"""The contract of every generator."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd

from synthx.errors import NotFittedError, UnsupportedError
from synthx.models.parameters import Parameters
from synthx.schema import Schema
from synthx.training import Progress, Stopped

if TYPE_CHECKING:
    from torch import Tensor

    from synthx.provenance import SplitRecord
    from synthx_privacy.ledger import Ledger

__all__ = ["BATCH_ROWS", "Refined", "Synthesizer", "Training"]

BATCH_ROWS = 16_384


@dataclasses.dataclass(frozen=True, slots=True)
class Refined:
    """What refinement found and costs.

    Parameters
    ----------
    acceptance : float
        The share of drawn rows that are accepted; 1 where refinement would gain nothing and is left out.
    effective : float
        The effective sample size of the drawn rows as weighted by their density ratios w, (sum w)^2 / (sum w^2), as a
        share of their number (Kish 1965).
    told_apart : float
        How well the classifier told held-out real rows from drawn ones: the area under the ROC curve, 0.5 for not at
        all.
    calibration_error : float
        The mean distance of predicted shares of real rows from the shares, over ten groups of held-out rows.
    """

    acceptance: float
    effective: float
    told_apart: float
    calibration_error: float

    def describe(self) -> str:
        """Return one sentence for people."""
        if self.acceptance == 1:
            return "Refinement would gain nothing and is left out: every drawn row is accepted."
        return (
            f"Refinement accepts {self.acceptance:.0%} of the drawn rows (effective sample size {self.effective:.0%}; "
            f"before it, real and drawn rows were told apart with AUC {self.told_apart:.3f})."
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a fit went.

    Parameters
    ----------
    rows, columns : int
        Of the training table.
    steps : int
        Training steps, all phases together.
    stopped : Stopped
        What ended training.
    device : str
        Where it ran.
    seconds : float, optional
        The whole fit, from reading the schema to the last weight. A model file does not tell: the same seed gives the
        same file.
    refined : Refined, optional
        Where refinement was asked for and training was not interrupted.
    entities : int, optional
        Of sequences: how many.
    private : bool
        Whether the fit was differentially private; the numbers of rows and entities are noisy then.
    """

    rows: int
    columns: int
    steps: int
    stopped: Stopped
    device: str
    seconds: float | None = None
    refined: Refined | None = None
    entities: int | None = None
    private: bool = False

    def describe(self) -> str:
        """Return a sentence or two for people."""
        why = {
            "finished": "all planned steps were taken",
            "converged": "held-out rows showed no further gain",
            "time": "the time was up",
            "interrupted": "it was interrupted; the best weights so far are kept",
        }[self.stopped]
        took = "" if self.seconds is None else f" in {self.seconds:.0f} s"
        about = "about " if self.private else ""
        table = f"{about}{self.rows:,} rows of {self.columns} columns"
        if self.entities is not None:
            table = f"the sequences of {about}{self.entities:,} entities, {table},"
        how = f"{self.steps:,} steps; {why}" if self.steps else why
        learned = f"Learned {table}{took} on {self.device} ({how})."
        return learned if self.refined is None else f"{learned} {self.refined.describe()}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the seconds: the same seed gives the same file."""
        values = dataclasses.asdict(self)
        del values["seconds"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Training:
        refined = values.get("refined")
        return cls(**{**values, "refined": None if refined is None else Refined(**refined)})


class Synthesizer(Parameters, ABC):
    """Learns data and writes new data that behaves like it.

    Subclasses take keyword-only arguments and store them unchanged; what `fit` learns is in attributes that end in an
    underscore (`schema_`, `training_`).
    """

    name: ClassVar[str]
    """The model's name in files and on the command line."""

    schema_: Schema
    training_: Training
    ledger_: Ledger | None = None
    split_: SplitRecord | None = None
    """How the training rows were split from the holdout, where `fit` was told (`synthx fit --split`)."""

    @property
    def ledger(self) -> Ledger:
        """What a private fit has spent, and on what.

        Raises
        ------
        UnsupportedError
            If the model was not fitted with differential privacy.
        """
        if self.ledger_ is None:
            raise UnsupportedError(
                f"this {type(self).__name__} was not fitted with differential privacy, so nothing bounds what it tells"
                " about one row",
                remedy="give it privacy=Privacy(epsilon=...) before the fit",
            )
        return self.ledger_

    @abstractmethod
    def fit(self, frame: pd.DataFrame, schema: Schema | None = None, *, progress: Progress | None = None) -> Self:
        """Learn a table; return self."""

    @abstractmethod
    def sample_batches(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> Iterator[pd.DataFrame]:
        """Yield frames that together have `n` new rows."""

    def sample(self, n: int, *, given: Mapping[str, Any] | None = None, seed: int | None = None) -> pd.DataFrame:
        """Draw new rows.

        Parameters
        ----------
        n : int
            How many.
        given : mapping, optional
            What every row must satisfy: column -> a value, a list of values, `synthx.between` or `synthx.MISSING`.
        seed : int, optional
            The same seed draws the same rows on a CPU; by default each call draws others.

        Returns
        -------
        DataFrame, shape (n, columns)
            With the training frame's columns, order and dtypes.

        Raises
        ------
        ConditionError
            If no row can satisfy `given`.
        ParameterError
            If `n` is not a positive whole number.
        NotFittedError
            Before `fit`.
        """
        return pd.concat(self.sample_batches(n, given=given, seed=seed), ignore_index=True)

    @abstractmethod
    def _to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what is saved: JSON values by name, and tensors by name."""

    @classmethod
    @abstractmethod
    def _from_parts(cls, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """Rebuild a model from what `_to_parts` gave."""

    def _shared_parts(self) -> dict[str, Any]:
        """Return what every model file holds: the settings, how the fit went, and its ledger if it was private."""
        settings = self.get_params()
        if settings.get("privacy") is not None:
            settings["privacy"] = settings["privacy"].to_dict()
        shared = {"settings": settings, "training": self.training_.to_dict()}
        if self.ledger_ is not None:
            shared["ledger"] = self.ledger_.public().to_dict()
        if self.split_ is not None:
            shared["split"] = (self.split_.without_counts() if self.training_.private else self.split_).to_dict()
        return shared

    @classmethod
    def _from_shared(cls, parts: Mapping[str, Any]) -> Self:
        """Return a model with the settings, training and ledger of `_shared_parts`."""
        settings = dict(parts["settings"])
        if settings.get("privacy") is not None:
            from synthx_privacy.privacy import Privacy

            settings["privacy"] = Privacy.from_dict(settings["privacy"])
        model = cls(**settings)
        model.training_ = Training.from_dict(parts["training"])
        if "ledger" in parts:
            from synthx_privacy.ledger import Ledger

            model.ledger_ = Ledger.from_dict(parts["ledger"])
        if "split" in parts:
            from synthx.provenance import SplitRecord

            model.split_ = SplitRecord.from_dict(parts["split"])
        return model

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the model to a file; `synthx.load` reads it back.

        The file is a zip of JSON and safetensors. It holds no training row and opens without running code.

        Raises
        ------
        OutputError
            If the folder does not exist, or the file exists and `force` is False.
        NotFittedError
            Before `fit`.
        """
        from synthx.artifact import Artifact, write_artifact

        self._check_fitted()
        parts, tensors = self._to_parts()
        write_artifact(path, Artifact(model=self.name, parts=parts, tensors=tensors), force=force)

    def _check_fitted(self) -> None:
        if not hasattr(self, "training_"):
            raise NotFittedError(f"this {type(self).__name__} has learned nothing yet", remedy="call fit first")
