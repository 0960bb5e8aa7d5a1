"""Column names as words, and what those words promise about the cells."""

from __future__ import annotations

import re

__all__ = ["contains", "names_date", "names_key", "names_label", "names_thing", "words"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


def words(name: str) -> tuple[str, ...]:
    """Split a column name into lower-case words.

    >>> words("RecordID"), words("first_name"), words("Unnamed: 0")
    (('record', 'id'), ('first', 'name'), ('unnamed', '0'))
    """
    return tuple(word.lower() for word in _WORD.findall(name))


_KEY_ENDINGS = frozenset(words("id ids key pk uuid guid nbr identifier rowid"))
# "number" alone counts things (number_of_children); with one of these before it, it names one of them.
_NUMBERED = frozenset(
    words(
        "account acct booking card case client contract customer document invoice loan member order patient policy "
        "record reference serial ticket transaction user"
    )
)
# Alone, as the whole name, each of these stands for the number or the code of one of them.
_THINGS = frozenset(words("card client customer device employee member merchant patient person student subject user"))
_NUMBER_ENDINGS = frozenset(words("no nr num number"))
_LABEL_ENDINGS = frozenset({"code", "zip", "zipcode", "postcode", "plz", "icd", "cpt", "ndc", "loinc", "atc"})
_DATE_WORDS = frozenset(words("date day dt datum dob birthday birthdate yyyymmdd yymmdd ymd"))


def contains(name: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Whether the words of `phrase` occur in `name` side by side."""
    return any(name[start : start + len(phrase)] == phrase for start in range(len(name) - len(phrase) + 1))


def names_key(name: str) -> bool:
    """Whether the name promises keys: ``patient_nbr``, ``RecordID``, ``account``, ``invoice_no``."""
    split = words(name)
    if not split:
        return False
    numbered = len(split) > 1 and split[-1] in _NUMBER_ENDINGS and split[-2] in _NUMBERED
    account = split[0] in ("account", "acct") and split[1:] in ((), ("to",), ("from",))
    return split[-1] in _KEY_ENDINGS or numbered or account


def names_thing(name: str) -> bool:
    """Whether the whole name is a thing that has a number, so that numbers under it are keys: ``patient``, ``card``."""
    split = words(name)
    return len(split) == 1 and split[0] in _THINGS


def names_label(name: str) -> bool:
    """Whether the name promises labels that only look like numbers: ``zip_code``, ``icd``."""
    split = words(name)
    return bool(split) and (split[-1] in _LABEL_ENDINGS or contains(split, ("postal",)) or contains(split, ("zip",)))


def names_date(name: str) -> bool:
    """Whether the name promises dates: ``order_date``, ``dob``."""
    return any(word in _DATE_WORDS for word in words(name))
