"""Audits of private models: what `synthx_privacy.audit` needs, made of a model, a schema and a table.

Everything that is tried is a fit, so auditing costs the time of some ten fits. No budget is spent: the audit publishes
nothing but whether a fault was found, and after a failure what it quotes is as private as the table.
"""

from __future__ import annotations

from synthx.auditing.descents import DescentPlan, audit_descent, descent_of, planned
from synthx.auditing.fits import audit_contents, audit_fit, audit_saved, published_by
from synthx.auditing.tables import neighbours_of, strangers_of, with_row, with_unit_last

__all__ = [
    "DescentPlan",
    "audit_contents",
    "audit_descent",
    "audit_fit",
    "audit_saved",
    "descent_of",
    "neighbours_of",
    "planned",
    "published_by",
    "strangers_of",
    "with_row",
    "with_unit_last",
]
