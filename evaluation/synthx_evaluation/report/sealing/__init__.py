"""Hashes, signatures and fingerprints: whether anything was altered."""

from __future__ import annotations
