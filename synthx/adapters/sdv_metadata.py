"""SDV's metadata to our schema and back (sdv 2).

SDV records fewer kinds than we do and no dtypes; a frame supplies what is missing. The ranges and values that SDV's own
detection writes are read off the data, so they count as declared, hence public, only if the user says so.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from synthx.adapters.sdv_patterns import read_regex, write_regex
from synthx.errors import SchemaError, UnsupportedError
from synthx.schema import Column, Kind, Role, Scalar, Schema

if TYPE_CHECKING:
    import pandas as pd
    from sdv.metadata import Metadata

__all__ = ["from_sdv", "to_sdv"]

_TO_FAKER = {"ipv4_address": "ipv4", "ipv6_address": "ipv6", "user_agent_string": "user_agent"}
_TO_SDV = {provider: sdtype for sdtype, provider in _TO_FAKER.items()}


# -- from SDV ---------------------------------------------------------------------------------------------------


def from_sdv(
    metadata: Metadata, *, frame: pd.DataFrame | None = None, table: str | None = None, assume_public: bool = False
) -> Schema:
    """Take a table's columns from SDV's metadata.

    Parameters
    ----------
    metadata : sdv.metadata.Metadata
        Of one table or of several.
    frame : pandas.DataFrame, optional
        The table: supplies dtypes, missing cells, formats and what SDV does not tell apart (whole numbers from
        decimals, flags from categories). Without it the columns get the dtypes that SDV would read them with, and may
        be missing unless the metadata denies it.
    table : str, optional
        Which table; needed where there are several.
    assume_public : bool
        Take ranges, values and decimals as declared. SDV's detection reads them off the data.

    Raises
    ------
    SchemaError
        If the table is not in the metadata, several are and none is named, or the frame has other columns.
    """
    described = _choose_table(metadata.to_dict(), table)
    specs: dict[str, dict[str, Any]] = described["columns"]
    roles = {described.get("sequence_key"): Role.ENTITY, described.get("sequence_index"): Role.TIME}
    seen = _detect(frame, specs, roles)
    columns = [
        _read_column(name, specs[name], roles.get(name), seen[name] if seen else None, assume_public)
        for name in (seen.names if seen else specs)
    ]
    return Schema(tuple(columns))


def _choose_table(described: dict[str, Any], table: str | None) -> dict[str, Any]:
    """Return what the metadata says of one table; the metadata of a single table names none."""
    tables: dict[str, dict[str, Any]] = described.get("tables", {table or "table": described})
    if table is None and len(tables) == 1:
        return next(iter(tables.values()))
    if table not in tables:
        problem = f"the metadata has no table {table!r}" if table else f"the metadata has {len(tables)} tables"
        raise SchemaError(problem, remedy=f"name one of {', '.join(map(repr, tables)) or 'its tables'}")
    return tables[table]


def _detect(frame: pd.DataFrame | None, specs: Iterable[str], roles: Mapping[Any, Role]) -> Schema | None:
    if frame is None:
        return None
    from synthx.detection import detect

    names = {role: name for name, role in roles.items() if isinstance(name, str)}
    for name in frame.columns:
        if name not in specs:
            raise SchemaError(f"the metadata does not describe column {name!r}", remedy="drop it or add it there")
    for name in specs:
        if name not in frame.columns:
            raise SchemaError(f"the table lacks column {name!r} of the metadata", remedy="add it or remove it there")
    return detect(frame, entity=names.get(Role.ENTITY), time=names.get(Role.TIME))


def _read_column(name: str, spec: dict[str, Any], role: Role | None, seen: Column | None, public: bool) -> Column:
    kind = _read_kind(spec, seen)
    reason = f"SDV metadata says {spec['sdtype']}: {kind}"
    if seen is not None:
        column = seen if kind is seen.kind else Column(name=name, kind=kind, dtype=seen.dtype, nullable=seen.nullable)
        column = dataclasses.replace(column, role=role, reason=reason)
    else:
        nullable = bool(spec.get("range_is_nullable", True))
        column = Column(name=name, kind=kind, role=role, dtype=_guess_dtype(spec), nullable=nullable, reason=reason)
    column = dataclasses.replace(column, format=_read_format(spec, kind) or column.format)
    if column.levels is None and (public or kind in (Kind.ORDINAL, Kind.BOOLEAN, Kind.CONSTANT)):
        column = dataclasses.replace(column, levels=_read_levels(spec, kind))
    return _read_bounds(column, spec) if public else column


def _read_kind(spec: dict[str, Any], seen: Column | None) -> Kind:
    """Translate SDV's sdtype; where it covers several kinds of ours, what was seen or is stated decides."""
    sdtype = spec["sdtype"]
    seen_kind = seen.kind if seen else None
    if sdtype == "id":
        return Kind.IDENTIFIER
    if sdtype == "datetime":
        return Kind.DATETIME
    if sdtype == "boolean":
        return Kind.BOOLEAN
    if sdtype == "numerical":
        return _read_number_kind(spec, seen)
    if sdtype in ("categorical", "ordinal"):
        return _read_level_kind(spec, seen_kind)
    if spec.get("pii", True):
        if sdtype == "unknown":
            return seen_kind if seen_kind in (Kind.PERSONAL, Kind.IDENTIFIER, Kind.CONSTANT) else Kind.TEXT
        return Kind.PERSONAL
    return seen_kind if seen_kind and seen_kind.is_modelled else Kind.CATEGORICAL


def _read_number_kind(spec: dict[str, Any], seen: Column | None) -> Kind:
    if seen is not None and seen.kind.is_number:
        return seen.kind
    whole = spec.get("decimal_places") == 0 or (seen is not None and "int" in seen.dtype.lower())
    return Kind.INTEGER if whole else Kind.DECIMAL


def _read_level_kind(spec: dict[str, Any], seen_kind: Kind | None) -> Kind:
    values = spec.get("range_values")
    if seen_kind is not None and (seen_kind.is_discrete or seen_kind is Kind.CONSTANT):
        ordinal = spec["sdtype"] == "ordinal" and values and seen_kind is Kind.CATEGORICAL
        return Kind.ORDINAL if ordinal else seen_kind
    if spec["sdtype"] == "ordinal":
        return Kind.ORDINAL if values else Kind.CATEGORICAL
    if seen_kind is None and values and len(values) == 1 and not spec.get("range_is_nullable", True):
        return Kind.CONSTANT
    return Kind.BOOLEAN if seen_kind is None and _is_flag(values) else Kind.CATEGORICAL


def _is_flag(values: list[Any] | None) -> bool:
    from synthx.detection.text import is_flag

    return values is not None and len(values) == 2 and is_flag(*map(str, values))


def _read_format(spec: dict[str, Any], kind: Kind) -> str | None:
    if kind is Kind.DATETIME:
        return str(spec["datetime_format"]) if "datetime_format" in spec else None
    if kind is Kind.IDENTIFIER:
        return read_regex(spec["regex_format"]) if "regex_format" in spec else None
    if kind is Kind.PERSONAL and spec["sdtype"] != "unknown":
        return _TO_FAKER.get(spec["sdtype"], str(spec["sdtype"]))
    return None


def _read_levels(spec: dict[str, Any], kind: Kind) -> tuple[Scalar, ...] | None:
    values = spec.get("range_values")
    if values is None:
        return (False, True) if kind is Kind.BOOLEAN else None
    return tuple(values) if kind.is_discrete or kind is Kind.CONSTANT else None


def _read_bounds(column: Column, spec: dict[str, Any]) -> Column:
    lower, upper = spec.get("range_min"), spec.get("range_max")
    if column.kind.is_number:
        decimals = spec.get("decimal_places") if column.kind is Kind.DECIMAL else None
        bounds = [None if bound is None else float(bound) for bound in (lower, upper)]
        return dataclasses.replace(column, lower=bounds[0], upper=bounds[1], decimals=decimals)
    if column.kind is Kind.DATETIME:
        import pandas as pd

        dates = [
            None if bound is None else pd.to_datetime(bound, format=spec.get("datetime_format")).isoformat()
            for bound in (lower, upper)
        ]
        return dataclasses.replace(column, lower=dates[0], upper=dates[1])
    return column


def _guess_dtype(spec: dict[str, Any]) -> str:
    nullable = spec.get("range_is_nullable", True)
    match spec["sdtype"]:
        case "numerical" if spec.get("decimal_places") == 0:
            return "Int64" if nullable else "int64"
        case "numerical":
            return "float64"
        case "boolean":
            return "boolean" if nullable else "bool"
        case "datetime" if "datetime_format" not in spec:
            return "datetime64[ns]"
        case "categorical" | "ordinal" if isinstance(value := (spec.get("range_values") or [""])[0], int | float):
            if isinstance(value, bool):
                return "boolean" if nullable else "bool"
            return "float64" if isinstance(value, float) else "Int64" if nullable else "int64"
    return "object"


# -- to SDV -----------------------------------------------------------------------------------------------------


def to_sdv(schema: Schema, *, table: str = "table") -> Metadata:
    """Return the schema as SDV's metadata of one table.

    The entity becomes the sequence key and the time column the sequence index; other roles have no counterpart. No
    primary key is set, since a schema does not say which identifiers are unique.

    Raises
    ------
    UnsupportedError
        If sdv 2 is not installed.
    SchemaError
        If the table's name is empty.
    """
    if not table:
        raise SchemaError("the table's name is empty", remedy="give it a name")
    described: dict[str, Any] = {"columns": {column.name: _write_column(column) for column in schema}}
    for role, key in ((Role.ENTITY, "sequence_key"), (Role.TIME, "sequence_index")):
        for column in schema.with_role(role):
            described[key] = column.name
    try:
        with warnings.catch_warnings():
            # sdv and what it imports warn of their own deprecations, and so they may: nothing of ours runs here
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", UserWarning)
            from sdv.metadata import Metadata
    except ImportError:
        raise UnsupportedError("sdv, which defines Metadata, is not installed", remedy="pip install 'sdv>=2'") from None
    return Metadata.load_from_dict({"tables": {table: described}, "relationships": [], "METADATA_SPEC_VERSION": "V2"})


def _write_column(column: Column) -> dict[str, Any]:
    spec = _write_kind(column) | {"range_is_nullable": column.nullable}
    if column.kind.is_number:
        spec |= {key: bound for key, bound in _bounds(column) if bound is not None}
    elif column.kind is Kind.DATETIME:
        spec |= {key: _write_date(str(bound), column.format) for key, bound in _bounds(column) if bound is not None}
    return spec


def _write_kind(column: Column) -> dict[str, Any]:
    match column.kind:
        case Kind.INTEGER:
            return {"sdtype": "numerical", "decimal_places": 0}
        case Kind.DECIMAL:
            decimals = column.decimals
            return {"sdtype": "numerical"} | ({} if decimals is None else {"decimal_places": decimals})
        case Kind.DATETIME:
            return {"sdtype": "datetime"} | ({"datetime_format": column.format} if column.format else {})
        case Kind.IDENTIFIER:
            regex = write_regex(column.format)
            return {"sdtype": "id"} | ({"regex_format": regex} if regex else {})
        case Kind.PERSONAL:
            provider = column.format or "name"
            return {"sdtype": _TO_SDV.get(provider, provider), "pii": True}
        case Kind.TEXT:
            return {"sdtype": "unknown", "pii": True}
        case Kind.BOOLEAN if column.dtype in ("bool", "boolean", "bool[pyarrow]"):
            return {"sdtype": "boolean"}
    sdtype = "ordinal" if column.kind is Kind.ORDINAL else "categorical"
    return {"sdtype": sdtype} | ({"range_values": list(column.levels)} if column.levels else {})


def _bounds(column: Column) -> tuple[tuple[str, float | str | None], ...]:
    return (("range_min", column.lower), ("range_max", column.upper))


def _write_date(bound: str, form: str | None) -> str:
    import pandas as pd

    stamp = pd.Timestamp(bound)
    return stamp.strftime(form or "%Y-%m-%d %H:%M:%S")
