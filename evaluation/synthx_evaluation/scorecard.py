"""A list of measures with what they were measured on: as a frame, as JSON, as a table for people."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from synthx.errors import DataError, OutputError, ParameterError
from synthx_evaluation.record import Better, Measure, Status, plain

__all__ = ["Scorecard"]

FORMAT_VERSION = 1
_FIGURES = ("value", "low", "high", "anchor", "p_value", "detectable")
_DIRECTION = {
    Better.HIGHER: "higher is better",
    Better.LOWER: "lower is better",
    Better.HALF: "nearer 0.5 is better",
}


@dataclasses.dataclass(frozen=True, repr=False)
class Scorecard:
    """The measures of one synthetic table.

    Parameters
    ----------
    measures : tuple of Measure
        In the order in which they were taken; every id once.
    context : mapping
        What they were measured on: row counts, columns, target, seed, versions, seconds; plain JSON values.
    """

    measures: tuple[Measure, ...]
    context: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.measures)

    def __iter__(self) -> Iterator[Measure]:
        return iter(self.measures)

    def __contains__(self, code: object) -> bool:
        return any(measure.id == code for measure in self.measures)

    def __getitem__(self, code: str) -> Measure:
        """Return the measure with that id, e.g. ``card["FID-SHAPE"]``.

        Raises
        ------
        ParameterError
            If the scorecard has no measure of that id.
        """
        for measure in self.measures:
            if measure.id == code:
                return measure
        known = ", ".join(measure.id for measure in self.measures)
        raise ParameterError(f"the scorecard has no measure {code!r}", remedy=f"choose one of {known}")

    def with_measures(self, more: Iterable[Measure]) -> Scorecard:
        """Return a scorecard with further measures of the same rows, e.g. those of `shadow_attack`.

        Raises
        ------
        ParameterError
            If one of them is there already.
        """
        added = tuple(more)
        twice = next(
            (
                measure.id
                for place, measure in enumerate(added)
                if measure.id in self or any(other.id == measure.id for other in added[:place])
            ),
            None,
        )
        if twice is not None:
            raise ParameterError(f"the measure {twice!r} is given twice", remedy="give each file once")
        return Scorecard((*self.measures, *added), self.context)

    # -- for machines -------------------------------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure; `details` are left out."""
        rows = [
            {
                "id": measure.id,
                "title": measure.title,
                "value": measure.value,
                "low": None if measure.interval is None else measure.interval[0],
                "high": None if measure.interval is None else measure.interval[1],
                "anchor": measure.anchor,
                "p_value": measure.p_value,
                "detectable": measure.detectable,
                "better": str(measure.better),
                "status": str(measure.status),
                "reason": measure.reason,
                "n": measure.n,
                "seed": measure.seed,
                "version": measure.version,
            }
            for measure in self.measures
        ]
        return pd.DataFrame(rows).astype(dict.fromkeys(_FIGURES, "float64"))

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the scorecard as strict JSON text (no NaN); write it to `path` where one is given.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        document = {
            "format": FORMAT_VERSION,
            "context": plain(self.context),
            "measures": [measure.to_dict() for measure in self.measures],
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        _write(text, path, "scorecard")
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> Scorecard:
        """Read a scorecard file.

        Raises
        ------
        DataError
            If the file cannot be read, is not a scorecard, or is of a newer format.
        """
        remedy = "write one with `synthx evaluate --json`"
        if not Path(path).is_file():
            raise DataError(f"there is no scorecard {str(path)!r}", remedy=f"check the path, or {remedy}")
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError):
            raise DataError(f"the scorecard {str(path)!r} cannot be read as JSON", remedy=remedy) from None
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise DataError(f"the file {str(path)!r} is not a scorecard", remedy=remedy)
        if document["format"] > FORMAT_VERSION:
            raise DataError(
                f"the scorecard {str(path)!r} has format {document['format']}, this version reads {FORMAT_VERSION}",
                remedy="upgrade synthx",
            )
        try:
            measures = tuple(Measure.from_dict(values) for values in document["measures"])
            return cls(measures, dict(document["context"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"the scorecard {str(path)!r} is damaged ({error})", remedy=remedy) from None

    # -- for people ---------------------------------------------------------------------------------------------

    def to_text(self) -> str:
        """Return an aligned table: each value, its interval, what real rows would score, and tests where made."""
        head = ("", "synthetic", "95% interval", "real rows", "p", "detectable", "")
        rows = [
            (
                measure.title,
                _figure(measure.value),
                "" if measure.interval is None else " to ".join(map(_figure, measure.interval)),
                _figure(measure.anchor),
                _figure(measure.p_value),
                _figure(measure.detectable),
                _DIRECTION[measure.better],
            )
            for measure in self.measures
            if measure.status is Status.COMPUTED
        ]
        if not rows:
            return "\n".join([self._headline(), "", "No measure has a value.", *self._absences()])
        # A column that no measure fills, such as p where no test was made, is left out.
        shown = [i for i in range(len(head)) if i < 4 or any(row[i] for row in rows) or i == len(head) - 1]
        table_rows = [tuple(row[i] for i in shown) for row in [head, *rows]]
        widths = [max(len(row[i]) for row in table_rows) for i in range(len(shown))]
        table = [_line(row, widths) for row in table_rows]
        rule = "-" * len(table[0].ljust(sum(widths) + 2 * (len(widths) - 1)))
        return "\n".join([self._headline(), "", table[0], rule, *table[1:], *self._absences()])

    def to_html(self, path: str | Path | None = None, *, title: str = "") -> str:
        """Return the short form of the report as one HTML page; write it to `path` where one is given.

        It judges by the rule pack ``gdpr`` and says what it was not told: model, purpose, recipients. `synthx report`
        writes the whole.

        Parameters
        ----------
        path : str or Path, optional
            The file, replaced if it exists.
        title : str
            Of the synthetic data set.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        from synthx_evaluation.report.short import short_page

        page = short_page(self, title=title)
        _write(page, path, "report")
        return page

    def __repr__(self) -> str:
        return self.to_text()

    def _headline(self) -> str:
        rows = self.context.get("rows", {})
        counts = ", ".join(f"{name} {count:,}" for name, count in rows.items() if count is not None)
        parts = [f"rows: {counts}" if counts else "", f"compared with: {self.context.get('reference', 'real')} rows"]
        if self.context.get("target"):
            parts.append(f"target: {self.context['target']}")
        return "; ".join(part for part in parts if part)

    def _absences(self) -> list[str]:
        """Return the measures without a value, those of one reason together."""
        absent: dict[tuple[Status, str], list[str]] = {}
        for measure in self.measures:
            if measure.status is not Status.COMPUTED:
                absent.setdefault((measure.status, measure.reason), []).append(measure.id)
        lines = [f"{status}: {', '.join(ids)} ({reason})" for (status, reason), ids in absent.items()]
        return ["", *lines] if lines else []


def _write(text: str, path: str | Path | None, what: str) -> None:
    """Write a text to a file, where one is given."""
    if path is None:
        return
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(
            f"the {what} cannot be written to {str(path)!r} ({error.strerror})",
            remedy="choose a folder that exists and can be written to",
        ) from None


def _figure(value: float | None) -> str:
    return "" if value is None else f"{round(value, 4) + 0.0:.4f}"  # -0.0 + 0.0 is 0.0


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    title, *figures, direction = row
    cells = [title.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(figures, widths[1:-1], strict=True))]
    return "  ".join([*cells, direction]).rstrip()
