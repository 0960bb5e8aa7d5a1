"""SDV's synthesizer of sequences as it comes: default settings, public interface, nothing printed (sdv 2).

What PAR cannot take is brought into a form that it can, and back afterwards:

- *Keys*: it knows one key column, of text. Entities are numbered for it, and new ones get fresh keys of the pattern of
  each key column.
- *Columns that no model learns* (further identifiers, personal data, free text, constants) and columns without a single
  present cell are not shown to it, and made anew as our own models make them.
- *Order*: rows are handed over in order of time, since it takes them as they come.
- *Missing cells of discrete columns* are all None. Each NaN of a float column would become a level of its own.
- *Types*: numbers are float64 for it, dates datetime64 without a time zone, discrete cells objects.

It cannot take a time that is missing: that is refused. Equal times within an entity are no trouble: a gap of 0. One
thing is left as it is: sdv 2.0 turns the time column (its sequence index) into the gaps between steps, and then sorts
the steps of each sequence by that column. Where gaps differ, PAR so learns steps in order of gaps and not of time, and
gaps grow from the start to the end of its sequences. Without a time column rows keep their order.

**Seeds.** As in `synthx.adapters.sdv_models`: learning and drawing steps take from torch's global generator, which is
seeded here. Static columns come from a Gaussian copula: no chance in learning, and the same start of sampling.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

from synthx.adapters.sdv_models import _silent, missing
from synthx.errors import DataError, NotFittedError, ParameterError, SchemaError, UnsupportedError
from synthx.schema import Column, Kind, Role, Schema

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from synthx.entities import Entities

__all__ = ["SDV_SEQUENCE_MODELS", "SDVSequenceModel"]

SDV_SEQUENCE_MODELS = {"sdv-par": "PARSynthesizer"}
"""Name -> class in `sdv.sequential`."""

_EPOCHS = 128
"""PAR's default. An epoch is one step with all sequences in one batch."""

_TABLE = "table"


class SDVSequenceModel:
    """SDV's PARSynthesizer, with its default settings.

    Parameters
    ----------
    name : str
        A key of `SDV_SEQUENCE_MODELS`.
    seed : int
        See the module: what SDV's interface permits.
    epochs : int
        Steps of training; by default PAR's own number.

    Raises
    ------
    ParameterError
        If there is no model of that name, or `epochs` is not positive.
    UnsupportedError
        If sdv is not installed, or of another major version.
    """

    def __init__(self, name: str = "sdv-par", *, seed: int = 0, epochs: int = _EPOCHS) -> None:
        if name not in SDV_SEQUENCE_MODELS:
            raise ParameterError(f"there is no model {name!r}", remedy=f"choose from {', '.join(SDV_SEQUENCE_MODELS)}")
        if epochs < 1:
            raise ParameterError(f"epochs is {epochs}", remedy="give a positive whole number")
        if reason := missing():
            problem, _, remedy = reason.partition("; ")
            raise UnsupportedError(problem, remedy=remedy)
        self.name, self.seed, self.epochs = name, seed, epochs
        self._synthesizer: Any = None

    def fit(self, frame: pd.DataFrame, schema: Schema) -> Self:
        """Learn the sequences in a long frame, a row a step; return self.

        Raises
        ------
        SchemaError
            If the schema names no entity, or no column that changes from step to step can be learned.
        DataError
            If a time or a key is missing, a static column varies within an entity, or a cell does not fit its column.
        """
        import numpy as np
        import torch

        shown = _show(frame, schema)
        with _silent():
            from sdv import sequential

            make = getattr(sequential, SDV_SEQUENCE_MODELS[self.name])
            static = list(shown.schema.static)
            synthesizer = make(shown.schema.to_sdv(_TABLE), context_columns=static, epochs=self.epochs)
            torch.manual_seed(self.seed)
            np.random.seed(self.seed % 2**32)  # noqa: NPY002 - the generator that SDV may draw from
            synthesizer.fit({_TABLE: shown.frame})
        self._synthesizer, self._schema, self._shown = synthesizer, schema, shown.schema
        self._levels = {
            column.name: frame[column.name].dropna().unique().tolist() for column in schema if column.kind.is_discrete
        }
        return self

    def sample(self, entities: int) -> pd.DataFrame:
        """Draw the sequences of new entities, as one long frame: rows of an entity together, in the order drawn.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If SDV gave fewer entities than were asked for.
        """
        if self._synthesizer is None:
            raise NotFittedError(f"this {self.name} has learned nothing yet", remedy="call fit first")
        import numpy as np

        with _silent():
            drawn: pd.DataFrame = self._synthesizer.sample_sequences(entities)[_TABLE]
        of_row = _number(drawn[self._shown.entity[0]])
        given = int(of_row.max(initial=-1)) + 1
        if given != entities:
            raise DataError(f"{self.name} gave {given} entities of {entities}", remedy="ask for fewer entities")
        return self._restore(drawn, of_row, np.random.default_rng(self.seed))

    def _restore(self, drawn: pd.DataFrame, of_row: NDArray[np.int64], rng: np.random.Generator) -> pd.DataFrame:
        import pandas as pd

        from synthx.codec.keys import fresh_keys

        columns = fresh_keys(self._schema, of_row, rng)
        for column in self._schema:
            if column.role is Role.ENTITY:
                continue
            if column.name in self._shown:
                columns[column.name] = _restored(drawn[column.name], column, self._levels.get(column.name))
            else:
                columns[column.name] = _made(column, of_row, rng)
        return pd.DataFrame(columns)[list(self._schema.names)]


# -- what SDV is shown ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Shown:
    """A long frame of plain types with one key column, and the schema of that."""

    frame: pd.DataFrame
    schema: Schema


def _show(frame: pd.DataFrame, schema: Schema) -> _Shown:
    """Return what PAR is to learn from; see the module."""
    import pandas as pd

    from synthx.entities import Entities

    if not schema.entity:
        raise SchemaError("the schema names no entity", remedy="say by which columns rows belong together")
    schema.check_names(frame.columns)
    entities = Entities.of(frame, schema.entity)
    entities.check_constant(frame[list(schema.static)])
    learned = [column for column in schema if column.kind.is_modelled and frame[column.name].notna().any()]
    learned = [column for column in learned if column.role is not Role.ENTITY]
    if all(column.static or column.role is Role.TIME for column in learned):
        raise SchemaError(
            "no column changes from step to step and can be learned",
            remedy="drop the entity and use a model of tables, or correct the kinds and static columns",
        )
    rows = _in_order(frame, schema, entities)
    ordered = frame.iloc[rows]
    key = Column(name=schema.entity[0], kind=Kind.IDENTIFIER, role=Role.ENTITY)
    cells = {key.name: pd.Series(entities.of_row[rows]).astype(str).astype(object)}
    cells |= {column.name: _plain(ordered[column.name], column) for column in learned}
    described = [key, *(_described(column, cells[column.name]) for column in learned)]
    return _Shown(pd.DataFrame(cells), Schema(tuple(described)))


def _in_order(frame: pd.DataFrame, schema: Schema, entities: Entities) -> NDArray[np.int64]:
    """Return the rows, entity by entity, in order of time."""
    import numpy as np

    from synthx.codec.cells import read_strictly

    if schema.time is None:
        return entities.sorted_rows()
    when = read_strictly(frame[schema.time.name], schema.time)
    if np.isnan(when).any():
        row = int(np.isnan(when).argmax())
        raise DataError(
            f"the time {schema.time.name!r} is missing in row {row + 1}, of {entities.describe(entities.of_row[row])}",
            remedy="drop such rows, or give no time column: then the order of rows counts",
        )
    return entities.sorted_rows(when)


def _plain(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return cells of one of the three types that PAR handles without surprises."""
    import pandas as pd

    from synthx.codec.cells import read_strictly

    if column.kind.is_discrete:
        cells = series.astype(object)
        return cells.where(cells.notna(), None).reset_index(drop=True)
    numbers = pd.Series(read_strictly(series, column))
    return pd.to_datetime(numbers, unit="us") if column.kind is Kind.DATETIME else numbers


def _described(column: Column, cells: pd.Series[Any]) -> Column:
    """Return what a plain column is; targets and protected columns are nothing special to SDV."""
    role = column.role if column.role is Role.TIME else None
    nullable = bool(cells.isna().any())
    return dataclasses.replace(column, role=role, format=None, dtype=str(cells.dtype), nullable=nullable)


# -- and back ---------------------------------------------------------------------------------------------------


def _number(keys: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the entity of each row, counted in the order in which they come."""
    import numpy as np
    import pandas as pd

    return pd.factorize(keys)[0].astype(np.int64)


def _restored(series: pd.Series[Any], column: Column, levels: list[Any] | None) -> pd.Series[Any]:
    """Return drawn cells in the dtype that was learned."""
    import numpy as np
    import pandas as pd

    from synthx.codec.cells import to_dtype, write

    if column.kind.is_discrete:
        return to_dtype(series, column, levels)
    if column.kind is not Kind.DATETIME:
        return write(pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan), column)
    micros = pd.to_datetime(series).to_numpy(dtype="datetime64[us]")
    return write(np.where(np.isnat(micros), np.nan, micros.astype(np.int64).astype(np.float64)), column)


def _made(column: Column, of_row: NDArray[np.int64], rng: np.random.Generator) -> pd.Series[Any]:
    """Return the cells of a column that SDV was not shown: once an entity if it is static, else once a step."""
    import pandas as pd

    from synthx.codec.cells import to_dtype
    from synthx.codec.generated import generate

    count = int(of_row.max(initial=-1)) + 1 if column.static else len(of_row)
    if column.kind.is_modelled:  # not one present cell was there to learn from
        cells = to_dtype(pd.Series([None] * count, dtype=object), column)
    else:
        cells = generate(column, count, rng)
    return cells.iloc[of_row].reset_index(drop=True) if column.static else cells
