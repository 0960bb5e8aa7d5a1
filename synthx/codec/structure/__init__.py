"""Columns that are functions of others, and rules between columns: found before modelling, true of every row after."""

from __future__ import annotations

from synthx.codec.structure.rules import Affine, Duplicate, Lookup, Order, Rule, SharedMissing, Sum
from synthx.codec.structure.structure import Structure

__all__ = ["Affine", "Duplicate", "Lookup", "Order", "Rule", "SharedMissing", "Structure", "Sum"]
