"""Rule packs read from dated YAML files: those that come with synthx, and a team's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from synthx.errors import DataError, ParameterError
from synthx_evaluation.report.criteria.facts import FACTS
from synthx_evaluation.report.criteria.marked_yaml import Marked, MarkedError, parse
from synthx_evaluation.report.criteria.pack import FactTest, Pack

__all__ = ["Pack", "load_pack", "read_pack", "shipped_packs"]


def shipped_packs() -> tuple[str, ...]:
    """Return the names of the packs that come with synthx, sorted."""
    files = resources.files("synthx_evaluation.report.criteria.packs").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def load_pack(name: str | Path) -> Pack:
    """Return the shipped pack of that name, or a team's own from a file that ends in ``.yaml`` or ``.yml``.

    Raises
    ------
    ParameterError
        If there is no such pack; the known ones are named.
    DataError
        If the file cannot be read or is malformed; the line is named.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise DataError(
                f"the rule pack {str(name)!r} cannot be read", remedy="name a YAML file in UTF-8, or a shipped pack"
            ) from None
        return read_pack(text, name=str(name))
    if name not in shipped_packs():
        raise ParameterError(
            f"there is no rule pack {str(name)!r}",
            remedy=f"choose one of {', '.join(shipped_packs())}, or name your own .yaml file",
        )
    file = resources.files("synthx_evaluation.report.criteria.packs") / f"{name}.yaml"
    return read_pack(file.read_text(encoding="utf-8"), name=f"{name}.yaml")


def read_pack(text: str, *, name: str) -> Pack:
    """Return the pack that a YAML text holds.

    Parameters
    ----------
    text : str
        The YAML.
    name : str
        Of the file, for messages.

    Raises
    ------
    DataError
        If it is malformed: the first mistake, with its line.
    """
    try:
        document = parse(text)
        return _validated(document)
    except MarkedError as error:
        raise DataError(
            f"the rule pack {name!r} is malformed in line {error.line}: {error.problem}",
            remedy="mend that line; docs/rule_packs.md describes every field",
        ) from None


def _validated(document: Marked) -> Pack:
    try:
        pack = Pack.model_validate(document.values)
    except ValidationError as error:
        mistakes = [(_untagged(one["loc"]), one["msg"]) for one in error.errors(include_url=False)]
        place, says = min(mistakes, key=lambda one: document.line(one[0]))
        where = ".".join(str(step) for step in place) or "the pack"
        raise MarkedError(document.line(place), f"{where}: {says.removeprefix('Value error, ')}") from None
    for mistaken, problem in _contradictions(pack):
        raise MarkedError(document.line(mistaken), problem)
    return pack


def _untagged(place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a place without the kind of test, which pydantic puts behind its key."""
    return tuple(step for i, step in enumerate(place) if i == 0 or place[i - 1] != "test")


def _contradictions(pack: Pack) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the place and the problem of what each field alone cannot tell."""
    seen: set[str] = set()
    for i, line in enumerate(pack.criteria):
        if line.id in seen:
            yield ("criteria", i, "id"), f"the criterion {line.id!r} stands here a second time"
        seen.add(line.id)
        if line.source not in pack.sources:
            yield ("criteria", i, "source"), f"the sources hold no {line.source!r}"
        if isinstance(line.test, FactTest) and line.test.fact not in FACTS:
            yield (
                ("criteria", i, "test", "fact"),
                f"a report states no fact {line.test.fact!r}, only {', '.join(FACTS)}",
            )
