"""The exceptions of synthx, one tree.

::

    SynthxError
    ├── UserError            the user can mend it; the command line exits with status 2
    │   ├── DataError        a table or file does not hold what was asked of it
    │   ├── SchemaError      a schema contradicts itself or the table
    │   ├── ConditionError   a condition that no row can satisfy
    │   ├── ParameterError   an argument outside its range
    │   ├── PrivacyError     what was asked would break or overspend a privacy guarantee
    │   ├── ArtifactError    a model file that is damaged, foreign or too new
    │   ├── OutputError      a place that cannot be written to
    │   ├── NotFittedError   a model was used before `fit`
    │   ├── UnsupportedError a model lacks an ability; the message names one that has it
    │   └── ResourceError    memory ran out; the message names a smaller setting
    └── TrainingError        training could not be rescued; the command line exits with status 1

``DataWarning`` is no error: a table can be learned, but something of it will not come out as its user may expect.

Every `UserError` reads as one sentence: what is wrong, with the column and the value, then what to do.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ArtifactError",
    "ConditionError",
    "DataError",
    "DataWarning",
    "NotFittedError",
    "OutputError",
    "ParameterError",
    "PrivacyError",
    "ResourceError",
    "SchemaError",
    "SynthxError",
    "TrainingError",
    "UnsupportedError",
    "UserError",
]

_MOST_LIKE, _MOST_LISTED = 3, 12


class SynthxError(Exception):
    """Anything that synthx raises on purpose."""


class UserError(SynthxError):
    """A problem that the user can mend.

    Parameters
    ----------
    problem : str
        What is wrong, with the column and the value in it; no full stop.
    remedy : str
        What to do about it; no full stop.
    """

    def __init__(self, problem: str, *, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}.")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.remedy)


def _rebuild(cls: type[UserError], problem: str, remedy: str) -> UserError:
    """Rebuild a pickled error (worker processes send errors home); the remedy is keyword-only."""
    return cls(problem, remedy=remedy)


class DataError(UserError, ValueError):
    """A table or file does not hold what was asked of it."""


class SchemaError(UserError, ValueError):
    """A schema contradicts itself or the table."""


class ConditionError(UserError, ValueError):
    """A condition that no row can satisfy."""


class ParameterError(UserError, ValueError):
    """An argument outside its range."""


class PrivacyError(UserError, ValueError):
    """What was asked would break a privacy guarantee, or spend more than it allows."""


class ArtifactError(UserError, ValueError):
    """A model file that is damaged, foreign or too new."""


class OutputError(UserError, OSError):
    """A place that cannot be written to."""

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}."


class NotFittedError(UserError, ValueError, AttributeError):
    """A model was used before `fit`."""


class UnsupportedError(UserError, NotImplementedError):
    """A model lacks an ability; the message names one that has it."""


class ResourceError(UserError, MemoryError):
    """Memory ran out; the message names a smaller setting."""


class TrainingError(SynthxError, RuntimeError):
    """Training could not be rescued."""


class DataWarning(UserWarning):
    """A table can be learned, but something of it will not come out as its user may expect."""


def listed(known: Iterable[object], wanted: object) -> str:
    """Return what a remedy offers in the place of a name that is none: the names like it, or else the first dozen.

    >>> listed(["amount", "fraud", "shop"], "frod")
    "'fraud'"
    >>> listed(["amount", "fraud", "shop"], "x")
    "'amount', 'fraud', 'shop'"
    """
    import difflib  # an error is worth the milliseconds, an import of this file is not

    names = list(known)
    written = {str(name): name for name in names}
    like = difflib.get_close_matches(str(wanted), written, n=_MOST_LIKE)
    shown = [written[name] for name in like] or names[:_MOST_LISTED]
    more = " …" if not like and len(names) > len(shown) else ""
    return ", ".join(map(repr, shown)) + more
