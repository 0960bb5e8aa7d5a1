"""The rules of a table, as one value: take derived columns out, put them back, turn conditions round."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.structure.discovery import discover_rules
from synthx.codec.structure.inversion import invert_rule
from synthx.codec.structure.repair import align_missing, repair_orders
from synthx.codec.structure.rules import (
    Affine,
    DerivingRule,
    Duplicate,
    Lookup,
    Order,
    Rule,
    SharedMissing,
    Sum,
    rule_from_dict,
    rule_to_dict,
)
from synthx.condition import Condition
from synthx.errors import ArtifactError
from synthx.schema import Role, Schema

__all__ = ["Structure", "describe"]


@dataclasses.dataclass(frozen=True, slots=True)
class Structure:
    """Rules between the columns of a table.

    Parameters
    ----------
    rules : tuple of Rule
        In the order in which they are applied to a row of modelled columns: shared missing cells, orders, then derived
        columns, each after the columns that it is derived from. The rules hold in every training row.
    schema : Schema
        The table's schema, with the decimals that the rules rely on.

    Examples
    --------
    >>> frame = pd.DataFrame({"net": range(200), "tax": [i % 7 for i in range(200)]})
    >>> frame["gross"] = frame["net"] + frame["tax"]
    >>> structure = Structure.discover(frame, Schema.detect(frame))  # doctest: +SKIP
    >>> structure.derived  # doctest: +SKIP
    frozenset({'gross'})
    """

    rules: tuple[Rule, ...] = ()
    schema: Schema = dataclasses.field(default=Schema(()))

    @classmethod
    def discover(
        cls, frame: pd.DataFrame, schema: Schema, *, rare_threshold: int = 10, holders: NDArray[np.int64] | None = None
    ) -> Structure:
        """Find the rules that hold in every row of `frame` and are unlikely to do so by chance.

        The same frame always gives the same rules. Columns with the role target, protected or time are never derived,
        the entity takes part in no rule, and no rule stores a cell that fewer than `rare_threshold` rows hold.

        Parameters
        ----------
        frame : pandas.DataFrame
            The training rows; fewer than 100 give no rules.
        schema : Schema
            What its columns are.
        rare_threshold : int
            Fewer rows than this must not shape a rule.
        holders : int array, shape (rows,), optional
            The entity of each row, from 0; no rule then stores a cell that fewer than `rare_threshold` entities hold.
        """
        rules, schema = discover_rules(frame, schema, rare_threshold, holders)
        return cls(rules, schema)

    @property
    def derived(self) -> frozenset[str]:
        """The columns that are removed before modelling and rebuilt afterwards."""
        return frozenset(rule.column for rule in self.rules if isinstance(rule, DerivingRule))

    def reduce(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame without the derived columns."""
        return frame.drop(columns=[name for name in frame.columns if name in self.derived])

    def rebuild(self, frame: pd.DataFrame, *, fixed: frozenset[str] = frozenset()) -> pd.DataFrame:
        """Return the frame with its modelled columns made to obey the rules and the derived columns added.

        Parameters
        ----------
        frame : pandas.DataFrame
            The modelled columns, with the dtypes of the schema; other columns pass unchanged.
        fixed : frozenset of str
            Columns whose cells must stay as they are, because they were asked for. A derived column fixes the columns
            that it is derived from. A column with the role time is always fixed. Where fixed cells contradict a rule,
            the row breaks it; see `holds`.

        Returns
        -------
        pandas.DataFrame
            In the schema's column order, columns that the schema does not know at the end.
        """
        pinned = {kept for name in fixed for kept in self.sources_of(name)}
        pinned |= {column.name for column in self.schema.with_role(Role.TIME)}
        for rule in self.rules:
            if isinstance(rule, SharedMissing):
                frame = align_missing(frame, rule, frozenset(pinned))
        orders = [rule for rule in self.rules if isinstance(rule, Order)]
        frame = repair_orders(frame, self.schema, orders, frozenset(pinned))
        columns: dict[str, pd.Series[Any]] = {str(name): frame[name] for name in frame.columns}
        for rule in self.rules:
            if isinstance(rule, DerivingRule):
                sources = pd.DataFrame({name: columns[name] for name in rule.sources}, index=frame.index)
                columns[rule.column] = rule.apply(sources, self.schema)
        names = [name for name in self.schema.names if name in columns]
        names += [name for name in columns if name not in self.schema]
        return pd.DataFrame({name: columns[name] for name in names}, index=frame.index)

    def holds(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return, for each row of a whole table, whether it obeys every rule."""
        obeyed = np.ones(len(frame), dtype=bool)
        for rule in self.rules:
            obeyed &= rule.holds(frame, self.schema)
        return obeyed

    def sources_of(self, column: str) -> tuple[str, ...]:
        """Return the modelled columns that a column is made of; itself, if it is modelled."""
        rule = self._rule_of(column)
        if rule is None:
            return (column,)
        return tuple(dict.fromkeys(kept for source in rule.sources for kept in self.sources_of(source)))

    def invert(self, column: str, condition: Condition) -> tuple[str, Condition] | None:
        """Return the modelled column, and the condition on it, under which `column` meets `condition`.

        A modelled column returns itself. Every row that meets the returned condition meets the given one.

        Returns
        -------
        (str, Condition) or None
            None where one column alone does not decide, as for a sum. A `OneOf` may hold None, for a missing cell.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        rule = self._rule_of(column)
        if rule is None:
            return column, condition
        translated = invert_rule(rule, condition, self.schema)
        return None if translated is None else self.invert(rule.sources[0], translated)

    def _rule_of(self, column: str) -> DerivingRule | None:
        return next((rule for rule in self.rules if isinstance(rule, DerivingRule) and rule.column == column), None)

    def __repr__(self) -> str:
        return "\n".join([f"Structure of {len(self.rules)} rules", *(f"  {describe(rule)}" for rule in self.rules)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"rules": [rule_to_dict(rule) for rule in self.rules], "schema": self.schema.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Structure:
        """Build a structure from JSON values.

        Raises
        ------
        ArtifactError
            If the rules are not such as this version writes.
        SchemaError
            If the schema is not.
        """
        if not isinstance(values.get("rules"), list) or not isinstance(values.get("schema"), Mapping):
            raise ArtifactError(
                "the file's rules between columns are damaged", remedy="fetch or save it again, or train again"
            )
        return cls(tuple(rule_from_dict(rule) for rule in values["rules"]), Schema.from_dict(values["schema"]))


def describe(rule: Rule) -> str:
    """Return a rule in a few words."""
    match rule:
        case Duplicate(column, source):
            return f"{column} = {source}"
        case Affine(column, source, scale, shift):
            return f"{column} = {scale:g} × {source} + {shift:g}"
        case Lookup(column, source, table, _):
            return f"{column} is a function of {source} ({len(table)} levels)"
        case Sum(column, parts, weights):
            terms = " ".join(_term(weight, part) for weight, part in zip(weights, parts, strict=True))
            return f"{column} = {terms.removeprefix('+ ')}"
        case Order(low, high):
            return f"{low} ≤ {high}"
        case SharedMissing(columns):
            return f"{', '.join(columns)} are missing together"


def _term(weight: float, part: str) -> str:
    size = "" if abs(weight) == 1 else f"{abs(weight):g} × "
    return f"{'+' if weight > 0 else '-'} {size}{part}"
