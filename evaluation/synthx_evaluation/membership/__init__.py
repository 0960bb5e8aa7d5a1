"""Membership inference: attacks that ask whether the generator saw a row."""

from __future__ import annotations

from synthx_evaluation.membership.records import membership

__all__ = ["membership"]
