"""Audits of whole fits: by record and replay, by their tapes and ledgers, and by what their files hold."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from synthx.auditing.tables import neighbours_of, strangers_of, with_row, with_unit_last

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.tabular import TableSynthesizer
    from synthx.schema import Schema
    from synthx.training import ProgressEvent
    from synthx_privacy.audit import Finding

__all__ = ["audit_contents", "audit_fit", "audit_saved", "published_by"]

MOST_TOSSED = 1_024
"""Rows of a batch for which tosses are drawn ahead."""

Published = Mapping[str, Any]


def published_by(make: Callable[[], TableSynthesizer], schema: Schema) -> Callable[[pd.DataFrame], Published]:
    """Return a function that fits a new model to a table and returns all that it publishes, by name.

    Parameters
    ----------
    make : callable
        Returns a new model, with a ledger of its own.
    schema : Schema
    """

    def fit(frame: pd.DataFrame) -> Published:
        with _tosses_by_row():
            return show(frame)

    def show(frame: pd.DataFrame) -> Published:
        told: list[tuple[str, float, str]] = []

        def progress(event: ProgressEvent) -> None:
            told.append((event.stage, event.fraction, event.message))

        model = make().fit(frame, schema, progress=progress)
        return {**_members(model), "progress": told, "description": _untimed(model), "schema": model.schema_.to_json()}

    return fit


@contextmanager
def _tosses_by_row() -> Iterator[None]:
    """Let the n-th row of a batch get the same tosses whatever follows it, as a proof may assume of independent ones.

    Drawn as usual, one row more would shift all later draws of the same generator: the same in distribution, and not
    comparable.
    """
    import torch

    from synthx.models.private.autoencoding import RowReconstruction, Tosses
    from synthx_privacy.noise import SecureRandom

    usual = RowReconstruction.toss

    def toss(self: RowReconstruction, rows: int) -> Tosses:
        self.chance = torch.Generator(self.device).manual_seed(SecureRandom().seed())
        return Tosses(*(part[:rows] for part in usual(self, max(rows, MOST_TOSSED))))

    with mock.patch.object(RowReconstruction, "toss", toss):
        yield


def _members(model: TableSynthesizer) -> dict[str, bytes]:
    """Return the members of a model's file."""
    from synthx_privacy.audit import contents_of

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save(path)
        contents = contents_of(path)
    return {name.removeprefix("model/"): content for name, content in contents.items() if name != "model"}


def _untimed(model: TableSynthesizer) -> str:
    return dataclasses.replace(model.training_, seconds=None).describe()


# -- the audits -----------------------------------------------------------------------------------------------------


def audit_fit(
    make: Callable[[], TableSynthesizer],
    frame: pd.DataFrame,
    schema: Schema,
    *,
    neighbours: Mapping[str, pd.DataFrame] | None = None,
    strangers: Mapping[str, pd.DataFrame] | None = None,
) -> list[Finding]:
    """Audit a private fit of a table by record and replay, and its ledger and noise by its tape.

    Parameters
    ----------
    make : callable
        Returns a new model with a budget and a ledger of its own.
    frame : DataFrame, shape (rows, columns)
        Few columns and some hundred rows do: it takes about 15 fits.
    schema : Schema
    neighbours, strangers : mapping of str to DataFrame, optional
        By default all of `neighbours_of` and `strangers_of`.
    """
    from synthx_privacy.audit import audit_booking, audit_freshness, audit_neighbours, audit_noise, audit_strangers
    from synthx_privacy.tape import recording

    frame = with_unit_last(frame, schema)
    fit = published_by(make, schema)
    findings = [
        *audit_neighbours(fit, frame, neighbours_of(frame, schema) if neighbours is None else neighbours),
        *audit_strangers(fit, frame, strangers_of(frame, schema) if strangers is None else strangers),
    ]
    tapes = []
    for _ in range(2):
        with recording() as tape:
            model = make().fit(frame, schema)
        tapes.append(tape)
    entries = model.ledger.entries
    return [*findings, audit_booking(tape, entries), *audit_noise(tape, entries), *audit_freshness(*map(list, tapes))]


def audit_contents(make: Callable[[], TableSynthesizer], frame: pd.DataFrame, schema: Schema) -> list[Finding]:
    """Fit a table with planted cells, and look for them in all that is published; and for arrays as long as the table.

    Parameters
    ----------
    make, schema
        See `audit_fit`.
    frame : DataFrame, shape (rows, columns)
        32 rows or more.
    """
    from synthx_privacy.audit import audit_lengths, audit_strings, plant_numbers, plant_strings

    words, numbers = plant_strings(len(schema)), plant_numbers(len(schema))
    row = {
        column.name: number if column.kind.is_number else word
        for column, word, number in zip(schema, words, numbers, strict=True)
    }
    planted = with_row(frame, row)
    model = make()
    shown = published_by(lambda: model, schema)(planted)
    parts, tensors = model._to_parts()
    contents = {name: value if isinstance(value, bytes | str) else repr(value) for name, value in shown.items()}
    return [
        audit_strings(contents, [*words, *numbers]),
        audit_lengths({**parts, **tensors}, len(planted)),
    ]


def audit_saved(path: Path, strings: list[str]) -> list[Finding]:
    """Scan a model file for strings that were in the data."""
    from synthx_privacy.audit import audit_strings, contents_of

    return [audit_strings(contents_of(path), strings)]
