"""Membership inference: attacks that ask whether the generator saw a row."""

from __future__ import annotations

from synthx_evaluation.membership.records import membership
from synthx_evaluation.membership.shadows import Learn, shadow_attack

__all__ = ["Learn", "membership", "shadow_attack"]
