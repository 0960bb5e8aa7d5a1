"""Rows as codes and offsets, and back."""
