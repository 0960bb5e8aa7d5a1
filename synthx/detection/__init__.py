"""Schema detection: what each column of a table is, and why.

`detect` looks at the values first and at the column's name only where values cannot tell (a whole number is a key or a
quantity; seven digits are a telephone number or an amount). Expensive tests look at a sample; whatever they claim is
then confirmed on all distinct values. No reason quotes a cell, since reasons are saved with the schema.
"""

from __future__ import annotations

from synthx.detection.table import detect

__all__ = ["detect"]
