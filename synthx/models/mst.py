"""TabularMST: a tree of noisy marginals, the model of choice under differential privacy.

It learns from noisy counts only: of each column, of each column beside the target, and of the pairs of columns (beside
the target again) that tell most about each other and form a tree. The name is that of the method it extends (McKenna,
Miklau & Sheldon 2021, arXiv:2108.04978). Drawing is exact ancestral sampling, so conditions cost nothing; and since
nothing but published counts goes into it, neither does drawing as many rows as one likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from synthx.codec.table import Coded
from synthx.condition import Window
from synthx.errors import ConditionError, PrivacyError
from synthx.models.tabular import TableSynthesizer
from synthx.training import Budget, Progress, Stopped

if TYPE_CHECKING:
    from torch import Tensor

    from synthx.models.private.fit import PrivateFit
    from synthx_privacy.privacy import Privacy
    from synthx_privacy.tree import TreeModel

__all__ = ["TabularMST", "TreeSampler"]


class TabularMST(TableSynthesizer):
    """A tree of noisy marginals, fitted with differential privacy.

    Parameters
    ----------
    privacy : Privacy
        What the fit may spend; there is no fit without it.
    max_minutes : float, optional
        Bounds `fit` as a whole.
    seed : int
        For drawing rows within the fit. It never reaches the noise: two fits differ, whatever the seed.
    device : str
        "auto", "cpu" or "cuda"; the model itself computes on the CPU.
    rare_threshold : int
        Has no effect on a private fit, which knows no rare levels: a level is declared, or bought.
    batch_size : int
        Rows that are drawn together.

    Examples
    --------
    >>> model = TabularMST(privacy=Privacy(epsilon=1)).fit(frame, schema)  # doctest: +SKIP
    >>> model.sample(500, given={"fraud": 1})  # doctest: +SKIP
    >>> model.ledger.epsilon()  # doctest: +SKIP
    """

    name: ClassVar[str] = "mst"

    learning_rate = 0.5
    refine = False
    tree_: TreeModel

    def __init__(
        self,
        *,
        privacy: Privacy | None = None,
        max_minutes: float | None = None,
        seed: int = 0,
        device: str = "auto",
        rare_threshold: int = 10,
        batch_size: int = 16_384,
    ) -> None:
        self.privacy = privacy
        self.max_minutes = max_minutes
        self.seed = seed
        self.device = device
        self.rare_threshold = rare_threshold
        self.batch_size = batch_size

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.privacy is None:
            raise PrivacyError(
                "TabularMST learns from noisy counts, and was given no privacy budget",
                remedy="give one, as in TabularMST(privacy=Privacy(epsilon=1)), or use TabularAR without one",
            )

    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        raise NotImplementedError("the tree is all there is to learn")  # pragma: no cover

    def _learn_privately(
        self, fit: PrivateFit, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        self.tree_ = fit.tree
        return "finished", 0

    # -- drawing ------------------------------------------------------------------------------------------------

    def _sampler(self) -> TreeSampler:
        return TreeSampler(self.tree_, self.codec_.domain.sizes, self.codec_.drawn)

    # -- files --------------------------------------------------------------------------------------------------

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        parts, arrays = self.tree_.to_dict()
        return {"tree": parts}, {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        from synthx_privacy.tree import TreeModel

        self.tree_ = TreeModel.from_dict(parts["tree"], {name: tensor.numpy() for name, tensor in tensors.items()})


class TreeSampler:
    """Draws coded rows from a tree model.

    Parameters
    ----------
    tree : TreeModel
    sizes : tuple of int
        The number of codes of each column.
    drawn : bool array, shape (sum of sizes,)
        Codes that may be drawn when nothing is asked of their column.
    """

    device = torch.device("cpu")

    def __init__(self, tree: TreeModel, sizes: tuple[int, ...], drawn: np.ndarray) -> None:
        self.tree = tree
        cuts = np.cumsum(sizes)[:-1]
        self.usual = {
            column: part.astype(np.float64) for column, part in enumerate(np.split(drawn, cuts)) if not part.all()
        }

    def draw(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Return codes, shape (rows, columns), that lie in the windows (by column index).

        Raises
        ------
        ConditionError
            If the model gives the windows no probability at all.
        """
        seed = int(torch.randint(2**62, (), generator=generator))
        weights = {**self.usual, **{column: window.weights for column, window in windows.items()}}
        try:
            codes = self.tree.draw(rows, weights, np.random.default_rng(seed))
        except ValueError:
            raise ConditionError(
                "no row meets all conditions at once, as far as the noisy counts tell", remedy="widen one of them"
            ) from None
        return torch.from_numpy(codes.astype(np.int64))
