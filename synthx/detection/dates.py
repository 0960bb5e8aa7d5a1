"""Dates and times stored as text or as whole numbers: the `strptime` format that reads every value."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from synthx.detection.cells import Cells, Finding
from synthx.detection.patterns import sample
from synthx.detection.words import names_date
from synthx.schema import Kind

__all__ = ["find_date_number", "find_date_text", "parse_dates"]

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_CLOCK = (
    r"(?P<clock>\d{1,2}:\d{2}(?P<seconds>:\d{2}(?P<fraction>\.\d{1,6})?)?)"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
_TEXT = re.compile(rf"(?P<date>[^:]{{6,18}}?)?(?:(?P<join>(?<=.)[T ])?{_CLOCK})?")
_DATES = tuple(
    (re.compile(pattern), formats)
    for pattern, formats in (
        (r"\d{4}([-/.])\d{1,2}\1\d{1,2}", ("%Y{0}%m{0}%d",)),
        (r"\d{4}([-/])\d{2}", ("%Y{0}%m",)),
        (r"\d{1,2}([-/. ])\d{1,2}\1\d{4}", ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y")),
        (r"\d{1,2}([-/.])\d{1,2}\1\d{2}", ("%m{0}%d{0}%y", "%d{0}%m{0}%y", "%y{0}%m{0}%d")),
        (r"\d{1,2}([-/. ])[A-Za-z]{3,9}\1\d{4}", ("%d{0}%b{0}%Y", "%d{0}%B{0}%Y")),
        (r"\d{1,2}([-/. ])[A-Za-z]{3}\1\d{2}", ("%d{0}%b{0}%y",)),
        (r"[A-Za-z]{3,9}( )\d{1,2}, \d{4}", ("%b{0}%d, %Y", "%B{0}%d, %Y")),
        (r"[A-Za-z]{3,9}([- ])\d{4}", ("%b{0}%Y", "%B{0}%Y")),
        (r"\d{8}()", ("%Y%m%d",)),
    )
)


class _Shape(NamedTuple):
    """How one text is put together; all texts of a column must agree in it."""

    dates: tuple[str, ...]
    join: str
    clock: str
    zoned: bool


def find_date_text(cells: Cells) -> Finding | None:
    """Recognise text in which every value is a date, a time or both, written in one format."""
    some = sample(cells.distinct, 100)
    first = _shape(str(some[0]))
    if first is None or any(_shape(str(text)) != first for text in some[1:]):
        return None
    zone = _zone(cells.distinct) if first.zoned else ""
    fitting = [form for form in (date + first.join + first.clock + zone for date in first.dates) if _fits(cells, form)]
    if not fitting:
        return None
    form, note = fitting[0], ""
    if len(fitting) > 1 and "%b" not in form:
        form, note = _settle_order(cells, fitting)
    if not _is_written_so(some, form):
        note += "; single digits will be written with a leading zero"
    return Finding(Kind.DATETIME, f"text, every value reads as {form}{note}", format=form)


def find_date_number(cells: Cells) -> Finding | None:
    """Recognise whole numbers that are dates: 20240320, or 930101 where enough of them are dates to rule out chance.

    About one number in 28 reads as a date of its century by chance; a handful of distinct values settles it.
    """
    numbers = cells.distinct
    named = names_date(cells.name)
    low, high = float(numbers.min()), float(numbers.max())
    if low >= _FIRST_YEAR * 10_000 and high < (_LAST_YEAR + 1) * 10_000 and len(numbers) >= (2 if named else 5):
        form = "%Y%m%d"
    elif low >= 100_101 and high <= 991_231 and len(numbers) >= (5 if named else 30):
        form = "%y%m%d"
    else:
        return None
    parsed = parse_dates(numbers, form)
    if parsed.isna().any():
        return None
    if form == "%y%m%d" and not parsed.dt.year.between(1969, 2040).all():
        return None  # two digits cannot tell 1945 from 2045
    return Finding(Kind.DATETIME, f"whole numbers, every value reads as {form}", format=form)


def parse_dates(distinct: np.ndarray[Any, Any], form: str) -> pd.Series[Any]:
    """Parse text or whole numbers; what does not parse is NaT. Several time zones are brought to UTC."""
    texts = pd.Series(distinct)
    if texts.dtype.kind in "iuf":
        texts = texts.astype(np.int64).astype(str)
    return pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form)


def _shape(text: str) -> _Shape | None:
    found = _TEXT.fullmatch(text)
    if found is None or not text:
        return None
    parts = found.groupdict(default="")
    clock = ""
    if parts["clock"]:
        clock = ("%I" if parts["half"] else "%H") + ":%M" + (":%S" if parts["seconds"] else "")
        clock += ".%f" if parts["fraction"] else ""
        clock += parts["half"][:-2] + "%p" if parts["half"] else ""
    if not parts["date"]:
        return _Shape(("",), "", clock, bool(parts["zone"])) if clock else None
    for pattern, formats in _DATES:
        matched = pattern.fullmatch(parts["date"])
        if matched:
            dates = tuple(form.format(matched.group(1)) for form in formats)
            return _Shape(dates, parts["join"], clock, bool(parts["zone"]))
    return None


def _zone(distinct: np.ndarray[Any, Any]) -> str:
    """Return the zone's part of the format: the offset itself if all texts share it, so that it is written the same."""
    ending = re.compile(r" ?(?:Z|[+-]\d{2}:?\d{2})$")
    found = {match.group() if (match := ending.search(text)) else "" for text in distinct}
    if len(found) == 1:
        return found.pop()
    return " %z" if all(zone.startswith(" ") for zone in found) else "%z"


def _fits(cells: Cells, form: str) -> bool:
    """Whether every value parses, to a year that people write."""
    if parse_dates(sample(cells.distinct, 100), form).isna().any():
        return False
    parsed = parse_dates(cells.distinct, form)
    if parsed.isna().any():
        return False
    if "%Y" not in form and "%y" not in form:
        return True
    if "%y" in form and len(cells.distinct) < 3 and not names_date(cells.name):
        return False
    return bool(parsed.dt.year.between(_FIRST_YEAR, _LAST_YEAR).all())


def _settle_order(cells: Cells, fitting: list[str]) -> tuple[str, str]:
    """Choose among formats that all fit: the one in which time runs one way, else by the habit of the separator."""
    parsed = {form: parse_dates(cells.distinct, form) for form in fitting}
    for form, dates in parsed.items():
        if len(dates) > 2 and (dates.is_monotonic_increasing or dates.is_monotonic_decreasing):
            return form, " (the order of rows tells day from month)"
    constant_day = [form for form, dates in parsed.items() if len(dates) > 1 and dates.dt.day.nunique() == 1]
    if len(constant_day) == 1:
        return constant_day[0], " (the day never changes)"
    separator = fitting[0][2]
    day_first = [form for form in fitting if form.startswith("%d")]
    form = day_first[0] if separator in "-." and day_first else fitting[0]
    return form, " (day and month cannot be told apart by the values: correct the format if it is wrong)"


def _is_written_so(texts: np.ndarray[Any, Any], form: str) -> bool:
    """Whether writing the parsed values in the format gives the same texts."""
    written = parse_dates(texts, form).dt.strftime(form).to_numpy()
    return "%z" in form or "%f" in form or [str(text).lower() for text in texts] == [text.lower() for text in written]
