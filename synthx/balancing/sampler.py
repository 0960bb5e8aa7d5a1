"""An over-sampler of imbalanced-learn whose new rows come from a model of the whole table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from synthx.balancing.containers import as_frame, with_rows
from synthx.balancing.drawing import Rule, draw_all
from synthx.balancing.learning import learn_classes
from synthx.balancing.strategy import Strategy, check_learnable, check_strategy, check_target
from synthx.models.tabular import TableSynthesizer
from synthx.schema import Schema

__all__ = ["OverSampler"]


class OverSampler(BaseOverSampler):  # type: ignore[misc]  # imbalanced-learn is unannotated
    """Over-sample rare classes with new rows from a model that learned the whole table.

    The model sees all rows, so what a rare class shares with the others need not be learned from its few; rows of a
    class are drawn on condition. Near-copies of real rows are removed. Cells may be text, categories, times, truth
    values, nullable integers and missing; the real rows come first and are not changed.

    Parameters
    ----------
    model : TableSynthesizer or str, optional
        The model, of which a copy is fitted, or the name of one: "ar", "gan", "vae", "mst". None means "ar" with a
        time limit of half a minute and one more for every 8,000 rows. Its settings are reached as ``model__...``;
        with ``refine=True`` drawn rows are accepted by a density ratio.
    sampling_strategy : float, str, dict or callable
        As in imbalanced-learn: a ratio of two classes; "minority", "not minority", "not majority", "all" or "auto"
        (= "not majority"); a mapping of classes to the rows they shall have; or a function of y that returns one.
    schema : Schema, optional
        What each column of X is; detected if None.
    rules : sequence of callables
        Each takes new rows, with the columns of X, and says which of them can be; the others are drawn again.
    random_state : int, RandomState or None
        Of the drawing, and of the default model. A whole number gives the same rows on a CPU each time.

    Attributes
    ----------
    synthetic_mask_ : bool array, shape (rows,)
        Which rows of the result are new.
    report_ : dict of class to Drawn
        What became of the rows drawn for each class, near-copies and broken rules counted.
    class_prior_, resampled_prior_ : dict of class to float
        The shares of the classes before and after; see `correct_prior`.
    generator_ : ClassRows
        The fitted model; draws more rows of any class.
    sampling_strategy_ : dict of class to int
        The rows made for each class.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.linear_model import LogisticRegression
    >>> pipeline = make_pipeline(OverSampler(sampling_strategy=0.1), LogisticRegression())
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = dict.fromkeys(
        ("model", "sampling_strategy", "schema", "rules"), "no_validation"
    ) | {"random_state": ["random_state"]}

    def __init__(
        self,
        model: TableSynthesizer | str | None = None,
        *,
        sampling_strategy: Strategy = "auto",
        schema: Schema | None = None,
        rules: Sequence[Rule] = (),
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.model = model
        self.schema = schema
        self.rules = rules
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return the real rows and, after them, the new ones, with their classes.

        Parameters
        ----------
        X : DataFrame, array, list or sparse matrix, shape (rows, columns)
        y : Series, array or list, shape (rows,)
            The class of each row.

        Returns
        -------
        (X, y)
            In the containers, and with the names and types, that were given; a number index is counted on, and other
            labels of new rows are missing.

        Raises
        ------
        DataError
            If a class is missing in a row, there is one class only, a class that is to grow has one row, or no column
            varies.
        ParameterError
            If the strategy asks for fewer rows than there are, or names a class that is not there.
        """
        check_target(y)
        resampled: tuple[Any, Any] = super().fit_resample(X, y)
        return resampled

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:  # noqa: N802  # imbalanced-learn's name
        labels, one_vs_all = check_target_type(y, indicate_one_vs_all=True)
        labels = np.asarray(labels)
        check_strategy(self.sampling_strategy, labels)
        if isinstance(X, pd.DataFrame):
            validate_data(self, X=X, reset=True, skip_check_array=True)
            return X, labels, one_vs_all
        X = validate_data(
            self, X=X, reset=True, dtype=None, accept_sparse=["csr", "csc"], ensure_all_finite="allow-nan"
        )
        return X, labels, one_vs_all

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        random = check_random_state(self.random_state)
        seed, drawing = (int(value) for value in random.randint(np.iinfo(np.int32).max, size=2))
        check_learnable(self.sampling_strategy_, Counter(y.tolist()))
        frame = as_frame(X)
        self.generator_ = learn_classes(
            frame, y, model=self.model, schema=self.schema, seed=seed if self.random_state is not None else 0
        )
        rows, labels, self.report_ = draw_all(self.generator_, self.sampling_strategy_, seed=drawing, rules=self.rules)
        resampled = np.concatenate([y, labels.astype(y.dtype)])
        self.synthetic_mask_ = np.arange(len(resampled)) >= len(y)
        self.class_prior_, self.resampled_prior_ = _prior(y), _prior(resampled)
        return with_rows(X, rows), resampled

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _prior(labels: NDArray[Any]) -> dict[Hashable, float]:
    classes, counts = np.unique(labels, return_counts=True)
    return dict(zip(classes.tolist(), (counts / len(labels)).tolist(), strict=True))
