"""The figures of a benchmark: one row a model and seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from synthx._files import check_output, replacing, writing
from synthx.benchmarking.candidates import Candidate
from synthx.benchmarking.job import Status
from synthx.errors import DataError

__all__ = ["COLUMNS", "SEQUENCE_COLUMNS", "Results"]

_TEXT, _NUMBER, _COUNT = "object", "float64", "Int64"
COLUMNS = {
    "model": _TEXT,
    "seed": _COUNT,
    "status": _TEXT,
    "reason": _TEXT,
    "shape": _NUMBER,
    "trend": _NUMBER,
    "association": _NUMBER,
    "c2st": _NUMBER,
    "score": _NUMBER,
    "score_real": _NUMBER,
    "score_is": _TEXT,
    "fit_seconds": _NUMBER,
    "sample_seconds": _NUMBER,
    "peak_mib": _NUMBER,
    "copies": _NUMBER,
    "copies_holdout": _NUMBER,
    "rows": _COUNT,
    "shape_real": _NUMBER,
    "trend_real": _NUMBER,
    "association_real": _NUMBER,
    "c2st_real": _NUMBER,
    "limit_minutes": _NUMBER,
    "versions": _TEXT,
    "fingerprint": _TEXT,
}
"""Name -> dtype of the columns, in order; `docs/benchmark_command.md` says what each is."""

_COSTS = ("fit_seconds", "sample_seconds", "peak_mib")
_OF_TABLES = ("shape", "trend", "association", "c2st")
_OF_SEQUENCES = (
    "steps",
    "features",
    "lengths",
    "gaps",
    "static",
    "association",
    "autocorrelation",
    "cross_correlation",
    "transitions",
    "c2st",
    "discriminative",
    "predictive",
    "nearest",
)
SEQUENCE_COLUMNS = {
    **{name: COLUMNS[name] for name in ("model", "seed", "status", "reason")},
    **dict.fromkeys(_OF_SEQUENCES, _NUMBER),
    **{name: COLUMNS[name] for name in ("score", "score_real", "score_is", *_COSTS, "copies", "copies_holdout")},
    "entities": _COUNT,
    "rows": _COUNT,
    **dict.fromkeys((f"{name}_real" for name in _OF_SEQUENCES), _NUMBER),
    **{name: COLUMNS[name] for name in ("limit_minutes", "versions", "fingerprint")},
}
"""The same where the data are sequences."""

_SHOWN_OF_SEQUENCES = ("steps", "features", "lengths", "autocorrelation", "c2st")


@dataclasses.dataclass(frozen=True, repr=False)
class Results:
    """What a benchmark found.

    Parameters
    ----------
    frame : DataFrame
        One row a model and seed, with the columns `COLUMNS`, or `SEQUENCE_COLUMNS` where the data were sequences.
    """

    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    # -- making -------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], *, sequences: bool = False) -> Results:
        """Return the results with these rows; a cell that is not given is missing."""
        columns = SEQUENCE_COLUMNS if sequences else COLUMNS
        return cls(pd.DataFrame(list(rows), columns=list(columns)).astype(columns))

    @classmethod
    def from_csv(cls, path: str | Path) -> Results:
        """Read what `to_csv` wrote.

        Raises
        ------
        DataError
            If the file cannot be read or does not hold a benchmark's results.
        """
        remedy = "choose another file, or replace this one by --force (in Python, force=True)"
        try:
            text = pd.read_csv(path, dtype=str, keep_default_na=False)
            columns = SEQUENCE_COLUMNS if "entities" in text.columns else COLUMNS
            if list(text.columns) != list(columns):
                raise DataError(f"the file {str(path)!r} does not hold results of a benchmark", remedy=remedy)
            return cls(pd.DataFrame({name: _typed(text[name], dtype) for name, dtype in columns.items()}))
        except DataError:
            raise
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"the results in {str(path)!r} cannot be read ({error})", remedy=remedy) from None

    def replaced(self, row: Mapping[str, Any]) -> Results:
        """Return the results with a row added, in the place of one of the same model and seed."""
        same = (self.frame["model"] == row["model"]) & (self.frame["seed"] == row["seed"])
        added = Results.of([row], sequences=self.sequences)
        parts = [part for part in (self.frame[~same], added.frame) if len(part)]
        return Results(pd.concat(parts, ignore_index=True))

    # -- looking ------------------------------------------------------------------------------------------------

    @property
    def sequences(self) -> bool:
        """Whether the data were sequences."""
        return "entities" in self.frame.columns

    def stands(self, candidate: Candidate, seed: int, limit_minutes: float | None) -> bool:
        """Whether a run need not be repeated: it is there, and another time limit would change nothing.

        What was not installed is tried again. What was timed out is tried again if it now has longer.
        """
        rows = self.frame[(self.frame["model"] == candidate.name) & (self.frame["seed"] == seed)]
        if rows.empty or rows["status"].iloc[-1] == Status.NOT_INSTALLED:
            return False
        before, limit = rows["limit_minutes"].iloc[-1], float("inf") if limit_minutes is None else limit_minutes
        before = float("inf") if pd.isna(before) else float(before)
        if rows["status"].iloc[-1] == Status.TIMED_OUT:
            return limit <= before
        return limit == before or not candidate.heeds_limit

    def to_text(self) -> str:
        """Return an aligned table for people: good runs, what real rows would score, and why the other runs ended."""
        well = self.frame[self.frame["status"] == Status.OK]
        measures = (*(_SHOWN_OF_SEQUENCES if self.sequences else _OF_TABLES), "score")
        names = (*measures, "copies", *_COSTS)
        lines = [_line("", "seed", names)]
        lines += [
            _line(str(row["model"]), str(row["seed"]), [_shown(name, row[name]) for name in names])
            for _, row in well.iterrows()
        ]
        if len(well):
            anchors = (*(f"{name}_real" for name in measures), "copies_holdout")
            real = [_shown(name, well[name].iloc[-1]) for name in anchors]
            lines.append(_line("real rows", "", [*real, "", "", ""]))
        lines += [
            f"{row['model']}, seed {row['seed']}: {row['status']} ({row['reason']})"
            for _, row in self.frame[self.frame["status"] != Status.OK].iterrows()
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.to_text()

    def plot(self, path: str | Path, *, force: bool = False) -> None:
        """Draw quality against seconds into a ``.png``, ``.svg`` or ``.pdf`` file; see `synthx.benchmarking.plot`.

        Raises
        ------
        OutputError
            If the file exists and `force` is not set, cannot be written, or has another suffix.
        """
        from synthx.benchmarking.plot import write_plot

        write_plot(self.frame, path, force=force)

    def to_csv(self, path: str | Path, *, force: bool = False) -> None:
        """Write the results; a reader sees the old file or the new one, never half of one.

        Raises
        ------
        OutputError
            If the file exists and `force` is not set, or cannot be written.
        """
        with replacing(check_output(path, force=force), force=force) as draft, writing(Path(path)):
            self.frame.to_csv(draft, index=False, float_format="%.6g")


def _typed(cells: pd.Series, dtype: str) -> pd.Series:
    if dtype == _TEXT:
        return cells.where(cells != "", None)
    return pd.Series(pd.to_numeric(cells.where(cells != "", None)), dtype=dtype)


def _shown(name: str, value: Any) -> str:
    if pd.isna(value):
        return "–"
    if name.endswith("_seconds"):
        return f"{value:,.1f}"
    return f"{value:,.0f}" if name.endswith("_mib") else f"{value:.3f}"


def _line(model: str, seed: str, cells: Iterable[str]) -> str:
    heads = {"fit_seconds": "fit s", "sample_seconds": "sample s", "peak_mib": "MiB", "association": "assoc."}
    heads |= {"autocorrelation": "autocor."}
    return f"{model:<20} {seed:>4}" + "".join(f" {heads.get(cell, cell):>8}" for cell in cells)
