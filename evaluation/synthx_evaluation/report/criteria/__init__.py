"""Criteria: rule packs, the facts they ask for, and how a figure meets a threshold."""

from __future__ import annotations
