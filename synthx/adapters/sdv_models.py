"""SDV's table synthesizers as they come: default settings, public interface, nothing printed (sdv 2).

**Seeds.** SDV offers no seed. Fitting its neural models draws from the global generators of torch and numpy, which are
seeded here, so seeds differ truly. But sampling starts at the same random state after every fit. The Gaussian copula
learns without chance, so every seed would give the same table; here seed `s` gets the `s`-th table after the start
(`SDVModel.skip`), and seeds `COPULA_SEEDS` apart are alike.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from synthx.errors import DataError, NotFittedError, ParameterError, UnsupportedError
from synthx.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COPULA_SEEDS", "SDV_MODELS", "SDVModel", "missing"]

SDV_MODELS = {
    "sdv-gaussian-copula": "GaussianCopulaSynthesizer",
    "sdv-ctgan": "CTGANSynthesizer",
    "sdv-copula-gan": "CopulaGANSynthesizer",
    "sdv-tvae": "TVAESynthesizer",
}
"""Name -> class in `sdv.single_table`."""

COPULA_SEEDS = 16
"""How many different tables the Gaussian copula gives; each more costs a table that is thrown away."""

_MAJOR = "2"
_TABLE = "table"


def missing() -> str:
    """Return why SDV's models cannot run here; empty where they can."""
    try:
        with _silent():
            import sdv
            from sdv import single_table  # noqa: F401
    except ImportError as error:
        return f"sdv cannot be imported ({error}); pip install 'sdv>={_MAJOR}'"
    version = str(getattr(sdv, "__version__", "unknown"))
    if version.split(".")[0] != _MAJOR:
        return f"sdv is version {version}, and only version {_MAJOR} is known here; pip install 'sdv>={_MAJOR},<3'"
    return ""


class SDVModel:
    """One of SDV's synthesizers of single tables, with its default settings.

    Parameters
    ----------
    name : str
        A key of `SDV_MODELS`.
    seed : int
        See the module: what SDV's interface permits.

    Raises
    ------
    ParameterError
        If there is no model of that name.
    UnsupportedError
        If sdv is not installed, or of another major version.
    """

    def __init__(self, name: str, *, seed: int = 0) -> None:
        if name not in SDV_MODELS:
            raise ParameterError(f"there is no model {name!r}", remedy=f"choose from {', '.join(SDV_MODELS)}")
        if reason := missing():
            problem, _, remedy = reason.partition("; ")
            raise UnsupportedError(problem, remedy=remedy)
        self.name, self.seed = name, seed
        self._synthesizer: Any = None
        self._columns: list[str] = []

    def fit(self, frame: pd.DataFrame, schema: Schema) -> Self:
        """Learn a table whose columns the schema describes; return self."""
        import numpy as np
        import torch

        with _silent():
            from sdv import single_table

            self._synthesizer = getattr(single_table, SDV_MODELS[self.name])(schema.to_sdv(_TABLE))
            torch.manual_seed(self.seed)
            np.random.seed(self.seed % 2**32)  # noqa: NPY002 - the generator that SDV draws from
            self._synthesizer.fit({_TABLE: _without_categories(frame)})
        self._columns = list(frame.columns)
        return self

    def skip(self, rows: int) -> None:
        """Throw away the tables of `rows` rows that belong to smaller seeds, where fitting knows no chance."""
        if self.name == "sdv-gaussian-copula":
            for _ in range(self.seed % COPULA_SEEDS):
                self.sample(rows)

    def sample(self, rows: int) -> pd.DataFrame:
        """Draw new rows, shape (rows, columns).

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If SDV gave fewer rows than were asked for.
        """
        if self._synthesizer is None:
            raise NotFittedError(f"this {self.name} has learned nothing yet", remedy="call fit first")
        with _silent():
            drawn: pd.DataFrame = self._synthesizer.sample(rows)[_TABLE]
        if len(drawn) != rows:
            raise DataError(f"{self.name} gave {len(drawn)} rows of {rows}", remedy="ask for fewer rows")
        return drawn[self._columns].reset_index(drop=True)


def _without_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with pandas' categories as plain objects, which is what SDV takes."""
    import pandas as pd

    categories = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(categories, "object"))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep to itself what SDV and its dependencies warn of and print."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
