"""Sequences with differential privacy: an entity with all its steps is the unit."""
