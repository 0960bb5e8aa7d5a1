"""Do a model file, a log or a report hold anything of the rows?

Strings and numbers that were planted are looked for in all the ways in which files hold them, and arrays as long as the
data are.
"""

from __future__ import annotations

import gzip
import io
import json
import secrets
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from synthx.errors import DataError
from synthx_privacy.audit.finding import Finding, failed, passed

__all__ = ["audit_lengths", "audit_strings", "contents_of", "needles", "plant_numbers", "plant_strings"]

STRINGS, LENGTHS = "scan.strings", "scan.lengths"
DEEPEST = 3
"""Archives in archives."""
FEWEST_ROWS = 32
"""Lengths below this come about by chance."""


def plant_strings(count: int) -> list[str]:
    """Return strings that occur nowhere else."""
    return [str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)) for _ in range(count)]


def plant_numbers(count: int) -> list[float]:
    """Return numbers that occur nowhere else: ten digits, and a fraction that needs all of a double."""
    return [10.0**9 + secrets.randbelow(8 * 10**9) + secrets.randbelow(2**19) / 2**19 for _ in range(count)]


def needles(value: str | float) -> list[bytes]:
    """Return the bytes as which files hold a planted value."""
    if isinstance(value, float):
        short = struct.pack("<f", value), struct.pack(">f", value)
        return [repr(value).encode(), struct.pack("<d", value), struct.pack(">d", value), *short]
    escaped = json.dumps(value)[1:-1]
    texts = dict.fromkeys((value, escaped, value.lower(), value.upper()))
    forms = [text.encode() for text in texts] + [value.encode("utf-16-le"), value.encode("utf-32-le")]
    if value.count("-") == 4 and len(value) == 36:
        plain = value.replace("-", "")
        forms += [plain.encode(), bytes.fromhex(plain)]
    return list(dict.fromkeys(forms))


def contents_of(path: str | Path) -> dict[str, bytes]:
    """Return what a file holds, by name; members of archives and compressed streams are unpacked.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"the file {str(path)!r} cannot be read ({error.strerror})", remedy="check the path") from error
    return dict(_unpacked(path.name, data, DEEPEST))


def _unpacked(name: str, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    yield name, data
    if depth == 0:
        return
    if data[:2] == b"\x1f\x8b":
        try:
            yield from _unpacked(f"{name} unpacked", gzip.decompress(data), depth - 1)
        except (OSError, EOFError, zlib.error):
            return
    elif zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _unpacked(f"{name}/{member}", archive.read(member), depth - 1)


def audit_strings(contents: Mapping[str, bytes | str], planted: Iterable[str | float]) -> Finding:
    """Look for planted values.

    Parameters
    ----------
    contents : mapping of str to bytes or text
        What was published, by name: members of a file (`contents_of`), a log, a report.
    planted : iterable of str or float
        Values that were in the data and occur nowhere else.
    """
    planted = list(planted)
    for name, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        for value in planted:
            if any(form in data for form in needles(value)):
                return failed(STRINGS, f"{name} holds {value!r} of the data")
    size = sum(map(len, contents.values()))
    return passed(STRINGS, f"none of {len(planted)} planted values is in {len(contents)} parts of {size:,} characters")


def audit_lengths(values: Mapping[str, Any], rows: int) -> Finding:
    """Look for lists and arrays that are as long as the data.

    Parameters
    ----------
    values : mapping of str to object
        JSON values, and arrays or tensors, by name.
    rows : int
        Of the data; choose a number that nothing else has.
    """
    if rows < FEWEST_ROWS:
        raise DataError(f"{rows} rows are too few to tell arrays by their length", remedy=f"give {FEWEST_ROWS} or more")
    for name, value in values.items():
        found = next((place for place, size in _sizes(name, value) if size == rows), None)
        if found is not None:
            return failed(LENGTHS, f"{found} is as long as the data, {rows}")
    return passed(LENGTHS, f"nothing in {len(values)} parts is as long as the data, {rows}")


def _sizes(place: str, value: Any) -> Iterator[tuple[str, int]]:
    """Yield the lengths of all lists, mappings and dimensions in a value, and where they are."""
    if hasattr(value, "shape"):
        for axis, size in enumerate(value.shape):
            yield f"axis {axis} of {place}", int(size)
        yield f"{place}, flat,", int(value.size if isinstance(value.size, int) else value.numel())
    elif isinstance(value, Mapping):
        yield place, len(value)
        for key, part in value.items():
            yield from _sizes(f"{place}.{key}", part)
    elif isinstance(value, list | tuple):
        yield place, len(value)
        for index, part in enumerate(value):
            yield from _sizes(f"{place}[{index}]", part)
