"""Personal data: recognised by the column's name where the cells do not contradict it, or by the cells alone.

The cells alone must be unmistakable (an e-mail address, a checksum that always holds), since a false alarm replaces a
column that a model should have learned.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np

from synthx.detection.cells import Cells, Finding
from synthx.detection.patterns import match_share, matches_all, sample
from synthx.detection.words import contains, words
from synthx.schema import Kind

__all__ = ["find_personal_number", "find_personal_text"]

_PHRASES: dict[str, str] = {
    "email": "email; e mail; mail address",
    "phone_number": "phone; telephone; mobile; cell; fax; msisdn; tel; phonenumber",
    "ssn": "ssn; social security; national id; birth number; tax id; nhs number; national insurance; personnummer",
    "passport_number": "passport",
    "iban": "iban",
    "credit_card_number": "credit card; card number; cc number; cardnumber; creditcard",
    "ipv4": "ip; ip address; ipaddress; ipv4",
    "first_name": "first name; given name; forename; firstname; fname; middle name",
    "last_name": "last name; surname; family name; lastname; lname; maiden name",
    "name": "full name; fullname; customer name; patient name; person name; employee name; contact name; client name; "
    "member name; cardholder; holder name; doctor name; physician name; user full name",
    "user_name": "user name; username; login",
    "street_address": "street; address; addr; address line",
    "license_plate": "license plate; licence plate; number plate",
}
_BY_NAME = {tuple(phrase.split()): provider for provider, text in _PHRASES.items() for phrase in text.split("; ")}

_PLAUSIBLE = {
    "email": r"[^@\s]+@[^@\s]+",
    "phone_number": r"[-+()./ x\d]*(?:\d[-+()./ x]*){7,18}",
    "ssn": r"(?:[A-Za-z]{0,3}[-./ ]?\d[-./ ]?){5,14}[A-Za-z]{0,3}",
    "passport_number": r"[A-Z0-9]{6,12}",
    "iban": r"[A-Z]{2}\d{2}[A-Z0-9 ]{8,36}",
    "credit_card_number": r"(?:[\dxX*][ -]?){12,19}",
    "ipv4": r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]*:[0-9a-fA-F:]+",
    "user_name": r"\S{3,40}",
    "street_address": r"(?s).*\d.*\s.*|.*\s.*\d.*",
    "license_plate": r"[A-ZÄÖÜ0-9][-A-ZÄÖÜ0-9 ]{3,11}",
}
_PERSON = r"\p{L}[\p{L}'’.,\- ]*"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_STREETS = (
    "st|street|ave|avenue|rd|road|blvd|boulevard|ln|lane|dr|drive|way|ct|court|pl|place|sq|square|ter|terrace|pkwy|hwy"
)
_UNMISTAKABLE = (
    ("email", r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}"),
    ("iban", r"[A-Z]{2}\d{2} ?(?:[A-Z0-9] ?){11,30}"),
    ("ssn", r"\d{3}-\d{2}-\d{4}"),
    ("credit_card_number", r"(?:\d[ -]?){12,19}"),
    ("ipv4", rf"(?:{_OCTET}\.){{3}}{_OCTET}"),
    ("ipv6", r"(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}"),
    ("mac_address", r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}"),
    (
        "phone_number",
        r"(?:\+|00)\d{1,3}[-. /]?\(?\d[-. /()\d]{5,16}\d(?: ?x\d+)?"
        r"|(?:1[-. ])?\(\d{3}\)[-. ]?\d{3}[-. ]\d{4}(?: ?x\d+)?"
        r"|(?:1[-. ])?\d{3}([-. ])\d{3}[-. ]\d{4}(?: ?x\d+)?",
    ),
    ("street_address", rf"(?is)\d+\w? (?:[\p{{L}}\d.'-]+ ){{1,4}}(?:{_STREETS})\b.*"),
    ("street_address", r"(?s)\d{1,5}[A-Za-z]? \p{Lu}\p{Ll}+ \p{Lu}\p{Ll}+.*"),
    ("street_address", r"(?i)[\p{L}. -]+(?:straße|strasse|str\.|weg|platz|allee|gasse) \d+ ?[a-z]?(?:,.*)?"),
)
_LOCALES = ("en_US", "de_DE", "es_ES", "fr_FR", "it_IT", "pt_BR")
_MOSTLY = 0.9
_MIN_DISTINCT = 3
_MIN_STREETS = 20
_MIN_CARDS = 8
"""One number in ten has a right Luhn digit by chance; eight in a row do not."""


def find_personal_text(cells: Cells) -> Finding | None:
    """Recognise personal data among texts."""
    return _by_name(cells, cells.distinct) or _by_cells(cells.distinct) or _people(cells.distinct)


def find_personal_number(cells: Cells) -> Finding | None:
    """Recognise telephone, card and social-security numbers that are stored as whole numbers."""
    if float(np.abs(cells.distinct).max()) < 10_000 or float(cells.distinct.min()) < 0:
        return None
    texts = cells.distinct.astype(np.int64).astype(str).astype(object)
    named = _by_name(cells, texts)
    if named is not None and named.format in ("phone_number", "ssn", "credit_card_number", "passport_number"):
        return named
    if matches_all(texts, r"\d{12,19}") and _cards(texts):
        return Finding(Kind.PERSONAL, "whole numbers with payment cards' check digit", format="credit_card_number")
    return None


def _by_name(cells: Cells, texts: np.ndarray[Any, Any]) -> Finding | None:
    split = words(cells.name)
    provider = next((provider for phrase, provider in _BY_NAME.items() if contains(split, phrase)), None)
    if provider is None or len(texts) <= 2:
        return None
    people = provider in ("first_name", "last_name", "name")
    plausible = _PERSON if people else _PLAUSIBLE[provider]
    if provider == "street_address" and len(texts) < _MIN_STREETS:
        return None  # `Street` with values Pave and Grvl is no address
    if match_share(texts, plausible, least=_MOSTLY) < (0.6 if provider == "street_address" else _MOSTLY):
        return None
    return Finding(Kind.PERSONAL, f"personal data by its name and the look of its cells: {provider}", format=provider)


def _by_cells(distinct: np.ndarray[Any, Any]) -> Finding | None:
    for provider, pattern in _UNMISTAKABLE:
        least = {"email": 1, "iban": 1, "street_address": _MIN_STREETS}.get(provider, _MIN_DISTINCT)
        if len(distinct) < least or match_share(distinct, pattern, least=_MOSTLY) < _MOSTLY:
            continue
        if provider == "iban" and not all(map(_is_iban, sample(distinct, 50))):
            continue
        if provider == "credit_card_number" and not _cards(distinct):
            continue
        return Finding(Kind.PERSONAL, f"personal data by the look of its cells: {provider}", format=provider)
    return None


def _people(distinct: np.ndarray[Any, Any]) -> Finding | None:
    """Recognise people's full names: two to four capitalised words, most with a given name that many people bear."""
    some = sample(distinct)
    word = r"\p{Lu}[\p{L}'’-]*\.?"
    if len(some) < 5 or match_share(some, rf"{word}(?:,? {word}){{1,4}}(?: \(.*\))?", least=_MOSTLY) < 0.8:
        return None
    given = _given_names()
    bearers = sum(any(part.strip('.,()"') in given for part in text.split()) for text in some.tolist())
    if bearers < 0.6 * len(some):
        return None
    return Finding(Kind.PERSONAL, "personal data by the look of its cells: people's names", format="name")


@cache
def _given_names() -> frozenset[str]:
    providers = [importlib.import_module(f"faker.providers.person.{locale}").Provider for locale in _LOCALES]
    lists = ("first_names", "first_names_male", "first_names_female")
    return frozenset(name for provider in providers for part in lists for name in getattr(provider, part, ()))


def _cards(distinct: np.ndarray[Any, Any]) -> bool:
    return len(distinct) >= _MIN_CARDS and all(map(_is_luhn, sample(distinct, 200)))


def _is_luhn(text: str) -> bool:
    """Whether the digits carry a right check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in text if digit.isdecimal()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return 12 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Whether the account number carries right check digits (ISO 13616: remainder 1 modulo 97)."""
    compact = text.replace(" ", "").upper()
    if not compact.isalnum() or not compact.isascii():
        return False
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1
