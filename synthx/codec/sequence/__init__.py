"""Sequences as codes: what is known before a step, what numbers are measured from, steps and static columns."""
