"""YAML whose every value knows its line, so that a mistake can be shown where it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

__all__ = ["Marked", "MarkedError", "parse"]


class MarkedError(ValueError):
    """A mistake in the text.

    Parameters
    ----------
    line : int
        Counted from 1.
    problem : str
        What is wrong; no full stop.
    """

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(f"line {line}: {problem}")


@dataclasses.dataclass(frozen=True, slots=True)
class Marked:
    """A YAML document: its plain values, and where they stand.

    Parameters
    ----------
    values : object
        Mappings, lists, strings, numbers, truth values.
    """

    values: Any
    _root: yaml.Node

    def line(self, place: Iterable[str | int]) -> int:
        """Return the line, counted from 1, of the value that keys and list positions lead to.

        What is not found on the way (a missing key, or a tag that a validator adds) leaves the place where it is.
        """
        node, line = self._root, self._root.start_mark.line
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if found:
                    line, node = found[0][0].start_mark.line, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line
        return int(line) + 1


class _Loader(yaml.SafeLoader):
    """Plain values only, and dates as text: YAML's own dates fail without saying where."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> Marked:
    """Read one YAML document of plain values; dates are text.

    Raises
    ------
    MarkedError
        If it is no YAML, holds nothing, names a key twice, or refers to itself (anchors are not needed here).
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            raise MarkedError(1, "the file is empty")
        for line, problem in _mistakes(root, set()):
            raise MarkedError(line, problem)
        return Marked(loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it is no YAML"
        raise MarkedError(1 if mark is None else mark.line + 1, problem) from None
    except yaml.reader.ReaderError as error:
        raise MarkedError(text.count("\n", 0, error.position) + 1, f"the {error.reason}") from None
    except ValueError as error:  # a value that its tag forbids, such as `!!int one`; YAML does not say where
        if isinstance(error, MarkedError):
            raise
        raise MarkedError(1, str(error)) from None


def _mistakes(node: yaml.Node, seen: set[int]) -> Iterator[tuple[int, str]]:
    """Yield lines and problems of keys named twice and of anchors used again, in the order of the text."""
    if id(node) in seen:
        yield node.start_mark.line + 1, "what stands here is referred to again by an alias: write it out"
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mistakes(item, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key.start_mark.line + 1, "a key is a word"
                return
            if key.value in keys:
                yield key.start_mark.line + 1, f"the key {key.value!r} stands here a second time"
            keys.add(key.value)
            yield from _mistakes(value, seen)
