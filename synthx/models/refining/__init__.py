"""Accepting drawn rows in proportion to how likely they are real."""
