"""What each column of a table is: its kind, its role, its declared domain.

A `Schema` is a frozen value. It is detected (`Schema.detect`), read from a file (`Schema.from_json`) or taken from
SDV's metadata (`Schema.from_sdv`), edited by making a changed copy (`schema.replace`), and never changed in place.
This file knows nothing of models; it lies on the ground floor.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthx.errors import DataError, SchemaError, listed

if TYPE_CHECKING:
    import pandas as pd
    from sdv.metadata import Metadata

__all__ = ["Column", "Kind", "Role", "Scalar", "Schema"]

FORMAT_VERSION = 1

Scalar = str | int | float | bool


class Kind(StrEnum):
    """What the cells of a column mean, independent of how they are stored."""

    CATEGORICAL = "categorical"
    ORDINAL = "ordinal"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    IDENTIFIER = "identifier"
    """Unique keys: replaced by fresh ones of the same pattern, never learned."""
    PERSONAL = "personal"
    """Names, e-mail addresses, account numbers: replaced by fakes, never learned."""
    TEXT = "text"
    """Free text: dropped from the synthetic table (left missing), never learned."""
    CONSTANT = "constant"

    @property
    def is_number(self) -> bool:
        return self in (Kind.INTEGER, Kind.DECIMAL)

    @property
    def is_discrete(self) -> bool:
        return self in (Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN)

    @property
    def is_modelled(self) -> bool:
        """Whether a generator learns the column; the others are rebuilt without looking at a row."""
        return self.is_number or self.is_discrete or self is Kind.DATETIME


class Role(StrEnum):
    """What a column is for. A column has at most one role."""

    TARGET = "target"
    PROTECTED = "protected"
    ENTITY = "entity"
    TIME = "time"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Parameters
    ----------
    name : str
        The column's name in the table.
    kind : Kind
        What its cells mean.
    dtype : str
        The pandas dtype of the training column, as ``str(series.dtype)``; synthetic cells are given the same one.
    role : Role, optional
        What the column is for.
    nullable : bool
        Whether cells may be missing.
    static : bool
        Whether the column is constant within an entity (a patient's sex) and not observed anew at each step. A column
        of any role but the entity's key and the time may be.
    levels : tuple of scalars, optional
        Declared levels of a discrete column, in order if ordinal; the value of a constant. Declared means public: the
        user vouches that the list itself says nothing about one person.
    lower, upper : float or str, optional
        Declared bounds of a number (float) or of a datetime (ISO 8601 text), both inclusive. Public, as `levels`.
    decimals : int, optional
        Digits after the point of a decimal; None means as many as the training values show.
    format : str, optional
        How text is written: the `strptime` format of a datetime that is stored as text or number (None with dtype
        ``object``: Python dates), the pattern of an
        identifier (``AC-######``: ``#`` is a digit, ``?`` a capital letter, ``^`` a small one, ``~`` a small
        hexadecimal digit; ``uuid4``; or ``sequence``), the Faker provider of personal data (``name``, ``email``,
        ``phone_number`` …).
    reason : str
        Why detection chose this kind, for people.
    """

    name: str
    kind: Kind
    dtype: str = "object"
    role: Role | None = None
    nullable: bool = False
    static: bool = False
    levels: tuple[Scalar, ...] | None = None
    lower: float | str | None = None
    upper: float | str | None = None
    decimals: int | None = None
    format: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.static and self.role in (Role.ENTITY, Role.TIME):
            raise SchemaError(
                f"column {self.name!r} is the {self.role} and cannot be static", remedy="leave one of the two out"
            )
        if self.levels is not None and len(set(map(repr, self.levels))) != len(self.levels):
            raise SchemaError(
                f"column {self.name!r} declares a level twice in {list(self.levels)!r}",
                remedy="list every level once",
            )
        if self.lower is not None and self.upper is not None:
            if isinstance(self.lower, str) != isinstance(self.upper, str):
                raise SchemaError(
                    f"column {self.name!r} mixes a text bound and a number bound ({self.lower!r}, {self.upper!r})",
                    remedy="give both as numbers, or both as ISO dates",
                )
            if self.lower > self.upper:  # type: ignore[operator]
                raise SchemaError(
                    f"column {self.name!r} has lower bound {self.lower!r} above its upper bound {self.upper!r}",
                    remedy="exchange them",
                )


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Schema:
    """The columns of a table, in the table's order.

    Raises
    ------
    SchemaError
        If two columns share a name.
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise SchemaError(f"column {column.name!r} appears twice in the schema", remedy="rename or drop one")
            seen.add(column.name)

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaError(f"column {name!r} is not in the schema", remedy=f"choose from {listed(self.names, name)}")

    def with_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role is role)

    @property
    def entity(self) -> tuple[str, ...]:
        """The names of the columns that together are the key of an entity; empty where each row is its own."""
        return tuple(column.name for column in self.with_role(Role.ENTITY))

    @property
    def time(self) -> Column | None:
        return next(iter(self.with_role(Role.TIME)), None)

    @property
    def static(self) -> tuple[str, ...]:
        """The names of the columns that are constant within an entity, beside its key."""
        return tuple(column.name for column in self.columns if column.static)

    @property
    def target(self) -> Column | None:
        return next(iter(self.with_role(Role.TARGET)), None)

    def __repr__(self) -> str:
        width = max((len(name) for name in self.names), default=0)
        lines = []
        for column in self.columns:
            marks = [*([column.role] if column.role else []), *(["static"] if column.static else [])]
            role = f" [{', '.join(marks)}]" if marks else ""
            missing = ", may be missing" if column.nullable else ""
            reason = f"  — {column.reason}" if column.reason else ""
            lines.append(f"  {column.name:<{width}}  {column.kind}{role} ({column.dtype}{missing}){reason}")
        return "\n".join([f"Schema of {len(self)} columns", *lines])

    # -- making -------------------------------------------------------------------------------------------------

    @classmethod
    def detect(
        cls,
        frame: pd.DataFrame,
        *,
        target: str | None = None,
        protected: Iterable[str] = (),
        entity: str | Iterable[str] | None = None,
        time: str | None = None,
        static: Iterable[str] | None = None,
        assume_public: bool = False,
    ) -> Schema:
        """Detect the schema of a frame; see `synthx.detection` for the rules."""
        from synthx.detection import detect

        return detect(
            frame,
            target=target,
            protected=protected,
            entity=entity,
            time=time,
            static=static,
            assume_public=assume_public,
        )

    def replace(self, name: str, **changes: Any) -> Schema:
        """Return a copy in which one column is changed, e.g. ``schema.replace("zip", kind=Kind.CATEGORICAL)``."""
        changed = dataclasses.replace(self[name], **changes)
        return Schema(tuple(changed if column.name == name else column for column in self.columns))

    def with_target(self, name: str) -> Schema:
        """Return a copy in which the named column, and no other, has the role of target.

        Raises
        ------
        SchemaError
            If there is no such column, or it is the time or in the entity's key.
        """
        if self[name].role in (Role.ENTITY, Role.TIME):
            raise SchemaError(
                f"column {name!r} is the {self[name].role} and cannot be the target", remedy="choose another target"
            )
        schema = self
        for column in self.with_role(Role.TARGET):
            schema = schema.replace(column.name, role=None)
        return schema.replace(name, role=Role.TARGET)

    def select(self, names: Iterable[str]) -> Schema:
        """Return the schema of the named columns, in the given order."""
        return Schema(tuple(self[name] for name in names))

    # -- files --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; fields that hold their default are left out."""
        defaults = {field.name: field.default for field in dataclasses.fields(Column)}
        columns = [
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in dataclasses.asdict(column).items()
                if key in ("name", "kind", "dtype") or value != defaults[key]
            }
            for column in self.columns
        ]
        return {"format": FORMAT_VERSION, "columns": columns}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Schema:
        """Build a schema from JSON values.

        Raises
        ------
        SchemaError
            If a field is unknown, missing or of the wrong type, or the format is newer than this version reads.
        """
        from pydantic import TypeAdapter, ValidationError, with_config

        if not isinstance(values, Mapping) or "columns" not in values:
            raise SchemaError("the schema has no 'columns'", remedy="write one with `synthx detect`")
        if values.get("format", FORMAT_VERSION) != FORMAT_VERSION:
            raise SchemaError(
                f"the schema has format {values['format']!r}, this version reads {FORMAT_VERSION}",
                remedy="upgrade synthx or detect the schema again",
            )
        strict = with_config({"extra": "forbid"})(Column)
        try:
            columns = TypeAdapter(tuple[strict, ...]).validate_python(tuple(values["columns"]))  # type: ignore[valid-type]
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise SchemaError(
                f"the schema is wrong at columns.{place}: {first['msg']} (got {first['input']!r})",
                remedy="correct it, or write one with `synthx detect`",
            ) from None
        return cls(tuple(columns))

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the schema as JSON text; write it to `path` where one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> Schema:
        """Read a schema file.

        Raises
        ------
        SchemaError
            If the file is missing, is not JSON, or does not describe a schema.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise SchemaError(
                f"the schema file {str(path)!r} cannot be read",
                remedy="check the path, or write one with `synthx detect`",
            ) from None
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise SchemaError(
                f"the schema file {str(path)!r} is not JSON (line {error.lineno})",
                remedy="give the file that `synthx detect` wrote, or correct that line",
            ) from None
        return cls.from_dict(values)

    # -- SDV ----------------------------------------------------------------------------------------------------

    @classmethod
    def from_sdv(cls, metadata: Metadata, frame: pd.DataFrame | None = None, table: str | None = None) -> Schema:
        """Take the column kinds from SDV's metadata; `frame` supplies dtypes and what SDV does not record."""
        from synthx.adapters.sdv_metadata import from_sdv

        return from_sdv(metadata, frame=frame, table=table)

    def to_sdv(self, table: str = "table") -> Metadata:
        """Return the schema as `sdv.metadata.Metadata` with one table (needs sdv 2)."""
        from synthx.adapters.sdv_metadata import to_sdv

        return to_sdv(self, table=table)

    # -- checking -----------------------------------------------------------------------------------------------

    def check_names(self, names: Iterable[str], *, table: str = "the table") -> None:
        """Raise unless `names` are exactly the schema's columns, in any order; `table` is how the error calls it.

        Raises
        ------
        DataError
            Naming the columns that are missing or were not declared.
        """
        given = list(names)
        missing = [name for name in self.names if name not in given]
        extra = [name for name in given if name not in self.names]
        if missing:
            raise DataError(
                f"{table} lacks column {missing[0]!r} of the schema",
                remedy=f"add it or remove it from the schema (the table has {listed(given, missing[0])})",
            )
        if extra:
            raise DataError(
                f"{table} has column {extra[0]!r}, which the schema does not know",
                remedy="drop it, or detect the schema again with `synthx detect`",
            )
