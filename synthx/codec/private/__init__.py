"""Codes of a table that no cell is read for but by noisy counts."""
